//! The mail corpus, unpacked below the build directory and kept while its archive does not change.
//!
//! Each archive gets a directory of its own name, because several unpack to the same inner names.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::report::Shortfall;
use crate::shared::SharedData;
use crate::tools;
use crate::workspace::Workspace;

const SUFFIX: &str = ".tar.zst";

/// The unpacked corpus.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    root: PathBuf,
}

impl Corpus {
    pub(crate) fn new(workspace: &Workspace) -> Self {
        Self { root: workspace.target("shared-corpus") }
    }

    /// Unpacks every archive that is new or has changed; says how many there are.
    ///
    /// # Errors
    /// Skipped without archives or without zstd; failed when an archive cannot be unpacked.
    pub(crate) fn unpack(&self, workspace: &Workspace, shared: &SharedData) -> Result<String, Shortfall> {
        let archives = archives(&shared.path("corpus"))?;
        if archives.is_empty() {
            return Err(Shortfall::Skipped(format!("no archive in {}", shared.path("corpus").display())));
        }
        fs::create_dir_all(&self.root)?;
        for (name, archive) in &archives {
            let stamp = stamp(archive)?;
            let kept =
                fs::read_to_string(self.stamp_file(name)).is_ok_and(|before| before == stamp) && self.root.join(name).is_dir();
            if !kept {
                tools::need_debian(workspace, "zstd")?;
                self.unpack_one(workspace, name, archive)?;
                fs::write(self.stamp_file(name), stamp)?;
            }
        }
        Ok(format!("{} archives", archives.len()))
    }

    /// The mail whose rules' quality is measured: `ham`, `spam` and `phish` below it.
    pub(crate) fn dev(&self) -> PathBuf {
        self.root.join("dev/dev")
    }

    /// Receipts, notices and personal mail: all of it wanted.
    pub(crate) fn everyday_ham(&self) -> PathBuf {
        self.root.join("everyday-dev/dev/ham")
    }

    /// A message by its path in a manifest, which begins with the part it stands in.
    pub(crate) fn message(&self, is_everyday: bool, is_train: bool, path: &str) -> PathBuf {
        let part = if is_train { "train" } else { "dev" };
        self.root.join(if is_everyday { format!("everyday-{part}") } else { part.to_owned() }).join(path)
    }

    fn stamp_file(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.stamp"))
    }

    fn unpack_one(&self, workspace: &Workspace, name: &str, archive: &Path) -> Result<(), Shortfall> {
        // Into a directory aside, renamed when complete: an interrupted run leaves nothing that looks whole.
        let aside = self.root.join(format!("{name}.part"));
        let place = self.root.join(name);
        for leftover in [&aside, &place] {
            if leftover.exists() {
                fs::remove_dir_all(leftover)?;
            }
        }
        fs::create_dir(&aside)?;
        let tar = workspace.program("tar").arguments(["--use-compress-program=zstd", "--no-same-owner", "-xf"]);
        tar.argument(archive).argument("-C").argument(&aside).run()?;
        fs::rename(&aside, &place)?;
        Ok(())
    }
}

/// The archives of a directory by their names without suffix, sorted; none when the directory is missing.
fn archives(directory: &Path) -> Result<Vec<(String, PathBuf)>, Shortfall> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_suffix(SUFFIX)) {
            found.push((name.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

/// What tells an archive from its next version without reading it.
fn stamp(archive: &Path) -> Result<String, Shortfall> {
    let metadata = fs::metadata(archive)?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{} bytes, modified {}.{:09}\n", metadata.len(), modified.as_secs(), modified.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_sorted_by_name_and_nothing_else_is_taken() {
        let directory = std::env::temp_dir().join(format!("xtask-archives-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        for name in ["train.tar.zst", "dev.tar.zst", "README.md", "dev.tar"] {
            fs::write(directory.join(name), name).unwrap();
        }
        let found = archives(&directory).unwrap();
        let changed = stamp(&found[0].1).unwrap() != stamp(&found[1].1).unwrap();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["dev", "train"]);
        assert!(changed, "archives of different size have different stamps");
    }

    #[test]
    fn a_missing_directory_holds_no_archive() {
        assert!(archives(Path::new("/nonexistent")).unwrap().is_empty());
    }
}
