//! Any bytes as a model, their checksum put right: they are read to one spelling or say where they are wrong, and what is read
//! judges within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use xd_core::classify::Model;
use xd_core::{Limits, Message};

const MAIL: &[u8] =
    b"From: Support <a@example.com>\r\nSubject: Your account\r\n\r\nSign in at https://example.net/login now.\r\n";

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    let Ok(model) = Model::read(&bytes) else { return };
    let written = model.to_bytes();
    assert_eq!(Model::read(&written).as_ref(), Ok(&model));
    let (least, most) = model.range();
    let points = model.points(&Message::parse(MAIL, &Limits::default()));
    assert!(least <= points && points <= most);
    assert!(model.reasons(&Message::parse(MAIL, &Limits::default()), 5).len() <= 5);
});
