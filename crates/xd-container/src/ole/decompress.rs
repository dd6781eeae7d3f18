//! The compression of VBA's sources, [MS-OVBA] 2.4.1: chunks of 4096 bytes, each with literals and copies of what came before.

use crate::Budget;
use crate::bytes::Bytes;

/// What stands compressed at the beginning of these bytes; as far as it can be decoded, and empty when nothing can.
pub(crate) fn decompress(bytes: &[u8], budget: &mut Budget) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = Bytes::new(bytes);
    if bytes.u8() != Some(1) {
        return out;
    }
    while let Some(header) = bytes.u16_le() {
        // The three bits 0b011 mark a chunk; where they do not stand, other bytes follow the source.
        if header & 0x7000 != 0x3000 {
            break;
        }
        let size = usize::from(header & 0x0FFF) + 1;
        let chunk = bytes.take(size).unwrap_or_else(|| bytes.rest());
        let start = out.len();
        let room = budget.decoded_left().min(4096);
        if header & 0x8000 == 0 {
            out.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        } else {
            chunk_into(chunk, start, room, &mut out);
        }
        budget.charge_decoded(out.len() - start);
        if !budget.charge_steps(4 * size as u64 + 1000) || chunk.len() < size || out.len() == start {
            break;
        }
    }
    out
}

/// One chunk. Copies reach back to its own beginning only, and it never grows beyond `room`.
fn chunk_into(chunk: &[u8], start: usize, room: usize, out: &mut Vec<u8>) {
    let mut chunk = Bytes::new(chunk);
    while let Some(flags) = chunk.u8() {
        for bit in 0..8 {
            let done = out.len() - start;
            if done >= room {
                return;
            }
            if flags & (1 << bit) == 0 {
                let Some(literal) = chunk.u8() else { return };
                out.push(literal);
                continue;
            }
            let Some(token) = chunk.u16_le() else { return };
            // 2.4.1.3.19.1: the more is decoded, the more bits of a token say how far back, the fewer how long.
            let offset_bits = usize::BITS - done.max(1).saturating_sub(1).leading_zeros();
            let length_bits = 16 - offset_bits.clamp(4, 12);
            let length = usize::from(token & ((1 << length_bits) - 1)) + 3;
            let back = usize::from(token >> length_bits) + 1;
            if back > done {
                return;
            }
            for _ in 0..length.min(room - done) {
                let Some(byte) = out.get(out.len() - back).copied() else { return };
                out.push(byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [MS-OVBA] 3.2.2 and 3.2.3, the examples of the specification.
    #[test]
    fn examples_of_the_specification() {
        let normal =
            b"\x01\x2F\xB0\x00\x23\x61\x61\x61\x62\x63\x64\x65\x82\x66\x00\x70\x61\x67\x68\x69\x6A\x01\x38\x08\x61\x6B\x6C\x00\
                       \x30\x6D\x6E\x6F\x70\x06\x71\x02\x70\x04\x10\x72\x73\x74\x75\x76\x10\x77\x78\x79\x7A\x00\x3C";
        assert_eq!(decompress(normal, &mut Budget::default()), b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa");
        let most = b"\x01\x03\xB0\x02\x61\x45\x00";
        assert_eq!(decompress(most, &mut Budget::default()), [b'a'; 73]);
    }

    #[test]
    fn other_bytes_decode_to_nothing() {
        for bytes in [
            &b""[..],
            b"\x01",
            b"\x01\x03",
            b"\x02\x03\xB0\x02\x61\x45\x00",
            b"\x01\x03\x00\x02\x61",
            b"\x01\x02\xB0\x01\x45\x00",
        ] {
            assert_eq!(decompress(bytes, &mut Budget::default()), b"", "{bytes:?}");
        }
    }
}
