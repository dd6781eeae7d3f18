//! The file of lessons while it is changed: locked against others, and replaced as a whole.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use xd_core::Timestamp;
use xd_core::classify::Delta;

use crate::aside::{Aside, Readers, cannot_write, place, with_suffix};
use crate::failure::Failure;
use crate::json::Hex;
use crate::stop;

/// How long a lesson is kept after it was learned the last time.
const KEPT_SECONDS: i64 = 365 * 24 * 60 * 60;

/// How much later than now a lesson may be dated: clocks differ, and time zones are mistaken.
const AHEAD_SECONDS: i64 = 24 * 60 * 60;

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

/// The same, where no lesson is dated later than it can be: it would outlive all others and win over every correction.
pub(super) fn read_dated(path: &Path) -> Result<Option<Delta>, Failure> {
    let delta = read(path)?;
    delta.iter().try_for_each(|delta| dated(path, delta, now()))?;
    Ok(delta)
}

/// The moment that messages are learned at.
pub(super) fn now() -> Timestamp {
    // A clock before 1970 is wrong; what it says then expires soon, and does no harm.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// The latest that a lesson may be dated.
pub(super) fn latest(now: Timestamp) -> Timestamp {
    Timestamp::from_unix(now.unix().saturating_add(AHEAD_SECONDS))
}

/// Removes what was learned too long ago; says how many messages that were.
pub(super) fn expire(delta: &mut Delta) -> usize {
    delta.expire(Timestamp::from_unix(now().unix().saturating_sub(KEPT_SECONDS)))
}

fn dated(path: &Path, delta: &Delta, now: Timestamp) -> Result<(), Failure> {
    match delta.latest() {
        Some((sha256, learned)) if learned > latest(now) => Err(Failure::operator(format!(
            "{}: message {} is dated {learned}, more than a day later than this clock ({now}); where the clock is right, forget the message",
            path.display(),
            Hex::of(sha256).as_str(),
        ))),
        _ => Ok(()),
    }
}

impl<'p> Lessons<'p> {
    /// What the file holds; nothing where there is none. Waits for whoever else changes it; nothing where an interrupt came meanwhile.
    pub(super) fn open(path: &'p Path) -> Result<Option<Self>, Failure> {
        let lock = stop::while_reading(|| lock(path)).map_err(|error| cannot_write(path, &error))?;
        if stop::asked() {
            return Ok(None);
        }
        Ok(Some(Self { path, delta: read(path)?.unwrap_or_default(), _lock: lock }))
    }

    /// The same, where no lesson is dated later than it can be.
    pub(super) fn open_dated(path: &'p Path) -> Result<Option<Self>, Failure> {
        let lessons = Self::open(path)?;
        lessons.iter().try_for_each(|lessons| dated(path, &lessons.delta, now()))?;
        Ok(lessons)
    }

    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn write(self) -> Result<(), Failure> {
        Aside::create(self.path, Readers::Owner)?.finish(&self.delta.to_bytes())
    }
}

/// A file of its own, since the other is replaced. It stays: were it removed, two could hold a lock of that name.
fn lock(path: &Path) -> io::Result<File> {
    let name = with_suffix(&place(path), ".lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(name)?;
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use xd_core::classify::{Features, Label};

    use super::*;

    #[test]
    fn lessons_of_the_day_after_tomorrow_are_refused() {
        let now = Timestamp::from_unix(1_000_000);
        let told = |learned: i64| {
            let mut delta = Delta::default();
            delta.learn([1; 32], Label::Ham, Timestamp::from_unix(5), &Features::default());
            delta.learn([2; 32], Label::Ham, Timestamp::from_unix(learned), &Features::default());
            dated(Path::new("own.xdl"), &delta, now).map_err(|failure| failure.to_string())
        };
        assert_eq!(told(1_000_000 + AHEAD_SECONDS), Ok(()));
        for learned in [1_000_001 + AHEAD_SECONDS, i64::MAX] {
            let why = told(learned).unwrap_err();
            assert!(why.contains("own.xdl: message 0202") && why.contains("more than a day later"), "{why}");
        }
        assert!(dated(Path::new("own.xdl"), &Delta::default(), now).is_ok());
    }
}
