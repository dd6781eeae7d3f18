//! BinHex 4.0 (RFC 1741), of the old Macintosh: six bits a letter, runs shortened, a header, and two forks of which the first is the file.

use super::Written;
use crate::bytes::Bytes;

/// The letters of the sixty-four digits (RFC 1741 §4).
const ALPHABET: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
/// A byte that is repeated follows this one, and how often.
const RUN: u8 = 0x90;

/// Reads the file that begins with the first of these lines.
pub(super) fn read(text: &[u8], limit: usize) -> Option<Written> {
    let start = memchr::memchr(b':', text)? + 1;
    let lines = text.get(start..)?;
    let length = memchr::memchr(b':', lines).unwrap_or(lines.len());
    let (bytes, is_strange) = expand(lines.get(..length)?, limit.saturating_add(HEADER));
    let mut fields = Bytes::new(&bytes);
    let name =
        fields.u8().and_then(|length| fields.take(usize::from(length))).map(|name| String::from_utf8_lossy(name).into_owned());
    // A version, type and creator, flags; then the lengths of the forks, and a check of all this.
    fields.take(1 + 4 + 4 + 2);
    let data = fields.array().map(u32::from_be_bytes).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    fields.take(4 + 2);
    let rest = fields.rest();
    let content = rest.get(..data.min(limit)).unwrap_or(rest);
    Some(Written {
        name: name.unwrap_or_default(),
        is_damaged: content.len() < data.min(limit) || is_strange || length == lines.len(),
        is_cut: data > limit,
        bytes: content.to_vec(),
        end: start + length,
        is_part: false,
    })
}

/// The longest header: a name of 255 bytes, and what surrounds it.
const HEADER: usize = 277;

/// The bytes that the letters stand for, and whether others stood between them.
fn expand(letters: &[u8], limit: usize) -> (Vec<u8>, bool) {
    let mut digits = [u8::MAX; 256];
    for (digit, letter) in (0..).zip(ALPHABET) {
        digits[usize::from(*letter)] = digit;
    }
    let mut bytes: Vec<u8> = Vec::new();
    let (mut held, mut count, mut is_run, mut is_strange) = (0_u16, 0, false, false);
    for letter in letters {
        let digit = digits[usize::from(*letter)];
        if digit == u8::MAX {
            is_strange |= !letter.is_ascii_whitespace();
            continue;
        }
        held = held << 6 | u16::from(digit);
        count += 6;
        if count < 8 {
            continue;
        }
        count -= 8;
        let byte = (held >> count).to_le_bytes()[0];
        let was_run = is_run;
        is_run = !was_run && byte == RUN;
        match (was_run, byte) {
            (false, RUN) => {}
            (false, byte) => bytes.push(byte),
            // None of them: the marker itself.
            (true, 0) => bytes.push(RUN),
            (true, times) => {
                let last = bytes.last().copied().unwrap_or(0);
                bytes.extend(std::iter::repeat_n(last, usize::from(times) - 1));
            }
        }
        if bytes.len() >= limit {
            break;
        }
    }
    (bytes, is_strange)
}
