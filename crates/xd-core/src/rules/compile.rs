//! From trees of rule files to a rule set: names resolved, tests shared, patterns compiled, costs bounded.
//!
//! Everything that can be wrong is found here, so that judging cannot fail.

mod brands;
mod contradiction;
mod nested;
mod sets;

use std::collections::BTreeMap;
use std::ops::Range;

use regex_syntax::hir::Hir;

use super::condition::Condition;
use super::literal;
use super::matcher::{Matcher, Question, TargetIndex};
use super::plan::Plan;
use super::read::Located;
use super::scanner::{Pattern, Scanner, parse_regex};
use super::source::{RuleError, RuleErrors, RuleSource};
use super::syntax::{self, ConditionTree, FileTree, RuleTree, TestKind, TestTree};
use super::target::{Target, Targets};
use super::text_set::TextSet;
use super::{Cost, Group, List, Rule, RuleSet, spelling};
use crate::classify::{LEARNED_ID, MODEL_ID};
use sets::{listed, only_texts};

/// Steps that one byte of a message may cost at worst, over all regexes of a rule set.
///
/// A step is one state of an automaton. All targets are added up: a word of a text stands in `text`, `text.plain`, `text.any` and
/// `text.original`, perhaps in a link and its host too. That is more than any byte meets, since what stands in Subject does not
/// stand in To; but no table has to say which targets share their bytes. At a billion steps a second, a text of 576 KiB at
/// the whole budget takes some eighteen seconds in the worst case that theory knows, when lazy automata fail and every state is
/// visited at every byte. The rules that come with xd use a fifth of it; `xd rules check` prints what others use.
pub(super) const STEPS_PER_BYTE: usize = 30_000;

impl RuleSet {
    /// Compiles rule files.
    ///
    /// # Errors
    /// All errors found, in the order of files and lines.
    pub fn compile(sources: &[RuleSource]) -> Result<Self, RuleErrors> {
        let mut errors = Vec::new();
        let mut files = Vec::new();
        for source in sources {
            match syntax::read(source) {
                Ok(tree) => files.push((source, tree)),
                Err(found) => errors.extend(found),
            }
        }
        if errors.is_empty() {
            match Compiler::new(&files, &mut errors).compile(&files, &mut errors) {
                Some(rules) if errors.is_empty() => return Ok(rules),
                _ => {}
            }
        }
        errors.sort();
        errors.dedup();
        Err(RuleErrors(errors))
    }
}

type Files<'s> = [(&'s RuleSource, FileTree)];

struct Compiler<'s> {
    /// Lists by id: entries as they stand.
    lists: BTreeMap<&'s str, Vec<&'s str>>,
    /// Rule ids in order, each with where it is defined.
    ids: BTreeMap<&'s str, (usize, &'s RuleSource, Range<usize>)>,
    targets: Vec<Target>,
    /// The patterns of each target, with where they stand, for errors.
    patterns: Vec<Vec<(Pattern, &'s RuleSource, Range<usize>)>>,
    matchers: Vec<Matcher>,
    by_text: BTreeMap<String, usize>,
    lints: Vec<RuleError>,
}

impl<'s> Compiler<'s> {
    fn new(files: &'s Files<'s>, errors: &mut Vec<RuleError>) -> Self {
        let mut lists = BTreeMap::new();
        let mut ids = BTreeMap::new();
        for (source, tree) in files {
            for list in &tree.lists {
                let entries = list.entries.iter().map(|entry| entry.value.as_str()).collect();
                if lists.insert(list.id.value.as_str(), entries).is_some() {
                    errors.push(source.error(list.id.span.clone(), format!("there is already a list {:?}", list.id.value)));
                }
            }
            for rule in &tree.rules {
                let id = rule.id.value.as_str();
                if id == MODEL_ID {
                    errors.push(source.error(rule.id.span.clone(), format!("{id:?} is the name of the model's own finding")));
                }
                if id == LEARNED_ID {
                    let message = format!("{id:?} is the name of the finding of what was learned");
                    errors.push(source.error(rule.id.span.clone(), message));
                }
                if let Some((_, other, at)) = ids.insert(id, (0, *source, rule.id.span.clone())) {
                    let message = format!("there is already a rule {id:?}, at {}", other.place(at));
                    errors.push(source.error(rule.id.span.clone(), message));
                }
            }
        }
        for (index, (_, place)) in ids.iter_mut().enumerate() {
            place.0 = index;
        }
        Self {
            lists,
            ids,
            targets: Vec::new(),
            patterns: Vec::new(),
            matchers: Vec::new(),
            by_text: BTreeMap::new(),
            lints: Vec::new(),
        }
    }

    fn compile(mut self, files: &'s Files<'s>, errors: &mut Vec<RuleError>) -> Option<RuleSet> {
        let groups = groups(files, errors);
        let brands = brands::brands(files, errors, &mut self.lints)?;

        let mut trees: Vec<(&RuleSource, &RuleTree)> =
            files.iter().flat_map(|(source, tree)| tree.rules.iter().map(move |rule| (*source, rule))).collect();
        // Rules stand in the order of their ids: caps are spent in it, and it does not depend on files.
        trees.sort_by(|a, b| a.1.id.value.cmp(&b.1.id.value));
        let mut conditions = Vec::new();
        for (source, tree) in &trees {
            match self.condition(source, &tree.when) {
                Ok(condition) => conditions.push(condition),
                Err(error) => errors.push(error),
            }
        }
        if !errors.is_empty() {
            return None;
        }
        let order = self.order(&conditions, errors)?;
        self.lints.extend(contradiction::lints(&trees, &conditions, &order, &self.matchers));

        let names: Vec<String> = trees.iter().map(|(_, tree)| tree.id.value.clone()).collect();
        let mut rules = Vec::new();
        for ((source, tree), condition) in trees.iter().zip(conditions) {
            let group = match &tree.group {
                None => None,
                Some(id) => match groups.iter().position(|group| group.id == id.value) {
                    Some(index) => Some(index),
                    None => {
                        errors.push(source.error(id.span.clone(), format!("there is no group {:?}", id.value)));
                        None
                    }
                },
            };
            let place = source.error(tree.id.span.clone(), "");
            rules.push(Rule {
                id: tree.id.value.clone(),
                family: tree.family.clone(),
                score: tree.score,
                why: tree.why.clone(),
                group,
                file: place.file,
                line: place.line,
                text: condition.text(&self.matchers, &names),
                condition,
            });
        }

        let scanners = self.scanners(errors)?;
        let cost = cost(&scanners);
        if cost.steps_per_byte > STEPS_PER_BYTE {
            errors.extend(self.over_budget(&scanners, cost));
        }
        self.lints.sort();
        self.lints.dedup();
        let plan = Plan::new(order, &rules.iter().map(|rule| &rule.condition).collect::<Vec<_>>(), &self.matchers);
        let lists = self.lists.iter().map(|(id, entries)| list(id, entries)).collect();
        Some(RuleSet {
            rules,
            groups,
            lists,
            plan,
            targets: Targets::new(self.targets),
            scanners,
            matchers: self.matchers,
            brands,
            lints: self.lints,
            cost,
        })
    }

    fn condition(&mut self, source: &'s RuleSource, tree: &'s ConditionTree) -> Result<Condition, RuleError> {
        let mut all = |terms: &'s [ConditionTree]| -> Result<Vec<Condition>, RuleError> {
            terms.iter().map(|term| self.condition(source, term)).collect()
        };
        Ok(match tree {
            ConditionTree::All(terms) => Condition::All(all(terms)?),
            ConditionTree::Any(terms) => Condition::Any(all(terms)?),
            ConditionTree::AtLeast(needed, terms) => Condition::AtLeast(*needed, all(terms)?),
            ConditionTree::Not(term) => Condition::Not(Box::new(self.condition(source, term)?)),
            ConditionTree::Rule(id) => match self.ids.get(id.value.as_str()) {
                Some((index, ..)) => Condition::Rule(*index),
                None => return Err(source.error(id.span.clone(), format!("there is no rule {:?}", id.value))),
            },
            ConditionTree::Test(test) => Condition::Matcher(self.matcher(source, test)?),
        })
    }

    /// The matcher for a test; equal tests share one.
    fn matcher(&mut self, source: &'s RuleSource, test: &'s TestTree) -> Result<usize, RuleError> {
        let (text, question, at_least) = self.question(source, test)?;
        if let Some(&index) = self.by_text.get(&text) {
            return Ok(index);
        }
        let question = match question {
            Draft::Question(question) => question,
            Draft::Pattern(target, pattern) => {
                let slots = &mut self.patterns[target];
                slots.push((pattern, source, test.span.clone()));
                Question::Pattern(target, slots.len() - 1)
            }
        };
        self.matchers.push(Matcher { text: text.clone(), question, at_least });
        self.by_text.insert(text, self.matchers.len() - 1);
        Ok(self.matchers.len() - 1)
    }

    fn question(&mut self, source: &'s RuleSource, test: &'s TestTree) -> Result<(String, Draft, u32), RuleError> {
        use Draft::Question as Ask;
        Ok(match &test.kind {
            TestKind::Words { target, set, at_least } => {
                let texts = self.counted(source, target, set, at_least, true)?;
                let text = listed(target, "words", &texts, at_least.value);
                (text, Draft::Pattern(self.target(target), Pattern::Words(texts)), at_least.value)
            }
            TestKind::Contains { target, set, at_least } => {
                let texts = self.counted(source, target, set, at_least, false)?;
                let text = listed(target, "contains", &texts, at_least.value);
                (text, Draft::Pattern(self.target(target), Pattern::Contains(texts)), at_least.value)
            }
            TestKind::Regex { target, pattern, at_least } => {
                let hir = self.regex(source, target, pattern)?;
                if at_least.value > 1 && hir.properties().maximum_len().is_none() {
                    let message = "a pattern that is counted needs bounded repetitions: {0,40} instead of *";
                    return Err(source.error(pattern.span.clone(), message));
                }
                let text = format!("{target} regex {:?}{}", pattern.value, times(at_least.value));
                (text, Draft::Pattern(self.target(target), Pattern::Regex(hir)), at_least.value)
            }
            TestKind::Equals { target, set, at_least } => {
                let texts = only_texts(self.texts(source, target, set, true)?);
                let text = listed(target, "equals", &texts, at_least.value);
                (text, Ask(Question::Equals(self.target(target), TextSet::new(texts))), at_least.value)
            }
            TestKind::Within { target, set, at_least } => {
                let texts = self.domains(source, set)?;
                let text = listed(target, "within", &texts, at_least.value);
                (text, Ask(Question::Within(self.target(target), TextSet::new(texts))), at_least.value)
            }
            TestKind::Present { target, present } => {
                let text = format!("{target} {}", if *present { "present" } else { "absent" });
                (text, Ask(Question::Present(self.target(target), *present)), 1)
            }
            TestKind::Mentions { target, other } => {
                (format!("{target} mentions {other}"), Ask(Question::Mentions(self.target(target), self.target(other))), 1)
            }
            TestKind::DiffersFrom { target, other } => {
                (format!("{target} differs from {other}"), Ask(Question::DiffersFrom(self.target(target), self.target(other))), 1)
            }
            TestKind::SameAs { target, other } => {
                (format!("{target} same as {other}"), Ask(Question::SameAs(self.target(target), self.target(other))), 1)
            }
            TestKind::NamesBrand { target, outside } => {
                let others: Vec<String> = outside.iter().map(ToString::to_string).collect();
                let outside = outside.iter().map(|other| self.target(other)).collect();
                (
                    format!("{target} names a brand outside {}", others.join(", ")),
                    Ask(Question::NamesBrand(self.target(target), outside)),
                    1,
                )
            }
            TestKind::ResemblesBrand { target } => {
                (format!("{target} resembles a brand"), Ask(Question::ResemblesBrand(self.target(target))), 1)
            }
            TestKind::Number { number, comparison, value } => (
                format!("{} {} {value}", number.name(), comparison.name()),
                Ask(Question::Number(*number, *comparison, *value)),
                1,
            ),
            TestKind::Defect(defects) => {
                let ids: Vec<&str> = defects.iter().map(|defect| defect.id()).collect();
                (format!("defect {}", ids.join(" or ")), Ask(Question::Defects(defects.clone())), 1)
            }
            TestKind::Listed { target, zone, answers } => {
                let text = format!("{target} listed in {zone} {answers:?}");
                (text, Ask(Question::Listed { target: self.target(target), zone: zone.clone(), answers: answers.clone() }), 1)
            }
        })
    }

    fn target(&mut self, target: &Target) -> TargetIndex {
        match self.targets.iter().position(|known| known == target) {
            Some(index) => index,
            None => {
                self.targets.push(target.clone());
                self.patterns.push(Vec::new());
                self.targets.len() - 1
            }
        }
    }

    fn regex(&mut self, source: &RuleSource, target: &Target, pattern: &Located<String>) -> Result<Hir, RuleError> {
        let hir = parse_regex(&pattern.value)
            .map_err(|message| source.error(pattern.span.clone(), format!("not a pattern: {message}")))?;
        if let Some(message) = spelling::impossible(target, &pattern.value, &hir) {
            return Err(source.error(pattern.span.clone(), message));
        }
        if let Some(letter) = spelling::half_folded(target, &pattern.value) {
            let message = format!("(?i) folds letters of ASCII, so {letter:?} is found in this case only; write both");
            self.lints.push(source.error(pattern.span.clone(), message));
        }
        if hir.properties().minimum_len() == Some(0) {
            return Err(source.error(pattern.span.clone(), "the pattern matches nothing at all, so it matches everywhere"));
        }
        if target.shape().is_text() && literal::required(&hir).is_none() {
            let message = format!(
                "the pattern has no literal of {} bytes that every match contains, so it is tried on every text",
                literal::MIN_LITERAL
            );
            self.lints.push(source.error(pattern.span.clone(), message));
        }
        Ok(hir)
    }

    /// An order in which every rule comes after those it builds on.
    fn order(&self, conditions: &[Condition], errors: &mut Vec<RuleError>) -> Option<Vec<usize>> {
        let mut needs: Vec<Vec<usize>> = Vec::new();
        for condition in conditions {
            let mut named = Vec::new();
            condition.each_rule(&mut |rule| named.push(rule));
            needs.push(named);
        }
        let mut done = vec![false; conditions.len()];
        let mut order = Vec::new();
        // Each round places the rules whose needs are met; a round that places none leaves a circle.
        while order.len() < conditions.len() {
            let ready: Vec<usize> =
                (0..conditions.len()).filter(|&rule| !done[rule] && needs[rule].iter().all(|&need| done[need])).collect();
            if ready.is_empty() {
                for (id, (index, source, span)) in &self.ids {
                    if !done[*index] {
                        errors.push(
                            source.error(span.clone(), format!("the rule {id:?} builds on itself, directly or through others")),
                        );
                    }
                }
                return None;
            }
            for rule in ready {
                done[rule] = true;
                order.push(rule);
            }
        }
        Some(order)
    }

    fn scanners(&self, errors: &mut Vec<RuleError>) -> Option<Vec<Scanner>> {
        let mut scanners = Vec::new();
        for (target, entries) in self.targets.iter().zip(&self.patterns) {
            let patterns: Vec<Pattern> = entries.iter().map(|(pattern, ..)| pattern.clone()).collect();
            match Scanner::compile(target.shape(), &patterns) {
                Ok(scanner) => scanners.push(scanner),
                Err(error) => {
                    if let Some((_, source, span)) = entries.get(error.slot) {
                        errors.push(source.error(span.clone(), error.message));
                    }
                }
            }
        }
        errors.is_empty().then_some(scanners)
    }

    /// What patterns over the budget are told: the last pattern of the target that costs most.
    fn over_budget(&self, scanners: &[Scanner], cost: Cost) -> Option<RuleError> {
        let costs = scanners.iter().map(Scanner::steps_per_byte);
        let (steps, index) = costs.zip(0..).max()?;
        let (_, source, span) = self.patterns.get(index)?.last()?;
        let message = format!(
            "the patterns cost up to {} steps a byte, {steps} of them those of {}; the budget is {STEPS_PER_BYTE}",
            cost.steps_per_byte, self.targets[index]
        );
        Some(source.error(span.clone(), message))
    }
}

enum Draft {
    Pattern(TargetIndex, Pattern),
    Question(Question),
}

pub(super) fn times(at_least: u32) -> String {
    if at_least == 1 { String::new() } else { format!(" at least {at_least} times") }
}

fn groups(files: &Files<'_>, errors: &mut Vec<RuleError>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (source, tree) in files {
        for group in &tree.groups {
            if groups.iter().any(|known| known.id == group.id.value) {
                errors.push(source.error(group.id.span.clone(), format!("there is already a group {:?}", group.id.value)));
            }
            groups.push(Group { id: group.id.value.clone(), cap: group.cap });
        }
    }
    groups.sort_by(|a, b| a.id.cmp(&b.id));
    groups
}

fn list(id: &str, entries: &[&str]) -> List {
    let mut entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
    entries.sort();
    List { id: id.to_owned(), entries }
}

fn cost(scanners: &[Scanner]) -> Cost {
    Cost {
        steps_per_byte: scanners.iter().map(Scanner::steps_per_byte).sum(),
        budget: STEPS_PER_BYTE,
        literals: scanners.iter().map(Scanner::literal_count).sum(),
        memory_bytes: scanners.iter().map(Scanner::memory).sum(),
    }
}

#[cfg(test)]
mod tests;
