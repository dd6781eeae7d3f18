//! How a header section is made: which fields it has, which program says it wrote it, how its identifiers look.

use super::{Family, Gather};
use crate::{Defect, Message};

/// Fields whose presence says something of the program that wrote a message. What lists and servers add on the way is left out, but for
/// signatures, which mostly come from the writer's own server.
const FIELDS: &[&str] = &[
    "auto-submitted",
    "bcc",
    "cc",
    "comments",
    "content-disposition",
    "content-language",
    "content-transfer-encoding",
    "disposition-notification-to",
    "dkim-signature",
    "domainkey-signature",
    "expires",
    "feedback-id",
    "importance",
    "in-reply-to",
    "keywords",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "message-id",
    "mime-version",
    "organisation",
    "organization",
    "priority",
    "references",
    "reply-to",
    "require-recipient-valid-since",
    "return-receipt-to",
    "thread-index",
    "thread-topic",
    "user-agent",
    "x-auto-response-suppress",
    "x-campaign",
    "x-campaign-id",
    "x-csa-complaints",
    "x-entity-id",
    "x-feedback-id",
    "x-mailer",
    "x-mimeole",
    "x-msmail-priority",
    "x-php-originating-script",
    "x-priority",
    "x-report-abuse",
    "x-ses-outgoing",
    "x-sg-eid",
    "x-source",
    "x-source-args",
];

/// Defects that forwarding and archiving do not make.
const NOT_MADE_ON_THE_WAY: &[Defect] = &[
    Defect::BadEncodedWord,
    Defect::EightBitHeader,
    Defect::NoDate,
    Defect::NoFrom,
    Defect::UnreadableDate,
    Defect::UnreadableFrom,
    Defect::DateWithoutZone,
    Defect::SeveralFromAddresses,
    Defect::BadContentType,
    Defect::DuplicateParameter,
    Defect::UnterminatedMultipart,
    Defect::UnknownCharset,
    Defect::BadCharset,
    Defect::BadBase64,
    Defect::BadQuotedPrintable,
    Defect::EightBitInSevenBit,
];

pub(super) fn gather(message: &Message<'_>, to: &mut impl Gather) {
    let family = Family::Header;
    let mut lower = String::new();
    for field in message.header().fields().iter().take(200) {
        lower.clear();
        lower.push_str(field.name());
        lower.make_ascii_lowercase();
        if let Ok(at) = FIELDS.binary_search(&lower.as_str()) {
            to.shape(family, "field", FIELDS[at]);
        }
        match lower.as_str() {
            "x-mailer" | "user-agent" => to.shape(family, "written by", &program(field.decoded())),
            "x-priority" | "importance" | "auto-submitted" => {
                to.shape(family, "says", &format!("{lower}: {}", first_word(field.decoded())));
            }
            "date" => to.shape(family, "date", date_form(field.decoded())),
            "message-id" => to.shape(family, "message id", &id_form(field.decoded())),
            _ => {}
        }
    }
    let defects = message.defects();
    for &defect in NOT_MADE_ON_THE_WAY.iter().filter(|&&defect| defects.contains(defect)) {
        to.shape(family, "defect", defect.id());
    }
    subject(message, to);
    recipients(message, to);
}

fn subject(message: &Message<'_>, to: &mut impl Gather) {
    let family = Family::Header;
    let Some(subject) = message.subject() else { return to.shape(family, "no subject", "") };
    let letters = subject.chars().filter(|c| c.is_alphabetic()).count();
    let upper = subject.chars().filter(|c| c.is_uppercase()).count();
    to.size(family, "subject characters", subject.chars().count());
    to.share(family, "subject in capitals", upper as u64, letters as u64);
    to.fact(family, "subject with !", subject.contains('!'));
    to.fact(family, "subject with ?", subject.contains('?'));
    to.fact(family, "subject with money", subject.contains(['$', '€', '£', '¥']));
    to.fact(
        family,
        "subject with a picture",
        subject.chars().any(|c| matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')),
    );
    to.fact(family, "subject with a long number", subject.as_bytes().windows(5).any(|five| five.iter().all(u8::is_ascii_digit)));
    let lower = subject.trim_start().to_lowercase();
    let is_reply = ["re:", "aw:", "sv:", "antw:", "rv:", "ref:"].iter().any(|prefix| lower.starts_with(prefix));
    let is_forward = ["fw:", "fwd:", "wg:", "tr:", "rv:", "enc:"].iter().any(|prefix| lower.starts_with(prefix));
    let has_thread = message.header().first("in-reply-to").or_else(|| message.header().first("references")).is_some();
    to.fact(family, "reply of a thread", is_reply && has_thread);
    to.fact(family, "reply without a thread", is_reply && !has_thread);
    to.fact(family, "forwarded", is_forward);
    to.fact(family, "thread without a reply", has_thread && !is_reply && !is_forward);
    let raw = message.header().first("subject").map(|field| field.raw_value()).unwrap_or_default();
    to.fact(family, "subject in base64", raw.windows(3).any(|three| three.eq_ignore_ascii_case(b"?b?")));
    to.fact(family, "subject in quoted-printable", raw.windows(3).any(|three| three.eq_ignore_ascii_case(b"?q?")));
    to.fact(family, "subject encoded for nothing", raw.starts_with(b"=?") && subject.is_ascii());
}

fn recipients(message: &Message<'_>, to: &mut impl Gather) {
    let family = Family::Header;
    to.size(family, "recipients", message.to().len() + message.cc().len());
    let undisclosed = message.header().first("to").is_some_and(|field| field.decoded().to_lowercase().contains("undisclosed"));
    to.fact(family, "undisclosed recipients", undisclosed);
    to.fact(family, "no recipient", message.to().is_empty() && message.cc().is_empty());
    let named_by_address =
        |mailbox: &crate::Mailbox| !mailbox.name.is_empty() && mailbox.name.eq_ignore_ascii_case(&mailbox.address);
    to.fact(family, "recipient named by the address", message.to().iter().any(named_by_address));
    to.fact(family, "recipient with a name", message.to().iter().any(|mailbox| mailbox.name.contains(' ')));
    to.fact(
        family,
        "sent to itself",
        message.from().first().is_some_and(|from| message.to().iter().any(|to| to.address == from.address)),
    );
}

/// The name of a program without version and system: its letters up to the first digit, bracket or slash.
fn program(text: &str) -> String {
    let name = text.split(|c: char| c.is_ascii_digit() || matches!(c, '/' | '(' | '[' | ',' | ';')).next().unwrap_or_default();
    name.trim().to_lowercase().chars().take(24).collect()
}

fn first_word(text: &str) -> String {
    text.trim()
        .to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .next()
        .unwrap_or_default()
        .chars()
        .take(16)
        .collect()
}

/// How a date is written: with a weekday, with which kind of zone.
fn date_form(text: &str) -> &'static str {
    let has_day = text.trim_start().as_bytes().get(3) == Some(&b',');
    let zone = text.trim_end().trim_end_matches(|c: char| c == ')' || c.is_ascii_alphabetic() || c == '(' || c == ' ');
    let has_offset = zone.len() > 5 && matches!(zone.as_bytes()[zone.len() - 5], b'+' | b'-');
    let has_comment = text.trim_end().ends_with(')');
    match (has_day, has_offset, has_comment) {
        (true, true, true) => "day, offset, name",
        (true, true, false) => "day, offset",
        (true, false, _) => "day, no offset",
        (false, true, true) => "no day, offset, name",
        (false, true, false) => "no day, offset",
        (false, false, _) => "no day, no offset",
    }
}

/// How an identifier is written: the kinds of characters in its left part, and whether there is a right one.
fn id_form(text: &str) -> String {
    let id = text.trim().trim_start_matches('<').trim_end_matches('>');
    let (left, right) = id.split_once('@').unwrap_or((id, ""));
    let has = |kind: fn(&u8) -> bool| left.bytes().any(|byte| kind(&byte));
    let kinds: [(bool, char); 6] = [
        (has(u8::is_ascii_digit), '0'),
        (has(|byte| matches!(byte, b'a'..=b'f')), 'f'),
        (has(|byte| matches!(byte, b'g'..=b'z')), 'z'),
        (has(|byte| matches!(byte, b'A'..=b'F')), 'F'),
        (has(|byte| matches!(byte, b'G'..=b'Z')), 'Z'),
        (has(|byte| !byte.is_ascii_alphanumeric()), '.'),
    ];
    let mut form: String = kinds.into_iter().filter(|(has, _)| *has).map(|(_, kind)| kind).collect();
    form.push_str(match left.len() {
        0..16 => " short",
        16..32 => " middle",
        32..48 => " long",
        _ => " longer",
    });
    if right.is_empty() {
        form.push_str(" alone");
    } else if !right.contains('.') {
        form.push_str(" at a bare name");
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_are_sorted() {
        assert!(FIELDS.is_sorted());
    }

    #[test]
    fn programs_have_no_versions() {
        assert_eq!(program("Mutt/1.10.1 (2018-07-13)"), "mutt");
        assert_eq!(program("Microsoft Outlook 16.0"), "microsoft outlook");
    }

    #[test]
    fn dates_are_told_by_form() {
        assert_eq!(date_form("Mon, 1 Jan 2024 10:00:00 +0100"), "day, offset");
        assert_eq!(date_form("Mon, 1 Jan 2024 10:00:00 +0000 (UTC)"), "day, offset, name");
        assert_eq!(date_form("1 Jan 2024 10:00:00 GMT"), "no day, no offset");
    }

    #[test]
    fn identifiers_are_told_by_form() {
        assert_eq!(id_form("<0123ab@example.com>"), "0f short");
        assert_eq!(id_form("<Zed-1@host>"), "0fZ. short at a bare name");
        assert_eq!(id_form(""), " short alone");
    }
}
