//! What the truth of a rule may be where some tests cannot be answered from a record.
//!
//! A test that a lookup left open is `Unknown`, and a new judgement would find it so again. A test that a record does not
//! tell could be any of the three. Conditions grow with their terms in the order False, Unknown, True (a not turns it
//! round), so a least and a most answer of each test give a least and a most truth of each rule.

use crate::Truth;

use super::RuleSet;
use super::condition::Condition;

/// A truth that a new judgement would find, between two ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Possible {
    pub(crate) least: Truth,
    pub(crate) most: Truth,
}

impl Possible {
    /// Nothing is told.
    pub(crate) const ANY: Self = Self { least: Truth::False, most: Truth::True };
    pub(crate) const FALSE: Self = Self::exactly(Truth::False);

    pub(crate) const fn exactly(truth: Truth) -> Self {
        Self { least: truth, most: truth }
    }

    /// The truth, when there is only one.
    pub(crate) fn exact(self) -> Option<Truth> {
        (self.least == self.most).then_some(self.least)
    }

    /// Whether the rule counts: yes, no, or not told. One left open by a lookup does not count.
    pub(crate) fn counts(self) -> Truth {
        match (self.least, self.most) {
            (Truth::True, _) => Truth::True,
            (_, Truth::True) => Truth::Unknown,
            _ => Truth::False,
        }
    }
}

/// The room in which rules are worked out, used again for each record.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    tests: Vec<Possible>,
    stale: Vec<u64>,
    /// The truth of every rule, by index, after [`RuleSet::derive`].
    pub(crate) rules: Vec<Possible>,
}

impl RuleSet {
    /// Works out every rule from the tests that are not simply false, by index. `fixed` is a rule whose truth is given.
    pub(crate) fn derive(&self, tests: &[(usize, Possible)], fixed: Option<(usize, Truth)>, room: &mut Workspace) {
        let Workspace { tests: all, stale, rules } = room;
        all.resize(self.matchers.len(), Possible::FALSE);
        for &(matcher, possible) in tests {
            all[matcher] = possible;
        }
        rules.clear();
        rules.extend(self.plan.baseline().iter().map(|&truth| Possible::exactly(truth)));
        stale.clear();
        stale.resize(self.plan.order().len().div_ceil(64), if fixed.is_some() { u64::MAX } else { 0 });
        // A rule is stale when a test below it has another answer than mostly: one of those given, or one that mostly holds.
        let given = tests.iter().map(|(matcher, _)| matcher);
        for &matcher in given.chain(self.plan.mostly_met()) {
            if all[matcher] != Possible::exactly(self.plan.usual(matcher)) {
                self.plan.touched(matcher).iter().for_each(|&place| stale[place as usize / 64] |= 1 << (place % 64));
            }
        }
        for (word, bits) in stale.iter_mut().enumerate() {
            while *bits != 0 {
                let place = word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                let Some(&rule) = self.plan.order().get(place) else { break };
                rules[rule] = match fixed {
                    Some((index, truth)) if index == rule => Possible::exactly(truth),
                    _ => self.plan.condition(rule).possible(all, rules),
                };
            }
        }
        // Only what was set is cleared: most tests of a large rule set never were.
        for &(matcher, _) in tests {
            all[matcher] = Possible::FALSE;
        }
    }
}

impl Condition {
    /// What its truth may be, given what its tests and the rules it builds on may be.
    fn possible(&self, tests: &[Possible], rules: &[Possible]) -> Possible {
        match self {
            Self::All(terms) => {
                let mut all = Possible::exactly(Truth::True);
                for term in terms {
                    let term = term.possible(tests, rules);
                    all = Possible { least: all.least.and(term.least), most: all.most.and(term.most) };
                    if all == Possible::FALSE {
                        break;
                    }
                }
                all
            }
            Self::Any(terms) => {
                let mut any = Possible::FALSE;
                for term in terms {
                    let term = term.possible(tests, rules);
                    any = Possible { least: any.least.or(term.least), most: any.most.or(term.most) };
                    if any == Possible::exactly(Truth::True) {
                        break;
                    }
                }
                any
            }
            Self::AtLeast(needed, terms) => Possible {
                least: Truth::at_least(*needed, terms.iter().map(|term| term.possible(tests, rules).least)),
                most: Truth::at_least(*needed, terms.iter().map(|term| term.possible(tests, rules).most)),
            },
            Self::Matcher(index) => tests[*index],
            Self::Not(term) => {
                let term = term.possible(tests, rules);
                Possible { least: !term.most, most: !term.least }
            }
            Self::Rule(index) => rules[*index],
        }
    }
}
