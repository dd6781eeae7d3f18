//! The figures as a report for people.

use std::fmt::Write as _;

use xd_core::Score;

use super::compare::Comparison;
use super::figures::{Counts, Share};
use super::resample::{Interval, Intervals, NAMES};
use super::tally::{Group, Tally};
use super::{Results, sweep};
use crate::escape::Plain;
use crate::table::{cut_left, pad};
use crate::terminal::{Style, Terminal};

/// The false-positive rates at which recall is reported, in thousandths.
const RATES: [(u64, &str); 4] = [(0, "0"), (1, "0.1 %"), (5, "0.5 %"), (10, "1 %")];

/// The widest name in a table.
const NAME_MAX: usize = 40;

/// How many messages are named in each list.
const NAMED: usize = 20;

pub(super) fn write(results: &Results<'_>, terminal: Terminal) -> String {
    let Results { tally, intervals, .. } = *results;
    let mut report = Report { text: String::new(), terminal };
    report.summary(results);
    report.rates(tally, intervals);
    report.thresholds(tally, intervals);
    report.sweep(tally);
    report.groups("label", tally.labels.iter().map(|(label, group)| (label.clone(), *group)).collect());
    let groups = tally.groups.iter().map(|((name, label), group)| (format!("{name} ({label})"), *group));
    report.groups("group", groups.collect());
    report.rules(results);
    if let Some(comparison) = results.comparison {
        report.comparison(comparison);
    }
    report.text
}

struct Report {
    text: String,
    terminal: Terminal,
}

impl Report {
    fn summary(&mut self, results: &Results<'_>) {
        let Results { tally, judge, intervals, .. } = *results;
        let Counts { ham, spam } = tally.scores.total();
        let other = if tally.other > 0 { format!(", {} other", tally.other) } else { String::new() };
        self.line(&format!("{} messages: {ham} ham, {spam} spam{other}", tally.messages()));
        self.line(&format!("engine {}", judge.engine().hash()));
        self.text.push('\n');
        let auc = tally.scores.auc().map_or_else(|| "needs both ham and spam".to_owned(), Share::decimals);
        let within = intervals.intervals[0].map(|Interval { low, high }| format!("  [{low:.4}, {high:.4}]"));
        self.line(&format!("AUC {auc}{}", within.unwrap_or_default()));
        if intervals.resamples > 0 {
            let Intervals { resamples, clusters, .. } = intervals;
            self.line(&format!("in brackets: 95 % of {resamples} draws of the {clusters} clusters"));
        }
        let share = |part, whole, noun: &str| Share::of(part, whole).map(|share| format!("{} of {noun}", share.percent()));
        let shares = [share(tally.scoring.spam, spam, "spam"), share(tally.scoring.ham, ham, "ham")];
        let shares: Vec<String> = shares.into_iter().flatten().collect();
        if !shares.is_empty() {
            self.line(&format!("with a finding that adds points: {}", shares.join(", ")));
        }
    }

    fn rates(&mut self, tally: &Tally, intervals: &Intervals) {
        let Counts { ham, spam } = tally.scores.total();
        if ham == 0 || spam == 0 {
            return;
        }
        self.heading(&format!("{:<22}{:>10}{:>12}{:>16}", "false positives up to", "recall", "threshold", "ham flagged"));
        for (at, (thousandths, rate)) in RATES.into_iter().enumerate() {
            let point = tally.scores.at_false_positives(thousandths);
            let threshold = point.threshold.map_or_else(|| "none".to_owned(), |score| score.to_string());
            let within = within(intervals.intervals[1 + at]);
            let recall = percent(point.flagged.spam, spam);
            self.line(&format!("{rate:<22}{recall:>10}{threshold:>12}{:>16}{within}", point.flagged.ham));
        }
    }

    fn thresholds(&mut self, tally: &Tally, intervals: &Intervals) {
        let total = tally.scores.total();
        self.heading(&format!("{:<22}{:>10}{:>28}", "threshold", "recall", "false positives"));
        for (at, (class, score)) in tally.thresholds.into_iter().enumerate() {
            let flagged = tally.scores.at(score).flagged;
            let of = format!("{} ({} of {})", percent(flagged.ham, total.ham), flagged.ham, total.ham);
            let name = format!("{} from {score}", class.as_str());
            let [recall, wrong] = [5, 6].map(|figure| within(intervals.intervals[figure + 2 * at]));
            self.line(&format!("{name:<22}{:>10}{of:>28}{recall}{wrong}", percent(flagged.spam, total.spam)));
        }
    }

    fn sweep(&mut self, tally: &Tally) {
        let total = tally.scores.total();
        self.heading(&format!("{:<22}{:>10}{:>16}{:>10}", "spam from", "recall", "ham flagged", ""));
        for point in sweep(tally).into_iter().step_by(2) {
            let threshold = point.threshold.unwrap_or(Score::ZERO);
            let (recall, wrong) = (percent(point.flagged.spam, total.spam), percent(point.flagged.ham, total.ham));
            self.line(&format!("{:<22}{recall:>10}{:>16}{wrong:>10}", threshold.to_string(), point.flagged.ham));
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

    fn rules(&mut self, results: &Results<'_>) {
        let Results { tally, judge, .. } = *results;
        let total = tally.scores.total();
        let rules = tally.rules(judge);
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
        if let Some(model) = &tally.model {
            let ((low, high), (ham, spam)) = (model.range, model.means());
            let name = Plain(&model.name);
            self.line(&format!(
                "model {name}: {low} to {high} points; {ham} for ham and {spam} for spam in the mean; counted where above zero"
            ));
        }
    }

    fn comparison(&mut self, comparison: &Comparison) {
        self.text.push('\n');
        self.line(&format!("compared with engine {}", comparison.engine));
        self.heading(&format!("{:<30}{:>10}{:>10}{:>12}", "figure", "this", "other", "difference"));
        let difference = &comparison.difference;
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
        for (figure, name) in NAMES.into_iter().enumerate() {
            let by = difference.of(figure).map_or_else(|| "–".to_owned(), |by| format!("{by:+.4}"));
            let within = difference.intervals[figure].map(|Interval { low, high }| format!("  [{low:+.4}, {high:+.4}]"));
            let [first, second] = [difference.first, difference.second].map(|figures| shown(figures[figure]));
            self.line(&format!("{name:<30}{first:>10}{second:>10}{by:>12}{}", within.unwrap_or_default()));
        }
        let count = |is_better| comparison.changed.iter().filter(|changed| changed.is_better == Some(is_better)).count();
        let (better, worse) = (count(true), count(false));
        let others = comparison.changed.len() - better - worse;
        self.heading(&format!("class changes: {better} for the better, {worse} for the worse, {others} neither"));
        // Those for the worse first: they are what one looks for.
        let changed = comparison.worst_first();
        for changed in changed.iter().take(NAMED) {
            let (path, label) = (Plain(&changed.path), Plain(&changed.label));
            let (from, to) = (changed.from.as_str(), changed.to.as_str());
            self.line(&format!("{from} {} → {to} {}  {label}  {path}", changed.score_from, changed.score_to));
        }
        if changed.len() > NAMED {
            self.line(&format!("and {} more; --format json names all", changed.len() - NAMED));
        }
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

/// An interval behind a figure, in per cent.
fn within(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |Interval { low, high }| format!("  [{:.2}, {:.2}]", low * 100.0, high * 100.0))
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
