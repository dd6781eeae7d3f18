//! The lines of a header section as raw fields (RFC 5322 §2.2), for the message itself and for every part alike.
//!
//! What a field means is left to others: here are names, values and where they stand.

use std::ops::Range;

use memchr::memchr;

/// One field as it stands.
#[derive(Clone, Debug)]
pub(super) struct RawField<'b> {
    /// What stands before the colon, without blanks at its end. Never empty, no blanks inside.
    pub(super) name: &'b [u8],
    /// What stands after the colon, without the final line end.
    pub(super) value: &'b [u8],
    /// The whole field in the bytes, final line end included.
    pub(super) span: Range<usize>,
    /// Blanks stand before the colon.
    pub(super) space_before_colon: bool,
    /// A line of nothing but blanks continues the field.
    pub(super) blank_fold: bool,
}

/// One item of a header section.
#[derive(Clone, Debug)]
pub(super) enum Item<'b> {
    Field(RawField<'b>),
    /// A line that is no field: it begins with a blank, has no colon, or a name that is none.
    Malformed(Range<usize>),
}

/// How a header section ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// With an empty line, which belongs to neither header nor body.
    EmptyLine,
    /// With a line that the caller stops at.
    Stop,
    /// With the last byte.
    Bytes,
}

/// Reads the items of one header section in order.
#[derive(Debug)]
pub(super) struct Section<'b> {
    bytes: &'b [u8],
    position: usize,
    end: Option<End>,
}

impl<'b> Section<'b> {
    /// The section that begins at `start`. Offsets are those of `bytes`.
    pub(super) fn new(bytes: &'b [u8], start: usize) -> Self {
        Self { bytes, position: start, end: None }
    }

    /// The next item; none at the section's end. Lines that begin with `--` are shown to `stops` first: a boundary ends
    /// a section that lacks its empty line.
    pub(super) fn next(&mut self, stops: impl Fn(&[u8]) -> bool) -> Option<Item<'b>> {
        if self.end.is_some() {
            return None;
        }
        let start = self.position;
        let rest = self.bytes.get(start..).unwrap_or_default();
        if rest.is_empty() {
            return self.finish(End::Bytes, start);
        }
        let line = first_line(rest);
        let text = without_line_end(line);
        if text.is_empty() {
            return self.finish(End::EmptyLine, start + line.len());
        }
        if text.starts_with(b"--") && stops(text) {
            return self.finish(End::Stop, start);
        }
        let Some((name, space_before_colon, after_colon)) = split_name(text) else {
            self.position = start + line.len();
            return Some(Item::Malformed(start..self.position));
        };
        let mut length = line.len();
        let mut blank_fold = false;
        while let Some(b' ' | b'\t') = rest.get(length) {
            let line = first_line(rest.get(length..).unwrap_or_default());
            blank_fold |= line.trim_ascii().is_empty();
            length += line.len();
        }
        self.position = start + length;
        let whole = without_line_end(rest.get(..length).unwrap_or_default());
        let value = whole.get(after_colon..).unwrap_or_default();
        Some(Item::Field(RawField { name, value, span: start..self.position, space_before_colon, blank_fold }))
    }

    /// Where the section ended and how; at the end only.
    pub(super) fn end(&self) -> (End, usize) {
        (self.end.unwrap_or(End::Bytes), self.position)
    }

    fn finish(&mut self, end: End, position: usize) -> Option<Item<'b>> {
        self.end = Some(end);
        self.position = position;
        None
    }
}

/// The bytes up to and with the first LF.
pub(super) fn first_line(bytes: &[u8]) -> &[u8] {
    memchr(b'\n', bytes).and_then(|at| bytes.get(..=at)).unwrap_or(bytes)
}

/// The line without LF or CRLF.
pub(super) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The name, whether blanks stand between it and the colon, and where the value begins.
fn split_name(line: &[u8]) -> Option<(&[u8], bool, usize)> {
    let colon = memchr(b':', line)?;
    let before = line.get(..colon)?;
    let name = before.trim_ascii_end();
    if name.is_empty() || name.iter().any(|b| matches!(b, b' ' | b'\t' | b'\r')) {
        return None;
    }
    Some((name, name.len() != before.len(), colon + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> (Vec<String>, End, usize) {
        let mut section = Section::new(bytes.as_bytes(), 0);
        let mut items = Vec::new();
        while let Some(item) = section.next(|line| line == b"--stop") {
            items.push(match item {
                Item::Field(field) => {
                    format!("{}={}", String::from_utf8_lossy(field.name), String::from_utf8_lossy(field.value))
                }
                Item::Malformed(span) => format!("!{}", &bytes[span]),
            });
        }
        let (end, position) = section.end();
        (items, end, position)
    }

    #[test]
    fn fields_and_ends() {
        let cases: &[(&str, &[&str], End, usize)] = &[
            ("", &[], End::Bytes, 0),
            ("\nbody", &[], End::EmptyLine, 1),
            ("\r\nbody", &[], End::EmptyLine, 2),
            ("A: b\n\nbody", &["A= b"], End::EmptyLine, 6),
            ("A: b\r\n c\r\nD:e", &["A= b\r\n c", "D=e"], End::Bytes, 13),
            ("A : b\n", &["A= b"], End::Bytes, 6),
            ("A: b\n--stop\nC: d", &["A= b"], End::Stop, 5),
            ("A: b\n--go\nC: d", &["A= b", "!--go\n", "C= d"], End::Bytes, 14),
            (" A: b\nC: d\n\n", &["! A: b\n", "C= d"], End::EmptyLine, 12),
            (": b\nhello there: c\nC:\n\n", &["!: b\n", "!hello there: c\n", "C="], End::EmptyLine, 23),
        ];
        for (bytes, items, end, position) in cases {
            let (got, got_end, got_position) = read(bytes);
            assert_eq!(got, *items, "{bytes:?}");
            assert_eq!((got_end, got_position), (*end, *position), "{bytes:?}");
        }
    }
}
