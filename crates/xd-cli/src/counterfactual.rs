//! `xd counterfactual`: the smallest changes that would have altered the class of a message, each by itself.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use sha2::{Digest, Sha256};
use xd_core::capsule::{Capsule, Level, Recording, Step, counterfactuals};
use xd_core::{Class, Engine, Limits, Score};

use crate::arguments::{Counterfactual as Arguments, Format};
use crate::cases::{self, Case};
use crate::escape::Plain;
use crate::explain::signed;
use crate::failure::{Failure, UNREAD};
use crate::json::{self, Hex};
use crate::judging::Judge;
use crate::output::Output;
use crate::table::{class_style, cut_right};
use crate::terminal::{Style, Terminal};

/// The changes for one message; the order of keys is part of the interface.
#[derive(Serialize)]
struct Object<'a> {
    path: &'a str,
    sha256: String,
    recipient: Option<String>,
    class: ClassName,
    #[serde(serialize_with = "json::score")]
    score: Score,
    changes: Vec<Change<'a>>,
    engine: String,
}

/// A class as its name.
struct ClassName(Class);

impl Serialize for ClassName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// One change. Which keys there are depends on its kind.
#[derive(Serialize)]
struct Change<'a> {
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    class: ClassName,
    #[serde(serialize_with = "json::score")]
    score: Score,
    #[serde(serialize_with = "json::score")]
    distance: Score,
}

/// Names the changes for all messages and capsules that the arguments name.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let judge = Judge::try_new(&arguments.judge)?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let mut first = true;
    let mut print = |path: &str, capsule: &Capsule, verdict: usize, engine: &Engine| -> Result<Result<(), String>, Failure> {
        let object = match Object::of(path, capsule, verdict, engine, judge.limits()) {
            Ok(object) => object,
            Err(why) => return Ok(Err(why)),
        };
        match arguments.format {
            Format::Text => {
                let blank = if first { "" } else { "\n" };
                output.lines(format!("{blank}{}", text(&object, engine, terminal)))?;
            }
            Format::Json => {
                let mut line = Vec::new();
                json::write_line(&mut line, &object)?;
                output.lines(line)?;
            }
        }
        first = false;
        Ok(Ok(()))
    };
    let all = cases::each(&judge, &arguments.cases, &arguments.engines, |case| match case {
        Case::Capsule { name, capsule, engine, verdict } => print(name, capsule, verdict, engine),
        Case::Message { path, bytes } => {
            // With the message in it, nothing stays untold.
            let (_, capsule) = judge.judge_recorded(bytes, Sha256::digest(bytes).into(), &Recording::new(Level::Content));
            print(path, &capsule, 0, judge.engine())
        }
    })?;
    output.finish()?;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(UNREAD) })
}

impl<'a> Object<'a> {
    fn of(path: &'a str, capsule: &Capsule, verdict: usize, engine: &'a Engine, limits: &Limits) -> Result<Self, String> {
        let changes = counterfactuals(capsule, verdict, engine, limits).map_err(|error| error.to_string())?;
        let recorded = capsule.verdicts().get(verdict).ok_or("it has no such recipient")?;
        let change = |found: xd_core::capsule::Counterfactual<'a>| {
            let (class, score, distance) = (ClassName(found.class), found.score, found.distance);
            let empty = Change { change: "", rule: None, from: None, to: None, fact: None, value: None, class, score, distance };
            match found.step {
                Step::Evidence { fact, value } => Change { change: "evidence", fact: Some(fact), value: Some(value), ..empty },
                Step::NotFound { rule } => Change { change: "not-found", rule: Some(rule), ..empty },
                Step::Score { rule, from, to } => {
                    Change { change: "score", rule: Some(rule), from: Some(from.to_string()), to: Some(to.to_string()), ..empty }
                }
                // A kind that a later version of the library adds.
                _ => Change { change: "other", ..empty },
            }
        };
        Ok(Self {
            path,
            sha256: Hex::of(*capsule.message_sha256()).as_str().to_owned(),
            recipient: capsule.recipient(verdict).map(ToString::to_string),
            class: ClassName(recorded.class),
            score: recorded.score,
            changes: changes.into_iter().map(change).collect(),
            engine: capsule.engine().to_string(),
        })
    }
}

/// The changes for people, the smallest first.
fn text(object: &Object<'_>, engine: &Engine, terminal: Terminal) -> String {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{}", terminal.paint(Style::Bold, Plain(object.path)));
    let class = terminal.paint(class_style(object.class.0), format!("{} {}", object.class.0, object.score));
    let recipient = object.recipient.as_ref().map_or_else(String::new, |recipient| format!(" for {}", Plain(recipient)));
    let _ = writeln!(text, "  {class}{recipient}");
    if object.changes.is_empty() {
        let why = match object.class.0 {
            Class::Infected => "An infected message stays so whatever its score.",
            _ => "No single change of what was found would have altered the class.",
        };
        let _ = writeln!(text, "\n{why}");
        return text;
    }
    let _ = writeln!(text, "\n{}", terminal.paint(Style::Bold, "Each of these alone would have altered the class"));
    for change in &object.changes {
        let would = terminal.paint(class_style(change.class.0), format!("{:<8} {:>7}", change.class.0, change.score));
        let why = change.rule.and_then(|rule| engine.rules().rule(rule)).map_or("", |rule| rule.why());
        let what = match (change.change, change.rule) {
            ("score", Some(rule)) => {
                let points = |text: &Option<String>| {
                    text.as_deref().and_then(|text| Score::parse(text).ok()).map_or_else(String::new, signed)
                };
                format!("{rule} with {} instead of {}: {why}", points(&change.to), points(&change.from))
            }
            ("not-found", Some(rule)) => format!("without the finding {rule}: {why}"),
            _ => format!("{} = {}", change.fact.as_deref().unwrap_or("?"), change.value.as_deref().unwrap_or("?")),
        };
        let what = cut_right(&Plain(&what).to_string(), terminal.width.saturating_sub(20));
        let _ = writeln!(text, "  {would}  {what}");
    }
    text
}
