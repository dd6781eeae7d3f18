//! How much room the disk has, asked no more often than it can change much.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::file_system::FileSystem;

/// The room on the disk that a directory is on.
pub(crate) struct FreeSpace {
    ask: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Bytes that were free, and when.
    last: Mutex<Option<(Instant, u64)>>,
}

/// How long an answer counts.
const COUNTS_FOR: Duration = Duration::from_millis(200);

impl FreeSpace {
    pub(crate) fn of<F: FileSystem>(files: F, directory: PathBuf) -> Self {
        // A disk that does not say is not full.
        Self { ask: Box::new(move || files.free_bytes(&directory).unwrap_or(u64::MAX)), last: Mutex::new(None) }
    }

    pub(crate) fn bytes(&self) -> u64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match *last {
            Some((when, bytes)) if when.elapsed() < COUNTS_FOR => bytes,
            _ => {
                let bytes = (self.ask)();
                *last = Some((Instant::now(), bytes));
                bytes
            }
        }
    }
}

impl fmt::Debug for FreeSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreeSpace").field("last", &self.last).finish_non_exhaustive()
    }
}
