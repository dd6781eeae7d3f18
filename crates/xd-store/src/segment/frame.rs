//! One record as bytes: marker, fields, stored payload, checksum; and how payloads are kept free of markers.

use memchr::memmem;

use super::{Offset, PAYLOAD_MAX, RecordType};

/// Where a record begins. Neither byte occurs in UTF-8 text.
pub(crate) const MARKER: [u8; 2] = [0xfe, 0xfd];
/// Bytes before the payload.
pub(crate) const FIELDS_BYTES: usize = 8;
/// Bytes of the checksum, after the payload.
pub(crate) const CHECKSUM_BYTES: usize = 4;
/// The most bytes of a payload as stored: all of it escaped.
pub(crate) const STORED_MAX: usize = PAYLOAD_MAX / 2 * 3;

const ESCAPE: u8 = 0xfc;
const FLAG_ERASED: u8 = 0x80;
const FLAG_ESCAPED: u8 = 0x10;
const CODEC_BITS: u8 = 0x0f;

/// How a payload is packed. The complete set of this version of the format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Codec {
    Plain,
    /// A zstd frame over the first dictionary, see `codec.rs`.
    Zstd,
}

/// The fields before a payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Fields {
    pub(crate) record_type: RecordType,
    pub(crate) codec: Codec,
    pub(crate) escaped: bool,
    pub(crate) erased: bool,
    /// Bytes of the payload as stored.
    pub(crate) stored: usize,
}

impl Fields {
    pub(crate) fn encode(&self) -> [u8; FIELDS_BYTES] {
        let codec = match self.codec {
            Codec::Plain => 0,
            Codec::Zstd => 1,
        };
        let escaped = if self.escaped { FLAG_ESCAPED } else { 0 };
        let erased = if self.erased { FLAG_ERASED } else { 0 };
        // STORED_MAX is below 2^32.
        let [a, b, c, d] = (self.stored as u32).to_le_bytes();
        [MARKER[0], MARKER[1], self.record_type.code(), codec | escaped | erased, a, b, c, d]
    }

    /// The fields, or `None` if no record of this version has such.
    pub(crate) fn decode(bytes: &[u8; FIELDS_BYTES]) -> Option<Self> {
        let flags = bytes[3];
        let stored = usize::try_from(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])).ok()?;
        let known = bytes[..2] == MARKER && flags & !(FLAG_ERASED | FLAG_ESCAPED | CODEC_BITS) == 0 && stored <= STORED_MAX;
        let codec = match flags & CODEC_BITS {
            0 => Codec::Plain,
            1 => Codec::Zstd,
            _ => return None,
        };
        let (escaped, erased) = (flags & FLAG_ESCAPED != 0, flags & FLAG_ERASED != 0);
        known.then_some(Self { record_type: RecordType::new(bytes[2]), codec, escaped, erased, stored })
    }

    /// The fields of this record once it is erased. Codec and escapes go with what they were about.
    pub(crate) fn erased(&self) -> Self {
        Self { codec: Codec::Plain, escaped: false, erased: true, ..*self }
    }

    /// Bytes of the whole record.
    pub(crate) fn record_bytes(&self) -> usize {
        FIELDS_BYTES + self.stored + CHECKSUM_BYTES
    }

    /// The checksum before the header's is mixed in.
    pub(crate) fn checksum(&self, offset: Offset, stored: &[u8]) -> u32 {
        crc32c::crc32c_append(self.checksum_of_fields(offset), stored)
    }

    /// The checksum that the record has once its payload is zeros.
    pub(crate) fn checksum_erased(&self, offset: Offset) -> u32 {
        const ZEROS: [u8; 4096] = [0; 4096];
        let mut left = self.stored;
        let mut checksum = self.erased().checksum_of_fields(offset);
        while left > 0 {
            let now = left.min(ZEROS.len());
            checksum = crc32c::crc32c_append(checksum, &ZEROS[..now]);
            left -= now;
        }
        checksum
    }

    fn checksum_of_fields(&self, offset: Offset) -> u32 {
        let mut bytes = [0; 8 + FIELDS_BYTES - MARKER.len()];
        bytes[..8].copy_from_slice(&offset.bytes().to_le_bytes());
        bytes[8..].copy_from_slice(&self.encode()[MARKER.len()..]);
        crc32c::crc32c(&bytes)
    }
}

/// Appends one record to `out`. The payload is packed already, and is all parts one after another.
pub(crate) fn append(out: &mut Vec<u8>, offset: Offset, salt: u32, record_type: RecordType, codec: Codec, parts: &[&[u8]]) {
    let begin = out.len();
    out.reserve(parts.iter().map(|part| part.len()).sum::<usize>() + FIELDS_BYTES + CHECKSUM_BYTES);
    out.extend_from_slice(&[0; FIELDS_BYTES]);
    let mut escaped = false;
    for part in parts {
        escaped |= escape(part, begin + FIELDS_BYTES, out);
    }
    let stored = out.len() - begin - FIELDS_BYTES;
    let fields = Fields { record_type, codec, escaped, erased: false, stored };
    out[begin..][..FIELDS_BYTES].copy_from_slice(&fields.encode());
    let checksum = fields.checksum(offset, &out[begin + FIELDS_BYTES..]) ^ salt;
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Where the next marker stands.
pub(crate) fn find_marker(bytes: &[u8]) -> Option<usize> {
    // Faster on short payloads than a searcher for both bytes, which is built anew for each.
    memchr::memchr_iter(MARKER[0], bytes).find(|&at| bytes.get(at + 1) == Some(&MARKER[1]))
}

/// Appends a part of a payload, whose stored bytes begin at `begin`, so that it holds no marker. Whether anything had to be
/// escaped for that.
fn escape(payload: &[u8], begin: usize, out: &mut Vec<u8>) -> bool {
    let mut copied = 0;
    // The part before may have ended within what is escaped. The end of an escape is another byte.
    if let Some(&second @ (ESCAPE | 0xfd)) = payload.first()
        && out[begin..].last() == Some(&MARKER[0])
    {
        out.extend_from_slice(&[ESCAPE, u8::from(second == MARKER[1])]);
        copied = 1;
    }
    for at in memchr::memchr_iter(MARKER[0], payload) {
        if let Some(&second @ (ESCAPE | 0xfd)) = payload.get(at + 1) {
            out.extend_from_slice(&payload[copied..=at]);
            out.extend_from_slice(&[ESCAPE, u8::from(second == MARKER[1])]);
            copied = at + 2;
        }
    }
    out.extend_from_slice(&payload[copied..]);
    copied > 0
}

/// The payload that was escaped, or `None` if this is not how one is escaped.
pub(crate) fn unescape(stored: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = stored;
    while let Some(at) = memmem::find(rest, &[MARKER[0], ESCAPE]) {
        let second = match rest.get(at + 2)? {
            0 => ESCAPE,
            1 => MARKER[1],
            _ => return None,
        };
        out.extend_from_slice(&rest[..=at]);
        out.push(second);
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn escaped_payloads_hold_no_marker_and_come_back(
            payload in proptest::collection::vec(prop_oneof![Just(0xfe), Just(0xfd), Just(0xfc), Just(1), Just(0)], 0..60),
            cuts in proptest::collection::vec(0usize..60, 0..4),
        ) {
            let (mut stored, mut back) = (Vec::new(), Vec::new());
            let escaped = escape(&payload, 0, &mut stored);
            let (mut parted, mut rest, mut escaped_part) = (vec![0xfe], payload.as_slice(), false);
            for cut in cuts {
                let (part, behind) = rest.split_at(cut.min(rest.len()));
                escaped_part |= escape(part, 1, &mut parted);
                rest = behind;
            }
            escaped_part |= escape(rest, 1, &mut parted);
            prop_assert_eq!((&parted[1..], escaped_part), (stored.as_slice(), escaped));
            prop_assert_eq!(find_marker(&stored), None);
            prop_assert!(stored.len() <= payload.len() / 2 * 3 + 1);
            prop_assert_eq!(escaped, stored != payload);
            prop_assert_eq!(unescape(&stored, &mut back), Some(()));
            prop_assert_eq!(back, payload);
        }
    }

    #[test]
    fn the_longest_payload_has_room_when_all_of_it_is_escaped() {
        let mut stored = Vec::new();
        escape(&MARKER.repeat(100), 0, &mut stored);
        assert_eq!((stored.len(), STORED_MAX), (300, PAYLOAD_MAX + PAYLOAD_MAX / 2));
        let record_type = RecordType::new(1);
        let longest = Fields { record_type, codec: Codec::Zstd, escaped: true, erased: false, stored: STORED_MAX };
        assert_eq!(Fields::decode(&longest.encode()), Some(longest));
        assert_eq!(Fields::decode(&Fields { stored: STORED_MAX + 1, ..longest }.encode()), None);
    }

    #[test]
    fn unknown_flags_and_bad_escapes_are_refused() {
        for flags in [0x02, 0x0f, 0x20, 0x40] {
            assert_eq!(Fields::decode(&[0xfe, 0xfd, 1, flags, 0, 0, 0, 0]), None);
        }
        assert_eq!(unescape(&[0xfe, 0xfc, 2], &mut Vec::new()), None);
        assert_eq!(unescape(&[0xfe, 0xfc], &mut Vec::new()), None);
    }
}
