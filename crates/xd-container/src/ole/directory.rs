//! The directory of a compound file: storages and streams, each with the place where its bytes begin.
//!
//! Entries form red-black trees, one for each storage. They are read in both ways that programs read them: along the trees, and
//! one after the other, so that an entry which no tree reaches is found, too.

use crate::bytes::Bytes;
use crate::{Budget, Sign, Signs, text};

/// Entries that are read; 16,384. A document has some hundreds, a message with many attachments some thousands.
const MAX_ENTRIES: usize = 16_384;

const NONE: u32 = u32::MAX;

/// What kind of thing an entry is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Storage,
    Stream,
    /// The root, or an entry that is free or of no known kind.
    Other,
}

/// A storage or a stream.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Which program the storage belongs to; zeros where none is said.
    pub(crate) class: [u8; 16],
    pub(crate) start: u32,
    /// In bytes, as declared.
    pub(crate) size: u64,
    /// The storage it stands in; none for the root and for what no tree reaches.
    pub(crate) parent: Option<usize>,
    left: u32,
    right: u32,
    child: u32,
}

impl Entry {
    pub(crate) fn is_stream(&self, name: &str) -> bool {
        self.kind == Kind::Stream && self.name.eq_ignore_ascii_case(name)
    }

    fn read(bytes: &[u8; 128], is_older: bool) -> Self {
        let number = |at: usize| Bytes::from(bytes, at).u32_le().unwrap_or_default();
        let [name @ .., _, _] = bytes.first_chunk::<64>().unwrap_or(&[0; 64]);
        let kind = match bytes[66] {
            1 => Kind::Storage,
            2 => Kind::Stream,
            _ => Kind::Other,
        };
        // Version 3 has sizes of 32 bits; what its writers left in the upper half means nothing.
        let size = u64::from(number(120)) | if is_older { 0 } else { u64::from(number(124)) << 32 };
        Self {
            // The declared length of the name is not needed: a NUL ends it.
            name: text::utf16_until_nul(name),
            kind,
            class: Bytes::from(bytes, 80).array().unwrap_or_default(),
            start: number(116),
            size,
            parent: None,
            left: number(68),
            right: number(72),
            child: number(76),
        }
    }
}

/// All entries; the first is the root.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) entries: Vec<Entry>,
    /// For each entry, its first child, and the next child of its parent.
    first_child: Vec<u32>,
    next_child: Vec<u32>,
}

impl Directory {
    pub(crate) fn read(bytes: &[u8], is_older: bool, signs: &mut Signs, budget: &mut Budget) -> Self {
        let chunks = bytes.as_chunks::<128>().0;
        if chunks.is_empty() {
            signs.add(Sign::Truncated);
        }
        let mut entries = Vec::new();
        for chunk in chunks {
            if entries.len() == MAX_ENTRIES || !budget.charge_steps(200) {
                signs.add(Sign::Limit);
                break;
            }
            entries.push(Entry::read(chunk, is_older));
        }
        let mut directory = Self { entries, ..Self::default() };
        directory.walk(signs);
        directory.chain_children();
        directory
    }

    /// Follows the trees from the root, each entry once: damaged ones lead in circles.
    fn walk(&mut self, signs: &mut Signs) {
        let mut is_seen = vec![false; self.entries.len()];
        let mut todo = vec![(0, None)];
        while let Some((number, parent)) = todo.pop() {
            let Some((index, seen)) = usize::try_from(number).ok().and_then(|index| Some((index, is_seen.get_mut(index)?)))
            else {
                if number != NONE {
                    signs.add(Sign::Damaged);
                }
                continue;
            };
            if std::mem::replace(seen, true) {
                signs.add(Sign::Damaged);
                continue;
            }
            let Some(entry) = self.entries.get_mut(index) else { continue };
            entry.parent = parent;
            if parent.is_some() {
                todo.push((entry.left, parent));
                todo.push((entry.right, parent));
            }
            if parent.is_none() || entry.kind == Kind::Storage {
                todo.push((entry.child, Some(index)));
            }
        }
        let is_lost = |(entry, seen): (&Entry, &bool)| entry.kind == Kind::Stream && entry.size > 0 && !seen;
        if self.entries.iter().zip(&is_seen).any(is_lost) {
            signs.add(Sign::Disagreement);
        }
    }

    fn chain_children(&mut self) {
        self.first_child = vec![NONE; self.entries.len()];
        self.next_child = vec![NONE; self.entries.len()];
        for (index, entry) in self.entries.iter().enumerate().rev() {
            let Some(first) = entry.parent.and_then(|parent| self.first_child.get_mut(parent)) else { continue };
            let Ok(number) = u32::try_from(index) else { continue };
            if let Some(next) = self.next_child.get_mut(index) {
                *next = std::mem::replace(first, number);
            }
        }
    }

    /// What stands in a storage, in the order of the directory.
    pub(crate) fn children(&self, storage: usize) -> impl Iterator<Item = (usize, &Entry)> {
        let at = |table: &[u32], index: usize| table.get(index).and_then(|next| usize::try_from(*next).ok());
        let first = at(&self.first_child, storage);
        std::iter::successors(first, move |index| at(&self.next_child, *index))
            .map_while(|index| Some((index, self.entries.get(index)?)))
    }

    /// The child of a storage that has this name, in any case.
    pub(crate) fn child(&self, storage: usize, name: &str) -> Option<(usize, &Entry)> {
        self.children(storage).find(|(_, entry)| entry.name.eq_ignore_ascii_case(name))
    }

    /// The streams of a storage; those that no tree reaches stand in none.
    pub(crate) fn streams_of(&self, storage: Option<usize>) -> Vec<&Entry> {
        let entries: Vec<&Entry> = match storage {
            Some(storage) => self.children(storage).map(|(_, entry)| entry).collect(),
            None => self.entries.iter().filter(|entry| entry.parent.is_none()).collect(),
        };
        entries.into_iter().filter(|entry| entry.kind == Kind::Stream).collect()
    }

    /// Streams anywhere.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.kind == Kind::Stream)
    }
}
