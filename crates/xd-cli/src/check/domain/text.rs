//! The report as text for people.

use std::fmt::{Display, Write as _};

use super::report::{Level, Report};
use crate::escape::Plain;
use crate::explain::wrap;
use crate::terminal::{Style, Terminal};

const TOPIC: usize = 7;
const LEVEL: usize = 7;
/// Where texts begin.
const INDENT: usize = 2 + TOPIC + 2 + LEVEL + 2;

/// The report, tidy at the width of the terminal.
pub(super) fn write(report: &Report, terminal: Terminal) -> String {
    let mut text = String::new();
    let mut line = |line: &dyn Display| {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(&terminal.paint(Style::Bold, Plain(report.domain())));
    let width = terminal.width.saturating_sub(INDENT);
    for fact in report.lines() {
        let style = match fact.level {
            Level::Fine => Style::Green,
            Level::Warn => Style::Yellow,
            Level::Unknown => Style::Magenta,
            Level::Wrong => Style::Red,
        };
        let level = format!("{:<LEVEL$}", fact.level.as_str());
        let mut words = wrap(&Plain(&fact.what).to_string(), width).into_iter();
        let first = words.next().unwrap_or_default();
        line(&format_args!("  {:<TOPIC$}  {}  {first}", fact.topic.as_str(), terminal.paint(style, level)));
        for words in words {
            line(&format_args!("{:INDENT$}{words}", ""));
        }
        for (place, words) in fact.fix.iter().flat_map(|fix| wrap(&Plain(fix).to_string(), width - 2).into_iter().enumerate()) {
            let sign = if place == 0 { "→ " } else { "  " };
            line(&format_args!("{:INDENT$}{sign}{words}", ""));
        }
    }
    let count = |level| report.lines().iter().filter(|line| line.level == level).count();
    let (fine, warn) = (count(Level::Fine), count(Level::Warn));
    let (unknown, wrong) = (count(Level::Unknown), count(Level::Wrong));
    line(&format_args!("{fine} fine, {warn} to be warned of, {wrong} wrong, {unknown} not known"));
    text
}
