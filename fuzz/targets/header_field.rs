//! The value of one header field, as every field that is read for its meaning: it stays in its field, and lists of
//! addresses read the same under every name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_core::message::Field;
use xd_core::{Domain, ForwardPath, Limits, Message, ReversePath, Timestamp, normalize};
use xd_fuzz::parsed;

const NAMES: [&str; 13] = [
    "Return-Path",
    "Received",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Content-Type",
    "Content-Disposition",
    "Content-Transfer-Encoding",
    "X-Other",
];

fuzz_target!(|value: &[u8]| {
    let value = folded(value);
    let raw: Vec<u8> = NAMES.iter().flat_map(|name| [name.as_bytes(), b": ", &value, b"\r\n"].concat()).chain(*b"\r\n").collect();
    let limits = Limits::default();
    let message = Message::parse(&raw, &limits);
    parsed::check(&message, &raw, &limits);

    let names: Vec<&str> = message.header().fields().iter().map(Field::name).collect();
    assert_eq!(names, NAMES, "a value stays in its field");
    let other = message.header().first("x-other").expect("the field is there");
    assert_eq!(message.subject(), Some(other.decoded()));
    for list in [message.sender(), message.reply_to(), message.to(), message.cc()] {
        assert_eq!(list, message.from());
    }
    assert_eq!(message.hops().len(), 1);
    paths(other.decoded());
});

/// The value as lines of one field: each later line begins with a blank, and none is empty, which would end the header.
fn folded(value: &[u8]) -> Vec<u8> {
    let lines = value.split(|&byte| byte == b'\n' || byte == b'\r').filter(|line| !line.trim_ascii().is_empty());
    lines.collect::<Vec<_>>().join(b"\r\n\t".as_slice())
}

/// What is read from text outside of messages.
fn paths(text: &str) {
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(Domain::parse(domain.as_str()), Ok(domain.clone()));
        // Of an A-label that IDNA does not allow, the spelling for people may be no domain; it is never another one.
        let shown = Domain::parse(&domain.to_unicode());
        assert!(shown.is_err() || shown == Ok(domain), "a domain reads the same in both spellings");
    }
    ReversePath::parse(text).mailbox().into_iter().for_each(parsed::mailbox);
    parsed::mailbox(ForwardPath::parse(text).mailbox());
    if let Some(moment) = Timestamp::parse_rfc3339(text) {
        assert_eq!(Timestamp::parse_rfc3339(&moment.to_string()), Some(moment), "a moment reads what it prints");
    }
    let normal = normalize(text);
    assert_eq!(normalize(&normal), normal);
}
