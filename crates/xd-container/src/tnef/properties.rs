//! MAPI properties within an attribute, [MS-OXTNEF] 2.1.3.4: a count, and that many types, ids, names and values.

use std::borrow::Cow;

use crate::bytes::Bytes;
use crate::mapi::{Properties, Property, kind};
use crate::{Budget, Sign, Signs};

/// Recipients that are read; 1000.
const MAX_ROWS: usize = 1000;

/// Adds the properties of an attribute to the others.
pub(super) fn read<'a>(data: &'a [u8], properties: &mut Properties<'a>, signs: &mut Signs, budget: &mut Budget) {
    if read_row(&mut Bytes::new(data), properties, budget).is_none() {
        signs.add(Sign::Damaged);
    }
}

/// The table of recipients: a count of rows, each as the properties of an object are.
pub(super) fn read_table<'a>(data: &'a [u8], page: Option<u32>, signs: &mut Signs, budget: &mut Budget) -> Vec<Properties<'a>> {
    let mut rows = Vec::new();
    let mut bytes = Bytes::new(data);
    let count = bytes.u32_le().unwrap_or_default();
    for _ in 0..count {
        let mut row = Properties::of_page(page);
        if rows.len() == MAX_ROWS || read_row(&mut bytes, &mut row, budget).is_none() {
            signs.add(if rows.len() == MAX_ROWS { Sign::Limit } else { Sign::Damaged });
            break;
        }
        rows.push(row);
    }
    rows
}

fn read_row<'a>(bytes: &mut Bytes<'a>, properties: &mut Properties<'a>, budget: &mut Budget) -> Option<()> {
    for _ in 0..bytes.u32_le()? {
        if !budget.charge_steps(20) {
            return None;
        }
        let (kind, id) = (bytes.u16_le()?, bytes.u16_le()?);
        if id >= 0x8000 {
            skip_name(bytes)?;
        }
        values(bytes, id, kind, properties, budget)?;
    }
    Some(())
}

/// Properties of high numbers have a set (16 bytes), and a number or a name in it.
fn skip_name(bytes: &mut Bytes<'_>) -> Option<()> {
    bytes.take(16)?;
    if bytes.u32_le()? == 0 {
        bytes.take(4)?;
    } else {
        padded(bytes)?;
    }
    Some(())
}

fn values<'a>(bytes: &mut Bytes<'a>, id: u16, of: u16, properties: &mut Properties<'a>, budget: &mut Budget) -> Option<()> {
    const MANY: u16 = 0x1000;
    let single = of & !MANY;
    let is_long = matches!(single, kind::STRING_8 | kind::STRING | kind::BINARY | kind::OBJECT);
    let count = if is_long || of & MANY != 0 { bytes.u32_le()? } else { 1 };
    for _ in 0..count {
        let value = if is_long {
            if !budget.charge_steps(20) {
                return None;
            }
            padded(bytes)?
        } else {
            bytes.take(match single {
                0x02 | 0x03 | 0x04 | 0x0A | 0x0B => 4,
                0x05 | 0x06 | 0x07 | 0x14 | 0x40 => 8,
                0x48 => 16,
                0x00 | 0x01 => 0,
                _ => return None,
            })?
        };
        if value.is_empty() && !is_long {
            break;
        }
        properties.add(Property { id, kind: single, value: Cow::Borrowed(value) });
    }
    Some(())
}

/// A length, so many bytes, and more up to a multiple of four. The last value may lack those.
fn padded<'a>(bytes: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(bytes.u32_le()?).ok()?;
    // A value that is cut counts as far as it goes: it may be the file itself.
    let value = bytes.take(length).unwrap_or_else(|| {
        let rest = bytes.rest();
        let _ = bytes.take(rest.len());
        rest
    });
    let _ = bytes.take((4 - length % 4) % 4);
    Some(value)
}
