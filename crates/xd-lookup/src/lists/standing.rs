//! How a list stands: never tested, trusted, or suspended.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::time::Instant;

/// Whether answers of a list count.
///
/// ```text
///              test passed                    refusal, strange code, test failed
///  untested ───────────────▶ trusted ───────────────────────────────────────────▶ suspended
///     ▲                         │ test passed: again trusted                          │
///     ├─────────────────────────┘ no test passed for a day                            │
///     └───────────────────────────────────────────────────────────────────────────────┘ an hour later
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    trusted_until: Option<Instant>,
    suspended_until: Option<Instant>,
    next_test: Option<Instant>,
}

/// What the operator should know of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Alarm {
    /// What must not be listed is listed.
    #[error("the list contains what no list may contain: it lists everything, or is closed")]
    ListsEverything,
    /// What must be listed is not.
    #[error("the list lacks the test entry of every list: it is empty, or closed")]
    ListsNothing,
    /// It refuses to answer us.
    #[error("the list refuses us by the code {0}: too many questions, by a public resolver, or without a contract")]
    Refused(Ipv4Addr),
    /// Its answers are outside 127.0.0.0/8.
    #[error("the list answers with the address {0}, which is no code: it is closed, or the resolver lies")]
    Strange(Ipv4Addr),
}

impl Standing {
    /// Whether the list is left alone for now.
    #[must_use]
    pub fn is_suspended(&self, now: Instant) -> bool {
        self.suspended_until.is_some_and(|until| now < until)
    }

    /// Whether what the list says counts.
    #[must_use]
    pub fn is_trusted(&self, now: Instant) -> bool {
        !self.is_suspended(now) && self.trusted_until.is_some_and(|until| now < until)
    }

    /// Whether a test is to be made now. One that begins is not begun again at once, however many messages come; before the
    /// first is passed, every message makes it, and the resolver asks but once.
    pub(super) fn begin_test(&mut self, now: Instant) -> bool {
        if self.is_trusted(now) && self.next_test.is_some_and(|next| now < next) {
            return false;
        }
        self.next_test = Some(now + RETRY);
        true
    }

    pub(super) fn pass(&mut self, now: Instant) {
        *self = Self { trusted_until: Some(now + TRUST), suspended_until: None, next_test: Some(now + TEST) };
    }

    pub(super) fn suspend(&mut self, now: Instant) {
        *self = Self { trusted_until: None, suspended_until: Some(now + SUSPENSION), next_test: None };
    }
}

/// A list is tested so often. Lists that close do so for years; an hour of their nonsense is what a message can meet.
const TEST: Duration = Duration::from_secs(3600);
/// A test without answer is repeated after so long.
const RETRY: Duration = Duration::from_secs(60);
/// A list whose tests have no answers is trusted so long after the last that it passed.
const TRUST: Duration = Duration::from_secs(24 * 3600);
/// A list that failed is left alone so long.
pub(super) const SUSPENSION: Duration = Duration::from_secs(3600);
