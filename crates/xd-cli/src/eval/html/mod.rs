//! The figures as one page for a browser: charts, tables, and the worst errors with what led to them.
//!
//! The page refers to nothing outside itself and has no script; its policy forbids both, whatever a path of a hostile message holds. Of
//! messages it shows paths, findings and points, nothing that they say.

mod chart;
mod markup;

use std::fmt::Write as _;

use xd_core::Score;

use super::compare::Comparison;
use super::figures::{Counts, Share};
use super::manifest::Kind;
use super::resample::{Interval, NAMES};
use super::tally::{Group, Record, Tally};
use super::{Results, WORST, sweep};
use markup::{Text, table};

/// The most changed messages that the page names.
const CHANGED: usize = 200;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d1d1f;--paper:#fff;--faint:#8885;--ham:#2b7a4b;--spam:#b3392f;--first:#1f5fbf;--second:#b07d12}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8ea;--paper:#17181a;--ham:#58b57d;--spam:#e5746a;--first:#7aa9f0;--second:#e0b457}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.15rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--faint)}
td:first-child,code{overflow-wrap:anywhere}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.wide{overflow-x:auto}svg{max-width:100%;height:auto}svg text{font-size:12px;fill:var(--ink)}
.grid{stroke:var(--faint)}.threshold{stroke:var(--ink);stroke-dasharray:4 3}.mark{fill:var(--ink)}
polyline{fill:none;stroke-width:2}.first{stroke:var(--first)}.second{stroke:var(--second);stroke-dasharray:6 3}
.ham{fill:var(--ham)}.spam{fill:var(--spam)}ul{margin:.2rem 0;padding-left:1.1rem}details{margin:.3rem 0}summary{cursor:pointer}
.key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 1em}.key.ham{background:var(--ham)}.key.spam{background:var(--spam)}";

/// The whole page.
pub(super) fn write(results: &Results<'_>) -> String {
    let tally = results.tally;
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>xd eval</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    page.push_str(&headline(results));
    if let Some(comparison) = results.comparison {
        section(&mut page, "Comparison", &compared(comparison));
    }
    section(&mut page, "ROC", &chart::roc(tally));
    section(
        &mut page,
        "Scores",
        &format!(
            "<p><span class=\"key ham\"></span>ham<span class=\"key spam\"></span>spam; heights are roots of numbers, dashed lines the thresholds</p>\n{}",
            chart::scores(tally)
        ),
    );
    section(&mut page, "Thresholds", &thresholds(tally));
    section(&mut page, "Labels", &groups("label", tally.labels.iter().map(|(label, group)| (vec![label.as_str()], group))));
    if !tally.groups.is_empty() {
        let named = tally.groups.iter().map(|((name, label), group)| (vec![name.as_str(), label.as_str()], group));
        section(&mut page, "Groups", &groups("group", named));
    }
    section(&mut page, "Worst judged ham", &worst(results, Kind::Ham));
    section(&mut page, "Worst judged spam", &worst(results, Kind::Spam));
    section(&mut page, "Rules", &rules(results));
    page.push_str("</body>\n</html>\n");
    page
}

fn section(page: &mut String, title: &str, content: &str) {
    let _ = write!(page, "<section>\n<h2>{title}</h2>\n<div class=\"wide\">\n{content}</div>\n</section>\n");
}

fn headline(results: &Results<'_>) -> String {
    let Results { tally, judge, intervals, .. } = *results;
    let Counts { ham, spam } = tally.scores.total();
    let auc = tally.scores.auc().map_or_else(|| "–".to_owned(), Share::decimals);
    let mut text = format!(
        "<h1>xd eval: AUC {auc}</h1>\n<p>{} messages: {ham} ham, {spam} spam, {} other. Engine <code>{}</code></p>\n",
        tally.messages(),
        tally.other,
        judge.engine().hash()
    );
    let flagged = tally.thresholds.map(|(_, score)| tally.scores.at(score).flagged);
    let rates = [0, 1, 5, 10].map(|thousandths| tally.scores.at_false_positives(thousandths).flagged.spam);
    let values = [
        auc,
        percent(rates[0], spam),
        percent(rates[1], spam),
        percent(rates[2], spam),
        percent(rates[3], spam),
        percent(flagged[0].spam, spam),
        percent(flagged[0].ham, ham),
        percent(flagged[1].spam, spam),
        percent(flagged[1].ham, ham),
    ];
    let rows = NAMES.into_iter().zip(values).enumerate().map(|(figure, (name, value))| {
        let within = intervals.intervals[figure].map_or_else(String::new, |Interval { low, high }| match figure {
            0 => format!("{low:.4} – {high:.4}"),
            _ => format!("{:.2} – {:.2} %", low * 100.0, high * 100.0),
        });
        vec![Text(name).to_string(), value, within]
    });
    text.push_str(&table(1, &["figure", "value", "95 % of draws"], rows));
    if intervals.resamples > 0 {
        let _ = writeln!(text, "<p>Intervals are of {} draws of the {} clusters.</p>", intervals.resamples, intervals.clusters);
    }
    text
}

fn compared(comparison: &Comparison) -> String {
    let difference = &comparison.difference;
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let rows = NAMES.into_iter().enumerate().map(|(figure, name)| {
        let by = difference.of(figure).map_or_else(|| "–".to_owned(), |by| format!("{by:+.4}"));
        let within = difference.intervals[figure].map(|Interval { low, high }| format!("{low:+.4} – {high:+.4}"));
        let [first, second] = [difference.first, difference.second].map(|figures| shown(figures[figure]));
        vec![Text(name).to_string(), first, second, by, within.unwrap_or_default()]
    });
    let mut text = format!("<p>This engine, and as the other (dashed) engine <code>{}</code></p>\n", Text(&comparison.engine));
    text.push_str(&table(1, &["figure", "this", "other", "difference", "95 % of draws"], rows));
    let rows = comparison.worst_first().into_iter().take(CHANGED).map(|changed| {
        let better = changed.is_better.map_or("", |is_better| if is_better { "better" } else { "worse" });
        vec![
            Text(&changed.path).to_string(),
            Text(&changed.label).to_string(),
            changed.from.as_str().to_owned(),
            changed.to.as_str().to_owned(),
            better.to_owned(),
            changed.score_from.to_string(),
            changed.score_to.to_string(),
        ]
    });
    let _ = writeln!(text, "<p>{} messages change class; at most {CHANGED} are shown.</p>", comparison.changed.len());
    text.push_str(&table(5, &["message", "label", "from", "to", "", "score", "becomes"], rows));
    text
}

fn thresholds(tally: &Tally) -> String {
    let total = tally.scores.total();
    let rows = sweep(tally).into_iter().map(|point| {
        let Counts { ham, spam } = point.flagged;
        let threshold = point.threshold.unwrap_or(Score::ZERO).to_string();
        vec![threshold, spam.to_string(), percent(spam, total.spam), ham.to_string(), percent(ham, total.ham)]
    });
    table(0, &["spam from", "spam", "recall", "ham", "false positives"], rows)
}

fn groups<'a>(what: &str, groups: impl Iterator<Item = (Vec<&'a str>, &'a Group)>) -> String {
    let mut texts = 0;
    let rows: Vec<Vec<String>> = groups
        .map(|(names, group)| {
            texts = names.len();
            let Group { messages, flagged, sure, .. } = group;
            let numbers = [
                messages.to_string(),
                flagged.to_string(),
                percent(*flagged, *messages),
                sure.to_string(),
                group.mean().to_string(),
            ];
            names.iter().map(|name| Text(name).to_string()).chain(numbers).collect()
        })
        .collect();
    let named = if texts > 1 { vec![what, "label"] } else { vec![what] };
    let headings = [named.as_slice(), &["messages", "flagged", "", "surespam", "mean score"]].concat();
    table(texts, &headings, rows.into_iter())
}

fn rules(results: &Results<'_>) -> String {
    let Results { tally, judge, .. } = *results;
    let total = tally.scores.total();
    let rows = tally.rules(judge).into_iter().filter(|(_, rule)| rule.hits != Counts::default()).map(|(id, rule)| {
        let Counts { ham, spam } = rule.hits;
        vec![
            Text(id).to_string(),
            rule.score.to_string(),
            ham.to_string(),
            percent(ham, total.ham),
            spam.to_string(),
            percent(spam, total.spam),
        ]
    });
    let mut text = table(1, &["rule", "score", "ham", "", "spam", ""], rows);
    if let Some(model) = &tally.model {
        let ((low, high), (ham, spam)) = (model.range, model.means());
        let name = Text(&model.name);
        let _ = writeln!(
            text,
            "<p>The model {name} gives {low} to {high} points: {ham} to ham and {spam} to spam in the mean. It is counted where it gives more than zero.</p>"
        );
    }
    text
}

fn worst(results: &Results<'_>, kind: Kind) -> String {
    let worst = results.tally.worst(kind, WORST);
    if worst.is_empty() {
        return "<p>None.</p>\n".to_owned();
    }
    worst.into_iter().map(|record| explained(results, record)).collect()
}

fn explained(results: &Results<'_>, record: &Record) -> String {
    let Record { path, label, judged, .. } = record;
    let mut text = format!(
        "<details>\n<summary>{} {} <code>{}</code> ({})</summary>\n",
        judged.score,
        judged.class.as_str(),
        Text(path),
        Text(label)
    );
    let rows = judged.explained(results.judge).into_iter();
    let rows = rows.map(|(rule, score, why)| vec![Text(rule).to_string(), Text(why).to_string(), score.to_string()]);
    text.push_str(&table(2, &["finding", "why", "points"], rows));
    text.push_str("</details>\n");
    text
}

fn percent(part: u64, whole: u64) -> String {
    Share::of(part, whole).map_or_else(|| "–".to_owned(), Share::percent)
}
