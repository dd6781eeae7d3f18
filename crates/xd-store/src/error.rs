//! What can go wrong with segments and their directories, each with its path.

use std::io;
use std::path::{Path, PathBuf};

use crate::segment::Offset;

/// Why a segment could not be read or written.
///
/// Damaged records are no error: readers return them as entries and go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The disk: a call failed.
    #[error("cannot {operation} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk: an earlier call on this writer failed, so nobody knows what of its file is on disk. Open it anew.
    #[error("{path} failed before, and must be opened anew to see what it holds", path = path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The disk: the header is damaged, so nothing can be added or erased. Its records can still be read.
    #[error("the header of {path} is damaged: it can be read, not written", path = path.display())]
    Header {
        /// The file.
        path: PathBuf,
    },
    /// The operator: another process writes to the directory.
    #[error("{path} is locked: another process writes to this directory", path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The operator: the segment is of a version that this program does not know.
    #[error("{path} has version {version} of the segment format, this program reads {known}", path = path.display(), known = crate::FORMAT_VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// The operator: the segment is of another kind than its directory.
    #[error("{path} holds other records than its directory: {found}", path = path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// Its kind.
        found: crate::SegmentKind,
    },
    /// The operator: the name of the segment has another number than its header; it is a copy, or was renamed.
    #[error("{path} is segment {found} by its header: give it the name of that number, or move it away", path = path.display())]
    Number {
        /// The file.
        path: PathBuf,
        /// The number in its header.
        found: u64,
    },
    /// The caller: the label of a segment is longer than its header.
    #[error("a label of {bytes} bytes, {most} is the most", most = crate::LABEL_MAX)]
    Label {
        /// Its bytes.
        bytes: usize,
    },
    /// The caller: no record begins there.
    #[error("{path} has no record at offset {offset}", path = path.display())]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// Where one was expected.
        offset: Offset,
    },
    /// The caller: the payload is longer than any may be.
    #[error("a payload of {bytes} bytes for {path}, {most} is the most", path = path.display(), most = crate::PAYLOAD_MAX)]
    PayloadTooLong {
        /// The file.
        path: PathBuf,
        /// Bytes of the payload.
        bytes: usize,
    },
}

impl SegmentError {
    /// Whether something is used up that may come back: descriptors, room on the disk, memory. What was written before is as it was, and
    /// the call may be made again. A failed sync is never that: it may succeed when called again, with pages that were
    /// not written and are clean now.
    #[must_use]
    pub fn is_shortage(&self) -> bool {
        matches!(self, Self::Io { operation, source, .. } if *operation != SYNC && is_shortage(source))
    }

    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { operation, path: path.to_owned(), source }
    }
}

/// The operation after whose failure nobody knows what is on disk.
pub(crate) const SYNC: &str = "sync";

fn is_shortage(error: &io::Error) -> bool {
    use io::ErrorKind::{OutOfMemory, QuotaExceeded, StorageFull};
    #[cfg(unix)]
    if let Some(number) = error.raw_os_error() {
        use rustix::io::Errno;
        // These have no kind of their own.
        if [Errno::MFILE, Errno::NFILE, Errno::NOBUFS].iter().any(|errno| errno.raw_os_error() == number) {
            return true;
        }
    }
    matches!(error.kind(), OutOfMemory | QuotaExceeded | StorageFull)
}
