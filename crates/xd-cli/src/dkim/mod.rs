//! `xd dkim`: keys to sign mail with.

mod keygen;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use xd_auth::Name;

use crate::arguments::Format;
use crate::check;
use crate::failure::Failure;

/// Care for the keys that sign mail.
#[derive(Debug, Subcommand)]
pub(crate) enum Dkim {
    /// Make a private key, and print the record to publish for it.
    #[command(after_long_help = EXAMPLES)]
    Keygen(Keygen),
}

#[derive(Args, Debug)]
pub(crate) struct Keygen {
    /// The domain that signs (`d=`).
    #[arg(long, value_name = "DOMAIN", value_parser = check::domain_name)]
    domain: Name,
    /// Under which name below `_domainkey` of the domain the record will stand (`s=`): one that no key had before.
    #[arg(long, value_name = "SELECTOR", value_parser = check::selector)]
    selector: Name,
    /// The kind of key. RSA is understood by all, Ed25519 by some: who uses it signs with both.
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value_t = Kind::Rsa)]
    kind: Kind,
    /// Bits of an RSA key [default: 2048]
    #[arg(long, value_name = "BITS", value_enum)]
    bits: Option<Bits>,
    /// The file to write the private key to, readable by its owner alone (PKCS#8 in PEM). A file that is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How to print the record: as a zone file has it, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Kind {
    Ed25519,
    Rsa,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Bits {
    #[value(name = "2048")]
    Two,
    #[value(name = "3072")]
    Three,
    #[value(name = "4096")]
    Four,
}

const EXAMPLES: &str = "\
Examples:
  xd dkim keygen --domain example.com --selector 2026a --out 2026a.pem
  xd dkim keygen --domain example.com --selector 2026e --type ed25519 --out 2026e.pem

Exit status: 0 when key and record were made, 2 when the file is there already or cannot be written, or the command line is wrong.";

pub(crate) fn run(dkim: &Dkim) -> Result<ExitCode, Failure> {
    match dkim {
        Dkim::Keygen(arguments) => keygen::run(arguments),
    }
}
