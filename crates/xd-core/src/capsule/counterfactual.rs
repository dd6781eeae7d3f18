//! The smallest changes that would have altered a class: one rule's score, one finding, one piece of evidence.
//!
//! Each is supposed by itself and the verdict derived again, so that what is named would in fact have done it.

mod supposed;

use super::replay::{Derivation, check};
use super::{Capsule, RecordedVerdict, ReplayError};
use crate::classify::{LEARNED_ID, MODEL_ID};
use crate::judge::class_of;
use crate::rules::{Possible, Scene};
use crate::{Class, Engine, Evidence, Limits, Score, Settings, SpamClass, Truth};

use supposed::Supposed;

/// One change by which a message would have had another class.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counterfactual<'e> {
    /// What would have been different.
    pub step: Step<'e>,
    /// The class it would have had.
    pub class: Class,
    /// The score it would have had.
    pub score: Score,
    /// How far that is from the score it had: by this the changes are ranked, the smallest first.
    pub distance: Score,
}

/// One thing that would have been different.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Step<'e> {
    /// A fact about the world.
    Evidence {
        /// Which, as rules name it: `evidence.spf`, or the zone of a DNS list.
        fact: String,
        /// What it would have been: `pass`, `not listed`.
        value: String,
    },
    /// A finding that would not have been.
    NotFound {
        /// The id of its rule.
        rule: &'e str,
    },
    /// The score of a rule.
    Score {
        /// The id of the rule.
        rule: &'e str,
        /// The points it has.
        from: Score,
        /// The points nearest to those with which the class would have been another.
        to: Score,
    },
}

/// The changes that alone would have altered the class of a verdict, the smallest first. An infected message stays so,
/// whatever its score: for it there are none.
///
/// What the capsule does not tell may make it open whether a piece of evidence would have done; then it is not named.
///
/// # Errors
/// As for [`Replay::run`](super::Replay::run); none for a verdict that the capsule does not have, only no changes.
///
/// # Example: what would have saved this message?
/// ```
/// use xd_core::capsule::{Recording, Step, counterfactuals, judge_recorded};
/// use xd_core::{Engine, Limits, Message, evidence};
///
/// let engine = Engine::builtin()?;
/// let message = Message::parse(b"Subject: XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n\r\n", &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
/// let changes = counterfactuals(&capsule, 0, &engine, &Limits::default())?;
/// assert!(changes.iter().any(|change| matches!(change.step, Step::NotFound { rule: "gtube" })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn counterfactuals<'e>(
    capsule: &Capsule,
    verdict: usize,
    engine: &'e Engine,
    limits: &Limits,
) -> Result<Vec<Counterfactual<'e>>, ReplayError> {
    check(capsule, engine)?;
    let Some(verdict) = capsule.verdicts.get(verdict) else { return Ok(Vec::new()) };
    let settings = capsule.settings(verdict);
    let mut search = Search { capsule, verdict, settings, engine, work: Derivation::default(), found: Vec::new() };
    search.work.derive(capsule, engine);
    search.scores();
    search.findings();
    search.evidence(limits);
    let mut found = search.found;
    found.sort_by(|a, b| a.distance.cmp(&b.distance).then_with(|| a.step.cmp(&b.step)));
    Ok(found)
}

struct Search<'c, 'e> {
    capsule: &'c Capsule,
    verdict: &'c RecordedVerdict,
    settings: &'c Settings,
    engine: &'e Engine,
    work: Derivation,
    found: Vec<Counterfactual<'e>>,
}

impl<'e> Search<'_, 'e> {
    fn counts(&self, id: &str) -> bool {
        !self.settings.disabled.contains(id)
    }

    fn note(&mut self, step: Step<'e>, score: Score, evidence: &Evidence) {
        let (_, class) = class_of(self.settings.thresholds, score, evidence);
        if class != self.verdict.class {
            let distance = score - self.verdict.score;
            let distance = if distance < Score::ZERO { -distance } else { distance };
            self.found.push(Counterfactual { step, class, score, distance });
        }
    }

    /// The rules that hold and count, by index, with their points.
    fn holding(&self) -> Vec<(usize, Score)> {
        let rules = self.engine.rules().rules().iter().zip(&self.work.room.rules).enumerate();
        let holding =
            rules.filter(|(_, (rule, possible))| possible.counts().is_true() && !self.settings.disabled.contains(rule.id()));
        holding.map(|(index, (rule, _))| (index, self.settings.score_of(rule))).collect()
    }

    /// The score if the points of one rule, at a place among those that hold, were others.
    fn score_with(&self, holding: &[(usize, Score)], place: usize, points: Score) -> Score {
        let rules = self.engine.rules();
        let mut tally = self.work.tally(rules, |id| !self.counts(id));
        for (index, &(rule, full)) in holding.iter().enumerate() {
            tally.add(rules.rules()[rule].group(), if index == place { points } else { full }, Truth::True);
        }
        tally.sums().0
    }

    /// The score grows with the points of each rule, so the nearest points beyond a threshold are found by halving.
    fn scores(&mut self) {
        const FARTHEST: i64 = 100_000_000;
        let thresholds = self.settings.thresholds;
        let holding = self.holding();
        for place in 0..holding.len() {
            let (rule, from) = holding[place];
            let rule = self.engine.rules().rules()[rule].id();
            let spam_class = |points: i64| thresholds.class(self.score_with(&holding, place, Score::from_hundredths(points)));
            let now = thresholds.class(self.verdict.score);
            let from_points = from.hundredths().clamp(-FARTHEST, FARTHEST);
            let up = (now < SpamClass::SureSpam && spam_class(FARTHEST) > now)
                .then(|| nearest(from_points, FARTHEST, |points| spam_class(points) > now));
            let down = (now > SpamClass::Clean && spam_class(-FARTHEST) < now)
                .then(|| nearest(from_points, -FARTHEST, |points| spam_class(points) < now));
            for to in [up, down].into_iter().flatten().map(Score::from_hundredths) {
                let score = self.score_with(&holding, place, to);
                self.note(Step::Score { rule, from, to }, score, &self.capsule.evidence);
            }
        }
    }

    /// A finding that is not takes along those that build on it.
    fn findings(&mut self) {
        let rules = self.engine.rules();
        for (index, _) in self.holding() {
            rules.derive(&self.work.tests, Some((index, Truth::False)), &mut self.work.room);
            let sums = self.work.sums(rules, self.settings);
            self.note(Step::NotFound { rule: rules.rules()[index].id() }, sums.score, &self.capsule.evidence);
            rules.derive(&self.work.tests, None, &mut self.work.room);
        }
        if self.work.model.is_some_and(|(points, _)| points != Score::ZERO) && self.counts(MODEL_ID) {
            let model = self.work.model.take();
            let sums = self.work.sums(rules, self.settings);
            self.note(Step::NotFound { rule: MODEL_ID }, sums.score, &self.capsule.evidence);
            self.work.model = model;
        }
        if self.work.learned.is_some_and(|points| points != Score::ZERO) && self.counts(LEARNED_ID) {
            let learned = self.work.learned.take();
            let sums = self.work.sums(rules, self.settings);
            self.note(Step::NotFound { rule: LEARNED_ID }, sums.score, &self.capsule.evidence);
            self.work.learned = learned;
        }
    }

    fn evidence(&mut self, limits: &Limits) {
        let rules = self.engine.rules();
        let message = self.capsule.told_message(limits);
        for Supposed { fact, value, evidence, tests } in Supposed::all(self.capsule, rules) {
            let selection = rules.select(tests);
            let scene = Scene { envelope: &self.capsule.envelope, message: &message, evidence: &evidence };
            // What the record says of numbers was so with the evidence there was.
            let number = |number| self.capsule.told_number_anew(number, scene);
            let answers = rules.answer(&selection, scene, |target| self.capsule.told(target), number);
            let mut other = Derivation::default();
            other.tests.extend(self.work.tests.iter().filter(|(matcher, _)| !selection.matchers().contains(matcher)));
            for answer in answers {
                let possible = if answer.open { Possible::ANY } else { Possible::exactly(answer.outcome.truth) };
                other.tests.push((answer.matcher, possible));
            }
            rules.derive(&other.tests, None, &mut other.room);
            (other.model, other.learned) = (self.work.model, self.work.learned);
            let mut range = other.tally(rules, |id| !self.counts(id));
            for (rule, possible) in rules.rules().iter().zip(&other.room.rules) {
                if !self.settings.disabled.contains(rule.id()) {
                    range.add(rule.group(), self.settings.score_of(rule), possible.counts());
                }
            }
            let (_, low, high) = range.sums();
            if low == high {
                self.note(Step::Evidence { fact, value }, low, &evidence);
            }
        }
    }
}

/// The value nearest to `start`, on the way to `end`, from which on something holds; it holds at `end`.
fn nearest(start: i64, end: i64, holds: impl Fn(i64) -> bool) -> i64 {
    let (mut without, mut with) = (start, end);
    while (with - without).abs() > 1 {
        let middle = without + (with - without) / 2;
        if holds(middle) {
            with = middle;
        } else {
            without = middle;
        }
    }
    with
}

#[cfg(test)]
mod tests;
