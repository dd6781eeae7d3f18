//! The command line of `xd tune`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use crate::arguments::{Format, JudgeArguments, jobs};

#[derive(Args, Debug)]
pub(crate) struct Tune {
    /// Messages that are marked and are wanted: files, directories, mailbox files, or capsules.
    #[arg(long, value_name = "PATH", num_args = 1.., required_unless_present = "catch")]
    pub(crate) free: Vec<PathBuf>,
    /// Messages that are clean and are spam: files, directories, mailbox files, or capsules.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "free")]
    pub(crate) catch: Vec<PathBuf>,
    /// Other messages that are wanted, which an edit might change: files, directories, mailbox files, or capsules.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) ham: Vec<PathBuf>,
    /// Other messages that are spam.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(crate) spam: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) judge: JudgeArguments,
    /// Look for the engines of capsules here, too, when they are not beside them; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub(crate) engines: Vec<PathBuf>,
    /// How to print: for people, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// How many messages to judge at a time, at most 1024; the output is the same whatever it is [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  xd tune --free wrong/ --ham ham/ --spam spam/          which rule marks them, and what would freeing them cost?
  xd tune --catch missed.mbox --ham ham/ --spam spam/
  xd tune --free 'caps#9f86d081' 'caps#60303ae2' --ham caps/   of recorded messages, as they were judged";
