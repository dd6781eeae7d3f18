//! Writing capsules: a directory of segments, and the engine that judges kept beside them.

use std::path::Path;

use xd_core::Engine;
use xd_core::capsule::Level;
use xd_store::{EngineStore, Kept, OsFileSystem, SegmentDir, SegmentDirOptions, SegmentError, SegmentKind};

use super::engines::{self, BESIDE};
use super::{CAPSULE, records};
use crate::escape::Plain;
use crate::failure::Failure;
use crate::stop;

/// Appends capsules of one level and one engine to a directory.
#[derive(Debug)]
pub(crate) struct CapsuleWriter {
    directory: SegmentDir,
    level: Level,
}

/// A capsule that is longer than a record may be; nothing of it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLong {
    /// Its bytes.
    pub(crate) bytes: usize,
}

impl CapsuleWriter {
    /// Opens a directory, which is made where it is missing, and keeps the engine there. The key of pseudonyms, if there is
    /// one, is named in the label of each segment.
    pub(crate) fn open(path: &Path, engine: &Engine, level: Level, key: Option<[u8; 8]>) -> Result<Self, Failure> {
        let mut options = SegmentDirOptions::new(SegmentKind::CAPSULES);
        options.label.extend(key.into_iter().flatten());
        let opened = SegmentDir::open(&OsFileSystem, path, options);
        let (directory, recovery) = opened.map_err(|error| Failure::operator(records::told(&error)))?;
        if let Some(recovery) = recovery {
            eprintln!("xd: {}", Plain(&recovery.to_string()));
        }
        // Before any capsule names it.
        let kept = EngineStore::new(OsFileSystem, path.join(BESIDE)).keep(engine, None);
        let kept = kept.map_err(|error| Failure::operator(engines::told(&error)))?;
        if matches!(kept, Kept::Restored { .. }) {
            eprintln!("xd: engine {}: {}", engine.hash(), Plain(&kept.to_string()));
        }
        Ok(Self { directory, level })
    }

    /// Adds an encoded capsule. It is durable after [`CapsuleWriter::finish`].
    pub(crate) fn append(&mut self, capsule: &[u8]) -> Result<Result<(), TooLong>, Failure> {
        // An interrupt must not end the program in the middle of a record.
        let appended = stop::while_writing(|| match self.level {
            // Hashes and counts do not shrink.
            Level::Causes => self.directory.append(CAPSULE, capsule),
            Level::Facts | Level::Content => self.directory.append_compressed(CAPSULE, capsule),
        });
        match appended {
            Ok(_) => Ok(Ok(())),
            Err(SegmentError::PayloadTooLong { bytes, .. }) => Ok(Err(TooLong { bytes })),
            Err(error) => Err(Failure::operator(records::told(&error))),
        }
    }

    /// Makes all capsules durable.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.directory.sync().map_err(|error| Failure::operator(records::told(&error)))
    }
}

impl TooLong {
    /// What to say of it.
    pub(crate) fn why(self) -> String {
        format!("no capsule: it would have {} bytes, {} is the most; a lower level is shorter", self.bytes, xd_store::PAYLOAD_MAX)
    }
}
