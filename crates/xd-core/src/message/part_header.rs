//! What a header section says about its body: the `Content-*` fields, with every reading that mail programs may choose.

use super::content_type::Parameterized;
use super::part::{Disposition, MediaType};
use super::transfer::Transfer;
use crate::{Defect, Defects};

/// The `Content-*` fields of one header section, gathered one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct PartHeader {
    /// The readings of `Content-Type`, first the first field; empty when there is none, or none that can be read.
    pub(super) types: Vec<ContentType>,
    /// The readings of `Content-Transfer-Encoding`, first the first field; no reading twice.
    pub(super) transfers: Vec<Transfer>,
    pub(super) disposition: Option<Disposition>,
    /// `7bit` stands there, rather than being the default.
    pub(super) says_seven_bit: bool,
    /// All file names, most preferred first; no name twice.
    pub(super) names: Vec<String>,
    /// No bare CR stands anywhere in the bytes around it, so that none is looked for.
    has_plain_lines: bool,
    type_names: Vec<String>,
    type_fields: usize,
    transfer_fields: usize,
    disposition_fields: usize,
}

/// One reading of a `Content-Type`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ContentType {
    pub(super) media: MediaType,
    pub(super) charset: Option<Box<str>>,
    /// The boundaries of a multipart, most preferred first.
    pub(super) boundaries: Vec<Vec<u8>>,
}

impl PartHeader {
    /// A section without fields yet. In plain lines no bare CR stands.
    pub(super) fn new(has_plain_lines: bool) -> Self {
        Self { has_plain_lines, ..Self::default() }
    }

    /// Takes one field; fields that say nothing about the body are ignored.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8], defects: &mut Defects) {
        self.one_field(name, value, defects);
        if self.has_plain_lines {
            return;
        }
        // Some programs end lines at a bare CR, too. Each line is looked at once, however many there are.
        let mut rest = value;
        while let Some(at) = bare_return(rest) {
            rest = rest.get(at + 1..).unwrap_or_default();
            if !rest.get(..8).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"content-")) {
                continue;
            }
            let line = rest.get(..bare_return(rest).unwrap_or(rest.len())).unwrap_or(rest);
            if let Some((name, value)) = memchr::memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) {
                self.one_field(name, value.get(1..).unwrap_or_default(), defects);
            }
        }
    }

    fn one_field(&mut self, name: &[u8], value: &[u8], defects: &mut Defects) {
        let Some((prefix, kind)) = name.split_at_checked(8) else { return };
        if !prefix.eq_ignore_ascii_case(b"content-") {
            return;
        }
        if kind.eq_ignore_ascii_case(b"type") {
            self.content_type(value, defects);
        } else if kind.eq_ignore_ascii_case(b"transfer-encoding") {
            self.transfer_encoding(value, defects);
        } else if kind.eq_ignore_ascii_case(b"disposition") {
            self.content_disposition(value, defects);
        }
    }

    /// The same of fields that stand behind a line that is none, at the beginning of a message: some programs pass such a line over,
    /// others show everything as text, so that this is the first reading.
    pub(super) fn behind_stray_line(self) -> Self {
        let mut header = self;
        if !header.types.is_empty() {
            let text = ContentType { media: MediaType::new("text", "plain"), charset: None, boundaries: Vec::new() };
            header.types.insert(0, text);
            header.types.truncate(MAX_READINGS);
        }
        if !header.transfers.is_empty() {
            header.transfers.retain(|transfer| *transfer != Transfer::Identity);
            header.transfers.insert(0, Transfer::Identity);
        }
        Self { disposition: None, says_seven_bit: false, ..header.finish(&mut Defects::default()) }
    }

    /// Whether a line is the first delimiter of the multipart that the fields so far declare: the empty line before it is missing.
    pub(super) fn opens(&self, line: &[u8]) -> bool {
        let line = line.strip_prefix(b"--").map(<[u8]>::trim_ascii_end);
        line.is_some_and(|line| self.types.iter().flat_map(|reading| &reading.boundaries).any(|boundary| boundary == line))
    }

    /// All fields were taken.
    pub(super) fn finish(mut self, defects: &mut Defects) -> Self {
        let type_names = std::mem::take(&mut self.type_names);
        // Programs that look at one of them let pass what others save by the other.
        let (declared, disposed) = (endings(&type_names), endings(&self.names));
        if declared.iter().flatten().any(|one| disposed.iter().flatten().any(|other| differ(one, other))) {
            defects.record(Defect::NamesDiffer);
        }
        for name in type_names {
            self.name(name);
        }
        self
    }

    fn name(&mut self, name: String) {
        if !name.is_empty() && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    fn content_type(&mut self, value: &[u8], defects: &mut Defects) {
        self.type_fields += 1;
        if self.type_fields > 1 {
            defects.record(Defect::DuplicateContentType);
        }
        let parsed = Parameterized::parse(value);
        let Some(media) = MediaType::parse(parsed.value) else {
            defects.record(Defect::BadContentType);
            self.loose_type(value, defects);
            return;
        };
        self.type_names.extend(parsed.texts("name", defects));
        let charset = match &*media.kind {
            "text" | "message" => parsed.texts("charset", defects).into_iter().next().map(String::into_boxed_str),
            _ => None,
        };
        let boundaries = if &*media.kind == "multipart" { boundaries(&parsed, defects) } else { Vec::new() };
        let reading = ContentType { media, charset, boundaries };
        if !self.types.contains(&reading) {
            self.types.truncate(MAX_READINGS - 1);
            self.types.push(reading);
        }
    }

    /// Reads a type as those do who pass over comments, blanks and controls within it.
    fn loose_type(&mut self, value: &[u8], defects: &mut Defects) {
        let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
        let (media, parameters) = value.split_at(end);
        let mut depth = 0_usize;
        let mut plain: Vec<u8> = Vec::new();
        for &byte in media {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ if depth == 0 && byte.is_ascii_graphic() => plain.push(byte),
                _ => {}
            }
        }
        if MediaType::parse(&plain).is_some() {
            plain.extend_from_slice(parameters);
            self.type_fields -= 1;
            self.content_type(&plain, defects);
        }
    }

    fn transfer_encoding(&mut self, value: &[u8], defects: &mut Defects) {
        self.transfer_fields += 1;
        if self.transfer_fields > 1 {
            defects.record(Defect::DuplicateTransferEncoding);
        }
        let transfer = Transfer::parse(value).unwrap_or_else(|| {
            defects.record(Defect::UnknownTransferEncoding);
            Transfer::Identity
        });
        if transfer == Transfer::Uuencode {
            defects.record(Defect::UnknownTransferEncoding);
        }
        self.says_seven_bit |= value.trim_ascii().eq_ignore_ascii_case(b"7bit");
        if !self.transfers.contains(&transfer) {
            self.transfers.push(transfer);
        }
        // Some programs take `base64 x` and `"base64"` for base64, others for nothing they know.
        let is_exact = !value
            .trim_ascii()
            .split(|b| matches!(b, b';' | b'('))
            .next()
            .unwrap_or_default()
            .trim_ascii_end()
            .iter()
            .any(|b| b.is_ascii_whitespace() || *b == b'"');
        if !is_exact {
            defects.record(Defect::UnknownTransferEncoding);
            if !self.transfers.contains(&Transfer::Identity) {
                self.transfers.push(Transfer::Identity);
            }
        }
    }

    fn content_disposition(&mut self, value: &[u8], defects: &mut Defects) {
        self.disposition_fields += 1;
        if self.disposition_fields > 1 {
            defects.record(Defect::DuplicateDisposition);
        }
        let parsed = Parameterized::parse(value);
        for name in parsed.texts("filename", defects) {
            self.name(name);
        }
        let disposition = if parsed.value.is_empty() {
            return;
        } else if parsed.value.eq_ignore_ascii_case(b"inline") {
            Disposition::Inline
        } else {
            Disposition::Attachment
        };
        // Of two, the one that shows the text to a person is the dangerous one.
        if self.disposition != Some(Disposition::Inline) {
            self.disposition = Some(disposition);
        }
    }
}

/// Readings of one `Content-Type` that are followed: programs take the first or the last.
const MAX_READINGS: usize = 2;

/// RFC 2046 §5.1.1: a boundary has at most so many characters.
const BOUNDARY_BYTES: usize = 70;

fn boundaries(parsed: &Parameterized<'_>, defects: &mut Defects) -> Vec<Vec<u8>> {
    let mut boundaries = parsed.bytes("boundary", defects);
    if boundaries.is_empty() {
        defects.record(Defect::NoBoundary);
    }
    for boundary in &mut boundaries {
        if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES || boundary.last().is_some_and(u8::is_ascii_whitespace) {
            defects.record(Defect::BadBoundary);
        }
        // Blanks at the end of a delimiter's line are ignored (RFC 2046 §5.1.1).
        boundary.truncate(boundary.trim_ascii_end().len());
    }
    boundaries.truncate(MAX_READINGS);
    boundaries
}

/// Whether two endings differ. Much ordinary mail has an ending in one of two names alone.
fn differ(one: &str, other: &str) -> bool {
    !one.is_empty() && !other.is_empty() && !one.eq_ignore_ascii_case(other)
}

/// What a name ends in behind its last dot; nothing where it has none.
fn ending(name: &str) -> &str {
    name.trim_end().rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// The first two endings that differ: where names have more, one of two differs from any other ending as well.
fn endings(names: &[String]) -> [Option<&str>; 2] {
    let mut all = names.iter().map(|name| ending(name)).filter(|ending| !ending.is_empty());
    let first = all.next();
    [first, all.find(|other| first.is_some_and(|first| differ(first, other)))]
}

/// Where the first CR stands that no LF follows.
fn bare_return(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\r', bytes).find(|at| bytes.get(at + 1) != Some(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> (PartHeader, Vec<Defect>) {
        let mut header = PartHeader::default();
        let mut defects = Defects::default();
        for (name, value) in fields {
            header.field(name.as_bytes(), value.as_bytes(), &mut defects);
        }
        (header.finish(&mut defects), defects.iter().collect())
    }

    #[test]
    fn behind_a_bare_return_stands_a_field_and_behind_a_fold_none() {
        let kinds =
            |value: &str| read(&[("X", value)]).0.types.iter().map(|reading| reading.media.to_string()).collect::<Vec<_>>();
        assert_eq!(kinds("a\rContent-Type: text/html\rContent-Type: image/png"), ["text/html", "image/png"]);
        assert!(kinds("a\r\nContent-Type: text/html").is_empty());
        assert!(kinds("a\rX-Type: text/html").is_empty());
    }

    #[test]
    fn defects_of_fields() {
        type Case<'c> = (&'c [(&'c str, &'c str)], &'c [Defect]);
        let cases: &[Case<'_>] = &[
            (&[("Content-Type", "text/plain"), ("Subject", "x"), ("C", "d")], &[]),
            (&[("Content-Type", "text/plain"), ("content-type", "text/plain")], &[Defect::DuplicateContentType]),
            (&[("Content-Type", "nonsense")], &[Defect::BadContentType]),
            (&[("Content-Type", "multipart/mixed")], &[Defect::NoBoundary]),
            (&[("Content-Type", "multipart/mixed; boundary=\"\"")], &[Defect::BadBoundary]),
            (&[("Content-Type", "multipart/mixed; boundary=\"a \"")], &[Defect::BadBoundary]),
            (&[("Content-Transfer-Encoding", "base46")], &[Defect::UnknownTransferEncoding]),
            (
                &[("Content-Transfer-Encoding", "7bit"), ("Content-Transfer-Encoding", "7bit")],
                &[Defect::DuplicateTransferEncoding],
            ),
            (&[("Content-Disposition", "inline"), ("Content-Disposition", "inline")], &[Defect::DuplicateDisposition]),
            (
                &[("Content-Type", "a/b; name=a.txt"), ("Content-Disposition", "attachment; filename=b.exe")],
                &[Defect::NamesDiffer],
            ),
            (&[("Content-Type", "a/b; name=a"), ("Content-Disposition", "attachment; filename=b.exe")], &[]),
            (
                &[("Content-Type", "a/b; name=a.TXT; name=c.exe"), ("Content-Disposition", "attachment; filename=b.txt")],
                &[Defect::DuplicateParameter, Defect::NamesDiffer],
            ),
            (
                &[
                    ("Content-Type", "a/b; name=a.txt"),
                    ("Content-Disposition", "attachment; filename=b; filename=c.TXT; filename=d.exe"),
                ],
                &[Defect::DuplicateParameter, Defect::NamesDiffer],
            ),
            (&[("Content-Type", "a/b; name=a.TXT"), ("Content-Disposition", "attachment; filename=b.txt")], &[]),
        ];
        for (fields, expected) in cases {
            assert_eq!(read(fields).1, *expected, "{fields:?}");
        }
        for (length, expected) in [(70, Vec::new()), (71, vec![Defect::BadBoundary])] {
            let value = format!("multipart/mixed; boundary={}", "b".repeat(length));
            assert_eq!(read(&[("Content-Type", &value)]).1, expected);
        }
    }

    #[test]
    fn every_name_is_kept_and_the_disposition_names_first() {
        let (header, _) = read(&[
            ("Content-Type", "application/pdf; name=a.pdf; name=b.exe"),
            ("Content-Disposition", "attachment; filename=c.txt"),
        ]);
        assert_eq!(header.names, ["c.txt", "a.pdf", "b.exe"]);
    }

    #[test]
    fn of_two_dispositions_the_shown_one_counts() {
        for order in [["inline", "attachment"], ["attachment", "inline"]] {
            let (header, _) = read(&order.map(|value| ("Content-Disposition", value)));
            assert_eq!(header.disposition, Some(Disposition::Inline));
        }
    }
}
