//! Conditions that can never hold, since they demand what excludes each other.
//!
//! Each condition is reduced to the facts that must be so when it holds. Terms of `all` add up, of `any` the facts that
//! every branch demands remain, and a rule that is named brings its own. Where both a fact and its opposite are demanded,
//! the condition never holds; the reverse is not claimed.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::rules::condition::Condition;
use crate::rules::matcher::{Matcher, Question, TargetIndex};
use crate::rules::number::Number;
use crate::rules::source::{RuleError, RuleSource};
use crate::rules::syntax::{Comparison, ConditionTree, RuleTree};

/// Facts kept for one condition; those beyond are not compared. It bounds what a long chain of rules costs.
const MAX_FACTS: usize = 64;
/// Characters of a test that a message shows.
const MAX_TEXT: usize = 60;

/// Something that is so or not so, whatever the message.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Fact {
    /// Two targets, the lesser index first, have a value in common.
    Common(TargetIndex, TargetIndex),
    /// A test holds.
    Matcher(usize),
    Number(Number, Comparison, i64),
    /// A target has a value.
    Present(TargetIndex),
    Rule(usize),
}

/// What demands a fact.
#[derive(Clone, Copy, Debug)]
enum Demander {
    Matcher(usize),
    Rule(usize),
}

/// Whether a fact must be so or not be so, and who demands it where.
#[derive(Clone, Debug)]
struct Demand {
    wanted: bool,
    by: Demander,
    /// Whether what demands it must hold or must not.
    holds: bool,
    span: Range<usize>,
}

type Demands = BTreeMap<Fact, Demand>;

/// What is said of the conditions of all rules. Rules, trees and conditions have the same indices; in `order` every rule
/// comes after those it builds on.
pub(super) fn lints(
    trees: &[(&RuleSource, &RuleTree)],
    conditions: &[Condition],
    order: &[usize],
    matchers: &[Matcher],
) -> Vec<RuleError> {
    let mut search = Search { trees, matchers, met: vec![None; trees.len()], unmet: vec![None; trees.len()], lints: Vec::new() };
    for &rule in order {
        let (source, tree) = trees[rule];
        search.met[rule] = search.demands(source, &tree.when, &conditions[rule], true);
        let told = search.lints.len();
        search.unmet[rule] = search.demands(source, &tree.when, &conditions[rule], false);
        // A rule that always holds may be meant.
        search.lints.truncate(told);
        if search.met[rule].is_none() {
            let message = format!("the rule {:?} can never hold", tree.id.value);
            search.lints.push(source.error(tree.id.span.clone(), message));
        }
    }
    search.lints
}

struct Search<'s> {
    trees: &'s [(&'s RuleSource, &'s RuleTree)],
    matchers: &'s [Matcher],
    /// What each rule demands to hold; none when it never does.
    met: Vec<Option<Demands>>,
    /// What each rule demands not to hold; none when it always does.
    unmet: Vec<Option<Demands>>,
    lints: Vec<RuleError>,
}

impl Search<'_> {
    /// What a condition demands to hold, or, if not `wanted`, to be false; none when it never can.
    fn demands(&mut self, source: &RuleSource, tree: &ConditionTree, condition: &Condition, wanted: bool) -> Option<Demands> {
        match (tree, condition) {
            (ConditionTree::All(trees), Condition::All(terms)) => {
                let needed = if wanted { terms.len() } else { 1 };
                self.at_least(source, needed, trees, terms, wanted)
            }
            (ConditionTree::Any(trees), Condition::Any(terms)) => {
                let needed = if wanted { 1 } else { terms.len() };
                self.at_least(source, needed, trees, terms, wanted)
            }
            (ConditionTree::AtLeast(_, trees), Condition::AtLeast(needed, terms)) => {
                let needed = if wanted { *needed } else { (terms.len() + 1).saturating_sub(*needed) };
                self.at_least(source, needed, trees, terms, wanted)
            }
            (ConditionTree::Not(tree), Condition::Not(term)) => self.demands(source, tree, term, !wanted),
            (ConditionTree::Rule(id), Condition::Rule(rule)) => self.of_rule(source, *rule, &id.span, wanted),
            (ConditionTree::Test(test), Condition::Matcher(index)) => Some(self.of_matcher(*index, &test.span, wanted)),
            // A condition has the form of its tree; were it otherwise, nothing would be claimed.
            _ => Some(Demands::new()),
        }
    }

    /// What it demands that so many terms are as wanted: the facts that fewer terms do without than may be missing.
    fn at_least(
        &mut self,
        source: &RuleSource,
        needed: usize,
        trees: &[ConditionTree],
        terms: &[Condition],
        wanted: bool,
    ) -> Option<Demands> {
        let terms = trees.iter().zip(terms).filter_map(|(tree, term)| self.demands(source, tree, term, wanted));
        let possible: Vec<Demands> = terms.collect();
        let spare = possible.len().checked_sub(needed)?;
        let mut counts: BTreeMap<(Fact, bool), usize> = BTreeMap::new();
        for (fact, demand) in possible.iter().flatten() {
            *counts.entry((*fact, demand.wanted)).or_default() += 1;
        }
        let mut all = Demands::new();
        for (fact, demand) in possible.into_iter().flatten() {
            if counts.get(&(fact, demand.wanted)).is_none_or(|&count| count <= spare) {
                continue;
            }
            if let Some(other) = contradicting(&all, fact, demand.wanted) {
                let message = format!("{} can never hold beside {}", self.text(&demand), self.text(other));
                self.lints.push(source.error(demand.span, message));
                return None;
            }
            if all.len() < MAX_FACTS {
                all.entry(fact).or_insert(demand);
            }
        }
        Some(all)
    }

    fn of_rule(&mut self, source: &RuleSource, rule: usize, span: &Range<usize>, wanted: bool) -> Option<Demands> {
        let demand = |wanted_fact| Demand { wanted: wanted_fact, by: Demander::Rule(rule), holds: wanted, span: span.clone() };
        let demands = if wanted { &self.met[rule] } else { &self.unmet[rule] };
        let Some(demands) = demands else {
            let way = if wanted { "never" } else { "always" };
            self.lints.push(source.error(span.clone(), format!("the rule {:?} {way} holds", self.trees[rule].1.id.value)));
            return None;
        };
        let inner = demands.iter().map(|(fact, inner)| (*fact, demand(inner.wanted)));
        Some(std::iter::once((Fact::Rule(rule), demand(wanted))).chain(inner).take(MAX_FACTS).collect())
    }

    fn of_matcher(&self, index: usize, span: &Range<usize>, wanted: bool) -> Demands {
        let fact =
            |fact: Fact, so: bool| (fact, Demand { wanted: so, by: Demander::Matcher(index), holds: wanted, span: span.clone() });
        let mut facts = vec![fact(Fact::Matcher(index), wanted)];
        match &self.matchers[index].question {
            Question::Present(target, present) => facts = vec![fact(Fact::Present(*target), *present == wanted)],
            Question::Number(number, comparison, value) => {
                facts = vec![fact(Fact::Number(*number, *comparison, *value), wanted)];
            }
            _ if !wanted => {}
            // What is found stands in a value.
            Question::Equals(target, _)
            | Question::Listed { target, .. }
            | Question::NamesBrand(target, _)
            | Question::Pattern(target, _)
            | Question::ResemblesBrand(target)
            | Question::Within(target, _) => facts.push(fact(Fact::Present(*target), true)),
            Question::Mentions(a, b) => facts.extend([a, b].map(|target| fact(Fact::Present(*target), true))),
            Question::DiffersFrom(a, b) | Question::SameAs(a, b) => {
                let same = matches!(self.matchers[index].question, Question::SameAs(..));
                facts.extend([a, b].map(|target| fact(Fact::Present(*target), true)));
                facts.push(fact(Fact::Common(*a.min(b), *a.max(b)), same));
            }
            Question::Defects(_) => {}
        }
        facts.into_iter().collect()
    }

    /// What demands something, as a person reads it.
    fn text(&self, demand: &Demand) -> String {
        let text = match demand.by {
            Demander::Matcher(index) => self.matchers[index].text.clone(),
            Demander::Rule(rule) => format!("rule {}", self.trees[rule].1.id.value),
        };
        let mut short: String = text.chars().take(MAX_TEXT).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        if demand.holds { short } else { format!("not {short}") }
    }
}

/// What among the demands excludes one more.
fn contradicting(demands: &Demands, fact: Fact, wanted: bool) -> Option<&Demand> {
    if let Some(demand) = demands.get(&fact)
        && demand.wanted != wanted
    {
        return Some(demand);
    }
    let Fact::Number(number, comparison, value) = fact else { return None };
    let mut others = demands.iter().filter_map(|(other, demand)| match other {
        Fact::Number(other, comparison, value) if *other == number => Some((*comparison, *value, demand)),
        _ => None,
    });
    // An absent number compares with nothing, so `not` alone demands nothing of it.
    let known = wanted || others.clone().any(|(.., demand)| demand.wanted);
    let mut room = Room::all();
    room.narrow(comparison, value, wanted);
    let excludes = |(comparison, value, demand): (Comparison, i64, &Demand)| {
        let mut pair = room.clone();
        pair.narrow(comparison, value, demand.wanted);
        pair.is_empty()
    };
    let first = others.clone().find(|other| excludes(*other));
    // Three comparisons can exclude each other where no two do.
    others.clone().for_each(|(comparison, value, demand)| room.narrow(comparison, value, demand.wanted));
    let (.., demand) = first.or_else(|| others.next_back().filter(|_| room.is_empty()))?;
    known.then_some(demand)
}

/// The values that comparisons leave to a number.
#[derive(Clone, Debug)]
struct Room {
    least: i128,
    most: i128,
    without: Vec<i128>,
}

impl Room {
    fn all() -> Self {
        Self { least: i64::MIN.into(), most: i64::MAX.into(), without: Vec::new() }
    }

    fn narrow(&mut self, comparison: Comparison, value: i64, holds: bool) {
        let value = i128::from(value);
        match (comparison, holds) {
            (Comparison::AtLeast, true) => self.least = self.least.max(value),
            (Comparison::AtLeast, false) => self.most = self.most.min(value - 1),
            (Comparison::AtMost, true) => self.most = self.most.min(value),
            (Comparison::AtMost, false) => self.least = self.least.max(value + 1),
            (Comparison::Equals, true) => (self.least, self.most) = (self.least.max(value), self.most.min(value)),
            (Comparison::Equals, false) => self.without.push(value),
        }
    }

    fn is_empty(&self) -> bool {
        self.least > self.most || self.least == self.most && self.without.contains(&self.least)
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::RuleSet;
    use crate::{RuleSource, Truth};

    /// A rule set of conditions over three tests and two numbers, and what is said of it.
    fn lints(conditions: &[&str]) -> Vec<String> {
        let names = [
            ("A", "{ in = \"subject\", words = [\"aaa\"] }"),
            ("B", "{ in = \"from.name\", equals = [\"b\"] }"),
            ("P", "{ in = \"subject\", present = true }"),
            ("Q", "{ in = \"subject\", present = false }"),
            ("S", "{ in = \"from.domain\", same_as = \"to.domain\" }"),
            ("D", "{ in = \"to.domain\", differs_from = \"from.domain\" }"),
        ];
        let mut text = "family = \"t\"\n".to_owned();
        for (index, condition) in conditions.iter().enumerate() {
            let mut when = String::new();
            for c in condition.chars() {
                match names.iter().find(|(name, _)| name.starts_with(c)) {
                    Some((_, test)) => when += test,
                    None => when.push(c),
                }
            }
            let when = when.replace("links", "{ number = \"links\",").replace(')', "}").replace('(', "{ ");
            text += &format!("[[rule]]\nid = \"r{index}\"\nscore = \"1\"\nwhy = \"w\"\nwhen = {when}\n");
        }
        let rules = RuleSet::compile(&[RuleSource::new("f.toml", text)]).unwrap();
        rules.lints().iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn never(conditions: &[&str]) {
        let last = format!("the rule \"r{}\" can never hold", conditions.len() - 1);
        let found = lints(conditions);
        assert!(found.iter().any(|lint| lint.ends_with(&last)), "{found:#?}");
    }

    #[track_caller]
    fn may(conditions: &[&str]) {
        assert_eq!(lints(conditions), [""; 0]);
    }

    #[test]
    fn a_test_and_its_opposite() {
        never(&["(all = [A, (not = A)])"]);
        never(&["(all = [(any = [A, (all = [A, B])]), (not = A)])"]);
        never(&["(not = (any = [A, (not = A)]))"]);
        never(&["(at_least = 2, of = [A, (not = A)])"]);
        never(&["(all = [S, D])"]);
        may(&["(all = [(any = [A, B]), (not = A)])"]);
        may(&["(at_least = 2, of = [A, (not = A), B])"]);
        may(&["(any = [A, (not = A)])"]);
        may(&["(not = (all = [S, D]))"]);
    }

    #[test]
    fn a_target_that_is_there_and_is_not() {
        never(&["(all = [P, Q])"]);
        never(&["(all = [A, Q])"]);
        never(&["(all = [A, (not = P)])"]);
        may(&["(all = [(not = A), Q])"]);
        may(&["(all = [(not = Q), P])"]);
    }

    #[test]
    fn numbers_without_room() {
        never(&["(all = [links at_least = 5 ), links at_most = 3 )])"]);
        never(&["(all = [links equals = 5 ), links equals = 3 )])"]);
        never(&["(all = [links at_least = 5 ), (not = links at_least = 3 ))])"]);
        never(&["(all = [links at_least = 5 ), links at_most = 5 ), (not = links equals = 5 ))])"]);
        never(&["(all = [(not = links at_least = 5 )), (not = links at_most = 7 )), links at_least = 0 )])"]);
        may(&["(all = [links at_least = 5 ), links at_most = 5 )])"]);
        may(&["(all = [links at_least = 5 ), (not = links equals = 5 ))])"]);
        // Both are so when there is no number at all.
        may(&["(all = [(not = links at_least = 5 )), (not = links at_most = 5 ))])"]);
        may(&["(any = [links at_least = 5 ), links at_most = 3 )])"]);
    }

    #[test]
    fn rules_that_exclude_each_other() {
        never(&["A", "(all = [(rule = \"r0\"), (not = (rule = \"r0\"))])"]);
        never(&["A", "(all = [(rule = \"r0\"), (not = A)])"]);
        never(&["(any = [A, B])", "(all = [A, (not = (rule = \"r0\"))])"]);
        never(&["(all = [A, (not = A)])", "B", "(all = [(rule = \"r1\"), (rule = \"r0\")])"]);
        may(&["(any = [A, B])", "(all = [(rule = \"r0\"), (not = A)])"]);
        may(&["(all = [A, B])", "(all = [A, (not = (rule = \"r0\"))])"]);
    }

    #[test]
    fn a_branch_that_never_holds_has_its_place() {
        let found = lints(&["(any = [B, (all = [A, Q])])"]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("f.toml:6:"), "{found:?}");
        assert!(found[0].ends_with("subject absent can never hold beside subject words [\"aaa\"]"), "{found:?}");
        let found = lints(&["(all = [A, Q])", "(any = [B, (rule = \"r0\")])"]);
        assert!(found.iter().any(|lint| lint.ends_with("the rule \"r0\" never holds")), "{found:?}");
        assert!(!found.iter().any(|lint| lint.contains("\"r1\"")), "{found:?}");
    }

    #[test]
    fn truth_agrees() {
        // The claim rests on this: nothing makes a test and its opposite hold at once, not even what is unknown.
        for truth in [Truth::False, Truth::Unknown, Truth::True] {
            assert_ne!(truth.and(!truth), Truth::True);
        }
    }
}
