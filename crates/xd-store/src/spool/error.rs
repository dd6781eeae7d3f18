//! What can go wrong with the spool when it is opened or read.

use std::path::PathBuf;

use super::QueueId;
use crate::error::SegmentError;

/// Why a spool could not be opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk or the operator, see there.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The disk: a message cannot be read. It stays where it is.
    #[error("{id} cannot be read: {what} in {path}", path = path.display())]
    Damaged {
        /// Which one.
        id: QueueId,
        /// Where.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The operator: a later version of the program wrote records here that this one does not know.
    #[error("{path} has records of a later version", path = path.display())]
    Version {
        /// The segment.
        path: PathBuf,
    },
    /// The caller: there is no such message, or it is done.
    #[error("{0} is not in the spool")]
    Unknown(QueueId),
    /// The system: no thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}
