//! The report for people: what the samples share, the least edits, and what each would cost.

use std::fmt::Write as _;

use super::{EditLine, RELIABLE, Report};
use crate::escape::Plain;
use crate::table::cut_right;
use crate::terminal::{Style, Terminal};
use xd_core::Score;

/// Rules and edits that are listed; `--format json` has all.
const SHARED_MAX: usize = 15;
const EDITS_MAX: usize = 5;
/// Messages named below the first edit.
const CHANGED_MAX: usize = 5;

pub(super) fn text(report: &Report<'_>, terminal: Terminal) -> String {
    let mut text = String::new();
    heading(report, &mut text);
    shared(report, terminal, &mut text);
    // Writing into a string cannot fail.
    let still = report.samples - report.already - report.beyond;
    if still == 0 {
        return text;
    }
    let title = if report.aim == "free" { "Edits that free" } else { "Edits that catch" };
    let them = if report.beyond > 0 { format!("{title} the other {still}") } else { format!("{title} them") };
    let bound = if report.uniform { format!("; at least {} must change", report.at_least) } else { String::new() };
    let _ = writeln!(text, "\n{}", terminal.paint(Style::Bold, format!("{them}{bound}")));
    if !report.uniform {
        let _ = writeln!(
            text,
            "  points differ by recipient: an edit sets all to the same, and its size is that for the first message"
        );
    }
    for (index, edit) in report.edits.iter().take(EDITS_MAX).enumerate() {
        line(edit, report, index == 0, terminal, &mut text);
    }
    if let Some(more @ 1..) = report.edits.len().checked_sub(EDITS_MAX) {
        let _ = writeln!(text, "  … {more} more (--format json has all)");
    }
    if report.edits.is_empty() {
        let _ = writeln!(text, "  none was found; there are too many to try them all");
    }
    if report.built_up {
        let tried = match report.all_pairs {
            true => "Neither one rule nor two would do",
            false => "No single rule would do, and not all pairs were tried",
        };
        let _ = writeln!(text, "\n{tried}. The edit was built up rule by rule; one of less may exist.");
    } else if report.edits.first().is_some_and(|edit| !edit.least) {
        let pairs = if report.all_pairs { "all pairs" } else { "as many pairs as time allowed" };
        let _ = writeln!(text, "\nThe least of single rules and {pairs}; of three or more rules one of less may exist.");
    }
    text
}

fn heading(report: &Report<'_>, text: &mut String) {
    let (one, many, there, beyond) = match report.aim {
        "free" => ("false positive", "false positives", "clean", "no rule's points hold them: model, lessons or a virus do"),
        _ => ("missed message", "missed messages", "marked", "no rule that holds for them could give enough"),
    };
    let _ = writeln!(text, "{} {}", report.samples, if report.samples == 1 { one } else { many });
    if report.already > 0 {
        let _ = writeln!(text, "{} of them {there} already", report.already);
    }
    if report.beyond > 0 {
        let _ = writeln!(text, "{} of them out of reach: {beyond}", report.beyond);
    }
    if !report.reliable {
        let _ = writeln!(text, "{RELIABLE} or more make this reliable; fewer may share rules by chance");
    }
    if report.ham + report.spam == 0 {
        let _ = writeln!(text, "no other messages were given (--ham, --spam): what an edit costs is not known");
    }
}

fn shared(report: &Report<'_>, terminal: Terminal, text: &mut String) {
    if report.shared.is_empty() {
        return;
    }
    let all = report.samples - report.already;
    let heading = format!("{:<12}{:>6}{:>8}{:>8}{:>8}  rule", "held for", "alone", "score", "ham", "spam");
    let _ = writeln!(text, "\n{}", terminal.paint(Style::Bold, heading));
    for rule in report.shared.iter().take(SHARED_MAX) {
        let held = format!("{} of {all}", rule.samples);
        let numbers = format!("{held:<12}{:>6}{:>8}{:>8}{:>8}", rule.alone, rule.score, rule.ham, rule.spam);
        let line = format!("{numbers}  {}  {}", rule.rule, rule.why);
        let _ = writeln!(text, "{}", cut_right(&Plain(&line).to_string(), terminal.width));
    }
    if let Some(more @ 1..) = report.shared.len().checked_sub(SHARED_MAX) {
        let _ = writeln!(text, "… {more} more (--format json has all)");
    }
    let _ = writeln!(text, "alone: so many change class when no other rule's points are moved");
    if (report.beside_low, report.beside_high) != (Score::ZERO, Score::ZERO) {
        let _ = writeln!(text, "model and lessons give {} to {} beside them", report.beside_low, report.beside_high);
    }
}

fn line(edit: &EditLine<'_>, report: &Report<'_>, is_first: bool, terminal: Terminal, text: &mut String) {
    let change = |change: &super::RuleChange<'_>| {
        let off = if change.to == Score::ZERO { " (off)" } else { "" };
        format!("{} {} → {}{off}", change.rule, change.from, change.to)
    };
    let changes: Vec<String> = edit.changes.iter().map(change).collect();
    let least = if edit.least { ", nothing less does" } else { "" };
    let _ = writeln!(text, "  {}  ({} points{least})", Plain(&changes.join(", ")), edit.total);
    if report.ham + report.spam == 0 {
        return;
    }
    let cost = &edit.cost;
    let told = [
        (cost.ham_marked, "ham marked", Style::Red),
        (cost.spam_lost, "spam lost", Style::Red),
        (cost.ham_freed, "ham freed", Style::Green),
        (cost.spam_caught, "spam caught", Style::Green),
        (cost.other, "between spam and sure spam", Style::Dim),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, style)| terminal.paint(style, format!("{count} {what}")).to_string())
        .collect();
    let told = if told.is_empty() { "changes no other class".to_owned() } else { told.join(", ") };
    let _ = writeln!(text, "    of {} ham and {} spam: {told}", report.ham, report.spam);
    let changed = edit.changed.iter().take(if is_first { CHANGED_MAX } else { 0 });
    for change in changed {
        let line = format!("      {} {} → {}  {}", change.label, change.from, change.to, change.path);
        let _ = writeln!(text, "{}", cut_right(&Plain(&line).to_string(), terminal.width));
    }
}
