//! The thread that commits: takes what waits, writes and syncs it, and tells whoever waited.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{BROKEN, Claim, CommitError, Finish, Pace, SOUND, STUCK, Work, finish};
use crate::error::SegmentError;

/// How many bytes one commit takes: more would make those that came first wait for those behind.
pub(crate) const COMMIT_BYTES: u64 = 16 << 20;
/// How long nothing is committed after something was used up.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Waiting<I> {
    pub(super) item: I,
    pub(super) claim: Claim,
    pub(super) bytes: u64,
    pub(super) since: Instant,
    pub(super) done: Option<Finish>,
}

pub(super) struct Shared<I> {
    pub(super) state: Mutex<State<I>>,
    pub(super) wake: Condvar,
    /// As the state has it, for those who ask often.
    pub(super) health: AtomicU8,
}

pub(super) struct State<I> {
    pub(super) waiting: VecDeque<Waiting<I>>,
    /// Of all that waits and is being committed.
    pub(super) bytes: u64,
    pub(super) committing: u64,
    pub(super) committing_since: Option<Instant>,
    /// When the last commit began.
    pub(super) began: Option<Instant>,
    /// Whether what waits is not to gather any longer.
    pub(super) hurried: bool,
    pub(super) gathering: bool,
    pub(super) asleep: bool,
    pub(super) closed: bool,
    /// Until when nothing is committed.
    pub(super) paused: Option<Instant>,
    /// What was used up at the last commit, and when.
    pub(super) short: Option<(Arc<str>, Instant)>,
    pub(super) shortages: u64,
    /// Items that must not be lost, and were refused when it ended.
    pub(super) unwritten: u64,
    /// Until when what waits is tried while it is being closed.
    pub(super) closing: Option<Instant>,
    pub(super) broken: Option<Arc<str>>,
    pub(super) commits: u64,
    pub(super) failures: u64,
    pub(super) last_sync: Duration,
}

impl<I: Send + 'static> Shared<I> {
    pub(super) fn lock(&self) -> MutexGuard<'_, State<I>> {
        // Nothing that can panic is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn run<W: Work<Item = I>>(&self, mut work: W, pace: Pace) {
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
                    self.shut(&reason, std::mem::take(&mut batch));
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
    fn shut(&self, reason: &Arc<str>, mut batch: Vec<Waiting<I>>) {
        let mut state = self.lock();
        state.failures += 1;
        state.broken = Some(reason.clone());
        self.health.store(BROKEN, Ordering::Release);
        state.bytes = 0;
        state.committing = 0;
        state.committing_since = None;
        batch.extend(std::mem::take(&mut state.waiting));
        state.unwritten = batch.iter().filter(|waiting| waiting.claim != Claim::Refusable).count() as u64;
        drop(state);
        batch.into_iter().for_each(|waiting| finish(waiting.done, Err(CommitError::Broken { reason: reason.clone() })));
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
