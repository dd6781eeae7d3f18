//! The fuzz targets: built with the address sanitizer, each run for a short while.
//!
//! `fuzz/` is a workspace of its own. Seeds are read from `fuzz/seeds/TARGET/`, a dictionary from
//! `fuzz/dictionaries/TARGET.dict`; what a run discovers goes below the build directory and leaves the tree clean.

use std::env;
use std::fs;

use crate::program::Program;
use crate::report::{Report, Shortfall};
use crate::tools::{self, Subcommand};
use crate::workspace::Workspace;

const TOOL: Subcommand = Subcommand { name: "fuzz", version: "^0.13" };

/// A target that takes longer than this over one input is stuck.
const INPUT_SECONDS: &str = "-timeout=20";

const BUILD: &str = "fuzz targets build";
const RUN: &str = "fuzz targets run";

pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    let mut targets = Vec::new();
    let built = report.step(BUILD, || {
        if !workspace.path("fuzz/Cargo.toml").is_file() {
            return Err(Shortfall::Failed("fuzz/Cargo.toml is missing".to_owned()));
        }
        tools::need_subcommand(workspace, &TOOL)?;
        let listed = cargo_fuzz(workspace, "list").output()?;
        targets = String::from_utf8_lossy(&listed).split_whitespace().map(str::to_owned).collect();
        if targets.is_empty() {
            return Err(Shortfall::Failed("`cargo fuzz list` names no target".to_owned()));
        }
        cargo_fuzz(workspace, "build").run()?;
        Ok(targets.join(", "))
    });
    if !built {
        report.skip(&[RUN], "the targets were not built");
        return;
    }
    let limits = limits(env::var("XD_FUZZ_SECONDS").ok().as_deref());
    for target in &targets {
        report.step(&format!("{RUN}: {target}"), || {
            let limits = limits.as_ref().map_err(|why| Shortfall::Failed(why.clone()))?;
            run_target(workspace, target, limits)?;
            Ok(limits.join(" "))
        });
    }
}

/// How long a target runs, as libFuzzer's options.
fn limits(seconds: Option<&str>) -> Result<Vec<String>, String> {
    match seconds {
        // The same inputs on every fresh checkout: a check of changes must not fail by chance. Long runs search.
        None => Ok(["-seed=1", "-runs=500", "-max_total_time=10"].map(str::to_owned).to_vec()),
        // libFuzzer takes 0 for "without end".
        Some(text) => match text.parse::<u32>() {
            Ok(seconds) if seconds > 0 => Ok(vec![format!("-max_total_time={seconds}")]),
            _ => Err(format!("XD_FUZZ_SECONDS is no positive number of seconds: {text}")),
        },
    }
}

fn run_target(workspace: &Workspace, target: &str, limits: &[String]) -> Result<(), Shortfall> {
    // libFuzzer writes what it discovers to the first directory and only reads the others.
    let discovered = workspace.target("fuzz-corpus").join(target);
    fs::create_dir_all(&discovered)?;
    let mut program = cargo_fuzz(workspace, "run").argument(target).argument(discovered);
    let seeds = workspace.path("fuzz/seeds").join(target);
    if seeds.is_dir() {
        program = program.argument(seeds);
    }
    program = program.arguments(["--", INPUT_SECONDS]).arguments(limits.iter().map(String::as_str));
    let dictionary = workspace.path("fuzz/dictionaries").join(format!("{target}.dict"));
    if dictionary.is_file() {
        program = program.argument(format!("-dict={}", dictionary.display()));
    }
    program.run()
}

/// `cargo fuzz COMMAND`. Sanitizers are unstable options, which the pinned stable compiler accepts only when told to.
fn cargo_fuzz(workspace: &Workspace, command: &str) -> Program {
    workspace.cargo(["fuzz", command]).environment("RUSTC_BOOTSTRAP", "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_short_unless_told_otherwise() {
        assert_eq!(limits(None).unwrap(), ["-seed=1", "-runs=500", "-max_total_time=10"]);
        assert_eq!(limits(Some("600")).unwrap(), ["-max_total_time=600"]);
    }

    #[test]
    fn a_run_without_end_is_refused() {
        for seconds in ["", "0", "-1", "ten"] {
            assert!(limits(Some(seconds)).unwrap_err().contains("XD_FUZZ_SECONDS"), "{seconds}");
        }
    }
}
