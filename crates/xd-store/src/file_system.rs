//! The few calls by which anything is written: a trait, so that a test can fail the n-th call, cut a write short, or stop
//! the world after any step.
//!
//! [`OsFileSystem`] is the system's; [`simulated::Disk`](crate::simulated::Disk) is the one of tests. Reading alone needs no
//! trait: a [`SegmentReader`](crate::SegmentReader) reads from anything.

use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
#[cfg(not(unix))]
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use crate::storage::{self, StorageWarning};

/// Files and directories.
///
/// What a call did is durable only after the file, or the directory that names it, was synced.
pub trait FileSystem: Clone + Debug + Send + Sync + 'static {
    /// An open file.
    type File: StoredFile + Send + 'static;
    /// An open directory.
    type Directory: StoredDirectory + Send + 'static;
    /// Held while a directory is written to; given up when dropped, or when the process ends in whatever way.
    type Lock: Debug + Send + 'static;

    /// Creates a file that must not exist yet.
    ///
    /// # Errors
    /// It exists, or cannot be created.
    fn create_new(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    /// It does not exist, or cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Self::File>;

    /// Opens a file that exists, for reading alone: whoever reads needs no permission to write.
    ///
    /// # Errors
    /// It does not exist, or cannot be opened.
    fn open_read(&self, path: &Path) -> io::Result<Self::File>;

    /// Creates a directory in one that exists.
    ///
    /// # Errors
    /// It exists, or cannot be created.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Renames a file or a directory within its directory, replacing a file of that name. A directory that holds something
    /// is not replaced.
    ///
    /// # Errors
    /// There is nothing to rename, or it cannot be.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// It does not exist, or cannot be removed.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Opens a directory that exists, to make its names durable however few descriptors are left later.
    ///
    /// # Errors
    /// It does not exist, or cannot be opened.
    fn open_dir(&self, path: &Path) -> io::Result<Self::Directory>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// It does not exist, cannot be opened, or the disk failed.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, in order. Names that are no Unicode are none of ours and left out.
    ///
    /// # Errors
    /// It is no directory, or cannot be read.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Whether there is a directory by this name.
    ///
    /// # Errors
    /// That cannot be found out.
    fn is_dir(&self, path: &Path) -> io::Result<bool>;

    /// Locks by a file, which is created where it is missing and stays; `None` if another holds the lock.
    ///
    /// # Errors
    /// The file cannot be created or locked.
    fn lock(&self, path: &Path) -> io::Result<Option<Self::Lock>>;

    /// How many bytes can still be written in a directory; none where no further file can be created.
    ///
    /// # Errors
    /// That cannot be found out.
    fn free_bytes(&self, _directory: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    /// What is doubtful about the disk that a directory is on. What cannot be found out is not told.
    fn warnings(&self, _directory: &Path) -> Vec<StorageWarning> {
        Vec::new()
    }
}

/// An open file, written and read at any place.
pub trait StoredFile: Debug {
    /// Reads what is there, at most as much as fits; 0 at the end.
    ///
    /// # Errors
    /// It cannot be read.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;

    /// Writes all of it. Any part of it may have been written when it fails.
    ///
    /// # Errors
    /// It cannot be written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file off.
    ///
    /// # Errors
    /// It cannot be cut.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;

    /// Makes the content and its length durable.
    ///
    /// # Errors
    /// The disk failed; nobody knows what is on it then.
    fn sync(&mut self) -> io::Result<()>;

    /// How many bytes it has.
    ///
    /// # Errors
    /// That cannot be found out.
    fn bytes(&self) -> io::Result<u64>;
}

/// An open directory.
pub trait StoredDirectory: Debug {
    /// Makes its names durable.
    ///
    /// # Errors
    /// The disk failed; nobody knows what is on it then.
    fn sync(&mut self) -> io::Result<()>;
}

/// The files of the operating system. What it creates is its user's alone: files have mode 0600, directories 0700. What
/// exists keeps the mode it has.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsFileSystem;

impl FileSystem for OsFileSystem {
    type File = File;
    type Directory = File;
    type Lock = File;

    fn create_new(&self, path: &Path) -> io::Result<File> {
        private_file().read(true).write(true).create_new(true).open(path)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(path)
    }

    fn open_read(&self, path: &Path) -> io::Result<File> {
        File::open(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        private_dir().create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn open_dir(&self, path: &Path) -> io::Result<File> {
        // "" is how the parent of a relative name is spelt.
        File::open(if path.as_os_str().is_empty() { Path::new(".") } else { path })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.open_dir(path)?.sync_all()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn is_dir(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(metadata.is_dir()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<File>> {
        let file = private_file().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    #[cfg(unix)]
    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        let free = rustix::fs::statvfs(directory)?;
        // Some file systems have no fixed number of files, and say that all of none are free.
        let no_more_files = free.f_files > 0 && free.f_favail == 0;
        Ok(if no_more_files { 0 } else { free.f_bavail.saturating_mul(free.f_frsize) })
    }

    fn warnings(&self, directory: &Path) -> Vec<StorageWarning> {
        storage::warnings(directory)
    }
}

impl StoredFile for File {
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, bytes, offset);
        #[cfg(not(unix))]
        {
            let mut file = self;
            file.seek(SeekFrom::Start(offset))?;
            file.read(bytes)
        }
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_all_at(self, bytes, offset);
        #[cfg(not(unix))]
        {
            self.seek(SeekFrom::Start(offset))?;
            self.write_all(bytes)
        }
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()?;
        // A file system that goes down meanwhile (its journal aborted, its power cut) may call data synced whose extents it could no
        // longer record: seen with ext4 on Linux 6.18, two messages of 193,762 in twenty cuts. It tells that to whoever writes next, so
        // nothing is written here. From a healthy one this costs a system call.
        #[cfg(unix)]
        std::os::unix::fs::FileExt::write_at(self, &[], 0)?;
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl StoredDirectory for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// How files are created: capsules and mail are for nobody else to read, whatever the umask allows.
fn private_file() -> OpenOptions {
    #[allow(unused_mut, reason = "elsewhere a file gets the permissions of its directory")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// How directories are created, for the same reason.
fn private_dir() -> DirBuilder {
    #[allow(unused_mut, reason = "elsewhere a directory gets the permissions of the one it is in")]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Reads a stored file from beginning to end.
#[derive(Debug)]
pub(crate) struct Sequential<'f, F> {
    pub(crate) file: &'f F,
    pub(crate) offset: u64,
}

impl<F: StoredFile> Read for Sequential<'_, F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.offset, bytes)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// Creates a directory for its user alone, with those above it that are missing, and makes the names of it and of what it holds
/// durable: also where it is there already, since a process that was killed may have made it and not have come to that.
///
/// # Errors
/// It cannot be created, or the disk failed.
///
/// # Example: does it outlive a power cut?
/// ```
/// use std::path::Path;
/// use xd_store::simulated::{Disk, Survival};
/// use xd_store::{FileSystem, create_durable_dir};
///
/// let disk = Disk::new();
/// disk.create_dir(Path::new("data")).unwrap();
/// assert!(!disk.crashed(Survival::Durable).is_dir(Path::new("data")).unwrap());
/// create_durable_dir(&disk, Path::new("data")).unwrap();
/// assert!(disk.crashed(Survival::Durable).is_dir(Path::new("data")).unwrap());
/// ```
pub fn create_durable_dir<F: FileSystem>(files: &F, path: &Path) -> io::Result<()> {
    create_dirs(files, path)?;
    if let Some(above) = path.parent() {
        files.sync_dir(above)?;
    }
    files.sync_dir(path)
}

/// Creates a directory and those above it that are missing, each durable before anything is put into it.
pub(crate) fn create_dirs<F: FileSystem>(files: &F, path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || files.is_dir(path)? {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        create_dirs(files, above)?;
        match files.create_dir(path) {
            // Another process may have been faster.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => files.sync_dir(above)?,
        }
    }
    Ok(())
}
