//! The figures as one JSON object. Shares are numbers with four decimals, null where there is nothing to divide by.

use std::collections::BTreeMap;

use serde::Serialize;
use xd_core::Score;

use super::compare::{Changed, Comparison};
use super::figures::{Point, Share};
use super::manifest::Kind;
use super::resample::{Interval, Intervals};
use super::tally::{Group, Record, Tally};
use super::{BINS, Results, WORST, histogram, sweep};
use crate::failure::Failure;
use crate::json;

#[derive(Serialize)]
struct Object<'a> {
    messages: u64,
    ham: u64,
    spam: u64,
    other: u64,
    auc: Option<f64>,
    recall_at_fpr: Rates<Option<f64>>,
    threshold_at_fpr: Rates<Option<String>>,
    thresholds: BTreeMap<&'a str, Threshold>,
    with_finding: WithFinding,
    labels: Vec<GroupLine<'a>>,
    groups: Vec<GroupLine<'a>>,
    rules: Vec<RuleLine<'a>>,
    engine: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelLine<'a>>,
    sweep: Vec<SweepLine>,
    histogram: Vec<Bin>,
    worst: Worst<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<IntervalLines>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<ComparisonLine<'a>>,
}

#[derive(Serialize)]
struct ModelLine<'a> {
    name: &'a str,
    #[serde(serialize_with = "json::score")]
    low: Score,
    #[serde(serialize_with = "json::score")]
    high: Score,
    #[serde(serialize_with = "json::score")]
    mean_ham: Score,
    #[serde(serialize_with = "json::score")]
    mean_spam: Score,
}

#[derive(Serialize)]
struct SweepLine {
    #[serde(serialize_with = "json::score")]
    threshold: Score,
    recall: Option<f64>,
    fpr: Option<f64>,
    ham: u64,
    spam: u64,
}

/// Messages from a score to the next bin; the first and the last bin hold all beyond.
#[derive(Serialize)]
struct Bin {
    #[serde(serialize_with = "json::score")]
    from: Score,
    ham: u64,
    spam: u64,
}

#[derive(Serialize)]
struct Worst<'a> {
    ham: Vec<WorstLine<'a>>,
    spam: Vec<WorstLine<'a>>,
}

#[derive(Serialize)]
struct WorstLine<'a> {
    path: &'a str,
    label: &'a str,
    class: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    findings: Vec<FindingLine<'a>>,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    rule: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    why: &'a str,
}

type Ends = Option<[f64; 2]>;

#[derive(Serialize)]
struct IntervalLines {
    level: f64,
    resamples: u32,
    clusters: usize,
    #[serde(flatten)]
    figures: FigureLines<Ends>,
}

/// The figures by the names that they have above.
#[derive(Serialize)]
struct FigureLines<T> {
    auc: T,
    recall_at_fpr: Rates<T>,
    thresholds: BTreeMap<&'static str, ThresholdFigures<T>>,
}

#[derive(Serialize)]
struct ThresholdFigures<T> {
    recall: T,
    fpr: T,
}

#[derive(Serialize)]
struct ComparisonLine<'a> {
    engine: &'a str,
    /// What the other's figures are.
    other: FigureLines<Option<f64>>,
    /// What they are more.
    difference: FigureLines<Option<f64>>,
    intervals: FigureLines<Ends>,
    better: usize,
    worse: usize,
    changed: Vec<ChangedLine<'a>>,
}

#[derive(Serialize)]
struct ChangedLine<'a> {
    path: &'a str,
    label: &'a str,
    from: &'a str,
    to: &'a str,
    #[serde(serialize_with = "json::score")]
    score_from: Score,
    #[serde(serialize_with = "json::score")]
    score_to: Score,
    better: Option<bool>,
}

/// One value for each false-positive rate that is reported.
#[derive(Serialize)]
struct Rates<T> {
    #[serde(rename = "0")]
    none: T,
    #[serde(rename = "0.001")]
    one: T,
    #[serde(rename = "0.005")]
    five: T,
    #[serde(rename = "0.01")]
    ten: T,
}

#[derive(Serialize)]
struct Threshold {
    #[serde(serialize_with = "json::score")]
    score: Score,
    recall: Option<f64>,
    fpr: Option<f64>,
}

#[derive(Serialize)]
struct WithFinding {
    spam: Option<f64>,
    ham: Option<f64>,
}

#[derive(Serialize)]
struct GroupLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    label: &'a str,
    messages: u64,
    flagged: u64,
    surespam: u64,
    mean_score: f64,
}

#[derive(Serialize)]
struct RuleLine<'a> {
    rule: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    ham: u64,
    spam: u64,
}

/// The object with its line end.
pub(super) fn write(results: &Results<'_>) -> Result<Vec<u8>, Failure> {
    let Results { tally, judge, intervals, comparison } = *results;
    let total = tally.scores.total();
    let number = |part, whole| Share::of(part, whole).map(Share::number);
    let recall = |point: Point| number(point.flagged.spam, total.spam);
    let thresholds = tally.thresholds.map(|(class, score)| {
        let point = tally.scores.at(score);
        (class.as_str(), Threshold { score, recall: recall(point), fpr: number(point.flagged.ham, total.ham) })
    });
    let object = Object {
        messages: tally.messages(),
        ham: total.ham,
        spam: total.spam,
        other: tally.other,
        auc: tally.scores.auc().map(Share::number),
        recall_at_fpr: Rates::of(tally, recall),
        threshold_at_fpr: Rates::of(tally, |point| point.threshold.map(|score| score.to_string())),
        thresholds: thresholds.into_iter().collect(),
        with_finding: WithFinding { spam: number(tally.scoring.spam, total.spam), ham: number(tally.scoring.ham, total.ham) },
        labels: tally.labels.iter().map(|(label, group)| GroupLine::of(None, label, group)).collect(),
        groups: tally.groups.iter().map(|((name, label), group)| GroupLine::of(Some(name), label, group)).collect(),
        rules: tally
            .rules(judge)
            .into_iter()
            .map(|(rule, tally)| RuleLine { rule, score: tally.score, ham: tally.hits.ham, spam: tally.hits.spam })
            .collect(),
        engine: judge.engine().hash().to_string(),
        model: tally.model.as_ref().map(|model| {
            let ((low, high), (mean_ham, mean_spam)) = (model.range, model.means());
            ModelLine { name: &model.name, low, high, mean_ham, mean_spam }
        }),
        sweep: sweep(tally)
            .into_iter()
            .map(|point| SweepLine {
                threshold: point.threshold.unwrap_or(Score::ZERO),
                recall: recall(point),
                fpr: number(point.flagged.ham, total.ham),
                ham: point.flagged.ham,
                spam: point.flagged.spam,
            })
            .collect(),
        histogram: BINS
            .zip(histogram(tally))
            .map(|(from, (ham, spam))| Bin { from: Score::from_hundredths(from * 50), ham, spam })
            .collect(),
        worst: Worst { ham: worst(results, Kind::Ham), spam: worst(results, Kind::Spam) },
        intervals: IntervalLines::of(tally, intervals),
        comparison: comparison.map(|comparison| ComparisonLine::of(tally, comparison)),
    };
    let mut line = Vec::new();
    json::write_line(&mut line, &object)?;
    Ok(line)
}

fn worst<'a>(results: &Results<'a>, kind: Kind) -> Vec<WorstLine<'a>> {
    let line = |record: &'a Record| WorstLine {
        path: &record.path,
        label: &record.label,
        class: record.judged.class.as_str(),
        score: record.judged.score,
        findings: record
            .judged
            .explained(results.judge)
            .into_iter()
            .map(|(rule, score, why)| FindingLine { rule, score, why })
            .collect(),
    };
    results.tally.worst(kind, WORST).into_iter().map(line).collect()
}

impl IntervalLines {
    fn of(tally: &Tally, intervals: &Intervals) -> Option<Self> {
        let Intervals { resamples, clusters, .. } = *intervals;
        let figures = FigureLines::of(tally, |figure| ends(intervals.intervals[figure]));
        (resamples > 0).then_some(Self { level: 0.95, resamples, clusters, figures })
    }
}

fn ends(interval: Option<Interval>) -> Ends {
    interval.map(|Interval { low, high }| [four(low), four(high)])
}

/// With four decimals.
fn four(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

impl<T> FigureLines<T> {
    /// The values of the figures, whose order is that of [`super::resample::NAMES`].
    fn of(tally: &Tally, value: impl Fn(usize) -> T) -> Self {
        let [spam, sure] = tally.thresholds.map(|(class, _)| class.as_str());
        let threshold = |at: usize| ThresholdFigures { recall: value(at), fpr: value(at + 1) };
        Self {
            auc: value(0),
            recall_at_fpr: Rates { none: value(1), one: value(2), five: value(3), ten: value(4) },
            thresholds: [(spam, threshold(5)), (sure, threshold(7))].into_iter().collect(),
        }
    }
}

impl<'a> ComparisonLine<'a> {
    fn of(tally: &Tally, comparison: &'a Comparison) -> Self {
        let difference = &comparison.difference;
        let count = |is_better| comparison.changed.iter().filter(|changed| changed.is_better == Some(is_better)).count();
        let line = |changed: &'a Changed| ChangedLine {
            path: &changed.path,
            label: &changed.label,
            from: changed.from.as_str(),
            to: changed.to.as_str(),
            score_from: changed.score_from,
            score_to: changed.score_to,
            better: changed.is_better,
        };
        Self {
            engine: &comparison.engine,
            other: FigureLines::of(tally, |figure| difference.second[figure].map(four)),
            difference: FigureLines::of(tally, |figure| difference.of(figure).map(four)),
            intervals: FigureLines::of(tally, |figure| ends(difference.intervals[figure])),
            better: count(true),
            worse: count(false),
            changed: comparison.changed.iter().map(line).collect(),
        }
    }
}

impl<T> Rates<T> {
    fn of(tally: &Tally, value: impl Fn(Point) -> T) -> Self {
        let at = |thousandths| value(tally.scores.at_false_positives(thousandths));
        Self { none: at(0), one: at(1), five: at(5), ten: at(10) }
    }
}

impl<'a> GroupLine<'a> {
    fn of(name: Option<&'a str>, label: &'a str, group: &Group) -> Self {
        let Group { messages, flagged, sure, .. } = *group;
        // Hundredths of any score that rules can reach are exact in a double.
        let mean_score = group.mean().hundredths() as f64 / 100.0;
        Self { name, label, messages, flagged, surespam: sure, mean_score }
    }
}
