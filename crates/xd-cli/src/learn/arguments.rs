//! The command line of `xd learn`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::arguments::{jobs, sha256};

#[derive(Debug, Subcommand)]
pub(crate) enum Learn {
    /// Learn messages as wanted.
    Ham(LearnLabel),
    /// Learn messages as spam.
    Spam(LearnLabel),
    /// Forget messages, whatever they were learned as.
    Forget(LearnForget),
    /// Add all that was learned into other files; without any, drop what has expired.
    Merge(LearnMerge),
}

#[derive(Args, Debug)]
pub(crate) struct LearnLabel {
    /// The file of what was learned; made where it is missing.
    #[arg(long, value_name = "FILE")]
    pub(crate) delta: PathBuf,
    /// How many messages to read at a time, at most 1024; what is learned is the same whatever it is [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Messages: files, mailbox files or one of their messages (inbox.mbox#3), directories, or `-`.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct LearnForget {
    /// The file of what was learned.
    #[arg(long, value_name = "FILE")]
    pub(crate) delta: PathBuf,
    /// A message that is no longer at hand, by the SHA-256 of its bytes, as `xd scan` prints it; may be given several times.
    #[arg(long = "message", value_name = "SHA256", value_parser = sha256)]
    pub(crate) messages: Vec<[u8; 32]>,
    /// Messages: files, mailbox files or one of their messages (inbox.mbox#3), directories, or `-`.
    #[arg(value_name = "PATH", required_unless_present = "messages")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct LearnMerge {
    /// The file to add to; made where it is missing.
    #[arg(long, value_name = "FILE")]
    pub(crate) delta: PathBuf,
    /// Files of what was learned; they stay as they are.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  xd learn ham --delta own.xdl newsletter.eml      this one is wanted
  xd learn spam --delta own.xdl junk.mbox
  xd learn forget --delta own.xdl newsletter.eml
  xd scan --delta own.xdl inbox/                   judge with what was learned";
