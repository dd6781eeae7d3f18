//! A file that is written aside and takes its place when it is whole and on the disk: what stood there before stays until then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, reason};

/// Who may read a file that was not there before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever the umask lets.
    Umask,
}

/// The file while it is written.
#[derive(Debug)]
pub(crate) struct Aside {
    /// As it was named.
    named: PathBuf,
    place: PathBuf,
    aside: PathBuf,
    file: File,
}

/// Where a file is, whatever links lead there: it is replaced, not the link to it.
pub(crate) fn place(named: &Path) -> PathBuf {
    fs::canonicalize(named).unwrap_or_else(|_| named.to_owned())
}

/// The path with something added to its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Aside {
    /// Before the work is done, so that nobody waits for what cannot be written. Readers and owner are those of the file that stands there.
    pub(crate) fn create(named: &Path, readers: Readers) -> Result<Self, Failure> {
        let place = place(named);
        let aside = with_suffix(&place, ".part");
        let file = create(&place, &aside, readers).map_err(|error| cannot_write(named, &error))?;
        Ok(Self { named: named.to_owned(), place, aside, file })
    }

    /// Writes all of it, syncs it, and puts it in its place.
    pub(crate) fn finish(mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(bytes).map_err(|error| cannot_write(&self.named, &error))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        fs::rename(&self.aside, &self.place)?;
        // The new name too: after a crash there is the old file or the new one.
        let directory = self.place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        File::open(directory)?.sync_all()
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Gone already when it took its place.
        let _ = fs::remove_file(&self.aside);
    }
}

/// Creates the file aside. One that a crash left goes first, and a link of that name is not followed.
fn create(place: &Path, aside: &Path, readers: Readers) -> io::Result<File> {
    match fs::remove_file(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let before = fs::metadata(place).ok();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner || before.is_some() {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let file = options.open(aside)?;
    if let Some(before) = before {
        take_after(&file, &before)?;
    }
    Ok(file)
}

/// Gives a file the readers and, as far as we may, the owner of another.
fn take_after(file: &File, before: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};

        // Only the administrator gives files away; a group one belongs to can be kept by everybody.
        if fchown(file, Some(before.uid()), Some(before.gid())).is_err() {
            let _ = fchown(file, None, Some(before.gid()));
        }
    }
    // After the owner, whose change takes bits away.
    file.set_permissions(before.permissions())
}

pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::operator(format!("cannot write {}: {}", path.display(), reason(error)))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_keeps_its_readers_and_links_lead_to_it() {
        let directory = std::env::temp_dir().join(format!("xd-aside-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (file, link) = (directory.join("file"), directory.join("link"));
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        Aside::create(&file, Readers::Owner).unwrap().finish(b"one").unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        // What a crash left, or somebody laid there.
        symlink(directory.join("elsewhere"), directory.join("file.part")).unwrap();
        Aside::create(&link, Readers::Owner).unwrap().finish(b"two").unwrap();
        assert_eq!((mode(), fs::read(&file).unwrap()), (0o640, b"two".to_vec()));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && !directory.join("elsewhere").exists());
        drop(Aside::create(&file, Readers::Umask).unwrap());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        fs::remove_dir_all(&directory).unwrap();
    }
}
