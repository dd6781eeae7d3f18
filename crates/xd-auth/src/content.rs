//! The content of a message as octets: header fields and body, cut for signatures, nothing decoded.
//!
//! RFC 5322 §2.1: lines end with CRLF, an empty line ends the header. Readers disagree about what is no field and stands among fields;
//! here the body begins with it, as the mail servers do that would pass the message on (Postfix, Sendmail). A signature over a message
//! that was read otherwise then fails, rather than vouch for text that people see and it does not cover.

use std::borrow::Cow;

use memchr::memchr_iter;

/// How many fields of a header are kept: a message with more is not signed by anyone in earnest, and each costs memory.
pub const MAX_FIELDS: usize = 10_000;

/// A message cut into header fields and body.
///
/// # Example: which fields does a message have?
/// ```
/// use xd_auth::content::Content;
///
/// let content = Content::split(b"From: a@example.com\r\nSubject: long\r\n line\r\n\r\nHello\r\n");
/// assert_eq!(content.fields().len(), 2);
/// assert_eq!(content.fields()[1].raw(), b"Subject: long\r\n line");
/// assert_eq!(content.body(), b"Hello\r\n");
/// ```
#[derive(Clone, Debug)]
pub struct Content<'a> {
    fields: Vec<Field<'a>>,
    body: &'a [u8],
    whole: bool,
}

/// A header field as it stands, without its final CRLF.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field<'a> {
    raw: &'a [u8],
    colon: usize,
}

impl<'a> Content<'a> {
    /// Cuts a message whose lines end with CRLF; see [`with_crlf`]. A first line `From ` of an mbox is left out.
    #[must_use]
    pub fn split(octets: &'a [u8]) -> Self {
        let mut rest = octets;
        if rest.starts_with(b"From ") {
            rest = after_line(rest);
        }
        let (mut fields, mut whole) = (Vec::with_capacity(32), true);
        loop {
            if let Some(body) = rest.strip_prefix(b"\r\n") {
                return Self { fields, body, whole };
            }
            let Some(colon) = colon_of(rest) else { return Self { fields, body: rest, whole } };
            let next = after_field(rest);
            let raw = &rest[..rest.len() - next.len()];
            if fields.len() < MAX_FIELDS {
                fields.push(Field { raw: raw.strip_suffix(b"\r\n").unwrap_or(raw), colon });
            } else {
                whole = false;
            }
            rest = next;
        }
    }

    /// The header fields, topmost first; at most [`MAX_FIELDS`].
    #[must_use]
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// What follows the header and its empty line.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether all header fields are kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The fields of a name, topmost first.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(move |field| field.is(name))
    }
}

impl<'a> Field<'a> {
    /// Reads one field, without its final CRLF; none when it has no name.
    #[must_use]
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        colon_of(raw).map(|colon| Self { raw, colon })
    }

    /// Its name as written, without blanks before the colon.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        self.raw[..self.colon].trim_ascii_end()
    }

    /// Whether this is its name, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// Name, colon and value as they stand, folds included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What follows the colon, as it stands.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        &self.raw[self.colon + 1..]
    }
}

/// The octets with every lone LF made a CRLF, as files of messages need it before they are cut. Borrowed when nothing is to change.
///
/// # Example: what a program wrote with LF is signed with CRLF
/// ```
/// use xd_auth::content::with_crlf;
///
/// assert_eq!(&*with_crlf(b"a\nb\r\n"), b"a\r\nb\r\n");
/// ```
#[must_use]
pub fn with_crlf(octets: &[u8]) -> Cow<'_, [u8]> {
    let is_lone = |&at: &usize| at == 0 || octets[at - 1] != b'\r';
    let Some(first) = memchr_iter(b'\n', octets).find(is_lone) else { return Cow::Borrowed(octets) };
    let mut mended = Vec::with_capacity(octets.len() + octets.len() / 32 + 1);
    let mut from = 0;
    for at in std::iter::once(first).chain(memchr_iter(b'\n', &octets[first + 1..]).map(|at| first + 1 + at).filter(is_lone)) {
        mended.extend_from_slice(&octets[from..at]);
        mended.push(b'\r');
        from = at;
    }
    mended.extend_from_slice(&octets[from..]);
    Cow::Owned(mended)
}

/// Where the colon after a field's name stands; none when the text begins with no name (RFC 5322 §2.2, §4.5.8).
fn colon_of(text: &[u8]) -> Option<usize> {
    let name = text.iter().position(|&octet| octet == b':' || !octet.is_ascii_graphic())?;
    let blanks = text[name..].iter().position(|octet| !matches!(octet, b' ' | b'\t'))?;
    (name > 0 && text[name + blanks] == b':').then_some(name + blanks)
}

/// What follows a field and the lines that continue it.
fn after_field(text: &[u8]) -> &[u8] {
    let mut rest = after_line(text);
    while matches!(rest.first(), Some(b' ' | b'\t')) {
        rest = after_line(rest);
    }
    rest
}

fn after_line(text: &[u8]) -> &[u8] {
    // A search for the LF is faster than one for both octets, and nearly every LF follows a CR.
    match memchr_iter(b'\n', text).find(|&at| at > 0 && text[at - 1] == b'\r') {
        Some(at) => &text[at + 1..],
        None => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_body_begins() {
        for (text, fields, body) in [
            ("", 0, ""),
            ("\r\nHello\r\n", 0, "Hello\r\n"),
            ("A: 1\r\n\r\nHello", 1, "Hello"),
            ("A: 1\r\n \r\nB: 2\r\n\r\n", 2, ""),
            ("A: 1", 1, ""),
            ("A : 1\r\n\r\nHello", 1, "Hello"),
            // What is no field begins the body.
            ("A: 1\r\nno field\r\nB: 2\r\n\r\nHello", 1, "no field\r\nB: 2\r\n\r\nHello"),
            (" A: 1\r\n\r\n", 0, " A: 1\r\n\r\n"),
            (": 1\r\n\r\n", 0, ": 1\r\n\r\n"),
            ("\u{e9}: 1\r\n\r\n", 0, "\u{e9}: 1\r\n\r\n"),
            // Only CRLF ends a line.
            ("A: 1\nB: 2\r\n\r\nHello", 1, "Hello"),
            ("A: 1\r\n\nB: 2\r\n\r\n", 1, "\nB: 2\r\n\r\n"),
            ("From a@example.com Thu\r\nA: 1\r\n\r\nHello", 1, "Hello"),
        ] {
            let content = Content::split(text.as_bytes());
            assert_eq!((content.fields().len(), content.body()), (fields, body.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn fields_are_kept_up_to_the_limit() {
        let at = |count: usize| "A:\r\n".repeat(count) + "\r\nHello";
        let (full, more) = (at(MAX_FIELDS), at(MAX_FIELDS + 1));
        assert!(Content::split(full.as_bytes()).is_whole());
        let content = Content::split(more.as_bytes());
        assert!(!content.is_whole());
        assert_eq!((content.fields().len(), content.body()), (MAX_FIELDS, &b"Hello"[..]));
    }

    #[test]
    fn lone_line_feeds_become_line_ends() {
        for (text, mended) in [("", ""), ("\n", "\r\n"), ("\n\n", "\r\n\r\n"), ("a\r\nb\nc\r", "a\r\nb\r\nc\r"), ("\r\n", "\r\n")]
        {
            assert_eq!(&*with_crlf(text.as_bytes()), mended.as_bytes(), "{text:?}");
        }
        assert!(matches!(with_crlf(b"a\r\nb"), Cow::Borrowed(_)));
    }
}
