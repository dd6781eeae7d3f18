//! What the spool keeps in memory of each message that is not done: where it stands, and the state of its recipients. About
//! 110 bytes for a message to one recipient; envelopes and replies stay on disk.

use std::collections::BTreeMap;

use super::message::{Mark, QueuedMessage, RecipientState};
use super::{QueueId, SpoolMessage};
use crate::Place;
use crate::segment::Offset;

/// All messages that are not done, and all segments.
#[derive(Debug, Default)]
pub(crate) struct Index {
    messages: BTreeMap<QueueId, Entry>,
    segments: BTreeMap<u64, Segment>,
    live_bytes: u64,
    unreadable: Vec<QueueId>,
}

/// How many messages are named that could not be read: more is the same story.
const UNREADABLE_MAX: usize = 1_000;

/// A segment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Segment {
    pub(crate) bytes: u64,
    /// Messages that are not done and of which the first record stands in it.
    pub(crate) live: u64,
    /// Something in it could not be read: it is kept when it is not needed any more.
    pub(crate) damaged: bool,
}

/// A message that is not done.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where its record stands.
    segment: u64,
    offset: u32,
    /// How many segments before that its first chunk stands.
    back: u32,
    /// How many segments behind that its last attempt stands, and where; [`NOWHERE`] if the record says it itself.
    attempt_ahead: u32,
    attempt_offset: u32,
    /// On disk.
    bytes: u32,
    /// How many, and whether an archive copy is owed.
    recipients: u32,
    /// `None` while all of them wait.
    states: Option<Box<[RecipientState]>>,
}

/// Where a message was written.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) record: Place,
    /// The segment of the first chunk.
    pub(crate) first: u64,
    pub(crate) bytes: u64,
}

/// The states of the recipients of a message, as far as memory has to know.
#[derive(Clone, Debug)]
pub(crate) struct States {
    recipients: u32,
    states: Option<Box<[RecipientState]>>,
}

const NOWHERE: u32 = u32::MAX;
const ARCHIVE: u32 = 1 << 31;

impl States {
    pub(crate) fn of(message: &SpoolMessage) -> Self {
        let waiting = message.recipients.iter().all(|recipient| recipient.state == RecipientState::Waiting);
        let states = (!waiting).then(|| message.recipients.iter().map(|recipient| recipient.state).collect());
        // A record has no room for so many that this would not fit.
        let recipients = message.recipients.len() as u32 & !ARCHIVE;
        Self { recipients: if message.archive { recipients | ARCHIVE } else { recipients }, states }
    }
}

impl Index {
    /// A message is durable there now; if it was somewhere else, that is no longer needed.
    pub(crate) fn insert(&mut self, id: QueueId, at: &Located, states: States) {
        self.remove(id);
        // Chunks whose segment is missing pin nothing; the record still does.
        let first = if self.segments.contains_key(&at.first) { at.first } else { at.record.segment };
        let entry = Entry {
            segment: at.record.segment,
            offset: small(at.record.offset.bytes()),
            back: small(at.record.segment.saturating_sub(first)),
            attempt_ahead: NOWHERE,
            attempt_offset: 0,
            bytes: small(at.bytes),
            recipients: states.recipients,
            states: states.states,
        };
        self.segments.entry(entry.first()).or_default().live += 1;
        self.live_bytes += u64::from(entry.bytes);
        self.messages.insert(id, entry);
    }

    /// Marks are durable there now. `false` if there is no such message.
    pub(crate) fn mark(&mut self, id: QueueId, marks: &[Mark], place: Place) -> bool {
        let Some(entry) = self.messages.get_mut(&id) else { return false };
        marks.iter().for_each(|mark| entry.apply(mark, place));
        if !entry.is_live() {
            self.remove(id);
        }
        true
    }

    /// Forgets a message.
    pub(crate) fn remove(&mut self, id: QueueId) {
        if let Some(entry) = self.messages.remove(&id) {
            self.live_bytes -= u64::from(entry.bytes);
            if let Some(segment) = self.segments.get_mut(&entry.first()) {
                segment.live -= 1;
            }
        }
    }

    pub(crate) fn set_bytes(&mut self, segment: u64, bytes: u64) {
        self.segments.entry(segment).or_default().bytes = bytes;
    }

    pub(crate) fn set_damaged(&mut self, segment: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.damaged = true;
        }
    }

    pub(crate) fn remove_segment(&mut self, segment: u64) {
        self.segments.remove(&segment);
    }

    pub(crate) fn oldest(&self) -> Option<(u64, Segment)> {
        self.segments.first_key_value().map(|(&number, &segment)| (number, segment))
    }

    /// The messages whose first record stands in a segment, with the bytes of each.
    pub(crate) fn in_segment(&self, number: u64) -> impl Iterator<Item = (QueueId, u64)> {
        self.messages.iter().filter(move |(_, entry)| entry.first() == number).map(|(&id, entry)| (id, u64::from(entry.bytes)))
    }

    /// Forgets a message that nobody can read any more, but for its name.
    pub(crate) fn give_up(&mut self, id: QueueId) {
        self.remove(id);
        if self.unreadable.len() < UNREADABLE_MAX {
            self.unreadable.push(id);
        }
    }

    /// The names of those that nobody could read.
    pub(crate) fn unreadable(&self) -> &[QueueId] {
        &self.unreadable
    }

    pub(crate) fn get(&self, id: QueueId) -> Option<&Entry> {
        self.messages.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (QueueId, &Entry)> {
        self.messages.iter().map(|(&id, entry)| (id, entry))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = QueueId> {
        self.messages.keys().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn segments(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }
}

impl Entry {
    pub(crate) fn record(&self) -> Place {
        Place { segment: self.segment, offset: Offset::new(u64::from(self.offset)) }
    }

    /// The segment of its first chunk.
    pub(crate) fn first(&self) -> u64 {
        self.segment.saturating_sub(u64::from(self.back))
    }

    /// The mark that tells its last attempt.
    pub(crate) fn attempt(&self) -> Option<Place> {
        let segment = self.segment + u64::from(self.attempt_ahead);
        (self.attempt_ahead != NOWHERE).then(|| Place { segment, offset: Offset::new(u64::from(self.attempt_offset)) })
    }

    /// Puts into a message what its record does not know.
    pub(crate) fn complete(&self, queued: &mut QueuedMessage) {
        queued.message.archive = self.recipients & ARCHIVE != 0;
        for (recipient, state) in queued.message.recipients.iter_mut().zip(self.states.iter().flatten()) {
            recipient.state = *state;
        }
    }

    fn is_live(&self) -> bool {
        match &self.states {
            _ if self.recipients & ARCHIVE != 0 => true,
            Some(states) => states.iter().any(|state| !state.is_done()),
            None => self.recipients > 0,
        }
    }

    pub(crate) fn apply(&mut self, mark: &Mark, place: Place) {
        match mark {
            Mark::Archived => self.recipients &= !ARCHIVE,
            Mark::Attempt(_) => {
                self.attempt_ahead = small(place.segment.saturating_sub(self.segment));
                self.attempt_offset = small(place.offset.bytes());
            }
            Mark::Recipient { index, state } => {
                if let Some(known) = self.states_mut().get_mut(*index as usize) {
                    known.set(*state);
                }
            }
            Mark::Remove(done) => {
                self.recipients &= !ARCHIVE;
                self.states_mut().iter_mut().for_each(|state| state.set(RecipientState::Done(*done)));
            }
        }
    }

    fn states_mut(&mut self) -> &mut [RecipientState] {
        let recipients = (self.recipients & !ARCHIVE) as usize;
        self.states.get_or_insert_with(|| vec![RecipientState::Waiting; recipients].into())
    }
}

/// A segment has less than 4 GiB, and so has a message; a spool of more segments than that has never been.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(NOWHERE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_takes_little_memory() {
        assert_eq!(size_of::<Entry>(), 48);
        // Nodes of the tree are at least half full, and one in eleven has twelve edges besides.
        assert!((size_of::<Entry>() + size_of::<QueueId>()) * 2 + 10 <= 125);
    }
}
