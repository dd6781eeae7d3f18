//! `cargo xtask purity`: xd-core depends on nothing, and names nothing, that could reach outside its arguments.
//!
//! Three fences, because each has a gap: lints see what the compiler resolves but not what a dependency does; the allow-list
//! of dependencies is written by people who looked; the reading of sources sees code that no target compiles.

mod code;
mod dependencies;
mod sources;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report::{Report, Shortfall};
use crate::workspace::Workspace;

const PACKAGE: &str = "xd-core";
const DEPENDENCIES: &str = "crates/xd-core/pure-dependencies.txt";
/// Ours that may hold nothing impure: the core, and what it opens files with.
const SOURCES: [&str; 3] = ["crates/xd-auth/src", "crates/xd-container/src", "crates/xd-core/src"];

pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("purity: dependencies of xd-core", || check_dependencies(workspace));
    for sources in SOURCES {
        report.step(&format!("purity: {sources}"), || check_sources(workspace, sources));
    }
}

fn check_dependencies(workspace: &Workspace) -> Result<String, Shortfall> {
    let tree = ["tree", "--package", PACKAGE, "--edges", "normal,build", "--target", "all", "--prefix", "none"];
    let tree = workspace.cargo(tree).output()?;
    let tree = String::from_utf8_lossy(&tree);
    let allowed = fs::read_to_string(workspace.path(DEPENDENCIES))?;
    let complaints = dependencies::complaints(PACKAGE, &tree, &allowed);
    verdict(complaints, &format!("held to {DEPENDENCIES}"))
}

fn check_sources(workspace: &Workspace, sources: &str) -> Result<String, Shortfall> {
    let root = workspace.path(sources);
    let mut complaints = Vec::new();
    let files = rust_files(&root)?;
    for file in &files {
        let source = fs::read_to_string(file)?;
        let shown = file.strip_prefix(&root).unwrap_or(file);
        complaints.extend(sources::impure_names(&source).map(|found| format!("{}: {found}", shown.display())));
        if shown == Path::new("lib.rs") && !sources::forbids_unsafe(&source) {
            complaints.push("lib.rs: no `#![forbid(unsafe_code)]`".to_owned());
        }
    }
    if !files.contains(&root.join("lib.rs")) {
        complaints.push("lib.rs is missing".to_owned());
    }
    verdict(complaints, &format!("{} files", files.len()))
}

fn verdict(complaints: Vec<String>, note: &str) -> Result<String, Shortfall> {
    if complaints.is_empty() { Ok(note.to_owned()) } else { Err(Shortfall::Failed(complaints.join("; "))) }
}

/// All Rust files below a directory, sorted.
fn rust_files(directory: &Path) -> Result<Vec<PathBuf>, Shortfall> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension() == Some(OsStr::new("rs")) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
