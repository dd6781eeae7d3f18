//! `xd check`: what DNS says now of a client that sends, or of a domain that mail comes from.
//!
//! Checks are those of `xd-auth`, the same that judge mail. What could not be found out is said to be so, and never to be absent.

mod answers;
mod arguments;
mod asking;
mod domain;
mod names;
mod sender;

use std::process::ExitCode;

pub(crate) use arguments::{Check, domain as domain_name, selector};

use crate::failure::Failure;

pub(crate) fn run(check: &Check) -> Result<ExitCode, Failure> {
    match check {
        Check::Domain(arguments) => domain::run(arguments),
        Check::Sender(arguments) => sender::run(arguments),
    }
}
