//! Any bytes as HTML: what is seen and what is hidden come from the same text whatever its transfer encoding, and text
//! without markup is seen as it stands.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_core::{Limits, Message, View, normalize};
use xd_fuzz::{mail, parsed, tight};

const TYPE: &str = "text/html; charset=utf-8";

fuzz_target!(|html: &[u8]| {
    let limits = Limits::default();
    let raw = mail::plain(TYPE, html);
    let message = Message::parse(&raw, &limits);
    parsed::check(&message, &raw, &limits);
    tight::check(&raw, &message);

    let facts = message.html();
    assert_eq!(facts.parts, 1);
    let brackets = html.iter().filter(|&&byte| byte == b'<').count();
    assert!(facts.tags as usize <= brackets);
    for elements in [facts.forms, facts.inputs, facts.frames, facts.refreshes, facts.bases] {
        assert!(elements <= facts.tags);
    }
    assert!(facts.credential_inputs <= facts.inputs);
    assert!(facts.remote_images + facts.embedded_images <= facts.images);
    assert!(facts.tracking_pixels <= facts.remote_images);
    assert!(message.view(View::Plain).original().is_empty());
    assert!(message.view(View::Attached).original().is_empty());

    let encoded = mail::base64(TYPE, html);
    let encoded = Message::parse(&encoded, &limits);
    assert_eq!(encoded.html(), facts);
    assert_eq!(encoded.links(), message.links());
    View::ALL.iter().for_each(|&view| assert_eq!(encoded.view(view), message.view(view)));

    shown_as_it_stands(&String::from_utf8_lossy(html), &limits);
});

fn shown_as_it_stands(text: &str, limits: &Limits) {
    let raw = mail::plain(TYPE, mail::escaped(text).as_bytes());
    let message = Message::parse(&raw, limits);
    assert_eq!(message.html().tags, 0);
    assert_eq!(message.view(View::Html).normal(), normalize(text));
    assert!(message.view(View::Hidden).original().is_empty());
}
