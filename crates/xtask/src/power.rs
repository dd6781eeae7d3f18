//! The power cut: the crash test of the gateway on a disk that loses what was not synced.
//!
//! It runs in a mount namespace of its own: however it ends, no mount and no loop device is left behind.

use std::fs;
use std::path::Path;

use crate::report::{Report, Shortfall};
use crate::tools;
use crate::workspace::Workspace;

const STEP: &str = "what was acknowledged outlives a power cut";
const TEST: &str = "what_was_acknowledged_outlives_a_power_cut";

/// Runs the step.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step(STEP, || cut(workspace));
}

fn cut(workspace: &Workspace) -> Result<String, Shortfall> {
    if !tools::is_root(workspace) {
        return Err(Shortfall::Skipped("mounting a disk needs root".to_owned()));
    }
    if !Path::new("/dev/loop-control").exists() {
        return Err(Shortfall::Skipped("there are no loop devices".to_owned()));
    }
    tools::need_package(workspace, "perl", &["perl", "-e", "1"])?;
    tools::need_package(workspace, "e2fsprogs", &["mkfs.ext4", "-V"])?;
    if !can_mount(workspace)? {
        return Err(Shortfall::Skipped("a file system in a file cannot be mounted here".to_owned()));
    }
    // As `cargo test --workspace` built it.
    workspace.cargo(["test", "--package", "xd-smtpd", "--test", "crash", "--no-run"]).run()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = workspace
        .program("unshare")
        .arguments(["--mount", "--"])
        .argument(cargo)
        .arguments([
            "test",
            "--quiet",
            "--package",
            "xd-smtpd",
            "--test",
            "crash",
            "--",
            "--ignored",
            "--exact",
            "--nocapture",
            TEST,
        ])
        .environment("CARGO_TARGET_DIR", workspace.target(""))
        .output()?;
    let told = String::from_utf8_lossy(&told);
    print!("{told}");
    let books = told.lines().find(|line| line.contains(" acknowledged, "));
    books.map(str::to_owned).ok_or_else(|| Shortfall::Failed("the test did not balance its books".to_owned()))
}

/// Whether a small disk can be made and mounted, in a namespace that ends with the command.
fn can_mount(workspace: &Workspace) -> Result<bool, Shortfall> {
    let place = workspace.target("power-probe");
    fs::create_dir_all(place.join("disk"))?;
    let script = "truncate -s 8M image && mkfs.ext4 -q -F image && mount -o loop image disk && umount disk";
    let works = workspace
        .program("unshare")
        .arguments(["--mount", "--", "sh", "-c"])
        .argument(format!("cd \"$1\" && {script}"))
        .argument("sh")
        .argument(&place)
        .succeeds();
    fs::remove_dir_all(&place)?;
    Ok(works)
}
