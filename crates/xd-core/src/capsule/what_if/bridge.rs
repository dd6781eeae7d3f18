//! From the answers of one engine to those of another: worked out once for many capsules.

use std::collections::BTreeMap;

use crate::capsule::outcomes::Outcomes;
use crate::capsule::told::reads_message;
use crate::classify::{LEARNED_ID, MODEL_ID};
use crate::rules::{Possible, Rule, RuleSet, Selection, Workspace};
use crate::{Engine, Truth};

use super::SettingsChange;

/// What old answers say about new tests, and what they say nothing about.
#[derive(Debug)]
pub(super) struct Bridge {
    /// By place of an old test: the new tests that ask the same.
    same: Vec<Vec<Same>>,
    /// By place of an old test, and one more: how many tests before it can change a verdict.
    touching_before: Vec<u32>,
    /// Whether every verdict may change, whatever was answered.
    always: bool,
    /// New tests that the old engine did not ask.
    pub(super) asked: Selection,
    /// Whether these look at anything that stands in the message itself.
    pub(super) reads_message: bool,
    /// These, and those that look at who runs the filter.
    pub(super) asked_of_operator: Selection,
}

/// A new test that asks what an old one asked.
#[derive(Clone, Copy, Debug)]
struct Same {
    matcher: usize,
    at_least: u32,
    /// Whether it looks at who runs the filter.
    operator: bool,
}

impl Bridge {
    pub(super) fn new(old: &Engine, new: &Engine, change: &SettingsChange) -> Self {
        let (old_rules, new_rules) = (old.rules(), new.rules());
        let operator = new_rules.tests_of_names(|name| name.starts_with("operator."));
        let places: BTreeMap<&str, usize> = by_id(old);
        let mut same: Vec<Vec<Same>> = vec![Vec::new(); old.register().tests().len()];
        let mut asked = Vec::new();
        for test in new.register().tests() {
            let matcher = test.matcher;
            match places.get(new_rules.test_id(matcher)) {
                Some(&place) if new_rules.asks_the_same(matcher, old_rules) => {
                    let operator = operator.contains(&matcher);
                    same[place].push(Same { matcher, at_least: test.at_least, operator });
                }
                _ => asked.push(matcher),
            }
        }
        let (old_changed, new_changed) = changed(old_rules, new_rules, &asked, change);
        // A rule that holds when no test does needs no answer to count.
        let resting = |rules: &RuleSet, changed: &[bool]| {
            let mut room = Workspace::default();
            rules.derive(&[], None, &mut room);
            changed.iter().zip(&room.rules).any(|(&changed, truth)| changed && *truth != Possible::FALSE)
        };
        let always = change.is_general()
            || change.rules().any(|id| [LEARNED_ID, MODEL_ID].contains(&id))
            || asked.iter().any(|&matcher| new_rules.rules_over(matcher).next().is_some())
            || resting(old_rules, &old_changed)
            || resting(new_rules, &new_changed);
        let mut touching_before = vec![0];
        for (place, test) in old.register().tests().iter().enumerate() {
            let touches = old_rules.rules_over(test.matcher).any(|rule| old_changed[rule])
                || same[place].iter().any(|same| new_rules.rules_over(same.matcher).any(|rule| new_changed[rule]));
            touching_before.push(touching_before[place] + u32::from(touches));
        }
        let mut of_operator = [asked.clone(), operator].concat();
        of_operator.sort_unstable();
        of_operator.dedup();
        let (asked, asked_of_operator) = (new_rules.select(asked), new_rules.select(of_operator));
        let reads_message = reads_message(new_rules, &asked);
        Self { same, touching_before, always, asked, reads_message, asked_of_operator }
    }

    /// Whether the answers of a message touch anything that changed.
    pub(super) fn touches(&self, outcomes: &Outcomes) -> bool {
        let between = |start: u32, end: u32| self.touching_before[start as usize] != self.touching_before[end as usize];
        self.always
            || outcomes.met().iter().any(|&(place, _)| between(place, place + 1))
            || outcomes.open().iter().any(|run| between(run.start, run.end))
    }

    /// The new tests that the old answers answer, but those that are simply false.
    pub(super) fn carry(&self, outcomes: &Outcomes, operator_differs: bool, tests: &mut Vec<(usize, Possible)>) {
        let same = |place: u32| self.same[place as usize].iter().filter(|same| !(operator_differs && same.operator));
        for &(place, count) in outcomes.met() {
            let met = same(place).filter(|same| count >= same.at_least);
            tests.extend(met.map(|same| (same.matcher, Possible::exactly(Truth::True))));
        }
        for place in outcomes.open().iter().cloned().flatten() {
            tests.extend(same(place).map(|same| (same.matcher, Possible::exactly(Truth::Unknown))));
        }
    }
}

/// The places of tests by what they ask. Several ask the same with different numbers of times; any of them will do, since
/// all count alike.
fn by_id(engine: &Engine) -> BTreeMap<&str, usize> {
    let tests = engine.register().tests().iter().enumerate();
    tests.map(|(place, test)| (engine.rules().test_id(test.matcher), place)).collect()
}

/// The rules of both engines whose truth or points may differ for the same message, by index.
fn changed(old: &RuleSet, new: &RuleSet, asked: &[usize], change: &SettingsChange) -> (Vec<bool>, Vec<bool>) {
    let mut new_truths = vec![false; new.rules().len()];
    for &matcher in asked {
        new.rules_over(matcher).for_each(|rule| new_truths[rule] = true);
    }
    let mut old_truths = vec![false; old.rules().len()];
    for &index in new.rule_order() {
        let rule = &new.rules()[index];
        let other = old.rule_index(rule.id());
        let mut differs = new_truths[index] || other.is_none_or(|other| !reads_the_same(rule, &old.rules()[other]));
        new.each_rule_below(index, &mut |below| differs |= new_truths[below]);
        new_truths[index] = differs;
        if let Some(other) = other {
            old_truths[other] = differs;
        }
    }
    let mut changed = (old_truths, new_truths);
    for (index, rule) in old.rules().iter().enumerate() {
        changed.0[index] |= match new.rule_index(rule.id()) {
            Some(other) => !old.scores_the_same(rule, new, &new.rules()[other]),
            None => true,
        };
    }
    for id in change.rules() {
        if let Some(index) = old.rule_index(id) {
            changed.0[index] = true;
        }
    }
    for (index, rule) in new.rules().iter().enumerate() {
        let other = old.rule_index(rule.id());
        changed.1[index] |= other.is_none_or(|other| changed.0[other]) || change.rules().any(|id| id == rule.id());
    }
    changed
}

fn reads_the_same(rule: &Rule, other: &Rule) -> bool {
    rule.condition_text() == other.condition_text()
}
