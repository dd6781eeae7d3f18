//! What a change of one answer can touch, worked out when rules are compiled, so that judging looks at nothing else.
//!
//! Most tests have the same answer for most messages. The truth of every rule for these answers is known beforehand; for a
//! message only the rules that build on a test with another answer are worked out again.

use crate::Truth;

use super::condition::Condition;
use super::matcher::{Matcher, Outcome, Question};
use super::number::NUMBERS;

#[derive(Debug)]
pub(super) struct Plan {
    /// The answer that most messages give to each test.
    usual: Vec<Truth>,
    /// The indices of tests whose usual answer is that they hold.
    mostly_met: Vec<usize>,
    /// The truth of every rule when all tests have their usual answers.
    baseline: Vec<Truth>,
    /// Indices of rules, each after those it builds on.
    order: Vec<usize>,
    /// The conditions of rules, by rule, with their terms in the order that settles them soonest.
    conditions: Vec<Condition>,
    /// For each matcher, the places in `order` of the rules that build on it, directly or through others.
    touched: Vec<Box<[u32]>>,
    /// For each rule, the matchers it names itself and wants to hold.
    wanted: Vec<Box<[u32]>>,
    /// For each rule, the rules it names.
    named: Vec<Box<[u32]>>,
    /// For each number, whether a test asks for it.
    numbers: Vec<bool>,
}

impl Plan {
    /// A plan for rules that are to be worked out in this order.
    pub(super) fn new(order: Vec<usize>, conditions: &[&Condition], matchers: &[Matcher]) -> Self {
        let usual: Vec<Truth> = matchers.iter().map(usual).collect();
        let outcomes: Vec<Outcome> = usual.iter().map(|&truth| Outcome { truth, ..Outcome::FALSE }).collect();
        let mut baseline = vec![Truth::False; conditions.len()];
        let mut touched = vec![Vec::new(); matchers.len()];
        // The matchers that each rule builds on, through others too.
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); conditions.len()];
        for (place, &rule) in (0_u32..).zip(&order) {
            baseline[rule] = conditions[rule].truth(&outcomes, &baseline);
            let mut matchers = Vec::new();
            conditions[rule].each_matcher(true, &mut |matcher, _| matchers.push(matcher));
            conditions[rule].each_rule(&mut |named| matchers.extend(&below[named]));
            matchers.sort_unstable();
            matchers.dedup();
            matchers.iter().for_each(|&matcher| touched[matcher].push(place));
            below[rule] = matchers;
        }
        let listed = |list: Vec<usize>| list.into_iter().filter_map(|index| u32::try_from(index).ok()).collect();
        let wanted = conditions.iter().map(|condition| {
            let mut list = Vec::new();
            condition.each_matcher(true, &mut |matcher, wanted| list.extend(wanted.then_some(matcher)));
            listed(list)
        });
        let wanted = wanted.collect();
        let named = conditions.iter().map(|condition| {
            let mut list = Vec::new();
            condition.each_rule(&mut |rule| list.push(rule));
            listed(list)
        });
        let named = named.collect();
        let likely = |matcher: usize| matches!(matchers[matcher].question, Question::Number(..) | Question::Present(..));
        let conditions = conditions.iter().map(|condition| condition.arranged(&likely)).collect();
        let mut numbers = vec![false; NUMBERS.len()];
        for matcher in matchers {
            if let Question::Number(number, ..) = &matcher.question {
                numbers[number.index()] = true;
            }
        }
        let mostly_met = (0..usual.len()).filter(|&matcher| usual[matcher] != Truth::False).collect();
        let touched = touched.into_iter().map(Vec::into_boxed_slice).collect();
        Self { usual, mostly_met, baseline, order, conditions, touched, wanted, named, numbers }
    }

    /// Indices of rules, each after those it builds on.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// The truth of every rule when all tests have their usual answers.
    pub(super) fn baseline(&self) -> &[Truth] {
        &self.baseline
    }

    /// The condition of a rule.
    pub(super) fn condition(&self, rule: usize) -> &Condition {
        &self.conditions[rule]
    }

    /// The answer that most messages give to a test.
    pub(super) fn usual(&self, matcher: usize) -> Truth {
        self.usual[matcher]
    }

    /// The tests that hold for most messages.
    pub(super) fn mostly_met(&self) -> &[usize] {
        &self.mostly_met
    }

    /// The places in [`Plan::order`] of the rules that build on a matcher.
    pub(super) fn touched(&self, matcher: usize) -> &[u32] {
        &self.touched[matcher]
    }

    /// The matchers that a rule names itself and wants to hold, in the order of its condition.
    pub(super) fn wanted(&self, rule: usize) -> impl Iterator<Item = usize> {
        self.wanted[rule].iter().map(|&matcher| matcher as usize)
    }

    /// The rules that a rule names.
    pub(super) fn named(&self, rule: usize) -> impl Iterator<Item = usize> {
        self.named[rule].iter().map(|&rule| rule as usize)
    }

    /// Whether some test asks for a number.
    pub(super) fn asks_for(&self, number: usize) -> bool {
        self.numbers[number]
    }

    /// The truth of every rule, given the outcomes of all matchers.
    pub(super) fn truths(&self, outcomes: &[Outcome]) -> Vec<Truth> {
        let mut stale = vec![0_u64; self.order.len().div_ceil(64)];
        for ((outcome, usual), touched) in outcomes.iter().zip(&self.usual).zip(&self.touched) {
            if outcome.truth != *usual {
                touched.iter().for_each(|&place| stale[place as usize / 64] |= 1 << (place % 64));
            }
        }
        let mut truths = self.baseline.clone();
        for (word, mut bits) in stale.into_iter().enumerate() {
            while bits != 0 {
                let rule = self.order[word * 64 + bits.trailing_zeros() as usize];
                bits &= bits - 1;
                truths[rule] = self.conditions[rule].truth(outcomes, &truths);
            }
        }
        truths
    }
}

/// The answer that an empty message gives to most tests. Another would be as right, and cost more.
fn usual(matcher: &Matcher) -> Truth {
    match &matcher.question {
        Question::Number(_, comparison, bound) => comparison.holds(0, *bound).into(),
        Question::Present(_, present) => (!present).into(),
        _ => Truth::False,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::number::Number;
    use super::super::syntax::Comparison;
    use super::*;

    const TESTS: usize = 6;

    /// Tests with every kind of usual answer.
    fn matchers() -> Vec<Matcher> {
        let size = Number::parse("size").unwrap();
        let question = |index| match index % 3 {
            0 => Question::Present(0, index == 0),
            1 => Question::Number(size, if index == 1 { Comparison::AtMost } else { Comparison::AtLeast }, 5),
            _ => Question::Defects(Vec::new()),
        };
        (0..TESTS).map(|index| Matcher { text: index.to_string(), question: question(index), at_least: 1 }).collect()
    }

    /// A condition over the tests and over so many rules.
    fn condition(rules: usize) -> BoxedStrategy<Condition> {
        let term = prop_oneof![
            2 => (0..TESTS).prop_map(Condition::Matcher),
            1 => (0..rules.max(1)).prop_map(move |rule| if rules == 0 { Condition::Matcher(0) } else { Condition::Rule(rule) }),
        ];
        let compound = |inner: BoxedStrategy<Condition>| {
            let terms = || prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                terms().prop_map(Condition::All),
                terms().prop_map(Condition::Any),
                (1..4_usize, terms()).prop_map(|(needed, terms)| Condition::AtLeast(needed, terms)),
                inner.clone().prop_map(|term| Condition::Not(Box::new(term))),
            ]
        };
        term.prop_recursive(3, 12, 3, move |inner| compound(inner.boxed())).boxed()
    }

    fn conditions() -> impl Strategy<Value = Vec<Condition>> {
        // More than a word of bits holds, so that rules of one word build on those of another.
        (1..80_usize).prop_flat_map(|rules| (0..rules).map(condition).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn truths_agree_with_working_out_every_rule(
            conditions in conditions(),
            answers in prop::collection::vec(prop::sample::select(vec![Truth::False, Truth::True, Truth::Unknown]), TESTS),
            usual in prop::collection::vec(any::<bool>(), TESTS),
        ) {
            // A rule names earlier ones only, so that the order of indices is one to work them out in.
            let plan = Plan::new((0..conditions.len()).collect(), &conditions.iter().collect::<Vec<_>>(), &matchers());
            let answer = |test: usize| if usual[test] { plan.usual(test) } else { answers[test] };
            let outcomes: Vec<Outcome> = (0..TESTS).map(|test| Outcome { truth: answer(test), ..Outcome::FALSE }).collect();
            let mut plain = Vec::new();
            for condition in &conditions {
                plain.push(condition.truth(&outcomes, &plain));
            }
            prop_assert_eq!(plan.truths(&outcomes), plain);
        }
    }
}
