//! Files of text: configuration, and the rule files that it names.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xd_core::RuleSource;

use crate::error::ConfigError;

/// Directories in directories that are followed; nobody nests rules deeper, and a link could lead in circles.
const DEPTH_MAX: usize = 16;

/// Reads one file of text.
///
/// # Errors
/// It cannot be read, or is not UTF-8; then the place of the first wrong byte is named.
pub fn read(path: &Path) -> Result<RuleSource, ConfigError> {
    let bytes = fs::read(path).map_err(|error| ConfigError::unreadable(path, error))?;
    let name = path.display().to_string();
    match String::from_utf8(bytes) {
        Ok(text) => Ok(RuleSource::new(name, text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let source = RuleSource::new(name, String::from_utf8_lossy(&error.as_bytes()[..valid]));
            Err(ConfigError::Wrong(source.error(valid..valid, "expected UTF-8, found a byte that is not")))
        }
    }
}

/// Reads all `*.toml` files of a directory and of those in it, in the order of their paths. Hidden ones and those that
/// `skip` names are passed over.
///
/// # Errors
/// Something cannot be read, or directories are nested more than 16 deep.
pub fn read_directory(path: &Path, skip: impl Fn(&OsStr) -> bool + Copy) -> Result<Vec<RuleSource>, ConfigError> {
    let mut sources = Vec::new();
    read_below(path, skip, DEPTH_MAX, &mut sources)?;
    Ok(sources)
}

fn read_below(
    path: &Path,
    skip: impl Fn(&OsStr) -> bool + Copy,
    depth: usize,
    sources: &mut Vec<RuleSource>,
) -> Result<(), ConfigError> {
    let unreadable = |error| ConfigError::unreadable(path, error);
    if depth == 0 {
        return Err(unreadable(io::Error::other("directories are nested too deep")));
    }
    let entries: Result<Vec<PathBuf>, _> = fs::read_dir(path).map_err(unreadable)?.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_unstable();
    for entry in entries {
        let Some(name) = entry.file_name() else { continue };
        if name.as_encoded_bytes().starts_with(b".") || skip(name) {
            continue;
        }
        if entry.is_dir() {
            read_below(&entry, skip, depth - 1, sources)?;
        } else if entry.extension() == Some(OsStr::new("toml")) {
            sources.push(read(&entry)?);
        }
    }
    Ok(())
}
