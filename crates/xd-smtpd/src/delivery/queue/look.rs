//! What the queue knows, for those who look at it and change nothing.

use std::collections::HashMap;

use xd_core::schedule::{Steady, Wall};
use xd_store::QueueId;

use super::entry::NONE;
use super::{EntryState, Hot, Queue};
use crate::delivery::destination::{Destination, DestinationKey};

impl Queue {
    /// Where an entry goes.
    pub(in crate::delivery) fn destination_of(&self, slot: u32) -> u32 {
        self.entries[slot as usize].destination
    }

    /// Whether an attempt of a message is under way.
    pub(in crate::delivery) fn is_in_flight(&self, id: QueueId) -> bool {
        let mut slot = self.by_id.get(&id).copied().unwrap_or(NONE);
        while let Some(entry) = self.entries.get(slot as usize) {
            if entry.state == EntryState::InFlight {
                return true;
            }
            slot = entry.sibling;
        }
        false
    }

    /// Whether an entry is the only one of its message.
    pub(in crate::delivery) fn is_alone(&self, slot: u32) -> bool {
        let entry = self.entries[slot as usize];
        entry.sibling == NONE && self.by_id.get(&entry.id) == Some(&slot)
    }

    pub(in crate::delivery) fn destinations(&self) -> impl Iterator<Item = (u32, &Destination)> {
        self.destinations.iter().enumerate().filter_map(|(index, at)| Some((index as u32, at.as_ref()?)))
    }

    /// The destination with this key, if there is one.
    pub(in crate::delivery) fn find(&self, key: &DestinationKey) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Where a message goes, but for what is held, and its content if it is in memory. None while an attempt of it is under way.
    pub(in crate::delivery) fn known(&self, id: QueueId) -> Option<(Vec<DestinationKey>, Option<Hot>)> {
        let (mut keys, mut hot) = (Vec::new(), None);
        let mut slot = self.by_id.get(&id).copied()?;
        while let Some(entry) = self.entries.get(slot as usize) {
            if entry.state == EntryState::InFlight {
                return None;
            }
            let destination = self.destinations.get(entry.destination as usize).and_then(Option::as_ref);
            keys.extend(destination.map(|at| at.key.clone()));
            hot = hot.or_else(|| self.hot.get(&slot).cloned());
            slot = entry.sibling;
        }
        Some((keys, hot))
    }

    /// All messages, each once.
    pub(in crate::delivery) fn ids(&self) -> Vec<QueueId> {
        self.by_id.keys().copied().collect()
    }

    /// All entries: message, destination, arrival, attempts, state and when due.
    pub(in crate::delivery) fn list(&self) -> impl Iterator<Item = (QueueId, u32, Wall, u32, EntryState, Steady)> {
        let entries = self.entries.iter().filter(|entry| entry.state != EntryState::Free);
        entries.map(|entry| (entry.id, entry.destination, Wall(entry.arrived), entry.attempts, entry.state, entry.due))
    }

    /// The arrival of the oldest entry of each destination.
    pub(in crate::delivery) fn oldest(&self) -> HashMap<u32, u64> {
        let mut oldest = HashMap::new();
        for entry in self.entries.iter().filter(|entry| !matches!(entry.state, EntryState::Free | EntryState::Held(_))) {
            let at = oldest.entry(entry.destination).or_insert(entry.arrived);
            *at = entry.arrived.min(*at);
        }
        oldest
    }
}
