//! The command line: commands, options and their help.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A mail filter that can prove what it did.
#[derive(Debug, Parser)]
#[command(name = "xd", arg_required_else_help = true, after_help = EXIT_STATUS)]
pub(crate) struct Arguments {
    /// Print the version and the hash of the built-in rules.
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXIT_STATUS: &str = "\
Exit status: 0 when all went well, 1 when a check of rules found something wrong, 2 when something could not be read \
or the command line, a configuration or a rule file is wrong, 130 after an interrupt.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge messages and print a line for each.
    #[command(after_long_help = SCAN_EXAMPLES)]
    Scan(Scan),
    /// Show all there is to know about the judgement of a message.
    #[command(after_long_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// List, show, check and test rules.
    #[command(subcommand)]
    Rules(Rules),
    /// Measure the rules on labelled messages.
    #[command(after_long_help = EVAL_EXAMPLES)]
    Eval(Eval),
}

/// How messages are judged.
#[derive(Args, Debug)]
pub(crate) struct JudgeArguments {
    /// Read settings from this file (TOML).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Judge with the rule files (*.toml) of this directory, or with this file, instead of the built-in rules.
    ///
    /// May be given several times; `builtin` names the built-in rules, so that others can be added to them. Directories
    /// are walked in the order of their paths; folders named `cases` hold no rules.
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// The learned model to judge with; `none` judges by rules alone.
    #[arg(long, value_name = "MODEL", default_value = "none", value_parser = model)]
    pub(crate) model: Model,
}

/// A learned model. There is none to choose yet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Model {
    None,
}

fn model(text: &str) -> Result<Model, String> {
    match text {
        "none" => Ok(Model::None),
        _ => Err("no such model; this version judges by rules alone (--model none)".to_owned()),
    }
}

#[derive(Args, Debug)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    /// How to print: a table for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub(crate) format: ScanFormat,
    /// How many messages to judge at a time, at most 1024; the output is the same whatever it is [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Files, directories, or `-` for standard input.
    ///
    /// In a directory, every file is a message, in the order of their paths; hidden files and directories
    /// are skipped, and links to directories are not followed. A file that begins with `From ` is a mailbox file
    /// (mboxrd): its messages are PATH#1, PATH#2, …, and each of these names can be given as an argument.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ScanFormat {
    Text,
    Jsonl,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    /// How to print: for people, or one JSON object a line for each message.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Messages: files, mailbox files or one of their messages (inbox.mbox#3), directories, or `-`.
    #[arg(value_name = "MESSAGE", required = true)]
    pub(crate) messages: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// List all rules with their scores.
    List(RulesList),
    /// Show what a rule looks for and where it is written.
    Show(RulesShow),
    /// Check rule files: errors, lints, and what the rules cost.
    Check(RulesCheck),
    /// Run the cases that say where rules must fire and where they must not.
    Test(RulesTest),
}

/// Which rules a command is about.
#[derive(Args, Debug)]
pub(crate) struct RulePlaces {
    /// Rule files: a directory of *.toml, one file, or `builtin`; may be given several times [default: builtin]
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RulesList {
    #[command(flatten)]
    pub(crate) places: RulePlaces,
    /// How to print: a table, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct RulesShow {
    #[command(flatten)]
    pub(crate) places: RulePlaces,
    /// Ids of rules.
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct RulesCheck {
    #[command(flatten)]
    pub(crate) places: RulePlaces,
    /// Exit with 1 when there are lints, too.
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RulesTest {
    #[command(flatten)]
    pub(crate) places: RulePlaces,
    /// Case files besides the `cases` folders of the rule directories; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Eval {
    /// Messages that are wanted: files, directories, mailbox files.
    #[arg(long, value_name = "PATH", num_args = 1.., required_unless_present_any = ["spam", "manifest"])]
    pub(crate) ham: Vec<PathBuf>,
    /// Messages that are spam: files, directories, mailbox files.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) spam: Vec<PathBuf>,
    /// A table of messages and labels instead: tab-separated, with columns named `path` and `label` in its first line.
    ///
    /// The labels `spam` and `phish` are spam, `ham` is ham; messages with other labels are reported apart.
    #[arg(long, value_name = "TSV", conflicts_with_all = ["ham", "spam"], requires = "root")]
    pub(crate) manifest: Option<PathBuf>,
    /// The directory that the paths of the manifest begin in.
    #[arg(long, value_name = "DIR", requires = "manifest")]
    pub(crate) root: Option<PathBuf>,
    /// Report groups of messages too: by the column `source` of the manifest, or by directory.
    #[arg(long, value_enum)]
    pub(crate) by: Option<By>,
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    /// How to print: a report, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// How many messages to judge at a time, at most 1024 [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum By {
    Dir,
    Source,
}

/// More threads than this help no machine and may exhaust one.
const JOBS_MAX: usize = 1024;

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(jobs) if jobs.get() <= JOBS_MAX => Ok(jobs),
        _ => Err(format!("expected a number from 1 to {JOBS_MAX}")),
    }
}

/// The number of jobs asked for, or the number of processors.
pub(crate) fn jobs_or_all(jobs: Option<NonZeroUsize>) -> NonZeroUsize {
    jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

const SCAN_EXAMPLES: &str = "\
Examples:
  xd scan mail/                                 a table of all messages below mail/
  xd scan --format jsonl inbox.mbox > out.jsonl
  xd scan --rules builtin --rules my-rules -    a message from standard input, judged with further rules

Exit status: 0 when all messages were judged, 2 when one could not be read (it is named on standard error and has no line).";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  xd explain letter.eml
  xd explain 'inbox.mbox#3'";

const EVAL_EXAMPLES: &str = "\
Examples:
  xd eval --ham ham/ --spam spam/ more-spam/
  xd eval --manifest manifest.tsv --root corpus --by source --format json";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
