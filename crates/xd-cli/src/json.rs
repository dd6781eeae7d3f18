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

/// An object written member by member: serde writes each piece of each text by way of its formatter, which takes several times as long
/// where a line is written for each message. Keys are printable ASCII without anything to escape.
pub(crate) struct Object<'l> {
    line: &'l mut Vec<u8>,
    /// What stands before the next member.
    before: u8,
}

impl<'l> Object<'l> {
    /// Begins an object.
    pub(crate) fn new(line: &'l mut Vec<u8>) -> Self {
        Self { line, before: b'{' }
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, key: &str, text: &str) -> io::Result<&mut Self> {
        write_text(self.key(key), text)?;
        Ok(self)
    }

    /// Adds a truth.
    pub(crate) fn flag(&mut self, key: &str, flag: bool) -> &mut Self {
        self.key(key).extend_from_slice(if flag { b"true" } else { b"false" });
        self
    }

    /// Adds a score, see [`score`].
    pub(crate) fn score(&mut self, key: &str, score: Score) -> &mut Self {
        let line = self.key(key);
        let hundredths = score.hundredths().unsigned_abs();
        line.extend_from_slice(if score.hundredths() < 0 { b"\"-" } else { b"\"" });
        push_number(hundredths / 100, line);
        line.push(b'.');
        line.push(b'0' + (hundredths / 10 % 10) as u8);
        line.push(b'0' + (hundredths % 10) as u8);
        line.push(b'"');
        self
    }

    /// Adds a list of what `write` writes of each item.
    pub(crate) fn list<T>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T) -> io::Result<()>,
    ) -> io::Result<&mut Self> {
        let line = self.key(key);
        line.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                line.push(b',');
            }
            write(line, item)?;
        }
        line.push(b']');
        Ok(self)
    }

    /// Ends the object.
    pub(crate) fn end(&mut self) {
        if self.before == b'{' {
            self.line.push(b'{');
        }
        self.line.push(b'}');
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.line.push(std::mem::replace(&mut self.before, b','));
        self.line.push(b'"');
        self.line.extend_from_slice(key.as_bytes());
        self.line.extend_from_slice(b"\":");
        self.line
    }
}

fn push_number(number: u64, line: &mut Vec<u8>) {
    if number > 9 {
        push_number(number / 10, line);
    }
    line.push(b'0' + (number % 10) as u8);
}

/// Writes a text as a JSON string.
pub(crate) fn write_text(line: &mut Vec<u8>, text: &str) -> io::Result<()> {
    // Nearly all text is printable ASCII without anything to escape. No short circuit: so it is vector code.
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\');
    if text.bytes().fold(true, |all, byte| all & plain(byte)) {
        line.push(b'"');
        line.extend_from_slice(text.as_bytes());
        line.push(b'"');
        return Ok(());
    }
    Ok(text.serialize(&mut serde_json::Serializer::with_formatter(line, Visible))?)
}

/// The compact form with unsafe characters as `\uXXXX`.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all text is printable ASCII.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
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
    fn objects_are_written_as_serde_writes_them() {
        #[derive(Serialize)]
        struct Shape<'a> {
            text: &'a str,
            flag: bool,
            #[serde(serialize_with = "super::score")]
            score: Score,
            list: &'a [&'a str],
        }
        for text in ["", "plain", "a\"b\\c", "\x1b[31m\u{9b}", "日本語\n", "x\u{202e}"] {
            for score in [i64::MIN, -12_345, -100, -5, 0, 9, 10, 99, 100, 1_000, i64::MAX].map(Score::from_hundredths) {
                let list = if score < Score::ZERO { &[][..] } else { &[text, "y"][..] };
                let (mut by_hand, mut by_serde) = (Vec::new(), Vec::new());
                let mut object = Object::new(&mut by_hand);
                object.text("text", text).unwrap().flag("flag", list.is_empty()).score("score", score);
                object.list("list", list.iter(), |line, item| write_text(line, item)).unwrap().end();
                by_hand.push(b'\n');
                write_line(&mut by_serde, &Shape { text, flag: list.is_empty(), score, list }).unwrap();
                assert_eq!(String::from_utf8(by_hand), String::from_utf8(by_serde));
            }
        }
        let mut empty = Vec::new();
        Object::new(&mut empty).end();
        assert_eq!(empty, b"{}");
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
