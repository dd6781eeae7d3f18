//! `cargo xtask ci`: exactly what the continuous checks run, in the order of how soon a mistake shows.
//!
//! Works without a terminal or standard input, in a fresh clone. A failed step does not keep later ones from running.

use crate::report::Report;
use crate::workspace::Workspace;
use crate::{deny, fuzz, purity, test};

pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("format", || {
        workspace.cargo(["fmt", "--all", "--check"]).run()?;
        workspace.cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]).run()?;
        Ok(String::new())
    });
    report.step("lints", || {
        workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
        Ok(String::new())
    });
    purity::run(workspace, report);
    test::run(workspace, report);
    report.step("documentation", || {
        workspace.cargo(["doc", "--workspace", "--no-deps"]).environment("RUSTDOCFLAGS", "-D warnings").run()?;
        Ok(String::new())
    });
    deny::run(workspace, report);
    fuzz::run(workspace, report);
    report.step("benches compile", || {
        workspace.cargo(["bench", "--package", "xd-benches", "--no-run"]).run()?;
        Ok(String::new())
    });
}
