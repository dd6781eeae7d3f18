//! The figures as a report for people.

use std::fmt::Write as _;

use xd_core::Engine;

use super::figures::{Counts, Share};
use super::{Group, Tally};
use crate::escape::Plain;
use crate::table::{cut_left, pad};
use crate::terminal::{Style, Terminal};

/// The false-positive rates at which recall is reported, in thousandths.
const RATES: [(u64, &str); 4] = [(0, "0"), (1, "0.1 %"), (5, "0.5 %"), (10, "1 %")];

/// The widest name in a table.
const NAME_MAX: usize = 40;

pub(super) fn write(tally: &Tally, engine: &Engine, terminal: Terminal) -> String {
    let mut report = Report { text: String::new(), terminal };
    report.summary(tally, engine);
    report.rates(tally);
    report.thresholds(tally);
    report.groups("label", tally.labels.iter().map(|(label, group)| (label.clone(), *group)).collect());
    let groups = tally.groups.iter().map(|((name, label), group)| (format!("{name} ({label})"), *group));
    report.groups("group", groups.collect());
    report.rules(tally, engine);
    report.text
}

struct Report {
    text: String,
    terminal: Terminal,
}

impl Report {
    fn summary(&mut self, tally: &Tally, engine: &Engine) {
        let Counts { ham, spam } = tally.scores.total();
        let other = if tally.other > 0 { format!(", {} other", tally.other) } else { String::new() };
        self.line(&format!("{} messages: {ham} ham, {spam} spam{other}", tally.messages()));
        self.line(&format!("engine {}", engine.hash()));
        self.text.push('\n');
        let auc = tally.scores.auc().map_or_else(|| "needs both ham and spam".to_owned(), Share::decimals);
        self.line(&format!("AUC {auc}"));
        let share = |part, whole, noun: &str| Share::of(part, whole).map(|share| format!("{} of {noun}", share.percent()));
        let shares = [share(tally.scoring.spam, spam, "spam"), share(tally.scoring.ham, ham, "ham")];
        let shares: Vec<String> = shares.into_iter().flatten().collect();
        if !shares.is_empty() {
            self.line(&format!("with a finding that adds points: {}", shares.join(", ")));
        }
    }

    fn rates(&mut self, tally: &Tally) {
        let Counts { ham, spam } = tally.scores.total();
        if ham == 0 || spam == 0 {
            return;
        }
        self.heading(&format!("{:<22}{:>10}{:>12}{:>16}", "false positives up to", "recall", "threshold", "ham flagged"));
        for (thousandths, rate) in RATES {
            let point = tally.scores.at_false_positives(thousandths);
            let threshold = point.threshold.map_or_else(|| "none".to_owned(), |score| score.to_string());
            self.line(&format!("{rate:<22}{:>10}{threshold:>12}{:>16}", percent(point.flagged.spam, spam), point.flagged.ham));
        }
    }

    fn thresholds(&mut self, tally: &Tally) {
        let total = tally.scores.total();
        self.heading(&format!("{:<22}{:>10}{:>28}", "threshold", "recall", "false positives"));
        for (class, score) in tally.thresholds {
            let flagged = tally.scores.at(score).flagged;
            let of = format!("{} ({} of {})", percent(flagged.ham, total.ham), flagged.ham, total.ham);
            let name = format!("{} from {score}", class.as_str());
            self.line(&format!("{name:<22}{:>10}{of:>28}", percent(flagged.spam, total.spam)));
        }
    }

    fn groups(&mut self, what: &str, groups: Vec<(String, Group)>) {
        if groups.is_empty() {
            return;
        }
        let names: Vec<String> = groups.iter().map(|(name, _)| Plain(name).to_string()).collect();
        let width = column(what, &names);
        self.heading(&format!(
            "{what:<width$}{:>10}{:>10}{:>10}{:>10}{:>12}",
            "messages", "flagged", "", "surespam", "mean score"
        ));
        for (name, (_, group)) in names.iter().zip(&groups) {
            let share = percent(group.flagged, group.messages);
            let Group { messages, flagged, sure, .. } = group;
            let name = fit(name, width);
            self.line(&format!("{name}{messages:>10}{flagged:>10}{share:>10}{sure:>10}{:>12}", group.mean()));
        }
    }

    fn rules(&mut self, tally: &Tally, engine: &Engine) {
        let total = tally.scores.total();
        let rules = tally.rules(engine);
        let (hit, silent): (Vec<_>, Vec<_>) = rules.into_iter().partition(|(_, rule)| rule.hits != Counts::default());
        let names: Vec<String> = hit.iter().map(|(id, _)| Plain(id).to_string()).collect();
        let width = column("rule", &names);
        self.heading(&format!("{:<width$}{:>9}{:>8}{:>10}{:>8}{:>10}{:>8}", "rule", "score", "ham", "", "spam", "", "ratio"));
        for (name, (_, rule)) in names.iter().zip(&hit) {
            let Counts { ham, spam } = rule.hits;
            let (of_ham, of_spam) = (percent(ham, total.ham), percent(spam, total.spam));
            let name = fit(name, width);
            let ratio = ratio(rule.hits, total);
            self.line(&format!("{name}{:>9}{ham:>8}{of_ham:>10}{spam:>8}{of_spam:>10}{ratio:>8}", rule.score));
        }
        if !silent.is_empty() {
            let ids: Vec<&str> = silent.iter().map(|(id, _)| *id).collect();
            self.text.push('\n');
            self.line(&format!("without a hit: {}", Plain(&ids.join(", "))));
        }
        self.line("\nratio: the share of spam that a rule finds, over that and the share of ham that it finds");
    }

    fn heading(&mut self, heading: &str) {
        self.text.push('\n');
        let heading = self.terminal.paint(Style::Bold, heading.trim_end()).to_string();
        self.line(&heading);
    }

    fn line(&mut self, line: &str) {
        // Writing into a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

fn percent(part: u64, whole: u64) -> String {
    Share::of(part, whole).map_or_else(|| "–".to_owned(), Share::percent)
}

/// How much a rule prefers spam, whatever the numbers of messages: the rates are compared, not the counts.
fn ratio(hits: Counts, total: Counts) -> String {
    let spam = u128::from(hits.spam) * u128::from(total.ham);
    let ham = u128::from(hits.ham) * u128::from(total.spam);
    Share::try_new(spam, spam + ham).map_or_else(|| "–".to_owned(), Share::decimals)
}

/// The width of a column of names with its heading.
fn column(heading: &str, names: &[String]) -> usize {
    let widest = names.iter().map(|name| unicode_width::UnicodeWidthStr::width(name.as_str())).max().unwrap_or(0);
    widest.max(heading.len()).min(NAME_MAX)
}

fn fit(name: &str, width: usize) -> String {
    let mut name = cut_left(name, width);
    pad(&mut name, width);
    name
}
