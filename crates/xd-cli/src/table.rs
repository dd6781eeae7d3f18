//! Columns of fixed width for rows that are printed one by one: cut, pad, and the table of `xd scan`.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use xd_core::{Class, Judgement};

use crate::escape::Plain;
use crate::terminal::{Style, Terminal};

/// The table of judged messages: class, score, bounds where they differ, path, and the top reasons.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanTable {
    terminal: Terminal,
    path: usize,
    reasons: usize,
}

const CLASS: usize = 8;
const SCORE: usize = 7;
/// `[-1.50, 12.50]`
const BOUNDS: usize = 14;
const GAP: usize = 2;

/// The most sentences in a row.
const REASONS_MAX: usize = 2;

impl ScanTable {
    pub(crate) fn new(terminal: Terminal) -> Self {
        let rest = terminal.width.saturating_sub(CLASS + SCORE + BOUNDS + 4 * GAP);
        let path = (rest * 3 / 8).clamp(12, 44);
        Self { terminal, path, reasons: rest.saturating_sub(path) }
    }

    pub(crate) fn heading(&self) -> String {
        let titles = format!(
            "{:<CLASS$}  {:>SCORE$}  {:<BOUNDS$}  {:<path$}  why",
            "class",
            "score",
            "[low, high]",
            "path",
            path = self.path
        );
        format!("{}\n", self.terminal.paint(Style::Dim, titles))
    }

    /// One row with its line end.
    pub(crate) fn row(&self, path: &str, judgement: &Judgement<'_>) -> String {
        let verdict = judgement.verdict();
        let style = class_style(verdict.class);
        let mut row = String::with_capacity(self.terminal.width + 40);
        let score = format!("{:>SCORE$}", verdict.score);
        let bounds = if verdict.low == verdict.score && verdict.high == verdict.score {
            String::new()
        } else {
            format!("[{}, {}]", verdict.low, verdict.high)
        };
        let class = format!("{:<CLASS$}", verdict.class);
        // Numbers are never cut. What they need beyond their columns is taken from the path.
        let over = (score.len() - SCORE) + bounds.len().saturating_sub(BOUNDS);
        let width = self.path.saturating_sub(over);
        let mut shown = cut_path(&Plain(path).to_string(), width);
        pad(&mut shown, width);
        let reasons: Vec<&str> = verdict.findings.iter().take(REASONS_MAX).map(|finding| finding.why).collect();
        let reasons = cut_right(&Plain(&reasons.join("; ")).to_string(), self.reasons);
        let paint = |text| self.terminal.paint(style, text);
        let gap = BOUNDS.saturating_sub(bounds.len());
        let bounds = self.terminal.paint(Style::Dim, bounds);
        // Writing into a string cannot fail.
        let _ = write!(row, "{}  {}  {bounds}{:gap$}  {shown}  {reasons}", paint(class), paint(score), "");
        row.truncate(row.trim_end_matches(' ').len());
        row.push('\n');
        row
    }
}

/// The colour of a class.
pub(crate) fn class_style(class: Class) -> Style {
    match class {
        Class::Clean => Style::Green,
        Class::Infected => Style::Magenta,
        Class::Spam => Style::Yellow,
        Class::SureSpam => Style::Red,
    }
}

/// Fills a text up to a width with blanks.
pub(crate) fn pad(text: &mut String, width: usize) {
    let missing = width.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', missing));
}

/// A text cut at its end to a width in columns, with `…` where something is missing.
pub(crate) fn cut_right(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// A text cut at its beginning to a width in columns: the end of a path tells more.
pub(crate) fn cut_left(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut start = text.len();
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        let columns = c.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        start = at;
    }
    if width > 0 { format!("…{}", &text[start..]) } else { String::new() }
}

/// A path cut to a width, before one of its names if that leaves any.
fn cut_path(path: &str, width: usize) -> String {
    let cut = cut_left(path, width);
    match cut.strip_prefix('…').and_then(|kept| kept.find('/').map(|slash| &kept[slash..])) {
        Some(names) if cut != path => format!("…{names}"),
        _ => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_left_alone() {
        for text in ["", "abc", "日本"] {
            assert_eq!(cut_right(text, 4), text);
            assert_eq!(cut_left(text, 4), text);
        }
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut_right("日本語", 5), "日本…");
        assert_eq!(cut_right("日本語", 4), "日…");
        assert_eq!(cut_left("日本語", 5), "…本語");
        assert_eq!(cut_left("日本語", 4), "…語");
    }

    #[test]
    fn no_cut_is_wider_than_asked() {
        for text in ["abcdefgh", "日本語日本語", "a日b本c", "e\u{301}e\u{301}e\u{301}e\u{301}"] {
            for width in 0..12 {
                assert!(cut_right(text, width).width() <= width, "{text} at {width}");
                assert!(cut_left(text, width).width() <= width, "{text} at {width}");
            }
        }
    }

    #[test]
    fn cuts_show_that_something_is_missing() {
        assert_eq!(cut_right("one two", 5), "one…");
        assert_eq!(cut_left("a/b/message.eml", 8), "…age.eml");
        assert_eq!(cut_right("abc", 1), "…");
    }

    #[test]
    fn paths_are_cut_before_a_name() {
        assert_eq!(cut_path("a/b/message.eml", 15), "a/b/message.eml");
        assert_eq!(cut_path("some/where/message.eml", 20), "…/where/message.eml");
        assert_eq!(cut_path("some/where/message.eml", 15), "…/message.eml");
        assert_eq!(cut_path("some/where/message.eml", 8), "…age.eml");
        assert_eq!(cut_path("…/x", 8), "…/x");
    }

    #[test]
    fn padding_counts_columns() {
        let mut text = "日本".to_owned();
        pad(&mut text, 6);
        assert_eq!(text, "日本  ");
    }
}
