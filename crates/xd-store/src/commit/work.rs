//! What a commit thread is given to do, and how much depends on each piece of it.

use super::CommitError;
use crate::error::SegmentError;

/// What the commit thread does.
pub(crate) trait Work: Send + 'static {
    /// What is written.
    type Item: Send + 'static;

    /// Begins a commit, and does a piece of what it has to do for itself, before the items; all earlier ones are durable. Whether more
    /// is left.
    fn tend(&mut self) -> Result<bool, SegmentError>;

    /// Writes an item.
    fn write(&mut self, item: &mut Self::Item) -> Result<(), SegmentError>;

    /// Makes durable what was written.
    fn sync(&mut self) -> Result<(), SegmentError>;

    /// Takes back all that was written since the last sync. Items are written again, in another commit.
    fn take_back(&mut self) -> Result<(), SegmentError>;

    /// Takes the pieces of [`Work::tend`] for durable; before the items of the same commit.
    fn settle_own(&mut self);

    /// Takes an item for durable.
    fn settle(&mut self, item: Self::Item) -> Result<(), CommitError>;

    /// Ends in good order: all that was handed over is durable or refused.
    fn end(&mut self) {}
}

/// How much depends on an item. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Claim {
    /// It waits for its turn, and is refused when something is used up.
    Refusable,
    /// It waits for its turn, for as long as it takes.
    Lasting,
    /// It is taken however much else waits, does not gather, and waits for as long as it takes.
    Urgent,
}
