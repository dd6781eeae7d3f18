//! Segments: files of checksummed records, appended one after another, that capsules, journal and spool share.
//!
//! A segment is a header of 128 bytes, then records without gaps. Numbers are little-endian. `docs/segment-format.md` has
//! the same tables with examples.
//!
//! ```text
//! header   0  8  magic 89 "XDSEG" 0D 0A        record   0  2  marker FE FD
//!          8  2  version, 1                             2  1  type, its meaning belongs to the segment's kind
//!         10  1  kind                                   3  1  flags: codec, escaped, erased
//!         11  1  bytes of the label, n                  4  4  bytes of the stored payload, n
//!         12  8  number of the segment                  8  n  stored payload, without any marker inside
//!         20  n  label, then zeros                    8+n  4  checksum
//!        124  4  CRC-32C of bytes 0 to 123
//! ```
//!
//! **Checksum of a record**: CRC-32C over its offset in the file (8 bytes), its bytes 2 to 7 and its stored payload, then XOR
//! with the CRC of the header. So a record is noticed that was moved, written twice, or comes from another segment. It is a check
//! against accidents: any burst of up to 32 bits is found, hence any one changed byte. Whoever changes records on purpose
//! can compute it; nothing here is meant against that. CRC-32C was chosen over XXH3, which promises nothing about few changed
//! bits, and over the first bytes of a SHA-256, which costs ten times as much; all three are fast enough.
//!
//! **Resynchronising**: the marker stands at the beginning of each record and nowhere inside a payload. Where `FE FD` or
//! `FE FC` occurs in one, it is written as `FE FC 01` or `FE FC 00` and the record is flagged as escaped: nothing at all for
//! text, a byte in 32 KiB of noise, and half as much again at worst. A reader that has met damage looks for the next marker,
//! in time linear in what it skips, and never takes for a record what a letter holds. Blocks of fixed size, as in LevelDB's
//! log, were the other choice: there one changed length loses the rest of a block, some eighty capsules.
//!
//! **States of a record on disk**, and what moves between them:
//!
//! | state | looks like | next |
//! |---|---|---|
//! | torn | cut short, or its checksum does not match, at the end of the file | [`SegmentWriter::open`] moves it to a file of its own |
//! | whole | checksum matches | [`erase`] writes the checksum that the erased record will have |
//! | erasing | checksum is that of the erased record, the rest is not yet | [`erase`] or [`SegmentWriter::open`] finishes |
//! | erased | flag set, payload all zeros, checksum matches | none |
//! | damaged | anything else | none: reported, kept |

mod codec;
mod erase;
mod frame;
mod header;
mod pick;
mod reader;
mod skim;
mod writer;

use std::fmt;

pub(crate) use erase::erase_if;
pub use erase::{Erasure, erase};
pub(crate) use header::{HEADER_BYTES, file_name, number_in};
pub use header::{LABEL_MAX, SegmentHeader};
pub(crate) use pick::SegmentFile;
pub use reader::{Damage, DamageKind, Entry, Record, SegmentReader};
pub(crate) use skim::{Skim, Skimmer};
pub use writer::{Recovery, SegmentWriter};

/// The version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: u16 = 1;

/// The most bytes of one payload, before compression; 64 MiB. A message with all its attachments fits.
pub const PAYLOAD_MAX: usize = 64 << 20;

/// What the records of a segment are about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SegmentKind(u8);

impl SegmentKind {
    /// Capsules: the causes of verdicts.
    pub const CAPSULES: Self = Self(1);
    /// The journal: what was accepted, refused, attempted, changed.
    pub const JOURNAL: Self = Self(2);
    /// The spool: content and envelopes that wait for delivery.
    pub const SPOOL: Self = Self(3);

    /// The kind with this code. Codes that have no name yet are kinds of later versions.
    #[must_use]
    pub const fn new(code: u8) -> Self {
        Self(code)
    }

    /// The byte that stands for it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The extension of its files' names.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::CAPSULES => "xdc",
            Self::JOURNAL => "xdj",
            Self::SPOOL => "xds",
            Self(_) => "xdseg",
        }
    }
}

impl fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CAPSULES => f.write_str("capsules"),
            Self::JOURNAL => f.write_str("journal"),
            Self::SPOOL => f.write_str("spool"),
            Self(code) => write!(f, "kind {code}"),
        }
    }
}

/// What one record is, among those of its segment's kind. It stays readable when the record is erased.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordType(u8);

impl RecordType {
    /// The type with this code.
    #[must_use]
    pub const fn new(code: u8) -> Self {
        Self(code)
    }

    /// The byte that stands for it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }
}

/// Where a record begins, in bytes from the beginning of its segment.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Offset(u64);

impl Offset {
    /// The offset of this many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Bytes from the beginning of the segment.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
