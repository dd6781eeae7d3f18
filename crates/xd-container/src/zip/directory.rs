//! Where the directories of a zip archive stand (APPNOTE 4.3.14 to 4.3.16).

use std::collections::VecDeque;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::header::{CENTRAL, Entry};
use crate::bytes::Bytes;

/// Records that end a directory which are looked at, from the end on; 16. Archives stored in archives bring theirs.
const MAX_ENDS: usize = 16;

const END: &[u8] = b"PK\x05\x06";
/// Every file is searched, so that what searching prepares is kept.
static END_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(END));
const END_LENGTH: usize = 22;
/// The record of zip64 before it, and the one that says where that stands.
const WIDE_END: [u8; 4] = *b"PK\x06\x06";
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_LENGTH: usize = 20;

/// One directory.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) starts_at: usize,
    /// Where the record that ends it stands, and how long that is with its comment.
    pub(super) end_at: usize,
    pub(super) end_length: usize,
    /// What offsets in it count from.
    base: u64,
    count: u64,
    pub(super) is_split: bool,
    /// Another directory stands where programs look that count otherwise.
    pub(super) is_ambiguous: bool,
}

/// Every directory, the last first: that is the one most programs read.
pub(super) fn find(bytes: &[u8]) -> Vec<Directory> {
    last_ends(bytes).filter_map(|end_at| Directory::ending_at(bytes, end_at)).collect()
}

/// The directory at the very end, where programs look first: only a comment may stand behind it.
pub(super) fn last(bytes: &[u8]) -> Option<Directory> {
    let start = bytes.len().saturating_sub(END_LENGTH + usize::from(u16::MAX));
    last_ends(bytes.get(start..)?).find_map(|end_at| Directory::ending_at(bytes, start + end_at))
}

/// Where the records stand that end a directory, the last first, and no more than the bound.
fn last_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    // From the front, which is the fast direction, keeping the last ones.
    let mut ends = VecDeque::new();
    for end_at in END_FINDER.find_iter(bytes) {
        if ends.len() == MAX_ENDS {
            ends.pop_front();
        }
        ends.push_back(end_at);
    }
    ends.into_iter().rev()
}

impl Directory {
    fn ending_at(bytes: &[u8], end_at: usize) -> Option<Self> {
        let mut end = Bytes::from(bytes, end_at);
        end.take(4)?;
        let (disk, first_disk) = (end.u16_le()?, end.u16_le()?);
        let (_, count) = (end.u16_le()?, end.u16_le()?);
        let (size, offset) = (end.u32_le()?, end.u32_le()?);
        let comment = usize::from(end.u16_le()?);
        let (mut count, mut size, mut offset) = (u64::from(count), u64::from(size), u64::from(offset));
        let mut behind = end_at;
        if let Some((wide_at, wide)) = wide(bytes, end_at) {
            // The long record counts where the short one is full.
            if count == u64::from(u16::MAX) {
                count = wide.0;
            }
            if size == u64::from(u32::MAX) {
                size = wide.1;
            }
            if offset == u64::from(u32::MAX) {
                offset = wide.2;
            }
            behind = wide_at;
        }
        let end_length = END_LENGTH.saturating_add(comment).min(bytes.len() - end_at);
        let is_split = (disk != 0 && disk != u16::MAX) || (first_disk != 0 && first_disk != u16::MAX);
        let at = |starts_at: u64| {
            let starts_at = usize::try_from(starts_at).ok().filter(|start| *start <= behind)?;
            let stands = bytes.get(starts_at..).is_some_and(|rest| rest.starts_with(&CENTRAL));
            stands.then_some(starts_at)
        };
        // Before its end, or where its offset says: the first finds it behind a prefix, too.
        let before_end = (behind as u64).checked_sub(size).and_then(at);
        let by_offset = at(offset);
        let found = before_end.or(by_offset);
        let Some(starts_at) = found else {
            // Without members there is nothing to find; else the members are found without it.
            let is_empty = count == 0 && size == 0;
            let empty = Self { starts_at: end_at, end_at, end_length, base: 0, count: 0, is_split, is_ambiguous: false };
            return is_empty.then_some(empty);
        };
        let is_ambiguous = before_end.zip(by_offset).is_some_and(|(one, other)| one != other);
        let mut directory = Self {
            starts_at,
            end_at,
            end_length,
            base: (starts_at as u64).saturating_sub(offset),
            count,
            is_split,
            is_ambiguous,
        };
        // Programs that unpack themselves may count from the beginning of the file all the same.
        if directory.base > 0 && !directory.points_at_headers(bytes) {
            directory.base = 0;
        }
        Some(directory)
    }

    /// Its entries, as far as they can be read.
    pub(super) fn entries<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut cursor = Bytes::from(bytes.get(..self.end_at).unwrap_or(bytes), self.starts_at);
        let base = self.base;
        std::iter::from_fn(move || Entry::central(&mut cursor, base))
    }

    pub(super) fn has_entries(&self, bytes: &[u8]) -> bool {
        self.entries(bytes).next().is_some_and(|entry| super::Local::read(bytes, entry.offset).is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether it says that it has so many entries. The short count is the true one without its upper half.
    pub(super) fn counts(&self, entries: u64) -> bool {
        self.count & 0xFFFF == entries & 0xFFFF
    }

    fn points_at_headers(&self, bytes: &[u8]) -> bool {
        self.entries(bytes).next().is_none_or(|entry| super::Local::read(bytes, entry.offset).is_some())
    }
}

/// The record of zip64: where it stands, and count, size and offset in it.
fn wide(bytes: &[u8], end_at: usize) -> Option<(usize, (u64, u64, u64))> {
    let locator_at = end_at.checked_sub(LOCATOR_LENGTH)?;
    let mut locator = Bytes::from(bytes, locator_at);
    if locator.array::<4>()? != LOCATOR {
        return None;
    }
    locator.take(4)?;
    let said = usize::try_from(locator.u64_le()?).ok();
    // Where it says, or right before: a prefix moves it.
    let places = [said, locator_at.checked_sub(56)];
    places.into_iter().flatten().find_map(|at| {
        let mut wide = Bytes::from(bytes, at);
        if wide.array::<4>()? != WIDE_END {
            return None;
        }
        wide.take(28)?;
        let (count, size, offset) = (wide.u64_le()?, wide.u64_le()?, wide.u64_le()?);
        Some((at, (count, size, offset)))
    })
}
