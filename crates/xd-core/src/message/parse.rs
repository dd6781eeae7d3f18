//! From bytes to a [`Message`]: header section, fields that mean something to everyone, parts, texts.

use memchr::{memchr, memchr_iter};

use super::body::Bodies;
use super::header::{Head, Header};
use super::structure::{SECOND_READINGS, Walk};
use super::trace::Hops;
use super::{Message, date, mailbox_list};
use crate::{Defect, Defects, Limits, Mailbox};

/// Reads a message. Every run of bytes is one; what is wrong with it is recorded.
pub(super) fn message<'a>(raw: &'a [u8], limits: &Limits) -> Message<'a> {
    let mut defects = Defects::default();
    if raw.is_empty() {
        defects.record(Defect::EmptyMessage);
    }
    check_line_ends(raw, &mut defects);
    let Head { header, part, body, disputed, above } = Head::read(raw, limits, &mut defects);
    check_fields(&header, &mut defects);

    let mut from = Vec::new();
    if header.first("from").is_some() {
        from = mailboxes(&header, "from", limits, &mut defects);
        mailbox_list::check_from(&from, &mut defects);
    }
    let sender = mailboxes(&header, "sender", limits, &mut defects);
    let reply_to = mailboxes(&header, "reply-to", limits, &mut defects);
    let to = mailboxes(&header, "to", limits, &mut defects);
    let cc = mailboxes(&header, "cc", limits, &mut defects);
    let hops = Hops::new(&header, limits, &mut defects);
    let subject = header.first("subject").map(|field| field.decoded().to_owned());
    let sent = header.all("date").find_map(|field| date::read(field.raw_value()));
    match sent {
        Some(date) if !date.has_zone => defects.record(Defect::DateWithoutZone),
        None if header.first("date").is_some() => defects.record(Defect::UnreadableDate),
        _ => {}
    }

    let mut bodies = Bodies::new(limits, defects, subject.as_deref(), SECOND_READINGS);
    if !disputed.is_empty() {
        bodies.stray_text(raw.get(disputed.clone()).unwrap_or_default(), false);
    }
    let mut walk = Walk::new(&mut bodies, raw);
    walk.message_body(&part, body);
    if !disputed.is_empty() {
        walk.disputed_message_body(&above, disputed.start);
    }

    bodies.open_files();

    let Bodies { mut defects, kept, parts, texts, links, html, .. } = bodies;
    let views = [texts.plain, texts.html, texts.hidden, texts.attached].map(|collector| {
        let (view, skipped) = collector.finish();
        if skipped {
            defects.record(Defect::TextLimit);
        }
        view
    });
    let links = links.finish(&mut defects);
    Message {
        raw,
        header,
        parts,
        views,
        html,
        links,
        hops,
        from,
        sender,
        reply_to,
        to,
        cc,
        subject,
        date: sent.map(|date| date.moment),
        defects,
        files: kept.unwrap_or_default(),
    }
}

/// Fields that are to stand exactly once, or at most once (RFC 5322 §3.6).
const ONCE: [(&str, Defect, Option<Defect>); 9] = [
    ("from", Defect::DuplicateFrom, Some(Defect::NoFrom)),
    ("date", Defect::DuplicateDate, Some(Defect::NoDate)),
    ("message-id", Defect::DuplicateMessageId, Some(Defect::NoMessageId)),
    ("sender", Defect::DuplicateSender, None),
    ("reply-to", Defect::DuplicateReplyTo, None),
    ("to", Defect::DuplicateTo, None),
    ("cc", Defect::DuplicateCc, None),
    ("subject", Defect::DuplicateSubject, None),
    ("mime-version", Defect::DuplicateMimeVersion, None),
];

fn check_fields(header: &Header<'_>, defects: &mut Defects) {
    let mut counts = [0_usize; ONCE.len()];
    for field in header.fields() {
        let name = field.name();
        // Of the nine names no two have both the same length and the same first letter.
        let at = ONCE.iter().position(|(once, ..)| once.len() == name.len() && once.eq_ignore_ascii_case(name));
        if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    for ((_, duplicate, missing), count) in ONCE.into_iter().zip(counts) {
        match (count, missing) {
            (0, Some(missing)) => defects.record(missing),
            (0 | 1, _) => {}
            _ => defects.record(duplicate),
        }
    }
}

pub(super) fn mailboxes(header: &Header<'_>, name: &str, limits: &Limits, defects: &mut Defects) -> Vec<Mailbox> {
    let mut mailboxes = Vec::new();
    for field in header.all(name) {
        let value = field.raw_value();
        let value = value.get(..limits.field_bytes).unwrap_or(value);
        if !mailbox_list::read(value, limits.addresses, &mut mailboxes, defects) {
            defects.record(Defect::AddressLimit);
            break;
        }
    }
    mailboxes
}

/// Unix keeps mail with LF and the network with CRLF; either is ordinary as long as it is the only one.
fn check_line_ends(raw: &[u8], defects: &mut Defects) {
    if memchr(b'\r', raw).is_none() {
        return;
    }
    let lines = memchr_iter(b'\n', raw).count();
    let returns = memchr_iter(b'\r', raw).count();
    let pairs = count_pairs(raw);
    if returns > pairs {
        defects.record(Defect::BareCarriageReturn);
    }
    if pairs > 0 && lines > pairs {
        defects.record(Defect::MixedLineEnds);
    }
}

/// How many CRs an LF follows. Sums of a byte each, over runs too short to overflow, compile to vector code.
fn count_pairs(raw: &[u8]) -> usize {
    let following = raw.get(1..).unwrap_or_default();
    let in_run = |(run, following): (&[u8], &[u8])| {
        let pairs = run.iter().zip(following).map(|(&a, &b)| u8::from(a == b'\r') & u8::from(b == b'\n'));
        usize::from(pairs.fold(0_u8, u8::wrapping_add))
    };
    raw.chunks(255).zip(following.chunks(255)).map(in_run).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;

    fn defects(raw: &str) -> Vec<Defect> {
        message(raw.as_bytes(), &Limits::default()).defects().iter().collect()
    }

    /// Fields that keep a message from having any defect.
    const SOUND: &str = "From: a@example.com\nDate: 5 Oct 2020 19:05:57 +0000\nMessage-ID: <1@example.com>\n";

    #[test]
    fn defects_of_the_whole_and_of_fields() {
        let cases: &[(&str, &[Defect])] = &[
            ("\ntext\n", &[]),
            ("", &[Defect::NoBody]),
            ("Subject: x", &[Defect::NoBody]),
            ("\ntext\r\nmore\n", &[Defect::MixedLineEnds]),
            ("\ntext\rmore\n", &[Defect::BareCarriageReturn]),
            ("\ntext\r\r\n", &[Defect::BareCarriageReturn, Defect::MixedLineEnds]),
            ("\nte\0xt\n", &[Defect::NulByte]),
            ("Subject: a\0b\n\n", &[Defect::NulByte]),
            ("Content-Type: image/png\n\nte\0xt\n", &[]),
            ("no field\n\ntext", &[Defect::MalformedField]),
            ("X\x01Y: z\n\n", &[Defect::BadFieldName]),
            ("Subject : z\n\n", &[Defect::SpaceBeforeColon]),
            ("Subject: a\n \n b\n\n", &[Defect::BlankFold]),
            ("Subject: a\n b\n\n", &[]),
            ("Subject: =?utf-8?q?a=?\n\n", &[Defect::BadEncodedWord]),
            ("Subject: =?utf-8?q?a?=\n\n", &[]),
            ("From: b@example.com\n\n", &[Defect::DuplicateFrom, Defect::SeveralFromAddresses]),
            ("Sender: a\nSender: a\n\n", &[Defect::DuplicateSender]),
            ("Reply-To: a\nREPLY-TO: a\n\n", &[Defect::DuplicateReplyTo]),
            ("To: a\nTo: a\n\n", &[Defect::DuplicateTo]),
            ("Cc: a\nCc: a\n\n", &[Defect::DuplicateCc]),
            ("Subject: a\nSubject: a\n\n", &[Defect::DuplicateSubject]),
            ("Date: 5 Oct 2020 19:05:57 +0000\n\n", &[Defect::DuplicateDate]),
            ("Message-Id: <2@example.com>\n\n", &[Defect::DuplicateMessageId]),
            ("MIME-Version: 1.0\nMime-Version: 1.0\n\n", &[Defect::DuplicateMimeVersion]),
            ("Received: a\nReceived: b\nX: y\nX: z\n\n", &[]),
        ];
        for (rest, expected) in cases {
            assert_eq!(defects(&format!("{SOUND}{rest}")), *expected, "{rest:?}");
        }
    }

    #[test]
    fn limits_hold_behind_a_stray_line_too() {
        let raw = b"a stray line\nSubject: 12345678\nTo: b\n\ntext\n";
        let reached = |limits: Limits| message(raw, &limits).defects();
        for (field_bytes, over) in [(9, false), (8, true)] {
            assert_eq!(reached(Limits { field_bytes, ..Limits::default() }).contains(Defect::FieldBytesLimit), over);
        }
        for (fields, over) in [(2, false), (1, true)] {
            assert_eq!(reached(Limits { fields, ..Limits::default() }).contains(Defect::FieldLimit), over);
        }
    }

    #[test]
    fn pairs_are_counted_across_runs() {
        for lines in [0, 1, 127, 128, 254, 255, 256, 1_000] {
            assert_eq!(count_pairs("x\r\n".repeat(lines).as_bytes()), lines);
            assert_eq!(count_pairs("\r\n".repeat(lines).as_bytes()), lines);
        }
        assert_eq!(count_pairs(b"\n\r"), 0);
    }

    #[test]
    fn defects_of_missing_and_unreadable_fields() {
        let missing = [Defect::NoFrom, Defect::NoDate, Defect::NoMessageId];
        assert_eq!(defects("Subject: x\n\n"), missing);
        let all = |first: &[Defect]| [first, &missing].concat();
        assert_eq!(defects(""), all(&[Defect::EmptyMessage, Defect::NoBody]));
        assert_eq!(defects("this is text\n\nA: b\n"), all(&[Defect::NoHeaderSection]));
        assert_eq!(defects("\nA: b\n"), all(&[Defect::NoHeaderSection]));
        let date = |date: &str| defects(&SOUND.replace("5 Oct 2020 19:05:57 +0000\n", &format!("{date}\n\n")));
        assert!(date("soon").contains(&Defect::UnreadableDate));
        assert!(date("5 Oct 2020 19:05:57").contains(&Defect::DateWithoutZone));
        assert_eq!(defects(&format!("{}\n", SOUND.replace("a@example.com", "root"))), [Defect::UnreadableFrom]);
    }

    #[test]
    fn a_body_that_begins_at_once_is_all_text() {
        let raw = b"this is text\n\nA: b\n";
        let message = message(raw, &Limits::default());
        assert_eq!(message.parts()[0].span, 0..raw.len());
        assert!(message.view(View::Plain).original().contains("A: b"));
    }

    #[test]
    fn text_before_the_empty_line_is_seen() {
        let raw = b"Subject: x\nBuy now, friends\nat https://example.com/\n\nrest\n";
        let message = message(raw, &Limits::default());
        let text = message.view(View::Plain).original();
        assert!(text.contains("Buy now") && text.contains("rest"), "{text}");
    }

    #[test]
    fn text_in_the_middle_of_a_long_text_is_skipped_and_its_end_is_not() {
        let limits = Limits { text_head: 100, text_tail: 100, ..Limits::default() };
        for (filler, over) in [(10, false), (1_000, true)] {
            let raw = format!("\n{}the end\n", "filler ".repeat(filler));
            let message = message(raw.as_bytes(), &limits);
            assert_eq!(message.defects().contains(Defect::TextLimit), over);
            assert!(message.view(View::Plain).original().contains("the end"));
        }
    }

    #[test]
    fn what_everyone_asks_for() {
        let raw = "Received: from helo.example (rdns.example [192.0.2.1]) by mx.example.com; 5 Oct 2020 19:05:57 +0000\n\
                   From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>\nSender: s@example.com\nReply-To: <r@example.net>\n\
                   To: a@example.com, B <b@example.com>\nTo: c@example.com\nCc: d@example.com\nSubject: first\nSubject: second\n\
                   Date: nonsense\nDate: 5 Oct 2020 19:05:57 +0000\nReturn-Path: <>\n\ntext\n";
        let message = message(raw.as_bytes(), &Limits::default());
        assert_eq!(message.from()[0].name, "Jürgen");
        assert_eq!(message.sender()[0].address, "s@example.com");
        assert_eq!(message.reply_to()[0].address, "r@example.net");
        let to: Vec<_> = message.to().iter().map(|mailbox| mailbox.address.as_str()).collect();
        assert_eq!(to, ["a@example.com", "b@example.com", "c@example.com"]);
        assert_eq!(message.cc().len(), 1);
        assert_eq!(message.subject(), Some("first"));
        assert_eq!(message.date().unwrap().to_string(), "2020-10-05T19:05:57Z");
        assert_eq!(message.hops()[0].client_address, "192.0.2.1".parse().ok());
        assert!(!message.return_path().unwrap().accepts_reports());
    }

    #[test]
    fn limits_of_hops_and_addresses_hold_on_both_sides() {
        let limits = Limits { hops: 2, addresses: 2, ..Limits::default() };
        for (raw, count, over) in [
            ("Received: a\nReceived: b\nTo: a@x\nTo: b@x\n\n", 2, false),
            ("Received: a\nReceived: b\nReceived: c\nTo: a@x\nTo: b@x, c@x\n\n", 2, true),
        ] {
            let message = message(raw.as_bytes(), &limits);
            assert_eq!((message.hops().len(), message.to().len()), (count, count));
            assert_eq!(message.defects().contains(Defect::HopLimit), over);
            assert_eq!(message.defects().contains(Defect::AddressLimit), over);
        }
    }
}
