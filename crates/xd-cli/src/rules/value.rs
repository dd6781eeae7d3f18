//! `xd rules value`: what each rule did to recorded messages, and what would differ without it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::process::ExitCode;

use serde::Serialize;
use xd_core::capsule::{RuleValue, RuleValues};
use xd_core::{Engine, EngineHash, Score};

use crate::arguments::{Format, RulesValue, jobs_or_all};
use crate::capsules::{Absent, Batch, Engines, Found, Records, Trouble};
use crate::escape::Plain;
use crate::eval::Share;
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::json;
use crate::ordered::in_order;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop;
use crate::table::{cut_right, pad};
use crate::terminal::{Style, Terminal};

/// What all rules did; the order of keys is part of the interface.
#[derive(Serialize)]
struct Object<'a> {
    messages: u64,
    damaged: u64,
    engines: Vec<EngineLine>,
    rules: Vec<RuleLine<'a>>,
    dead: Vec<&'a str>,
    unanswered: Vec<&'a str>,
}

#[derive(Serialize)]
struct EngineLine {
    engine: String,
    messages: u64,
}

#[derive(Serialize)]
struct RuleLine<'a> {
    rule: &'a str,
    /// As the engine has it that judged last.
    #[serde(serialize_with = "json::score")]
    score: Score,
    /// Messages that an engine with this rule judged.
    messages: u64,
    hits: u64,
    solo: u64,
    agreeing: u64,
    /// Null where no hit took a side.
    agreement: Option<f64>,
    open: u64,
    #[serde(skip)]
    sided: u64,
}

pub(super) fn run(arguments: &RulesValue) -> Result<ExitCode, Failure> {
    stop::listen()?;
    let mut records = Records::try_new(&arguments.capsules)?;
    let engines = Engines::of(&records, &arguments.engines)?;
    let terminal = Terminal::of_output();
    let wanted = arguments.format == Format::Text || !terminal.is_terminal;
    let mut progress = Progress::of_bytes(wanted, records.bytes());
    let mut counted = Counted::default();
    let mut damaged = 0;
    let mut absent = Absent::default();
    in_order(
        jobs_or_all(arguments.jobs),
        |batch: &mut Batch| (!stop::asked() && batch.fill(&mut records)).then_some(()),
        |batch, ()| Part::of(batch, &engines),
        |part| {
            progress.reached(part.reached);
            if !part.troubles.is_empty() {
                damaged += part.troubles.len() as u64;
                progress.aside(|| part.troubles.iter().for_each(|(trouble, engine)| absent.tell(*engine, trouble)));
            }
            counted.add(part.counted);
            ControlFlow::Continue(())
        },
    );
    progress.finish();
    absent.finish();
    let object = Object::of(&counted.values, damaged);
    let mut output = Output::new(terminal);
    if !stop::asked() {
        match arguments.format {
            Format::Text => output.lines(text(&object, terminal))?,
            Format::Json => {
                let mut line = Vec::new();
                json::write_line(&mut line, &object)?;
                output.lines(line)?;
            }
        }
    }
    output.finish()?;
    Ok(match damaged {
        _ if stop::asked() => ExitCode::from(INTERRUPTED),
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(UNREAD),
    })
}

/// What was counted of each engine, in the order in which they first judged.
#[derive(Debug, Default)]
struct Counted<'e> {
    values: Vec<RuleValues<'e>>,
    places: BTreeMap<EngineHash, usize>,
}

/// What a batch of capsules came to.
#[derive(Debug, Default)]
struct Part<'e> {
    counted: Counted<'e>,
    /// With the engine whose absence it is.
    troubles: Vec<(Trouble, Option<EngineHash>)>,
    /// How many bytes of files were read with it, in all.
    reached: u64,
}

impl<'e> Counted<'e> {
    /// What is counted of an engine.
    fn of(&mut self, engine: &'e Engine) -> &mut RuleValues<'e> {
        let place = *self.places.entry(engine.hash()).or_insert_with(|| {
            self.values.push(RuleValues::new(engine));
            self.values.len() - 1
        });
        &mut self.values[place]
    }

    /// Adds what was counted of later capsules.
    fn add(&mut self, later: Self) {
        for values in later.values {
            self.of(values.engine()).merge(&values);
        }
    }
}

impl<'e> Part<'e> {
    fn of(batch: &Batch, engines: &'e Engines) -> Self {
        let mut part = Self { reached: batch.reached(), ..Self::default() };
        for found in batch.found() {
            let (origin, capsule) = match found {
                Found::Capsule(origin, capsule) => (origin, capsule),
                Found::Erased(_) => continue,
                Found::Trouble(trouble) => {
                    part.troubles.push((trouble, None));
                    continue;
                }
            };
            match engines.engine(capsule.engine()) {
                Ok(engine) => {
                    if let Err(error) = part.counted.of(engine).add(&capsule) {
                        part.troubles.push((origin.trouble(&error), None));
                    }
                }
                Err(why) => part.troubles.push((origin.trouble(&why), Some(capsule.engine()))),
            }
        }
        part
    }
}

impl<'a> Object<'a> {
    /// All engines together, in the order in which they first judged.
    fn of(counted: &[RuleValues<'a>], damaged: u64) -> Self {
        let mut rules: BTreeMap<&'a str, RuleLine<'a>> = BTreeMap::new();
        for values in counted.iter().filter(|values| values.capsules() > 0) {
            for (rule, RuleValue { hits, solo, sided, agreeing, open, .. }) in values.values() {
                let line = rules.entry(rule.id()).or_insert_with(|| RuleLine::new(rule.id()));
                line.score = rule.score();
                line.messages += values.capsules();
                line.hits += hits;
                line.solo += solo;
                line.sided += sided;
                line.agreeing += agreeing;
                line.open += open;
            }
        }
        let mut rules: Vec<RuleLine<'a>> = rules.into_values().collect();
        for rule in &mut rules {
            rule.agreement = Share::of(rule.agreeing, rule.sided).map(Share::number);
        }
        let silent = |unanswered: bool| {
            let fits = |rule: &&RuleLine<'a>| rule.hits == 0 && (rule.open > 0) == unanswered;
            rules.iter().filter(fits).map(|rule| rule.rule).collect::<Vec<_>>()
        };
        let (dead, unanswered) = (silent(false), silent(true));
        // Stable: equal ones stay in the order of ids.
        rules.sort_by_key(|rule| std::cmp::Reverse((rule.solo, rule.hits)));
        let engine =
            |values: &RuleValues<'_>| EngineLine { engine: values.engine().hash().to_string(), messages: values.capsules() };
        Self {
            messages: counted.iter().map(RuleValues::capsules).sum(),
            damaged,
            engines: counted.iter().map(engine).collect(),
            rules,
            dead,
            unanswered,
        }
    }
}

impl<'a> RuleLine<'a> {
    fn new(rule: &'a str) -> Self {
        Self { rule, score: Score::ZERO, messages: 0, hits: 0, solo: 0, agreeing: 0, agreement: None, open: 0, sided: 0 }
    }
}

/// The widest rule id in the table.
const NAME_MAX: usize = 48;

fn text(object: &Object<'_>, terminal: Terminal) -> String {
    let mut text = String::new();
    let engines = object.engines.len();
    // Writing into a string cannot fail.
    let _ =
        writeln!(text, "{} messages judged by {engines} {}\n", object.messages, if engines == 1 { "engine" } else { "engines" });
    let hit: Vec<&RuleLine<'_>> = object.rules.iter().filter(|rule| rule.hits > 0).collect();
    let width = hit.iter().map(|rule| rule.rule.len()).max().unwrap_or(0).clamp("rule".len(), NAME_MAX);
    let heading = format!("{:<width$}{:>9}{:>9}{:>9}{:>12}", "rule", "score", "hits", "solo", "agreement");
    let _ = writeln!(text, "{}", terminal.paint(Style::Bold, heading));
    for rule in hit {
        let mut name = cut_right(&Plain(rule.rule).to_string(), width);
        pad(&mut name, width);
        let agreement = Share::of(rule.agreeing, rule.sided).map_or_else(|| "–".to_owned(), Share::percent);
        let since = if rule.messages < object.messages { format!("  of {} messages", rule.messages) } else { String::new() };
        let _ = writeln!(text, "{name}{:>9}{:>9}{:>9}{agreement:>12}{since}", rule.score, rule.hits, rule.solo);
    }
    for (what, rules) in
        [("dead, they held for no message", &object.dead), ("never known, what they look at was unknown", &object.unanswered)]
    {
        if !rules.is_empty() {
            let _ = writeln!(text, "\n{what} ({}): {}", rules.len(), Plain(&rules.join(", ")));
        }
    }
    text.push_str(
        "\nsolo: the class would differ if the rule were disabled; agreement: hits on the side to which the class went\n",
    );
    text
}
