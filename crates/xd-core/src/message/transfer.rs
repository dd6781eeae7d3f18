//! Transfer encodings (RFC 2045 §6): bytes out of base64 and quoted-printable, whatever stands between them.
//!
//! Mail programs skip what does not belong and go on, so a decoder that gives up shows less than the reader sees. All that can
//! be decoded is, and what was wrong is recorded.

use crate::{Defect, Defects};

/// How a body is encoded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Transfer {
    /// `7bit`, and what is read so because nothing else is said.
    #[default]
    Identity,
    Base64,
    QuotedPrintable,
    /// `x-uuencode` and its spellings: registered nowhere, and decoded by Outlook, Thunderbird and Python.
    Uuencode,
}

impl Transfer {
    /// Reads the value of `Content-Transfer-Encoding`; none when there is no such encoding.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let value = value.trim_ascii_start();
        let end = value.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b';' | b'(')).unwrap_or(value.len());
        let token = value.get(..end)?;
        let token = token.strip_prefix(b"\"").and_then(|token| token.strip_suffix(b"\"")).unwrap_or(token);
        let is = |name: &str| token.eq_ignore_ascii_case(name.as_bytes());
        if is("base64") {
            Some(Self::Base64)
        } else if is("quoted-printable") {
            Some(Self::QuotedPrintable)
        } else if is("x-uuencode") || is("uuencode") || is("x-uue") || is("uue") {
            Some(Self::Uuencode)
        } else if is("7bit") || is("8bit") || is("binary") {
            Some(Self::Identity)
        } else {
            None
        }
    }

    /// Appends the decoded bytes to `out`, at most `limit` of them. Whether all was decoded.
    pub(super) fn decode(self, bytes: &[u8], limit: usize, out: &mut Vec<u8>, defects: &mut Defects) -> bool {
        match self {
            Self::Identity => {
                out.extend_from_slice(bytes.get(..limit).unwrap_or(bytes));
                bytes.len() <= limit
            }
            Self::Base64 => decode_base64(bytes, limit, out, defects),
            Self::QuotedPrintable => decode_quoted_printable(bytes, limit, out, defects),
            Self::Uuencode => match xd_container::decode_uuencoded(bytes, limit) {
                Some((decoded, is_whole)) => {
                    out.extend_from_slice(&decoded);
                    is_whole
                }
                None => Self::Identity.decode(bytes, limit, out, defects),
            },
        }
    }
}

const NO_DIGIT: u8 = 0xFF;

/// The six bits of each character of the base64 alphabet (RFC 4648 §4).
const DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < alphabet.len() {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// Appends what base64 decodes to, at most `limit` bytes (rounded up to whole groups and cut). Whether all was decoded.
pub(super) fn decode_base64(bytes: &[u8], limit: usize, out: &mut Vec<u8>, defects: &mut Defects) -> bool {
    let end = out.len().saturating_add(limit);
    out.reserve((bytes.len() / 4 * 3 + 3).min(limit.saturating_add(3)));
    let mut rest = bytes;
    let mut group = Group::default();
    let mut padded = false;
    while !rest.is_empty() {
        if group.digits == 0 && !padded {
            rest = decode_groups(rest, end, out);
        }
        let [byte, tail @ ..] = rest else { break };
        if out.len() >= end {
            out.truncate(end);
            return rest.iter().all(|b| DIGITS[usize::from(*b)] == NO_DIGIT);
        }
        rest = tail;
        match (DIGITS[usize::from(*byte)], byte) {
            (NO_DIGIT, b'\r' | b'\n' | b' ' | b'\t') => {}
            (NO_DIGIT, b'=') => {
                padded |= group.digits > 1;
                if group.digits == 1 {
                    defects.record(Defect::BadBase64);
                }
                group.flush(out);
            }
            (NO_DIGIT, _) => defects.record(Defect::BadBase64),
            (digit, _) => {
                if padded {
                    defects.record(Defect::DataAfterBase64);
                    padded = false;
                }
                group.push(digit, out);
            }
        }
    }
    if group.digits > 0 {
        defects.record(Defect::BadBase64);
        group.flush(out);
    }
    let whole = out.len() <= end;
    out.truncate(end);
    whole
}

/// Decodes whole groups of four as long as nothing else stands between them.
fn decode_groups<'b>(bytes: &'b [u8], end: usize, out: &mut Vec<u8>) -> &'b [u8] {
    let mut rest = bytes;
    // Four groups at once as long as there are so many.
    while let Some((groups, tail)) = rest.split_first_chunk::<16>() {
        let mut decoded = [0; 12];
        let mut all = 0;
        for (to, group) in decoded.as_chunks_mut().0.iter_mut().zip(groups.as_chunks().0) {
            let digits;
            (*to, digits) = decode_group(group);
            all |= digits;
        }
        if all & NOT_DIGITS != 0 || out.len() + decoded.len() > end {
            break;
        }
        out.extend_from_slice(&decoded);
        rest = tail;
    }
    while let Some((group, tail)) = rest.split_first_chunk() {
        let (decoded, digits) = decode_group(group);
        if digits & NOT_DIGITS != 0 || out.len() >= end {
            break;
        }
        out.extend_from_slice(&decoded);
        rest = tail;
    }
    rest
}

/// Digits are below 64, so that one test of the upper bits finds any that is none.
const NOT_DIGITS: u8 = 0xC0;

/// What a group decodes to, and its digits taken together.
#[inline]
fn decode_group(group: &[u8; 4]) -> ([u8; 3], u8) {
    let [a, b, c, d] = group.map(|byte| DIGITS[usize::from(byte)]);
    let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
    let [_, x, y, z] = bits.to_be_bytes();
    ([x, y, z], a | b | c | d)
}

/// Up to three digits that wait for the fourth.
#[derive(Debug, Default)]
struct Group {
    bits: u32,
    digits: u8,
}

impl Group {
    fn push(&mut self, digit: u8, out: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(digit);
        self.digits += 1;
        if self.digits == 4 {
            let [_, x, y, z] = self.bits.to_be_bytes();
            out.extend_from_slice(&[x, y, z]);
            *self = Self::default();
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        let [_, x, y, _] = (self.bits << (6 * (4 - u32::from(self.digits)))).to_be_bytes();
        match self.digits {
            2 => out.push(x),
            3 => out.extend_from_slice(&[x, y]),
            _ => {}
        }
        *self = Self::default();
    }
}

/// Appends what quoted-printable decodes to, at most `limit` bytes. Whether all was decoded.
fn decode_quoted_printable(bytes: &[u8], limit: usize, out: &mut Vec<u8>, defects: &mut Defects) -> bool {
    let end = out.len().saturating_add(limit);
    out.reserve(bytes.len().min(limit));
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        if out.len() >= end {
            out.truncate(end);
            return false;
        }
        let tail = escape.get(1..).unwrap_or_default();
        if let Some(byte) = hex_pair(tail) {
            out.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else if let Some(next_line) = soft_line_break(tail) {
            rest = next_line;
        } else {
            defects.record(Defect::BadQuotedPrintable);
            out.push(b'=');
            rest = tail;
        }
    }
    out.extend_from_slice(rest);
    let whole = out.len() <= end;
    out.truncate(end);
    whole
}

/// What follows a `=` at the end of a line, blanks after it tolerated (RFC 2045 §6.7, rule 3).
fn soft_line_break(tail: &[u8]) -> Option<&[u8]> {
    let blanks = tail.iter().take(MAX_BLANKS).take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
    match tail.get(blanks..)? {
        [] => Some(&[]),
        [b'\n', next @ ..] => Some(next),
        _ => None,
    }
}

/// Blanks looked over for the end of a line: lines are to be of 76 characters, and the search stays bounded.
const MAX_BLANKS: usize = 76;

/// The byte that two hexadecimal digits, in either case, stand for.
pub(super) fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let [high, low, ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(transfer: Transfer, text: &str, limit: usize) -> (String, bool, Vec<Defect>) {
        let mut defects = Defects::default();
        let mut out = b"before".to_vec();
        let whole = transfer.decode(text.as_bytes(), limit, &mut out, &mut defects);
        assert!(out.len() <= 6 + limit);
        (String::from_utf8_lossy(&out[6..]).into_owned(), whole, defects.iter().collect())
    }

    #[test]
    fn base64_keeps_all_that_can_be_decoded() {
        let cases: &[(&str, &str, &[Defect])] = &[
            ("", "", &[]),
            ("YWJj", "abc", &[]),
            ("YWJjZA==", "abcd", &[]),
            ("YWJjZGU=\r\n", "abcde", &[]),
            ("YW\r\n Jj\nZA = =\n", "abcd", &[]),
            ("YWJjZA", "abcd", &[Defect::BadBase64]),
            ("YWJjZ", "abc", &[Defect::BadBase64]),
            ("Y*WJj", "abc", &[Defect::BadBase64]),
            ("YWJj----ZGVm", "abcdef", &[Defect::BadBase64]),
            ("YQ==YWJj", "aabc", &[Defect::DataAfterBase64]),
            ("YQ==\n\nYWJjZA==", "aabcd", &[Defect::DataAfterBase64]),
            ("Y===", "", &[Defect::BadBase64]),
        ];
        for (text, expected, faults) in cases {
            let (got, whole, defects) = run(Transfer::Base64, text, 100);
            assert_eq!((got.as_str(), defects.as_slice()), (*expected, *faults), "{text:?}");
            assert!(whole);
        }
    }

    #[test]
    fn quoted_printable_keeps_all_that_can_be_decoded() {
        let cases: &[(&str, &str, &[Defect])] = &[
            ("a=3Db", "a=b", &[]),
            ("a=3db=C3=bc", "a=bü", &[]),
            ("a=\r\nb=\nc= \t\r\nd=", "abcd", &[]),
            ("a=\r\n=\r\n", "a", &[]),
            ("100 == 100", "100 == 100", &[Defect::BadQuotedPrintable]),
            ("a=Zb", "a=Zb", &[Defect::BadQuotedPrintable]),
            ("a=4", "a=4", &[Defect::BadQuotedPrintable]),
        ];
        for (text, expected, faults) in cases {
            let (got, whole, defects) = run(Transfer::QuotedPrintable, text, 100);
            assert_eq!((got.as_str(), defects.as_slice()), (*expected, *faults), "{text:?}");
            assert!(whole);
        }
    }

    #[test]
    fn limits_cut_and_tell() {
        for (transfer, text) in
            [(Transfer::Base64, "YWJjZA=="), (Transfer::QuotedPrintable, "ab=63d"), (Transfer::Identity, "abcd")]
        {
            for limit in 0..4 {
                assert_eq!(run(transfer, text, limit), ("abcd"[..limit].to_owned(), false, Vec::new()), "{text} {limit}");
            }
            assert_eq!(run(transfer, text, 4), ("abcd".to_owned(), true, Vec::new()), "{text}");
        }
    }

    #[test]
    fn names() {
        for (value, transfer) in [
            (" base64", Some(Transfer::Base64)),
            ("BASE64 (really)", Some(Transfer::Base64)),
            ("\"quoted-printable\"", Some(Transfer::QuotedPrintable)),
            ("8bit;", Some(Transfer::Identity)),
            ("base46", None),
            ("", None),
        ] {
            assert_eq!(Transfer::parse(value.as_bytes()), transfer, "{value}");
        }
    }
}
