//! What holds of every parsed message, whatever its bytes.

use std::borrow::Cow;

use xd_core::message::{MAX_EXPANSION, Part, TextView};
use xd_core::{Defect, Domain, Host, Limits, Link, LinkOrigin, Mailbox, Message, View, normalize};

/// Bytes of an attachment that are decoded to see what it is.
const ATTACHMENT_HEAD: usize = 4096;

/// Bytes kept of what a link shows.
const SHOWN_BYTES: usize = 256;

/// How much longer a link can get when it is written as a browser opens it: each byte as an escape, beside a host.
const LINK_EXPANSION: usize = 8;
const HOST_BYTES: usize = 512;

/// How much longer text gets in UTF-8: one byte of a one-byte charset, or a replacement character, becomes three.
const CHARSET_EXPANSION: usize = 3;

/// Texts that one part can give: two types, each read through up to four transfer encodings.
const TEXTS_PER_PART: usize = 8;

/// Panics unless a message is what parsing promises.
pub fn check(message: &Message<'_>, raw: &[u8], limits: &Limits) {
    assert_eq!(message.raw(), raw);
    assert_eq!(message.defects().contains(Defect::EmptyMessage), raw.is_empty());
    fields(message, limits);
    addresses(message, limits);
    assert!(message.hops().len() <= limits.hops);
    parts(message.parts(), limits);
    for view in View::ALL {
        text(message.view(view), message.parts().len(), limits);
    }
    assert!(message.links().len() <= limits.links);
    message.links().iter().for_each(|link| self::link(link, limits));
    links_are_distinct(message.links());
}

fn fields(message: &Message<'_>, limits: &Limits) {
    let fields = message.header().fields();
    assert!(fields.len() <= limits.fields);
    let mut end = 0;
    for field in fields {
        let span = field.span();
        assert!(end <= span.start && span.start < span.end, "fields stand in order");
        end = span.end;
        let whole = message.raw().get(span).expect("a field stands in the message");
        assert!(whole.len() >= field.name().len() + field.raw_value().len());
        assert!(whole.starts_with(field.name().as_bytes()));
        assert!(whole.windows(field.raw_value().len().max(1)).any(|at| at == field.raw_value()) || field.raw_value().is_empty());
        assert!(field.decoded().len() <= field.raw_value().len().min(limits.field_bytes) * CHARSET_EXPANSION);
        assert!(message.header().first(field.name()).is_some());
    }
    assert_eq!(message.header().all("from").next().is_none(), message.defects().contains(Defect::NoFrom));
}

fn addresses(message: &Message<'_>, limits: &Limits) {
    for (name, mailboxes) in [
        ("from", message.from()),
        ("sender", message.sender()),
        ("reply-to", message.reply_to()),
        ("to", message.to()),
        ("cc", message.cc()),
    ] {
        assert!(mailboxes.len() <= message.header().all(name).count() * limits.addresses);
        mailboxes.iter().for_each(mailbox);
    }
}

/// Panics unless the domain of a mailbox is one.
pub fn mailbox(mailbox: &Mailbox) {
    mailbox.domain.iter().for_each(domain);
    assert!(mailbox.address.starts_with(mailbox.local_part()));
}

fn domain(domain: &Domain) {
    assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(domain), "a domain reads as itself");
    assert!(domain.is_within(domain.registered()), "{domain} lies in what was registered");
}

fn parts(parts: &[Part<'_>], limits: &Limits) {
    assert!((1..=limits.parts.max(1)).contains(&parts.len()));
    let mut decoded = 0;
    for (index, part) in parts.iter().enumerate() {
        match part.parent {
            None => assert_eq!((index, part.depth, part.nested), (0, 0, 0), "only the body itself stands in nothing"),
            Some(parent) => {
                assert!(parent < index, "a part stands after what it stands in");
                assert_eq!(part.depth, parts[parent].depth + 1);
                assert!((parts[parent].nested..=parts[parent].nested + 1).contains(&part.nested));
            }
        }
        assert!(part.depth <= limits.depth);
        assert!(part.span.start <= part.span.end);
        for word in [&part.declared.kind, &part.declared.subtype] {
            assert!(!word.is_empty() && !word.bytes().any(|byte| byte.is_ascii_uppercase()));
        }
        if let Cow::Owned(content) = &part.content {
            decoded += content.len();
        }
    }
    // The beginnings of attachments cost the budget nothing.
    assert!(decoded <= limits.decoded_bytes + parts.len() * ATTACHMENT_HEAD);
}

fn text(view: &TextView, parts: usize, limits: &Limits) {
    // A line end stands where two texts meet, and one where the middle was skipped.
    let borders = parts * TEXTS_PER_PART + 1;
    assert!(view.original().len() <= limits.text_head + limits.text_tail + borders);
    assert!(view.normal().len() <= view.original().len() * MAX_EXPANSION);
    for piece in view.normal().split('\n') {
        assert_eq!(normalize(piece), piece, "normal spelling is its own");
    }
    let facts = view.facts();
    assert!(facts.upper_letters <= facts.letters && facts.letters <= facts.chars);
    assert!(facts.non_ascii_chars <= facts.chars && facts.longest_run <= facts.chars);
    assert!(facts.lookalike_words <= facts.words && facts.mixed_words <= facts.words);
}

fn link(link: &Link, limits: &Limits) {
    assert!(link.url.len() <= limits.link_bytes * LINK_EXPANSION + HOST_BYTES, "{}", link.url.len());
    assert!(link.url.starts_with(&link.scheme));
    assert!(!link.scheme.bytes().any(|byte| byte.is_ascii_uppercase()));
    assert!(link.shown.as_ref().is_none_or(|shown| !shown.is_empty() && shown.len() <= SHOWN_BYTES));
    assert!(link.shown_host.is_none() || link.shown.is_some());
    for host in [&link.host, &link.shown_host].into_iter().flatten() {
        host.domain().into_iter().for_each(domain);
    }
    if let (Some(Host::Address(_)), Some(Host::Domain(_))) = (&link.host, &link.shown_host) {
        assert!(link.misleads());
    }
}

/// Links that lead to the same place, show the same host and are of one kind stand once.
fn links_are_distinct(links: &[Link]) {
    let kind = |link: &Link| match link.origin {
        LinkOrigin::Text => LinkOrigin::Anchor,
        other => other,
    };
    for (index, link) in links.iter().enumerate().take(50) {
        for other in &links[..index] {
            assert!((&link.url, kind(link), &link.shown_host) != (&other.url, kind(other), &other.shown_host), "{}", link.url);
        }
    }
}
