//! `xd rules check`: errors and lints with their places, and what the rules cost.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use xd_core::Engine;
use xd_core::rules::Rule;

use crate::arguments::RulesCheck;
use crate::engine::compile;
use crate::escape::Plain;
use crate::failure::{FAILED, Failure};
use crate::output::Output;
use crate::terminal::{Style, Terminal};

pub(super) fn run(arguments: &RulesCheck) -> Result<ExitCode, Failure> {
    let engine = match compile(&arguments.places.rules) {
        Ok(engine) => engine,
        // Wrong rules are what this command looks for: they are its result, not its failure.
        Err(failure @ Failure::Sources(_)) => {
            eprintln!("{failure}");
            return Ok(ExitCode::from(FAILED));
        }
        Err(failure) => return Err(failure),
    };
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    output.lines(report(&engine, terminal))?;
    output.finish()?;
    let failed = arguments.strict && !engine.rules().lints().is_empty();
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn report(engine: &Engine, terminal: Terminal) -> String {
    let rules = engine.rules();
    let mut text = String::new();
    for lint in rules.lints() {
        let place = format!("{}:{}:{}", lint.file, lint.line, lint.column);
        let _ = writeln!(text, "{}: {}: {}", Plain(&place), terminal.paint(Style::Yellow, "lint"), Plain(&lint.message));
    }
    let families: BTreeSet<&str> = rules.rules().iter().map(Rule::family).collect();
    let cost = rules.cost();
    let counts = [
        format!("{} in {}", count(rules.rules().len(), "rule", "rules"), count(families.len(), "family", "families")),
        count(rules.groups().len(), "group", "groups"),
        count(cost.literals, "literal", "literals"),
        count(rules.lints().len(), "lint", "lints"),
    ];
    let _ = writeln!(text, "{}", counts.join(", "));
    let share = cost.steps_per_byte.saturating_mul(100).checked_div(cost.budget).unwrap_or(0);
    let _ = writeln!(text, "at worst {} steps a byte, {share} % of the budget of {}", cost.steps_per_byte, cost.budget);
    let _ = writeln!(text, "{} KiB of memory; engine {}", cost.memory_bytes.div_ceil(1024), engine.hash());
    text
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
