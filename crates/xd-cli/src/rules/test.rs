//! `xd rules test`: runs the cases that say where rules must fire and where they must not.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use xd_core::rules::Rule;
use xd_core::rules::cases::{self, Case};
use xd_core::{Engine, Truth};

use crate::arguments::RulesTest;
use crate::engine;
use crate::escape::Plain;
use crate::failure::{FAILED, Failure};
use crate::output::Output;
use crate::terminal::{Style, Terminal};

pub(super) fn run(arguments: &RulesTest) -> Result<ExitCode, Failure> {
    let engine = engine::compile(&arguments.places.rules)?;
    let sources = engine::cases(&arguments.places.rules, &arguments.cases)?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let mut all = Vec::new();
    let mut failed = 0;
    for source in &sources {
        for case in cases::parse(source)? {
            if let Err(difference) = case.run(&engine) {
                failed += 1;
                let title = format!("{}:{}: {}: {}", case.file, case.line, case.rule, case.name);
                let word = terminal.paint(Style::Red, "failed");
                output.lines(format!("{word}  {}\n        {}\n", Plain(&title), Plain(&difference)))?;
            }
            all.push(case);
        }
    }
    output.lines(gaps(&engine, &all))?;
    output.lines(format!("{} cases, {failed} failed\n", all.len()))?;
    output.finish()?;
    if all.is_empty() {
        return Err(Failure::operator("there are no cases; --cases DIR names their directory"));
    }
    Ok(if failed > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// Names the rules that no case shows firing, or silent.
fn gaps(engine: &Engine, cases: &[Case]) -> String {
    let with = |truth: Truth| -> BTreeSet<&str> {
        cases.iter().filter(|case| case.expected == truth).map(|case| case.rule.as_str()).collect()
    };
    let mut text = String::new();
    for (what, covered) in [("holds", with(Truth::True)), ("does not", with(Truth::False))] {
        let missing = engine.rules().rules().iter().map(Rule::id).filter(|id| !covered.contains(id));
        let missing: Vec<&str> = missing.collect();
        if !missing.is_empty() {
            let _ = writeln!(text, "no case in which it {what}: {}", Plain(&missing.join(", ")));
        }
    }
    text
}
