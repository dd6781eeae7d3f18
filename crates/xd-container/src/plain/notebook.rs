//! OneNote sections ([MS-ONESTORE]) and the packed objects of Word's web pages: the files in them.

use crate::bytes::Bytes;
use crate::pdf::filter::inflate;
use crate::{Budget, Content, Member, Opened, Sign, sniff};

/// What stands before every file in a section: FileDataStoreObject, [MS-ONESTORE] §2.6.13.
const FILE: &[u8; 16] = b"\xE7\x16\xE3\xBD\x65\x26\x11\x45\xA4\xC4\x8D\x4D\x0B\x7A\x9E\xAC";

/// Reads a section: its files, pictures left out, and the text that stands in it as UTF-16.
pub(crate) fn open_notebook<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    for at in memchr::memmem::find_iter(bytes, FILE) {
        let mut header = Bytes::from(bytes, at + FILE.len());
        // Length, four unused bytes, eight reserved ones.
        let Some(length) = header.u64_le().and_then(|length| usize::try_from(length).ok()) else { break };
        if header.take(12).is_none() {
            break;
        }
        let mut member = Member::new("");
        let data = header.rest();
        let content = data.get(..length).unwrap_or_else(|| {
            member.signs.add(Sign::Truncated);
            data
        });
        if sniff(content).is_some_and(|shown| shown.starts_with("image/") && shown != "image/svg+xml") {
            continue;
        }
        if !budget.charge_member() {
            opened.signs.add(Sign::Limit);
            break;
        }
        member.size = Some(length as u64);
        member.content = Content::Whole(content.into());
        opened.signs.add(Sign::EmbeddedObject);
        opened.members.push(member);
    }
    name_files(bytes, &mut opened);
    let narrow: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).take(1 << 20).collect();
    opened.add_links_of(&narrow);
    opened
}

/// Names of embedded files stand in UTF-16 apart from them; which belongs to which takes the whole structure to tell. Where
/// there is one file, every name is its.
fn name_files(bytes: &[u8], opened: &mut Opened<'_>) {
    /// EmbeddedFileName, [MS-ONE] §2.2.17, as its property stands in a section.
    const NAME: [u8; 4] = 0x1C00_1D9C_u32.to_le_bytes();
    if memchr::memmem::find(bytes, &NAME).is_none() {
        return;
    }
    // A length in bytes, then the name, which has an ending of letters.
    let mut names: Vec<String> = Vec::new();
    for at in memchr::memmem::find_iter(bytes, b".\0").take(10_000) {
        let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric) && bytes.get(at + 1) == Some(&0);
        let behind = (1..6).take_while(|letter| is_letter(at + 2 * letter)).count();
        if !(2..=5).contains(&behind) {
            continue;
        }
        let end = at + 2 + 2 * behind;
        let before = (1..200)
            .take_while(|letter| {
                at.checked_sub(2 * letter)
                    .is_some_and(|at| bytes.get(at + 1) == Some(&0) && bytes.get(at).is_some_and(|b| *b >= b' ' && *b < 0x7F))
            })
            .count();
        let name: String =
            bytes.get(at - 2 * before..end).unwrap_or_default().iter().step_by(2).copied().map(char::from).collect();
        if before > 0
            && crate::name::ending(&name).is_some_and(|ending| crate::name::kind(&ending).is_some())
            && !names.contains(&name)
            && names.len() < 32
        {
            names.push(name);
        }
    }
    if let [member] = &mut *opened.members {
        let mut names = names.into_iter();
        member.name = names.next().unwrap_or_default();
        member.other_names.extend(names);
    }
}

/// Reads an object of `editdata.mso` or `oledata.mso`: zlib behind a header, and in it a compound file with the macros.
pub(crate) fn open_mso<'a>(bytes: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    // The header's length varies between versions; its offset stands at 30.
    let told = Bytes::from(bytes, 30).u16_le().map_or(0, |offset| usize::from(offset) + 46);
    for at in [told, 50, 51, 66] {
        let Some(packed) = bytes.get(at..).filter(|packed| packed.first() == Some(&0x78)) else { continue };
        let affordable = usize::try_from(budget.steps_left() / 4).unwrap_or(usize::MAX);
        let (content, is_cut, _) = inflate(packed, true, budget.decoded_left().min(affordable));
        let is_paid = budget.charge_steps(content.len() as u64 * 2 + packed.len() as u64 * 6);
        budget.charge_decoded(content.len());
        if is_cut || !is_paid {
            opened.signs.add(Sign::Limit);
        }
        if !content.is_empty() && budget.charge_member() {
            let mut member = Member::new("");
            member.content = Content::Whole(content.into());
            opened.members.push(member);
            return opened;
        }
    }
    opened.signs.add(Sign::Damaged);
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_section() {
        let mut bytes = b"\xE4\x52\x5C\x7B\x8C\xD8\xA7\x4D".to_vec();
        bytes.extend_from_slice(&0x1C00_1D9C_u32.to_le_bytes());
        bytes.extend("open.hta".encode_utf16().flat_map(u16::to_le_bytes));
        for content in [&b"\x89PNG\r\n\x1A\n"[..], b"<script>a</script>"] {
            bytes.extend_from_slice(FILE);
            bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&[0; 12]);
            bytes.extend_from_slice(content);
        }
        let opened = open_notebook(&bytes, &mut Budget::default());
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::EmbeddedObject]);
        assert_eq!((&*opened.members[0].name, opened.members[0].bytes()), ("open.hta", &b"<script>a</script>"[..]));
        let opened = open_notebook(&bytes[..bytes.len() - 1], &mut Budget::default());
        assert!(opened.members[0].signs.contains(Sign::Truncated));
    }

    #[test]
    fn packed_objects() {
        let mut bytes = b"ActiveMime".to_vec();
        bytes.resize(50, 0);
        bytes.extend(miniz_oxide::deflate::compress_to_vec_zlib(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 6));
        let opened = open_mso(&bytes, &mut Budget::default());
        assert_eq!(sniff(opened.members[0].bytes()), Some("application/x-ole-storage"));
        assert!(open_mso(b"ActiveMime", &mut Budget::default()).signs.contains(Sign::Damaged));
    }
}
