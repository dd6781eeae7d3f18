//! From bytes to a [`Message`]: header section, fields that mean something to everyone, parts, texts.

use memchr::{memchr, memchr_iter};

use super::body::Bodies;
use super::header::{Head, Header};
use super::part_header::PartHeader;
use super::structure::{SECOND_READINGS, Walk};
use super::trace::Hop;
use super::{Message, date, mailbox_list};
use crate::{Defect, Defects, Limits, Mailbox};

/// Reads a message. Every run of bytes is one; what is wrong with it is recorded.
pub(super) fn message<'a>(raw: &'a [u8], limits: &Limits) -> Message<'a> {
    let mut defects = Defects::default();
    if raw.is_empty() {
        defects.record(Defect::EmptyMessage);
    }
    check_line_ends(raw, &mut defects);
    let Head { header, body, disputed } = Head::read(raw, limits, &mut defects);
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
    let hops = hops(&header, limits, &mut defects);
    let subject = header.first("subject").map(|field| field.decoded().to_owned());
    let sent = header.all("date").find_map(|field| date::read(field.raw_value()));
    if sent.is_none() && header.first("date").is_some() {
        defects.record(Defect::UnreadableDate);
    }

    let mut part_header = PartHeader::default();
    for field in header.fields() {
        let value = field.raw_value();
        part_header.field(field.name().as_bytes(), value.get(..limits.field_bytes).unwrap_or(value), &mut defects);
    }
    let mut bodies = Bodies::new(limits, defects, SECOND_READINGS);
    if !disputed.is_empty() {
        bodies.stray_text(raw.get(disputed).unwrap_or_default());
    }
    Walk::new(&mut bodies, raw).message_body(part_header.finish(), body);

    let Bodies { mut defects, parts, texts, links, html, .. } = bodies;
    let mut views = [texts.plain, texts.html, texts.hidden, texts.attached].map(|collector| {
        let (view, skipped) = collector.finish();
        if skipped {
            defects.record(Defect::TextLimit);
        }
        view
    });
    let links = links.finish(&mut defects);
    let views = std::mem::take(&mut views);
    Message { raw, header, parts, views, html, links, hops, from, sender, reply_to, to, cc, subject, date: sent, defects }
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

fn mailboxes(header: &Header<'_>, name: &str, limits: &Limits, defects: &mut Defects) -> Vec<Mailbox> {
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

fn hops(header: &Header<'_>, limits: &Limits, defects: &mut Defects) -> Vec<Hop> {
    let mut fields = header.all("received");
    let hops = fields.by_ref().take(limits.hops).map(|field| Hop::parse(field.raw_value())).collect();
    if fields.next().is_some() {
        defects.record(Defect::HopLimit);
    }
    hops
}

/// Unix keeps mail with LF and the network with CRLF; either is ordinary as long as it is the only one.
fn check_line_ends(raw: &[u8], defects: &mut Defects) {
    if memchr(b'\r', raw).is_none() {
        return;
    }
    let lines = memchr_iter(b'\n', raw).count();
    let returns = memchr_iter(b'\r', raw).count();
    let pairs = raw.iter().zip(raw.iter().skip(1)).filter(|&(&a, &b)| a == b'\r' && b == b'\n').count();
    if returns > pairs {
        defects.record(Defect::BareCarriageReturn);
    }
    if pairs > 0 && lines > pairs {
        defects.record(Defect::MixedLineEnds);
    }
}
