//! The spool: content and envelopes of all mail that was answered with 250 and is not yet done.
//!
//! A directory of segments of kind [`SegmentKind::SPOOL`], written by one thread that syncs once for all that has gathered. Which
//! records there are is said in `record.rs`; in what order they are written, which state owns a message and how space comes back in
//! `log.rs`; how all is read again in `fold.rs`. When something is tried next, and by whom, is none of its business.

mod content;
mod copy;
mod error;
mod fold;
mod id;
mod index;
mod log;
mod message;
mod options;
mod read;
mod record;
mod view;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

pub use content::Content;
pub use error::SpoolError;
pub use id::{QueueId, QueueIdError};
pub use message::{
    Attempt, BodyType, Done, HoldReason, Mark, Notify, QueuedMessage, RecipientState, Ret, SpoolMessage, SpoolRecipient,
};
pub use options::{Acceptance, SpoolGauges, SpoolOptions, SpoolRecovery};
pub use read::ContentReader;
pub use view::SpoolView;

use crate::commit::{Claim, CommitError, Committer, Finish, Pace};
use crate::directory::{Place, SegmentDir, SegmentDirOptions};
use crate::file_system::{FileSystem, OsFileSystem};
use crate::free_space::FreeSpace;
use crate::segment::{DamageKind, SegmentKind};
use fold::{Fold, Trust};
use index::{Index, States};
use log::{Item, Log, lock};
use read::{Records, Source};

/// Keeps accepted mail until it is done. Clones are the same spool; the last one that goes writes what waits, and ends its thread.
///
/// # Example: how does a message come and go?
/// ```
/// use std::sync::mpsc::channel;
/// use xd_store::simulated::Disk;
/// use xd_store::*;
///
/// let (spool, recovery) = Spool::open(&Disk::new(), "/data/spool", SpoolOptions::default())?;
/// assert_eq!(recovery.live, 0);
///
/// let content = Content::from(b"Subject: Hello\r\n\r\nDear Bob\r\n".to_vec());
/// # let recipient = SpoolRecipient {
/// #     forward_path: "bob@example.com".into(), orcpt: None, notify: Notify::DEFAULT, state: RecipientState::Waiting,
/// # };
/// # let message = SpoolMessage {
/// #     id: spool.next_id(), arrived: 0, reverse_path: String::new(), recipients: vec![recipient], ret: None, envid: None,
/// #     body: BodyType::SevenBit, smtputf8: false, bytes: content.bytes(), sha256_received: [0; 32], sha256_spooled: [0; 32],
/// #     actions: vec![], client: None, ehlo: "mx.example.net".into(), authenticated: None, tls: None, may_report: false,
/// #     class: "ham".into(), score: "0".into(), engine: String::new(), archive: false,
/// # };
/// let id = message.id;
/// let (done, told) = channel();
/// spool.accept(Acceptance { message, content: content.clone() }, move |result| done.send(result).unwrap());
/// // Only now may 250 be said.
/// told.recv().unwrap().unwrap();
/// assert_eq!(spool.read_content(id)?.read_all()?, content.to_vec());
///
/// let (done, told) = channel();
/// let delivered = Mark::Recipient { index: 0, state: RecipientState::Done(Done::Delivered) };
/// spool.mark(id, vec![delivered], move |result| done.send(result).unwrap());
/// told.recv().unwrap().unwrap();
/// assert!(spool.read_content(id).is_err());
/// # Ok::<(), SpoolError>(())
/// ```
pub struct Spool<F: FileSystem = OsFileSystem>(Arc<Inner<F>>);

struct Inner<F: FileSystem> {
    files: F,
    path: PathBuf,
    index: Arc<Mutex<Index>>,
    last_id: Arc<AtomicU64>,
    reserve_bytes: u64,
    free: FreeSpace,
    committer: Committer<Item>,
}

/// The most bytes of a content; 1 GiB, far beyond what any next hop takes.
const CONTENT_MAX: u64 = 1 << 30;
/// The most bytes of an envelope: 100,000 recipients.
const ENVELOPE_MAX: usize = 32 << 20;
/// A segment has offsets of 32 bits, and records at its end.
const ROLL_MAX: u64 = 1 << 30;

impl<F: FileSystem> Spool<F> {
    /// Opens a spool, which is created where it is missing, and locks it. Reads envelopes and marks, not contents.
    ///
    /// # Errors
    /// Another process has it, it cannot be read or written, or a later version wrote it.
    pub fn open(files: &F, path: impl Into<PathBuf>, options: SpoolOptions) -> Result<(Self, SpoolRecovery), SpoolError> {
        let path = path.into();
        let roll_bytes = options.roll_bytes.min(ROLL_MAX);
        let segments = SegmentDirOptions { roll_bytes, ..SegmentDirOptions::new(SegmentKind::SPOOL) };
        let (mut directory, recovery) = SegmentDir::open(files, &path, segments)?;
        // What a process left that was killed may be in memory alone, and is about to be taken for durable.
        directory.sync()?;
        let recovery = recovery.unwrap_or_default();
        // Its lengths were checked, unless something was found.
        let sound = recovery.damages.iter().all(|damage| damage.kind == DamageKind::Tail);
        let trust = |_, last| if last && !sound { Trust::Nothing } else { Trust::Lengths };
        let Fold { index, next, last_id, missing, damages, last, .. } = Fold::read(files, &path, trust)?;
        let (index, last_id) = (Arc::new(Mutex::new(index)), Arc::new(AtomicU64::new(last_id)));
        let mut log = Log {
            directory,
            records: Records::new(files.clone(), path.clone()),
            index: index.clone(),
            last_id: last_id.clone(),
            next,
            commit: next,
            began: None,
            slack_bytes: options.slack_bytes,
            sizes: Vec::new(),
            copying: None,
            copied: Vec::new(),
            copy_after: None,
            free: FreeSpace::of(files.clone(), path.clone()),
            spare_bytes: options.reserve_bytes / 4,
            scratch: Vec::new(),
        };
        let torn = log.begin(last.into_iter().collect())?;
        let live = lock(&index).len() as u64;
        let kept = recovery.kept.into_iter().collect();
        let told = SpoolRecovery { live, damages, kept, missing, torn, warnings: files.warnings(&path) };
        let pace = Pace { most_bytes: options.waiting_bytes, apart: Duration::ZERO, closing: options.closing };
        let committer = Committer::start("spool", pace, log).map_err(SpoolError::Thread)?;
        let free = FreeSpace::of(files.clone(), path.clone());
        let (files, reserve_bytes) = (files.clone(), options.reserve_bytes);
        Ok((Self(Arc::new(Inner { files, path, index, last_id, reserve_bytes, free, committer })), told))
    }

    /// A name that no message of this spool has had.
    #[must_use]
    pub fn next_id(&self) -> QueueId {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let following = |last| QueueId::following(last, now).number();
        let last = self.0.last_id.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(following(last)));
        QueueId::new(following(last.unwrap_or_else(|last| last)))
    }

    /// Makes a message durable, then calls `done`, on the commit thread, or at once if it is refused: it must be quick and
    /// never wait. After `Ok` the message is the spool's whatever happens. After an error it need not be: whoever sent it has
    /// to send it again.
    pub fn accept(&self, acceptance: Acceptance, done: impl FnOnce(Result<(), CommitError>) + Send + 'static) {
        let Acceptance { message, content } = acceptance;
        let done: Finish = Box::new(done);
        if let Err(error) = self.fits(&message, &content) {
            return done(Err(error));
        }
        let envelope = record::envelope(&message, None);
        if envelope.len() > ENVELOPE_MAX {
            return done(Err(CommitError::Unfit { what: "the envelope is too long" }));
        }
        let bytes = content.bytes() + envelope.len() as u64;
        let item = Item::Accept { id: message.id, content, envelope, states: States::of(&message), written: None };
        self.0.committer.submit(item, bytes, Claim::Refusable, Some(done));
    }

    /// Makes marks of a message durable, all of them or none, then calls `done`, as [`Spool::accept`] does. They are in effect for
    /// readers once they are durable.
    pub fn mark(&self, id: QueueId, marks: Vec<Mark>, done: impl FnOnce(Result<(), CommitError>) + Send + 'static) {
        let encoded = record::marks(id, &marks);
        let bytes = encoded.len() as u64;
        self.0.committer.submit(Item::Mark { id, marks, encoded, written: None }, bytes, Claim::Urgent, Some(Box::new(done)));
    }

    /// The content of a message.
    ///
    /// # Errors
    /// It is not in the spool, or cannot be read.
    pub fn read_content(&self, id: QueueId) -> Result<ContentReader<F>, SpoolError> {
        let mut records = self.0.records();
        let (queued, chunks) = self.0.locate(id, &mut records)?;
        Ok(ContentReader::new(id, records, Some(self.0.clone()), chunks, queued.message.bytes))
    }

    /// A message as it stands, from disk.
    ///
    /// # Errors
    /// It is not in the spool, or cannot be read.
    pub fn read_message(&self, id: QueueId) -> Result<QueuedMessage, SpoolError> {
        self.0.locate(id, &mut self.0.records()).map(|(queued, _)| queued)
    }

    /// The messages that are not done now, in the order of their names, each read from disk when it is asked for; those that are
    /// done by then are left out. Nothing but their names is in memory. One that cannot be read is an error among others; it
    /// stays in the spool.
    pub fn messages(&self) -> impl Iterator<Item = Result<QueuedMessage, SpoolError>> + use<F> {
        self.messages_by_id().map(|(_, read)| read)
    }

    /// The same, each with its name, by which one that cannot be read now is found again.
    pub fn messages_by_id(&self) -> impl Iterator<Item = (QueueId, Result<QueuedMessage, SpoolError>)> + use<F> {
        let (inner, mut records) = (self.0.clone(), self.0.records());
        self.ids().into_iter().filter_map(move |id| match inner.locate(id, &mut records) {
            Ok((queued, _)) => Some((id, Ok(queued))),
            Err(SpoolError::Unknown(_)) => None,
            Err(error) => Some((id, Err(error))),
        })
    }

    /// The names of all messages that are not done, in order.
    #[must_use]
    pub fn ids(&self) -> Vec<QueueId> {
        lock(&self.0.index).ids().collect()
    }

    /// Ends it for all its clones: takes nothing more, and waits until all that waits is on disk, or has found no room for
    /// [`SpoolOptions::closing`]. How many changes of messages are forgotten. Reading goes on.
    pub fn close(&self) -> u64 {
        self.0.committer.close()
    }

    /// How it is doing.
    #[must_use]
    pub fn gauges(&self) -> SpoolGauges {
        let commit = self.0.committer.gauges();
        let index = lock(&self.0.index);
        SpoolGauges {
            waiting: commit.waiting,
            waiting_bytes: commit.waiting_bytes,
            oldest_waiting: commit.oldest_waiting,
            commits: commit.commits,
            sync_failures: commit.failures,
            last_sync: commit.last_sync,
            bytes: index.bytes(),
            live_bytes: index.live_bytes(),
            segments: index.segments() as u64,
            live_messages: index.len() as u64,
            unreadable: index.unreadable().len() as u64,
            shortages: commit.shortages,
            short: commit.short,
            broken: commit.broken,
        }
    }

    /// Why nothing is made durable any more, since a write or sync failed. Another spool must be opened then, best by a new process
    /// on a disk that somebody looked at.
    #[must_use]
    pub fn is_broken(&self) -> Option<Arc<str>> {
        self.0.committer.broken()
    }

    /// Whether marks wait for something that was used up, such as the room on the disk. They are tried again, four times a second; what is
    /// delivered in the meantime cannot be remembered. Costs no more than a look at a number.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.0.committer.is_stuck()
    }

    /// Messages that were not done and whose record could not be read any more when all others of their segment were copied. They are not
    /// in the spool now; their segment is kept under a name that ends in `.damaged`. At most a thousand are named.
    #[must_use]
    pub fn unreadable(&self) -> Vec<QueueId> {
        lock(&self.0.index).unreadable().to_vec()
    }

    /// Whether a message can be taken.
    fn fits(&self, message: &SpoolMessage, content: &Content) -> Result<(), CommitError> {
        let unfit = |what| Err(CommitError::Unfit { what });
        if content.bytes() != message.bytes {
            return unfit("the envelope tells another length");
        }
        if content.bytes() > CONTENT_MAX {
            return unfit("the content is longer than 1 GiB");
        }
        if !message.is_live() {
            return unfit("nothing is left to be done");
        }
        let free = self.0.free.bytes();
        match free >= self.0.reserve_bytes.saturating_add(content.bytes()).saturating_add(self.0.committer.waiting_bytes()) {
            true => Ok(()),
            false => Err(CommitError::Full { free }),
        }
    }
}

impl Spool<OsFileSystem> {
    /// Looks at a spool without a lock and without changing anything: a copy, or one that another process writes to.
    ///
    /// # Errors
    /// It cannot be read, or a later version wrote it.
    pub fn read_dir(path: impl Into<PathBuf>) -> Result<SpoolView, SpoolError> {
        SpoolView::read(&OsFileSystem, path)
    }
}

impl<F: FileSystem> Inner<F> {
    fn records(&self) -> Records<F> {
        Records::new(self.files.clone(), self.path.clone())
    }

    fn locate(&self, id: QueueId, records: &mut Records<F>) -> Result<(QueuedMessage, Vec<Place>), SpoolError> {
        let mut attempt = 0;
        loop {
            let entry = lock(&self.index).get(id).cloned().ok_or(SpoolError::Unknown(id))?;
            match records.message(id, &entry) {
                Ok(found) => return Ok(found),
                // It was copied, and its segment is gone.
                Err(SpoolError::Segment(error)) if error.is_missing() && attempt < 8 => attempt += 1,
                Err(error) => {
                    if let SpoolError::Damaged { .. } = error {
                        lock(&self.index).set_damaged(entry.record().segment);
                    }
                    return Err(error);
                }
            }
        }
    }
}

impl<F: FileSystem> Source for Inner<F> {
    fn chunks(&self, id: QueueId) -> Result<Vec<Place>, SpoolError> {
        self.locate(id, &mut self.records()).map(|(_, chunks)| chunks)
    }

    fn damaged(&self, segment: u64) {
        lock(&self.index).set_damaged(segment);
    }
}

impl<F: FileSystem> Clone for Spool<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: FileSystem> fmt::Debug for Spool<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("path", &self.0.path).field("gauges", &self.gauges()).finish_non_exhaustive()
    }
}
