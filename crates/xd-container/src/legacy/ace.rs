//! ACE (its format was never published; as unace 1.2b reads it).

use super::Item;
use crate::bytes::Bytes;
use crate::names;

const FILE: u8 = 1;
const HAS_DATA: u16 = 1;
const VOLUME: u16 = 0x0800;
const SPLIT: u16 = 0x3000;
const ENCRYPTED: u16 = 0x4000;

pub(super) fn read(all: &[u8], at: usize) -> Option<Item> {
    let mut bytes = Bytes::from(all, at);
    bytes.take(2)?;
    let size = bytes.u16_le()?;
    let header = bytes.take(size.into())?;
    let mut fields = Bytes::new(header);
    let (kind, flags) = (fields.u8()?, fields.u16_le()?);
    if kind != FILE {
        let added = if flags & HAS_DATA != 0 { fields.u32_le()? } else { 0 };
        // The main header has no bytes behind it, whatever its flags say.
        let added = if kind == 0 { 0 } else { usize::try_from(added).ok()? };
        return Some(Item::Other { next: bytes.at().saturating_add(added), is_split: kind == 0 && flags & VOLUME != 0 });
    }
    let (packed, size) = (fields.u32_le()?, fields.u32_le()?);
    fields.take(12)?;
    let method = fields.u8()?;
    fields.take(5)?;
    let length = fields.u16_le()?;
    let name = fields.take(length.into())?;
    Some(Item::File {
        name: names::decode(name),
        size: size.into(),
        packed: packed.into(),
        data_at: bytes.at(),
        is_stored: method == 0,
        is_encrypted: flags & ENCRYPTED != 0,
        is_split: flags & SPLIT != 0,
    })
}
