//! The clocks of delivery: the wall's for ages, which people and other hosts know; a steady one for waits, which nobody sets.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use xd_core::schedule::{Steady, Wall};

/// Both clocks.
#[derive(Debug)]
pub(super) struct Clock(Instant);

impl Clock {
    /// Clocks, of which the steady one begins now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn steady(&self) -> Steady {
        // Milliseconds of half a billion years fit.
        Steady(u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn wall(&self) -> Wall {
        // A clock before 1970 makes no message old.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Wall(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
