//! Lists of tags: `name=value; name=value` (RFC 6376 §3.2), of signatures and of keys.

use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Reason;

/// Tags of a list: signatures have about a dozen, and each is compared with all others.
const MAX_TAGS: usize = 64;

/// A list of tags, none twice, in its order.
#[derive(Clone, Debug)]
pub(crate) struct Tags<'a> {
    tags: Vec<Tag<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Tag<'a> {
    name: &'a [u8],
    value: &'a [u8],
    /// Where all that stands between `=` and `;` begins and ends.
    start: usize,
    end: usize,
}

impl<'a> Tags<'a> {
    /// Reads a list. Positions are counted from the beginning of `text`.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Reason> {
        let mut tags: Vec<Tag<'a>> = Vec::with_capacity(12);
        let mut at = 0;
        while at < text.len() {
            let end = memchr::memchr(b';', &text[at..]).map_or(text.len(), |length| at + length);
            let spec = &text[at..end];
            if end == text.len() && !tags.is_empty() && trim(spec).is_empty() {
                // A semicolon may end the list.
                break;
            }
            let equals = memchr::memchr(b'=', spec).ok_or(Reason::Syntax)?;
            let (name, value) = (trim(&spec[..equals]), trim(&spec[equals + 1..]));
            if !is_name(name) || !is_value(value) || tags.len() == MAX_TAGS {
                return Err(Reason::Syntax);
            }
            // RFC 6376 §3.2: tags with duplicate names must not occur; if one does, the entire list is invalid.
            if tags.iter().any(|tag| tag.name == name) {
                return Err(Reason::DuplicateTag);
            }
            tags.push(Tag { name, value, start: at + equals + 1, end });
            at = end + 1;
        }
        if tags.is_empty() { Err(Reason::Syntax) } else { Ok(Self { tags }) }
    }

    /// The value of a tag, without blanks around it.
    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.find(name).map(|tag| tag.value)
    }

    /// The value of a tag that must be there and hold something.
    pub(crate) fn need(&self, name: &'static str) -> Result<&'a [u8], Reason> {
        self.get(name).filter(|value| !value.is_empty()).ok_or(Reason::MissingTag(name))
    }

    /// Where all that stands between `=` and `;` of a tag is.
    pub(crate) fn span(&self, name: &str) -> Option<Range<usize>> {
        self.find(name).map(|tag| tag.start..tag.end)
    }

    /// The name of the first tag.
    pub(crate) fn first(&self) -> Option<&'a [u8]> {
        self.tags.first().map(|tag| tag.name)
    }

    fn find(&self, name: &str) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name.as_bytes())
    }
}

/// Decodes base64 with blanks anywhere (RFC 6376 §3.2). Padding may be missing, as many published keys have it.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text.iter().copied().filter(|octet| !is_fold(*octet)).collect();
    LENIENT.decode(compact).ok()
}

/// The items of a list between colons, without blanks around them.
pub(crate) fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&octet| octet == b':').map(trim)
}

/// A number without sign; one that is too large is the largest.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

/// Without blanks and folds around it.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&octet| !is_fold(octet)).unwrap_or(text.len());
    let end = text.iter().rposition(|&octet| !is_fold(octet)).map_or(start, |last| last + 1);
    &text[start..end]
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn is_fold(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic) && text.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'_')
}

/// RFC 6376 §3.2 with the octets of UTF-8 (RFC 8616 §5).
fn is_value(text: &[u8]) -> bool {
    text.iter().all(|&octet| octet > b' ' && octet != 0x7f || is_fold(octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags() {
        let tags = Tags::parse(b" a = 1 ;b=x\r\n\t y; c=; _").map(|_| ());
        assert_eq!(tags, Err(Reason::Syntax));
        let text = b" a = 1 ;b=x\r\n\t y; c=;\r\n ";
        let tags = Tags::parse(text).unwrap();
        assert_eq!(
            (tags.get("a"), tags.get("b"), tags.get("c"), tags.get("A")),
            (Some(&b"1"[..]), Some(&b"x\r\n\t y"[..]), Some(&b""[..]), None)
        );
        assert_eq!(&text[tags.span("a").unwrap()], b" 1 ");
        assert_eq!(tags.need("c"), Err(Reason::MissingTag("c")));
        for (text, reason) in [
            ("", Reason::Syntax),
            (" ", Reason::Syntax),
            (";", Reason::Syntax),
            ("a=1;;b=2", Reason::Syntax),
            ("a=1;b", Reason::Syntax),
            ("1=a", Reason::Syntax),
            ("=a", Reason::Syntax),
            ("a=\x00", Reason::Syntax),
            ("a=1;a=2", Reason::DuplicateTag),
        ] {
            assert_eq!(Tags::parse(text.as_bytes()).map(|_| ()), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn tags_are_counted() {
        let list = |count: usize| (0..count).map(|number| format!("t{number}=;")).collect::<String>();
        assert!(Tags::parse(list(MAX_TAGS).as_bytes()).is_ok());
        assert!(Tags::parse(list(MAX_TAGS + 1).as_bytes()).is_err());
    }

    #[test]
    fn numbers() {
        let cases: [(&str, Option<u64>); 6] = [
            ("0", Some(0)),
            ("0012", Some(12)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("99999999999999999999999", Some(u64::MAX)),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn base64_as_it_is_published() {
        for (text, expected) in [
            ("YQ==", Some(&b"a"[..])),
            ("Y\r\n Q", Some(b"a")),
            ("YR==", Some(b"a")),
            ("Y", None),
            ("!!!!", None),
            ("", Some(b"")),
        ] {
            assert_eq!(decode_base64(text.as_bytes()).as_deref(), expected, "{text:?}");
        }
    }
}
