//! The header of a segment: what it is, which one it is, and a label that belongs to whoever writes it.
//!
//! Place and length of the header, its magic, version and checksum are the same in every version of the format, so that any
//! version can say which one it meets.

use super::{FORMAT_VERSION, SegmentKind};

/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 128;
/// The most bytes of a label: what the header has room for.
pub const LABEL_MAX: usize = 104;

// As in PNG: the first byte is no text, and the line end is changed by whatever takes the file for text.
const MAGIC: [u8; 8] = *b"\x89XDSEG\r\n";
const LABEL_AT: usize = 20;
const CHECKSUM_AT: usize = HEADER_BYTES - 4;

/// What a segment says of itself.
///
/// # Example: what is in the header of the first segment of capsules?
/// ```
/// use xd_store::{SegmentHeader, SegmentKind};
///
/// let header = SegmentHeader::new(SegmentKind::CAPSULES, 1, b"by example.net").unwrap();
/// assert_eq!((header.number(), header.label()), (1, b"by example.net".as_slice()));
/// assert!(SegmentHeader::new(SegmentKind::CAPSULES, 1, &[0; 105]).is_none());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SegmentHeader {
    kind: SegmentKind,
    number: u64,
    label: Vec<u8>,
}

/// What the first bytes of a file turned out to be.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum HeaderRead {
    Whole(SegmentHeader, u32),
    /// Another version of the format, and whole.
    Version(u16),
    /// Damaged, or no header at all. The checksums as stored and as computed: if one byte is damaged, one of them is right.
    Damaged {
        stored: u32,
        computed: u32,
    },
}

impl SegmentHeader {
    /// The header of the segment with this number among its like, with a free label; `None` if the label is longer than
    /// [`LABEL_MAX`].
    #[must_use]
    pub fn new(kind: SegmentKind, number: u64, label: &[u8]) -> Option<Self> {
        (label.len() <= LABEL_MAX).then(|| Self { kind, number, label: label.to_vec() })
    }

    /// What its records are about.
    #[must_use]
    pub fn kind(&self) -> SegmentKind {
        self.kind
    }

    /// Which one of its directory it is, from 1; what its file is named after.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What its writer wanted to say of all records.
    #[must_use]
    pub fn label(&self) -> &[u8] {
        &self.label
    }

    /// The bytes of the header, and the checksum in them that is mixed into each record's.
    pub(crate) fn encode(&self) -> ([u8; HEADER_BYTES], u32) {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[10] = self.kind.code();
        bytes[11] = self.label.len() as u8;
        bytes[12..LABEL_AT].copy_from_slice(&self.number.to_le_bytes());
        bytes[LABEL_AT..][..self.label.len()].copy_from_slice(&self.label);
        let checksum = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        (bytes, checksum)
    }

    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> HeaderRead {
        let computed = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
        let stored = u32::from_le_bytes([bytes[124], bytes[125], bytes[126], bytes[127]]);
        let label_bytes = usize::from(bytes[11]);
        if computed != stored || bytes[..8] != MAGIC {
            return HeaderRead::Damaged { stored, computed };
        }
        match u16::from_le_bytes([bytes[8], bytes[9]]) {
            FORMAT_VERSION if label_bytes <= LABEL_MAX => {
                let mut number = [0; 8];
                number.copy_from_slice(&bytes[12..LABEL_AT]);
                let label = bytes[LABEL_AT..][..label_bytes].to_vec();
                let header = Self { kind: SegmentKind::new(bytes[10]), number: u64::from_le_bytes(number), label };
                HeaderRead::Whole(header, stored)
            }
            FORMAT_VERSION => HeaderRead::Damaged { stored, computed },
            version => HeaderRead::Version(version),
        }
    }
}

/// The name of the segment with this number in a directory.
pub(crate) fn file_name(number: u64, kind: SegmentKind) -> String {
    format!("{number:06}.{}", kind.extension())
}

/// The number in such a name; `None` if it is the name of anything else.
pub(crate) fn number_in(name: &str, kind: SegmentKind) -> Option<u64> {
    let number = name.split('.').next()?.parse().ok()?;
    (file_name(number, kind) == name).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_as_written_and_every_changed_byte_is_noticed() {
        let header = SegmentHeader::new(SegmentKind::JOURNAL, 7, &[5; LABEL_MAX]).unwrap();
        let (bytes, checksum) = header.encode();
        assert_eq!(SegmentHeader::decode(&bytes), HeaderRead::Whole(header, checksum));
        for at in 0..HEADER_BYTES {
            let mut damaged = bytes;
            damaged[at] ^= 0x40;
            let HeaderRead::Damaged { stored, computed } = SegmentHeader::decode(&damaged) else { panic!("byte {at}") };
            assert!(stored == checksum || computed == checksum, "byte {at}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let (mut bytes, _) = SegmentHeader::new(SegmentKind::CAPSULES, 1, b"").unwrap().encode();
        bytes[8] = 2;
        let checksum = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), HeaderRead::Version(2));
    }
}
