//! The journal: what happened to every message and every refusal, in order, numbered without gaps.
//!
//! A directory of segments of kind [`SegmentKind::JOURNAL`], written by a commit thread of its own. Readers need nothing of the
//! writer: a [`JournalReader`] of another process sees all records up to the last whole one, and their numbers say that none is
//! missing.
//!
//! Appending: 1. a record gets the next number and is written; 2. its segment is synced, once for all that waits; 3. `done` is
//! called. A crash before 2 may lose it, and its number is given again.
//!
//! The next segment begins by size. The oldest go when all their records are older than the retention: 1. the file is removed;
//! 2. the directory is synced. Single records are erased in place, as `docs/segment-format.md` tells; their numbers are gone with
//! them, and an erased record is told as such.

mod reader;
mod record;
mod search;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use reader::{JournalEntry, JournalReader};
pub use record::{Change, Delivery, JournalEvent, JournalRecord, Transaction};
pub use search::{JournalQuery, fold_case};

use crate::commit::{CommitError, Committer, Finish, Work};
use crate::directory::{Place, SegmentDir, SegmentDirOptions};
use crate::error::SegmentError;
use crate::file_system::{FileSystem, OsFileSystem};
use crate::segment::{Damage, RecordType, SegmentKind};
use crate::spool::SpoolError;

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
pub struct Journal(Arc<Committer<Item>>);

enum Item {
    Append { record_type: RecordType, payload: Vec<u8>, time: u64 },
    Erase(Vec<Place>),
}

struct Log<F: FileSystem> {
    directory: SegmentDir<F>,
    next: u64,
    retention: u64,
    /// The time of the newest record.
    newest: u64,
    /// The segments, and the time of the first record of each that is known.
    segments: VecDeque<(u64, u64)>,
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
        directory.sync()?;
        let recovery = recovery.unwrap_or_default();
        let (last_sequence, newest, segments) = reader::survey(files, &path)?;
        let told = JournalRecovery { last_sequence, damages: recovery.damages, kept: recovery.kept };
        let log = Log { directory, next: last_sequence + 1, retention: options.retention, newest, segments };
        let committer = Committer::start("journal", options.waiting_bytes, options.gathering, log).map_err(SpoolError::Thread)?;
        Ok((Self(Arc::new(committer)), told))
    }

    /// Makes a record durable, then calls `done`, on the commit thread, or at once if it is refused: it must be quick and never
    /// wait. Records are numbered in the order of these calls.
    pub fn append(&self, record: &JournalRecord, done: Option<Finish>) {
        let (record_type, payload) = record.encode();
        let bytes = payload.len() as u64;
        if payload.len() + 8 > crate::PAYLOAD_MAX {
            if let Some(done) = done {
                done(Err(CommitError::Unfit { what: "the record is too long" }));
            }
            return;
        }
        self.0.submit(Item::Append { record_type, payload, time: record.time }, bytes, false, done);
    }

    /// Erases records, durably, then calls `done`. Those of segments that are gone are passed over.
    pub fn erase(&self, places: Vec<Place>, done: impl FnOnce(Result<(), CommitError>) + Send + 'static) {
        let done: Finish = Box::new(done);
        self.0.submit(Item::Erase(places), 0, true, Some(done));
    }

    /// How it is doing.
    #[must_use]
    pub fn gauges(&self) -> JournalGauges {
        let commit = self.0.gauges();
        JournalGauges {
            waiting: commit.waiting,
            waiting_bytes: commit.waiting_bytes,
            oldest_waiting: commit.oldest_waiting,
            commits: commit.commits,
            sync_failures: commit.failures,
            broken: commit.broken,
        }
    }

    /// Why nothing is made durable any more, since a write or sync failed.
    #[must_use]
    pub fn is_broken(&self) -> Option<Arc<str>> {
        self.0.broken()
    }
}

impl<F: FileSystem> Work for Log<F> {
    type Item = Item;

    /// Lets go of segments that are too old, one at a time.
    fn tend(&mut self) -> Result<bool, SegmentError> {
        let limit = self.newest.saturating_sub(self.retention);
        // All records of a segment are older than the first of the next.
        match (self.segments.front().copied(), self.segments.get(1)) {
            (Some((oldest, _)), Some(&(_, next_begins)))
                if next_begins < limit && self.directory.active().map(|it| it.0) > Some(oldest) =>
            {
                self.directory.remove(oldest)?;
                self.segments.pop_front();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn write(&mut self, item: &mut Item) -> Result<(), SegmentError> {
        match item {
            // 1.
            Item::Append { record_type, payload, time } => {
                self.directory.prepare(payload.len() + 8)?;
                let place = self.directory.append_parts(*record_type, &[&self.next.to_le_bytes(), payload])?;
                self.next += 1;
                self.newest = self.newest.max(*time);
                if self.segments.back().is_none_or(|(segment, _)| *segment != place.segment) {
                    self.segments.push_back((place.segment, *time));
                }
            }
            Item::Erase(places) => {
                for place in places.drain(..) {
                    match self.directory.erase(place) {
                        Ok(_) => {}
                        Err(SegmentError::NoRecord { .. }) => {}
                        Err(error) if error.is_missing() => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SegmentError> {
        // 2.
        self.directory.sync()
    }

    fn settle_own(&mut self) {}

    fn settle(&mut self, _: Item) -> Result<(), CommitError> {
        Ok(())
    }
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { roll_bytes: 64 << 20, waiting_bytes: 64 << 20, retention: 90 * 24 * 60 * 60 * 1000, gathering: Duration::ZERO }
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
