//! UTF-7 (RFC 2152): UTF-16 in base64 between `+` and `-`, everything else as it stands.

use super::charset;
use crate::Defects;

/// Decodes bytes. What stands for no character is replaced; bytes outside ASCII, which UTF-7 has none of, are read as in any text
/// that says nothing.
pub(super) fn decode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        let (plain, shifted) = rest.split_at(plus);
        out.push_str(&charset::decode(plain, None, false, &mut Defects::default()));
        let shifted = shifted.get(1..).unwrap_or_default();
        let length = shifted.iter().take_while(|byte| digit(**byte).is_some()).count();
        let (digits, tail) = shifted.split_at(length);
        rest = tail.strip_prefix(b"-").unwrap_or(tail);
        if digits.is_empty() {
            out.push('+');
            continue;
        }
        out.extend(char::decode_utf16(units(digits)).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
    out.push_str(&charset::decode(rest, None, false, &mut Defects::default()));
    out
}

/// The 16-bit units of base64 without padding; bits that fill no unit are dropped.
fn units(digits: &[u8]) -> impl Iterator<Item = u16> {
    let mut bits: u32 = 0;
    let mut count = 0;
    digits.iter().filter_map(|byte| digit(*byte)).filter_map(move |digit| {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count < 16 {
            return None;
        }
        count -= 16;
        let unit = bits >> count;
        bits &= (1 << count) - 1;
        u16::try_from(unit & 0xFFFF).ok()
    })
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_of_the_standard() {
        for (bytes, text) in [
            (&b"A+ImIDkQ."[..], "A\u{2262}\u{391}."),
            (b"Hi Mom -+Jjo--!", "Hi Mom -\u{263a}-!"),
            (b"+ZeVnLIqe-", "\u{65e5}\u{672c}\u{8a9e}"),
            (b"1 +- 1 = 2", "1 + 1 = 2"),
            (b"+2D3eAA-", "\u{1f600}"),
            (b"+2D0-x", "\u{fffd}x"),
            (b"end+", "end+"),
            ("Grüße".as_bytes(), "Grüße"),
        ] {
            assert_eq!(decode(bytes), text);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_text(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).len() <= 3 * bytes.len());
        }
    }
}
