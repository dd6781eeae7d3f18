//! Remembers: segments of checksummed records, the spool and the journal made of them, and the engines that verdicts name.
//!
//! A **segment** is the one file format that capsules, journal and spool share: appendable, checked record by record, readable
//! around damage, erasable in place. A [`SegmentDir`] is a directory of numbered segments that one process writes to. An
//! [`EngineStore`] keeps the inputs of each engine that ever judged, so that a verdict can be replayed when the rules that
//! led to it are long gone.
//!
//! What records of a segment mean is the business of whoever appends them; there payloads are bytes, nothing needs a daemon, a
//! clock or a network, and the same calls write the same bytes.
//!
//! Two things are built on that, each with a thread of its own that makes durable at once whatever has gathered. The [`Spool`] keeps mail
//! from 250 until it is done: messages are accepted, marked, read, and whatever a crash leaves is found again. The [`Journal`]
//! keeps what happened, numbered without gaps; a [`JournalReader`] reads it beside its writer, a [`JournalQuery`] finds mail in
//! it. `docs/design/spool.md` has reasons and figures.
//!
//! # Example: how are records written, and read again?
//! ```
//! use xd_store::{Entry, RecordType, SegmentDir, SegmentDirOptions, SegmentKind, SegmentReader, segment_files};
//! use xd_store::simulated::Disk;
//!
//! // A disk in memory; programs use `OsFileSystem`.
//! let disk = Disk::new();
//! let options = SegmentDirOptions::new(SegmentKind::CAPSULES);
//! let (mut capsules, recovery) = SegmentDir::open(&disk, "/data/capsules", options)?;
//! assert_eq!(recovery, None);
//! capsules.append(RecordType::new(1), b"a small record")?;
//! let place = capsules.append_compressed(RecordType::new(2), b"a letter ".repeat(100).as_slice())?;
//! capsules.append(RecordType::new(1), b"another one")?;
//! capsules.sync()?;
//! capsules.erase(place)?;
//!
//! let mut payloads = Vec::new();
//! for path in segment_files(&disk, "/data/capsules", SegmentKind::CAPSULES)? {
//!     let content = disk.content(&path).unwrap();
//!     let mut reader = SegmentReader::new(&path, content.as_slice())?;
//!     while let Some(entry) = reader.next_entry()? {
//!         match entry {
//!             Entry::Record(record) => payloads.push(record.payload().to_vec()),
//!             Entry::Erased(record) => assert_eq!(record.offset(), place.offset),
//!             Entry::Damage(damage) => eprintln!("{}: {damage}", path.display()),
//!         }
//!     }
//! }
//! assert_eq!(payloads, [b"a small record".as_slice(), b"another one"]);
//! # Ok::<(), xd_store::SegmentError>(())
//! ```
#![forbid(unsafe_code)]

mod commit;
mod directory;
mod engines;
mod error;
mod file_system;
mod free_space;
mod journal;
mod segment;
pub mod simulated;
mod spool;
mod storage;

pub use commit::{CommitError, Finish};
pub use directory::{Place, SegmentDir, SegmentDirOptions, segment_files};
pub use engines::{EngineEntry, EngineError, EngineInputs, EngineList, EngineStore, Kept};
pub use error::SegmentError;
pub use file_system::{FileSystem, OsFileSystem, StoredDirectory, StoredFile, create_durable_dir};
pub use journal::{
    Change, Delivery, Gap, Journal, JournalEntry, JournalEvent, JournalGauges, JournalOptions, JournalQuery, JournalReader,
    JournalRecord, JournalRecovery, Transaction, fold_case,
};
pub use segment::{
    Damage, DamageKind, Entry, Erasure, FORMAT_VERSION, LABEL_MAX, Offset, PAYLOAD_MAX, Record, RecordType, Recovery,
    SegmentHeader, SegmentKind, SegmentReader, SegmentWriter, erase,
};
pub use spool::{
    Acceptance, Attempt, BodyType, Content, ContentReader, Done, HoldReason, Mark, Notify, QueueId, QueueIdError, QueuedMessage,
    RecipientState, Ret, Spool, SpoolError, SpoolGauges, SpoolMessage, SpoolOptions, SpoolRecipient, SpoolRecovery, SpoolView,
};
pub use storage::StorageWarning;
