//! Any bytes as a record of SPF: it is read whole or not at all, and each of its terms alone says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_auth::spf::Record;

const VERSION: &[u8] = b"v=spf1 ";

fuzz_target!(|bytes: &[u8]| {
    let _ = Record::is_meant_by(bytes);
    let text = [VERSION, bytes].concat();
    assert!(Record::is_meant_by(&text));
    match Record::parse(&text) {
        Ok(record) => {
            assert!(text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' '));
            for directive in &record.directives {
                let alone = [VERSION, directive.text.as_bytes()].concat();
                assert_eq!(Record::parse(&alone).expect("it was right before").directives, [*directive]);
            }
        }
        Err(fault) => {
            let alone = [VERSION, fault.term].concat();
            let twice = Record::parse(&alone).is_ok();
            assert!(!twice || fault.error == xd_auth::spf::SyntaxError::Repeated);
        }
    }
});
