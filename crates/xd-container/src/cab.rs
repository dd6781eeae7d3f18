//! Microsoft cabinets ([MS-CAB]): names and sizes, and contents where they are stored or packed by MSZIP.
//!
//! LZX and Quantum carry [`Sign::Unsupported`].

use std::borrow::Cow;

use crate::bytes::Bytes;
use crate::opened::BEGINNING;
use crate::unpack::{self, BlockInflater};
use crate::{Budget, Content, Member, Opened, Sign, names, sniff};

pub(crate) const SIGNATURE: &[u8] = b"MSCF\0\0\0\0";

/// Flags of the header.
const PREVIOUS: u16 = 1;
const NEXT: u16 = 2;
const RESERVED: u16 = 4;
/// A name in UTF-8.
const UTF8: u16 = 0x80;

/// What reading a file's entry costs, in steps.
const ENTRY_STEPS: u64 = 200;
/// Folders that are decoded; 100. Their number is no bound of its own, as many can share the same blocks.
const MAX_FOLDERS: usize = 100;

/// Lists and decodes the files.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    let start = memchr::memmem::find(bytes, SIGNATURE).unwrap_or(0);
    if start > 0 {
        opened.signs.add(Sign::Prefixed);
    }
    let cabinet = bytes.get(start..).unwrap_or_default();
    if read(cabinet, &mut opened, budget).is_none() {
        opened.signs.add(Sign::Truncated);
    }
    opened
}

struct Folder<'a> {
    blocks_at: usize,
    blocks: u16,
    method: u16,
    reserved: usize,
    cabinet: &'a [u8],
}

struct File {
    member: usize,
    folder: usize,
    at: usize,
    size: usize,
}

fn read<'a>(cabinet: &'a [u8], opened: &mut Opened<'a>, budget: &mut Budget) -> Option<()> {
    let mut bytes = Bytes::new(cabinet);
    bytes.take(8)?;
    let size = bytes.u32_le()?;
    bytes.take(4)?;
    let files_at = bytes.u32_le()?;
    bytes.take(6)?;
    let (folders, files, flags) = (bytes.u16_le()?, bytes.u16_le()?, bytes.u16_le()?);
    bytes.take(4)?;
    let (mut folder_reserved, mut data_reserved) = (0, 0);
    if flags & RESERVED != 0 {
        let header_reserved = bytes.u16_le()?;
        (folder_reserved, data_reserved) = (usize::from(bytes.u8()?), usize::from(bytes.u8()?));
        bytes.take(header_reserved.into())?;
    }
    if flags & (PREVIOUS | NEXT) != 0 {
        opened.signs.add(Sign::Split);
    }
    // The names of the cabinet and the disc before, and of those behind.
    for _ in 0..2 * (usize::from(flags & PREVIOUS != 0) + usize::from(flags & NEXT != 0)) {
        text(&mut bytes)?;
    }
    if usize::try_from(size).is_ok_and(|size| size > cabinet.len()) {
        opened.signs.add(Sign::Truncated);
    }
    let mut all = Vec::new();
    for _ in 0..folders {
        let (blocks_at, blocks, method) = (bytes.u32_le()?, bytes.u16_le()?, bytes.u16_le()?);
        bytes.take(folder_reserved)?;
        let blocks_at = usize::try_from(blocks_at).unwrap_or(usize::MAX);
        all.push(Folder { blocks_at, blocks, method, reserved: data_reserved, cabinet });
    }
    let mut bytes = Bytes::from(cabinet, usize::try_from(files_at).unwrap_or(usize::MAX));
    let mut listed = Vec::new();
    let complete = (0..files).try_for_each(|_| {
        let file = file(&mut bytes, opened, budget)?;
        listed.extend(file);
        Some(())
    });
    for file in &listed {
        let sign = match file.folder {
            // The cabinet that follows has it.
            0xFFFE | 0xFFFF => continue,
            folder if folder >= all.len() => Sign::Damaged,
            folder if folder >= MAX_FOLDERS => Sign::Limit,
            _ => continue,
        };
        if let Some(member) = opened.members.get_mut(file.member) {
            member.signs.add(sign);
        }
        opened.signs.add(sign);
    }
    for (number, folder) in all.iter().enumerate().take(MAX_FOLDERS) {
        let files: Vec<&File> = listed.iter().filter(|file| file.folder == number).collect();
        if !files.is_empty() {
            folder.fill(&files, opened, budget);
        }
    }
    complete
}

/// The next file; `Some(None)` where it cannot be listed any more.
fn file(bytes: &mut Bytes<'_>, opened: &mut Opened<'_>, budget: &mut Budget) -> Option<Option<File>> {
    let (size, at, folder) = (bytes.u32_le()?, bytes.u32_le()?, bytes.u16_le()?);
    bytes.take(4)?;
    let attributes = bytes.u16_le()?;
    let name = text(bytes)?;
    if !budget.charge_steps(ENTRY_STEPS) || !budget.charge_member() {
        opened.signs.add(Sign::Limit);
        return Some(None);
    }
    let mut member = Member::new(if attributes & UTF8 != 0 { names::utf8(name) } else { names::decode(name) });
    member.size = Some(size.into());
    // Files that begin in the cabinet before, or go on in the next, stand in the first or last folder.
    if folder >= 0xFFFD {
        member.signs.add(Sign::Split);
    }
    opened.members.push(member);
    let (at, size) = (usize::try_from(at).unwrap_or(usize::MAX), usize::try_from(size).unwrap_or(usize::MAX));
    let folder = if folder == 0xFFFD { 0 } else { folder.into() };
    Some(Some(File { member: opened.members.len() - 1, folder, at, size }))
}

fn text<'a>(bytes: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let rest = bytes.rest();
    let length = memchr::memchr(0, rest.get(..1_024).unwrap_or(rest))?;
    let text = bytes.take(length)?;
    bytes.take(1)?;
    Some(text)
}

impl File {
    /// Its bytes, as far as its folder was decoded.
    fn shown<'o>(&self, output: &'o [u8]) -> &'o [u8] {
        let end = self.at.saturating_add(self.size).min(output.len());
        output.get(self.at.min(end)..end).unwrap_or_default()
    }

    fn is_wanted(&self, output: &[u8], opened: &Opened<'_>, budget: &Budget) -> bool {
        let name = opened.members.get(self.member).map(|member| member.name.as_str()).unwrap_or_default();
        budget.wants(sniff(self.shown(output)), name)
    }
}

impl Folder<'_> {
    /// Decodes as far as it takes to see the beginning of every file, and on to the last one that something opens.
    fn fill(&self, files: &[&File], opened: &mut Opened<'_>, budget: &mut Budget) {
        let mut data =
            Data { folder: self, at: self.blocks_at, left: self.blocks, inflater: BlockInflater::default(), sign: None };
        let beginnings = files.iter().map(|file| file.at.saturating_add(file.size.min(BEGINNING))).max();
        data.advance(beginnings.unwrap_or(0), budget);
        let wanted = files.iter().filter(|file| file.is_wanted(data.output(), opened, budget));
        let wanted = wanted.map(|file| file.at.saturating_add(file.size)).max();
        data.advance(wanted.unwrap_or(0), budget);
        let packed = self.cabinet.len().saturating_sub(self.blocks_at) as u64;
        for file in files {
            let is_wanted = file.is_wanted(data.output(), opened, budget);
            let Some(member) = opened.members.get_mut(file.member) else { continue };
            let mut bytes = file.shown(data.output());
            let is_whole = bytes.len() == file.size && (is_wanted || file.size <= BEGINNING);
            if unpack::is_bomb(file.size as u64, packed) {
                member.signs.add(Sign::Bomb);
            }
            if let Some(sign) = data.sign.filter(|_| bytes.len() < file.size) {
                member.signs.add(sign);
            }
            if !is_whole && !is_wanted {
                bytes = bytes.get(..BEGINNING).unwrap_or(bytes);
            }
            // Many files may name the same bytes: each copy is paid for before it is made.
            if bytes.len() > budget.decoded_left() || !budget.charge_steps(bytes.len() as u64) {
                member.signs.add(Sign::Limit);
                continue;
            }
            budget.charge_decoded(bytes.len());
            let bytes = bytes.to_vec();
            member.content = match bytes.is_empty() && file.size > 0 {
                true => Content::Unread,
                false if is_whole => Content::Whole(Cow::Owned(bytes)),
                false => Content::Beginning(Cow::Owned(bytes)),
            };
        }
    }
}

/// The blocks of a folder being decoded.
struct Data<'f, 'a> {
    folder: &'f Folder<'a>,
    at: usize,
    left: u16,
    inflater: BlockInflater,
    /// Why it stopped.
    sign: Option<Sign>,
}

impl Data<'_, '_> {
    fn output(&self) -> &[u8] {
        self.inflater.output()
    }

    fn advance(&mut self, upto: usize, budget: &mut Budget) {
        while self.output().len() < upto && self.sign.is_none() {
            if self.left == 0 {
                self.sign = Some(Sign::Damaged);
                return;
            }
            self.left -= 1;
            self.sign = self.block(budget).err();
        }
    }

    fn block(&mut self, budget: &mut Budget) -> Result<(), Sign> {
        let mut bytes = Bytes::from(self.folder.cabinet, self.at);
        let mut read = || {
            bytes.take(4)?;
            let (packed, _) = (bytes.u16_le()?, bytes.u16_le()?);
            bytes.take(self.folder.reserved)?;
            bytes.take(packed.into())
        };
        let block = read().ok_or(Sign::Truncated)?;
        self.at = bytes.at();
        match self.folder.method & 0x0F {
            0 => self.inflater.store(block, budget),
            1 => match block.strip_prefix(b"CK") {
                Some(block) => self.inflater.inflate(block, budget),
                None => Err(Sign::Damaged),
            },
            _ => Err(Sign::Unsupported),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, mutate};

    /// "hello hello hello hello\n" by zlib, in a block of MSZIP.
    const HELLO: &[u8] = b"CK\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00";

    fn cabinet(method: u16, files: &[(&str, u32, u32)], blocks: &[(&[u8], u16)]) -> Vec<u8> {
        let mut bytes = b"MSCF\0\0\0\0\0\0\0\0\0\0\0\0\x2C\0\0\0\0\0\0\0\x03\x01\x01\0".to_vec();
        bytes.extend_from_slice(&u16::try_from(files.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&[0; 6]);
        let entries: usize = files.iter().map(|(name, ..)| 17 + name.len()).sum();
        bytes.extend_from_slice(&u32::try_from(44 + entries).unwrap().to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(blocks.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&method.to_le_bytes());
        for (name, at, size) in files {
            bytes.extend_from_slice(&[size.to_le_bytes(), at.to_le_bytes()].concat());
            bytes.extend_from_slice(&[0; 8]);
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
        }
        for (block, size) in blocks {
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&u16::try_from(block.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(&size.to_le_bytes());
            bytes.extend_from_slice(block);
        }
        bytes
    }

    #[test]
    fn files_are_cut_from_their_folder() {
        let bytes = cabinet(0, &[("one.txt", 0, 3), ("two.exe", 3, 4)], &[(b"onetw", 5), (b"o!", 2)]);
        let opened = open(&bytes, &mut Budget::default());
        assert_eq!(opened.members.iter().map(Member::bytes).collect::<Vec<_>>(), [&b"one"[..], b"two!"]);
        assert!(opened.signs.is_empty() && opened.members.iter().all(|member| member.signs.is_empty()));
    }

    #[test]
    fn blocks_of_mszip_refer_to_those_before() {
        // The second block is what zlib makes of the same text with the first as its dictionary.
        let bytes = cabinet(1, &[("a.txt", 0, 24), ("b.txt", 24, 24)], &[(HELLO, 24), (b"CK\xcb\xc0\x21\x0e\x00", 24)]);
        let opened = open(&bytes, &mut Budget::default());
        let text: &[u8] = b"hello hello hello hello\n";
        assert_eq!(opened.members[0].bytes(), text);
        assert_eq!(opened.members[1].bytes(), text);
    }

    #[test]
    fn other_methods_keep_their_names() {
        let bytes = cabinet(3, &[("a.exe", 0, 24)], &[(b"xyz", 24)]);
        let opened = open(&bytes, &mut Budget::default());
        assert_eq!(opened.members[0].name, "a.exe");
        assert!(opened.members[0].signs.contains(Sign::Unsupported));
    }

    /// Archives in the same 6 MB, of which each is one copy: 54 GB.
    #[test]
    fn files_that_share_bytes_are_copied_as_far_as_is_paid() {
        let first = [b"PK\x03\x04".to_vec(), vec![0; 59_996]].concat();
        let mut blocks = vec![(&first[..], 60_000)];
        blocks.resize(100, (&[0; 60_000], 60_000));
        let bytes = cabinet(0, &[("a.zip", 0, 6_000_000); 9_000], &blocks);
        let mut budget = Budget::new(Bounds { decoded_bytes: 20_000_000, ..Bounds::default() });
        let opened = open(&bytes, &mut budget);
        assert_eq!(opened.members.iter().filter(|member| !member.bytes().is_empty()).count(), 2);
        assert!(opened.members.iter().skip(2).all(|member| member.signs.contains(Sign::Limit)));
        assert_eq!(budget.decoded_left(), 2_000_000);
    }

    #[test]
    fn files_of_folders_that_are_not_read_say_so() {
        let mut bytes = b"MSCF\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\x01".to_vec();
        let folders = u16::try_from(MAX_FOLDERS + 1).unwrap();
        bytes.extend_from_slice(&[folders.to_le_bytes(), 3_u16.to_le_bytes()].concat());
        bytes.extend_from_slice(&[0; 6]);
        let files_at = bytes.len() + 8 * usize::from(folders);
        bytes[16..20].copy_from_slice(&u32::try_from(files_at).unwrap().to_le_bytes());
        // All folders share one block behind the files.
        let block_at = u32::try_from(files_at + 3 * 18).unwrap();
        (0..folders).for_each(|_| bytes.extend_from_slice(&[&block_at.to_le_bytes()[..], &[1, 0, 0, 0]].concat()));
        for folder in [folders - 2, folders - 1, folders] {
            bytes.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend_from_slice(&folder.to_le_bytes());
            bytes.extend_from_slice(b"\0\0\0\0\0\0a\0");
        }
        bytes.extend_from_slice(b"\0\0\0\0\x02\0\x02\0MZ");
        let opened = open(&bytes, &mut Budget::default());
        assert_eq!(opened.members[0].bytes(), b"MZ");
        assert!(opened.members[0].signs.is_empty());
        assert_eq!(opened.members[1].signs.iter().collect::<Vec<_>>(), [Sign::Limit]);
        assert_eq!(opened.members[2].signs.iter().collect::<Vec<_>>(), [Sign::Damaged]);
        assert!(opened.signs.contains(Sign::Limit) && opened.signs.contains(Sign::Damaged));
    }

    #[test]
    fn nothing_panics_and_names_before_the_damage_survive() {
        let sample = cabinet(1, &[("first.txt", 0, 24), ("second.txt", 5, 10)], &[(HELLO, 24)]);
        mutate::check(&sample, |bytes, damage_at| {
            let opened = open(bytes, &mut Budget::default());
            if damage_at > 80 {
                assert_eq!(opened.members[0].name, "first.txt");
            }
        });
    }
}
