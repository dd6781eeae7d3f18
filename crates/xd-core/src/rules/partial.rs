//! Answers of tests where only a part of what they look at is told: by a record of a message instead of the message.

use crate::{Known, Truth, Unknown};

use super::matcher::{Matcher, Outcome, Question, View};
use super::number::{NUMBERS, Number};
use super::scanner::AllFound;
use super::target::{Scene, Target};
use super::{Observation, RuleSet};

/// How much is told of a target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    /// Its values.
    All,
    /// Nothing.
    Nothing,
    /// Whether it has any.
    Presence,
}

/// The answer of a test.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The index of the matcher.
    pub(crate) matcher: usize,
    pub(crate) outcome: Outcome,
    /// Whether the message itself could give another answer: something that the test looks at is not told.
    pub(crate) open: bool,
}

/// Some tests of a rule set, with what they look at.
#[derive(Debug)]
pub(crate) struct Selection {
    matchers: Vec<usize>,
    /// By index of target.
    targets: Vec<bool>,
    numbers: Vec<Number>,
}

impl Selection {
    pub(crate) fn matchers(&self) -> &[usize] {
        &self.matchers
    }

    /// The numbers they ask for.
    pub(crate) fn numbers(&self) -> &[Number] {
        &self.numbers
    }
}

impl RuleSet {
    /// Selects tests.
    pub(crate) fn select(&self, matchers: Vec<usize>) -> Selection {
        let mut targets = vec![false; self.scanners.len()];
        for &matcher in &matchers {
            self.matchers[matcher].each_target(&mut |target| targets[target] = true);
        }
        let number = |&matcher: &usize| match &self.matchers[matcher].question {
            Question::Number(number, ..) => Some(*number),
            _ => None,
        };
        let numbers = matchers.iter().filter_map(number).collect();
        Selection { matchers, targets, numbers }
    }

    /// The targets that a selection looks at.
    pub(crate) fn targets_of(&self, selection: &Selection) -> impl Iterator<Item = &Target> {
        let wanted = selection.targets.iter().enumerate().filter(|(_, wanted)| **wanted);
        wanted.map(|(target, _)| self.targets.target(target))
    }

    /// Answers the tests selected, as far as they can be. `told` says how much of a target the scene holds, `number` gives
    /// the numbers that are told.
    pub(crate) fn answer(
        &self,
        selection: &Selection,
        scene: Scene<'_>,
        told: impl Fn(&Target) -> Told,
        number: impl Fn(Number) -> Option<Known<i64>>,
    ) -> Vec<Answer> {
        let told: Vec<Told> = selection
            .targets
            .iter()
            .enumerate()
            .map(|(target, &wanted)| if wanted { told(self.targets.target(target)) } else { Told::Nothing })
            .collect();
        let mut values = self.targets.values_of(scene, |target| told[target] != Told::Nothing);
        let mut stated = vec![false; values.len()];
        let mut missing = vec![false; values.len()];
        for (target, told) in told.iter().enumerate() {
            // A target whose presence alone is told has no values to look at, but is known to be absent.
            stated[target] = values[target].found().is_some();
            missing[target] = *told == Told::Nothing || (*told == Told::Presence && stated[target]);
            if missing[target] {
                values[target] = Known::Unknown(Unknown::NotAsked);
            }
        }
        let found = AllFound::scan(&self.scanners, &values);
        let mut numbers = vec![Known::default(); if selection.numbers.is_empty() { 0 } else { NUMBERS.len() }];
        let mut told_numbers = vec![false; numbers.len()];
        for asked in &selection.numbers {
            if let Some(value) = number(*asked) {
                numbers[asked.index()] = value;
                told_numbers[asked.index()] = true;
            }
        }
        let view = View { scene, values: &values, found: &found, numbers: &numbers, brands: &self.brands };
        let answer = |&index: &usize| {
            let matcher = &self.matchers[index];
            if let Question::Present(target, present) = matcher.question
                && missing[target]
                && stated[target]
            {
                return Answer { matcher: index, outcome: Outcome::of(present), open: false };
            }
            let outcome = matcher.answer(&view);
            let mut open = matches!(&matcher.question, Question::Number(number, ..) if !told_numbers[number.index()]);
            matcher.each_target(&mut |target| open |= missing[target]);
            let open = open && outcome.truth == Truth::Unknown;
            Answer { matcher: index, outcome, open }
        };
        selection.matchers.iter().map(answer).collect()
    }

    /// What was observed, as a record tells it: `outcomes` of all matchers with their places where targets are told.
    pub(crate) fn recalled<'m>(
        &self,
        mut outcomes: Vec<Outcome>,
        scene: Scene<'m>,
        told: impl Fn(&Target) -> Told,
    ) -> Observation<'m> {
        let whole = |target: &Target| told(target) == Told::All;
        let mut values = self.targets.values_of(scene, |target| whole(self.targets.target(target)));
        for (target, values) in values.iter_mut().enumerate() {
            if !whole(self.targets.target(target)) {
                *values = Known::default();
            }
        }
        let truths = self.plan.truths(&outcomes);
        let held: Vec<usize> = (0..outcomes.len()).filter(|&matcher| outcomes[matcher].truth.is_true()).collect();
        let selection = self.select(held);
        for answer in self.answer(&selection, scene, &told, |_| None) {
            outcomes[answer.matcher].first = answer.outcome.first;
        }
        Observation { values, numbers: Vec::new(), outcomes, truths }
    }
}

impl Matcher {
    /// Calls `see` with every target it looks at.
    pub(super) fn each_target(&self, see: &mut impl FnMut(usize)) {
        match &self.question {
            Question::Equals(target, _)
            | Question::Listed { target, .. }
            | Question::Pattern(target, _)
            | Question::Present(target, _)
            | Question::ResemblesBrand(target)
            | Question::Within(target, _) => see(*target),
            Question::DiffersFrom(a, b) | Question::Mentions(a, b) | Question::SameAs(a, b) => {
                see(*a);
                see(*b);
            }
            Question::NamesBrand(target, others) => {
                see(*target);
                others.iter().for_each(|&other| see(other));
            }
            Question::Defects(_) | Question::Number(..) => {}
        }
    }
}
