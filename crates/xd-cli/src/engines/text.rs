//! What changed from one engine to another, as text for people.

use std::fmt::{Display, Write as _};

use xd_core::Score;

use super::difference::{BrandLine, Change, Difference, Parts, RuleChange};
use crate::escape::Plain;
use crate::table::cut_right;
use crate::terminal::{Style, Terminal};

/// The difference, a line for each thing that is new or gone, and one for each change of a thing that stayed.
pub(crate) fn write(difference: &Difference<'_>, terminal: Terminal) -> String {
    let mut page = Page { text: String::new(), terminal };
    if difference.is_empty() {
        page.line(
            0,
            "No rule, group, list or brand differs: both judge alike. Files differ in comments or in how they are arranged.",
        );
        return page.text;
    }
    fn known<T: std::fmt::Debug>(what: Option<&Change<T>>) -> Option<String> {
        what.map(|change| format!("{:?} → {:?}", change.from, change.to))
    }
    for (what, change) in
        [("semantics version", known(difference.semantics.as_ref())), ("model", known(difference.model.as_ref()))]
    {
        if let Some(change) = change {
            page.line(0, &format!("{what} {change}"));
        }
    }
    page.rules(difference);
    page.groups(difference);
    page.lists(difference);
    page.brands(difference);
    page.text
}

struct Page {
    text: String,
    terminal: Terminal,
}

/// The most entries of a list that are named in one line.
const ENTRIES_MAX: usize = 12;

/// What is left of a long text before and behind the place where it changed.
const AROUND: usize = 16;

impl Page {
    fn rules(&mut self, difference: &Difference<'_>) {
        self.title("rules", &difference.rules);
        for (sign, style, rules) in [('+', Style::Green, &difference.rules.added), ('-', Style::Red, &difference.rules.removed)] {
            for rule in rules {
                let group = rule.group.map_or_else(String::new, |group| format!(" [{group}]"));
                self.entry(sign, style, &format!("{}  {}  {}{group}", rule.id, rule.score, rule.why));
            }
        }
        for change in &difference.rules.changed {
            self.rule(change);
        }
    }

    fn rule(&mut self, change: &RuleChange<'_>) {
        let RuleChange { id, score, group, family, why, condition } = change;
        self.entry('~', Style::Yellow, id);
        if let Some(Change { from, to }) = score {
            self.note("score", &format!("{from} → {to}"));
        }
        if let Some(Change { from, to }) = group {
            self.note("group", &format!("{} → {}", from.unwrap_or("none"), to.unwrap_or("none")));
        }
        if let Some(Change { from, to }) = family {
            self.note("family", &format!("{from} → {to}"));
        }
        for (label, change) in [("says", why), ("when", condition)] {
            if let Some(Change { from, to }) = change {
                let (from, to) = where_they_differ(from, to);
                self.note(label, &format!("- {from}"));
                self.note("", &format!("+ {to}"));
            }
        }
    }

    fn groups(&mut self, difference: &Difference<'_>) {
        self.title("groups", &difference.groups);
        let most = |cap: Score| format!("at most {cap} in all");
        for (sign, style, groups) in
            [('+', Style::Green, &difference.groups.added), ('-', Style::Red, &difference.groups.removed)]
        {
            for group in groups {
                self.entry(sign, style, &format!("{}  {}", group.id, most(group.cap)));
            }
        }
        for change in &difference.groups.changed {
            self.entry('~', Style::Yellow, &format!("{}  at most {} → {} in all", change.id, change.cap.from, change.cap.to));
            self.note("rules", &change.rules.join(", "));
        }
    }

    fn lists(&mut self, difference: &Difference<'_>) {
        self.title("lists", &difference.lists);
        for (sign, style, lists) in [('+', Style::Green, &difference.lists.added), ('-', Style::Red, &difference.lists.removed)] {
            for list in lists {
                self.entry(sign, style, &format!("{}  {} entries", list.id, list.entries.len()));
            }
        }
        for change in &difference.lists.changed {
            self.entry('~', Style::Yellow, change.id);
            for (sign, entries) in [('+', &change.added), ('-', &change.removed)] {
                if !entries.is_empty() {
                    self.note("", &format!("{sign} {}", some(entries)));
                }
            }
        }
    }

    fn brands(&mut self, difference: &Difference<'_>) {
        self.title("brands", &difference.brands);
        let shown = |brand: &BrandLine<'_>| format!("{}  {}", brand.names.join(", "), brand.domains.join(", "));
        for brand in &difference.brands.added {
            self.entry('+', Style::Green, &shown(brand));
        }
        for brand in &difference.brands.removed {
            self.entry('-', Style::Red, &shown(brand));
        }
        for change in &difference.brands.changed {
            let name = change.to.names.first().map_or("", String::as_str);
            self.entry('~', Style::Yellow, name);
            for (label, from, to) in
                [("names", change.from.names, change.to.names), ("domains", change.from.domains, change.to.domains)]
            {
                let without = |texts: &[String], others: &[String]| {
                    texts.iter().filter(|text| !others.contains(text)).cloned().collect::<Vec<String>>()
                };
                for (sign, texts) in [('+', without(to, from)), ('-', without(from, to))] {
                    if !texts.is_empty() {
                        self.note(label, &format!("{sign} {}", some(&texts)));
                    }
                }
            }
        }
    }

    fn title<T, C>(&mut self, what: &str, parts: &Parts<T, C>) {
        if parts.is_empty() {
            return;
        }
        let counts = [(parts.added.len(), "added"), (parts.removed.len(), "removed"), (parts.changed.len(), "changed")];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let counts: Vec<String> = counts.collect();
        let title = self.terminal.paint(Style::Bold, what);
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{title}: {}", counts.join(", "));
    }

    fn entry(&mut self, sign: char, style: Style, text: &str) {
        let line = cut_right(&Plain(text).to_string(), self.terminal.width.saturating_sub(4));
        let sign = self.terminal.paint(style, sign);
        let _ = writeln!(self.text, "  {sign} {line}");
    }

    fn note(&mut self, label: &str, text: &str) {
        self.line(6, &format!("{label:<6} {}", Plain(text)));
    }

    fn line(&mut self, indent: usize, text: &(impl Display + ?Sized)) {
        let text = cut_right(&text.to_string(), self.terminal.width.saturating_sub(indent));
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }
}

/// Texts one after another, as far as they help a reader.
fn some<T: AsRef<str>>(texts: &[T]) -> String {
    let mut shown: Vec<&str> = texts.iter().take(ENTRIES_MAX).map(AsRef::as_ref).collect();
    let more = texts.len().checked_sub(ENTRIES_MAX).filter(|&more| more > 0).map(|more| format!("{more} more"));
    shown.extend(more.as_deref());
    shown.join(", ")
}

/// Two texts without what they begin and end with in common, a little around it apart. Conditions hold whole lists; what
/// changed in them is what is looked for.
fn where_they_differ(from: &str, to: &str) -> (String, String) {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let rest = from.len().min(to.len()) - same;
    let same_end = from.iter().rev().zip(to.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (start, end) = (same.saturating_sub(AROUND), same_end.saturating_sub(AROUND));
    let cut = |text: &[char]| {
        let middle: String = text[start..text.len() - end].iter().collect();
        let (before, behind) = (if start > 0 { "…" } else { "" }, if end > 0 { "…" } else { "" });
        format!("{before}{middle}{behind}")
    };
    (cut(&from), cut(&to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_where_they_differ() {
        let pair = |a: &str, b: &str| where_they_differ(a, b);
        let around = "0123456789abcdef";
        assert_eq!(pair("a", "b"), ("a".to_owned(), "b".to_owned()));
        let long = |middle: &str| format!("xx{around}{middle}{around}yy");
        assert_eq!(pair(&long("é"), &long("")), (format!("…{around}é{around}…"), format!("…{around}{around}…")));
        assert_eq!(pair("aaa", "aa"), ("aaa".to_owned(), "aa".to_owned()));
        assert_eq!(pair("", "x"), (String::new(), "x".to_owned()));
    }
}
