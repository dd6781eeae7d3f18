//! The command line of the commands about a gateway: queue, status, log.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use xd_config::Config;
use xd_config::control::Selection;

use crate::arguments::ScanFormat;
use crate::failure::Failure;

/// Which gateway is meant, and how answers are printed.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The gateway's configuration; without it, what is in ./xd-data.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The gateway's control socket.
    #[arg(long, value_name = "PATH", conflicts_with = "data")]
    control: Option<PathBuf>,
    /// The gateway's data directory, or a copy of it; nothing needs to run.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How to print: for people, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub(super) format: ScanFormat,
}

/// Care for the queue of a gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum Queue {
    /// Take messages out of the queue for good. Nobody is told.
    Delete(Change),
    /// Print messages as they are in the spool: one as it is, several as a mailbox file (mboxrd).
    Export(Chosen),
    /// Keep messages from being tried.
    Hold(Change),
    /// List what waits, oldest first.
    List(List),
    /// Let held messages be tried, for whatever reason they are held.
    Release(Change),
    /// Try messages now.
    Retry(Change),
    /// Show all that is known of messages.
    Show(Chosen),
}

#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct Chosen {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(flatten)]
    pub(super) place: Place,
    /// Only say how many it would be.
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Which messages are meant.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct Which {
    /// Queue ids.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All messages.
    #[arg(long)]
    all: bool,
    /// Those with a recipient in this domain.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// Those of which something is held.
    #[arg(long)]
    held: bool,
}

/// Say how a gateway is doing: what it took, where mail waits, how long things take.
#[derive(Args, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(super) place: Place,
}

/// Read the journal of a gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Find mail by its recipient.
    Search(Search),
    /// Print the last records, and those that come.
    Tail(Tail),
}

#[derive(Args, Debug)]
pub(crate) struct Search {
    /// A part of the recipient's address, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    pub(super) to: String,
    /// A part of the sender's address.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) from: String,
    /// A part of the subject.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(super) subject: String,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Args, Debug)]
pub(crate) struct Tail {
    /// How many of the last records to print.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(super) lines: usize,
    /// Go on printing what comes.
    #[arg(short = 'f', long)]
    pub(super) follow: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

impl Place {
    fn config(&self) -> Result<Config, Failure> {
        crate::judging::config(self.config.as_deref())
    }

    /// Where the gateway keeps its data.
    pub(super) fn data(&self) -> Result<PathBuf, Failure> {
        match (&self.data, &self.control) {
            (Some(data), _) => Ok(data.clone()),
            // The socket lies in the data directory, unless a configuration says otherwise.
            (None, Some(control)) if self.config.is_none() => Ok(control.parent().unwrap_or_else(|| Path::new("")).to_owned()),
            _ => Ok(self.config()?.data().to_owned()),
        }
    }

    /// Where the gateway is asked.
    pub(super) fn control(&self) -> Result<PathBuf, Failure> {
        match (&self.control, &self.data) {
            (Some(control), _) => Ok(control.clone()),
            (None, Some(data)) => Ok(data.join("control.sock")),
            _ => Ok(self.config()?.control()),
        }
    }
}

impl Which {
    /// The messages meant; all when nothing was said.
    pub(super) fn or_all(&self) -> Selection {
        self.named().unwrap_or(Selection::All)
    }

    /// The messages meant, which must be said: a slip must not change all of them.
    pub(super) fn named(&self) -> Result<Selection, Failure> {
        match self {
            Self { domain: Some(domain), .. } => Ok(Selection::Domain(domain.clone())),
            Self { all: true, .. } => Ok(Selection::All),
            Self { held: true, .. } => Ok(Selection::Held),
            Self { ids, .. } if !ids.is_empty() => Ok(Selection::Ids(ids.clone())),
            _ => Err(Failure::operator("which messages? Name their queue ids, or give --all, --domain DOMAIN or --held")),
        }
    }
}
