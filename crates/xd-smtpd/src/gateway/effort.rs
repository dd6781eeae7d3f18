//! Work of ours on a message, guarded: a fault in it costs this message, and long work delays no other connection.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// Work on longer messages waits for its turn, and lets others take over the thread's other connections: this much takes about a
/// millisecond.
const INLINE_MAX: usize = 128 << 10;

/// How the work on one message is done.
#[derive(Debug)]
pub(super) struct Effort<'t> {
    is_long: bool,
    turns: &'t Semaphore,
}

impl<'t> Effort<'t> {
    /// For a message of so many bytes. More long ones at once than there are processors would only hold more memory, and slow down
    /// those who carry mail.
    pub(super) fn of(bytes: usize, turns: &'t Semaphore) -> Self {
        Self { is_long: bytes > INLINE_MAX, turns }
    }

    /// Does a piece of work that waits for nobody. None is a fault of ours: its client would come again with the same, unanswered and
    /// unrecorded, if it ended the connection.
    pub(super) async fn spend<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        // What it was about is thrown away with it; all else is only read.
        let guarded = || catch_unwind(AssertUnwindSafe(work)).ok();
        if !self.is_long {
            return guarded();
        }
        let _turn = self.turns.acquire().await;
        match Handle::current().runtime_flavor() {
            // There is no other thread that could take over.
            RuntimeFlavor::CurrentThread => guarded(),
            _ => tokio::task::block_in_place(guarded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fault_of_ours_is_an_answer_and_no_end() {
        let turns = Semaphore::new(1);
        for bytes in [0, INLINE_MAX + 1] {
            let effort = Effort::of(bytes, &turns);
            assert_eq!(effort.spend(|| 7).await, Some(7));
            assert_eq!(effort.spend(|| -> u32 { panic!("a fault") }).await, None);
        }
        assert_eq!(turns.available_permits(), 1);
    }
}
