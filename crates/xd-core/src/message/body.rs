//! The bodies of parts that hold no parts: decoded within one budget, sniffed, and given to the texts that rules read.

use std::borrow::Cow;
use std::collections::VecDeque;

use xd_container::{Budget, Passwords, Sign, holds_letters, is_test_virus, sniff_named};

use super::charset;
use super::files::{File, Waiting};
use super::part::{Disposition, Part};
use super::part_header::PartHeader;
use super::text::TextCollector;
use super::transfer::Transfer;
use crate::html::{self, HtmlSink};
use crate::link::LinkCollector;
use crate::{Defect, Defects, HtmlFacts, Limits};

/// Bytes of an attachment that are kept when no one reads it as text.
pub(super) const ATTACHMENT_HEAD: usize = 4 << 10;

/// ISO 9660 images leave their first 32 KiB to others, mostly as zeros, and show what they are behind.
const IMAGE_HEAD: usize = (32 << 10) + 8;

/// Everything that is gathered while the parts are walked.
#[derive(Debug)]
pub(super) struct Bodies<'a, 'l> {
    pub(super) limits: &'l Limits,
    pub(super) defects: Defects,
    pub(super) parts: Vec<Part<'a>>,
    pub(super) texts: Texts,
    pub(super) links: LinkCollector,
    pub(super) html: HtmlFacts,
    /// Second readings that may still be followed.
    pub(super) second_readings: usize,
    /// Files that are opened when everything else was read.
    pub(super) waiting: VecDeque<Waiting<'a>>,
    /// What opening them may still cost.
    pub(super) budget: Budget,
    /// The bytes of every file, for whoever writes them out.
    pub(super) kept: Option<Vec<File>>,
    /// What may open encrypted ones; gathered when one is met.
    pub(super) passwords: Option<Passwords>,
    /// The subject, which may tell a password.
    pub(super) subject: Option<&'l str>,
    /// Bytes that may still be decoded, over all parts and levels.
    decoded_left: usize,
    /// Encoded bytes that may still be peeked into, over all parts and levels.
    peeked_left: usize,
}

/// How often the bytes that may be decoded may be peeked into.
const PEEKS: usize = 4;

/// The texts that rules read.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) plain: TextCollector,
    pub(super) html: TextCollector,
    pub(super) hidden: TextCollector,
    pub(super) attached: TextCollector,
}

/// How a body is read as text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TextKind {
    Html,
    Plain,
}

impl<'a, 'l> Bodies<'a, 'l> {
    pub(super) fn new(limits: &'l Limits, defects: Defects, subject: Option<&'l str>, second_readings: usize) -> Self {
        let collector = || TextCollector::new(limits.text_head, limits.text_tail);
        Self {
            limits,
            defects,
            parts: Vec::new(),
            texts: Texts { plain: collector(), html: collector(), hidden: collector(), attached: collector() },
            links: LinkCollector::new(limits),
            html: HtmlFacts::default(),
            second_readings,
            waiting: VecDeque::new(),
            budget: Budget::new(limits.files),
            kept: limits.files.keep_all.then(Vec::new),
            passwords: None,
            subject,
            decoded_left: limits.decoded_bytes,
            peeked_left: limits.decoded_bytes.saturating_mul(PEEKS),
        }
    }

    /// Reads the body of a part that holds no parts. `original` is the same bytes if they stand in the message itself.
    pub(super) fn read(&mut self, index: usize, header: &PartHeader, bytes: &[u8], original: Option<&'a [u8]>) {
        let Some(part) = self.parts.get(index) else { return };
        let nested = part.nested > 0;
        let file = part.disposition == Some(Disposition::Attachment);
        let mut kinds: Vec<TextKind> = Vec::new();
        let mut shown = true;
        for media in header.types.iter().map(|reading| &reading.media).chain(header.types.is_empty().then_some(&part.declared)) {
            let (kind, is_shown) = match (&*media.kind, &*media.subtype) {
                ("text", "html") => (TextKind::Html, true),
                ("text", "rfc822-headers") => (TextKind::Plain, false),
                ("text", _) => (TextKind::Plain, true),
                // A multipart whose boundary is missing is shown as it stands.
                ("multipart", _) => (TextKind::Plain, true),
                ("message", "delivery-status" | "global-delivery-status" | "disposition-notification") => {
                    (TextKind::Plain, false)
                }
                _ => continue,
            };
            shown &= is_shown;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let attached = nested || file || !shown;
        let charset = part.charset.clone();
        let attachment = file || part.file_name.is_some() || kinds.is_empty() || !shown;

        let transfers: &[Transfer] = if header.transfers.is_empty() { &[Transfer::Identity] } else { &header.transfers };
        let mut content: Option<Cow<'a, [u8]>> = None;
        for &transfer in transfers {
            let decoded: Cow<'_, [u8]> = match transfer {
                Transfer::Identity => Cow::Borrowed(bytes),
                _ if kinds.is_empty() => Cow::Owned(self.decode_head(bytes, transfer)),
                _ => Cow::Owned(self.decode(index, bytes, transfer)),
            };
            if transfer == Transfer::Identity && header.says_seven_bit && !decoded.is_ascii() {
                self.defects.record(Defect::EightBitInSevenBit);
            }
            let paid = if transfer == Transfer::Identity { 0 } else { decoded.len() };
            for &kind in &kinds {
                self.text(kind, &decoded, charset.as_deref(), attached, paid);
            }
            if kinds.contains(&TextKind::Plain) && holds_letters(&decoded) {
                self.letters(index, bytes, transfer, original);
            }
            if attachment {
                self.file(index, &decoded, bytes, transfer, original);
            } else if is_test_virus(&decoded)
                && let Some(part) = self.parts.get_mut(index)
            {
                part.signs.add(Sign::TestVirus);
            }
            if content.is_none() {
                let head = if kinds.is_empty() { decoded.len().min(ATTACHMENT_HEAD) } else { decoded.len() };
                let name = self.parts.get(index).and_then(|part| part.file_name.as_deref()).unwrap_or_default();
                let sniffed = sniff_named(&decoded, name);
                let kept = match (decoded, original) {
                    (Cow::Borrowed(_), Some(original)) => Cow::Borrowed(original.get(..head).unwrap_or(original)),
                    (Cow::Borrowed(bytes), None) => Cow::Owned(bytes.get(..head).unwrap_or(bytes).to_vec()),
                    (Cow::Owned(mut bytes), _) => {
                        bytes.truncate(head);
                        Cow::Owned(bytes)
                    }
                };
                content = Some(kept);
                if let Some(part) = self.parts.get_mut(index) {
                    part.sniffed = sniffed;
                }
            }
        }
        if let Some(part) = self.parts.get_mut(index) {
            part.content = content.unwrap_or_default();
            part.attachment = attachment;
            part.transfer = original.and_then(|_| transfers.first().copied());
        }
    }

    /// Decodes as much as the budget has left, for the part of this index.
    pub(super) fn decode(&mut self, index: usize, bytes: &[u8], transfer: Transfer) -> Vec<u8> {
        let mut decoded = Vec::new();
        if !transfer.decode(bytes, self.decoded_left, &mut decoded, &mut self.defects) {
            self.defects.record(Defect::DecodedLimit);
            self.limited(index);
        }
        self.decoded_left -= decoded.len().min(self.decoded_left);
        decoded
    }

    /// Says of a part that there is more in it than is read.
    pub(super) fn limited(&mut self, index: usize) {
        if let Some(part) = self.parts.get_mut(index) {
            part.signs.add(Sign::Limit);
        }
    }

    /// Whether another reading may be followed, for the part of this index; takes it from those that are left.
    pub(super) fn takes_second_reading(&mut self, index: usize) -> bool {
        let is_left = self.second_readings > 0;
        self.second_readings -= usize::from(is_left);
        if !is_left {
            self.limited(index);
        }
        is_left
    }

    /// Decodes as much of an attachment as shows what it is. It costs the budget nothing, since there are no more of them than parts,
    /// and what comes behind long texts is as dangerous as what comes before them.
    fn decode_head(&mut self, bytes: &[u8], transfer: Transfer) -> Vec<u8> {
        let mut head = Vec::new();
        transfer.decode(bytes, ATTACHMENT_HEAD, &mut head, &mut self.defects);
        if head.len() == ATTACHMENT_HEAD && head.iter().all(|b| *b == 0) {
            head.clear();
            transfer.decode(bytes, IMAGE_HEAD, &mut head, &mut self.defects);
        }
        head
    }

    /// What is asked of the bytes that an encoding hides in the part of this index, as many as may still be decoded. They are not kept,
    /// so that they have an allowance of their own; where that or the budget ends before the answer is yes, the part says so.
    pub(super) fn peek(&mut self, index: usize, bytes: &[u8], transfer: Transfer, ask: impl FnOnce(&[u8]) -> bool) -> bool {
        let is_left = bytes.len() <= self.peeked_left;
        if is_left {
            self.peeked_left -= bytes.len();
            let mut decoded = Vec::new();
            let is_whole = transfer.decode(bytes, self.decoded_left, &mut decoded, &mut Defects::default());
            let answer = ask(&decoded);
            if answer || is_whole {
                return answer;
            }
        }
        self.defects.record(Defect::DecodedLimit);
        self.limited(index);
        false
    }

    /// As much of bytes that are decoded already as may still be read as text; taken from the budget.
    pub(super) fn take_decoded<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let taken = bytes.get(..self.decoded_left).unwrap_or(bytes);
        if taken.len() < bytes.len() {
            self.defects.record(Defect::DecodedLimit);
        }
        self.decoded_left -= taken.len();
        taken
    }

    /// Gives one text to whoever reads it. `paid` bytes of it were taken from the budget when its transfer encoding was
    /// undone, so that only what the charset adds is taken now.
    pub(super) fn text(&mut self, kind: TextKind, bytes: &[u8], charset: Option<&str>, attached: bool, paid: usize) {
        let text = charset::decode(bytes, charset, kind == TextKind::Html, &mut self.defects);
        let converted = matches!(text, Cow::Owned(_));
        let mut text: &str = &text;
        if converted {
            let room = self.decoded_left.saturating_add(paid);
            if text.len() > room {
                self.defects.record(Defect::DecodedLimit);
                text = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
            }
            self.decoded_left -= text.len().saturating_sub(paid);
        }
        if memchr::memchr(0, text.as_bytes()).is_some() {
            self.defects.record(Defect::NulByte);
        }
        let Texts { plain, html, hidden, attached: attachments } = &mut self.texts;
        let (limits, defects) = (self.limits, &mut self.defects);
        match (kind, attached) {
            (TextKind::Plain, false) => {
                plain.push(text);
                plain.separate();
                self.links.find_in_text(text);
            }
            (TextKind::Plain, true) => {
                attachments.push(text);
                attachments.separate();
            }
            (TextKind::Html, false) => {
                let sink = HtmlSink { visible: html, hidden, links: &mut self.links, facts: &mut self.html, defects };
                html::read(text, limits, sink);
                html.separate();
                hidden.separate();
            }
            (TextKind::Html, true) => {
                let mut hidden = TextCollector::new(limits.text_head, limits.text_tail);
                let mut links = LinkCollector::new(limits);
                let mut facts = HtmlFacts::default();
                let sink = HtmlSink { visible: attachments, hidden: &mut hidden, links: &mut links, facts: &mut facts, defects };
                html::read(text, limits, sink);
                attachments.separate();
                // Nobody sees it, and what is meant for programs may stand there.
                attachments.push(hidden.finish().0.original());
                attachments.separate();
            }
        }
    }

    /// Gives text that stands in no part to those who read plain text.
    pub(super) fn stray_text(&mut self, bytes: &[u8], attached: bool) {
        self.text(TextKind::Plain, bytes, None, attached, 0);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Defect, Limits, Message, View};

    fn parse(raw: &str) -> Message<'_> {
        Message::parse(raw.as_bytes(), &Limits::default())
    }

    fn two(first: &str, second: &str) -> String {
        format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n{first}\n--b\n{second}\n--b--\n")
    }

    #[test]
    fn texts_go_to_their_views() {
        use View::{Attached, Html, Plain};
        let message = "Content-Type: message/rfc822\n\nSubject: x\n";
        for (part, view) in [
            ("\nwords".to_owned(), Plain),
            ("Content-Type: text/csv\n\nwords".to_owned(), Plain),
            ("Content-Type: nonsense\n\nwords".to_owned(), Plain),
            ("Content-Disposition: inline; filename=a.txt\n\nwords".to_owned(), Plain),
            ("Content-Type: text/html\n\nwords".to_owned(), Html),
            ("Content-Disposition: attachment\n\nwords".to_owned(), Attached),
            ("Content-Type: text/html\nContent-Disposition: attachment\n\nwords".to_owned(), Attached),
            ("Content-Type: text/rfc822-headers\n\nX: words".to_owned(), Attached),
            ("Content-Type: message/delivery-status\n\nX: words".to_owned(), Attached),
            (format!("{message}\nwords"), Attached),
            (format!("{message}Content-Type: text/html\n\nwords"), Attached),
        ] {
            let raw = two(&part, "\nother");
            let message = parse(&raw);
            for other in View::ALL {
                assert_eq!(message.view(other).original().contains("words"), other == view, "{part} {other:?}");
            }
            let html = part.contains("html") && view == Html;
            assert_eq!(message.html().parts, u32::from(html), "{part}");
        }
    }

    #[test]
    fn attachments_have_names_or_no_shown_type() {
        for (part, expected) in [
            ("\nx", false),
            ("Content-Type: text/html\n\nx", false),
            ("Content-Disposition: inline; filename=a.txt\n\nx", true),
            ("Content-Disposition: attachment\n\nx", true),
            ("Content-Type: text/plain; name=a.txt\n\nx", true),
            ("Content-Type: image/png\n\nx", true),
            ("Content-Type: message/rfc822\n\nSubject: x\n\nx", true),
            ("Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--", false),
        ] {
            let raw = two(part, "\nother");
            assert_eq!(parse(&raw).parts()[1].is_attachment(), expected, "{part}");
        }
    }

    #[test]
    fn defects_of_bodies() {
        let cases: &[(&str, &[Defect])] = &[
            ("Content-Transfer-Encoding: 7bit\n\nplain", &[]),
            ("Content-Transfer-Encoding: 7bit\n\nGrüße", &[Defect::EightBitInSevenBit]),
            ("Content-Transfer-Encoding: 8bit\n\nGrüße", &[]),
            ("Content-Transfer-Encoding: x-uuencode\n\nplain", &[Defect::UnknownTransferEncoding]),
            ("Content-Transfer-Encoding: base64\n\ncGxhaW4=", &[]),
            ("Content-Transfer-Encoding: base64\n\ncGxhaW4!", &[Defect::BadBase64]),
            ("Content-Transfer-Encoding: base64\n\ncGxhaW4=cGxh", &[Defect::DataAfterBase64]),
            ("Content-Transfer-Encoding: quoted-printable\n\nplain=", &[]),
            ("Content-Transfer-Encoding: quoted-printable\n\npl=XX", &[Defect::BadQuotedPrintable]),
            ("Content-Type: text/plain; charset=x-none\n\nplain", &[Defect::UnknownCharset]),
            ("Content-Type: text/plain; charset=ascii\n\nGrüße", &[Defect::BadCharset]),
            ("Content-Type: text/plain; charset=utf-8\n\nGrüße", &[]),
        ];
        for (part, expected) in cases {
            let raw = two(part, "\nother");
            let message = parse(&raw);
            let found: Vec<_> = message.defects().iter().filter(|defect| *defect >= Defect::BadContentType).collect();
            assert_eq!(found, *expected, "{part}");
        }
    }

    #[test]
    fn of_two_encodings_both_readings_are_text() {
        let raw = "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\ncGxhaW4=\n";
        let message = parse(raw);
        let text = message.view(View::Plain).original();
        assert!(text.contains("cGxhaW4=") && text.contains("plain"), "{text}");
    }

    #[test]
    fn of_two_types_both_readings_are_text() {
        let raw = "Content-Type: text/plain\nContent-Type: text/html\n\nwords\n";
        let message = parse(raw);
        assert!(message.view(View::Plain).original().contains("words"));
        assert!(message.view(View::Html).original().contains("words"));
    }

    #[test]
    fn the_decoded_budget_holds_on_both_sides_and_over_all_parts() {
        let limits = Limits { decoded_bytes: 10, ..Limits::default() };
        let base64 = |text: &str| format!("Content-Transfer-Encoding: base64\n\n{text}");
        for (second, over, length) in [("cGxhaW4=", false, 5), ("cGxhaW5z", true, 5)] {
            let raw = two(&base64("cGxhaW4="), &base64(second));
            let message = Message::parse(raw.as_bytes(), &limits);
            assert_eq!(message.defects().contains(Defect::DecodedLimit), over);
            assert_eq!(message.parts()[2].content.len(), length);
        }
    }

    #[test]
    fn attachments_keep_their_beginning_and_are_sniffed() {
        let zip = format!("UEsDBBQA{}", "AAAA".repeat(4_000));
        let raw = two(
            &format!("Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\n{zip}"),
            &format!("Content-Type: application/octet-stream\n\n%PDF-1.4 {}", "x".repeat(10_000)),
        );
        let message = parse(&raw);
        let [_, zip, pdf] = message.parts() else { panic!("three parts") };
        assert_eq!((zip.sniffed, zip.content.len()), (Some("application/zip"), 4_096));
        assert_eq!((pdf.sniffed, pdf.content.len()), (Some("application/pdf"), 4_096));
        assert!(!message.defects().contains(Defect::DecodedLimit));
    }

    #[test]
    fn images_of_discs_are_sniffed_behind_their_empty_beginning() {
        // 32,769 zeros are 10,923 groups; `CD001` follows.
        let raw = format!(
            "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n{}Q0QwMDE=\n",
            "AAAA".repeat(10_923)
        );
        let message = parse(&raw);
        let part = &message.parts()[0];
        assert_eq!((part.sniffed, part.content.len()), (Some("application/x-iso9660-image"), 4_096));
    }
}
