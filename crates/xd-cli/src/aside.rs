//! A file that takes its place when it is whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, reason};

/// A file that is written aside and takes its place when it is whole: what stood there before stays until then.
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

    pub(crate) fn finish(mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes).and_then(|()| fs::rename(&self.aside, self.place));
        written.map_err(|error| cannot_write(self.place, &error))
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        // Gone already when it took its place.
        let _ = fs::remove_file(&self.aside);
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::operator(format!("cannot write {}: {}", path.display(), reason(error)))
}
