//! What is doubtful about a disk: whether 250 will mean what it says.

use std::fmt;
use std::path::{Path, PathBuf};
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

/// A disk that answers within this is none: a cache with a battery takes some ten microseconds, memory less than one.
const PLAUSIBLE: Duration = Duration::from_micros(8);

/// What is doubtful about a directory.
#[cfg(target_os = "linux")]
pub(crate) fn warnings(path: &Path) -> Vec<StorageWarning> {
    let mut warnings = Vec::new();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(mount) = mount_of(&mounts, &whole) {
        if matches!(mount.kind, "tmpfs" | "ramfs" | "devtmpfs") {
            warnings.push(StorageWarning::InMemory { path: path.to_owned(), kind: mount.kind.to_owned() });
        }
        if let Some(option) = mount.options.split(',').find(|option| matches!(*option, "nobarrier" | "barrier=0")) {
            warnings.push(StorageWarning::NoBarrier { path: path.to_owned(), option: option.to_owned() });
        }
    }
    if let Ok(took) = time_syncs(path)
        && took < PLAUSIBLE
    {
        warnings.push(StorageWarning::FastSync { path: path.to_owned(), took });
    }
    warnings
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn warnings(_: &Path) -> Vec<StorageWarning> {
    Vec::new()
}

/// One mount, as `/proc/self/mountinfo` tells it.
#[cfg(target_os = "linux")]
#[derive(Debug, Eq, PartialEq)]
struct Mount<'m> {
    kind: &'m str,
    /// Those of the file system.
    options: &'m str,
}

/// The mount that a path is on: of those above it the longest, and of equal ones the last, which hides the others.
#[cfg(target_os = "linux")]
fn mount_of<'m>(mountinfo: &'m str, path: &Path) -> Option<Mount<'m>> {
    let mounts = mountinfo.lines().filter_map(|line| {
        // proc_pid_mountinfo(5): id, parent, device, root, mount point, options, any number of fields, "-", kind, source, options.
        let (before, behind) = line.split_once(" - ")?;
        // Blanks in names are written as octal numbers.
        let point = before.split(' ').nth(4)?.replace("\\040", " ");
        let mut fields = behind.split(' ');
        let (kind, _, options) = (fields.next()?, fields.next()?, fields.next().unwrap_or_default());
        path.starts_with(&point).then_some((point.len(), Mount { kind, options }))
    });
    mounts.max_by_key(|(length, _)| *length).map(|(_, mount)| mount)
}

/// How long it takes to make a write durable: the median of five.
#[cfg(target_os = "linux")]
fn time_syncs(path: &Path) -> std::io::Result<Duration> {
    use crate::file_system::{FileSystem, OsFileSystem, StoredFile};

    let probe = path.join("probe");
    // One may be left of a start that was cut off.
    let _ = OsFileSystem.remove_file(&probe);
    let mut file = OsFileSystem.create_new(&probe)?;
    let mut took = [Duration::ZERO; 5];
    let timed = took.iter_mut().zip(0..).try_for_each(|(took, number)| {
        file.write_at(number * 4096, &[1; 4096])?;
        let begin = std::time::Instant::now();
        file.sync()?;
        *took = begin.elapsed();
        Ok(())
    });
    OsFileSystem.remove_file(&probe)?;
    took.sort_unstable();
    timed.map(|()| took[took.len() / 2])
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro\n\
        30 22 0:25 / /dev/shm rw,nosuid - tmpfs tmpfs rw\n\
        40 22 8:2 / /var/spool rw shared:1 - ext4 /dev/sdb1 rw,barrier=0\n\
        41 22 8:3 / /var/my\\040mail rw shared:1 master:2 - xfs /dev/sdc1 rw,nobarrier\n\
        42 40 8:4 / /var/spool rw - ext4 /dev/sdd1 rw\n";

    #[test]
    fn the_mount_of_a_path_is_the_longest_and_last_above_it() {
        let kind = |path: &str| mount_of(MOUNTS, Path::new(path)).map(|mount| (mount.kind, mount.options));
        assert_eq!(kind("/dev/shm/xd"), Some(("tmpfs", "rw")));
        assert_eq!(kind("/dev/shmoo"), Some(("ext4", "rw,errors=remount-ro")));
        assert_eq!(kind("/var/spool/xd"), Some(("ext4", "rw")));
        assert_eq!(kind("/var/my mail"), Some(("xfs", "rw,nobarrier")));
        assert_eq!(mount_of("", Path::new("/")), None);
    }
}
