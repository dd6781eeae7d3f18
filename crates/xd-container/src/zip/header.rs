//! What a header says of one member: the one in a directory and the one before the member's bytes.

use crate::bytes::Bytes;

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";

/// Flag bits (APPNOTE 4.4.4).
const ENCRYPTED: u16 = 1;
const DESCRIPTOR: u16 = 1 << 3;
pub(super) const STRONG: u16 = 1 << 6;
const UTF8: u16 = 1 << 11;

/// One member, as one of the headers says it.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) extra: &'a [u8],
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) time: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    /// Where the header before its bytes stands.
    pub(super) offset: u64,
}

impl<'a> Entry<'a> {
    /// The next entry of a directory (APPNOTE 4.3.12). `base` is added to its offset.
    pub(super) fn central(bytes: &mut Bytes<'a>, base: u64) -> Option<Self> {
        if bytes.array::<4>()? != CENTRAL {
            return None;
        }
        bytes.take(4)?;
        let (flags, method, time) = (bytes.u16_le()?, bytes.u16_le()?, bytes.u16_le()?);
        bytes.take(2)?;
        let (crc, packed, size) = (bytes.u32_le()?, bytes.u32_le()?, bytes.u32_le()?);
        let (name, extra, comment) = (bytes.u16_le()?, bytes.u16_le()?, bytes.u16_le()?);
        bytes.take(8)?;
        let offset = bytes.u32_le()?;
        let name = bytes.take(name.into())?;
        // Damage in the extra fields leaves the name standing.
        let extra = bytes.take(extra.into()).unwrap_or_default();
        let _ = bytes.take(comment.into());
        let (packed, size, offset) = wide(extra, size, packed, Some(offset));
        let offset = offset.saturating_add(base);
        Some(Self { name, extra, flags, method, time, crc, packed, size, offset })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    /// Sizes follow behind the bytes.
    pub(super) fn has_descriptor(&self) -> bool {
        self.flags & DESCRIPTOR != 0
    }

    pub(super) fn is_utf8(&self) -> bool {
        self.flags & UTF8 != 0
    }

    /// Whether the same bytes are unpacked in another way, or not all of them.
    pub(super) fn packs_otherwise(&self, other: &Self) -> bool {
        let sizes = self.packed != other.packed && self.packed != 0;
        self.method != other.method || self.is_encrypted() != other.is_encrypted() || sizes
    }

    /// Whether programs that believe this header unpack other bytes than those that believe the other one.
    pub(super) fn disagrees(&self, other: &Self) -> bool {
        let sizes = (self.packed, self.size) != (other.packed, other.size);
        let unknown = self.has_descriptor() && (self.packed == 0 || self.size == 0);
        self.method != other.method || self.is_encrypted() != other.is_encrypted() || (sizes && !unknown)
    }

    /// What looking through its name and extra fields costs, in steps. Many entries may name the same header.
    pub(super) fn steps(&self) -> u64 {
        (2 * self.name.len() + self.extra.len() / 2) as u64
    }

    /// A field among the extra ones.
    pub(super) fn extra(&self, id: u16) -> Option<&'a [u8]> {
        extra(self.extra, id)
    }
}

/// The header before a member's bytes.
#[derive(Clone, Debug)]
pub(super) struct Local<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) data_at: usize,
}

impl<'a> Local<'a> {
    /// The header at this place (APPNOTE 4.3.7).
    pub(super) fn read(all: &'a [u8], offset: u64) -> Option<Self> {
        let at = usize::try_from(offset).ok()?;
        let mut bytes = Bytes::from(all, at);
        if bytes.array::<4>()? != LOCAL {
            return None;
        }
        bytes.take(2)?;
        let (flags, method, time) = (bytes.u16_le()?, bytes.u16_le()?, bytes.u16_le()?);
        bytes.take(2)?;
        let (crc, packed, size) = (bytes.u32_le()?, bytes.u32_le()?, bytes.u32_le()?);
        let (name, extra) = (bytes.u16_le()?, bytes.u16_le()?);
        let name = bytes.take(name.into())?;
        let extra = bytes.take(extra.into())?;
        let (packed, size, _) = wide(extra, size, packed, None);
        let entry = Entry { name, extra, flags, method, time, crc, packed, size, offset };
        Some(Self { entry, data_at: bytes.at() })
    }
}

/// Sizes and offset of zip64 (APPNOTE 4.5.3): each stands there only where the short field is full.
fn wide(fields: &[u8], size: u32, packed: u32, offset: Option<u32>) -> (u64, u64, u64) {
    let is_wide = [Some(size), Some(packed), offset].contains(&Some(u32::MAX));
    let field = if is_wide { extra(fields, 1) } else { None };
    let mut bytes = Bytes::new(field.unwrap_or_default());
    let mut field = |short: u32| match short {
        u32::MAX => bytes.u64_le().unwrap_or_else(|| short.into()),
        short => u64::from(short),
    };
    let size = field(size);
    let packed = field(packed);
    let offset = offset.map_or(0, field);
    (packed, size, offset)
}

fn extra(fields: &[u8], id: u16) -> Option<&[u8]> {
    let mut bytes = Bytes::new(fields);
    // Each takes four bytes at least, so that the fields bound the turns.
    while let (Some(this), Some(length)) = (bytes.u16_le(), bytes.u16_le()) {
        let field = bytes.take(length.into())?;
        if this == id {
            return Some(field);
        }
    }
    None
}
