//! The format of RAR 5: blocks with numbers of seven bits to the byte.

use super::{BLOCK_STEPS, File, List, SIGNATURE};
use crate::bytes::Bytes;
use crate::{Budget, Sign, names};

/// Types of blocks.
const MAIN: u64 = 1;
const FILE: u64 = 2;
const SERVICE: u64 = 3;
const ENCRYPTION: u64 = 4;
const END: u64 = 5;

/// Flags of every block.
const EXTRA: u64 = 1;
const DATA: u64 = 2;
const SPLIT: u64 = 0x18;
/// A flag of the main block.
const VOLUME: u64 = 1;
/// Flags of a file.
const DIRECTORY: u64 = 1;
const TIME: u64 = 2;
const CHECKSUM: u64 = 4;
const UNKNOWN_SIZE: u64 = 8;
/// A record behind a file's fields.
const FILE_ENCRYPTION: u64 = 1;

pub(super) fn read<'a>(all: &'a [u8], list: &mut List<'a>, budget: &mut Budget) {
    let mut at = SIGNATURE.len() + 2;
    while at < all.len() {
        if !budget.charge_steps(BLOCK_STEPS) {
            return list.opened.signs.add(Sign::Limit);
        }
        let Some(block) = Block::read(all, at) else { return list.opened.signs.add(Sign::Truncated) };
        let mut fields = block.fields;
        match block.kind {
            MAIN => {
                if number(&mut fields).is_some_and(|flags| flags & VOLUME != 0) {
                    list.opened.signs.add(Sign::Split);
                }
            }
            FILE => {
                let Some(file) = file(&block) else { return list.opened.signs.add(Sign::Damaged) };
                if !list.take(file, all.get(block.data_at..).unwrap_or_default(), budget) {
                    return;
                }
            }
            SERVICE => {}
            // All blocks behind it are encrypted.
            ENCRYPTION => return list.opened.signs.add(Sign::Encrypted),
            END => return,
            _ => return list.opened.signs.add(Sign::Damaged),
        }
        at = block.data_at.saturating_add(usize::try_from(block.packed).unwrap_or(usize::MAX));
    }
    if at > all.len() {
        list.opened.signs.add(Sign::Truncated);
    }
}

struct Block<'a> {
    kind: u64,
    flags: u64,
    fields: Bytes<'a>,
    extra: &'a [u8],
    data_at: usize,
    packed: u64,
}

impl<'a> Block<'a> {
    fn read(all: &'a [u8], at: usize) -> Option<Self> {
        let mut bytes = Bytes::from(all, at);
        bytes.take(4)?;
        let size = usize::try_from(number(&mut bytes)?).ok()?;
        let header = bytes.take(size)?;
        let data_at = bytes.at();
        let mut fields = Bytes::new(header);
        let (kind, flags) = (number(&mut fields)?, number(&mut fields)?);
        let extra = if flags & EXTRA != 0 { usize::try_from(number(&mut fields)?).ok()? } else { 0 };
        let packed = if flags & DATA != 0 { number(&mut fields)? } else { 0 };
        let extra = header.len().checked_sub(extra).and_then(|start| header.get(start..)).unwrap_or_default();
        Some(Self { kind, flags, fields, extra, data_at, packed })
    }
}

fn file(block: &Block<'_>) -> Option<File> {
    let mut fields = block.fields;
    let flags = number(&mut fields)?;
    let size = number(&mut fields)?;
    let _attributes = number(&mut fields)?;
    for flag in [TIME, CHECKSUM] {
        if flags & flag != 0 {
            fields.take(4)?;
        }
    }
    let method = number(&mut fields)?;
    let _system = number(&mut fields)?;
    let length = usize::try_from(number(&mut fields)?).ok()?;
    let name = fields.take(length)?;
    Some(File {
        name: names::utf8(name),
        other_name: None,
        size: (flags & UNKNOWN_SIZE == 0).then_some(size),
        packed: block.packed,
        is_stored: method >> 7 & 7 == 0,
        is_encrypted: has_record(block.extra, FILE_ENCRYPTION),
        is_split: block.flags & SPLIT != 0,
        is_directory: flags & DIRECTORY != 0,
    })
}

fn has_record(extra: &[u8], kind: u64) -> bool {
    let mut records = Bytes::new(extra);
    // Each record takes a byte at least, so that their length bounds the turns.
    while let Some(size) = number(&mut records) {
        let Some(record) = usize::try_from(size).ok().and_then(|size| records.take(size)) else { return false };
        if number(&mut Bytes::new(record)) == Some(kind) {
            return true;
        }
    }
    false
}

/// Seven bits to the byte, the lowest first; the eighth says that more follow.
fn number(bytes: &mut Bytes<'_>) -> Option<u64> {
    let mut value = 0;
    for at in 0..10 {
        let byte = bytes.u8()?;
        value |= u64::from(byte & 0x7F).checked_shl(7 * at).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
