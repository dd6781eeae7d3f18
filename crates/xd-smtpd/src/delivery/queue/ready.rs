//! Entries that are ready at a destination, in their order: a list through the entries themselves, so that one in the middle leaves it
//! without a search, and none takes memory beside them.

use super::entry::{Entry, NONE};

/// A list of entries.
#[derive(Clone, Copy, Debug)]
pub(in crate::delivery) struct ReadyList {
    first: u32,
    last: u32,
    len: u32,
}

impl ReadyList {
    pub(in crate::delivery) const fn new() -> Self {
        Self { first: NONE, last: NONE, len: 0 }
    }

    pub(in crate::delivery) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(in crate::delivery) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn first(&self) -> Option<u32> {
        if self.first == NONE { None } else { Some(self.first) }
    }

    pub(super) fn push_back(&mut self, entries: &mut [Entry], slot: u32) {
        self.insert(entries, self.last, slot, NONE);
    }

    pub(super) fn push_front(&mut self, entries: &mut [Entry], slot: u32) {
        self.insert(entries, NONE, slot, self.first);
    }

    /// Takes out an entry that is in the list.
    pub(super) fn remove(&mut self, entries: &mut [Entry], slot: u32) {
        let Some(&Entry { before, behind, .. }) = entries.get(slot as usize) else { return };
        match entries.get_mut(before as usize) {
            Some(entry) => entry.behind = behind,
            None => self.first = behind,
        }
        match entries.get_mut(behind as usize) {
            Some(entry) => entry.before = before,
            None => self.last = before,
        }
        self.len -= 1;
    }

    fn insert(&mut self, entries: &mut [Entry], before: u32, slot: u32, behind: u32) {
        if let Some(entry) = entries.get_mut(slot as usize) {
            (entry.before, entry.behind) = (before, behind);
        }
        match entries.get_mut(before as usize) {
            Some(entry) => entry.behind = slot,
            None => self.first = slot,
        }
        match entries.get_mut(behind as usize) {
            Some(entry) => entry.before = slot,
            None => self.last = slot,
        }
        self.len += 1;
    }
}
