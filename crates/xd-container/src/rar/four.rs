//! The format of RAR 1.5 to 4.20: blocks with fixed fields.

use super::{BLOCK_STEPS, File, List, SIGNATURE};
use crate::bytes::Bytes;
use crate::{Budget, Sign, names};

/// Types of blocks.
const MAIN: u8 = 0x73;
const FILE: u8 = 0x74;
const END: u8 = 0x7B;

/// Flags of the main block.
const VOLUME: u16 = 1;
const ENCRYPTED_HEADERS: u16 = 0x80;
/// Flags of every block, and of a file.
const HAS_DATA: u16 = 0x8000;
const SPLIT: u16 = 3;
const ENCRYPTED: u16 = 4;
const DIRECTORY: u16 = 0xE0;
const LARGE: u16 = 0x100;
const UNICODE: u16 = 0x200;

const STORED: u8 = 0x30;

pub(super) fn read<'a>(all: &'a [u8], list: &mut List<'a>, budget: &mut Budget) {
    let mut at = SIGNATURE.len() + 1;
    while at < all.len() {
        if !budget.charge_steps(BLOCK_STEPS) {
            return list.opened.signs.add(Sign::Limit);
        }
        let Some(block) = Block::read(all, at) else { return list.opened.signs.add(Sign::Truncated) };
        if block.size < 7 {
            return list.opened.signs.add(Sign::Damaged);
        }
        let data_at = at.saturating_add(block.size);
        let mut packed = block.added;
        match block.kind {
            MAIN => {
                if block.flags & VOLUME != 0 {
                    list.opened.signs.add(Sign::Split);
                }
                if block.flags & ENCRYPTED_HEADERS != 0 {
                    return list.opened.signs.add(Sign::Encrypted);
                }
            }
            FILE => {
                let Some(file) = file(all, at, &block) else { return list.opened.signs.add(Sign::Truncated) };
                packed = file.packed;
                if !list.take(file, all.get(data_at..).unwrap_or_default(), budget) {
                    return;
                }
            }
            END => return,
            0x72..=0x7A => {}
            _ => return list.opened.signs.add(Sign::Damaged),
        }
        at = data_at.saturating_add(usize::try_from(packed).unwrap_or(usize::MAX));
    }
    if at > all.len() {
        list.opened.signs.add(Sign::Truncated);
    }
}

struct Block {
    kind: u8,
    flags: u16,
    size: usize,
    added: u64,
}

impl Block {
    fn read(all: &[u8], at: usize) -> Option<Self> {
        let mut bytes = Bytes::from(all, at);
        bytes.take(2)?;
        let (kind, flags, size) = (bytes.u8()?, bytes.u16_le()?, bytes.u16_le()?);
        let added = if flags & HAS_DATA != 0 { bytes.u32_le()?.into() } else { 0 };
        Some(Self { kind, flags, size: size.into(), added })
    }
}

fn file(all: &[u8], at: usize, block: &Block) -> Option<File> {
    let mut bytes = Bytes::from(all, at + 7);
    let (packed, size) = (u64::from(bytes.u32_le()?), u64::from(bytes.u32_le()?));
    bytes.take(10)?;
    let method = bytes.u8()?;
    let name_size = bytes.u16_le()?;
    bytes.take(4)?;
    let (high_packed, high_size) =
        if block.flags & LARGE != 0 { (u64::from(bytes.u32_le()?), u64::from(bytes.u32_le()?)) } else { (0, 0) };
    let name = bytes.take(name_size.into())?;
    let (name, other_name) = names_of(name, block.flags & UNICODE != 0);
    Some(File {
        name,
        other_name,
        size: Some(high_size << 32 | size),
        packed: high_packed << 32 | packed,
        is_stored: method == STORED,
        is_encrypted: block.flags & ENCRYPTED != 0,
        is_split: block.flags & SPLIT != 0,
        is_directory: block.flags & DIRECTORY == DIRECTORY,
    })
}

/// A name, and the one for old programs where it ends otherwise.
fn names_of(field: &[u8], is_unicode: bool) -> (String, Option<String>) {
    let Some(null) = field.iter().position(|byte| *byte == 0).filter(|_| is_unicode) else {
        return (names::decode(field), None);
    };
    let (old, packed) = field.split_at(null);
    let name = unicode(old, packed.get(1..).unwrap_or_default());
    let old = names::decode(old);
    let differs = names::extension(&old) != names::extension(&name);
    if name.is_empty() { (old, None) } else { (name, differs.then_some(old)) }
}

/// Unicode packed beside the old name: two bits for each step say where the next characters come from.
fn unicode(old: &[u8], packed: &[u8]) -> String {
    let mut bytes = Bytes::new(packed);
    let high = u16::from(bytes.u8().unwrap_or(0)) << 8;
    let mut units: Vec<u16> = Vec::new();
    let (mut flags, mut left) = (0_u8, 0);
    // Each turn takes a byte at least, and gives 129 characters at most, as the old name has.
    let mut step = |units: &mut Vec<u16>| {
        if left == 0 {
            (flags, left) = (bytes.u8()?, 4);
        }
        match flags >> 6 {
            0 => units.push(bytes.u8()?.into()),
            1 => units.push(high | u16::from(bytes.u8()?)),
            2 => units.push(bytes.u16_le()?),
            _ => {
                let length = bytes.u8()?;
                let correction = if length & 0x80 != 0 { Some(bytes.u8()?) } else { None };
                let run = usize::from(length & 0x7F) + 2;
                for byte in old.iter().skip(units.len()).take(run).copied().collect::<Vec<_>>() {
                    units.push(match correction {
                        Some(correction) => high | u16::from(byte.wrapping_add(correction)),
                        None => byte.into(),
                    });
                }
            }
        }
        flags <<= 2;
        left -= 1;
        Some(())
    };
    while units.len() < 2_048 && step(&mut units).is_some() {}
    let bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    names::utf16(&bytes, u16::from_le_bytes)
}
