//! The file of lessons while it is changed: locked against others, and replaced as a whole.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use xd_core::Timestamp;
use xd_core::classify::Delta;

use crate::aside::{Aside, cannot_write};
use crate::failure::Failure;

/// How long a lesson is kept after it was learned the last time.
const KEPT_SECONDS: i64 = 365 * 24 * 60 * 60;

/// Lessons that are about to change.
#[derive(Debug)]
pub(super) struct Lessons<'p> {
    path: &'p Path,
    pub(super) delta: Delta,
    /// Held until the file has taken its place.
    _lock: File,
}

/// What a file holds, if there is one.
pub(super) fn read(path: &Path) -> Result<Option<Delta>, Failure> {
    xd_config::delta(path).map_err(Failure::operator)
}

/// The moment that messages are learned at.
pub(super) fn now() -> Timestamp {
    // A clock before 1970 is wrong; what it says then expires soon, and does no harm.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

impl<'p> Lessons<'p> {
    /// What the file holds; nothing where there is none. Waits for whoever else changes it.
    pub(super) fn open(path: &'p Path) -> Result<Self, Failure> {
        // A file of its own, since the other is replaced. It stays: were it removed, two could hold a lock of that name.
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = File::create(PathBuf::from(name)).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(|error| cannot_write(path, &error))?;
        Ok(Self { path, delta: read(path)?.unwrap_or_default(), _lock: lock })
    }

    /// Removes what was learned too long ago; says how many messages that were.
    pub(super) fn expire(&mut self) -> usize {
        self.delta.expire(Timestamp::from_unix(now().unix().saturating_sub(KEPT_SECONDS)))
    }

    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn write(self) -> Result<(), Failure> {
        Aside::create(self.path)?.finish(&self.delta.to_bytes())
    }
}
