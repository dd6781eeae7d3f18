//! The value of a field as text: unfolded, raw 8-bit bytes and encoded words decoded (RFC 5322 §2.2.3, RFC 2047, RFC 6532).

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};
use memchr::{memchr, memchr_iter};

use super::encoded_word;
use crate::{Defect, Defects};

/// The value as text, if its bytes are UTF-8.
pub(super) fn utf8(raw: &[u8]) -> Option<&str> {
    match std::str::from_utf8(raw) {
        Ok(text) => Some(text),
        // A limit may have cut a character in two.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(raw.get(..error.valid_up_to())?).ok(),
        Err(_) => None,
    }
}

/// The value unfolded, its encoded words decoded.
pub(super) fn decode<'a>(text: &'a str, defects: &mut Defects) -> Cow<'a, str> {
    let text = unfold(text.trim_ascii());
    if encoded_word::may_be_in(&text) {
        return Cow::Owned(encoded_word::decode(&text, defects));
    }
    text
}

/// The value as text, when its bytes are not UTF-8.
pub(super) fn decode_foreign(raw: &[u8], encoding: Option<&'static Encoding>, defects: &mut Defects) -> String {
    defects.record(Defect::EightBitHeader);
    let encoding = encoding.filter(|encoding| encoding.is_ascii_compatible()).unwrap_or(WINDOWS_1252);
    let (text, _) = encoding.decode_without_bom_handling(raw);
    encoded_word::decode(&unfold(text.trim_ascii()), defects)
}

/// Any bytes of a header as text: UTF-8, or else Windows-1252.
pub(super) fn lossy(raw: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(raw).0,
    }
}

/// Each fold, with the blanks around it, as one space. RFC 5322 only drops the line end; since folding programs replace
/// the one space by a tab or more, rules would see the width of someone's lines.
pub(super) fn unfold(text: &str) -> Cow<'_, str> {
    if memchr(b'\n', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut unfolded = String::with_capacity(text.len());
    let mut from = 0;
    for end in memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let line = text.get(from..end).unwrap_or_default().trim_ascii();
        if !unfolded.is_empty() && !line.is_empty() {
            unfolded.push(' ');
        }
        unfolded.push_str(line);
        from = end + 1;
    }
    Cow::Owned(unfolded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_unfold() {
        for (raw, text) in [
            (" plain", "plain"),
            (" a\r\n b", "a b"),
            (" a \n\t\tb\r\n c ", "a b c"),
            (" a\n \n b", "a b"),
            (" =?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c"),
            ("", ""),
        ] {
            assert_eq!(decode(raw, &mut Defects::default()), text);
        }
    }
}
