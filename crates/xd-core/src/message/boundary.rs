//! Delimiter lines of multiparts (RFC 2046 §5.1.1), found in one pass however deep multiparts nest.
//!
//! Every line that begins with `--` is looked at once, against all boundaries that are open around it.

use memchr::memmem;

use super::section::{first_line, without_line_end};

/// The open multiparts, outermost first.
#[derive(Debug, Default)]
pub(super) struct Boundaries {
    open: Vec<Vec<u8>>,
    /// A bit for each fingerprint of an open boundary: most lines are turned away by one test.
    fingerprints: [u64; 4],
}

/// A delimiter line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Delimiter {
    /// The multipart it belongs to, or none for the end of the bytes.
    pub(super) owner: Option<usize>,
    /// It is the closing one.
    pub(super) closing: bool,
    /// More than blanks follows the boundary on its line.
    pub(super) loose: bool,
    /// Where the body before it ends: the line end before the line belongs to it.
    pub(super) body_end: usize,
    /// Where the line after it begins.
    pub(super) next: usize,
}

/// What a line is to the open multiparts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Match {
    owner: usize,
    closing: bool,
    loose: bool,
}

impl Boundaries {
    /// Opens a multipart inside all others; gives its number, and whether one around it has the same boundary.
    pub(super) fn open(&mut self, boundary: &[u8]) -> (usize, bool) {
        let duplicate = self.is_open(boundary);
        self.open.push(boundary.to_vec());
        self.mark(boundary);
        (self.open.len() - 1, duplicate)
    }

    /// Closes the multipart of this number and all inside it.
    pub(super) fn close(&mut self, number: usize) {
        self.open.truncate(number);
        self.fingerprints = [0; 4];
        let open = std::mem::take(&mut self.open);
        for boundary in &open {
            self.mark(boundary);
        }
        self.open = open;
    }

    /// Whether a multipart with this boundary is open.
    pub(super) fn is_open(&self, boundary: &[u8]) -> bool {
        self.open.iter().any(|open| open == boundary)
    }

    /// Whether a line is a delimiter.
    pub(super) fn stops(&self, line: &[u8]) -> bool {
        self.find(line).is_some()
    }

    /// The first delimiter line at or after `start`, which is the beginning of a line.
    pub(super) fn next(&self, bytes: &[u8], start: usize) -> Delimiter {
        let end = Delimiter { owner: None, closing: true, loose: false, body_end: bytes.len(), next: bytes.len() };
        if self.open.is_empty() {
            return end;
        }
        let finder = memmem::Finder::new(b"\n--");
        let mut line_start = start;
        if !bytes.get(start..).is_some_and(|rest| rest.starts_with(b"--")) {
            match find_after(&finder, bytes, start) {
                Some(at) => line_start = at,
                None => return end,
            }
        }
        loop {
            let line = first_line(bytes.get(line_start..).unwrap_or_default());
            if let Some(Match { owner, closing, loose }) = self.find(without_line_end(line)) {
                let before = bytes.get(start..line_start).unwrap_or_default();
                let body_end = start + without_line_end(before).len();
                return Delimiter { owner: Some(owner), closing, loose, body_end, next: line_start + line.len() };
            }
            // The line end that was passed may begin the next delimiter.
            match find_after(&finder, bytes, line_start + line.len().saturating_sub(1)) {
                Some(at) => line_start = at,
                None => return end,
            }
        }
    }

    /// The innermost multipart that a line delimits. A boundary followed by a blank and other text counts too, as long as no whole
    /// line fits: some programs take it.
    fn find(&self, line: &[u8]) -> Option<Match> {
        let line = line.strip_prefix(b"--")?.trim_ascii_end();
        if let Some((owner, closing)) = self.find_exactly(line) {
            return Some(Match { owner, closing, loose: false });
        }
        let token = line.get(..line.iter().position(u8::is_ascii_whitespace)?)?;
        // A line of two dashes and text is a signature.
        if token.is_empty() {
            return None;
        }
        self.find_exactly(token).map(|(owner, closing)| Match { owner, closing, loose: true })
    }

    fn find_exactly(&self, line: &[u8]) -> Option<(usize, bool)> {
        let closing = line.strip_suffix(b"--");
        if !self.is_marked(line) && !closing.is_some_and(|line| self.is_marked(line)) {
            return None;
        }
        self.open.iter().enumerate().rev().find_map(|(number, boundary)| {
            if boundary == line {
                Some((number, false))
            } else if closing.is_some_and(|line| boundary == line) {
                Some((number, true))
            } else {
                None
            }
        })
    }

    fn mark(&mut self, boundary: &[u8]) {
        let print = fingerprint(boundary);
        if let Some(word) = self.fingerprints.get_mut(usize::from(print >> 6)) {
            *word |= 1 << (print & 63);
        }
    }

    fn is_marked(&self, boundary: &[u8]) -> bool {
        let print = fingerprint(boundary);
        self.fingerprints.get(usize::from(print >> 6)).is_some_and(|word| word >> (print & 63) & 1 == 1)
    }
}

/// The beginning of the line after the first LF at or after `from` that two dashes follow.
fn find_after(finder: &memmem::Finder<'_>, bytes: &[u8], from: usize) -> Option<usize> {
    finder.find(bytes.get(from..)?).map(|at| from + at + 1)
}

fn fingerprint(boundary: &[u8]) -> u8 {
    let first = boundary.first().copied().unwrap_or(0);
    let last = boundary.last().copied().unwrap_or(0);
    // The length matters most: lines of text have many, boundaries few.
    (boundary.len() as u8).wrapping_mul(31) ^ first.wrapping_mul(7) ^ last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boundaries(open: &[&str]) -> Boundaries {
        let mut boundaries = Boundaries::default();
        for boundary in open {
            boundaries.open(boundary.as_bytes());
        }
        boundaries
    }

    #[test]
    fn lines_that_delimit() {
        let open = boundaries(&["a", "ab", "a--", "x y"]);
        let cases = [
            ("--ab", Some((1, false, false))),
            ("--ab--", Some((1, true, false))),
            ("--a \t", Some((0, false, false))),
            ("--a--", Some((2, false, false))),
            ("--a----", Some((2, true, false))),
            ("--x y", Some((3, false, false))),
            ("--a text", Some((0, false, true))),
            ("--x z", None),
            ("--abc", None),
            ("-- ", None),
            ("-- a", None),
            ("--", None),
            ("a", None),
        ];
        for (line, expected) in cases {
            let expected: Option<(usize, bool, bool)> = expected;
            let found = open.find(line.as_bytes()).map(|found| (found.owner, found.closing, found.loose));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn the_line_end_before_a_delimiter_is_not_of_the_body() {
        let open = boundaries(&["b"]);
        for (bytes, body, next) in [
            ("text\r\n--b\r\nrest", "text", 11),
            ("text\n--b\nrest", "text", 9),
            ("\n--b\n", "", 5),
            ("--b\n", "", 4),
            ("--b", "", 3),
            ("--c\n--b--", "--c", 9),
            ("--\n--b--", "--", 8),
        ] {
            let delimiter = open.next(bytes.as_bytes(), 0);
            assert_eq!((&bytes[..delimiter.body_end], delimiter.next), (body, next), "{bytes:?}");
            assert_eq!(delimiter.owner, Some(0));
        }
        assert_eq!(open.next(b"no --b here", 0).owner, None);
    }

    #[test]
    fn closing_forgets_all_inside() {
        let mut open = boundaries(&["a", "b", "c"]);
        open.close(1);
        assert!(open.stops(b"--a") && !open.stops(b"--b") && !open.stops(b"--c"));
    }
}
