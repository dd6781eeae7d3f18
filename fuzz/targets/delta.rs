//! Any bytes as what was learned, their checksum put right: they are read to one spelling or say where they are wrong, and what is
//! read merges with itself to itself and judges within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use xd_core::classify::{Delta, DeltaModel, Features, Label, POINTS_MAX};
use xd_core::{Limits, Message, Timestamp};

const MAIL: &[u8] =
    b"From: Support <a@example.com>\r\nSubject: Your account\r\n\r\nSign in at https://example.net/login now.\r\n";

fuzz_target!(|bytes: &[u8]| {
    let _ = Delta::read(bytes);
    let mut bytes = bytes.to_vec();
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    let Ok(delta) = Delta::read(&bytes) else { return };
    assert_eq!(delta.to_bytes(), bytes, "there is one spelling");
    assert_eq!(delta.clone().merged(&delta), delta);
    let message = Message::parse(MAIL, &Limits::default());
    let mut more = delta.clone();
    more.learn([7; 32], Label::Spam, Timestamp::from_unix(i64::MAX), &Features::of(&message));
    assert_eq!(delta.clone().merged(&more), more.clone().merged(&delta));
    for delta in [delta, more] {
        let learned = DeltaModel::of(&delta).consult(&message);
        assert!(-POINTS_MAX <= learned.points && learned.points <= POINTS_MAX);
        assert!(learned.ham + learned.spam <= learned.lessons);
    }
});
