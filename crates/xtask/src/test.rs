//! `cargo xtask test`: everything that decides whether the project works, short of lints and fuzzing.

use std::fs;

use crate::corpus::Corpus;
use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::workspace::Workspace;
use crate::{attacks, capsules, conformance, early, examples, hostile, peers, power, quality, readme};

const BUILD: &str = "corpus: build the optimised xd";
const HOSTILE: &str = "corpus: hostile messages are judged in bounded memory";
const UNPACK: &str = "corpus: unpack";

pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("tests of the workspace", || {
        workspace.cargo(["test", "--workspace"]).run()?;
        Ok(String::new())
    });
    power::run(workspace, report);
    report.step("programs in examples/", || examples::run(workspace));
    report.step("rule cases", || {
        workspace.cargo(["run", "--quiet", "--package", "xd-cli", "--", "rules", "test"]).run()?;
        Ok(String::new())
    });
    report.step("the README's first command", || first_command(workspace));
    conformance::step(workspace, report);
    conformance::resolved::run(workspace, report);
    peers::run(workspace, report);
    with_shared_data(workspace, report);
}

fn first_command(workspace: &Workspace) -> Result<String, Shortfall> {
    let readme =
        fs::read_to_string(workspace.path("README.md")).map_err(|error| Shortfall::Failed(format!("README.md: {error}")))?;
    let words = readme::first_command(&readme);
    let words = words.ok_or_else(|| Shortfall::Failed("README.md shows no cargo command in a code block".to_owned()))?;
    workspace.cargo(words.iter().skip(1).copied()).run()?;
    Ok(words.join(" "))
}

fn with_shared_data(workspace: &Workspace, report: &mut Report) {
    let shared = match SharedData::locate(workspace) {
        Ok(shared) => shared,
        Err(Shortfall::Skipped(why)) => {
            report.skip(&[BUILD, UNPACK], &why);
            report.skip(&quality::STEPS, &why);
            report.skip(&[capsules::STEP, attacks::STEP, early::STEP, HOSTILE], &why);
            return;
        }
        Err(failed) => {
            report.step(UNPACK, || Err(failed));
            return;
        }
    };
    let built = report.step(BUILD, || {
        workspace.cargo(["build", "--release", "--package", "xd-cli"]).run()?;
        Ok(String::new())
    });
    let corpus = Corpus::new(workspace);
    let unpacked = report.step(UNPACK, || corpus.unpack(workspace, &shared));
    if built && unpacked {
        quality::run(workspace, &corpus, report);
        report.step(capsules::STEP, || capsules::run(workspace, &corpus));
    } else {
        let why = "needs the optimised xd and the unpacked corpus";
        report.skip(&quality::STEPS, why);
        report.skip(&[capsules::STEP], why);
    }
    if unpacked {
        report.step(attacks::STEP, || attacks::step(&corpus));
        report.step(early::STEP, || early::step(&corpus));
    } else {
        report.skip(&[attacks::STEP, early::STEP], "needs the unpacked corpus");
    }
    if built {
        report.step(HOSTILE, || hostile::run(workspace, &shared));
    } else {
        report.skip(&[HOSTILE], "needs the optimised xd");
    }
}
