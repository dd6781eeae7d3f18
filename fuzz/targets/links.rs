//! Any bytes as plain text: the links found in it are bounded and distinct, do not depend on the transfer encoding, and
//! lead to the same place when they stand in an anchor.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_core::{Limits, Link, LinkOrigin, LinkTrick, Message, View};
use xd_fuzz::{mail, parsed, tight};

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

fuzz_target!(|text: &[u8]| {
    let limits = Limits::default();
    let raw = mail::plain(TEXT, text);
    let message = Message::parse(&raw, &limits);
    parsed::check(&message, &raw, &limits);
    tight::check(&raw, &message);
    assert!(message.links().iter().all(|link| link.origin == LinkOrigin::Text && link.shown.is_none() && !link.hidden));

    let encoded = mail::base64(TEXT, text);
    let encoded = Message::parse(&encoded, &limits);
    assert_eq!(encoded.links(), message.links());
    assert_eq!(encoded.view(View::Plain), message.view(View::Plain));

    message.links().iter().take(4).for_each(|link| in_an_anchor(link, &limits));
});

fn in_an_anchor(link: &Link, limits: &Limits) {
    // Reading undoes such spellings step by step: what comes out may be read once more.
    if [LinkTrick::EscapedHost, LinkTrick::Userinfo].iter().any(|&trick| link.tricks.contains(trick)) {
        return;
    }
    let anchor = format!("<a href=\"{}\">here</a>", mail::escaped(&link.url));
    let raw = mail::plain(HTML, anchor.as_bytes());
    let message = Message::parse(&raw, limits);
    let [again] = message.links() else { panic!("{} links from {anchor}", message.links().len()) };
    assert_eq!((again.origin, &again.scheme, &again.host), (LinkOrigin::Anchor, &link.scheme, &link.host));
    assert_eq!(again.shown.as_deref(), Some("here"));
}
