//! RTF as Outlook compresses it, [MS-OXRTFCP]: copies from a ring of 4096 bytes, which begins with the usual words of RTF.

use crate::Budget;
use crate::bytes::Bytes;

/// 2.1.2.1: what the ring holds before the first byte.
const WORDS: &[u8; 207] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor \
MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

const COMPRESSED: &[u8] = b"LZFu";
const PLAIN: &[u8] = b"MELA";

/// Sizes, kind and checksum.
const HEADER: usize = 16;

/// The bytes of the document, as far as they can be decoded; checksum and declared sizes are not believed.
pub(crate) fn decompress(bytes: &[u8], budget: &mut Budget) -> Vec<u8> {
    let data = Bytes::from(bytes, HEADER).rest();
    match bytes.get(8..12) {
        Some(PLAIN) => {
            let data = data.get(..data.len().min(budget.decoded_left())).unwrap_or_default();
            budget.charge_decoded(data.len());
            data.to_vec()
        }
        Some(COMPRESSED) => expand(data, budget),
        _ => Vec::new(),
    }
}

fn expand(data: &[u8], budget: &mut Budget) -> Vec<u8> {
    let mut ring = [b' '; 4096];
    let (words, _) = ring.split_at_mut(WORDS.len());
    words.copy_from_slice(WORDS);
    let mut at = WORDS.len();
    let mut out = Vec::new();
    let room = budget.decoded_left();
    let mut data = Bytes::new(data);
    'all: while let Some(flags) = data.u8() {
        if !budget.charge_steps(200) {
            break;
        }
        for bit in 0..8 {
            if out.len() >= room {
                break 'all;
            }
            if flags & (1 << bit) == 0 {
                let Some(literal) = data.u8() else { break 'all };
                put(literal, &mut ring, &mut at, &mut out);
                continue;
            }
            let Some(token) = data.array().map(u16::from_be_bytes) else { break 'all };
            let from = usize::from(token >> 4);
            if from == at {
                break 'all;
            }
            for step in 0..usize::from(token & 0xF) + 2 {
                // Places stay below 4096, the size of the ring.
                put(ring[(from + step) & 0xFFF], &mut ring, &mut at, &mut out);
            }
        }
    }
    budget.charge_decoded(out.len());
    out
}

fn put(byte: u8, ring: &mut [u8; 4096], at: &mut usize, out: &mut Vec<u8>) {
    ring[*at & 0xFFF] = byte;
    *at = (*at + 1) & 0xFFF;
    out.push(byte);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3.1: the two examples of the specification.
    #[test]
    fn examples_of_the_specification() {
        let simple =
            b"\x2D\0\0\0\x2B\0\0\0LZFu\xF1\xC5\xC7\xA7\x03\0\n\0rcpg125\x42\x32\n\xF3 hel\t\0 bw\x05\xB0ld}\n\x80\x0F\xA0";
        let decoded = decompress(simple, &mut Budget::default());
        assert_eq!(String::from_utf8_lossy(&decoded), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        let crossing = b"\x1A\0\0\0\x1C\0\0\0LZFu\xE2\xD4\x4B\x51A\0\x04 WXYZ\rn}\x01\x0E\xB0";
        let decoded = decompress(crossing, &mut Budget::default());
        assert_eq!(String::from_utf8_lossy(&decoded), "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    }

    #[test]
    fn plain_damaged_and_other_bytes() {
        assert_eq!(decompress(b"\0\0\0\0\0\0\0\0MELA\0\0\0\0{\\rtf1}", &mut Budget::default()), b"{\\rtf1}");
        assert_eq!(decompress(b"\0\0\0\0\0\0\0\0LZFu\0\0\0\0\x02{", &mut Budget::default()), b"{");
        assert_eq!(decompress(b"LZFu", &mut Budget::default()), b"");
    }
}
