//! Rule files as an engine: the built-in ones, or those of directories named on the command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use xd_core::classify::{DEFAULT, Model};
use xd_core::rules::builtin;
use xd_core::{Engine, RuleSource};

use crate::failure::{Failure, reason};
use crate::input::{Unreadable, Walk, is_hidden};

/// The name by which `--rules` means the rules that come with xd.
pub(crate) const BUILTIN: &str = "builtin";

/// The folder of a rule directory that holds cases, not rules.
const CASES: &str = "cases";

/// The model of this name: of those that come with xd, of a file, or none.
pub(crate) fn model(name: &str) -> Result<Option<Model>, Failure> {
    xd_config::model(name).map_err(Failure::operator)
}

/// Compiles the rule files of these directories and files; the built-in ones when there are none. With the built-in rules comes the model
/// that was fitted to them; other rules alone are exactly what was named.
pub(crate) fn compile(places: &[PathBuf]) -> Result<Engine, Failure> {
    if places.is_empty() {
        return Ok(Engine::builtin()?);
    }
    let has_builtin = places.iter().any(|place| place.as_os_str() == BUILTIN);
    let model = if has_builtin { model(DEFAULT)? } else { None };
    let mut sources = Vec::new();
    for place in places {
        if place.as_os_str() == BUILTIN {
            sources.extend(builtin::sources());
        } else {
            sources.extend(read_all(place, |name| is_hidden(name) || name == CASES, "rule files")?);
        }
    }
    Ok(Engine::compile(sources)?.with_model(model))
}

/// The case files that belong to these places of rules, and those of directories and files of cases.
pub(crate) fn cases(places: &[PathBuf], cases: &[PathBuf]) -> Result<Vec<RuleSource>, Failure> {
    let mut sources = Vec::new();
    if places.is_empty() && cases.is_empty() {
        sources.extend(builtin::case_sources());
    }
    for place in places {
        let folder = place.join(CASES);
        if place.as_os_str() == BUILTIN {
            sources.extend(builtin::case_sources());
        } else if folder.is_dir() {
            sources.extend(read_all(&folder, is_hidden, "case files")?);
        }
    }
    for place in cases {
        sources.extend(read_all(place, is_hidden, "case files")?);
    }
    Ok(sources)
}

/// Reads a file, or all `*.toml` files of a directory in the order of their paths.
fn read_all(place: &Path, skip: fn(&OsStr) -> bool, what: &str) -> Result<Vec<RuleSource>, Failure> {
    let unreadable =
        |Unreadable { path, error }: Unreadable| Failure::operator(format!("{}: {}", path.display(), reason(&error)));
    if !place.is_dir() {
        return Ok(vec![read(place)?]);
    }
    let mut sources = Vec::new();
    for path in Walk::try_new(place, skip).map_err(unreadable)? {
        let path = path.map_err(unreadable)?;
        if path.extension() == Some(OsStr::new("toml")) {
            sources.push(read(&path)?);
        }
    }
    if sources.is_empty() {
        return Err(Failure::operator(format!("{}: no {what} (*.toml) in this directory", place.display())));
    }
    Ok(sources)
}

/// Reads one file of text.
pub(crate) fn read(path: &Path) -> Result<RuleSource, Failure> {
    Ok(xd_config::read(path)?)
}
