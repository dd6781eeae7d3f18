//! Work on several threads with results in the order of the input, in bounded memory.
//!
//! Each worker takes the next item under a lock, works on it alone, and hands in the result under a second lock. Results
//! that come early wait; a worker too far ahead of the oldest missing result waits as well, so that one slow message
//! cannot make the others pile up. With one job all of it runs on the calling thread, without locks.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How many results may wait for an older one. Enough to bridge one slow message among quick ones.
const WINDOW: u64 = 256;

/// The stack of a worker: what the main thread has, so that the number of jobs changes no result.
const STACK_BYTES: usize = 8 << 20;

/// Takes items from `next`, works on them, and hands the results to `deliver` in the order of the items.
///
/// `next` and `work` share a scratch value of the worker, which keeps its allocations from item to item. Stops when
/// `next` has no more, or `deliver` breaks.
pub(crate) fn in_order<T, R, S>(
    jobs: NonZeroUsize,
    mut next: impl FnMut(&mut S) -> Option<T> + Send,
    work: impl Fn(&mut S, T) -> R + Sync,
    mut deliver: impl FnMut(R) -> ControlFlow<()> + Send,
) where
    T: Send,
    R: Send,
    S: Default,
{
    if jobs.get() == 1 {
        let mut scratch = S::default();
        while let Some(item) = next(&mut scratch) {
            if deliver(work(&mut scratch, item)).is_break() {
                return;
            }
        }
        return;
    }
    let source = Mutex::new((next, 0_u64));
    let sink = Mutex::new(Sink { deliver, due: 0, waiting: BTreeMap::new(), stopped: false });
    let moved = Condvar::new();
    let worker = || {
        let _release = ReleaseOthers { sink: &sink, moved: &moved };
        let mut scratch = S::default();
        while !lock(&sink).stopped {
            let (number, item) = {
                let mut source = lock(&source);
                let number = source.1;
                let Some(item) = (source.0)(&mut scratch) else { break };
                source.1 += 1;
                (number, item)
            };
            let result = work(&mut scratch, item);
            let mut sink = lock(&sink);
            // The worker that holds the oldest missing result never waits here, so all get on.
            while number >= sink.due + WINDOW && !sink.stopped {
                sink = moved.wait(sink).unwrap_or_else(PoisonError::into_inner);
            }
            sink.accept(number, result);
            moved.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.get() {
            // A machine that gives no more threads still has this one.
            if std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, worker).is_err() {
                break;
            }
        }
        worker();
    });
}

struct Sink<R, D> {
    deliver: D,
    /// The number of the result to deliver next.
    due: u64,
    waiting: BTreeMap<u64, R>,
    stopped: bool,
}

impl<R, D: FnMut(R) -> ControlFlow<()>> Sink<R, D> {
    fn accept(&mut self, number: u64, result: R) {
        self.waiting.insert(number, result);
        while !self.stopped {
            let Some(result) = self.waiting.remove(&self.due) else { return };
            self.due += 1;
            self.stopped = (self.deliver)(result).is_break();
        }
    }
}

/// Lets the others go when a worker panics: they would wait for its result forever.
struct ReleaseOthers<'a, R, D> {
    sink: &'a Mutex<Sink<R, D>>,
    moved: &'a Condvar,
}

impl<R, D> Drop for ReleaseOthers<'_, R, D> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(self.sink).stopped = true;
            self.moved.notify_all();
        }
    }
}

/// Takes a lock. A panic elsewhere leaves nothing half done that matters here, and ends the program anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(jobs: usize, count: u64, stop_after: u64) -> Vec<u64> {
        let mut items = 0..count;
        let mut seen = Vec::new();
        in_order(
            NonZeroUsize::new(jobs).unwrap(),
            |_: &mut ()| items.next(),
            // Early items are the slow ones.
            |(), item| {
                (0..(count - item) * 20).for_each(|n| assert!(std::hint::black_box(n) < u64::MAX));
                item * 3
            },
            |result| {
                seen.push(result);
                if seen.len() as u64 == stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        seen
    }

    #[test]
    fn results_keep_the_order_of_items() {
        for jobs in [1, 2, 4, 9] {
            assert_eq!(run(jobs, 2_000, u64::MAX), (0..2_000).map(|n| n * 3).collect::<Vec<_>>(), "{jobs} jobs");
        }
    }

    #[test]
    fn nothing_is_delivered_after_a_break() {
        for jobs in [1, 4] {
            assert_eq!(run(jobs, 2_000, 10).len(), 10, "{jobs} jobs");
        }
    }

    #[test]
    fn a_slow_first_item_holds_the_others_within_the_window() {
        let mut items = 0..10 * WINDOW;
        let ahead = Mutex::new((0_u64, 0_u64));
        let mut delivered = 0;
        in_order(
            NonZeroUsize::new(3).unwrap(),
            |_: &mut ()| items.next(),
            |(), item| {
                let mut ahead = lock(&ahead);
                ahead.0 += 1;
                ahead.1 = ahead.1.max(ahead.0);
                drop(ahead);
                if item == 0 {
                    (0..3_000_000_u64).for_each(|n| assert!(std::hint::black_box(n) < u64::MAX));
                }
            },
            |()| {
                lock(&ahead).0 -= 1;
                delivered += 1;
                ControlFlow::Continue(())
            },
        );
        assert_eq!(delivered, 10 * WINDOW);
        assert!(lock(&ahead).1 <= WINDOW + 3);
    }

    #[test]
    fn a_panic_ends_all_workers() {
        let mut items = 0..10 * WINDOW;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            in_order(
                NonZeroUsize::new(3).unwrap(),
                |_: &mut ()| items.next(),
                |(), item| assert_ne!(item, 5, "on purpose"),
                |()| ControlFlow::Continue(()),
            );
        }));
        assert!(outcome.is_err());
    }
}
