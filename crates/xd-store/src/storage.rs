//! What is doubtful about a disk: whether 250 will mean what it says.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Why what is synced in a directory may not survive a power cut.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StorageWarning {
    /// Syncing returns faster than any disk answers.
    FastSync {
        /// The directory.
        path: PathBuf,
        /// How long it took, the median of several.
        took: Duration,
    },
    /// The file system is in memory.
    InMemory {
        /// The directory.
        path: PathBuf,
        /// What kind it is: "tmpfs".
        kind: String,
    },
    /// The file system is mounted so that it does not make the disk write down what it holds.
    NoBarrier {
        /// The directory.
        path: PathBuf,
        /// The option that says so.
        option: String,
    },
}

impl fmt::Display for StorageWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FastSync { path, took } => {
                let path = path.display();
                write!(f, "{path}: a sync took {took:?}, no disk is so fast: mail may be lost when the power fails")
            }
            Self::InMemory { path, kind } => {
                write!(f, "{}: {kind} is in memory: mail is lost when the machine stops", path.display())
            }
            Self::NoBarrier { path, option } => {
                write!(f, "{}: mounted with {option}: mail may be lost when the power fails", path.display())
            }
        }
    }
}
