//! Group commit: one thread that writes what others hand it, and makes all of it durable at once.
//!
//! While a sync runs, more gathers; the next one covers all of that. So a disk that syncs a few hundred times a second takes tens
//! of thousands of messages, and a lone one waits for nothing but its own sync. Where nobody waits for what is written, syncs can be
//! kept apart: what comes in between gathers, and the disk is left to others.
//!
//! A commit, in this order:
//! 1. what waits is taken, in its order, up to [`COMMIT_BYTES`]; 2. the work does what it has to do for itself, and writes each
//!    item; 3. it syncs, once; 4. it takes each item for durable; 5. whoever waited for an item is told.
//!
//! Where something is used up in 2 or 3, such as descriptors or the room on the disk, what was written is taken back. What may be
//! refused is refused; what must not be lost waits, and is tried again after [`PAUSE`]. While it waits, the disk is *stuck*: whatever may be
//! refused is refused at once, so that large items never keep out the small ones that must not be lost. When it is being closed, what waits is
//! tried for some more seconds, and is refused in the end.
//!
//! After any other failure in 2 or 3 nobody knows what is on disk: a sync that failed may succeed when called again, with pages that
//! were never written and are clean now. So from then on all that waits and all that comes is refused, with the reason.

mod error;
mod work;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use error::CommitError;
pub(crate) use work::{Claim, Work};

use crate::error::SegmentError;

/// What is called when something is durable, or will not be. It runs on the commit thread, so it must be quick and never wait.
pub type Finish = Box<dyn FnOnce(Result<(), CommitError>) + Send>;

/// Hands items to the commit thread. Dropping it waits until all of them are written.
pub(crate) struct Committer<I: Send + 'static> {
    shared: Arc<Shared<I>>,
    thread: Option<JoinHandle<()>>,
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

/// How many bytes one commit takes: more would make those that came first wait for those behind.
pub(crate) const COMMIT_BYTES: u64 = 16 << 20;
/// How long nothing is committed after something was used up.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a shortage is told behind the last time it was met, where nothing waits by which its end would be noticed.
const TOLD: Duration = Duration::from_secs(10);

/// All is well, as far as is known.
const SOUND: u8 = 0;
/// What must not be lost waits for something that was used up.
const STUCK: u8 = 1;
/// Nothing is written any more.
const BROKEN: u8 = 2;

struct Waiting<I> {
    item: I,
    claim: Claim,
    bytes: u64,
    since: Instant,
    done: Option<Finish>,
}

struct Shared<I> {
    state: Mutex<State<I>>,
    wake: Condvar,
    /// As the state has it, for those who ask often.
    health: AtomicU8,
}

struct State<I> {
    waiting: VecDeque<Waiting<I>>,
    /// Of all that waits and is being committed.
    bytes: u64,
    committing: u64,
    committing_since: Option<Instant>,
    /// When the last commit began.
    began: Option<Instant>,
    /// Whether what waits is not to gather any longer.
    hurried: bool,
    gathering: bool,
    asleep: bool,
    closed: bool,
    /// Until when nothing is committed.
    paused: Option<Instant>,
    /// What was used up at the last commit, and when.
    short: Option<(Arc<str>, Instant)>,
    shortages: u64,
    /// Until when what waits is tried while it is being closed.
    closing: Option<Instant>,
    broken: Option<Arc<str>>,
    commits: u64,
    failures: u64,
    last_sync: Duration,
}

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
            closing: None,
            broken: None,
            commits: 0,
            failures: 0,
            last_sync: Duration::ZERO,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new(), health: AtomicU8::new(SOUND) });
        let its = shared.clone();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || its.run(work, pace))?;
        Ok(Self { shared, thread: Some(thread), most_bytes: pace.most_bytes })
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
        self.shared.lock().closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            // The last user may be a call from the thread itself, which ends behind it.
            && thread.thread().id() != thread::current().id()
        {
            // What went wrong there was told there.
            let _ = thread.join();
        }
    }
}

impl<I: Send + 'static> Shared<I> {
    fn lock(&self) -> MutexGuard<'_, State<I>> {
        // Nothing that can panic is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<W: Work<Item = I>>(&self, mut work: W, pace: Pace) {
        // A callback that panics takes the thread along: then it is as with a failed disk.
        let _end = Ending(self);
        let mut batch = Vec::new();
        let mut more = true;
        // 1.
        while self.take(&mut batch, more, pace.apart) {
            match self.commit(&mut work, &mut batch) {
                Ok(left) => more = left,
                Err(error) if error.is_shortage() && self.has_time(pace.closing) && work.take_back().is_ok() => {
                    self.put_off(&error, &mut batch);
                    more = false;
                }
                Err(error) => {
                    let reason: Arc<str> = error.to_string().into();
                    self.shut(&reason, batch.drain(..).map(|waiting| waiting.done));
                    return;
                }
            }
        }
        work.end();
    }

    /// Whether what waits may wait on: always, until it is being closed.
    fn has_time(&self, closing: Duration) -> bool {
        let mut state = self.lock();
        let now = Instant::now();
        !state.closed || *state.closing.get_or_insert(now + closing) > now
    }

    /// Waits for something to do, and takes it. `false` when all is done and closed.
    fn take(&self, batch: &mut Vec<Waiting<I>>, more: bool, apart: Duration) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() && (!more || state.closed) {
            if state.closed {
                return false;
            }
            state.asleep = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep = false;
        }
        while let Some(until) = state.paused
            && let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.paused = None;
        while let Some(began) = state.began
            && !(state.hurried || state.closed)
            && let Some(left) = apart.checked_sub(began.elapsed()).filter(|left| !left.is_zero())
        {
            // What comes meanwhile need not wake anybody.
            state.gathering = true;
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.gathering = false;
        // What it does for itself keeps nobody waiting.
        if !state.waiting.is_empty() {
            state.began = Some(Instant::now());
        }
        state.hurried = false;
        let mut bytes = 0;
        while let Some(next) = state.waiting.front()
            && (batch.is_empty() || bytes + next.bytes <= COMMIT_BYTES)
        {
            bytes += next.bytes;
            batch.extend(state.waiting.pop_front());
        }
        state.committing = batch.len() as u64;
        state.committing_since = batch.first().map(|waiting| waiting.since);
        true
    }

    fn commit<W: Work<Item = I>>(&self, work: &mut W, batch: &mut Vec<Waiting<I>>) -> Result<bool, SegmentError> {
        // 2.
        let more = work.tend()?;
        for waiting in &mut *batch {
            work.write(&mut waiting.item)?;
        }
        // 3.
        let begin = Instant::now();
        work.sync()?;
        let took = begin.elapsed();
        // 4.
        work.settle_own();
        let bytes: u64 = batch.iter().map(|waiting| waiting.bytes).sum();
        let settled: Vec<_> = batch.drain(..).map(|waiting| (waiting.done, work.settle(waiting.item))).collect();
        {
            let mut state = self.lock();
            state.bytes -= bytes;
            state.committing = 0;
            state.committing_since = None;
            state.commits += u64::from(!settled.is_empty());
            state.last_sync = took;
            if state.short.take().is_some() {
                self.health.store(SOUND, Ordering::Release);
            }
        }
        // What was settled may have left something to tend to.
        let more = more || !settled.is_empty();
        // 5.
        settled.into_iter().for_each(|(done, result)| finish(done, result));
        Ok(more)
    }

    /// Refuses what may be refused of a batch; the rest waits before all others, and as long as it does, nothing waits beside it that may be
    /// refused.
    fn put_off(&self, error: &SegmentError, batch: &mut Vec<Waiting<I>>) {
        let reason: Arc<str> = error.to_string().into();
        let may_wait = |waiting: &Waiting<I>| waiting.claim != Claim::Refusable;
        let (kept, mut refused): (Vec<_>, Vec<_>) = batch.drain(..).partition(may_wait);
        {
            let mut state = self.lock();
            if !kept.is_empty() {
                let (behind, others): (Vec<_>, Vec<_>) = state.waiting.drain(..).partition(may_wait);
                state.waiting = kept.into();
                state.waiting.extend(behind);
                refused.extend(others);
                self.health.store(STUCK, Ordering::Release);
            }
            state.bytes -= refused.iter().map(|waiting| waiting.bytes).sum::<u64>();
            (state.committing, state.committing_since) = (0, None);
            let now = Instant::now();
            state.paused = Some(now + PAUSE);
            state.short = Some((reason.clone(), now));
            state.shortages += 1;
        }
        refused.into_iter().for_each(|waiting| finish(waiting.done, Err(CommitError::Short { reason: reason.clone() })));
    }

    /// Refuses all that waits and all that will come.
    fn shut(&self, reason: &Arc<str>, batch: impl Iterator<Item = Option<Finish>>) {
        let mut state = self.lock();
        state.failures += 1;
        state.broken = Some(reason.clone());
        self.health.store(BROKEN, Ordering::Release);
        state.bytes = 0;
        state.committing = 0;
        state.committing_since = None;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        let all = batch.chain(waiting.into_iter().map(|waiting| waiting.done));
        all.for_each(|done| finish(done, Err(CommitError::Broken { reason: reason.clone() })));
    }
}

/// Sees to it that nobody waits for a thread that is gone.
struct Ending<'s, I: Send + 'static>(&'s Shared<I>);

impl<I: Send + 'static> Drop for Ending<'_, I> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut state = self.0.lock();
            state.broken = Some("the commit thread panicked".into());
            self.0.health.store(BROKEN, Ordering::Release);
            // Whoever waits is told by what its callback is dropped with.
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            drop(waiting);
        }
    }
}

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
