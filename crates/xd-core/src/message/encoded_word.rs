//! Encoded words: text outside ASCII in header fields (RFC 2047).
//!
//! Read more widely than the standard allows, as mail programs do: words of any length, with blanks inside, next to other text,
//! inside quoted strings, and characters split between neighbouring words. Time is linear whatever stands there.

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, WINDOWS_1252};
use memchr::memmem;

use super::{charset, transfer};
use crate::{Defect, Defects};

/// Labels of charsets are shorter than this.
const LABEL_BYTES: usize = 80;

/// The text with its encoded words decoded. What cannot be decoded stays as it stands.
pub(super) fn decode(text: &str, defects: &mut Defects) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut pending = Pending::default();
    // Looked up once: else each opening without an end would search to the end of the text.
    let last_end = memmem::rfind(text.as_bytes(), b"?=").unwrap_or(0);
    let mut rest = text;
    while let Some(at) = memmem::find(rest.as_bytes(), b"=?") {
        let (before, from) = rest.split_at(at);
        let offset = text.len() - from.len();
        let word = Word::read(from, last_end.checked_sub(offset).is_some());
        // RFC 2047 §6.2: blanks between two encoded words are not shown.
        let between_words = word.is_ok() && pending.encoding.is_some() && before.trim_ascii().is_empty();
        if !between_words {
            pending.flush(&mut decoded, defects);
            decoded.push_str(before);
        }
        match word {
            Ok(word) => {
                let encoding = word.encoding(defects);
                // ISO-2022-JP begins and ends every word in ASCII, and two shifts in a row are an error.
                if pending.encoding != Some(encoding) || encoding == ISO_2022_JP {
                    pending.flush(&mut decoded, defects);
                    pending.encoding = Some(encoding);
                }
                word.decode(&mut pending, &mut decoded, defects);
                rest = from.get(word.length..).unwrap_or_default();
            }
            Err(why) => {
                if why == NotAWord::Broken {
                    defects.record(Defect::BadEncodedWord);
                }
                decoded.push_str("=?");
                rest = from.get(2..).unwrap_or_default();
            }
        }
    }
    pending.flush(&mut decoded, defects);
    decoded.push_str(rest);
    decoded
}

/// Whether the text may hold an encoded word.
pub(super) fn may_be_in(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Tags of signatures hold many equal signs; question marks are rare.
    memchr::memchr_iter(b'?', bytes).any(|at| at > 0 && bytes.get(at - 1) == Some(&b'='))
}

/// How many bytes an encoded word at the beginning of `text` takes.
pub(super) fn length(text: &str) -> Option<usize> {
    Word::read(text, true).ok().map(|word| word.length)
}

#[derive(Debug)]
struct Word<'t> {
    label: &'t str,
    base64: bool,
    text: &'t str,
    length: usize,
}

/// Why an opening is not one of an encoded word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NotAWord {
    /// It looks like one up to its text.
    Broken,
    /// Other text that holds the same two characters.
    Other,
}

impl<'t> Word<'t> {
    /// Reads `=?label?B?text?=` or `=?label?Q?text?=`, the label with or without a language (RFC 2231 §5).
    fn read(from: &'t str, has_end: bool) -> Result<Self, NotAWord> {
        let after = from.get(2..).ok_or(NotAWord::Other)?;
        let label_end =
            after.bytes().take(LABEL_BYTES).position(|b| b == b'?' || b.is_ascii_whitespace()).ok_or(NotAWord::Other)?;
        let (label, tail) = after.split_at(label_end);
        let base64 = match tail.as_bytes() {
            [b'?', b'B' | b'b', b'?', ..] => true,
            [b'?', b'Q' | b'q', b'?', ..] => false,
            _ => return Err(NotAWord::Other),
        };
        let tail = tail.get(3..).ok_or(NotAWord::Broken)?;
        if label.is_empty() || !has_end {
            return Err(NotAWord::Broken);
        }
        let text_end = memmem::find(tail.as_bytes(), b"?=").ok_or(NotAWord::Broken)?;
        let text = tail.get(..text_end).ok_or(NotAWord::Broken)?;
        Ok(Self { label: label.split('*').next().unwrap_or(label), base64, text, length: label_end + text_end + 7 })
    }

    fn encoding(&self, defects: &mut Defects) -> &'static Encoding {
        charset::find(self.label).unwrap_or_else(|| {
            defects.record(Defect::BadEncodedWord);
            UTF_8
        })
    }

    /// Adds the bytes of the word to those before it. Raw characters outside ASCII, which RFC 2047 forbids, stand for
    /// themselves: they were bytes of some charset once and must not be read as such a second time.
    fn decode(&self, pending: &mut Pending, decoded: &mut String, defects: &mut Defects) {
        if self.base64 {
            let mut faults = Defects::default();
            transfer::decode_base64(self.text.as_bytes(), usize::MAX, &mut pending.bytes, &mut faults);
            // Padding is often left out, and what is there decodes.
            if faults.contains(Defect::BadBase64) && !self.text.bytes().all(is_base64) {
                defects.record(Defect::BadEncodedWord);
            }
            return;
        }
        let mut chars = self.text.chars();
        while let Some(c) = chars.next() {
            match c {
                '_' => pending.bytes.push(b' '),
                '=' => match transfer::hex_pair(chars.as_str().as_bytes()) {
                    Some(value) => {
                        pending.bytes.push(value);
                        chars.nth(1);
                    }
                    None => {
                        defects.record(Defect::BadEncodedWord);
                        pending.bytes.push(b'=');
                    }
                },
                c if c.is_ascii() => pending.bytes.push(c as u8),
                c => {
                    defects.record(Defect::BadEncodedWord);
                    pending.decode(decoded, defects);
                    decoded.push(c);
                }
            }
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') || byte.is_ascii_whitespace()
}

/// Bytes of neighbouring words of one charset: programs cut characters in two, so they are decoded together.
#[derive(Debug, Default)]
struct Pending {
    encoding: Option<&'static Encoding>,
    bytes: Vec<u8>,
}

impl Pending {
    /// Ends a run of words.
    fn flush(&mut self, out: &mut String, defects: &mut Defects) {
        self.decode(out, defects);
        self.encoding = None;
    }

    /// Decodes the bytes gathered so far.
    fn decode(&mut self, out: &mut String, defects: &mut Defects) {
        let Some(encoding) = self.encoding else { return };
        let (mut text, mut bad) = encoding.decode_without_bom_handling(&self.bytes);
        if bad {
            defects.record(Defect::BadEncodedWord);
            if encoding == UTF_8 {
                // More often than broken UTF-8 it is a label that lies.
                (text, bad) = WINDOWS_1252.decode_without_bom_handling(&self.bytes);
            }
        }
        debug_assert!(!bad || encoding != UTF_8, "every byte means something in Windows-1252");
        // A line end inside a value would make two lines of it wherever it is shown.
        out.extend(text.chars().map(|c| if matches!(c, '\r' | '\n') { ' ' } else { c }));
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_what_stands_around_them() {
        let cases = [
            // RFC 2047 §8.
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("(=?ISO-8859-1?Q?a?=)", "(a)"),
            // RFC 2231 §5.
            ("=?US-ASCII*EN?Q?Keith_Moore?= <k@example.com>", "Keith Moore <k@example.com>"),
            // As programs write them.
            ("=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),
            ("=?utf-8?B?R3LDvA==?= =?utf-8?B?w59l?=", "Grüße"),
            ("=?utf-8?B?R3LD?= =?UTF8?B?vMOfZQ==?=", "Grüße"),
            ("x=?utf-8?q?=C3=BC?=y", "xüy"),
            ("=?utf-8?Q?so it goes?=", "so it goes"),
            ("=?UTF-8?Q?=20wie=20geht's??=", " wie geht's?"),
            ("=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?iso-2022-jp?b?GyRCRnwbKEI=?= =?iso-2022-jp?b?GyRCS1wbKEI=?=", "日本"),
            ("=?utf-8?q?a=0Ab?=", "a b"),
            // No encoded words.
            ("a=?b", "a=?b"),
            ("=?=?=?", "=?=?=?"),
            ("https://example.com/?a=?&b=?c?=", "https://example.com/?a=?&b=?c?="),
        ];
        for (text, expected) in cases {
            let mut defects = Defects::default();
            assert_eq!(decode(text, &mut defects), expected, "{text}");
            assert!(defects.is_empty(), "{text}");
        }
    }

    #[test]
    fn words_that_cannot_be_decoded() {
        for (text, expected) in [
            ("=?utf-8?q?a=?", "=?utf-8?q?a=?"),
            ("=?utf-8?q?a=ZZ?=", "a=ZZ"),
            ("=?utf-8?b?YWJ*j?=", "abc"),
            ("=?no-such?q?a?=", "a"),
            ("=?utf-8?q?=FC?=", "ü"),
            ("=?iso-8859-1?q?=FCber Grüße_=FC?=", "über Grüße ü"),
            ("=??q?a?=", "=??q?a?="),
        ] {
            let mut defects = Defects::default();
            assert_eq!(decode(text, &mut defects), expected, "{text}");
            assert!(defects.contains(Defect::BadEncodedWord), "{text}");
        }
    }
}
