//! Ways to learn and sets of features, held against each other on clusters and sources that they never saw.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use xd_core::classify::Family;
use xd_train::{Example, FOLDS, Learner, fold_of, measure};

use super::labelled::{Labelled, Unseen};
use super::learners::Method;
use super::table::pick;

/// Sources of fewer spam messages say too little to count among the unseen.
pub(super) const LEAST_SPAM: usize = 25;

/// What is compared: a name, a way to learn, the families that count.
type Contender = (&'static str, Method, &'static [Family]);

const WORDS: [Family; 3] = [Family::Text, Family::Subject, Family::Name];
const STRUCTURE: [Family; 4] = [Family::Header, Family::Layout, Family::Relations, Family::Links];
const WITHOUT_HEADER: [Family; 6] =
    [Family::Text, Family::Subject, Family::Name, Family::Layout, Family::Relations, Family::Links];

/// The table of all.
pub(super) fn table(labelled: &[Labelled]) -> String {
    let all: &'static [Family] = &Family::ALL;
    let contenders: [Contender; 7] = [
        ("AdaGrad (ships)", Method::AdaGrad, all),
        ("FTRL-proximal", Method::Ftrl, all),
        ("passive-aggressive", Method::PassiveAggressive, all),
        ("naive Bayes", Method::NaiveBayes, all),
        ("AdaGrad, words", Method::AdaGrad, &WORDS),
        ("AdaGrad, structure", Method::AdaGrad, &STRUCTURE),
        ("AdaGrad, no header", Method::AdaGrad, &WITHOUT_HEADER),
    ];
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(out, "\n{:<20}{:>8}{:>8}{:>8}{:>16}{:>18}", "", "AUC", "0.1 %", "0.5 %", "phish, unseen", "sources, unseen");
    for (name, method, families) in contenders {
        let contest = Contest { labelled, method, learner: only(families) };
        let scores = contest.by_fold(|_| true);
        let Some(all) =
            measure(&pick(labelled, &scores, |one| one.label == "ham"), &pick(labelled, &scores, |one| one.example.is_spam))
        else {
            continue;
        };
        let without_phish = contest.by_fold(|one| one.label != "phish");
        let ham = pick(labelled, &without_phish, |one| one.label == "ham");
        let phish =
            measure(&ham, &pick(labelled, &without_phish, |one| one.label == "phish")).map_or(0.0, |phish| phish.recall[2]);
        let _ = writeln!(
            out,
            "{name:<20}{:>8.4}{:>8.1}{:>8.1}{:>16.1}{:>18.1}",
            all.auc,
            all.recall[1] * 100.0,
            all.recall[2] * 100.0,
            phish * 100.0,
            contest.by_source(all.thresholds[2])
        );
    }
    let _ = writeln!(
        out,
        "phish, unseen: recall at 0.5 % where no phish was learned. sources, unseen: of those with {LEAST_SPAM} spam messages or more, the median\n\
         of what is missed by what did not learn of the source, at the threshold of 0.5 % by clusters. All but AUC in percent."
    );
    out
}

/// The shipped learner with these families alone.
fn only(families: &[Family]) -> Learner {
    let mut learner = Learner::default();
    for family in Family::ALL.into_iter().filter(|family| !families.contains(family)) {
        learner.gains[family as usize] = 0.0;
    }
    learner
}

struct Contest<'a> {
    labelled: &'a [Labelled],
    method: Method,
    learner: Learner,
}

impl Contest<'_> {
    /// The score of each message by what learned of the other folds, of those messages that may teach.
    fn by_fold(&self, teaches: impl Fn(&Labelled) -> bool) -> Vec<f32> {
        let mut scores = vec![0.0; self.labelled.len()];
        for fold in 0..FOLDS {
            let is_held_out = |one: &Labelled| fold_of(&one.example.group) == fold;
            let others: Vec<&Example> =
                self.labelled.iter().filter(|one| !is_held_out(one) && teaches(one)).map(|one| &one.example).collect();
            let learned = self.method.learn(&self.learner, &others);
            for (score, one) in scores.iter_mut().zip(self.labelled).filter(|(_, one)| is_held_out(one)) {
                *score = learned.score(&one.example.features);
            }
        }
        scores
    }

    /// The median, over sources of spam, of what is missed by what never saw the source, in percent.
    fn by_source(&self, threshold: f32) -> f64 {
        let spam = self.labelled.iter().filter(|one| one.example.is_spam);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        spam.for_each(|one| *counts.entry(&one.source).or_default() += 1);
        let missed = |(name, count): (&str, usize)| {
            let unseen = Unseen::of(name, self.labelled);
            let others: Vec<&Example> =
                self.labelled.iter().filter(|one| unseen.may_teach(one)).map(|one| &one.example).collect();
            let learned = self.method.learn(&self.learner, &others);
            let of_source = self.labelled.iter().filter(|one| one.source == name && one.example.is_spam);
            let missed = of_source.filter(|one| learned.score(&one.example.features) < threshold).count();
            missed as f64 * 100.0 / count as f64
        };
        let mut missed: Vec<f64> = counts.into_iter().filter(|(_, count)| *count >= LEAST_SPAM).map(missed).collect();
        missed.sort_by(f64::total_cmp);
        missed.get(missed.len() / 2).copied().unwrap_or(0.0)
    }
}
