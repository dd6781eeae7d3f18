//! Any bytes as a compound file: a document, or a message of Outlook, which is a message to its end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_container::{Budget, msg};
use xd_fuzz::carried;

fuzz_target!(|bytes: &[u8]| {
    let file = [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", bytes].concat();
    carried::check(&file, "application/x-ole-storage", "document.doc");
    let message = msg::to_message(&file, &mut Budget::default());
    assert_eq!(message, msg::to_message(&file, &mut Budget::default()), "the same message each time");
    if let Some(message) = message {
        let text = String::from_utf8(message).expect("fields are text, the rest is base64");
        assert!(text.contains("MIME-Version: 1.0\r\n"));
    }
});
