//! Columns of fixed width for rows that are printed one by one: cut, pad, and the table of `xd scan`.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use xd_core::classify::MODEL_ID;
use xd_core::{Class, Judgement};

use crate::base::Base;
use crate::escape::Plain;
use crate::terminal::{Style, Terminal};

/// The table of judged messages: class, score, path, and why; before the reasons, the bounds of a score that may change.
#[derive(Clone, Debug)]
pub(crate) struct ScanTable {
    terminal: Terminal,
    base: Base,
    /// The width of the column of paths.
    path: usize,
    /// What paths and reasons have together.
    rest: usize,
}

const CLASS: usize = 8;
const SCORE: usize = 7;
const GAP: usize = 2;

/// The column of paths is at least as wide as this.
const PATH_MIN: usize = 12;

impl ScanTable {
    /// A table of messages whose paths begin with `base`; `paths` are the first of them.
    pub(crate) fn new<'a>(terminal: Terminal, base: Base, paths: impl Iterator<Item = Cow<'a, str>>) -> Self {
        let rest = terminal.width.saturating_sub(CLASS + SCORE + 3 * GAP);
        let widest = paths.map(|path| Plain(base.below(&path)).to_string().width()).max().unwrap_or(0);
        let path = widest.clamp(PATH_MIN, Self::path_max(rest));
        Self { terminal, base, path, rest }
    }

    /// Paths get at most half of the room that they share with the reasons.
    fn path_max(rest: usize) -> usize {
        (rest / 2).max(PATH_MIN)
    }

    pub(crate) fn heading(&self) -> String {
        let base = match self.base.as_str() {
            "" => "path".to_owned(),
            base => cut_path(&Plain(base).to_string(), self.path),
        };
        let mut titles = format!("{:<CLASS$}  {:>SCORE$}  {base}", "class", "score");
        pad(&mut titles, CLASS + SCORE + 2 * GAP + self.path);
        format!("{}\n", self.terminal.paint(Style::Dim, titles + "  why"))
    }

    /// One row with its line end.
    pub(crate) fn row(&self, path: &str, judgement: &Judgement<'_>) -> String {
        let verdict = judgement.verdict();
        let style = class_style(verdict.class);
        let class = format!("{:<CLASS$}", verdict.class);
        let score = format!("{:>SCORE$}", verdict.score);
        // Numbers are never cut. What they need beyond their column is taken from the paths and reasons.
        let rest = self.rest.saturating_sub(score.len() - SCORE);
        let mut shown = cut_path(&Plain(self.base.below(path)).to_string(), Self::path_max(rest));
        pad(&mut shown, self.path);
        let mut left = rest.saturating_sub(shown.width());
        let mut bounds = String::new();
        if verdict.low != verdict.score || verdict.high != verdict.score {
            bounds = format!("[{}, {}]", verdict.low, verdict.high);
            left = left.saturating_sub(bounds.len() + GAP);
            bounds = format!("{}  ", self.terminal.paint(Style::Dim, bounds));
        }
        // Rules say more than the model does.
        let (model, rules): (Vec<_>, Vec<_>) = verdict.findings.iter().partition(|finding| finding.rule == MODEL_ID);
        let reasons = reasons(rules.into_iter().chain(model).map(|finding| finding.why), left);
        let (class, score) = (self.terminal.paint(style, class), self.terminal.paint(style, score));
        let mut row = String::with_capacity(self.terminal.width + 40);
        // Writing into a string cannot fail.
        let _ = write!(row, "{class}  {score}  {shown}  {bounds}{reasons}");
        row.truncate(row.trim_end_matches(' ').len());
        row.push('\n');
        row
    }
}

/// Sentences one after the other, as far as there is room.
fn reasons<'a>(sentences: impl Iterator<Item = &'a str>, width: usize) -> String {
    let mut text = String::new();
    for sentence in sentences {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let _ = write!(text, "{}", Plain(sentence));
        if text.width() > width {
            break;
        }
    }
    cut_words(&text, width)
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

/// A text cut at its end to a width, after a word if that leaves half of it.
fn cut_words(text: &str, width: usize) -> String {
    let mut cut = cut_right(text, width);
    if cut == text || !cut.ends_with('…') {
        return cut;
    }
    cut.pop();
    if text[cut.len()..].starts_with(char::is_alphanumeric)
        && let Some(blank) = cut.rfind(' ').filter(|&blank| cut[..blank].width() >= width / 2)
    {
        cut.truncate(blank);
    }
    cut.truncate(cut.trim_end_matches([' ', ',', ';']).len());
    cut.push('…');
    cut
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
    fn sentences_are_cut_after_a_word() {
        assert_eq!(cut_words("one two three", 13), "one two three");
        assert_eq!(cut_words("one two three", 11), "one two…");
        assert_eq!(cut_words("one two; three", 10), "one two…");
        assert_eq!(cut_words("extraordinarily", 10), "extraordi…");
        assert_eq!(cut_words("an extraordinarily", 10), "an extrao…");
        assert_eq!(cut_words("one", 0), "");
        assert_eq!(reasons(["one", "two\n", "three"].into_iter(), 30), "one; two\\n; three");
        assert_eq!(reasons(["one", "two", "three"].into_iter(), 9), "one; two…");
    }

    #[test]
    fn padding_counts_columns() {
        let mut text = "日本".to_owned();
        pad(&mut text, 6);
        assert_eq!(text, "日本  ");
    }
}
