//! Dependency policy: `deny.toml`, checked by cargo-deny.

use crate::report::{Report, Shortfall};
use crate::tools::{self, Subcommand};
use crate::workspace::Workspace;

const TOOL: Subcommand = Subcommand { name: "deny", version: "^0.20" };

pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("dependency policy: bans, licences, sources", || {
        tools::need_subcommand(workspace, &TOOL)?;
        workspace.cargo(["deny", "check", "bans", "licenses", "sources"]).run()?;
        Ok(String::new())
    });
    report.step("dependency policy: advisories", || {
        tools::need_subcommand(workspace, &TOOL)?;
        // The database lives on a git server that a build machine may not reach. Fetching and checking are kept apart,
        // so that a missing database is never taken for a clean one, nor for a dirty one.
        if workspace.cargo(["deny", "fetch", "db"]).run().is_err() {
            return Err(Shortfall::Skipped("the advisory database could not be fetched".to_owned()));
        }
        workspace.cargo(["deny", "--offline", "check", "advisories"]).run()?;
        Ok(String::new())
    });
}
