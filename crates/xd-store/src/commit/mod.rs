//! Group commit: one thread that writes what others hand it, and makes all of it durable at once.
//!
//! While a sync runs, more gathers; the next one covers all of that. So a disk that syncs a few hundred times a second takes tens
//! of thousands of messages, and a lone one waits for nothing but its own sync. Where nobody waits for what is written, syncs can be
//! kept apart: what comes in between gathers, and the disk is left to others.
//!
//! A commit, in this order:
//! 1. what waits is taken, in its order, up to [`turn::COMMIT_BYTES`]; 2. the work does what it has to do for itself, and writes each
//!    item; 3. it syncs, once; 4. it takes each item for durable; 5. whoever waited for an item is told.
//!
//! Where something is used up in 2 or 3, such as descriptors or the room on the disk, what was written is taken back. What may be
//! refused is refused; what must not be lost waits, and is tried again four times a second. While it waits, the disk is *stuck*: whatever may be
//! refused is refused at once, so that large items never keep out the small ones that must not be lost. When it is being closed, what waits is
//! tried for some more seconds, and is refused in the end.
//!
//! After any other failure in 2 or 3 nobody knows what is on disk: a sync that failed may succeed when called again, with pages that
//! were never written and are clean now. So from then on all that waits and all that comes is refused, with the reason.

mod error;
mod turn;
mod work;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use error::CommitError;
pub(crate) use work::{Claim, Work};

use turn::{Shared, State, Waiting};

/// What is called when something is durable, or will not be. It runs on the commit thread, so it must be quick and never wait.
pub type Finish = Box<dyn FnOnce(Result<(), CommitError>) + Send>;

/// Hands items to the commit thread. Dropping it waits until all of them are written.
pub(crate) struct Committer<I: Send + 'static> {
    shared: Arc<Shared<I>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    most_bytes: u64,
}

/// How much waits, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// At most about so many bytes wait.
    pub(crate) most_bytes: u64,
    /// So long is between the beginnings of two commits, but for what is urgent.
    pub(crate) apart: Duration,
    /// So long what must not be lost is tried again when it is being closed.
    pub(crate) closing: Duration,
}

/// How a commit thread is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct CommitGauges {
    pub(crate) waiting: u64,
    pub(crate) waiting_bytes: u64,
    pub(crate) oldest_waiting: Option<Duration>,
    pub(crate) commits: u64,
    pub(crate) failures: u64,
    pub(crate) last_sync: Duration,
    pub(crate) shortages: u64,
    pub(crate) short: Option<Arc<str>>,
    pub(crate) broken: Option<Arc<str>>,
}

/// How long a shortage is told behind the last time it was met, where nothing waits by which its end would be noticed.
const TOLD: Duration = Duration::from_secs(10);

/// All is well, as far as is known.
const SOUND: u8 = 0;
/// What must not be lost waits for something that was used up.
const STUCK: u8 = 1;
/// Nothing is written any more.
const BROKEN: u8 = 2;

impl<I: Send + 'static> Committer<I> {
    /// Starts the thread.
    pub(crate) fn start<W: Work<Item = I>>(name: &str, pace: Pace, work: W) -> std::io::Result<Self> {
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            committing: 0,
            committing_since: None,
            began: None,
            hurried: false,
            gathering: false,
            asleep: false,
            closed: false,
            paused: None,
            short: None,
            shortages: 0,
            unwritten: 0,
            closing: None,
            broken: None,
            commits: 0,
            failures: 0,
            last_sync: Duration::ZERO,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new(), health: AtomicU8::new(SOUND) });
        let its = shared.clone();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || its.run(work, pace))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), most_bytes: pace.most_bytes })
    }

    /// Hands over an item of about so many bytes.
    pub(crate) fn submit(&self, item: I, bytes: u64, claim: Claim, done: Option<Finish>) {
        let urgent = claim == Claim::Urgent;
        let mut state = self.shared.lock();
        let refused = if let Some(reason) = &state.broken {
            Some(CommitError::Broken { reason: reason.clone() })
        } else if state.closed {
            Some(CommitError::Closed)
        } else if claim == Claim::Refusable
            && self.is_stuck()
            && let Some((reason, _)) = &state.short
        {
            Some(CommitError::Short { reason: reason.clone() })
        // One alone may be larger than all that may wait.
        } else if !urgent && state.bytes > 0 && state.bytes.saturating_add(bytes) > self.most_bytes {
            Some(CommitError::Busy { waiting: state.bytes })
        } else {
            None
        };
        if let Some(error) = refused {
            drop(state);
            finish(done, Err(error));
            return;
        }
        state.bytes += bytes;
        state.waiting.push_back(Waiting { item, claim, bytes, since: Instant::now(), done });
        state.hurried |= urgent;
        if state.asleep || urgent && state.gathering {
            state.gathering = false;
            state.asleep = false;
            self.shared.wake.notify_one();
        }
    }

    /// Takes nothing more, and waits until all that waits is written, or was refused. How many items that must not be lost were refused
    /// since something failed for good, or found no room until the end.
    pub(crate) fn close(&self) -> u64 {
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
        // A panic cannot have left half a handle.
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            // The last user may be a call from the thread itself, which ends behind it.
            && thread.thread().id() != std::thread::current().id()
        {
            // What went wrong there was told there.
            let _ = thread.join();
        }
        self.shared.lock().unwritten
    }

    pub(crate) fn gauges(&self) -> CommitGauges {
        let state = self.shared.lock();
        let oldest = state.committing_since.or_else(|| state.waiting.front().map(|waiting| waiting.since));
        CommitGauges {
            waiting: state.waiting.len() as u64 + state.committing,
            waiting_bytes: state.bytes,
            oldest_waiting: oldest.map(|since| since.elapsed()),
            commits: state.commits,
            failures: state.failures,
            last_sync: state.last_sync,
            shortages: state.shortages,
            short: state
                .short
                .as_ref()
                .filter(|(_, met)| self.is_stuck() || met.elapsed() < TOLD)
                .map(|(reason, _)| reason.clone()),
            broken: state.broken.clone(),
        }
    }

    /// Whether what must not be lost waits for something that was used up. Takes no lock.
    pub(crate) fn is_stuck(&self) -> bool {
        self.shared.health.load(Ordering::Acquire) == STUCK
    }

    /// Bytes that wait.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.shared.lock().bytes
    }

    /// Why nothing is written any more. Takes no lock while all is well.
    pub(crate) fn broken(&self) -> Option<Arc<str>> {
        match self.shared.health.load(Ordering::Acquire) {
            BROKEN => self.shared.lock().broken.clone(),
            _ => None,
        }
    }
}

impl<I: Send + 'static> Drop for Committer<I> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Tells whoever waits.
fn finish(done: Option<Finish>, result: Result<(), CommitError>) {
    if let Some(done) = done {
        done(result);
    }
}

impl<I: Send + 'static> fmt::Debug for Committer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committer").field("gauges", &self.gauges()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
