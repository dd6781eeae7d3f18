//! Images of discs, which systems mount when they are opened: ISO 9660 with its extensions, UDF, and disks with FAT.
//!
//! Files that are unpacked from an image lose the mark that says they came from elsewhere, which makes images a way to hide.
//! NTFS, exFAT and disks that grow (VHD, VHDX) are only recognised.

mod fat;
mod iso;
#[cfg(test)]
mod tests;
mod udf;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::{Budget, Content, Member, Opened, Sign};

/// What reading an entry of a directory costs, in steps.
const ENTRY_STEPS: u64 = 200;
/// What keeping a byte of a directory's path costs, in steps.
const PATH_STEPS: u64 = 5;
/// Names of one file that are kept besides the first; 100. Discs name a file once in each volume.
const MAX_OTHER_NAMES: usize = 100;
/// Directories that stand in one another; 16. Deeper ones are not entered.
const MAX_DEPTH: usize = 16;

/// Whether bytes are a disk or a volume of one: a boot sector that says where its tables stand, or a table of partitions.
pub(crate) fn is_disk(bytes: &[u8]) -> bool {
    fat::is_boot_sector(bytes) || !fat::partitions(bytes).is_empty()
}

/// Lists the files of every volume that is found.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut image = Image { bytes, opened: Opened::new(), seen: BTreeSet::new(), is_limited: false };
    image.opened.signs.add(Sign::DiscImage);
    let is_known = iso::read(&mut image, budget) | udf::read(&mut image, budget) | fat::read(&mut image, budget);
    if !is_known {
        image.opened.signs.add(Sign::Unsupported);
    }
    if image.is_limited {
        image.opened.signs.add(Sign::Limit);
    }
    image.opened
}

struct Image<'a> {
    bytes: &'a [u8],
    opened: Opened<'a>,
    /// Places of directories that were entered: what comes back to one is a cycle.
    seen: BTreeSet<u64>,
    is_limited: bool,
}

impl<'a> Image<'a> {
    /// Whether one more entry is paid for.
    fn pay_entry(&mut self, budget: &mut Budget) -> bool {
        let is_paid = !self.is_limited && budget.charge_steps(ENTRY_STEPS);
        self.is_limited |= !is_paid;
        is_paid
    }

    /// Whether a directory that waits with its path is paid for: many may wait, each with a long one.
    fn pay_path(&mut self, path: &str, budget: &mut Budget) -> bool {
        let is_paid = budget.charge_steps(path.len() as u64 * PATH_STEPS);
        self.is_limited |= !is_paid;
        is_paid
    }

    /// Whether a directory is to be entered.
    fn enter(&mut self, place: u64, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            self.is_limited = true;
            return false;
        }
        let is_new = self.seen.insert(place);
        if !is_new {
            self.opened.signs.add(Sign::Damaged);
        }
        is_new
    }

    /// Lists a file. The number of its member, none at the bound.
    fn add(&mut self, name: String, size: u64, runs: &Runs<'a>, budget: &mut Budget) -> Option<usize> {
        if !budget.charge_member() {
            self.is_limited = true;
            return None;
        }
        let mut member = Member::new(name);
        member.size = Some(size);
        let wanted = usize::try_from(size).unwrap_or(usize::MAX);
        member.content = match runs.bytes(wanted, budget) {
            Ok(bytes) if bytes.len() == wanted => Content::Whole(bytes),
            Ok(bytes) if bytes.is_empty() => {
                member.signs.add(Sign::Truncated);
                Content::Unread
            }
            Ok(bytes) => {
                member.signs.add(Sign::Truncated);
                Content::Beginning(bytes)
            }
            Err(sign) => {
                member.signs.add(sign);
                Content::Unread
            }
        };
        if member.signs.contains(Sign::Truncated) {
            self.opened.signs.add(Sign::Truncated);
        }
        self.opened.members.push(member);
        Some(self.opened.members.len() - 1)
    }
}

/// Where the bytes of a file stand, in order. Runs behind one another are one.
#[derive(Default)]
struct Runs<'a> {
    runs: Vec<&'a [u8]>,
    /// Where the last one ends.
    end: usize,
    all: &'a [u8],
}

impl<'a> Runs<'a> {
    fn new(all: &'a [u8]) -> Self {
        Self { runs: Vec::new(), end: 0, all }
    }

    fn one(all: &'a [u8], at: u64, length: u64) -> Self {
        let mut runs = Self::new(all);
        runs.push(at, length);
        runs
    }

    fn push(&mut self, at: u64, length: u64) {
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(self.all.len());
        let end = at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(self.all.len());
        if let Some(last) = self.runs.last_mut().filter(|last| self.end == at && !last.is_empty()) {
            let start = self.end - last.len();
            *last = self.all.get(start..end).unwrap_or_default();
        } else {
            self.runs.push(self.all.get(at..end).unwrap_or_default());
        }
        self.end = end;
    }

    /// The first bytes: borrowed where they stand in one piece, else copied and paid for.
    fn bytes(&self, most: usize, budget: &mut Budget) -> Result<Cow<'a, [u8]>, Sign> {
        match self.runs.as_slice() {
            [] => Ok(Cow::Borrowed(&[])),
            [run] => Ok(Cow::Borrowed(run.get(..most).unwrap_or(run))),
            [first, ..] if first.len() >= most => Ok(Cow::Borrowed(first.get(..most).unwrap_or(first))),
            runs => {
                let length = runs.iter().map(|run| run.len()).fold(0, usize::saturating_add).min(most);
                if length > budget.decoded_left() || !budget.charge_steps(length as u64) {
                    return Err(Sign::Limit);
                }
                budget.charge_decoded(length);
                let mut bytes = Vec::new();
                for run in runs {
                    let left = most.saturating_sub(bytes.len());
                    bytes.extend_from_slice(run.get(..left).unwrap_or(run));
                }
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}
