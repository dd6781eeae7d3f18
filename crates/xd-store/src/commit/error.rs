//! What can go wrong for whoever waits for a commit.

use std::sync::Arc;

use crate::spool::QueueId;

/// Why something was not committed. All of them are 4yz to a client: nothing was acknowledged, and it may come again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The disk: a write or sync failed, now or before. Nobody knows what is on disk of that commit, so nothing is
    /// acknowledged again until all is opened anew.
    #[error("nothing can be made durable since: {reason}")]
    Broken {
        /// What failed.
        reason: Arc<str>,
    },
    /// The disk: less room is left than is kept for what must always be written.
    #[error("only {free} bytes are free on the disk")]
    Full {
        /// Bytes that are free.
        free: u64,
    },
    /// The system: something was used up, such as descriptors or the room on the disk. Nothing of it was kept.
    #[error("something was used up: {reason}")]
    Short {
        /// What was done when that was noticed, and what the system said.
        reason: Arc<str>,
    },
    /// Ourselves: too much waits to be made durable.
    #[error("{waiting} bytes wait to be made durable, that is enough")]
    Busy {
        /// Bytes that wait.
        waiting: u64,
    },
    /// The caller: such a message cannot be spooled.
    #[error("this cannot be stored: {what}")]
    Unfit {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The caller: there is no such message, or it is done.
    #[error("{0} is not in the spool")]
    Unknown(QueueId),
    /// The caller: it was being closed.
    #[error("it was closed")]
    Closed,
}
