//! A file that is written aside and takes its place when it is whole and on the disk: what stood there before stays until then.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, reason};

/// The file while it is written.
#[derive(Debug)]
pub(crate) struct Aside<'p> {
    place: &'p Path,
    aside: PathBuf,
    file: File,
}

impl<'p> Aside<'p> {
    /// Before the work is done, so that nobody waits for what cannot be written.
    pub(crate) fn create(place: &'p Path) -> Result<Self, Failure> {
        let mut aside = place.as_os_str().to_owned();
        aside.push(".part");
        let aside = PathBuf::from(aside);
        let file = File::create(&aside).map_err(|error| cannot_write(place, &error))?;
        Ok(Self { place, aside, file })
    }

    /// Writes all of it, syncs it, and puts it in its place.
    pub(crate) fn finish(mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(bytes).map_err(|error| cannot_write(self.place, &error))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        fs::rename(&self.aside, self.place)?;
        // The new name too: after a crash there is the old file or the new one.
        let directory = self.place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(directory)?.sync_all()
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        // Gone already when it took its place.
        let _ = fs::remove_file(&self.aside);
    }
}

pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::operator(format!("cannot write {}: {}", path.display(), reason(error)))
}
