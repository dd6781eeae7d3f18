//! `xd tune`: the least change of rule scores that frees false positives or catches what was missed, and what it costs.
//!
//! Messages are judged and capsules replayed once; then every edit is tried on the points of the rules that held, exactly.

mod arguments;
mod cost;
mod gather;
mod report;

use std::collections::BTreeSet;
use std::process::ExitCode;

use serde::Serialize;
use xd_core::capsule::{Aim, Edits, SharedRule, Tuning};
use xd_core::{Engine, Score};

use crate::arguments::Format;
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::json;
use crate::output::Output;
use crate::stop;
use crate::terminal::Terminal;

pub(crate) use arguments::{EXAMPLES, Tune};
use cost::{Change, Cost};
use gather::{Gathered, Part};

/// From so many samples on, what they share is more than chance.
const RELIABLE: usize = 5;

/// What was found; the order of keys is part of the interface.
#[derive(Debug, Serialize)]
struct Report<'a> {
    aim: &'static str,
    samples: usize,
    /// Whether enough of them are to change class.
    reliable: bool,
    already: usize,
    beyond: usize,
    ham: usize,
    spam: usize,
    shared: Vec<Shared<'a>>,
    /// The least and the most points that model and lessons give the samples.
    #[serde(serialize_with = "json::score")]
    beside_low: Score,
    #[serde(serialize_with = "json::score")]
    beside_high: Score,
    /// Whether each rule has the same points for all samples.
    uniform: bool,
    /// Nought where it has not.
    #[serde(serialize_with = "json::score")]
    at_least: Score,
    all_pairs: bool,
    /// Whether the edit is one of more rules than were tried together.
    #[serde(skip)]
    built_up: bool,
    edits: Vec<EditLine<'a>>,
    engine: String,
}

/// A rule that held for samples that are to change class.
#[derive(Debug, Serialize)]
struct Shared<'a> {
    rule: &'a str,
    samples: usize,
    /// Of these: would change class by this rule alone.
    alone: usize,
    #[serde(serialize_with = "json::score")]
    score: Score,
    /// Of the rest.
    ham: usize,
    spam: usize,
    #[serde(skip)]
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct EditLine<'a> {
    changes: Vec<RuleChange<'a>>,
    #[serde(serialize_with = "json::score")]
    total: Score,
    /// Whether nothing less would do, of however many rules.
    least: bool,
    #[serde(flatten)]
    cost: Cost,
    /// The first of the rest that change class, those that become clean or marked before others.
    changed: Vec<Change<'a>>,
}

#[derive(Debug, Serialize)]
struct RuleChange<'a> {
    rule: &'a str,
    #[serde(serialize_with = "json::score")]
    from: Score,
    #[serde(serialize_with = "json::score")]
    to: Score,
}

/// Looks for edits, and prints them.
pub(crate) fn run(arguments: &Tune) -> Result<ExitCode, Failure> {
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let unread = gather::all(arguments, |engine, all| {
        if stop::asked() {
            return Ok(());
        }
        let aim = if arguments.free.is_empty() { Aim::Catch } else { Aim::Free };
        let report = Report::of(engine, aim, all)?;
        match arguments.format {
            Format::Text => output.lines(report::text(&report, terminal))?,
            Format::Json => {
                let mut line = Vec::new();
                json::write_line(&mut line, &report)?;
                output.lines(line)?;
            }
        }
        Ok(())
    })?;
    if stop::asked() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    output.finish()?;
    Ok(if unread { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

impl<'a> Report<'a> {
    fn of(engine: &'a Engine, aim: Aim, all: &'a [Gathered]) -> Result<Self, Failure> {
        let (mut samples, rest): (Vec<&Gathered>, Vec<&Gathered>) = all.iter().partition(|one| one.part == Part::Sample);
        if samples.is_empty() {
            return Err(Failure::operator("there is no message to begin with"));
        }
        // A message that is given twice counts once.
        let mut hashes = BTreeSet::new();
        samples.retain(|sample| hashes.insert(sample.sha256));
        // What is to change is no cost.
        let rest: Vec<&Gathered> = rest.into_iter().filter(|one| !hashes.contains(&one.sha256)).collect();
        let standings: Vec<_> = samples.iter().map(|sample| sample.standing.clone()).collect();
        let tuning = Tuning::of(engine, aim, &standings);
        let beside = || standings.iter().map(xd_core::capsule::Standing::beside);
        let count = |part| rest.iter().filter(|one| one.part == part).count();
        let found = tuning.singles.iter().chain(&tuning.pair).chain(&tuning.larger);
        let mut edits: Vec<EditLine<'a>> = found.map(|edits| EditLine::of(engine, edits, &samples, &rest)).collect();
        // Stable: equal ones stay in the order of rules.
        edits.sort_by_key(|line| (line.total, line.cost.harm(), std::cmp::Reverse(line.cost.gain())));
        Ok(Self {
            aim: match aim {
                Aim::Catch => "catch",
                Aim::Free => "free",
            },
            samples: samples.len(),
            reliable: samples.len() - tuning.already - tuning.beyond >= RELIABLE,
            already: tuning.already,
            beyond: tuning.beyond,
            ham: count(Part::Ham),
            spam: count(Part::Spam),
            shared: tuning.shared.iter().map(|shared| Shared::of(engine, shared, &samples, &rest)).collect(),
            beside_low: beside().min().unwrap_or_default(),
            beside_high: beside().max().unwrap_or_default(),
            uniform: tuning.uniform,
            at_least: tuning.at_least,
            all_pairs: tuning.all_pairs,
            built_up: tuning.larger.is_some(),
            edits,
            engine: engine.hash().to_string(),
        })
    }
}

/// The points that a rule has where it held.
fn points(rule: usize, samples: &[&Gathered]) -> Score {
    samples.iter().find_map(|sample| sample.standing.points(rule)).unwrap_or_default()
}

impl<'a> Shared<'a> {
    fn of(engine: &'a Engine, shared: &SharedRule, samples: &[&Gathered], rest: &[&Gathered]) -> Self {
        let index = shared.rule;
        let rule = &engine.rules().rules()[index];
        let hits = |part| rest.iter().filter(|one| one.part == part && one.standing.points(index).is_some()).count();
        let (ham, spam) = (hits(Part::Ham), hits(Part::Spam));
        let score = points(index, samples);
        Self { rule: rule.id(), samples: shared.held, alone: shared.alone, score, ham, spam, why: rule.why() }
    }
}

impl<'a> EditLine<'a> {
    fn of(engine: &'a Engine, edits: &Edits, samples: &[&Gathered], rest: &[&'a Gathered]) -> Self {
        let change = |edit: &xd_core::capsule::Edit| RuleChange {
            rule: engine.rules().rules()[edit.rule].id(),
            from: points(edit.rule, samples),
            to: edit.to,
        };
        let (cost, changed) = Cost::of(engine, &edits.edits, rest);
        Self { changes: edits.edits.iter().map(change).collect(), total: edits.total, least: edits.is_least, cost, changed }
    }
}
