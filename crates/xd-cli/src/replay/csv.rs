//! `--format csv`: a row for each verdict (RFC 4180, lines ended by LF).

use std::fmt::Write as _;

use super::Answer;
use crate::escape::Plain;

pub(super) const HEADING: &str = "id,outcome,from,to,score_from,score_to,rules,undecided_tests\n";

/// One row with its line end. Rules are separated by blanks, tests by line ends that are written as `\n`.
pub(super) fn row(id: &str, answer: &Answer<'_>, lines: &mut Vec<u8>) {
    let Answer { outcome, from, to, score_from, score_to, bounds: _, rules, tests, afresh: _ } = answer;
    let mut row = format!("{id},{},{from},", outcome.as_str());
    // Writing into a string cannot fail.
    let _ = match (to, score_to) {
        (Some(to), Some(score)) => write!(row, "{to},{score_from},{score},"),
        (Some(to), None) => write!(row, "{to},{score_from},,"),
        _ => write!(row, ",{score_from},,"),
    };
    let rules: Vec<&str> = rules.iter().map(|shift| shift.rule).collect();
    field(&rules.join(" "), &mut row);
    row.push(',');
    field(&Plain(&tests.join("\n")).to_string(), &mut row);
    row.push('\n');
    lines.extend_from_slice(row.as_bytes());
}

fn field(text: &str, row: &mut String) {
    if text.contains([',', '"', '\n', '\r']) {
        row.push('"');
        row.push_str(&text.replace('"', "\"\""));
        row.push('"');
    } else {
        row.push_str(text);
    }
}
