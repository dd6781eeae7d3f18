//! JSON that is safe to look at: besides what JSON must escape, whatever a terminal could obey is escaped too.
//!
//! Scores are written as strings with two decimals, since many readers turn JSON numbers into binary fractions.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;
use xd_core::Score;

use crate::escape::is_unsafe;

/// Writes a value as one line.
pub(crate) fn write_line(line: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *line, Visible);
    value.serialize(&mut serializer)?;
    line.push(b'\n');
    Ok(())
}

/// The compact form with unsafe characters as `\uXXXX`.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all text is printable ASCII.
        if fragment.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Serializes a score as text.
pub(crate) fn score<S: serde::Serializer>(score: &Score, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(score)
}

/// Serializes a score as text, or null where there is none.
pub(crate) fn score_or_null<S: serde::Serializer>(score: &Option<Score>, serializer: S) -> Result<S::Ok, S::Error> {
    match score {
        Some(score) => serializer.collect_str(score),
        None => serializer.serialize_none(),
    }
}

/// A SHA-256 digest as hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hex([u8; 64]);

impl Hex {
    pub(crate) fn of(digest: [u8; 32]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(digest) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
        }
        Self(digits)
    }

    /// The digest that these digits, in either case, stand for.
    pub(crate) fn parse(digits: &str) -> Option<[u8; 32]> {
        let mut digest = [0; 32];
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != digest.len() || !rest.is_empty() {
            return None;
        }
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Some(digest)
    }

    pub(crate) fn as_str(&self) -> &str {
        // The digits are ASCII.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_by_any_reader() {
        for text in ["", "a\"b\\c", "\x1b[31m\u{9b}0m\u{7f}", "\u{202e}abc", "日本語\n", "\u{e0041}x"] {
            let mut line = Vec::new();
            write_line(&mut line, &text).unwrap();
            let line = String::from_utf8(line).unwrap();
            assert!(!line.trim_end_matches('\n').contains(is_unsafe), "{line:?}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }

    #[test]
    fn digits_come_in_pairs() {
        let mut digest = [0; 32];
        digest[..3].copy_from_slice(&[0x0f, 0xa0, 0xff]);
        digest[31] = 0x12;
        assert_eq!(Hex::of(digest).as_str(), format!("0fa0ff{}12", "0".repeat(56)));
        assert_eq!(Hex::parse(Hex::of(digest).as_str()), Some(digest));
        assert_eq!(Hex::parse(&"0F".repeat(32)), Some([15; 32]));
        for wrong in ["", "0", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(Hex::parse(wrong), None);
        }
    }
}
