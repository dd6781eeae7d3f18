//! Excel's binary workbooks, [MS-XLS]: encryption, sheets of Excel 4 macros, names that run by themselves, DDE, links, text.

use super::{links, source};
use crate::bytes::Bytes;
use crate::opened::Opened;
use crate::{Budget, Sign, text};

/// Numbers of the records that are read, 2.3.1.
mod record {
    pub(super) const NAME: u16 = 0x0018;
    pub(super) const FILE_PASS: u16 = 0x002F;
    pub(super) const BOUND_SHEET: u16 = 0x0085;
    pub(super) const STRINGS: u16 = 0x00FC;
    pub(super) const BOOK: u16 = 0x01AE;
    pub(super) const LINK: u16 = 0x01B8;
    pub(super) const BEGIN: u16 = 0x0809;
}

/// Reads a stream `Workbook` or `Book`.
pub(super) fn read(stream: &[u8], opened: &mut Opened<'_>, budget: &mut Budget) {
    let mut records = Bytes::new(stream);
    let mut is_unicode = true;
    while let (Some(number), Some(length)) = (records.u16_le(), records.u16_le()) {
        let data = records.take(length.into()).unwrap_or_else(|| records.rest());
        if !budget.charge_steps(10 + 3 * u64::from(length)) {
            opened.signs.add(Sign::Limit);
            break;
        }
        match number {
            record::BEGIN => {
                is_unicode = Bytes::new(data).u16_le().is_none_or(|version| version >= 0x0600);
                // The type of the part that begins: a sheet of macros, whatever the list of sheets says.
                if Bytes::from(data, 2).u16_le() == Some(0x40) {
                    opened.signs.add(Sign::OldMacros);
                }
            }
            // What follows is encrypted but for the heads of records.
            record::FILE_PASS => {
                opened.signs.add(Sign::Encrypted);
                break;
            }
            record::BOUND_SHEET if data.get(5) == Some(&1) => opened.signs.add(Sign::OldMacros),
            record::NAME => name(data, is_unicode, opened),
            // The address of another program's data is its name, a separator, and its topic.
            record::BOOK if string(data, 2, is_unicode).is_some_and(|path| path.contains('\u{3}')) => opened.signs.add(Sign::Dde),
            record::LINK => links::addresses(data).for_each(|link| {
                opened.add_link(&link);
            }),
            record::STRINGS if is_unicode => strings(data, opened, budget),
            _ => {}
        }
    }
}

/// A defined name. Some are built in, and have a number instead; 1 and 2 run when a workbook is opened and closed.
fn name(data: &[u8], is_unicode: bool, opened: &mut Opened<'_>) {
    let (Some(flags), Some(length)) = (Bytes::new(data).u16_le(), data.get(3)) else { return };
    let is_wide = is_unicode && data.get(14).is_some_and(|flags| flags & 1 != 0);
    let characters = Bytes::from(data, if is_unicode { 15 } else { 14 });
    let length = usize::from(*length) * if is_wide { 2 } else { 1 };
    let Some(characters) = characters.rest().get(..length) else { return };
    let is_built_in = flags & 0x20 != 0;
    let name = if is_wide { text::utf16(characters) } else { text::by_code_page(characters, text::WESTERN) };
    if is_built_in && matches!(characters.first(), Some(1 | 2)) || source::is_auto_run(name.trim_start_matches('_')) {
        opened.signs.add(Sign::AutoRun);
    }
}

/// A string with a length of 16 bits.
fn string(data: &[u8], at: usize, is_unicode: bool) -> Option<String> {
    let mut bytes = Bytes::from(data, at);
    let length = usize::from(bytes.u16_le()?);
    let is_wide = is_unicode && bytes.u8()? & 1 != 0;
    let characters = bytes.rest();
    let characters = characters.get(..characters.len().min(if is_wide { length * 2 } else { length }))?;
    Some(if is_wide { text::utf16(characters) } else { text::by_code_page(characters, text::WESTERN) })
}

/// The texts of cells. Those that go on in another record are left out: rules need words, not all of a table.
fn strings(data: &[u8], opened: &mut Opened<'_>, budget: &mut Budget) {
    let mut bytes = Bytes::from(data, 8);
    while let (Some(length), Some(flags)) = (bytes.u16_le(), bytes.u8()) {
        let runs = if flags & 8 == 0 { Some(0) } else { bytes.u16_le().map(|runs| usize::from(runs) * 4) };
        let more = if flags & 4 == 0 { Some(0) } else { bytes.u32_le().and_then(|more| usize::try_from(more).ok()) };
        let is_wide = flags & 1 != 0;
        let characters = bytes.take(usize::from(length) * if is_wide { 2 } else { 1 });
        let (Some(runs), Some(more), Some(characters)) = (runs, more, characters) else { break };
        if budget.decoded_left() < characters.len() {
            break;
        }
        budget.charge_decoded(characters.len());
        opened.text.push_str(&if is_wide { text::utf16(characters) } else { text::by_code_page(characters, text::WESTERN) });
        opened.text.push('\n');
        if bytes.take(runs).is_none() || bytes.take(more).is_none() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workbook(records: &[(u16, &[u8])]) -> Opened<'static> {
        let stream: Vec<u8> = records
            .iter()
            .flat_map(|(number, data)| {
                [&number.to_le_bytes()[..], &u16::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
            })
            .collect();
        let mut opened = Opened::new();
        read(&stream, &mut opened, &mut Budget::default());
        opened
    }

    #[test]
    fn records() {
        let sheet: &[u8] = b"\0\0\0\0\x02\x01\x02\0ab";
        let built_in: &[u8] = b"\x20\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01";
        let dde: &[u8] = b"\0\0\x05\0\0cmd\x03c";
        let strings: &[u8] = b"\x02\0\0\0\x02\0\0\0\x02\0\0Hi\x01\0\x01\xFC\0";
        let opened = workbook(&[(0x85, sheet), (0x18, built_in), (0x1AE, dde), (0xFC, strings)]);
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::AutoRun, Sign::OldMacros, Sign::Dde]);
        assert_eq!(opened.text, "Hi\nü\n");
        let opened = workbook(&[(0x85, b"\0\0\0\0\0\0\x02\0ab"), (0x2F, b""), (0x85, sheet)]);
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Encrypted]);
    }
}
