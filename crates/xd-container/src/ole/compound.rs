//! The file system of a compound file, after [MS-CFB]: sectors, the tables that chain them, and streams as bytes.
//!
//! What stands in the tables is not believed: every chain is as long as the file has sectors at most, sectors outside of the
//! file end a chain, and nothing is allocated by a declared size.

use std::borrow::Cow;
use std::ops::Range;

use super::directory::{self, Directory};
use crate::bytes::Bytes;
use crate::{Budget, Sign, Signs};

const SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Streams shorter than this stand in the mini stream. The header has a field for it, but Windows takes no other value.
const MINI_CUTOFF: u64 = 4096;

/// Sector numbers from here on are marks: end of chain, free, table.
const MAX_SECTOR: u32 = 0xFFFF_FFFA;

/// A compound file, opened.
#[derive(Debug)]
pub(crate) struct Compound<'a> {
    bytes: &'a [u8],
    /// The size of a sector is 2 to the power of this.
    shift: u32,
    mini_shift: u32,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini_stream: Cow<'a, [u8]>,
    pub(crate) directory: Directory,
    /// What is wrong with the file system.
    pub(crate) signs: Signs,
}

impl<'a> Compound<'a> {
    pub(crate) fn open(bytes: &'a [u8], budget: &mut Budget) -> Option<Self> {
        if !bytes.starts_with(SIGNATURE) {
            return None;
        }
        let field = |at: usize| Bytes::from(bytes, at).u32_le().unwrap_or(u32::MAX);
        let shifts = field(30);
        let is_newer = field(24) >> 16 == 4;
        // Versions 3 and 4 have sectors of 512 and 4096 bytes. Other sizes are read as they are declared, as other readers do.
        let shift = Some(shifts & 0xFFFF).filter(|shift| (9..=16).contains(shift)).unwrap_or(if is_newer { 12 } else { 9 });
        let mini_shift = Some(shifts >> 16).filter(|mini| (4..=shift).contains(mini)).unwrap_or(6);
        let mut compound = Self {
            bytes,
            shift,
            mini_shift,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini_stream: Cow::default(),
            directory: Directory::default(),
            signs: Signs::default(),
        };
        if bytes.len() < 512 {
            compound.signs.add(Sign::Truncated);
            return Some(compound);
        }
        compound.read_fat(field(68), budget);
        let entries = compound.chain(field(48), usize::MAX, budget);
        compound.directory = Directory::read(&entries, shift == 9, &mut compound.signs, budget);
        compound.mini_fat = numbers(&compound.chain(field(60), usize::MAX, budget));
        if let Some(root) = compound.directory.entries.first() {
            compound.mini_stream = compound.chain(root.start, usize::try_from(root.size).unwrap_or(usize::MAX), budget);
        }
        Some(compound)
    }

    /// The bytes of a stream, as far as its chain and the budget go.
    pub(crate) fn read(&self, entry: &directory::Entry, budget: &mut Budget) -> Cow<'a, [u8]> {
        self.read_up_to(entry, usize::MAX, budget)
    }

    /// Up to `most` bytes from the beginning of a stream.
    pub(crate) fn read_up_to(&self, entry: &directory::Entry, most: usize, budget: &mut Budget) -> Cow<'a, [u8]> {
        let size = usize::try_from(entry.size).unwrap_or(usize::MAX);
        if entry.size >= MINI_CUTOFF {
            return self.chain(entry.start, size.min(most), budget);
        }
        let runs = runs(&self.mini_fat, entry.start, size.min(most), self.mini_stream.len(), self.mini_shift, 0, budget);
        match &self.mini_stream {
            Cow::Borrowed(stream) => gather(stream, &runs, budget),
            Cow::Owned(stream) => Cow::Owned(gather(stream, &runs, budget).into_owned()),
        }
    }

    /// The sectors that hold the table of sectors stand in the header, the rest of them in a chain of their own.
    fn read_fat(&mut self, mut next: u32, budget: &mut Budget) {
        let size = 1_usize << self.shift;
        let sectors = self.bytes.len() / size + 1;
        let mut tables: Vec<u32> = self.bytes.get(76..512).map(numbers).unwrap_or_default();
        let mut lists = 0;
        while next < MAX_SECTOR && lists <= sectors / (size / 4) {
            let Some(list) = self.sector(next) else { break };
            let mut list = numbers(list);
            next = list.pop().unwrap_or(u32::MAX);
            tables.append(&mut list);
            lists += 1;
        }
        for table in tables.into_iter().filter(|table| *table < MAX_SECTOR) {
            if self.fat.len() >= sectors {
                break;
            }
            let Some(table) = self.sector(table) else {
                self.signs.add(Sign::Damaged);
                continue;
            };
            if !budget.charge_steps(1 << (self.shift - 2)) {
                self.signs.add(Sign::Limit);
                break;
            }
            self.fat.extend(numbers(table));
        }
        self.fat.truncate(sectors);
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let from = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(1 << self.shift)?;
        let to = from.checked_add(1 << self.shift)?.min(self.bytes.len());
        self.bytes.get(from..to).filter(|sector| !sector.is_empty())
    }

    fn chain(&self, start: u32, most: usize, budget: &mut Budget) -> Cow<'a, [u8]> {
        let runs = runs(&self.fat, start, most, self.bytes.len(), self.shift, 1, budget);
        gather(self.bytes, &runs, budget)
    }
}

/// The places of the sectors of a chain, those that follow one another as one. Ends where the chain leaves the table or the
/// file, or is longer than the file, as only a circle is.
fn runs(
    table: &[u32],
    start: u32,
    most: usize,
    length: usize,
    shift: u32,
    before: usize,
    budget: &mut Budget,
) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut left = most.min(length);
    let mut sector = start;
    while left > 0 && sector < MAX_SECTOR && budget.charge_steps(6) {
        let Some(from) = usize::try_from(sector).ok().and_then(|sector| (sector + before).checked_mul(1 << shift)) else { break };
        if from >= length {
            break;
        }
        let to = (from + (1 << shift)).min(length).min(from + left);
        left -= to - from;
        match runs.last_mut() {
            Some(last) if last.end == from => last.end = to,
            _ => {
                let _ = budget.charge_steps(20);
                runs.push(from..to);
            }
        }
        let Some(next) = usize::try_from(sector).ok().and_then(|sector| table.get(sector)) else { break };
        sector = *next;
    }
    runs
}

/// One run is borrowed, several are copied.
fn gather<'a>(bytes: &'a [u8], runs: &[Range<usize>], budget: &mut Budget) -> Cow<'a, [u8]> {
    if let [run] = runs {
        return Cow::Borrowed(bytes.get(run.clone()).unwrap_or_default());
    }
    let mut copy = Vec::new();
    for run in runs {
        let run = bytes.get(run.clone()).unwrap_or_default();
        let run = run.get(..run.len().min(budget.decoded_left())).unwrap_or_default();
        budget.charge_decoded(run.len());
        copy.extend_from_slice(run);
    }
    Cow::Owned(copy)
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
}
