//! What a spool is told when it is opened, and what it tells: what it found, and how it is doing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Content, QueueId, SpoolMessage};
use crate::segment::Damage;
use crate::storage::StorageWarning;

/// Settings of a spool.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpoolOptions {
    /// After how many bytes the next segment begins; 64 MiB. At most 1 GiB.
    pub roll_bytes: u64,
    /// How many bytes may wait for the disk, contents included; 256 MiB, what a slow disk takes in a few seconds.
    /// More are refused.
    pub waiting_bytes: u64,
    /// How many bytes of the disk are left alone by acceptance, so that marks can always be written; 256 MiB.
    pub reserve_bytes: u64,
    /// How many bytes of what is done may lie around besides as many as are live; 256 MiB. Above that, live messages of the oldest
    /// segment are copied forward.
    pub slack_bytes: u64,
    /// For how long marks that find no room are tried again when the spool is closed; 5 seconds. What they say is forgotten then.
    pub closing: Duration,
}

/// A message that is to be accepted.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// Its envelope, by a new [`Spool::next_id`](super::Spool::next_id).
    pub message: SpoolMessage,
    /// Its content; `message.bytes` are as many.
    pub content: Content,
}

/// What was found when a spool was opened.
#[derive(Debug, Default)]
pub struct SpoolRecovery {
    /// How many messages are not done; [`Spool::messages`](super::Spool::messages) reads them.
    pub live: u64,
    /// What could not be read, by segment. All of it is kept. In the last commit before a power cut damage is ordinary.
    pub damages: Vec<(PathBuf, Damage)>,
    /// Copies of torn ends that were kept. A torn end is ordinary after a power cut: nothing in it was acknowledged.
    pub kept: Vec<PathBuf>,
    /// Messages of the last commit before a power cut of which the disk wrote the envelope and not the content: taken back, or where
    /// they had been copied, back where they were.
    pub torn: Vec<QueueId>,
    /// Envelopes and marks that are missing between others. None is, unless damage is told too or files were taken away.
    pub missing: u64,
    /// What is doubtful about the disk.
    pub warnings: Vec<StorageWarning>,
}

/// How a spool is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SpoolGauges {
    /// Acceptances and marks that wait to be made durable.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// How long the oldest of them has waited.
    pub oldest_waiting: Option<Duration>,
    /// Commits so far, each with one sync.
    pub commits: u64,
    /// How many syncs, or writes before them, failed: one is the end.
    pub sync_failures: u64,
    /// How long the last of them took.
    pub last_sync: Duration,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Bytes of them that belong to messages that are not done.
    pub live_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Messages that are not done.
    pub live_messages: u64,
    /// Messages that could not be read any more when their segment had to go; [`Spool::unreadable`](super::Spool::unreadable) names them.
    pub unreadable: u64,
    /// How often a commit was put off since something was used up.
    pub shortages: u64,
    /// What is used up, if anything is, such as the room on the disk: marks wait for it, or messages were refused within the last ten
    /// seconds.
    pub short: Option<Arc<str>>,
    /// Why nothing is made durable any more.
    pub broken: Option<Arc<str>>,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            roll_bytes: 64 << 20,
            waiting_bytes: 256 << 20,
            reserve_bytes: 256 << 20,
            slack_bytes: 256 << 20,
            closing: Duration::from_secs(5),
        }
    }
}
