//! uuencode (POSIX `uuencode`, both its alphabets): lines that say how many bytes they hold.

use super::{Written, lines};
use crate::page::base64;

/// Lines that are no data and that are passed over, as mail programs do; 100. What has more of them is prose.
const MAX_STRAY: usize = 100;

/// What a body in the transfer encoding `x-uuencode` decodes to, at most `limit` bytes of it; and whether that is all. None where
/// no such file begins in it.
///
/// # Example: what is written there?
/// ```
/// use xd_container::decode_uuencoded;
///
/// assert_eq!(decode_uuencoded(b"begin 644 a.txt\n#0V%T\n`\nend\n", 10), Some((b"Cat".to_vec(), true)));
/// assert_eq!(decode_uuencoded(b"Hello", 10), None);
/// ```
#[must_use]
pub fn decode_uuencoded(text: &[u8], limit: usize) -> Option<(Vec<u8>, bool)> {
    let (at, _) = super::beginnings(text).find(|(at, kind)| {
        matches!(kind, super::Kind::Base64 | super::Kind::Uu) && text.get(*at..).is_some_and(|lines| read(lines, 1).is_some())
    })?;
    let written = read(text.get(at..)?, limit)?;
    Some((written.bytes, !written.is_cut))
}

/// Reads the file that begins with the first of these lines.
pub(super) fn read(text: &[u8], limit: usize) -> Option<Written> {
    let (first, start) = lines(text).next()?;
    let name = name(first)?;
    let is_base64 = first.starts_with(b"begin-");
    if is_base64 {
        return read_base64(text, start, name, limit);
    }
    let mut written = Written { name, end: start, is_damaged: true, ..Written::default() };
    let mut stray = 0;
    let mut is_first = true;
    for (line, next) in lines(text).skip(1) {
        written.end = next;
        if line.trim_ascii_end() == b"end" {
            written.is_damaged = stray > 0;
            break;
        }
        match data(line) {
            Some((length, digits)) => decode(digits, length, &mut written.bytes),
            // What follows is prose about beginnings, unless the file is empty.
            None if is_first && !line.trim_ascii_end().is_empty() => return None,
            None if line.trim_ascii().is_empty() => {}
            None => stray += 1,
        }
        is_first &= line.trim_ascii_end().is_empty();
        if written.bytes.len() > limit || stray > MAX_STRAY {
            written.is_cut = written.bytes.len() > limit;
            written.bytes.truncate(limit);
            break;
        }
    }
    (!is_first).then_some(written)
}

/// The name in the first line: it stands behind three or four octal digits of permissions.
pub(super) fn name(line: &[u8]) -> Option<String> {
    let rest = line.strip_prefix(b"begin-base64 ").or_else(|| line.strip_prefix(b"begin "))?;
    let digits = rest.iter().take_while(|b| matches!(b, b'0'..=b'7')).count();
    let name = rest.get(digits..)?.strip_prefix(b" ").filter(|_| (3..=6).contains(&digits))?;
    let name = name.split(|b| matches!(b, b'\r' | b'\n')).next()?.trim_ascii();
    Some(String::from_utf8_lossy(name).trim_matches('"').to_owned())
}

fn read_base64(text: &[u8], start: usize, name: String, limit: usize) -> Option<Written> {
    let rest = text.get(start..)?;
    let end = memchr::memmem::find(rest, b"\n====").map_or(rest.len(), |at| at + 1);
    let body = rest.get(..end)?;
    // Another beginning is no line of data.
    let is_damaged = end == rest.len() || memchr::memmem::find(body, b"begin-").is_some();
    let mut bytes = base64(body, limit.saturating_add(1));
    let is_cut = bytes.len() > limit;
    bytes.truncate(limit);
    Some(Written { name, bytes, end: start + end, is_damaged, is_part: false, is_cut })
}

/// The bytes that a line holds, and the digits of them; none where it is no line of data.
fn data(line: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, digits) = line.split_first()?;
    if !matches!(first, b' '..=b'`') {
        return None;
    }
    let length = usize::from(first - b' ') & 63;
    // Blanks at the end of a line are lost on the way; some programs write a digit more, as a check.
    let most = length.div_ceil(3) * 4;
    let shown = digits.trim_ascii_end().len();
    let is_data = digits.iter().take(most).all(|b| matches!(b, b' '..=b'`')) && shown <= most + 2;
    // A line of few digits that says it has many is prose.
    (is_data && (shown * 2 >= most || length == 0 && shown == 0)).then_some((length, digits.get(..most).unwrap_or(digits)))
}

fn decode(digits: &[u8], length: usize, bytes: &mut Vec<u8>) {
    let end = bytes.len() + length;
    for group in 0..length.div_ceil(3) {
        let digit = |at: usize| u32::from(digits.get(group * 4 + at).map_or(0, |digit| digit.wrapping_sub(b' ') & 63));
        let bits = digit(0) << 18 | digit(1) << 12 | digit(2) << 6 | digit(3);
        bytes.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
    }
    bytes.truncate(end);
}
