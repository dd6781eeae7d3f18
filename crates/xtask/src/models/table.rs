//! What cross-validation says, as tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use xd_train::{Example, Learner, measure};

use super::Labelled;

/// Picks the scores of those messages that a test holds for.
fn pick(labelled: &[Labelled], scores: &[f32], wanted: impl Fn(&Labelled) -> bool) -> Vec<f32> {
    labelled.iter().zip(scores).filter(|(one, _)| wanted(one)).map(|(_, &score)| score).collect()
}

/// The table of a model by its name, from what all messages get: logits of the model, points of rules, and points of both.
pub(super) fn write(name: &str, labelled: &[Labelled], logits: &[f32], rules: &[f32], both: &[f32]) -> String {
    let mut out = String::new();
    let ham = |scores: &[f32]| pick(labelled, scores, |one| one.label == "ham");
    let spam = |scores: &[f32]| pick(labelled, scores, |one| one.example.is_spam);
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        "\n{name:<24}{:>8}{:>8}{:>8}{:>8}{:>8}{:>16}{:>8}",
        "AUC", "at 0", "0.1 %", "0.5 %", "1 %", "phish at 0.1 %", "0.5 %"
    );
    for (what, scores) in [("the model alone", logits), ("rules alone", rules), ("both", both)] {
        let phish = pick(labelled, scores, |one| one.label == "phish");
        let (Some(all), Some(phish)) = (measure(&ham(scores), &spam(scores)), measure(&ham(scores), &phish)) else { continue };
        let [nought, one, five, ten] = all.recall.map(|recall| recall * 100.0);
        let _ = writeln!(
            out,
            "{what:<24}{:>8.4}{nought:>8.1}{one:>8.1}{five:>8.1}{ten:>8.1}{:>16.1}{:>8.1}",
            all.auc,
            phish.recall[1] * 100.0,
            phish.recall[2] * 100.0
        );
    }
    out + &at_thresholds(labelled, rules, both)
}

/// How many messages of each kind reach the default thresholds, with the model and by rules alone.
fn at_thresholds(labelled: &[Labelled], rules: &[f32], both: &[f32]) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "\n{:<24}{:>10}{:>10}{:>10}{:>12}{:>10}",
        "at default thresholds", "messages", "spam", "surespam", "rules: spam", "surespam"
    );
    type Wanted = fn(&Labelled) -> bool;
    let groups: [(&str, Wanted); 7] = [
        ("spam", |one| one.label == "spam"),
        ("phish", |one| one.label == "phish"),
        ("ham", |one| one.label == "ham" && !one.is_everyday),
        ("everyday ham", |one| one.label == "ham" && one.is_everyday),
        ("  real", |one| one.label == "ham" && one.is_everyday && !one.is_synthetic),
        ("  synthetic", |one| one.label == "ham" && one.is_synthetic),
        ("dsn", |one| one.label == "dsn"),
    ];
    for (what, wanted) in groups {
        let over =
            |scores: &[f32], points: f32| pick(labelled, scores, wanted).into_iter().filter(|score| *score >= points).count();
        let _ = writeln!(
            out,
            "{what:<24}{:>10}{:>10}{:>10}{:>12}{:>10}",
            pick(labelled, both, wanted).len(),
            over(both, 5.0),
            over(both, 10.0),
            over(rules, 5.0),
            over(rules, 10.0)
        );
    }
    out
}

/// For each source, what a model without it makes of it, at the threshold of 0.5 % for all.
pub(super) fn sources(labelled: &[Labelled], logits: &[f32]) -> String {
    let mut out = String::new();
    let ham = pick(labelled, logits, |one| one.label == "ham");
    let spam = pick(labelled, logits, |one| one.example.is_spam);
    let Some(all) = measure(&ham, &spam) else { return out };
    let threshold = all.thresholds[2];
    let names: BTreeSet<&str> = labelled.iter().map(|one| one.source.as_str()).collect();
    let _ = writeln!(
        out,
        "\n{:<28}{:>8}{:>10}{:>10}{:>8}{:>10}{:>10}",
        "source, never seen", "ham", "flagged", "", "spam", "missed", ""
    );
    let mut missed = Vec::new();
    for name in names {
        let others: Vec<&Example> = labelled.iter().filter(|one| one.source != name).map(|one| &one.example).collect();
        let weights = Learner::default().learn(&others);
        let of: Vec<(bool, f32)> = labelled
            .iter()
            .filter(|one| one.source == name)
            .map(|one| (one.example.is_spam, weights.logit(&one.example.features)))
            .collect();
        let (spam, ham): (Vec<_>, Vec<_>) = of.into_iter().partition(|(is_spam, _)| *is_spam);
        let flagged = ham.iter().filter(|(_, logit)| *logit >= threshold).count();
        let lost = spam.iter().filter(|(_, logit)| *logit < threshold).count();
        let share = |part: usize, whole: usize| {
            if whole == 0 { String::new() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
        };
        let _ = writeln!(
            out,
            "{name:<28}{:>8}{flagged:>10}{:>10}{:>8}{lost:>10}{:>10}",
            ham.len(),
            share(flagged, ham.len()),
            spam.len(),
            share(lost, spam.len())
        );
        if spam.len() >= 25 {
            missed.push(lost as f64 * 100.0 / spam.len() as f64);
        }
    }
    missed.sort_by(f64::total_cmp);
    if let Some(median) = missed.get(missed.len() / 2) {
        let _ = writeln!(out, "median of sources with 25 spam messages or more: {median:.1} % missed");
    }
    out
}
