//! The figures as one JSON object. Shares are numbers with four decimals, null where there is nothing to divide by.

use std::collections::BTreeMap;

use serde::Serialize;
use xd_core::{Engine, Score};

use super::figures::{Point, Share};
use super::{Group, Tally};
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
pub(super) fn write(tally: &Tally, engine: &Engine) -> Result<Vec<u8>, Failure> {
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
            .rules(engine)
            .into_iter()
            .map(|(rule, tally)| RuleLine { rule, score: tally.score, ham: tally.hits.ham, spam: tally.hits.spam })
            .collect(),
        engine: engine.hash().to_string(),
    };
    let mut line = Vec::new();
    json::write_line(&mut line, &object)?;
    Ok(line)
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
