//! ARJ (technote.txt of ARJ 2.86).

use super::Item;
use crate::bytes::Bytes;
use crate::names;

const ENCRYPTED: u8 = 1;
const VOLUME: u8 = 4;
/// Types of files: the archive itself, a directory, a label.
const MAIN: u8 = 2;
const DIRECTORY: u8 = 3;

pub(super) fn read(all: &[u8], at: usize) -> Option<Item> {
    let mut bytes = Bytes::from(all, at);
    if bytes.array::<2>()? != [0x60, 0xEA] {
        return None;
    }
    let size = bytes.u16_le()?;
    if size == 0 {
        return Some(Item::End);
    }
    let basic = bytes.take(size.into())?;
    bytes.take(4)?;
    // Extended headers: each with a checksum, the last one empty.
    loop {
        match bytes.u16_le()? {
            0 => break,
            length => bytes.take(usize::from(length) + 4)?,
        };
    }
    let mut fields = Bytes::new(basic);
    let first = fields.u8()?;
    fields.take(3)?;
    let (flags, method, kind) = (fields.u8()?, fields.u8()?, fields.u8()?);
    fields.take(5)?;
    let (packed, size) = (fields.u32_le()?, fields.u32_le()?);
    let name = basic.get(usize::from(first)..).unwrap_or_default();
    let name = name.get(..name.iter().position(|byte| *byte == 0).unwrap_or(name.len())).unwrap_or_default();
    if kind == MAIN {
        return Some(Item::Other { next: bytes.at(), is_split: flags & VOLUME != 0 });
    }
    if kind == DIRECTORY {
        return Some(Item::Other { next: bytes.at().saturating_add(usize::try_from(packed).ok()?), is_split: false });
    }
    Some(Item::File {
        name: names::decode(name),
        size: size.into(),
        packed: packed.into(),
        data_at: bytes.at(),
        is_stored: method == 0,
        is_encrypted: flags & ENCRYPTED != 0,
        is_split: flags & VOLUME != 0,
    })
}
