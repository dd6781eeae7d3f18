//! When to try again: pure answers to what a queue asks. No clock and no chance: moments come in as arguments, and what looks
//! like chance is a hash of node, message and attempt, so that the same service has the same plan.
//!
//! ```text
//! reply ─▶ class ─▶ the message's own schedule (RetryPolicy): about every 20 minutes, for 7 days
//!               └─▶ the next hop's state (NextHopState): how many at once, and when to probe it while it is down
//! ```
//!
//! Two clocks, two types. [`Wall`] is the calendar's, for the age of a message, which outlives restarts; it may jump. [`Steady`]
//! only ever goes forward and is for intervals; it begins anew with each start.

mod next_hop;
mod reply;
mod retry;

pub use next_hop::{NextHopPolicy, NextHopState, Permission};
pub use reply::{Extent, ReplyClass, classify};
pub use retry::{Plan, RetryPolicy};

/// A moment of the calendar: milliseconds since 1970-01-01T00:00:00Z. It may jump when a clock is set.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Wall(pub u64);

/// A moment of a clock that never goes back: milliseconds since some start.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Steady(pub u64);

impl Wall {
    /// Milliseconds since `earlier`; none when the clock was set back past it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment so many milliseconds later.
    #[must_use]
    pub const fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

impl Steady {
    /// Milliseconds since `earlier`; none when that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment so many milliseconds later.
    #[must_use]
    pub const fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}
