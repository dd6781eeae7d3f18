//! The journal: what happened to every message and every refusal, in order, numbered without gaps.
//!
//! A directory of segments of kind [`SegmentKind::JOURNAL`], written by a commit thread of its own. Readers need nothing of the
//! writer: a [`JournalReader`] of another process sees all records up to the last whole one, and their numbers say that none is
//! missing.
//!
//! Appending: 1. a record gets the next number and is written; 2. its segment is synced, once for all that waits; 3. `done` is
//! called. A crash before 2 may lose it, and its number is given again.
//!
//! The next segment begins by size, between two commits. The oldest go when all their records are older than the retention: 1. the file is
//! removed; 2. the directory is synced. Single records are erased in place, as `docs/segment-format.md` tells; their numbers are gone with
//! them, and an erased record is told as such.
//!
//! **When room runs out.** Marks of the spool need the last of it. So refusals and capsules stop first, then all records. What could not be
//! written is counted, and a record tells how many those were: with the next record that can be written, ten seconds later where
//! [`Journal::tell_lost`] is called now and then, and when the journal is closed. So whoever reads it knows whether it is complete, but for
//! what was left out in the last moments before a kill, or while the disk took nothing at all and the process ended.

mod log;
mod reader;
mod record;
mod search;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use reader::{JournalEntry, JournalReader};
pub use record::{Change, Delivery, Gap, JournalEvent, JournalRecord, Transaction};
pub use search::{JournalQuery, fold_case};

use crate::commit::{Claim, CommitError, Committer, Finish, Pace};
use crate::directory::{Place, SegmentDir, SegmentDirOptions};
use crate::file_system::{FileSystem, OsFileSystem};
use crate::free_space::FreeSpace;
use crate::segment::{Damage, SegmentKind};
use crate::spool::SpoolError;
use log::{Item, Log, Lost};

/// Settings of a journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JournalOptions {
    /// After how many bytes the next segment begins; 64 MiB.
    pub roll_bytes: u64,
    /// How many bytes may wait for the disk; 64 MiB, about a minute of a busy day. More are refused.
    pub waiting_bytes: u64,
    /// How long records are kept at least, in milliseconds, counted back from the newest; 90 days. They go by whole segments.
    pub retention: u64,
    /// How long after a sync records gather before the next; not at all. Where many are written and nobody waits for them, some
    /// milliseconds leave the disk to others.
    pub gathering: Duration,
    /// With less room on the disk, refusals and capsules are left out and counted; 192 MiB, below what stops acceptance.
    pub spare_bytes: u64,
    /// With less room on the disk, all records are left out and counted; 64 MiB, which are the spool's for its marks.
    pub reserve_bytes: u64,
    /// For how long records that find no room are tried again when the journal is closed; 5 seconds.
    pub closing: Duration,
}

/// What was found when a journal was opened.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JournalRecovery {
    /// The number of the last record; 0 if there is none.
    pub last_sequence: u64,
    /// What could not be read of the last segment. All of it is kept.
    pub damages: Vec<Damage>,
    /// A torn end, if one was moved away.
    pub kept: Option<PathBuf>,
}

/// How a journal is doing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JournalGauges {
    /// Records that wait to be made durable.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// How long the oldest of them has waited.
    pub oldest_waiting: Option<Duration>,
    /// Commits so far, each with one sync.
    pub commits: u64,
    /// How many syncs, or writes before them, failed: one is the end.
    pub sync_failures: u64,
    /// Records that were left out since the journal was opened. The journal tells of them when it can.
    pub lost: u64,
    /// How often a commit was put off since something was used up.
    pub shortages: u64,
    /// What is used up, if anything is, such as the room on the disk: records wait for it, or were refused within the last ten seconds.
    pub short: Option<Arc<str>>,
    /// Why nothing is made durable any more.
    pub broken: Option<Arc<str>>,
}

/// Writes the journal. Clones are the same journal; the last one that goes writes what waits.
///
/// # Example: how is a record written and read?
/// ```
/// use std::sync::mpsc::channel;
/// use xd_store::simulated::Disk;
/// use xd_store::*;
///
/// let disk = Disk::new();
/// let (journal, _) = Journal::open(&disk, "/data/journal", JournalOptions::default())?;
/// let refusal = Transaction { recipients: vec!["bob@example.com".into()], reply: "550 5.1.1 no".into(), ..Transaction::default() };
/// let record = JournalRecord { time: 1_800_000_000_000, event: JournalEvent::Refusal(refusal) };
/// let (done, told) = channel();
/// journal.append(&record, Some(Box::new(move |result| done.send(result).unwrap())));
/// told.recv().unwrap().unwrap();
///
/// let mut reader = JournalReader::open(&disk, "/data/journal")?;
/// let Some(JournalEntry::Record { sequence, record: read, .. }) = reader.next_entry()? else { panic!() };
/// assert_eq!((sequence, read), (1, record));
/// assert!(reader.next_entry()?.is_none());
/// # Ok::<(), SpoolError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    committer: Committer<Item>,
    free: FreeSpace,
    spare_bytes: u64,
    reserve_bytes: u64,
    lost: Arc<Lost>,
}

impl Journal {
    /// Opens a journal, which is created where it is missing, and locks it.
    ///
    /// # Errors
    /// Another process has it, or it cannot be read or written.
    pub fn open<F: FileSystem>(
        files: &F,
        path: impl Into<PathBuf>,
        options: JournalOptions,
    ) -> Result<(Self, JournalRecovery), SpoolError> {
        let path = path.into();
        let segments = SegmentDirOptions { roll_bytes: options.roll_bytes, ..SegmentDirOptions::new(SegmentKind::JOURNAL) };
        let (mut directory, recovery) = SegmentDir::open(files, &path, segments)?;
        // The first segment is there before anything can be used up.
        directory.prepare(0)?;
        directory.sync()?;
        let recovery = recovery.unwrap_or_default();
        let survey = reader::survey(files, &path)?;
        let told = JournalRecovery { last_sequence: survey.last, damages: recovery.damages, kept: recovery.kept };
        let lost = Arc::new(Lost::default());
        let log = Log::new(directory, survey, options.retention, lost.clone());
        let pace = Pace { most_bytes: options.waiting_bytes, apart: options.gathering, closing: options.closing };
        let committer = Committer::start("journal", pace, log).map_err(SpoolError::Thread)?;
        let free = FreeSpace::of(files.clone(), path);
        let (spare_bytes, reserve_bytes) = (options.spare_bytes, options.reserve_bytes);
        Ok((Self(Arc::new(Inner { committer, free, spare_bytes, reserve_bytes, lost })), told))
    }

    /// Makes a record durable, then calls `done`, on the commit thread, or at once if it is refused: it must be quick and never
    /// wait. Records are numbered in the order of these calls. Refusals and capsules are refused first when room runs out; what is
    /// refused is counted, and told by [`JournalEvent::Lost`].
    pub fn append(&self, record: &JournalRecord, done: Option<Finish>) {
        let inner = &self.0;
        let claim = match record.event {
            JournalEvent::Capsule { .. } | JournalEvent::Refusal(_) => Claim::Refusable,
            _ => Claim::Lasting,
        };
        let lost = inner.lost.clone();
        let done: Finish = Box::new(move |result| {
            if result.is_err() {
                lost.add(1);
            }
            if let Some(done) = done {
                done(result);
            }
        });
        inner.submit(record, claim, done);
        self.tell_lost();
    }

    /// Tells of records that were left out ten seconds ago or more and are not told yet, whatever else is written. To be called every second
    /// or so: where nothing is appended any more, nothing else tells of them before the journal is closed.
    pub fn tell_lost(&self) {
        self.tell_lost_at(Instant::now);
    }

    fn tell_lost_at(&self, now: impl FnOnce() -> Instant) {
        if self.0.lost.are_due(now) {
            self.0.committer.submit(Item::Tell, 0, Claim::Urgent, None);
        }
    }

    /// The same for a record by which something is to come about, and whoever is behind it waits: it never waits for something that is used
    /// up, and is not counted when it is refused, since then nothing came about.
    pub fn append_or_refuse(&self, record: &JournalRecord, done: impl FnOnce(Result<(), CommitError>) + Send + 'static) {
        self.0.submit(record, Claim::Refusable, Box::new(done));
    }

    /// Erases records, durably, then calls `done`. Those of segments that are gone are passed over.
    pub fn erase(&self, places: Vec<Place>, done: impl FnOnce(Result<(), CommitError>) + Send + 'static) {
        let done: Finish = Box::new(done);
        self.0.committer.submit(Item::Erase { places }, 0, Claim::Urgent, Some(done));
    }

    /// How it is doing.
    #[must_use]
    pub fn gauges(&self) -> JournalGauges {
        let commit = self.0.committer.gauges();
        JournalGauges {
            waiting: commit.waiting,
            waiting_bytes: commit.waiting_bytes,
            oldest_waiting: commit.oldest_waiting,
            commits: commit.commits,
            sync_failures: commit.failures,
            lost: self.0.lost.all(),
            shortages: commit.shortages,
            short: commit.short,
            broken: commit.broken,
        }
    }

    /// Why nothing is made durable any more, since a write or sync failed.
    #[must_use]
    pub fn is_broken(&self) -> Option<Arc<str>> {
        self.0.committer.broken()
    }
}

impl Inner {
    fn submit(&self, record: &JournalRecord, claim: Claim, done: Finish) {
        let needs = match record.event {
            JournalEvent::Capsule { .. } | JournalEvent::Refusal(_) => self.spare_bytes.max(self.reserve_bytes),
            _ => self.reserve_bytes,
        };
        let (record_type, payload) = record.encode();
        let bytes = payload.len() as u64;
        if payload.len() + 8 > crate::PAYLOAD_MAX {
            return done(Err(CommitError::Unfit { what: "the record is too long" }));
        }
        let free = self.free.bytes();
        if needs > 0 && free < needs.saturating_add(self.committer.waiting_bytes()) {
            return done(Err(CommitError::Full { free }));
        }
        self.committer.submit(Item::Append { record_type, payload, time: record.time }, bytes, claim, Some(done));
    }
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            roll_bytes: 64 << 20,
            waiting_bytes: 64 << 20,
            retention: 90 * 24 * 60 * 60 * 1000,
            gathering: Duration::ZERO,
            spare_bytes: 192 << 20,
            reserve_bytes: 64 << 20,
            closing: Duration::from_secs(5),
        }
    }
}

impl Journal {
    /// Reads a journal of this machine, without a lock; another process may be writing to it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_dir(path: impl Into<PathBuf>) -> Result<JournalReader<OsFileSystem>, SpoolError> {
        JournalReader::open(&OsFileSystem, path)
    }
}
