//! What cross-validation says, as tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use xd_train::{Example, Learner, measure};

use super::compare::LEAST_SPAM;
use super::hand_set::Start;
use super::labelled::{Labelled, Unseen};
use super::together::{self, Judged, Logits};

/// Picks the scores of those messages that a test holds for.
pub(super) fn pick(labelled: &[Labelled], scores: &[f32], wanted: impl Fn(&Labelled) -> bool) -> Vec<f32> {
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

/// For each source, what a model without it makes of it, alone and with rules whose scores were fitted without it, each at its threshold of
/// 0.5 % for all.
pub(super) fn sources(labelled: &[Labelled], logits: &Logits, judged: &Judged, start: &Start) -> String {
    let mut out = String::new();
    let threshold = |scores: &[f32]| {
        let all = measure(&pick(labelled, scores, |one| one.label == "ham"), &pick(labelled, scores, |one| one.example.is_spam));
        all.map_or(f32::INFINITY, |all| all.thresholds[2])
    };
    let thresholds = [threshold(&logits[0]), threshold(&judged.both[0])];
    let names: BTreeSet<&str> = labelled.iter().map(|one| one.source.as_str()).collect();
    let _ = writeln!(
        out,
        "\n{:<28}{:>8}{:>9}{:>9}{:>12}{:>8}{:>9}{:>9}{:>12}",
        "source, never seen", "ham", "flagged", "", "with rules", "spam", "missed", "", "with rules"
    );
    let mut missed = [Vec::new(), Vec::new()];
    for name in names {
        let unseen = Unseen::of(name, labelled);
        let others: Vec<&Example> = labelled.iter().filter(|one| unseen.may_teach(one)).map(|one| &one.example).collect();
        let weights = Learner::default().learn(&others);
        let (scores, curves) = together::fitted(labelled, logits, start, |one| unseen.may_teach(one));
        // Alone, and with rules.
        let of = |one: &Labelled| {
            let logit = weights.logit(&one.example.features);
            [logit, curves[0].points(logit) + scores.sum(&one.held) as f32 / 100.0]
        };
        let all = labelled.iter().filter(|one| one.source == name).map(|one| (one.example.is_spam, of(one)));
        let (spam, ham): (Vec<_>, Vec<_>) = all.partition(|(is_spam, _)| *is_spam);
        let over =
            |of: &[(bool, [f32; 2])]| [0, 1].map(|at| of.iter().filter(|(_, scores)| scores[at] >= thresholds[at]).count());
        let (flagged, lost) = (over(&ham), over(&spam).map(|found| spam.len() - found));
        let share = |part: usize, whole: usize| {
            if whole == 0 { String::new() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
        };
        let _ = writeln!(
            out,
            "{name:<28}{:>8}{:>9}{:>9}{:>12}{:>8}{:>9}{:>9}{:>12}",
            ham.len(),
            flagged[0],
            share(flagged[0], ham.len()),
            share(flagged[1], ham.len()),
            spam.len(),
            lost[0],
            share(lost[0], spam.len()),
            share(lost[1], spam.len())
        );
        if spam.len() >= LEAST_SPAM {
            missed.iter_mut().zip(lost).for_each(|(missed, lost)| missed.push(lost as f64 * 100.0 / spam.len() as f64));
        }
    }
    let [alone, both] = missed.map(|mut missed| {
        missed.sort_by(f64::total_cmp);
        missed.get(missed.len() / 2).copied().unwrap_or_default()
    });
    let _ =
        writeln!(out, "median of sources with {LEAST_SPAM} spam messages or more: {alone:.1} % missed, with rules {both:.1} %");
    out
}
