//! What the queue knows of a message at a destination, and what it gives and takes.

use std::sync::Arc;

use xd_core::schedule::{Steady, Wall};
use xd_store::{Content, HoldReason, QueueId, QueuedMessage, RecipientState, SpoolMessage};

use crate::delivery::destination::DestinationKey;

/// One message at one destination.
#[derive(Clone, Copy, Debug)]
pub(in crate::delivery) struct Entry {
    pub(in crate::delivery) id: QueueId,
    pub(in crate::delivery) arrived: u64,
    pub(in crate::delivery) due: Steady,
    /// The next entry of the same message.
    pub(in crate::delivery) sibling: u32,
    pub(in crate::delivery) destination: u32,
    pub(in crate::delivery) attempts: u32,
    /// Its neighbours among those that are ready.
    pub(in crate::delivery) before: u32,
    pub(in crate::delivery) behind: u32,
    pub(in crate::delivery) state: EntryState,
    /// How often in a row a connection ended before anything was said of it.
    pub(in crate::delivery) untried: u8,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::delivery) enum EntryState {
    /// In no list; its place may be used again.
    Free,
    /// Kept back, since `due` on the wall clock.
    Held(HoldReason),
    InFlight,
    Ready,
    Waiting,
}

/// No entry.
pub(in crate::delivery) const NONE: u32 = u32::MAX;

/// A message whose content is still in memory.
#[derive(Clone, Debug)]
pub(in crate::delivery) struct Hot {
    pub(in crate::delivery) message: Arc<SpoolMessage>,
    pub(in crate::delivery) content: Content,
}

/// An entry that was taken for an attempt.
#[derive(Debug)]
pub(in crate::delivery) struct Job {
    pub(in crate::delivery) slot: u32,
    pub(in crate::delivery) id: QueueId,
    pub(in crate::delivery) arrived: Wall,
    pub(in crate::delivery) attempts: u32,
    /// How far the present attempt is, where that takes several transactions.
    pub(in crate::delivery) tried: Option<Tried>,
    pub(in crate::delivery) hot: Option<Hot>,
}

/// How far an attempt is that takes several transactions.
#[derive(Clone, Debug)]
pub(in crate::delivery) struct Tried {
    /// The last recipient that had its turn.
    pub(in crate::delivery) last: u32,
    /// Why one of those waits, where one does.
    pub(in crate::delivery) reply: String,
}

/// What the queue wants done after it changed.
#[derive(Debug, Default)]
#[must_use]
pub(in crate::delivery) struct Wanted {
    /// Connections to open, each to a destination.
    pub(in crate::delivery) open: Vec<u32>,
    /// An earlier moment than the timer knows of.
    pub(in crate::delivery) timer: bool,
}

/// An entry that is too old, the state it was in, and its destination.
pub(in crate::delivery) type Old = (Job, EntryState, Option<(u32, DestinationKey)>);

/// Bytes that a message in memory counts for: its content, and about what envelope and maps take.
pub(in crate::delivery) fn weight(hot: &Hot) -> usize {
    // Contents are below the address space.
    hot.content.bytes() as usize + 1024 + 256 * hot.message.recipients.len()
}

/// What is known of an entry to be added.
#[derive(Clone, Copy, Debug)]
pub(in crate::delivery) struct NewEntry {
    pub(in crate::delivery) id: QueueId,
    pub(in crate::delivery) arrived: Wall,
    /// [`HELD`] for held ones.
    pub(in crate::delivery) destination: u32,
    pub(in crate::delivery) attempts: u32,
    pub(in crate::delivery) state: EntryState,
    /// When due; of held ones, since when on the wall clock.
    pub(in crate::delivery) due: Steady,
}

/// The destination of held entries.
pub(in crate::delivery) const HELD: u32 = NONE;

/// The hold by which a message is listed: why and since when. Those that end by themselves go before those that wait for an operator, the
/// oldest first.
pub(in crate::delivery) fn first_hold(message: &QueuedMessage) -> Option<(HoldReason, u64)> {
    let held = message.message.recipients.iter().filter_map(|recipient| match recipient.state {
        RecipientState::Held { reason, since } => Some((reason, since)),
        RecipientState::Done(_) | RecipientState::Waiting => None,
    });
    held.min_by_key(|(reason, since)| (!matches!(reason, HoldReason::Dsn | HoldReason::Quarantine), *since))
}
