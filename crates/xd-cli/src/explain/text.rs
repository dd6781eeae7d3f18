//! The explanation as text for people.

use std::fmt::{Display, Write as _};

use unicode_width::UnicodeWidthStr;
use xd_core::capsule::Level;
use xd_core::classify::LEARNED_ID;
use xd_core::evidence::Learned;
use xd_core::report::header_fields;
use xd_core::{Finding, Known, Score};

use super::{Explanation, Recorded};
use crate::escape::Plain;
use crate::table::{class_style, cut_right};
use crate::terminal::{Style, Terminal};

/// The explanation, tidy at the width of the terminal.
pub(super) fn write(explanation: &Explanation<'_>, terminal: Terminal) -> String {
    let mut page = Page { text: String::new(), terminal };
    page.verdict(explanation);
    page.recipients(explanation);
    page.findings(explanation);
    page.open(explanation);
    page.defects(explanation);
    page.envelope(explanation);
    page.fields(explanation);
    page.text
}

struct Page {
    text: String,
    terminal: Terminal,
}

/// The most rules that are listed as open.
const OPEN_MAX: usize = 20;

/// The most recipients that are listed.
const RECIPIENTS_MAX: usize = 20;

const POINTS: usize = 8;
const LABEL: usize = 16;

impl Page {
    fn verdict(&mut self, explanation: &Explanation<'_>) {
        let verdict = explanation.verdict();
        let style = class_style(verdict.class);
        self.line(self.terminal.paint(Style::Bold, Plain(explanation.path)));
        let class = self.terminal.paint(style, format!("{} {}", verdict.class, verdict.score));
        let thresholds = explanation.thresholds;
        let bounds = match (verdict.low == verdict.high, verdict.decided) {
            (true, _) => "nothing unknown can change it".to_owned(),
            (false, true) => format!("between {} and {} when all is known, the class stays", verdict.low, verdict.high),
            (false, false) => format!("between {} and {} when all is known, the class may change", verdict.low, verdict.high),
        };
        self.line(format_args!("  {class}  {bounds}"));
        let thresholds = format!("spam from {}, surespam from {}", thresholds.spam(), thresholds.surespam());
        self.line(self.terminal.paint(Style::Dim, format!("  {thresholds}; sha256 {}", explanation.sha256.as_str())));
        if let Some(recorded) = explanation.recorded {
            self.line(self.terminal.paint(Style::Dim, format!("  {}", held(recorded))));
        }
    }

    /// Where several are concerned, whom the verdict is for and what it is for the others.
    fn recipients(&mut self, explanation: &Explanation<'_>) {
        let verdicts = explanation.judgement.verdicts();
        if verdicts.len() < 2 {
            return;
        }
        self.title("Recipients");
        for (index, verdict) in verdicts.iter().enumerate().take(RECIPIENTS_MAX) {
            let name = verdict.recipient.as_ref().map_or_else(String::new, ToString::to_string);
            let explained = if index == explanation.verdict { "; explained here" } else { "" };
            let label = format!("{:>8} {:>7}", verdict.class, verdict.score);
            self.entry(&label, LABEL, format_args!("{}  (#{}{explained})", Plain(&name), index + 1));
        }
        if let Some(more @ 1..) = verdicts.len().checked_sub(RECIPIENTS_MAX) {
            self.line(format_args!("  {:>LABEL$}  {more} more (--format json names all)", "…"));
        }
    }

    fn findings(&mut self, explanation: &Explanation<'_>) {
        let verdict = explanation.verdict();
        if verdict.findings.is_empty() {
            self.title("No findings");
            return;
        }
        self.title("Findings");
        for finding in &verdict.findings {
            let points = self.terminal.paint(points_style(finding.score), format!("{:>POINTS$}", signed(finding.score)));
            self.entry(&points, POINTS, Plain(&format!("{}  ({})", finding.why, finding.rule)));
            if finding.rule == LEARNED_ID
                && let Some(learned) = explanation.evidence.learned
            {
                self.note(&rests_on(&learned));
            }
            if let Some(share) = share(explanation, finding) {
                self.note(&share);
            }
            for proof in &finding.proofs {
                let quote = if proof.quote.is_empty() { String::new() } else { format!(" “{}”", proof.quote) };
                let place = if proof.value == 0 { String::new() } else { format!(" {}", proof.value + 1) };
                // Before the quote, which may be cut.
                let times = if proof.times > 1 { format!(" ×{}", proof.times) } else { String::new() };
                self.note(&format!("{}{place}{times}:{quote}", proof.target));
            }
        }
        self.line(format_args!("{:->1$}", "", POINTS + 2));
        self.line(format_args!("  {:>POINTS$}  points in all", signed(verdict.score)));
    }

    fn open(&mut self, explanation: &Explanation<'_>) {
        let verdict = explanation.verdict();
        if verdict.open.is_empty() {
            return;
        }
        self.title("Unknown: what these rules look at is not known; they could add");
        for open in verdict.open.iter().take(OPEN_MAX) {
            let rule = explanation.engine.rules().rule(open.rule);
            let why = rule.map_or(String::new(), |rule| format!("{}  ", rule.why()));
            let points = format!("{:>POINTS$}", signed(open.score));
            self.entry(&points, POINTS, Plain(&format!("{why}({})", open.rule)));
        }
        if let Some(more @ 1..) = verdict.open.len().checked_sub(OPEN_MAX) {
            self.line(format_args!("  {:>POINTS$}  {more} more (--format json names all)", "…"));
        }
    }

    fn defects(&mut self, explanation: &Explanation<'_>) {
        if explanation.judgement.defects.is_empty() {
            return;
        }
        self.title("Defects");
        for defect in explanation.judgement.defects.iter() {
            self.entry(&"", 0, format_args!("{}  ({})", defect.sentence(), defect.id()));
        }
    }

    fn envelope(&mut self, explanation: &Explanation<'_>) {
        let Explanation { envelope, evidence, .. } = explanation;
        self.title(match explanation.recorded {
            None => "Envelope, as the topmost trace field and Return-Path tell it",
            Some(_) => "Envelope, as recorded",
        });
        self.fact("client address", &envelope.client_address);
        self.fact("EHLO domain", &envelope.ehlo);
        self.fact("reverse-path", &envelope.reverse_path);
        let paths: Vec<String> = envelope.forward_paths.iter().map(ToString::to_string).collect();
        self.fact("forward-paths", &if paths.is_empty() { Known::default() } else { Known::Found(paths.join(", ")) });
        self.fact("TLS", &envelope.tls);
        self.fact("received", &evidence.now);
    }

    fn fields(&mut self, explanation: &Explanation<'_>) {
        self.title("Header fields that xd would add");
        let judgement = explanation.judgement;
        for field in header_fields(explanation.verdict(), judgement.engine) {
            for line in field.to_field().lines() {
                self.line(format_args!("  {}", Plain(line)));
            }
        }
    }

    fn title(&mut self, title: &str) {
        self.text.push('\n');
        self.line(self.terminal.paint(Style::Bold, title));
    }

    fn fact<T: Display>(&mut self, label: &str, fact: &Known<T>) {
        let value = match fact {
            Known::Found(value) => value.to_string(),
            Known::Absent => "none".to_owned(),
            Known::Unknown(why) => format!("unknown ({why})", why = why.as_str()),
        };
        let label = format!("{label:<LABEL$}");
        self.entry(&label, LABEL, Plain(&value));
    }

    /// A label of some width, and a text beside it that wraps below itself.
    fn entry(&mut self, label: &dyn Display, width: usize, text: impl Display) {
        let indent = if width == 0 { 2 } else { width + 4 };
        let text = text.to_string();
        let mut lines = wrap(&text, self.terminal.width.saturating_sub(indent)).into_iter();
        let first = lines.next().unwrap_or_default();
        let gap = if width == 0 { "" } else { "  " };
        self.line(format_args!("  {label}{gap}{first}"));
        for line in lines {
            self.line(format_args!("{:indent$}{line}", ""));
        }
    }

    /// A line of detail below an entry with points.
    fn note(&mut self, text: &str) {
        let indent = POINTS + 6;
        let text = cut_right(&Plain(text).to_string(), self.terminal.width.saturating_sub(indent));
        self.line(format_args!("{:indent$}{}", "", self.terminal.paint(Style::Dim, text)));
    }

    fn line(&mut self, line: impl Display) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// What a capsule can be quoted from.
fn held(recorded: Recorded) -> String {
    let what = match recorded.level {
        Level::Causes => "it does not hold what stood in the message, so nothing of it is quoted",
        Level::Facts => "it holds header fields, links and attachments; the text is not held, so nothing of it is quoted",
        Level::Content => "it holds the message",
    };
    let pseudonyms = if recorded.pseudonymous { "; pseudonyms stand for what identifies people" } else { "" };
    format!("from a capsule at the level {}: {what}{pseudonyms}", recorded.level.as_str())
}

/// What the finding of what was learned rests on.
fn rests_on(learned: &Learned) -> String {
    let Learned { ham, spam, lessons, delta, .. } = learned;
    format!("like {ham} messages learned as wanted and {spam} as spam, of {lessons} in delta {}", super::delta_name(*delta))
}

/// How a cap cut the points of a finding.
fn share(explanation: &Explanation<'_>, finding: &Finding<'_>) -> Option<String> {
    if finding.score == finding.full_score {
        return None;
    }
    let rules = explanation.engine.rules();
    let group = &rules.groups()[rules.rule(finding.rule)?.group()?];
    Some(format!("its share of {}: the group {} gives at most {} in all", signed(finding.full_score), group.id, group.cap))
}

/// A score with its sign.
pub(crate) fn signed(score: Score) -> String {
    if score > Score::ZERO { format!("+{score}") } else { score.to_string() }
}

fn points_style(score: Score) -> Style {
    if score > Score::ZERO { Style::Red } else { Style::Green }
}

/// Breaks a text at blanks into lines of at most so many columns; longer words stand alone and are cut hard.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let columns = word.width();
        if used > 0 && used + 1 + columns > width {
            lines.push(String::new());
            used = 0;
        }
        for c in (if used > 0 { " " } else { "" }).chars().chain(word.chars()) {
            let columns = unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
            if used + columns > width {
                lines.push(String::new());
                used = 0;
            }
            used += columns;
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("日本 語", 4), ["日本", "語"]);
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(wrap("a 0123456789", 4), ["a", "0123", "4567", "89"]);
        assert_eq!(wrap("日本語", 3), ["日", "本", "語"]);
    }

    #[test]
    fn points_show_their_sign() {
        assert_eq!(signed(Score::from_hundredths(150)), "+1.50");
        assert_eq!(signed(Score::from_hundredths(-50)), "-0.50");
        assert_eq!(signed(Score::ZERO), "0.00");
    }
}
