//! The header of a 7z archive: which bytes are packed, how, and what the files in them are called (7zFormat.txt).

use crate::bytes::Bytes;
use crate::names;

/// Coders of one folder; 7-Zip takes 32, and nobody writes more than five.
const MAX_CODERS: usize = 16;
/// Streams into one coder: BCJ2 has four.
const MAX_STREAMS: usize = 8;

/// What the header says.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) streams: Streams,
    pub(super) files: Vec<File>,
    /// It could not be read to its end.
    pub(super) is_damaged: bool,
}

/// Packed streams, and the folders that are decoded from them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Where the first packed stream stands, behind the first header.
    pub(super) pack_at: u64,
    pub(super) pack_sizes: Vec<u64>,
    pub(super) folders: Vec<Folder>,
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
pub(super) fn read(bytes: &[u8]) -> Option<Read> {
    let mut bytes = Bytes::new(bytes);
    match bytes.u8()? {
        0x01 => Some(Read::Header(plain(&mut bytes))),
        0x17 => {
            let mut all = Streams::default();
            streams(&mut bytes, &mut all);
            Some(Read::Packed(all))
        }
        _ => None,
    }
}

fn plain(bytes: &mut Bytes<'_>) -> Header {
    let mut header = Header::default();
    header.is_damaged = sections(bytes, &mut header).is_none();
    header
}

fn sections(bytes: &mut Bytes<'_>, header: &mut Header) -> Option<()> {
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
            0x03 => streams(bytes, &mut Streams::default())?,
            0x04 => streams(bytes, &mut header.streams)?,
            0x05 => files(bytes, &mut header.files)?,
            _ => return None,
        }
    }
}

fn streams(bytes: &mut Bytes<'_>, all: &mut Streams) -> Option<()> {
    loop {
        match bytes.u8()? {
            0x00 => break,
            0x06 => pack_info(bytes, all)?,
            0x07 => unpack_info(bytes, all)?,
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
                all.pack_sizes.push(number(bytes)?);
                Some(())
            })?,
            0x0A => digests(bytes, count).map(drop)?,
            _ => return None,
        }
    }
}

fn unpack_info(bytes: &mut Bytes<'_>, all: &mut Streams) -> Option<()> {
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
                    all.folders.push(folder(bytes)?);
                }
            }
            0x0C => {
                for folder in &mut all.folders {
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
    for (folder, count) in all.folders.iter_mut().zip(&counts) {
        // The last size is what is left.
        let mut left = folder.size();
        for _ in 1..*count {
            if !has_sizes {
                break;
            }
            let size = number(bytes)?;
            folder.files.push(size);
            left = left.saturating_sub(size);
        }
        if *count > 0 {
            folder.files.push(left);
        }
    }
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
    let defined = if bytes.u8()? != 0 { count } else { bits(bytes, count)?.iter().filter(|bit| **bit).count() };
    bytes.take(defined.checked_mul(4)?)?;
    Some(defined)
}

fn bits(bytes: &mut Bytes<'_>, count: usize) -> Option<Vec<bool>> {
    let field = bytes.take(count.div_ceil(8))?;
    Some((0..count).map(|at| field.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)).collect())
}

fn files(bytes: &mut Bytes<'_>, files: &mut Vec<File>) -> Option<()> {
    let count = length(bytes)?;
    let mut names = Vec::new();
    let mut empty = Vec::new();
    let mut empty_files = Vec::new();
    let complete = file_properties(bytes, count, &mut names, &mut empty, &mut empty_files);
    let mut empty_files = empty_files.into_iter();
    let mut names = names.into_iter();
    // Without names there are as many files as streams: the opener lists those.
    for at in 0..names.len().max(empty.len()).min(count) {
        let is_empty = empty.get(at).copied().unwrap_or(false);
        let is_directory = is_empty && !empty_files.next().unwrap_or(false);
        files.push(File { name: names.next().unwrap_or_default(), has_stream: !is_empty, is_directory });
    }
    complete
}

fn file_properties(
    bytes: &mut Bytes<'_>,
    count: usize,
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
            0x0E => *empty = bits(&mut Bytes::new(field), count)?,
            0x0F => *empty_files = bits(&mut Bytes::new(field), empty.iter().filter(|bit| **bit).count())?,
            // The first byte says that names stand elsewhere, which nobody writes.
            0x11 => {
                let mut rest = field.get(1..).unwrap_or_default();
                while names.len() < count && !rest.is_empty() {
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
