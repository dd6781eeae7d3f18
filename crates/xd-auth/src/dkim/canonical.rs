//! Canonical forms of header fields and bodies (RFC 6376 §3.4).
//!
//! Nothing is copied that stays as it is: a body is handed on in pieces of itself, so that hashing it is most of the work.

use memchr::memchr3;

use crate::content::Field;

/// How much may change on the way without breaking a signature (RFC 6376 §3.4).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the standard has two, and a third would need code of ours")]
pub enum Canonicalization {
    /// Blanks and the case of field names.
    Relaxed,
    /// Nothing but empty lines at the end of the body.
    Simple,
}

impl Canonicalization {
    /// As `c=` names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relaxed => "relaxed",
            Self::Simple => "simple",
        }
    }

    /// Appends the canonical form of a field, without a final CRLF.
    pub(crate) fn field(self, field: &Field<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Relaxed => relaxed_field(field, out),
            Self::Simple => out.extend_from_slice(field.raw()),
        }
    }

    /// Hands on the canonical form of a body, piece by piece.
    pub(crate) fn body(self, body: &[u8], out: &mut impl FnMut(&[u8])) {
        match self {
            Self::Relaxed => relaxed_body(body, out),
            Self::Simple => simple_body(body, out),
        }
    }
}

/// RFC 6376 §3.4.2: the name in lower case, no blanks around the colon, unfolded, runs of blanks as one space, none at the end.
fn relaxed_field(field: &Field<'_>, out: &mut Vec<u8>) {
    out.reserve(field.raw().len() + 2);
    out.extend(field.name().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let start = out.len();
    let mut rest = field.value();
    let mut blank = false;
    loop {
        let stop = memchr3(b' ', b'\t', b'\r', rest).unwrap_or(rest.len());
        let (word, after) = rest.split_at(stop);
        if !word.is_empty() {
            if blank && out.len() > start {
                out.push(b' ');
            }
            out.extend_from_slice(word);
            blank = false;
        }
        rest = match after {
            [] => return,
            // Within a field, CRLF always folds.
            [b'\r', b'\n', tail @ ..] => tail,
            [b'\r', tail @ ..] => {
                // A lone CR is text.
                if blank && out.len() > start {
                    out.push(b' ');
                }
                out.push(b'\r');
                blank = false;
                tail
            }
            [_, tail @ ..] => {
                blank = true;
                tail
            }
        };
    }
}

/// RFC 6376 §3.4.3: empty lines at the end become one CRLF; an empty body is one CRLF.
fn simple_body(body: &[u8], out: &mut impl FnMut(&[u8])) {
    let mut text = body;
    while let Some(shorter) = text.strip_suffix(b"\r\n") {
        text = shorter;
    }
    out(text);
    out(b"\r\n");
}

/// RFC 6376 §3.4.4: no blanks at ends of lines, runs of blanks as one space, no empty lines at the end; an empty body is empty.
fn relaxed_body(body: &[u8], out: &mut impl FnMut(&[u8])) {
    let body = without_blank_end(body);
    if body.is_empty() {
        return;
    }
    // From `kept` on nothing is handed on yet; up to `at` all is looked at.
    let (mut kept, mut at) = (0, 0);
    while at < body.len() {
        let end = (at + BLOCK).min(body.len());
        if is_canonical(&body[at..end], body.get(end).copied()) {
            at = end;
            continue;
        }
        while at < end {
            if !is_blank(body[at]) {
                at += 1;
                continue;
            }
            // The body does not end with a blank, so every run of them ends before it does.
            let next = body[at..].iter().position(|&octet| !is_blank(octet)).map_or(body.len(), |run| at + run);
            if body[next..].starts_with(b"\r\n") {
                out(&body[kept..at]);
                kept = next;
            } else if &body[at..next] != b" " {
                out(&body[kept..at]);
                out(b" ");
                kept = next;
            }
            at = next;
        }
    }
    out(&body[kept..]);
    out(b"\r\n");
}

/// Octets that are looked at together: few enough that one tab costs little, enough for vector instructions.
const BLOCK: usize = 64;

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Whether a block surely needs no change: no tab, and no space before a blank or CR. Written without branches, for vectors.
fn is_canonical(block: &[u8], next: Option<u8>) -> bool {
    let odd = |this: u8, next: u8| (this == b'\t') | ((this == b' ') & ((next == b' ') | (next == b'\t') | (next == b'\r')));
    let within = block.iter().zip(block.iter().skip(1)).fold(false, |found, (&this, &next)| found | odd(this, next));
    let last = block.last().is_some_and(|&last| odd(last, next.unwrap_or(b' ')));
    !(within | last)
}

/// The body without what its canonical form loses at the end: line ends, and blanks before them.
fn without_blank_end(mut body: &[u8]) -> &[u8] {
    loop {
        body = match body {
            [rest @ .., b'\r', b'\n'] | [rest @ .., b' ' | b'\t'] => rest,
            _ => return body,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(how: Canonicalization, text: &[u8]) -> Vec<u8> {
        let mut canonical = Vec::new();
        how.body(text, &mut |piece| canonical.extend_from_slice(piece));
        canonical
    }

    fn field(how: Canonicalization, text: &str) -> String {
        let mut canonical = Vec::new();
        how.field(&Field::parse(text.as_bytes()).unwrap(), &mut canonical);
        String::from_utf8(canonical).unwrap()
    }

    #[test]
    fn the_example_of_the_standard() {
        // RFC 6376 §3.4.5.
        let text = b" C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(body(Canonicalization::Relaxed, text), b" C\r\nD E\r\n");
        assert_eq!(body(Canonicalization::Simple, text), b" C \r\nD \t E\r\n");
        assert_eq!(field(Canonicalization::Relaxed, "A: X"), "a:X");
        assert_eq!(field(Canonicalization::Relaxed, "B : Y\t\r\n\tZ  "), "b:Y Z");
        assert_eq!(field(Canonicalization::Simple, "B : Y\t\r\n\tZ  "), "B : Y\t\r\n\tZ  ");
    }

    #[test]
    fn ends_of_bodies() {
        for (text, simple, relaxed) in [
            ("", "\r\n", ""),
            ("\r\n\r\n", "\r\n", ""),
            (" \r\n", " \r\n", ""),
            ("a", "a\r\n", "a\r\n"),
            ("a\r\n \r\n\t", "a\r\n \r\n\t\r\n", "a\r\n"),
            ("a \r", "a \r\r\n", "a \r\r\n"),
            ("a \n", "a \n\r\n", "a \n\r\n"),
        ] {
            assert_eq!(body(Canonicalization::Simple, text.as_bytes()), simple.as_bytes(), "{text:?}");
            assert_eq!(body(Canonicalization::Relaxed, text.as_bytes()), relaxed.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn fields_with_lone_carriage_returns() {
        assert_eq!(field(Canonicalization::Relaxed, "A:  \r b \r"), "a:\r b \r");
        assert_eq!(field(Canonicalization::Relaxed, "A:"), "a:");
    }

    /// The standard's words, line by line.
    fn by_the_letter(text: &[u8]) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
        let mut at = 0;
        while at < text.len() {
            if text[at..].starts_with(b"\r\n") {
                lines.push(Vec::new());
                at += 2;
            } else {
                lines.last_mut().unwrap().push(text[at]);
                at += 1;
            }
        }
        for line in &mut lines {
            line.iter_mut().filter(|octet| **octet == b'\t').for_each(|octet| *octet = b' ');
            line.dedup_by(|one, other| *one == b' ' && *other == b' ');
            if line.last() == Some(&b' ') {
                line.pop();
            }
        }
        while lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        lines.into_iter().flat_map(|line| [line, b"\r\n".to_vec()].concat()).collect()
    }

    proptest! {
        #[test]
        fn relaxed_bodies_are_what_the_standard_says(text in "[ab \t\r\n]{0,40}(\r\n|[ \t]{0,70}|[a ]{0,130}){0,6}") {
            prop_assert_eq!(body(Canonicalization::Relaxed, text.as_bytes()), by_the_letter(text.as_bytes()));
        }
    }
}
