//! `xd check domain`: what a domain publishes for its mail, and what to mend.
//!
//! The audit is a function of the answers of DNS: while some are missing, it says which, and is run again. So all its parts ask at once.

mod audit;
mod dkim;
mod dmarc;
mod hosts;
mod pool;
mod report;
mod reverse;
mod spf;
mod text;
mod transport;

use std::process::ExitCode;

pub(crate) use pool::Pool;

use super::arguments::Domain;
use super::asking::Asking;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::json;
use crate::output::Output;
use crate::terminal::Terminal;
use audit::{Plan, audit};

pub(super) fn run(arguments: &Domain) -> Result<ExitCode, Failure> {
    let asking = Asking::try_new(&arguments.asked)?;
    let plan = Plan { domain: &arguments.domain, pools: &arguments.pool, selectors: &arguments.selector };
    let checked = asking.run(|answers| audit(&plan, answers))?;
    let report = checked.outcome;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    match arguments.asked.format {
        Format::Text => output.lines(text::write(&report, terminal))?,
        Format::Json => {
            let mut line = Vec::new();
            json::write_line(&mut line, &report)?;
            output.lines(line)?;
        }
    }
    output.finish()?;
    Ok(ExitCode::from(report.exit_status()))
}
