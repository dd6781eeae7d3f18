//! What two rule sets have in common: which tests ask the same, and which rules mean the same.

use super::matcher::Question;
use super::{Rule, RuleSet};
use crate::Domain;

impl RuleSet {
    /// The text of a test.
    pub(crate) fn test_text(&self, matcher: usize) -> &str {
        &self.matchers[matcher].text
    }

    /// What a test asks, whatever number of times it must be met.
    pub(crate) fn test_id(&self, matcher: usize) -> &str {
        self.matchers[matcher].id()
    }

    /// Whether a test of this set asks the same of every message as one of the same id in the other.
    pub(crate) fn asks_the_same(&self, matcher: usize, other: &Self) -> bool {
        match self.matchers[matcher].question {
            Question::NamesBrand(..) | Question::ResemblesBrand(_) => self.brands.are(&other.brands),
            _ => true,
        }
    }

    /// The tests that look at a target or number whose name fits, by index of matcher.
    pub(crate) fn tests_of_names(&self, fits: impl Fn(&str) -> bool) -> Vec<usize> {
        let looks = |index: &usize| {
            let matcher = &self.matchers[*index];
            let mut looks = matches!(&matcher.question, Question::Number(number, ..) if fits(number.name()));
            matcher.each_target(&mut |target| looks |= fits(self.targets.name(target)));
            looks
        };
        (0..self.matchers.len()).filter(looks).collect()
    }

    /// The tests that ask a DNS list, by index of matcher.
    pub(crate) fn tests_of_list(&self, list: &Domain) -> Vec<usize> {
        let asks = |index: &usize| matches!(&self.matchers[*index].question, Question::Listed { zone, .. } if zone == list);
        (0..self.matchers.len()).filter(asks).collect()
    }

    /// The rules that build on a test, directly or through others, by index.
    pub(crate) fn rules_over(&self, matcher: usize) -> impl Iterator<Item = usize> + '_ {
        self.plan.touched(matcher).iter().map(|&place| self.plan.order()[place as usize])
    }

    /// The indices of rules, each after those it builds on.
    pub(crate) fn rule_order(&self) -> &[usize] {
        self.plan.order()
    }

    /// Calls `see` with every rule that a rule names.
    pub(crate) fn each_rule_below(&self, rule: usize, see: &mut impl FnMut(usize)) {
        self.rules[rule].condition.each_rule(see);
    }

    /// The index of a rule.
    pub(crate) fn rule_index(&self, id: &str) -> Option<usize> {
        self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok()
    }

    /// Whether a rule gives the same points for the same truth as one of another set.
    pub(crate) fn scores_the_same(&self, rule: &Rule, other: &Self, others: &Rule) -> bool {
        let group = |set: &Self, rule: &Rule| rule.group.and_then(|group| set.groups.get(group).cloned());
        rule.score == others.score && group(self, rule) == group(other, others)
    }
}
