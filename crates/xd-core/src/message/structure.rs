//! The tree of parts (RFC 2046), read in one pass and within limits.

mod multipart;
mod second;

use std::borrow::Cow;
use std::ops::Range;

use xd_container::Signs;

pub(super) use self::multipart::SECOND_READINGS;
use super::body::Bodies;
use super::boundary::{Boundaries, Delimiter};
use super::part::{MediaType, Part};
use super::part_header::{ContentType, PartHeader};
use super::section::{End, Item, Section};
use super::value;
use crate::{Defect, Defects};

/// Where a part stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    parent: Option<usize>,
    depth: usize,
    nested: usize,
    /// Where its header section begins.
    header_start: usize,
    /// What a part without a type is: a message inside `multipart/digest` (RFC 2046 §5.1.5).
    in_digest: bool,
}

impl Place {
    fn inside(self, parent: usize) -> Self {
        Self { parent: Some(parent), depth: self.depth + 1, nested: self.nested, header_start: 0, in_digest: false }
    }
}

/// A walk over the parts in one run of bytes: the message itself, or what a nested encoded message decodes to.
#[derive(Debug)]
pub(super) struct Walk<'w, 'a, 'l, 'b> {
    bodies: &'w mut Bodies<'a, 'l>,
    bytes: &'b [u8],
    /// The same bytes when they are the message's own: bodies can be borrowed from them.
    original: Option<&'a [u8]>,
    boundaries: Boundaries,
}

impl<'w, 'a, 'l> Walk<'w, 'a, 'l, 'a> {
    /// A walk over the message's own bytes.
    pub(super) fn new(bodies: &'w mut Bodies<'a, 'l>, raw: &'a [u8]) -> Self {
        Self { bodies, bytes: raw, original: Some(raw), boundaries: Boundaries::default() }
    }
}

impl<'a, 'l> Walk<'_, 'a, 'l, '_> {
    /// Reads the body that begins at `start`, and all parts in it.
    pub(super) fn message_body(&mut self, header: &PartHeader, start: usize) {
        self.body(Place::default(), header, start);
    }

    /// Reads it again from the first line of the header section that is no field. What comes out stands beside the parts of the first
    /// reading, in the message's own body.
    pub(super) fn disputed_message_body(&mut self, above: &PartHeader, start: usize) {
        self.disputed_body(Place::default().inside(0), 0, above, start..self.bytes.len());
    }

    /// Reads a nested message or a part of a multipart: its header section, then its body.
    fn entity(&mut self, place: Place, start: usize) -> Delimiter {
        let place = Place { header_start: start, ..place };
        if let Some(limit) = self.limit_reached(place) {
            // Not even the header section is read: hostile mail has many.
            self.bodies.defects.record(limit);
            return self.boundaries.next(self.bytes, start);
        }
        let mut section = Section::new(self.bytes, start);
        // The message's own line ends were checked before.
        let has_plain_lines = self.original.is_some() && !self.bodies.defects.contains(Defect::BareCarriageReturn);
        let mut header = PartHeader::new(has_plain_lines);
        let mut fields = 0;
        // The first line that is no field, and the fields above it.
        let mut malformed: Option<(usize, PartHeader)> = None;
        let defects = &mut self.bodies.defects;
        while let Some(item) = section.next(|line| self.boundaries.stops(line) || header.opens(line)) {
            match item {
                // A body without a header section (RFC 2046 §5.1 wants an empty line before it).
                Item::Malformed(_) if fields == 0 => {
                    defects.record(Defect::MalformedField);
                    return self.body(place, &header, start);
                }
                Item::Malformed(span) => {
                    defects.record(Defect::MalformedField);
                    malformed.get_or_insert_with(|| (span.start, header.clone()));
                }
                Item::Field(field) => {
                    fields += 1;
                    // The subject of a nested message is text that a person reads there.
                    if place.nested > 0 && field.name.eq_ignore_ascii_case(b"subject") {
                        let value = field.value.get(..self.bodies.limits.field_bytes).unwrap_or(field.value);
                        let subject = value::utf8(value)
                            .map(|text| value::decode(text, defects))
                            .unwrap_or_else(|| value::decode_foreign(value, None, defects).into());
                        self.bodies.texts.attached.push(&subject);
                        self.bodies.texts.attached.separate();
                    }
                    if fields > self.bodies.limits.fields {
                        defects.record(Defect::FieldLimit);
                        continue;
                    }
                    let limit = self.bodies.limits.field_bytes;
                    if field.value.len() > limit {
                        defects.record(Defect::FieldBytesLimit);
                    }
                    header.field(field.name, field.value.get(..limit).unwrap_or(field.value), defects);
                }
            }
        }
        let (end, mut body) = section.end();
        let header = header.finish(&mut self.bodies.defects);
        let Some((malformed, above)) = malformed else { return self.body(place, &header, body) };
        // As in the message's own header section: some programs begin the body at such a line.
        match end {
            End::EmptyLine => {
                let disputed = self.bytes.get(malformed..body).unwrap_or_default();
                self.bodies.stray_text(disputed, place.nested > 0);
                let index = self.bodies.parts.len();
                let end = self.body(place, &header, body);
                self.disputed_body(place, index, &above.finish(&mut Defects::default()), malformed..end.body_end);
                return end;
            }
            End::Bytes | End::Stop => body = malformed,
        }
        self.body(place, &header, body)
    }

    /// Reads a body of any kind; gives the delimiter that ends it.
    fn body(&mut self, place: Place, header: &PartHeader, start: usize) -> Delimiter {
        if let Some(limit) = self.limit_reached(place) {
            self.bodies.defects.record(limit);
            return self.boundaries.next(self.bytes, start);
        }
        let index = self.push(place, header, start);
        let end = self.content(place, index, header, start);
        if let Some(part) = self.bodies.parts.get_mut(index) {
            part.span = start..end.body_end.max(start);
        }
        end
    }

    fn content(&mut self, place: Place, index: usize, header: &PartHeader, start: usize) -> Delimiter {
        let multiparts: Vec<(&ContentType, &[u8])> = header
            .types
            .iter()
            .flat_map(|reading| reading.boundaries.iter().map(move |boundary| (reading, boundary.as_slice())))
            .collect();
        if let Some(reading) = header.types.iter().find(|reading| &*reading.media.kind == "multipart") {
            let end = self.multiparts(place, index, header, reading, &multiparts, start);
            self.bare_lines(place, index, header, reading, &multiparts, start..end.body_end);
            return end;
        }
        let declares_message = self.bodies.parts.get(index).is_some_and(|part| part.declared.is_message());
        if declares_message || header.types.iter().any(|reading| reading.media.is_message()) {
            let end = self.nested_message(place, index, header, start);
            let region = start..end.body_end;
            // In another reading it is text or a file.
            if header.types.len() > 1 || self.is_file_as_well(index, header, region.clone()) {
                self.leaf(index, header, region);
            }
            return end;
        }
        let end = self.boundaries.next(self.bytes, start);
        self.leaf(index, header, start..end.body_end);
        end
    }

    fn leaf(&mut self, index: usize, header: &PartHeader, region: Range<usize>) {
        let bytes = self.bytes.get(region.clone()).unwrap_or_default();
        let original = self.original.and_then(|original| original.get(region));
        self.bodies.read(index, header, bytes, original);
    }

    fn limit_reached(&self, place: Place) -> Option<Defect> {
        if place.depth > self.bodies.limits.depth {
            Some(Defect::DepthLimit)
        } else if self.bodies.parts.len() >= self.bodies.limits.parts {
            Some(Defect::PartLimit)
        } else {
            None
        }
    }

    /// Adds a part of which only the header section is known.
    fn push(&mut self, place: Place, header: &PartHeader, start: usize) -> usize {
        let declared = match header.types.first() {
            Some(reading) => reading.media.clone(),
            None if place.in_digest => MediaType::new("message", "rfc822"),
            None => MediaType::new("text", "plain"),
        };
        let mut names = header.names.iter().cloned();
        self.bodies.parts.push(Part {
            parent: place.parent,
            depth: place.depth,
            nested: place.nested,
            declared,
            sniffed: None,
            charset: header.types.iter().find_map(|reading| reading.charset.clone()),
            disposition: header.disposition,
            file_name: names.next(),
            other_names: names.collect(),
            span: start..start,
            content: Cow::Borrowed(&[]),
            signs: Signs::default(),
            in_file: false,
            attachment: false,
            header_start: place.header_start,
            in_message: self.original.is_some(),
            transfer: None,
        });
        self.bodies.parts.len() - 1
    }
}

impl MediaType {
    /// Whether the body is a message with a header section of its own.
    fn is_message(&self) -> bool {
        &*self.kind == "message" && matches!(&*self.subtype, "rfc822" | "global" | "news")
    }
}

/// Reads a message that stands in a file, with all its parts. The file is the part of this index.
pub(super) fn message_in_file(bodies: &mut Bodies<'_, '_>, index: usize, bytes: &[u8]) {
    let Some(part) = bodies.parts.get(index) else { return };
    let file = Place { parent: part.parent, depth: part.depth, nested: part.nested, header_start: 0, in_digest: false };
    let inside = Place { nested: file.nested + 1, ..file.inside(index) };
    Walk { bodies, bytes, original: None, boundaries: Boundaries::default() }.entity(inside, 0);
}

/// Whether the first line is a header field.
fn begins_with_field(bytes: &[u8]) -> bool {
    matches!(Section::new(bytes, 0).next(|_| false), Some(Item::Field(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Message, View};

    /// Each part as `depth:type`, with a plus for each nested message around it.
    fn tree(message: &Message<'_>) -> Vec<String> {
        let show = |part: &Part<'_>| {
            let nested = "+".repeat(part.nested);
            format!("{}{nested}:{}/{}", part.depth, part.declared.kind, part.declared.subtype)
        };
        message.parts().iter().map(show).collect()
    }

    fn parse(raw: &str) -> Message<'_> {
        Message::parse(raw.as_bytes(), &Limits::default())
    }

    /// The defects of MIME only.
    fn defects(message: &Message<'_>) -> Vec<Defect> {
        message.defects().iter().filter(|defect| *defect >= Defect::BadContentType).collect()
    }

    const TWO: &str = "--b\n\none\n--b\nContent-Type: text/html\n\n<p>two\n--b--\n";

    #[test]
    fn the_length_of_fields_is_bounded_in_parts_too() {
        let raw =
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8; format=x\n\n<p>x\n--b--\n";
        for (field_bytes, reached) in [(35, false), (34, true)] {
            let limits = Limits { field_bytes, ..Limits::default() };
            let message = Message::parse(raw.as_bytes(), &limits);
            assert_eq!(message.defects().contains(Defect::FieldBytesLimit), reached, "{field_bytes}");
        }
    }

    #[test]
    fn trees_and_their_defects() {
        let multipart = |rest: &str| format!("Content-Type: multipart/mixed; boundary=b\n{rest}");
        let nested = "--b\nContent-Type: message/rfc822\n\nSubject: x\n\ninner\n--b--\n";
        let two = ["0:multipart/mixed", "1:text/plain", "1:text/html"];
        let cases: &[(String, &[&str], &[Defect])] = &[
            ("Subject: x\n\ntext".to_owned(), &["0:text/plain"], &[]),
            (multipart(&format!("\n{TWO}")), &two, &[]),
            (multipart(&format!("\npreamble\n{TWO}epilogue\n")), &two, &[]),
            (multipart(&format!("\n{}", TWO.replace("--b\n", "--b \t\n"))), &two, &[]),
            (multipart(&format!("\n{}", TWO.replace("--b\n", "--b x\n"))), &two, &[Defect::LooseBoundary]),
            (multipart(&format!("\n{}", TWO.replace("--b--\n", ""))), &two, &[Defect::UnterminatedMultipart]),
            (
                multipart(&format!("\n{TWO}--b\n\nlate\n")),
                &["0:multipart/mixed", "1:text/plain", "1:text/html", "1:text/plain"],
                &[Defect::PartAfterEnd],
            ),
            (multipart("\nno parts\n--c\n"), &["0:multipart/mixed"], &[Defect::BoundaryNotFound]),
            ("Content-Type: multipart/mixed\n\n--b\n\none\n--b--\n".to_owned(), &["0:multipart/mixed"], &[Defect::NoBoundary]),
            (
                format!("Content-Type: multipart/mixed\n\n{}", TWO.replace("\n\none", "\nContent-Type: text/plain\n\none")),
                &two,
                &[Defect::NoBoundary],
            ),
            (
                multipart(&format!("\n{}", TWO.replace("\n\none", "\nContent-Type: text/plain\n\none").replace("--b", "--c"))),
                &two,
                &[Defect::BoundaryNotFound],
            ),
            (multipart("\nempty\n--b--\n"), &["0:multipart/mixed"], &[]),
            // A header section without its empty line ends at the first delimiter of its own multipart.
            (multipart(TWO), &two, &[]),
            (
                multipart("\n--b\nContent-Type: multipart/x; boundary=c\n--c\nContent-Type: text/html\n\none\n--c--\n--b--\n"),
                &["0:multipart/mixed", "1:multipart/x", "2:text/html"],
                &[],
            ),
            // A part without its empty line still ends at the boundary.
            (multipart("\n--b\nContent-Type: text/html\n--b--\n"), &["0:multipart/mixed", "1:text/html"], &[]),
            (multipart(&format!("\n{nested}")), &["0:multipart/mixed", "1:message/rfc822", "2+:text/plain"], &[]),
            (
                "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ninner\n--b--\n".to_owned(),
                &["0:multipart/digest", "1:message/rfc822", "2+:text/plain"],
                &[],
            ),
            // An inner multipart that is not closed ends where the outer one goes on.
            (
                multipart("\n--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n"),
                &["0:multipart/mixed", "1:multipart/x", "2:text/plain", "1:text/plain"],
                &[Defect::UnterminatedMultipart],
            ),
            (
                multipart("\n--b\nContent-Type: multipart/x; boundary=b\n\n--b\n\none\n--b--\n--b\n\ntwo\n--b--\n"),
                &["0:multipart/mixed", "1:multipart/x", "2:text/plain", "1:text/plain"],
                &[Defect::DuplicateBoundary],
            ),
            (multipart(&format!("Content-Transfer-Encoding: base64\n\n{TWO}")), &two, &[Defect::EncodedMultipart]),
            // The parts in base64: LS1iCgpvbmUKLS1iLS0K is `--b`, an empty line, `one` and `--b--`.
            (
                multipart("Content-Transfer-Encoding: base64\n\nLS1iCgpvbmUKLS1iLS0K\n"),
                &["0:multipart/mixed", "1:text/plain"],
                &[Defect::EncodedMultipart],
            ),
            (
                "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKaW5uZXIK\n".to_owned(),
                &["0:message/rfc822", "1+:text/plain"],
                &[Defect::EncodedMessage],
            ),
            (
                "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: x\n\ninner\n".to_owned(),
                &["0:message/rfc822", "1+:text/plain"],
                &[Defect::EncodedMessage],
            ),
        ];
        for (raw, parts, faults) in cases {
            let message = parse(raw);
            assert_eq!(tree(&message), *parts, "{raw}");
            assert_eq!(defects(&message), *faults, "{raw}");
            let crlf = raw.replace('\n', "\r\n");
            assert_eq!(tree(&parse(&crlf)), *parts, "{crlf:?}");
        }
    }

    #[test]
    fn both_readings_are_followed() {
        for header in [
            "Content-Type: multipart/mixed; boundary=b; boundary=c\n",
            "Content-Type: multipart/mixed; boundary=c; boundary=b\n",
            "Content-Type: multipart/mixed; boundary=b\nContent-Type: multipart/mixed; boundary=c\n",
            "Content-Type: multipart/mixed; boundary=c; boundary*=''b\n",
        ] {
            let raw = format!("{header}\n--b\n\none\n--b--\n\n--c\nContent-Type: text/html\n\n<p>two\n--c--\n");
            let message = parse(&raw);
            let mut parts = tree(&message);
            parts.sort();
            assert_eq!(parts, ["0:multipart/mixed", "1:text/html", "1:text/plain"], "{raw}");
            assert!(message.view(View::Plain).original().contains("one"));
            assert!(message.view(View::Html).original().contains("two"));
        }
    }

    #[test]
    fn two_types_of_which_one_has_parts() {
        for types in [["text/plain", "multipart/mixed; boundary=b"], ["multipart/mixed; boundary=b", "text/plain"]] {
            let raw = format!("Content-Type: {}\nContent-Type: {}\n\n{TWO}", types[0], types[1]);
            let message = parse(&raw);
            assert_eq!(message.parts().len(), 3, "{raw}");
            assert!(message.view(View::Html).original().contains("two"));
        }
    }

    #[test]
    fn two_types_of_which_one_is_a_message() {
        for types in [["text/plain", "message/rfc822"], ["message/rfc822", "text/plain"]] {
            let raw = format!("Content-Type: {}\nContent-Type: {}\n\nX: y\n\ninner\n", types[0], types[1]);
            let message = parse(&raw);
            assert_eq!(message.parts().len(), 2, "{raw}");
            assert!(message.view(View::Plain).original().contains("X: y"));
            assert!(message.view(View::Attached).original().contains("inner"));
        }
    }

    #[test]
    fn text_in_a_header_section_of_a_part_is_seen() {
        for (end, body) in [("\nrest\n", "rest"), ("", "Buy now")] {
            let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\nX: y\nBuy now, friends\n{end}--b--\n");
            let message = parse(&raw);
            assert!(message.view(View::Plain).original().contains("Buy now"));
            assert!(raw[message.parts()[1].span.clone()].starts_with(body), "{raw}");
            assert_eq!(defects(&message), []);
        }
    }

    #[test]
    fn spans_and_contents() {
        let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n{TWO}");
        let message = parse(&raw);
        let texts: Vec<_> = message.parts().iter().map(|part| &raw[part.span.clone()]).collect();
        assert_eq!(texts, [TWO, "one", "<p>two"]);
        let borrowed = |part: &Part<'_>| matches!(part.content, Cow::Borrowed(_));
        assert!(message.parts().iter().all(borrowed));
    }

    #[test]
    fn part_and_depth_limits_hold_on_both_sides() {
        let multipart =
            |parts: usize| format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(parts));
        let limits = Limits { parts: 4, depth: 3, ..Limits::default() };
        for (parts, over) in [(3, false), (4, true)] {
            let raw = multipart(parts);
            let message = Message::parse(raw.as_bytes(), &limits);
            assert_eq!(message.parts().len(), 4);
            assert_eq!(message.defects().contains(Defect::PartLimit), over);
        }
        for (depth, over) in [(3, false), (4, true)] {
            let raw = format!("{}\ninnermost\n", "Content-Type: message/rfc822\n\n".repeat(depth));
            let message = Message::parse(raw.as_bytes(), &limits);
            assert_eq!(message.parts().len(), 4);
            assert_eq!(message.defects().contains(Defect::DepthLimit), over);
        }
    }

    #[test]
    fn second_readings_end() {
        // Each level has two readings, and each reading finds the next level.
        let mut raw = String::new();
        for level in 0..60 {
            raw.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=a{level}; boundary=b{level}\n\n--a{level}\n--b{level}\n"
            ));
        }
        let message = parse(&raw);
        assert!(message.parts().len() <= Limits::default().parts);
        assert!(message.defects().contains(Defect::DuplicateParameter));
    }
}
