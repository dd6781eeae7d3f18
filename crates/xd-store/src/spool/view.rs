//! Looks at a spool from outside: a copy, or one that another process writes to.

use std::path::PathBuf;

use super::fold::{Fold, Trust};
use super::index::Index;
use super::read::{ContentReader, Records};
use super::{QueueId, QueuedMessage, SpoolError};
use crate::file_system::{FileSystem, OsFileSystem};
use crate::segment::Damage;

/// What a spool held when it was read. Takes no lock and needs no permission to write.
///
/// Of one that is being written to, it is what was written at about that time, durable or not.
#[derive(Debug)]
pub struct SpoolView<F: FileSystem = OsFileSystem> {
    files: F,
    path: PathBuf,
    index: Index,
    damages: Vec<(PathBuf, Damage)>,
    missing: u64,
}

/// How often reading begins anew because a segment went away meanwhile.
const ATTEMPTS: usize = 10;

impl<F: FileSystem> SpoolView<F> {
    /// Reads the envelopes of a spool.
    ///
    /// # Errors
    /// It cannot be read, or a later version wrote it.
    pub fn read(files: &F, path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        let path = path.into();
        let mut attempt = 1;
        let fold = loop {
            let trust = |_, last| if last { Trust::Growing } else { Trust::Lengths };
            match Fold::read(files, &path, trust) {
                Err(SpoolError::Segment(error))
                    if error.is_missing() && attempt < ATTEMPTS && files.is_dir(&path).unwrap_or(false) =>
                {
                    attempt += 1;
                }
                other => break other?,
            }
        };
        let Fold { index, damages, missing, .. } = fold;
        Ok(Self { files: files.clone(), path, index, damages, missing })
    }

    /// The messages that are not done, in the order of their names, each read from disk. One that cannot be read is an error
    /// among others; where another process writes, it may be done meanwhile.
    pub fn messages(&self) -> impl Iterator<Item = Result<QueuedMessage, SpoolError>> {
        let mut records = Records::new(self.files.clone(), self.path.clone());
        let read = move |(id, entry)| records.message(id, entry).map(|(queued, _)| queued);
        self.index.iter().map(read)
    }

    /// One of them.
    ///
    /// # Errors
    /// There is no such message, or it cannot be read.
    pub fn message(&self, id: QueueId) -> Result<QueuedMessage, SpoolError> {
        let entry = self.index.get(id).ok_or(SpoolError::Unknown(id))?;
        Records::new(self.files.clone(), self.path.clone()).message(id, entry).map(|(queued, _)| queued)
    }

    /// The content of a message.
    ///
    /// # Errors
    /// There is no such message, or it cannot be read: where another process writes, it may be done meanwhile.
    pub fn read_content(&self, id: QueueId) -> Result<ContentReader<F>, SpoolError> {
        let entry = self.index.get(id).ok_or(SpoolError::Unknown(id))?;
        let mut records = Records::new(self.files.clone(), self.path.clone());
        let (queued, chunks) = records.message(id, entry)?;
        Ok(ContentReader::new(id, records, None, chunks, queued.message.bytes))
    }

    /// What could not be read.
    #[must_use]
    pub fn damages(&self) -> &[(PathBuf, Damage)] {
        &self.damages
    }

    /// Envelopes and marks that are missing between others.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }
}
