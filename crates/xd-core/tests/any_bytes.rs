//! Any bytes are a message: parsing never panics, keeps its limits, and is the same twice.

use proptest::prelude::*;
use xd_core::{Defect, Limits, Message, View};

/// What hostile and broken mail is made of.
const FRAGMENTS: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    "\0",
    " ",
    "\t",
    "--",
    "--b",
    "--b--",
    "--c",
    "--b\n",
    "--b--\n",
    "\n--b\n",
    "\n--c\n",
    "\n\n",
    "=",
    "==",
    "=?",
    "?=",
    "=?utf-8?q?",
    "=?utf-8?b?",
    "=?x?z?",
    "=C3",
    "=\n",
    "YWJj",
    "YQ==",
    "*",
    "\u{e9}",
    "\"",
    "\\",
    "(",
    ")",
    "<",
    ">",
    ",",
    ";",
    ":",
    "@",
    "[",
    "]",
    "text",
    "From ",
    ">From ",
    "From: ",
    "From: a@b.example\n",
    "To: ",
    "Subject: ",
    "Date: ",
    "Date: 5 Oct 2020 19:05:57 +0000\n",
    "Received: from a (b [192.0.2.1]) by c with ESMTP; ",
    "Received: ",
    "MIME-Version: 1.0\n",
    "Content-Type: multipart/mixed; boundary=b\n",
    "Content-Type: multipart/mixed; boundary=c; boundary=b\n",
    "Content-Type: multipart/digest; boundary=\"b\"\n",
    "Content-Type: message/rfc822\n",
    "Content-Type: text/html; charset=utf-16\n",
    "Content-Type: text/plain; charset=iso-2022-jp\n",
    "Content-Type: text/plain; name*0*=utf-8''a; name*1=b\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "Content-Disposition: attachment; filename=\"a",
    "; name=",
    "; name*=",
    "; boundary=",
    "charset=",
    "<p>",
    "<style>",
    "</",
    "&#",
    "http://",
];

fn limits() -> impl Strategy<Value = Limits> {
    let small = Limits {
        fields: 3,
        field_bytes: 20,
        addresses: 2,
        hops: 1,
        parts: 3,
        depth: 2,
        decoded_bytes: 10,
        text_head: 16,
        text_tail: 8,
        links: 1,
        link_bytes: 8,
        html_depth: 1,
        files: xd_container::Bounds { decoded_bytes: 20, members: 2, steps: 10_000, depth: 1, keep_all: false },
    };
    prop_oneof![Just(Limits::default()), Just(small)]
}

fn check(raw: &[u8], limits: &Limits) {
    let message = Message::parse(raw, limits);
    assert!(message.parts().len() <= limits.parts);
    assert!(message.header().fields().len() <= limits.fields);
    assert!(message.hops().len() <= limits.hops);
    assert!(message.links().len() <= limits.links);
    for mailboxes in [message.from(), message.sender(), message.reply_to(), message.to(), message.cc()] {
        assert!(mailboxes.len() <= limits.addresses);
    }
    for field in message.header().fields() {
        assert!(raw.get(field.span()).is_some());
        assert!(!field.decoded().contains('\n'));
    }
    for (index, part) in message.parts().iter().enumerate() {
        assert!(part.depth <= limits.depth && part.nested <= part.depth);
        assert!(part.span.start <= part.span.end);
        assert!(part.parent.is_none_or(|parent| parent < index));
    }
    assert_eq!(raw.is_empty(), message.defects().contains(Defect::EmptyMessage));

    let again = Message::parse(raw, limits);
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
    for view in View::ALL {
        assert_eq!(message.view(view), again.view(view));
    }
}

proptest! {
    #[test]
    fn any_bytes_parse(raw in prop::collection::vec(any::<u8>(), 0..600), limits in limits()) {
        check(&raw, &limits);
    }

    #[test]
    fn fragments_of_mail_parse(fragments in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..80), limits in limits()) {
        check(fragments.concat().as_bytes(), &limits);
    }

    #[test]
    fn cut_and_broken_fragments_parse(
        fragments in prop::collection::vec(prop::sample::select(FRAGMENTS), 1..80),
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        limits in limits(),
    ) {
        let mut raw = fragments.concat().into_bytes();
        let at = cut.index(raw.len());
        raw[at] = byte;
        check(&raw, &limits);
        raw.truncate(at);
        check(&raw, &limits);
    }
}
