//! Directories as lists of files, in the order of their paths' bytes, one directory in memory at a time.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Walks a directory depth-first. Links to files are files; links to directories are not followed, since they may lead
/// in circles.
#[derive(Debug)]
pub(crate) struct Walk {
    open: Vec<Directory>,
    skip: fn(&OsStr) -> bool,
}

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    entries: std::vec::IntoIter<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: OsString,
    is_directory: bool,
}

/// A path that could not be read, and why.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

impl Walk {
    /// A walk through `root` that leaves out files and directories whose name `skip` holds for.
    pub(crate) fn try_new(root: &Path, skip: fn(&OsStr) -> bool) -> Result<Self, Unreadable> {
        Ok(Self { open: vec![Directory::read(root.to_owned(), skip)?], skip })
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let directory = self.open.last_mut()?;
            let Some(entry) = directory.entries.next() else {
                self.open.pop();
                continue;
            };
            let path = directory.path.join(&entry.name);
            if !entry.is_directory {
                return Some(Ok(path));
            }
            match Directory::read(path, self.skip) {
                Ok(directory) => self.open.push(directory),
                Err(unreadable) => return Some(Err(unreadable)),
            }
        }
    }
}

impl Directory {
    fn read(path: PathBuf, skip: fn(&OsStr) -> bool) -> Result<Self, Unreadable> {
        match Self::entries(&path, skip) {
            Ok(entries) => Ok(Self { path, entries: entries.into_iter() }),
            Err(error) => Err(Unreadable { path, error }),
        }
    }

    fn entries(path: &Path, skip: fn(&OsStr) -> bool) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            if skip(&name) {
                continue;
            }
            let kind = entry.file_type()?;
            let is_directory = kind.is_dir();
            // A link that leads nowhere is kept: opening it says so. Sockets, devices and FIFOs hold no messages.
            let wanted = is_directory || kind.is_file() || kind.is_symlink() && !leads_to_other(&entry.path());
            if wanted {
                entries.push(Entry { name, is_directory });
            }
        }
        entries.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        Ok(entries)
    }
}

impl Entry {
    /// The name as it stands in longer paths, so that sorting each directory sorts whole paths: `a-b` is before `a/b`.
    fn key(&self) -> impl Iterator<Item = &u8> {
        let slash: &[u8] = if self.is_directory { b"/" } else { b"" };
        self.name.as_encoded_bytes().iter().chain(slash)
    }
}

fn leads_to_other(link: &Path) -> bool {
    fs::metadata(link).is_ok_and(|target| !target.is_file())
}

/// Whether a name is hidden, and so passed over in directories.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}
