//! Development commands, run as `cargo xtask COMMAND`.
//!
//! What a contributor runs and what the continuous checks run is the same code: `.ci/run` only calls `cargo xtask ci`.
//! Every command is a list of named steps (see [`report`]); a step passes, fails, or is skipped with its reason.

mod attacks;
mod bench_gateway;
mod capsules;
mod ci;
mod conformance;
mod corpus;
mod deny;
mod early;
mod examples;
mod fuzz;
mod hostile;
mod judged;
mod models;
mod peers;
mod power;
mod program;
mod purity;
mod quality;
mod readme;
mod report;
mod shared;
mod test;
mod tools;
mod what_ifs;
mod workspace;

use std::env;
use std::process::ExitCode;

use report::Report;
use workspace::Workspace;

const HELP: &str = "\
Development commands of xd.

Usage: cargo xtask COMMAND

Commands:
  attacks [--messages N]
          caught mail of the corpus, changed in every way that is known: how much of it turns clean
  bench-gateway
          the gateway beside Postfix: messages a second, processor time of each
  ci      everything the continuous checks run: format, lints, purity, test, documentation,
          dependency policy, fuzz targets (built and run briefly), benches (compiled)
  conformance [--vectors DIR] [--format text|json]
          the vectors of standards and other projects, topic by topic; misses do not fail it
  early   how many questions to DNS are spared when asking ends with the decision; part of `test`
  peers   the gateway among Postfix, swaks, smtplib, smtp-source and smtp-sink, and signatures beside dkimpy and OpenDKIM;
          part of `test`
  purity  the core's dependency tree and sources, held to what a pure core may name
  resolve the vectors of SPF, DKIM, ARC and DMARC through the resolver, without and with loss of packets, and from NSD;
          part of `test`
  test    all tests: workspace, documentation, examples, rule cases, the README's first command,
          and checks on the mail corpus where it is at hand
  train-models
          the models that come with xd, into crates/xd-core/models
  fit-scores [--check]
          the scores of the built-in rules, into crates/xd-core/rules; with --check, whether they are what fitting gives
  cross-validate [--group cluster|source]
          how well rules and models do on clusters, or on whole sources, that they never saw
  compare-learners
          other ways to learn, and fewer features, beside what ships
  without-brands
          how much phishing mail is lost when ten brands are missing from the table of brands
  help    this text

Environment:
  XD_SHARED        directory with corpus/ and tools/; ../shared beside the workspace when unset
  XD_NO_INSTALL    when set, no tool or package is installed; what needs one is skipped
  XD_FUZZ_SECONDS  seconds each fuzz target runs in `ci`; 10, or 20000 inputs, when unset
";

/// Exit status of a command line that could not be understood.
const USAGE_ERROR: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["conformance", rest @ ..] = words.as_slice() {
        return conformance::command(&Workspace::locate(), rest);
    }
    let messages = match words.as_slice() {
        ["attacks", "--messages", number] => number.parse().ok(),
        _ => None,
    };
    let command: &dyn Fn(&Workspace, &mut Report) = match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        ["attacks"] => &|workspace, report| attacks::command(workspace, report, None),
        ["attacks", "--messages", _] if messages.is_some() => &|workspace, report| attacks::command(workspace, report, messages),
        ["bench-gateway"] => &bench_gateway::run,
        ["ci"] => &ci::run,
        ["early"] => &early::command,
        ["peers"] => &peers::run,
        ["purity"] => &purity::run,
        ["resolve"] => &conformance::resolved::run,
        ["test"] => &test::run,
        ["train-models"] => &models::train_models,
        ["compare-learners"] => &models::compare_learners,
        ["without-brands"] => &models::without_brands,
        ["fit-scores"] => &|workspace, report| models::fit_scores(workspace, report, false),
        ["fit-scores", "--check"] => &|workspace, report| models::fit_scores(workspace, report, true),
        ["cross-validate"] | ["cross-validate", "--group", "cluster"] => {
            &|workspace, report| models::cross_validate_models(workspace, report, false)
        }
        ["cross-validate", "--group", "source"] => &|workspace, report| models::cross_validate_models(workspace, report, true),
        _ => {
            eprintln!("xtask: unknown command `{}`\n\n{HELP}", arguments.join(" "));
            return ExitCode::from(USAGE_ERROR);
        }
    };

    let mut report = Report::new();
    command(&Workspace::locate(), &mut report);
    print!("{}", report.summary());
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
