//! Capsules on disk, as commands see them: read from files and directories, and the engines that they name.
//!
//! What is damaged, or of a version that this program does not know, is told with file and offset, and the rest is still
//! read. [`Records`] gives one capsule after another; [`Batch`] carries many at once to the threads of
//! [`in_order`](crate::ordered::in_order). `xd capsules` lists and erases them.

mod batch;
mod engines;
mod erase;
mod list;
mod named;
mod person;
mod records;
mod writer;

use std::process::ExitCode;

use xd_core::capsule::Capsule;
use xd_store::RecordType;

pub(crate) use batch::Batch;
pub(crate) use engines::{Absent, BESIDE, Engines, told as engine_told};
pub(crate) use named::Named;
pub(crate) use records::{Found, Origin, Records, Trouble};
pub(crate) use writer::{CapsuleWriter, TooLong};

use crate::arguments::Capsules;
use crate::failure::Failure;
use crate::json::Hex;

/// The type of a record that is a capsule, in segments of capsules.
pub(crate) const CAPSULE: RecordType = RecordType::new(1);

/// `xd capsules`.
pub(crate) fn run(arguments: &Capsules) -> Result<ExitCode, Failure> {
    match arguments {
        Capsules::Erase(arguments) => erase::run(arguments),
        Capsules::List(arguments) => list::run(arguments),
    }
}

/// The name of a verdict: the SHA-256 of its message, as `xd scan` prints it; with `#1`, `#2`, … where a capsule has
/// several, in the order of recipients.
pub(crate) fn id(capsule: &Capsule, verdict: usize) -> String {
    let hash = Hex::of(*capsule.message_sha256());
    match capsule.verdicts().len() {
        0 | 1 => hash.as_str().to_owned(),
        _ => format!("{}#{}", hash.as_str(), verdict + 1),
    }
}

#[cfg(test)]
mod tests;
