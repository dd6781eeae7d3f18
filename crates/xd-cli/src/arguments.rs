//! The command line: commands, options and their help.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use xd_core::capsule::Level;

use crate::json::Hex;
use crate::{check, dkim, gateway, learn, tune};

/// A mail filter that can prove what it did.
#[derive(Debug, Parser)]
#[command(name = "xd", arg_required_else_help = true, after_help = EXIT_STATUS)]
pub(crate) struct Arguments {
    /// Print the version and the hash of the engine that comes with it.
    #[arg(short = 'V', long)]
    pub(crate) version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXIT_STATUS: &str = "\
Exit status: 0 when all went well, 1 when a check of rules or of a domain found something wrong, 2 when something could not be read \
or the command line, a configuration or a rule file is wrong, 130 after an interrupt.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge messages and print a line for each.
    #[command(after_long_help = SCAN_EXAMPLES)]
    Scan(Scan),
    /// Show all there is to know about the judgement of a message, judged now or kept in a capsule.
    #[command(after_long_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// List the files in messages and what stands in them, or write them out to look at.
    Extract(Extract),
    /// Derive past verdicts again from their capsules, or ask what other rules and settings would have decided.
    #[command(after_long_help = REPLAY_EXAMPLES)]
    Replay(Replay),
    /// Name the smallest changes that would have altered a class.
    #[command(after_long_help = COUNTERFACTUAL_EXAMPLES)]
    Counterfactual(Counterfactual),
    /// Find the change of rules that altered the class of a message.
    #[command(after_long_help = BISECT_EXAMPLES)]
    Bisect(Bisect),
    /// List, show and compare the engines that are kept beside capsules.
    #[command(subcommand)]
    Engine(Engines),
    /// List or erase what was kept of past verdicts.
    #[command(subcommand)]
    Capsules(Capsules),
    /// List, show, check, test and value rules.
    #[command(subcommand)]
    Rules(Rules),
    /// Check what DNS says of a client that sends, or audit what a domain publishes for its mail.
    #[command(subcommand)]
    Check(check::Check),
    /// Make keys that sign mail.
    #[command(subcommand)]
    Dkim(dkim::Dkim),
    /// List what waits in a gateway's queue, and say what is to happen to it.
    #[command(subcommand)]
    Queue(gateway::Queue),
    /// Say how a gateway is doing: what it took, where mail waits, how long things take.
    Status(gateway::Status),
    /// Read the journal of a gateway: what happened to mail.
    #[command(subcommand)]
    Log(gateway::Log),
    /// Measure rules and model on labelled messages.
    #[command(after_long_help = EVAL_EXAMPLES)]
    Eval(Eval),
    /// Make a model of one's own from labelled messages.
    Train(Train),
    /// Learn from corrections, beside the model: messages that are wanted or spam, and messages to forget.
    #[command(subcommand, after_long_help = learn::EXAMPLES)]
    Learn(learn::Learn),
    /// Find the least change of rule scores that frees false positives or catches what was missed, and what it costs.
    #[command(after_long_help = tune::EXAMPLES)]
    Tune(tune::Tune),
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
    /// Judge with this model: `default` or `permissive`, which come with xd, a file, or `none` for rules alone [default: that of the
    /// configuration, or `default` where the built-in rules judge]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Also consult what was learned into this file (`xd learn`); may be given several times [default: that of the configuration]
    #[arg(long, value_name = "FILE")]
    pub(crate) delta: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    /// Ask name servers who really sent each message (SPF, DKIM, DMARC, ARC), what its host is called, and what lists say; those of the
    /// configuration, else those of the system.
    #[arg(long)]
    pub(crate) dns: bool,
    /// Keep the causes of all verdicts in this directory, which is made where it is missing: capsules, and the engine.
    ///
    /// `xd replay DIR` derives the verdicts again, and says what other rules would have decided. Capsules are added behind
    /// those that are there.
    #[arg(long, value_name = "DIR")]
    pub(crate) capsules: Option<PathBuf>,
    /// How much of each message a capsule holds: the causes of the verdict; header fields, links and attachments' names too; or
    /// the message itself.
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = CapsuleLevel::Causes, requires = "capsules")]
    pub(crate) capsule_level: CapsuleLevel,
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
pub(crate) struct Replay {
    /// What if: the rule files of this directory, this file, or `builtin` had judged; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
    /// What if: this model had judged: `default`, `permissive`, a file, or `none`.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// What if: the settings of this file (TOML) had been in force, for all recipients.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Look for engines here, too, when they are not beside the capsules; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Vec<PathBuf>,
    /// List the changed verdicts and no others.
    #[arg(long)]
    pub(crate) only_changed: bool,
    /// Replay so many capsules, spread evenly over all: always the same ones.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<NonZeroU64>,
    /// How many threads work, at most 1024; the output is the same whatever it is [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// How to print: a summary, one JSON object, or a row for each verdict.
    #[arg(long, value_enum, default_value_t = ReplayFormat::Text)]
    pub(crate) format: ReplayFormat,
    /// Capsules: files, or directories of NNNNNN.xdc.
    #[arg(value_name = "CAPSULES", required = true)]
    pub(crate) capsules: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ReplayFormat {
    Text,
    Json,
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Capsules {
    /// Erase the capsules of one message or one person; the files stay valid.
    Erase(CapsulesErase),
    /// List capsules, a line for each.
    List(CapsulesList),
}

#[derive(Args, Debug)]
pub(crate) struct CapsulesErase {
    /// The capsules of this message, by the SHA-256 of its bytes, as `xd scan` and `xd replay` print it.
    #[arg(long, value_name = "SHA256", value_parser = sha256, conflicts_with = "person", required_unless_present = "person")]
    pub(crate) message: Option<[u8; 32]>,
    /// The capsules that name this person: as recipient, in the reverse-path, in From, or in what they hold of the message.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(crate) person: Option<String>,
    /// Settings (TOML) that name the key of pseudonyms, for capsules that hold them.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Only say what would be erased.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Capsules: files, or directories of NNNNNN.xdc.
    #[arg(value_name = "CAPSULES", required = true)]
    pub(crate) capsules: Vec<PathBuf>,
}

fn address(text: &str) -> Result<String, String> {
    let address = text.trim().trim_start_matches('<').trim_end_matches('>');
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(address.to_owned()),
        _ => Err("expected an address of mail, as alice@example.com".to_owned()),
    }
}

pub(crate) fn sha256(text: &str) -> Result<[u8; 32], String> {
    Hex::parse(text).ok_or_else(|| "expected 64 hexadecimal digits".to_owned())
}

#[derive(Args, Debug)]
pub(crate) struct CapsulesList {
    /// How to print: a table for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub(crate) format: ScanFormat,
    /// Capsules: files, or directories of NNNNNN.xdc.
    #[arg(value_name = "CAPSULES", required = true)]
    pub(crate) capsules: Vec<PathBuf>,
}

/// The levels of capsules.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum CapsuleLevel {
    Causes,
    Facts,
    Content,
}

impl From<CapsuleLevel> for Level {
    fn from(level: CapsuleLevel) -> Self {
        match level {
            CapsuleLevel::Causes => Self::Causes,
            CapsuleLevel::Facts => Self::Facts,
            CapsuleLevel::Content => Self::Content,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    /// How to print: for people, or one JSON object a line for each message.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Look for the engines of capsules here, too, when they are not beside them; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Vec<PathBuf>,
    /// Messages: files, mailbox files or one of their messages (inbox.mbox#3), directories, or `-`; or capsules: files,
    /// directories of NNNNNN.xdc, or one of their capsules (FILE.xdc#3, or FILE.xdc#SHA256 with the beginning of a hash).
    #[arg(value_name = "CAPSULE|MESSAGE", required = true)]
    pub(crate) cases: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Extract {
    /// The configuration, for how long messages may be.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write the files into this directory, under names that are safe; without it, they are only listed.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How to print: for people, or one JSON object a line for each file.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Messages: files, mailbox files or one of their messages (inbox.mbox#3), directories, or `-`.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Counterfactual {
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    /// How to print: for people, or one JSON object a line for each message.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Look for the engines of capsules here, too, when they are not beside them; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Vec<PathBuf>,
    /// Messages, which are judged first, or capsules (FILE.xdc#3, or FILE.xdc#SHA256 with the beginning of a hash).
    #[arg(value_name = "CAPSULE|MESSAGE", required = true)]
    pub(crate) cases: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Bisect {
    /// The engines to try, in the order in which they were first kept: a directory of capsules or of engines [default: those
    /// beside the capsule]
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Option<PathBuf>,
    /// How to print: for people, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// One capsule: FILE.xdc#3, or FILE.xdc#SHA256 with the beginning of a hash.
    #[arg(value_name = "CAPSULE")]
    pub(crate) capsule: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Engines {
    /// List engines in the order in which they were first kept.
    List(EngineList),
    /// Show what an engine is made of: files, rules, semantics version, model.
    Show(EngineShow),
    /// Say what changed from one engine to another.
    Diff(EngineDiff),
}

#[derive(Args, Debug)]
pub(crate) struct EngineList {
    /// A directory of capsules, or of engines itself; without it, the built-in engine is the only one.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Option<PathBuf>,
    /// How to print: a table, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct EngineShow {
    /// A directory of capsules, or of engines itself; without it, the built-in engine is the only one.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Option<PathBuf>,
    /// How to print: for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Engines by the beginning of their hash, or `builtin`.
    #[arg(value_name = "HASH", required = true)]
    pub(crate) hashes: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct EngineDiff {
    /// A directory of capsules, or of engines itself; without it, the built-in engine is the only one.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Option<PathBuf>,
    /// How to print: for people, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// The older engine, by the beginning of its hash, or `builtin`.
    #[arg(value_name = "A")]
    pub(crate) old: String,
    /// The newer engine, named alike.
    #[arg(value_name = "B")]
    pub(crate) new: String,
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
    /// Count what each rule did to recorded messages: hits, and where it alone decided.
    #[command(after_long_help = VALUE_EXAMPLES)]
    Value(RulesValue),
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
pub(crate) struct RulesValue {
    /// Look for engines here, too, when they are not beside the capsules; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Vec<PathBuf>,
    /// How many threads work, at most 1024; the output is the same whatever it is [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// How to print: a table, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Capsules: files, or directories of NNNNNN.xdc.
    #[arg(value_name = "CAPSULES", required = true)]
    pub(crate) capsules: Vec<PathBuf>,
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
    /// Show how another judgement differs: that of a model (`default`, `permissive`, `none`, a file), or of rules (a directory, a
    /// file named *.toml, `builtin`). Of two, the first is what the figures are about, the second what is compared with it.
    #[arg(long, value_name = "OTHER", num_args = 1..=2)]
    pub(crate) compare: Vec<PathBuf>,
    /// Write a report for a browser to this file, which takes its place when it is whole; it refers to nothing outside itself.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// How often clusters of messages are drawn anew to say how far chance reaches; 0 leaves intervals out.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = resamples)]
    pub(crate) resamples: u32,
    /// How to print: a report, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// How many messages to judge at a time, at most 1024 [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Args, Debug)]
pub(crate) struct Train {
    /// Messages that are wanted: files, directories, mailbox files.
    #[arg(long, value_name = "PATH", num_args = 1.., required = true)]
    pub(crate) ham: Vec<PathBuf>,
    /// Messages that are spam: files, directories, mailbox files.
    #[arg(long, value_name = "PATH", num_args = 1.., required = true)]
    pub(crate) spam: Vec<PathBuf>,
    /// The file to write the model to; its name without ending is the model's.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Begin with what this model knows: `default`, `permissive`, or a file.
    #[arg(long, value_name = "MODEL")]
    pub(crate) from: Option<String>,
    /// How many messages to read at a time, at most 1024; the model is the same whatever it is [default: the number of processors]
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

pub(crate) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(jobs) if jobs.get() <= JOBS_MAX => Ok(jobs),
        _ => Err(format!("expected a number from 1 to {JOBS_MAX}")),
    }
}

/// How many draws of clusters are asked for. Of fewer than forty none lies beyond the middle 95 %.
fn resamples(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(draws @ (0 | 40..=100_000)) => Ok(draws),
        _ => Err("expected 0, or a number from 40 to 100000".to_owned()),
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
  xd scan --capsules capsules/ mail/            the causes of all verdicts kept, for `xd replay capsules/`

Exit status: 0 when all messages were judged, 2 when one could not be read (it is named on standard error and has no line).";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  xd explain letter.eml
  xd explain 'inbox.mbox#3'
  xd explain capsules/000001.xdc#3                 as it was judged then";

const COUNTERFACTUAL_EXAMPLES: &str = "\
Examples:
  xd counterfactual letter.eml                     what would make it another class?
  xd counterfactual capsules/000001.xdc#9f86d081   of the recorded message whose SHA-256 begins so";

const BISECT_EXAMPLES: &str = "\
Examples:
  xd bisect --engines capsules/ capsules/000001.xdc#3

Exit status: 0 when all engines could be tried, 2 when something could not be read (it is named on standard error).";

const VALUE_EXAMPLES: &str = "\
Examples:
  xd rules value capsules/

A solo hit is a message whose class would differ if the rule were disabled. A hit agrees when the class went to the side that \
the rule's points take. A dead rule held for no message.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  xd replay capsules/                                      do all verdicts follow from their capsules?
  xd replay --rules builtin --rules my-rules capsules/     what if my rules had judged, too?
  xd replay --config xd.toml --only-changed capsules/      what if these settings had been in force?

Exit status: 0 when all replayed identically or a what-if could be computed, 1 when a verdict differs from its replay, 2 when \
something could not be read or replayed (it is named on standard error).";

const EVAL_EXAMPLES: &str = "\
Examples:
  xd eval --ham ham/ --spam spam/ more-spam/
  xd eval --manifest manifest.tsv --root corpus --by source --format json
  xd eval --manifest manifest.tsv --root corpus --by source --html report.html
  xd eval --ham ham/ --spam spam/ --compare default my-own.xdm";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
