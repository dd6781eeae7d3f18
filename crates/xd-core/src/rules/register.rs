//! The tests and numbers of a rule set in an order that follows from their texts alone, so that a record can name them by
//! their places: the same rules in other files, or files in another order, give the same places.

use super::RuleSet;
use super::matcher::{Matcher, Question};
use super::number::Number;

/// The tests and the numbers asked for, each in the order of texts.
#[derive(Debug)]
pub(crate) struct Register {
    tests: Vec<RegisteredTest>,
    numbers: Vec<Number>,
}

/// A test at its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisteredTest {
    /// The index of the matcher.
    pub(crate) matcher: usize,
    /// How often it must be met to hold.
    pub(crate) at_least: u32,
}

impl Register {
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let mut tests: Vec<RegisteredTest> = (0..rules.matchers.len())
            .map(|matcher| RegisteredTest { matcher, at_least: rules.matchers[matcher].at_least })
            .collect();
        tests.sort_by(|a, b| rules.matchers[a.matcher].text.cmp(&rules.matchers[b.matcher].text));
        let mut numbers: Vec<Number> = rules
            .matchers
            .iter()
            .filter_map(|matcher| match &matcher.question {
                Question::Number(number, ..) => Some(*number),
                _ => None,
            })
            .collect();
        numbers.sort_by_key(|number| number.name());
        numbers.dedup();
        Self { tests, numbers }
    }

    /// The tests, by place.
    pub(crate) fn tests(&self) -> &[RegisteredTest] {
        &self.tests
    }

    /// The numbers that tests ask for, by place.
    pub(crate) fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// The place of a number.
    pub(crate) fn place_of(&self, number: Number) -> Option<usize> {
        self.numbers.binary_search_by_key(&number.name(), |known| known.name()).ok()
    }
}

impl Matcher {
    /// What is asked, whatever number of times it must be met: the name of the test across rule sets.
    pub(super) fn id(&self) -> &str {
        match self.at_least {
            1 => &self.text,
            times => self.text.strip_suffix(&super::compile::times(times)).unwrap_or(&self.text),
        }
    }
}
