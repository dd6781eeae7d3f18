//! Counts of what was accepted and refused, and how long answers took lately.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use xd_config::control::Percentiles;

/// Answers remembered: enough for a 99th percentile, little enough to sort when asked.
const RECENT: usize = 4_096;

/// What happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    accepted: AtomicU64,
    refused: AtomicU64,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    /// Microseconds, the oldest overwritten first.
    times: Vec<u32>,
    next: usize,
}

impl Tally {
    /// A message was accepted; its answer took so long.
    pub(super) fn accepted(&self, took: Duration) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.times.len() < RECENT {
            recent.times.push(took);
        } else {
            let next = recent.next;
            recent.times[next] = took;
            recent.next = (next + 1) % RECENT;
        }
    }

    /// A message was refused after its content.
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages accepted and refused.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.accepted.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// How long recent answers took.
    pub(crate) fn answers(&self) -> Percentiles {
        let mut times = self.recent.lock().unwrap_or_else(PoisonError::into_inner).times.clone();
        times.sort_unstable();
        let at = |share: usize| {
            let index = (times.len() * share / 100).min(times.len().saturating_sub(1));
            times.get(index).map_or(0.0, |&micros| f64::from(micros) / 1_000.0)
        };
        Percentiles { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_recent_answers_count() {
        let tally = Tally::default();
        assert_eq!(tally.answers(), Percentiles::default());
        (0..RECENT).for_each(|_| tally.accepted(Duration::from_secs(1)));
        (0..RECENT).for_each(|number| tally.accepted(Duration::from_micros(number as u64)));
        assert_eq!(tally.answers().p50_ms, 2.048);
        assert_eq!(tally.answers().p99_ms, 4.055);
        assert_eq!(tally.counts(), (2 * RECENT as u64, 0));
    }
}
