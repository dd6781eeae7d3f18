//! What all verdicts come to: counts, classes before and after, the rules responsible, and the tests left open.

use std::collections::BTreeMap;

use xd_core::{Class, Score};

use super::{Answer, Outcome};

/// The sums over some verdicts.
#[derive(Debug, Default)]
pub(super) struct Tally<'e> {
    /// Capsules that were replayed.
    pub(super) capsules: u64,
    pub(super) identical: u64,
    pub(super) changed: u64,
    pub(super) undecided: u64,
    /// Of the identical: those whose score differs.
    pub(super) rescored: u64,
    /// Of all: those of messages that were judged anew, because their engine is not to be had.
    pub(super) afresh: u64,
    /// Records that could not be read or replayed.
    pub(super) damaged: u64,
    pub(super) erased: u64,
    /// Verdicts by class before and after; none where it is undecided.
    pub(super) classes: BTreeMap<(Place, Option<Place>), u64>,
    /// By rule, what it did to changed verdicts.
    pub(super) rules: BTreeMap<&'e str, Share>,
    /// By test that capsules do not answer: undecided verdicts.
    pub(super) tests: BTreeMap<&'e str, u64>,
}

/// A class in the order of severity.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place(u8);

/// What a rule did to changed verdicts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    /// How many have other points from it.
    pub(super) changes: u64,
    /// By how much, in all and where it is told.
    pub(super) points: Score,
}

impl<'e> Tally<'e> {
    /// Counts one verdict.
    pub(super) fn count(&mut self, answer: &Answer<'e>) {
        match answer.outcome {
            Outcome::Changed => self.changed += 1,
            Outcome::Identical => {
                self.identical += 1;
                self.rescored += u64::from(answer.score_to.is_some_and(|to| to != answer.score_from));
            }
            Outcome::Undecided => self.undecided += 1,
        }
        self.afresh += u64::from(answer.afresh);
        *self.classes.entry((Place::of(answer.from), answer.to.map(Place::of))).or_default() += 1;
        for shift in &answer.rules {
            let share = self.rules.entry(shift.rule).or_default();
            share.changes += 1;
            share.points += shift.to.unwrap_or(shift.from) - shift.from;
        }
        for test in &answer.tests {
            *self.tests.entry(test).or_default() += 1;
        }
    }

    /// Adds the sums over other verdicts.
    pub(super) fn add(&mut self, other: Self) {
        let Self { capsules, identical, changed, undecided, rescored, afresh, damaged, erased, classes, rules, tests } = other;
        self.capsules += capsules;
        self.identical += identical;
        self.changed += changed;
        self.undecided += undecided;
        self.rescored += rescored;
        self.afresh += afresh;
        self.damaged += damaged;
        self.erased += erased;
        for (classes, count) in classes {
            *self.classes.entry(classes).or_default() += count;
        }
        for (rule, share) in rules {
            let sum = self.rules.entry(rule).or_default();
            sum.changes += share.changes;
            sum.points += share.points;
        }
        for (test, count) in tests {
            *self.tests.entry(test).or_default() += count;
        }
    }

    /// Verdicts that were replayed.
    pub(super) fn replayed(&self) -> u64 {
        self.identical + self.changed + self.undecided
    }

    /// The rules responsible, those with most changes first.
    pub(super) fn ranked_rules(&self) -> Vec<(&'e str, Share)> {
        let mut rules: Vec<_> = self.rules.iter().map(|(rule, share)| (*rule, *share)).collect();
        let size = |share: &Share| (share.changes, share.points.hundredths().unsigned_abs());
        rules.sort_by_key(|(_, share)| std::cmp::Reverse(size(share)));
        rules
    }

    /// The tests that capsules do not answer, those with most undecided verdicts first.
    pub(super) fn ranked_tests(&self) -> Vec<(&'e str, u64)> {
        let mut tests: Vec<_> = self.tests.iter().map(|(test, count)| (*test, *count)).collect();
        tests.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        tests
    }
}

impl Place {
    pub(super) fn of(class: Class) -> Self {
        Self(match class {
            Class::Clean => 0,
            Class::Spam => 1,
            Class::SureSpam => 2,
            Class::Infected => 3,
        })
    }

    pub(super) fn class(self) -> Class {
        match self.0 {
            0 => Class::Clean,
            1 => Class::Spam,
            2 => Class::SureSpam,
            _ => Class::Infected,
        }
    }
}
