//! `--format text`: what a person reads in ten seconds.

use std::fmt::Write as _;

use super::Answer;
use super::question::Question;
use super::tally::{Place, Tally};
use crate::escape::Plain;
use crate::table::{class_style, cut_right};
use crate::terminal::{Style, Terminal};

/// A changed verdict that is shown.
#[derive(Debug)]
pub(super) struct Example<'e> {
    pub(super) id: String,
    pub(super) answer: Answer<'e>,
}

/// Lists longer than this are cut; `--format json` has all.
const ROWS: usize = 10;

const CLASS: usize = 10;
const COUNT: usize = 10;

/// The summary.
pub(super) fn text(question: &Question, tally: &Tally<'_>, examples: &[Example<'_>], terminal: Terminal) -> String {
    let mut text = String::new();
    heading(question, tally, terminal, &mut text);
    if question.is_what_if() && tally.replayed() > 0 {
        classes(tally, terminal, &mut text);
    }
    let rules = tally.ranked_rules();
    list(
        &mut text,
        terminal,
        "rules responsible, and the points they moved in changed verdicts",
        rules.iter().map(|(rule, share)| {
            let sign = if share.points.hundredths() > 0 { "+" } else { "" };
            format!("{:>COUNT$}  {:>12}  {rule}", share.changes, format!("{sign}{}", share.points))
        }),
    );
    let tests = tally.ranked_tests();
    list(
        &mut text,
        terminal,
        "tests that these capsules do not answer, and the verdicts they leave undecided",
        tests.iter().map(|(test, count)| {
            format!("{count:>COUNT$}  {}", cut_right(&Plain(test).to_string(), terminal.width.saturating_sub(COUNT + 2)))
        }),
    );
    if !examples.is_empty() {
        let _ = writeln!(
            text,
            "\n{}",
            terminal.paint(Style::Dim, if tally.changed > examples.len() as u64 { "changed, for example" } else { "changed" })
        );
        examples.iter().for_each(|example| text.push_str(&row(&example.id, &example.answer, terminal)));
    }
    text
}

/// One changed verdict with its line end.
pub(super) fn row(id: &str, answer: &Answer<'_>, terminal: Terminal) -> String {
    let to = answer.to.unwrap_or(answer.from);
    let from = format!("{:>8} {:>7}", answer.from, answer.score_from);
    let score_to = answer.score_to.map_or_else(|| "?".to_owned(), |score| score.to_string());
    let after = terminal.paint(class_style(to), format!("{to:<8} {score_to:>7}"));
    let rules: Vec<&str> = answer.rules.iter().map(|shift| shift.rule).collect();
    let rules = cut_right(&rules.join(" "), terminal.width.max(WIDE) - ROW);
    let mut row = format!("{id}  {from} → {after}  {rules}");
    if let Some([before, after]) = answer.bounds {
        // Class and score may be the same.
        let _ = write!(row, "[{}, {}] → [{}, {}]", before.low, before.high, after.low, after.high);
    }
    row.truncate(row.trim_end().len());
    row.push('\n');
    row
}

/// A row needs room for its id.
const WIDE: usize = 140;
const ROW: usize = 105;

fn heading(question: &Question, tally: &Tally<'_>, terminal: Terminal, text: &mut String) {
    if let Some(words) = question.words() {
        let _ = writeln!(text, "What if: {}", Plain(words));
    }
    let plural = |count: u64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    let (same, other) = if question.is_what_if() { ("unchanged", "changed") } else { ("identical", "different") };
    parts.push(terminal.paint(Style::Green, format!("{} {same}", tally.identical)).to_string());
    parts.push(match tally.changed {
        0 => format!("0 {other}"),
        changed => terminal.paint(Style::Red, format!("{changed} {other}")).to_string(),
    });
    if question.is_what_if() {
        parts.push(format!("{} undecided", tally.undecided));
    }
    let _ = writeln!(text, "{} replayed: {}", plural(tally.replayed(), "verdict"), parts.join(", "));
    if tally.rescored > 0 {
        let _ = writeln!(text, "{} in the same class with another score", tally.rescored);
    }
    if tally.afresh > 0 {
        let _ = writeln!(text, "{} judged anew from their messages: their engine is not to be had", tally.afresh);
    }
    if tally.erased > 0 {
        let _ = writeln!(text, "{} erased", plural(tally.erased, "capsule"));
    }
    if tally.damaged > 0 {
        let told = format!("{} could not be replayed, see above", plural(tally.damaged, "record"));
        let _ = writeln!(text, "{}", terminal.paint(Style::Red, told));
    }
}

/// Classes before, in rows, and after, in columns.
fn classes(tally: &Tally<'_>, terminal: Terminal, text: &mut String) {
    let mut before: Vec<Place> = tally.classes.keys().map(|(from, _)| *from).collect();
    before.dedup();
    let mut after: Vec<Option<Place>> = tally.classes.keys().map(|(_, to)| *to).collect();
    // The undecided last.
    after.sort_by_key(|to| (to.is_none(), *to));
    after.dedup();
    let mut head = format!("{:<CLASS$}", "before");
    for to in &after {
        let name = to.map_or("undecided", |to| to.class().as_str());
        let _ = write!(head, "{name:>COUNT$}");
    }
    let _ = writeln!(text, "\n{}", terminal.paint(Style::Dim, head + "  after"));
    for from in before {
        let _ = write!(text, "{:<CLASS$}", from.class());
        for to in &after {
            let cell = match tally.classes.get(&(from, *to)) {
                None => format!("{:>COUNT$}", "."),
                Some(count) if *to == Some(from) => format!("{count:>COUNT$}"),
                Some(count) => terminal.paint(Style::Bold, format!("{count:>COUNT$}")).to_string(),
            };
            text.push_str(&cell);
        }
        text.push('\n');
    }
}

fn list(text: &mut String, terminal: Terminal, title: &str, rows: impl ExactSizeIterator<Item = String>) {
    if rows.len() == 0 {
        return;
    }
    let more = rows.len().saturating_sub(ROWS);
    let _ = writeln!(text, "\n{}", terminal.paint(Style::Dim, title));
    for row in rows.take(ROWS) {
        let _ = writeln!(text, "{row}");
    }
    if more > 0 {
        let _ = writeln!(text, "{:>COUNT$}  more", format!("+{more}"));
    }
}
