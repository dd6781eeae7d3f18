//! What `xd bisect` found, as text for people and as a JSON object.

use std::fmt::Write as _;

use serde::Serialize;
use xd_core::Score;

use super::{Finding, Outcome, Shift, Tried, Turn};
use crate::capsules;
use crate::engines::{Difference, difference_text, short};
use crate::escape::Plain;
use crate::failure::Failure;
use crate::json;
use crate::table::{class_style, cut_right};
use crate::terminal::{Style, Terminal};

pub(super) fn text(finding: &Finding<'_>, difference: Option<&Difference<'_>>, terminal: Terminal) -> String {
    let mut text = String::new();
    let Finding { name, capsule, verdict, tried, turns } = finding;
    let recorded = &capsule.verdicts()[*verdict];
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{}", terminal.paint(Style::Bold, Plain(name)));
    let class = terminal.paint(class_style(recorded.class), format!("{} {}", recorded.class, recorded.score));
    let recipient = capsule.recipient(*verdict).map_or_else(String::new, |path| format!(" for {}", Plain(&path.to_string())));
    let _ = writeln!(text, "  {class}{recipient}, judged by engine {}\n", short(capsule.engine()));
    for one in tried {
        text.push_str(&line(one, terminal));
    }
    if !tried.iter().any(|one| one.recorded) {
        text.push_str("The engine that judged is not among them.\n");
    }
    text.push('\n');
    let Some((first, others)) = turns.split_first() else {
        let undecided = tried.iter().filter(|one| one.class().is_none()).count();
        let engines = match undecided {
            0 => format!("all {} engines", tried.len()),
            1 => "all engines but one, which is undecided".to_owned(),
            _ => format!("all engines but {undecided}, which are undecided"),
        };
        let _ = writeln!(text, "The class is the same with {engines}.");
        return text;
    };
    let _ = writeln!(text, "{}", terminal.paint(Style::Bold, format!("First changed {}", turn_text(tried, first))));
    text.push_str(&shifts_text(&first.shifts));
    if let Some(difference) = difference {
        let (from, to) = (tried[first.from].entry.sequence, tried[first.to].entry.sequence);
        let _ = writeln!(text, "\nAll that differs between engine {from} and engine {to}:");
        text.push_str(&difference_text(difference, terminal));
    }
    for turn in others {
        let _ = writeln!(text, "\n{}", terminal.paint(Style::Bold, format!("Changed again {}", turn_text(tried, turn))));
        text.push_str(&shifts_text(&turn.shifts));
    }
    text
}

/// An engine with what it decides.
fn line(one: &Tried, terminal: Terminal) -> String {
    let start = format!("{:>5}  {}", one.entry.sequence, short(one.entry.hash));
    let kept = one.entry.kept.map_or_else(String::new, |time| format!("  {time}"));
    let outcome = match &one.outcome {
        Outcome::Decided { class, score } => {
            let score = score.map_or_else(|| "–".to_owned(), |score| score.to_string());
            terminal.paint(class_style(*class), format!("{class:<9}{score:>7}")).to_string()
        }
        Outcome::Undecided { why } => {
            let room = terminal.width.saturating_sub(start.len() + kept.len() + 2);
            cut_right(&format!("undecided: {}", Plain(why)), room)
        }
    };
    let note = if one.recorded { "  as recorded" } else { "" };
    format!("{start}{kept}  {outcome}{note}\n")
}

fn turn_text(tried: &[Tried], turn: &Turn) -> String {
    let (from, to) = (&tried[turn.from], &tried[turn.to]);
    let between = match turn.to - turn.from - 1 {
        0 => String::new(),
        1 => "; the engine between them is undecided".to_owned(),
        more => format!("; the {more} engines between them are undecided"),
    };
    let class = |one: &Tried| one.class().unwrap_or("undecided").to_owned();
    let (old, new) = (class(from), class(to));
    format!("from {old} to {new} between engine {} and engine {}{between}", from.entry.sequence, to.entry.sequence)
}

fn shifts_text(shifts: &[Shift]) -> String {
    let points = |score: Option<Score>| score.map_or_else(|| "not told".to_owned(), |score| score.to_string());
    let mut text = String::new();
    for Shift { rule, from, to } in shifts {
        let _ = writeln!(text, "  {:>8} → {:<8}  {}", points(*from), points(*to), Plain(rule));
    }
    if shifts.is_empty() {
        text.push_str("  the points of no rule differ\n");
    }
    text
}

impl Tried {
    fn class(&self) -> Option<&'static str> {
        match &self.outcome {
            Outcome::Decided { class, .. } => Some(class.as_str()),
            Outcome::Undecided { .. } => None,
        }
    }
}

/// The order of keys is part of the interface.
#[derive(Serialize)]
struct Object<'a> {
    path: &'a str,
    id: String,
    recipient: Option<String>,
    class: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    engine: String,
    engines: Vec<EngineLine<'a>>,
    changes: Vec<ChangeLine<'a>>,
    /// What differs between the engines of the first change; null when there is none.
    difference: Option<&'a Difference<'a>>,
}

#[derive(Serialize)]
struct EngineLine<'a> {
    engine: String,
    sequence: u64,
    kept: Option<String>,
    recorded: bool,
    /// Null when it is undecided.
    class: Option<&'a str>,
    #[serde(serialize_with = "json::score_or_null")]
    score: Option<Score>,
    undecided: Option<&'a str>,
}

#[derive(Serialize)]
struct ChangeLine<'a> {
    from: String,
    to: String,
    class_from: Option<&'a str>,
    class_to: Option<&'a str>,
    /// How many engines between them are undecided.
    undecided: usize,
    rules: Vec<ShiftLine<'a>>,
}

#[derive(Serialize)]
struct ShiftLine<'a> {
    rule: &'a str,
    #[serde(serialize_with = "json::score_or_null")]
    from: Option<Score>,
    #[serde(serialize_with = "json::score_or_null")]
    to: Option<Score>,
}

pub(super) fn json(finding: &Finding<'_>, difference: Option<&Difference<'_>>) -> Result<Vec<u8>, Failure> {
    let Finding { name, capsule, verdict, tried, turns } = finding;
    let recorded = &capsule.verdicts()[*verdict];
    let object = Object {
        path: name,
        id: capsules::id(capsule, *verdict),
        recipient: capsule.recipient(*verdict).map(ToString::to_string),
        class: recorded.class.as_str(),
        score: recorded.score,
        engine: capsule.engine().to_string(),
        engines: tried.iter().map(EngineLine::of).collect(),
        changes: turns.iter().map(|turn| ChangeLine::of(tried, turn)).collect(),
        difference,
    };
    let mut line = Vec::new();
    json::write_line(&mut line, &object)?;
    Ok(line)
}

impl<'a> EngineLine<'a> {
    fn of(one: &'a Tried) -> Self {
        let (score, undecided) = match &one.outcome {
            Outcome::Decided { score, .. } => (*score, None),
            Outcome::Undecided { why } => (None, Some(why.as_str())),
        };
        Self {
            engine: one.entry.hash.to_string(),
            sequence: one.entry.sequence,
            kept: one.entry.kept.map(|time| time.to_string()),
            recorded: one.recorded,
            class: one.class(),
            score,
            undecided,
        }
    }
}

impl<'a> ChangeLine<'a> {
    fn of(tried: &[Tried], turn: &'a Turn) -> Self {
        let (from, to) = (&tried[turn.from], &tried[turn.to]);
        Self {
            from: from.entry.hash.to_string(),
            to: to.entry.hash.to_string(),
            class_from: from.class(),
            class_to: to.class(),
            undecided: turn.to - turn.from - 1,
            rules: turn.shifts.iter().map(|Shift { rule, from, to }| ShiftLine { rule, from: *from, to: *to }).collect(),
        }
    }
}
