//! OneNote sections (`.one`), [MS-ONESTORE]: the files that stand in them, and their names.
//!
//! Files are found by the mark that stands before each, wherever it stands: where a file is not listed any more, its bytes may
//! still be there. Names are found by the numbers of the two properties that hold them.

use std::borrow::Cow;

use memchr::memmem;

use crate::bytes::Bytes;
use crate::opened::{Member, Opened};
use crate::{Budget, Sign, text};

/// 2.6.13: {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}, then a length of 64 bits, 12 bytes that mean nothing, and the file.
const FILE: &[u8] = b"\xE7\x16\xE3\xBD\x65\x26\x11\x45\xA4\xC4\x8D\x4D\x0B\x7A\x9E\xAC";

/// [MS-ONE] 2.2: EmbeddedFileName and ImageFilename.
const NAMES: [&[u8; 4]; 2] = [&0x1C00_1D9C_u32.to_le_bytes(), &0x1C00_1DD7_u32.to_le_bytes()];

/// Names that are read; 1000.
const MAX_NAMES: usize = 1000;

/// Opens a section.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    for place in memmem::find_iter(bytes, FILE) {
        let mut file = Bytes::from(bytes, place + FILE.len());
        let (Some(length), Some(_)) = (file.u64_le(), file.take(12)) else { break };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let data = file.take(length).unwrap_or_else(|| file.rest());
        if !budget.charge_member() {
            opened.signs.add(Sign::Limit);
            break;
        }
        opened.signs.add(Sign::EmbeddedObject);
        let mut member = Member::of_bytes("", Cow::Borrowed(data));
        if data.len() < length {
            member.signs.add(Sign::Truncated);
        }
        opened.members.push(member);
    }
    let names = names(bytes, budget);
    // Names stand elsewhere than files. Where there are as many, they stand in the same order; otherwise any may be any file's.
    let is_paired = names.len() == opened.members.len();
    for (index, member) in opened.members.iter_mut().enumerate() {
        let own = names.iter().skip(if is_paired { index } else { 0 }).take(if is_paired { 1 } else { 16 });
        own.for_each(|name| member.add_name(name.clone()));
    }
    opened.text = names.join("\n");
    opened
}

/// The names of files, in order, each once.
fn names(bytes: &[u8], budget: &mut Budget) -> Vec<String> {
    let mut places: Vec<usize> = NAMES.iter().flat_map(|id| memmem::find_iter(bytes, *id).take(MAX_NAMES)).collect();
    places.sort_unstable();
    let mut names: Vec<String> = Vec::new();
    for place in places.into_iter().take(MAX_NAMES) {
        if !budget.charge_steps(2000) {
            break;
        }
        if let Some(name) = name(bytes, place).filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    names
}

/// The value of the property whose number stands at this place, [MS-ONESTORE] 2.6.7: before the values of a set stand their
/// numbers, and before those is how many there are. How far back the count stands is not known; it is where it fits.
fn name(bytes: &[u8], place: usize) -> Option<String> {
    const MAX_PROPERTIES: usize = 64;
    (0..MAX_PROPERTIES).find_map(|index| {
        let at = place.checked_sub(4 * index + 2)?;
        let mut numbers = Bytes::from(bytes, at);
        let count = usize::from(numbers.u16_le()?);
        if !(index + 1..=MAX_PROPERTIES).contains(&count) {
            return None;
        }
        let mut values = Bytes::from(bytes, at + 2 + 4 * count);
        for _ in 0..index {
            skip(numbers.u32_le()?, &mut values)?;
        }
        let length = usize::try_from(values.u32_le()?).ok().filter(|length| (2..=1024).contains(length) && length % 2 == 0)?;
        let name = text::utf16_until_nul(values.take(length)?);
        let is_name = !name.is_empty() && !name.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER);
        is_name.then_some(name)
    })
}

/// Passes over the value of a property of this number: its type is in five of its bits.
fn skip(number: u32, values: &mut Bytes<'_>) -> Option<()> {
    let length = match number >> 26 & 0x1F {
        1 | 2 | 0x8 | 0xA | 0xC => 0,
        3 => 1,
        4 => 2,
        5 | 0x9 | 0xB | 0xD => 4,
        6 => 8,
        7 => usize::try_from(values.u32_le()?).ok()?,
        _ => return None,
    };
    values.take(length).map(|_| ())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    pub(crate) fn section() -> Vec<u8> {
        let mut bytes = b"\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D junk".to_vec();
        // A set of three properties: a number of 4 bytes, a flag, the name.
        bytes.extend(b"\x03\0\x01\0\0\x14\x02\0\0\x08\x9C\x1D\0\x1C\x07\0\0\0");
        let name = utf16("open me.hta");
        bytes.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend(name);
        bytes.extend([FILE, &5_u64.to_le_bytes(), &[0; 12], b"<hta>more"].concat());
        bytes
    }

    #[test]
    fn files_and_their_names() {
        let bytes = section();
        let opened = open(&bytes, &mut Budget::default());
        let [member] = &opened.members[..] else { panic!("one member") };
        assert_eq!((member.name.as_str(), member.bytes()), ("open me.hta", &b"<hta>"[..]));
        assert!(opened.signs.contains(Sign::EmbeddedObject));
    }

    #[test]
    fn a_file_that_is_cut_keeps_what_is_there() {
        let mut bytes = section();
        bytes.truncate(bytes.len() - 6);
        let opened = open(&bytes, &mut Budget::default());
        assert_eq!(opened.members[0].bytes(), b"<ht");
        assert!(opened.members[0].signs.contains(Sign::Truncated));
    }
}
