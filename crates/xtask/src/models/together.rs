//! Rules and models as they judge together: scores fitted beside models, and what messages get from rules, and from both, that were fitted without them.

use xd_train::{Curve, FOLDS, fold_of};

use super::SHIPPED;
use super::fit::{Aim, Case, SITUATIONS, fit};
use super::hand_set::Start;
use super::labelled::Labelled;
use super::scores::Scores;

/// The logits of all messages by each model that comes with xd, as models see them that saw nothing of their groups.
pub(super) type Logits = [Vec<f32>; SHIPPED.len()];

/// What messages get, in points.
#[derive(Debug)]
pub(super) struct Judged {
    /// From rules alone.
    pub(super) rules: Vec<f32>,
    /// From rules and each model.
    pub(super) both: [Vec<f32>; SHIPPED.len()],
    /// The scores that were fitted without each fold.
    scores: Vec<Scores>,
}

impl Judged {
    /// What rules that hold for a message give it, in points, by the scores that were fitted without it.
    pub(super) fn of_rules(&self, one: &Labelled, held: &[usize]) -> f32 {
        self.scores.get(fold_of(&one.example.group) as usize).map_or(0.0, |scores| points(scores.sum(held)))
    }
}

/// The default model is what most use; without any, there is less to lose.
const AIM: Aim = Aim { situations: [1.0, 0.5, 0.2], softness: 200.0, sure: 4.0, hold: 1.0 };
/// What a message counts: spam 1.
const EVERYDAY: f64 = 30.0;
const WANTED: f64 = 10.0;

/// The scores fitted to those messages that a test holds for, with the curves of models by the same messages.
pub(super) fn fitted(
    labelled: &[Labelled],
    logits: &Logits,
    start: &Start,
    counts: impl Fn(&Labelled) -> bool,
) -> (Scores, [Curve; SHIPPED.len()]) {
    let curves = std::array::from_fn(|model| {
        let of_class = |is_spam: bool| -> Vec<f32> {
            let all = labelled.iter().zip(&logits[model]);
            let wanted = |one: &Labelled| one.example.is_spam == is_spam && SHIPPED[model].learns_of(one) && counts(one);
            all.filter(|(one, _)| wanted(one)).map(|(_, &logit)| logit).collect()
        };
        Curve::of(&of_class(false), &of_class(true))
    });
    let case = |(at, one): (usize, &'_ Labelled)| -> (usize, [i32; SITUATIONS], f64) {
        let mut beside = [0; SITUATIONS];
        for (model, curve) in curves.iter().enumerate() {
            beside[model] = hundredths(*curve, logits[model][at]);
        }
        let weight = match (one.example.is_spam, one.is_everyday) {
            (true, _) => 1.0,
            (false, true) => EVERYDAY,
            (false, false) => WANTED,
        };
        (at, beside, weight)
    };
    let cases: Vec<Case<'_>> = labelled
        .iter()
        .enumerate()
        .filter(|(_, one)| counts(one))
        .map(case)
        .map(|(at, beside, weight)| Case { held: &labelled[at].held, beside, is_spam: labelled[at].example.is_spam, weight })
        .collect();
    (fit(&start.scores, &start.bounds, &cases, &AIM), curves)
}

/// What each message gets by scores and curves that were fitted to the other folds.
pub(super) fn cross_fitted(labelled: &[Labelled], logits: &Logits, start: &Start) -> Judged {
    let mut judged =
        Judged { rules: vec![0.0; labelled.len()], both: std::array::from_fn(|_| vec![0.0; labelled.len()]), scores: Vec::new() };
    for fold in 0..FOLDS {
        let is_held_out = |one: &Labelled| fold_of(&one.example.group) == fold;
        let (scores, curves) = fitted(labelled, logits, start, |one| !is_held_out(one));
        for (at, one) in labelled.iter().enumerate().filter(|(_, one)| is_held_out(one)) {
            let rules = scores.sum(&one.held);
            judged.rules[at] = points(rules);
            for (model, curve) in curves.iter().enumerate() {
                judged.both[model][at] = points(rules + hundredths(*curve, logits[model][at]));
            }
        }
        judged.scores.push(scores);
    }
    judged
}

fn hundredths(curve: Curve, logit: f32) -> i32 {
    (curve.points(logit) * 100.0).round() as i32
}

/// Sums of scores are far below what a float holds exactly.
fn points(hundredths: i32) -> f32 {
    hundredths as f32 / 100.0
}
