//! Tools the steps need beyond a Rust toolchain: found, or installed where that is allowed.
//!
//! `XD_NO_INSTALL` forbids every installation. A missing tool that may not be installed skips the step that needs it.

use std::env;

use crate::report::Shortfall;
use crate::workspace::Workspace;

/// A cargo subcommand from crates.io.
#[derive(Debug)]
pub(crate) struct Subcommand {
    /// What follows `cargo` on a command line.
    pub(crate) name: &'static str,
    /// The versions whose options and output our steps know.
    pub(crate) version: &'static str,
}

/// Makes sure that `cargo NAME` works.
///
/// # Errors
/// Skipped when it is missing and may not be installed, failed when installing it fails.
pub(crate) fn need_subcommand(workspace: &Workspace, tool: &Subcommand) -> Result<(), Shortfall> {
    if workspace.cargo([tool.name, "--version"]).succeeds() {
        return Ok(());
    }
    let package = format!("cargo-{}", tool.name);
    if installing_forbidden() {
        return Err(Shortfall::Skipped(format!("{package} is not installed and XD_NO_INSTALL is set")));
    }
    // Unoptimised: building the tool costs more time than it ever spends working here.
    workspace.cargo(["install", "--locked", "--debug", "--version", tool.version, &package]).run()
}

/// Makes sure that the program `name` works, which is in the Debian package of the same name.
///
/// # Errors
/// Skipped, with the reason, when it is missing and cannot be installed here.
pub(crate) fn need_debian(workspace: &Workspace, name: &str) -> Result<(), Shortfall> {
    need_package(workspace, name, &[name, "--version"])
}

/// Makes sure that a Debian package is there: its `probe` works.
///
/// # Errors
/// Skipped, with the reason, when it is missing and cannot be installed here.
pub(crate) fn need_package(workspace: &Workspace, name: &str, probe: &[&str]) -> Result<(), Shortfall> {
    let works = || {
        probe
            .split_first()
            .is_some_and(|(program, arguments)| workspace.program(program).arguments(arguments.iter().copied()).succeeds())
    };
    if works() {
        return Ok(());
    }
    if installing_forbidden() {
        return Err(Shortfall::Skipped(format!("{name} is not installed and XD_NO_INSTALL is set")));
    }
    if !workspace.program("apt-get").argument("--version").succeeds() || !is_root(workspace) {
        return Err(Shortfall::Skipped(format!("{name} is not installed; `apt-get install {name}` as root would help")));
    }
    let apt = |arguments: &[&str]| {
        workspace.program("apt-get").arguments(arguments.iter().copied()).environment("DEBIAN_FRONTEND", "noninteractive").run()
    };
    let install = ["install", "--yes", "--no-install-recommends", name];
    // A fresh system has no package lists yet; fetching them is only worth the time when installing fails without.
    let installed = apt(&install).or_else(|_| apt(&["update"]).and_then(|()| apt(&install)));
    if installed.is_ok() && works() {
        return Ok(());
    }
    Err(Shortfall::Skipped(format!("{name} is not installed and apt-get could not install it")))
}

fn installing_forbidden() -> bool {
    env::var_os("XD_NO_INSTALL").is_some()
}

pub(crate) fn is_root(workspace: &Workspace) -> bool {
    workspace.program("id").argument("-u").output().is_ok_and(|id| id.trim_ascii() == b"0")
}
