//! The header of a 7z archive: which bytes are packed, how, and what the files in them are called (7zFormat.txt).

use crate::bytes::Bytes;
use crate::{Budget, names};

/// Coders of one folder; 7-Zip takes 32, and nobody writes more than five.
const MAX_CODERS: usize = 16;
/// Streams into one coder: BCJ2 has four.
const MAX_STREAMS: usize = 8;
/// Streams into all coders of one folder.
const MAX_INPUTS: usize = 32;
/// Folders that are read; 20,000. Two bytes of the header make one, which takes several hundred in memory. No message has as many
/// members listed.
const MAX_FOLDERS: usize = 20_000;
/// Packed streams, files in folders, and files with names that are kept; 100,000 of each. Directories are among the files.
const MAX_ITEMS: usize = 100_000;
/// What reading a folder costs, in steps.
const FOLDER_STEPS: u64 = 300;

/// What the header says.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) streams: Streams,
    pub(super) files: Vec<File>,
    /// It could not be read to its end.
    pub(super) is_damaged: bool,
    /// It says more than is kept.
    pub(super) is_limited: bool,
}

/// Packed streams, and the folders that are decoded from them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Where the first packed stream stands, behind the first header.
    pub(super) pack_at: u64,
    pub(super) pack_sizes: Vec<u64>,
    pub(super) folders: Vec<Folder>,
    is_limited: bool,
}

/// One run of bytes, decoded by coders in a row, and cut into files.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) coders: Vec<Coder>,
    /// Which stream into a coder comes out of which coder.
    pub(super) bonds: Vec<(usize, usize)>,
    /// Which streams into coders are packed streams, in order.
    pub(super) packed: Vec<usize>,
    /// What comes out of each coder, in bytes.
    pub(super) sizes: Vec<u64>,
    /// The sizes of the files in it.
    pub(super) files: Vec<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Coder {
    pub(super) id: Vec<u8>,
    pub(super) properties: Vec<u8>,
    /// How many streams go in, and the number of the first among all of the folder.
    pub(super) inputs: usize,
    pub(super) first_input: usize,
}

#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) name: String,
    /// It has bytes in a folder.
    pub(super) has_stream: bool,
    pub(super) is_directory: bool,
}

impl Folder {
    /// The coder that nothing else reads from: what comes out of it are the files.
    pub(super) fn last_coder(&self) -> Option<usize> {
        (0..self.coders.len()).find(|coder| !self.bonds.iter().any(|(_, output)| output == coder))
    }

    /// Whether each coder but the last gives what comes out of it to one other, and none to itself by way of others: each is then
    /// run once.
    fn is_tree(&self, inputs: usize) -> bool {
        let is_bond = |at: usize, (into, output): (usize, usize)| {
            let before = self.bonds.get(..at).unwrap_or_default();
            into < inputs
                && output < self.coders.len()
                && !before.iter().any(|(other_into, other_output)| *other_into == into || *other_output == output)
        };
        let next = |coder: usize| {
            let (into, _) = self.bonds.iter().find(|(_, output)| *output == coder)?;
            self.coders.iter().position(|coder| (coder.first_input..coder.first_input + coder.inputs).contains(into))
        };
        // There are as many bonds as coders but one: a way that is longer than all of them goes round.
        let is_cycle = |coder| std::iter::successors(Some(coder), |coder| next(*coder)).nth(self.coders.len()).is_some();
        self.bonds.iter().enumerate().all(|(at, bond)| is_bond(at, *bond)) && !(0..self.coders.len()).any(is_cycle)
    }

    pub(super) fn size(&self) -> u64 {
        self.last_coder().and_then(|coder| self.sizes.get(coder).copied()).unwrap_or(0)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.coders.iter().any(|coder| coder.id == super::folder::AES)
    }
}

/// Either the header, or where it is packed.
pub(super) enum Read {
    Header(Header),
    Packed(Streams),
}

/// None where it is no header at all.
pub(super) fn read(bytes: &[u8], budget: &mut Budget) -> Option<Read> {
    let mut bytes = Bytes::new(bytes);
    match bytes.u8()? {
        0x01 => Some(Read::Header(plain(&mut bytes, budget))),
        0x17 => {
            let mut all = Streams::default();
            streams(&mut bytes, &mut all, budget);
            Some(Read::Packed(all))
        }
        _ => None,
    }
}

fn plain(bytes: &mut Bytes<'_>, budget: &mut Budget) -> Header {
    let mut header = Header::default();
    let is_read = sections(bytes, &mut header, budget).is_some();
    header.is_limited |= header.streams.is_limited;
    header.is_damaged = !is_read && !header.is_limited;
    header
}

fn sections(bytes: &mut Bytes<'_>, header: &mut Header, budget: &mut Budget) -> Option<()> {
    loop {
        match bytes.u8()? {
            0x00 => return Some(()),
            // Properties of the archive: nobody writes them.
            0x02 => {
                while bytes.u8()? != 0 {
                    let length = length(bytes)?;
                    bytes.take(length)?;
                }
            }
            0x03 => streams(bytes, &mut Streams::default(), budget)?,
            // Each time would go through all folders once more.
            0x04 if !header.streams.folders.is_empty() => return None,
            0x04 => streams(bytes, &mut header.streams, budget)?,
            0x05 => files(bytes, header)?,
            _ => return None,
        }
    }
}

fn streams(bytes: &mut Bytes<'_>, all: &mut Streams, budget: &mut Budget) -> Option<()> {
    loop {
        match bytes.u8()? {
            0x00 => break,
            0x06 => pack_info(bytes, all)?,
            0x07 => unpack_info(bytes, all, budget)?,
            0x08 => return sub_streams(bytes, all).and_then(|()| (bytes.u8()? == 0).then_some(())),
            _ => return None,
        }
    }
    whole_folders(all);
    Some(())
}

/// Without more said, each folder is one file.
fn whole_folders(all: &mut Streams) {
    for folder in all.folders.iter_mut().filter(|folder| folder.files.is_empty()) {
        folder.files = vec![folder.size()];
    }
}

fn pack_info(bytes: &mut Bytes<'_>, all: &mut Streams) -> Option<()> {
    all.pack_at = number(bytes)?;
    let count = length(bytes)?;
    loop {
        match bytes.u8()? {
            0x00 => return Some(()),
            0x09 => (0..count).try_for_each(|_| {
                all.is_limited |= all.pack_sizes.len() >= MAX_ITEMS;
                let size = number(bytes).filter(|_| !all.is_limited)?;
                all.pack_sizes.push(size);
                Some(())
            })?,
            0x0A => digests(bytes, count).map(drop)?,
            _ => return None,
        }
    }
}

fn unpack_info(bytes: &mut Bytes<'_>, all: &mut Streams, budget: &mut Budget) -> Option<()> {
    loop {
        match bytes.u8()? {
            0x00 => return Some(()),
            0x0A => digests(bytes, all.folders.len()).map(drop)?,
            0x0B => {
                let count = length(bytes)?;
                // Folders in another stream: nobody writes them.
                if bytes.u8()? != 0 {
                    return None;
                }
                for _ in 0..count {
                    if all.folders.len() >= MAX_FOLDERS || !budget.charge_steps(FOLDER_STEPS) {
                        all.is_limited = true;
                        return None;
                    }
                    all.folders.push(folder(bytes)?);
                }
            }
            0x0C => {
                for folder in &mut all.folders {
                    folder.sizes.clear();
                    for _ in 0..folder.coders.len() {
                        folder.sizes.push(number(bytes)?);
                    }
                }
            }
            _ => return None,
        }
    }
}

fn folder(bytes: &mut Bytes<'_>) -> Option<Folder> {
    let mut folder = Folder::default();
    let mut inputs = 0;
    for _ in 0..length(bytes).filter(|count| (1..=MAX_CODERS).contains(count))? {
        let flags = bytes.u8()?;
        let id = bytes.take(usize::from(flags & 0x0F))?.to_vec();
        let (mut into, mut out) = (1, 1);
        if flags & 0x10 != 0 {
            (into, out) = (length(bytes)?, length(bytes)?);
        }
        let properties = if flags & 0x20 != 0 {
            let length = length(bytes)?;
            bytes.take(length)?.to_vec()
        } else {
            Vec::new()
        };
        // No decoder has more than one stream out; those of BCJ2 go in.
        if out != 1 || !(1..=MAX_STREAMS).contains(&into) {
            return None;
        }
        folder.coders.push(Coder { id, properties, inputs: into, first_input: inputs });
        inputs += into;
    }
    if inputs > MAX_INPUTS {
        return None;
    }
    for _ in 1..folder.coders.len() {
        folder.bonds.push((length(bytes)?, length(bytes)?));
    }
    let packed = inputs.checked_sub(folder.bonds.len())?;
    if packed == 1 {
        folder.packed.push((0..inputs).find(|input| !folder.bonds.iter().any(|(into, _)| into == input))?);
    } else {
        for _ in 0..packed {
            folder.packed.push(length(bytes)?);
        }
    }
    folder.is_tree(inputs).then_some(folder)
}

fn sub_streams(bytes: &mut Bytes<'_>, all: &mut Streams) -> Option<()> {
    let mut counts = vec![1; all.folders.len()];
    let mut id = bytes.u8()?;
    if id == 0x0D {
        for count in &mut counts {
            *count = length(bytes)?;
        }
        id = bytes.u8()?;
    }
    let has_sizes = id == 0x09;
    let mut kept = 0;
    let mut keep = |folder: &mut Folder, size| {
        if kept < MAX_ITEMS {
            folder.files.push(size);
        }
        kept += 1;
    };
    for (folder, count) in all.folders.iter_mut().zip(&counts) {
        // The last size is what is left.
        let mut left = folder.size();
        for _ in 1..*count {
            if !has_sizes {
                break;
            }
            let size = number(bytes)?;
            keep(folder, size);
            left = left.saturating_sub(size);
        }
        if *count > 0 {
            keep(folder, left);
        }
    }
    all.is_limited |= kept > MAX_ITEMS;
    if has_sizes {
        id = bytes.u8()?;
    }
    // Checksums: only those that no folder has yet, which does not matter to what follows in the header, as nothing does.
    while id != 0 {
        if id != 0x0A {
            return None;
        }
        let count = counts.iter().try_fold(0_usize, |all, count| all.checked_add(*count))?;
        let before = *bytes;
        if digests(bytes, count).is_none() {
            *bytes = before;
            return None;
        }
        id = bytes.u8()?;
    }
    Some(())
}

/// Which of so many have a checksum; passes over the checksums.
fn digests(bytes: &mut Bytes<'_>, count: usize) -> Option<usize> {
    let defined = if bytes.u8()? != 0 { count } else { bits(bytes, count)?.filter(|bit| *bit).count() };
    bytes.take(defined.checked_mul(4)?)?;
    Some(defined)
}

fn bits<'b>(bytes: &mut Bytes<'b>, count: usize) -> Option<impl Iterator<Item = bool> + use<'b>> {
    let field = bytes.take(count.div_ceil(8))?;
    Some((0..count).map(|at| field.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)))
}

fn files(bytes: &mut Bytes<'_>, header: &mut Header) -> Option<()> {
    let count = length(bytes)?;
    let files = &mut header.files;
    let most = MAX_ITEMS.saturating_sub(files.len());
    let mut names = Vec::new();
    let mut empty = Vec::new();
    let mut empty_files = Vec::new();
    let complete = file_properties(bytes, (count, most), &mut names, &mut empty, &mut empty_files);
    let mut empty_files = empty_files.into_iter();
    let mut names = names.into_iter();
    // Without names there are as many files as streams: the opener lists those.
    let said = names.len().max(empty.len()).min(count);
    header.is_limited |= count > most && said == most;
    for at in 0..said {
        let is_empty = empty.get(at).copied().unwrap_or(false);
        let is_directory = is_empty && !empty_files.next().unwrap_or(false);
        files.push(File { name: names.next().unwrap_or_default(), has_stream: !is_empty, is_directory });
    }
    complete
}

fn file_properties(
    bytes: &mut Bytes<'_>,
    (count, most): (usize, usize),
    names: &mut Vec<String>,
    empty: &mut Vec<bool>,
    empty_files: &mut Vec<bool>,
) -> Option<()> {
    loop {
        let kind = number(bytes)?;
        if kind == 0 {
            return Some(());
        }
        let length = length(bytes)?;
        let field = bytes.take(length)?;
        match kind {
            0x0E => *empty = bits(&mut Bytes::new(field), count)?.take(most).collect(),
            0x0F => {
                *empty_files = bits(&mut Bytes::new(field), empty.iter().filter(|bit| **bit).count())?.collect();
            }
            // The first byte says that names stand elsewhere, which nobody writes.
            0x11 => {
                let mut rest = field.get(1..).unwrap_or_default();
                while names.len() < count.min(most) && !rest.is_empty() {
                    let units = rest.chunks_exact(2).take_while(|unit| **unit != [0, 0]).count();
                    names.push(names::utf16(rest.get(..2 * units).unwrap_or_default(), u16::from_le_bytes));
                    rest = rest.get(2 * units + 2..).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
}

/// A number: the leading ones of the first byte say how many more follow.
pub(super) fn number(bytes: &mut Bytes<'_>) -> Option<u64> {
    let first = bytes.u8()?;
    let more = first.leading_ones();
    let mut value = 0;
    for at in 0..more {
        value |= u64::from(bytes.u8()?) << (8 * at);
    }
    // Seven ones leave no bits in the first byte, and eight neither.
    let high = if more >= 7 { 0 } else { u64::from(first & (0x7F >> more)) };
    Some(value | high.checked_shl(8 * more).unwrap_or(0))
}

/// A number that counts bytes or things which take bytes: what is more than there are bytes is none.
fn length(bytes: &mut Bytes<'_>) -> Option<usize> {
    usize::try_from(number(bytes)?).ok().filter(|length| *length <= 1 << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A coder of BCJ2, and so many that copy; the bonds; the packed streams.
    fn graph(copies: u8, bonds: &[(u8, u8)], packed: &[u8]) -> Option<Folder> {
        let mut bytes = vec![copies + 1, 0x14, 3, 3, 1, 0x1B, 4, 1];
        bytes.extend([1, 0].repeat(copies.into()));
        bonds.iter().for_each(|(into, output)| bytes.extend([*into, *output]));
        bytes.extend_from_slice(packed);
        folder(&mut Bytes::new(&bytes))
    }

    fn header(bytes: &[u8]) -> Header {
        match read(bytes, &mut Budget::default()) {
            Some(Read::Header(header)) => header,
            _ => panic!("no header"),
        }
    }

    /// A header that begins with so many folders, of one coder that is not named.
    fn folders(count: u32) -> Vec<u8> {
        let [low, middle, high, _] = count.to_le_bytes();
        [&[0x01, 0x04, 0x07, 0x0B, 0xC0 | high, low, middle, 0], &[1, 0].repeat(count as usize)[..]].concat()
    }

    #[test]
    fn folders_are_kept_to_their_bound() {
        let most = u32::try_from(MAX_FOLDERS).unwrap();
        for (count, is_limited) in [(most, false), (most + 1, true), (1_000_000, true)] {
            let header = header(&folders(count));
            assert_eq!((header.streams.folders.len(), header.is_limited), (MAX_FOLDERS, is_limited), "{count}");
        }
        let mut budget = Budget::new(crate::Bounds { steps: 10 * FOLDER_STEPS, ..crate::Bounds::default() });
        assert!(
            matches!(read(&folders(20), &mut budget), Some(Read::Header(header)) if header.is_limited && header.streams.folders.len() == 10)
        );
    }

    #[test]
    fn files_are_kept_to_their_bound() {
        // 1,048,576 empty names, and as many bits that say that there is nothing in the files.
        for property in [(0x11, 0xE0, [1, 0, 0x20]), (0x0E, 0xC0, [0, 0, 0x02])] {
            let (kind, first, [low, middle, high]) = property;
            let mut bytes = vec![0x01, 0x05, 0xD0, 0, 0, kind];
            match kind {
                0x11 => bytes.extend([first, low, middle, high]),
                _ => bytes.extend([first | high, low, middle]),
            }
            bytes.extend(vec![if kind == 0x11 { 0 } else { 0xFF }; 0x20_0001]);
            let header = header(&bytes);
            assert_eq!((header.files.len(), header.is_limited), (MAX_ITEMS, true), "{kind}");
        }
    }

    /// Each of them would give every folder one more file.
    #[test]
    fn folders_are_gone_through_once() {
        let bytes = [folders(20_000), vec![0x0C], vec![0; 20_000], vec![0, 0], [0x04, 0x08, 0, 0].repeat(10_000)].concat();
        let header = header(&bytes);
        assert!(header.is_damaged);
        assert!(header.streams.folders.iter().all(|folder| folder.files.len() == 1));
    }

    #[test]
    fn coders_stand_in_a_tree() {
        assert!(graph(3, &[(0, 1), (1, 2), (2, 3)], &[4, 5, 6, 3]).is_some(), "as 7-Zip writes it");
        assert!(graph(1, &[(4, 0)], &[0, 1, 2, 3]).is_some());
        assert!(graph(1, &[(5, 0)], &[0, 1, 2, 3]).is_none(), "no such stream");
        assert!(graph(1, &[(4, 2)], &[0, 1, 2, 3]).is_none(), "no such coder");
        assert!(graph(1, &[(0, 0)], &[1, 2, 3, 4]).is_none(), "into itself");
        assert!(graph(2, &[(0, 1), (4, 0)], &[1, 2, 3, 5]).is_none(), "into itself by way of another");
        assert!(graph(2, &[(0, 1), (1, 1)], &[2, 3, 4, 5]).is_none(), "one into two");
        assert!(graph(2, &[(0, 1), (0, 2)], &[2, 3, 4, 5]).is_none(), "two into one");
    }

    #[test]
    fn numbers_of_every_length() {
        let cases: &[(&[u8], Option<u64>)] = &[
            (b"\x05", Some(5)),
            (b"\x80\xFF", Some(0xFF)),
            (b"\xBF\xFF", Some(0x3FFF)),
            (b"\xC1\x02\x03", Some(0x1_0302)),
            (b"\xFE\x01\x02\x03\x04\x05\x06\x07", Some(0x07_0605_0403_0201)),
            (b"\xFF\x01\x02\x03\x04\x05\x06\x07\x08", Some(0x0807_0605_0403_0201)),
            (b"\xFF\x01", None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(number(&mut Bytes::new(bytes)), *expected, "{bytes:x?}");
        }
    }
}
