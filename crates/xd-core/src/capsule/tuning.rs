//! The least change of rule scores by which some messages change class, all of them.
//!
//! Every score moves by no more than the changes of the rules that held, so no edit is smaller than the distance of the message that is
//! farthest from its threshold: an edit of that size is the least of all, whatever their number of rules. Single rules and pairs are worked out
//! exactly. Larger sets are only looked for where neither does, one rule after another, and what is found is held against that bound.
//!
//! Rules keep their sign: to free a message, points above nought fall to nought at the lowest, which is disabling, and points below
//! fall further; to catch one, the other way round.

mod pairs;

use std::collections::{BTreeMap, BTreeSet};

use super::standing::{Edit, Standing};
use crate::rules::RuleSet;
use crate::{Engine, Score, SpamClass};

/// What is to become of the messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Aim {
    /// Clean messages that are not caught are to be spam at the least.
    Catch,
    /// Messages that are marked are to be clean.
    Free,
}

/// The farthest that one rule's points are moved away from nought, in hundredths.
const FARTHEST: i64 = 2_000;

/// Rules that are tried in pairs and larger sets: those that most of the messages share.
const RULES_MAX: usize = 40;

/// Comparisons of a message with an edit, for all pairs together and once more for larger sets; beyond, the rest is not tried, and that is said.
const WORK_MAX: usize = 20_000_000;

/// Steps in which a place is found by halving: rules have some 40.00 points of room at the most.
const STEPS: usize = 12;

/// What edits would do it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Tuning {
    /// How many of the messages are where they should be already.
    pub already: usize,
    /// How many no scores of rules would move: infected ones, and those that model and lessons hold where they are.
    pub beyond: usize,
    /// The rules that held for any of the others, those of most messages first.
    pub shared: Vec<SharedRule>,
    /// Whether each rule has the same points for all messages. Not where recipients have scores of their own: an edit then sets all of them
    /// to the same, and its size is told from the first message that the rule held for.
    pub uniform: bool,
    /// What any edit has to change at the least; nought where points are not uniform, since nothing is known then.
    pub at_least: Score,
    /// Edits of one rule, each of which does it alone; the least first.
    pub singles: Vec<Edits>,
    /// The least edit of two rules, where it is less than any of one.
    pub pair: Option<Edits>,
    /// Whether all pairs of the rules were worked out. Not where there are very many messages or rules.
    pub all_pairs: bool,
    /// An edit of more rules, where neither one nor two were found to do; it need not be the least. None where there are very many messages
    /// or rules, too.
    pub larger: Option<Edits>,
}

/// A rule that held for some of the messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SharedRule {
    /// Its place among the rules of the engine.
    pub rule: usize,
    /// For how many it held.
    pub held: usize,
    /// How many of these would change class if its points alone were moved as far as they go.
    pub alone: usize,
}

/// Rules with other points.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Edits {
    /// By rule.
    pub edits: Vec<Edit>,
    /// The sum of the changes, whatever their sign.
    pub total: Score,
    /// Whether nothing less would do, of however many rules.
    pub is_least: bool,
}

/// The messages that are to change class, and the rules that could do it.
#[derive(Debug)]
struct Problem<'p> {
    rules: &'p RuleSet,
    aim: Aim,
    samples: Vec<&'p Standing>,
    /// The points that rules have now.
    points: BTreeMap<usize, Score>,
    /// Whether each rule has the same points for all messages, as it has unless recipients have scores of their own.
    uniform: bool,
    /// Nought where they have.
    at_least: i64,
    /// [`WORK_MAX`], but in tests.
    work_max: usize,
}

impl Tuning {
    /// Looks for the least change of scores by which all of these messages change class.
    ///
    /// # Example: what do two messages share?
    /// ```
    /// use xd_core::capsule::{Aim, Recording, Standing, Tuning, judge_recorded};
    /// use xd_core::{Engine, Limits, Message, RuleSource, evidence};
    ///
    /// let rule = "family = 'mine'\n[[rule]]\nid = 'hello'\nscore = '6.00'\nwhy = 'it says hello'\nwhen = { in = 'subject', words = ['hello'] }\n";
    /// let engine = Engine::compile(vec![RuleSource::new("mine.toml", rule)])?;
    /// let message = Message::parse(b"Subject: hello\r\n\r\n", &Limits::default());
    /// let (envelope, evidence) = evidence::derive(&message);
    /// let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
    /// let standing = Standing::of(&capsule, 0, &engine)?.unwrap();
    ///
    /// let tuning = Tuning::of(&engine, Aim::Free, &[standing.clone(), standing]);
    /// let least = &tuning.singles[0];
    /// assert_eq!((least.total.to_string(), least.edits[0].to.to_string()), ("1.01".into(), "4.99".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(engine: &Engine, aim: Aim, samples: &[Standing]) -> Self {
        let rules = engine.rules();
        let open: Vec<&Standing> = samples.iter().filter(|sample| !there(aim, sample, rules, &[])).collect();
        let all: Vec<Edit> = points_of(&open).0.iter().map(|(&rule, &from)| Edit { rule, to: end(aim, from) }).collect();
        let (movable, fixed): (Vec<&Standing>, Vec<&Standing>) =
            open.iter().copied().partition(|sample| there(aim, sample, rules, &all));
        let mut tuning = Self {
            already: samples.len() - open.len(),
            beyond: fixed.len(),
            shared: shared(&open)
                .into_iter()
                .map(|(rule, held)| SharedRule { rule, held, alone: alone(aim, rule, &open, rules) })
                .collect(),
            uniform: true,
            at_least: Score::ZERO,
            singles: Vec::new(),
            pair: None,
            all_pairs: true,
            larger: None,
        };
        let problem = Problem::new(rules, aim, movable);
        if problem.samples.is_empty() {
            return tuning;
        }
        tuning.uniform = problem.uniform;
        tuning.at_least = Score::from_hundredths(problem.at_least);
        let candidates = problem.candidates();
        tuning.singles = candidates.iter().filter_map(|&rule| problem.single(rule)).collect();
        tuning.singles.sort_by_key(|edits| (edits.total, edits.edits[0].rule));
        let best = tuning.singles.first().map(|edits| edits.total.hundredths());
        let few = &candidates[..candidates.len().min(RULES_MAX)];
        if best.is_none() || best != problem.bound() {
            (tuning.pair, tuning.all_pairs) = problem.pair(few, best);
            tuning.all_pairs &= few.len() == candidates.len();
        }
        if tuning.singles.is_empty() && tuning.pair.is_none() {
            tuning.larger = problem.larger(few);
        }
        tuning
    }
}

/// Whether a message is where it should be.
fn there(aim: Aim, sample: &Standing, rules: &RuleSet, edits: &[Edit]) -> bool {
    let is_clean = sample.thresholds().class(sample.score(rules, edits)) == SpamClass::Clean;
    match aim {
        Aim::Free => is_clean && !sample.is_infected(),
        Aim::Catch => !is_clean || sample.is_infected(),
    }
}

/// As far as the points of a rule are moved.
fn end(aim: Aim, from: Score) -> Score {
    let from = from.hundredths();
    Score::from_hundredths(match aim {
        Aim::Free if from >= 0 => 0,
        Aim::Free => from.saturating_sub(FARTHEST),
        Aim::Catch if from < 0 => 0,
        Aim::Catch => from.saturating_add(FARTHEST),
    })
}

/// The rules that held for any, with their points; and whether these are the same for all.
fn points_of(samples: &[&Standing]) -> (BTreeMap<usize, Score>, bool) {
    let mut points = BTreeMap::new();
    let mut uniform = true;
    for (rule, score) in samples.iter().flat_map(|sample| sample.rules()) {
        uniform &= *points.entry(rule).or_insert(score) == score;
    }
    (points, uniform)
}

/// The rules by how many messages they held for.
fn shared(samples: &[&Standing]) -> Vec<(usize, usize)> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for (rule, _) in samples.iter().flat_map(|sample| sample.rules()) {
        *counts.entry(rule).or_default() += 1;
    }
    let mut shared: Vec<_> = counts.into_iter().collect();
    shared.sort_by_key(|&(rule, count)| (std::cmp::Reverse(count), rule));
    shared
}

/// How many messages the rule moves alone.
fn alone(aim: Aim, rule: usize, samples: &[&Standing], rules: &RuleSet) -> usize {
    let moves = |sample: &&&Standing| {
        sample.points(rule).is_some_and(|from| there(aim, sample, rules, &[Edit { rule, to: end(aim, from) }]))
    };
    samples.iter().filter(moves).count()
}

impl<'p> Problem<'p> {
    fn new(rules: &'p RuleSet, aim: Aim, mut samples: Vec<&'p Standing>) -> Self {
        let (points, uniform) = points_of(&samples);
        let need = |sample: &Standing| {
            let (score, spam) = (sample.score(rules, &[]), sample.thresholds().spam());
            match aim {
                // A score below the threshold is clean, one upon it is not.
                Aim::Free => (score - spam).hundredths().saturating_add(1),
                Aim::Catch => (spam - score).hundredths(),
            }
        };
        // With points of their own, rules that are set to the same may fall by more than the change that is told.
        let at_least = if uniform { samples.iter().map(|sample| need(sample)).max().unwrap_or(0) } else { 0 };
        // Copies of one message ask for the same. The farthest first: it refuses most edits.
        let mut seen = BTreeSet::new();
        samples.retain(|sample| seen.insert(sample.key()));
        samples.sort_by_key(|sample| std::cmp::Reverse(need(sample)));
        Self { rules, aim, samples, points, uniform, at_least, work_max: WORK_MAX }
    }

    /// What no edit is less than, where that is known.
    fn bound(&self) -> Option<i64> {
        self.uniform.then_some(self.at_least)
    }

    /// The rules that could be moved, those that most messages share first.
    fn candidates(&self) -> Vec<usize> {
        let movable = |rule: &usize| self.points.get(rule).is_some_and(|&from| end(self.aim, from) != from);
        shared(&self.samples).into_iter().map(|(rule, _)| rule).filter(movable).collect()
    }

    /// How far the points of a rule can be moved.
    fn room(&self, rule: usize) -> i64 {
        let from = self.from(rule);
        (end(self.aim, from) - from).hundredths().saturating_abs()
    }

    fn from(&self, rule: usize) -> Score {
        self.points.get(&rule).copied().unwrap_or_default()
    }

    /// A rule with its points moved by so much towards its end.
    fn moved(&self, rule: usize, by: i64) -> Edit {
        let by = match self.aim {
            Aim::Catch => by,
            Aim::Free => -by,
        };
        Edit { rule, to: self.from(rule) + Score::from_hundredths(by) }
    }

    fn does(&self, edits: &[Edit]) -> bool {
        self.samples.iter().all(|sample| there(self.aim, sample, self.rules, edits))
    }

    fn edits(&self, moves: &[(usize, i64)]) -> Edits {
        let total = moves.iter().fold(0_i64, |sum, &(_, by)| sum.saturating_add(by));
        // Where points differ, a rule that is not moved for the first message may be moved for others.
        let moved = moves.iter().filter(|&&(_, by)| by != 0 || !self.uniform);
        let mut edits: Vec<Edit> = moved.map(|&(rule, by)| self.moved(rule, by)).collect();
        edits.sort_by_key(|edit| edit.rule);
        Edits { edits, total: Score::from_hundredths(total), is_least: self.bound() == Some(total) }
    }

    /// The least move of one rule that does it alone.
    fn single(&self, rule: usize) -> Option<Edits> {
        let by = least(0, self.room(rule), |by| self.does(&[self.moved(rule, by)]))?;
        Some(self.edits(&[(rule, by)]))
    }

    /// One rule after another, each as far as it goes, the one that brings all together nearest first; then each back as far as it can.
    /// Nothing where that is too much work.
    fn larger(&self, candidates: &[usize]) -> Option<Edits> {
        let mut work = 0_usize;
        let mut moves: Vec<(usize, i64)> = Vec::new();
        let edits = |moves: &[(usize, i64)]| moves.iter().map(|&(rule, by)| self.moved(rule, by)).collect::<Vec<_>>();
        while !self.does(&edits(&moves)) {
            work = work.saturating_add(self.samples.len().saturating_mul(candidates.len()));
            if work > self.work_max {
                return None;
            }
            let unused = candidates.iter().filter(|rule| moves.iter().all(|(moved, _)| moved != *rule));
            let lacking = |rule: usize| {
                let mut edits = edits(&moves);
                edits.push(self.moved(rule, self.room(rule)));
                self.samples.iter().fold(0_i64, |sum, sample| sum.saturating_add(self.lacks(sample, &edits)))
            };
            let next = unused.map(|&rule| (lacking(rule), rule)).min()?.1;
            moves.push((next, self.room(next)));
        }
        for place in 0..moves.len() {
            work = work.saturating_add(self.samples.len().saturating_mul(STEPS));
            if work > self.work_max {
                break;
            }
            let mut others = moves.clone();
            let back = least(0, moves[place].1, |by| {
                others[place].1 = by;
                self.does(&edits(&others))
            });
            moves[place].1 = back.unwrap_or(moves[place].1);
        }
        Some(self.edits(&moves))
    }

    /// How far a message still is from where it should be.
    fn lacks(&self, sample: &Standing, edits: &[Edit]) -> i64 {
        let distance = (sample.score(self.rules, edits) - sample.thresholds().spam()).hundredths();
        match self.aim {
            Aim::Free => distance.saturating_add(1).max(0),
            Aim::Catch => distance.saturating_neg().max(0),
        }
    }
}

/// The least number of a range for which something holds that holds for all above it; nothing where it holds for none.
fn least(mut low: i64, mut high: i64, mut holds: impl FnMut(i64) -> bool) -> Option<i64> {
    if low > high || !holds(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests;
