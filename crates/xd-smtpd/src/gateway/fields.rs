//! The header section of content as it came: where each field begins and ends.
//!
//! Changing mail needs no more than that. What fields mean is read by the core.

use std::ops::Range;

/// The fields of a header section, in order; lines that are none are passed over. Content comes with CRLF at the end of each line.
#[derive(Clone, Debug)]
pub(super) struct Fields<'c> {
    content: &'c [u8],
    at: usize,
}

/// One field: its name as it stands, and its bytes up to the line end of its last line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct FieldSpan<'c> {
    pub(super) name: &'c [u8],
    pub(super) span: Range<usize>,
}

impl<'c> Fields<'c> {
    pub(super) fn of(content: &'c [u8]) -> Self {
        Self { content, at: 0 }
    }

    /// The fields behind one that ends here.
    pub(super) fn behind(content: &'c [u8], at: usize) -> Self {
        Self { content, at: at.min(content.len()) }
    }

    /// The end of the line that begins here, its line end included.
    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.content[at..]).map_or(self.content.len(), |end| at + end + 1)
    }
}

impl<'c> Iterator for Fields<'c> {
    type Item = FieldSpan<'c>;

    fn next(&mut self) -> Option<FieldSpan<'c>> {
        loop {
            let start = self.at;
            let mut end = self.line_end(start);
            let line = &self.content[start..end];
            if line.is_empty() || matches!(line, b"\r\n" | b"\n") {
                return None;
            }
            // RFC 5322 §2.2.3: a line that begins with a blank goes on with the field before.
            while matches!(self.content.get(end), Some(b' ' | b'\t')) {
                end = self.line_end(end);
            }
            self.at = end;
            // The name may be folded too (RFC 5322 §4.5.8 lets blanks stand before the colon).
            if let Some(colon) = memchr::memchr(b':', &self.content[start..end]) {
                return Some(FieldSpan { name: self.content[start..start + colon].trim_ascii(), span: start..end });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(content: &str) -> Vec<(String, Range<usize>)> {
        let name = |field: FieldSpan<'_>| (String::from_utf8_lossy(field.name).into_owned(), field.span);
        Fields::of(content.as_bytes()).map(name).collect()
    }

    #[test]
    fn folded_fields_are_whole() {
        let content = "A: 1\r\n two\r\n\tthree\r\nB : 2\r\n\r\nC: 3\r\n";
        assert_eq!(names(content), [("A".to_owned(), 0..20), ("B".to_owned(), 20..27)]);
    }

    #[test]
    fn the_end_is_where_it_comes_first() {
        assert_eq!(names(""), []);
        assert_eq!(names("\r\nA: 1\r\n"), []);
        assert_eq!(names("A: 1"), [("A".to_owned(), 0..4)]);
        assert_eq!(names(" folded from nothing\r\nA: 1\r\n"), [("A".to_owned(), 22..28)]);
    }

    #[test]
    fn lines_that_are_no_fields_are_passed_over() {
        assert_eq!(names("no field\r\nA: 1\r\n"), [("A".to_owned(), 10..16)]);
        assert_eq!(names(": empty\r\n"), [(String::new(), 0..9)]);
    }
}
