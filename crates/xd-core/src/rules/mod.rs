//! Rules: a declarative language in TOML, compiled once, evaluated in three-valued logic.
//!
//! A rule is a condition over tests of a message, its envelope and its evidence, with points and a sentence. All tests
//! of all rules are answered for every message, whatever is disabled or decided: their outcomes are what a verdict can
//! be derived from again. `docs/rules.md` describes the language.

mod brand;
pub mod builtin;
pub mod cases;
mod compile;
mod condition;
mod finder;
mod grams;
mod kinship;
mod literal;
mod matcher;
mod needs;
mod number;
mod partial;
mod plan;
mod possible;
mod read;
mod register;
mod scanner;
mod source;
mod spelling;
mod syntax;
mod target;
mod text_set;

use crate::evidence::Listing;
use crate::{Evidence, Known, Proof, Score, Truth};

use brand::Brands;
use condition::Condition;
pub(crate) use matcher::Outcome;
use matcher::{Matcher, Question, View};
pub(crate) use number::Number;
pub(crate) use partial::{Selection, Told};
use plan::Plan;
pub(crate) use possible::{Possible, Workspace};
pub(crate) use register::Register;
use scanner::{AllFound, Scanner};
pub use source::{RuleError, RuleErrors, RuleSource};
pub(crate) use target::{Scene, Target};
use target::{Targets, Values};

/// A rule, compiled.
#[derive(Debug)]
pub struct Rule {
    id: String,
    family: String,
    score: Score,
    why: String,
    group: Option<usize>,
    file: String,
    line: usize,
    text: String,
    condition: Condition,
}

impl Rule {
    /// The id, by which everything refers to the rule.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The family it belongs to: `links`, `identity`, …
    #[must_use]
    pub fn family(&self) -> &str {
        &self.family
    }

    /// The points it gives when it holds.
    #[must_use]
    pub fn score(&self) -> Score {
        self.score
    }

    /// The sentence that explains it, without a final period.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The file it stands in.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line of that file.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The condition as one line of text.
    #[must_use]
    pub fn condition_text(&self) -> &str {
        &self.text
    }

    /// The index of its group in [`RuleSet::groups`].
    #[must_use]
    pub fn group(&self) -> Option<usize> {
        self.group
    }
}

/// Rules whose points together count at most `cap`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The id.
    pub id: String,
    /// The most points its rules give together. Negative points are not capped.
    pub cap: Score,
}

/// Texts under one name, which conditions fill in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct List {
    /// The id.
    pub id: String,
    /// The texts, sorted.
    pub entries: Vec<String>,
}

/// What a rule set can cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    /// Steps that one byte of a message can take at worst: the states of the automata of all regexes, whatever they look at.
    pub steps_per_byte: usize,
    /// The most that is allowed.
    pub budget: usize,
    /// Literals looked for.
    pub literals: usize,
    /// Bytes of memory of all automata, caches not counted.
    pub memory_bytes: usize,
}

/// A set of rules, compiled and checked.
#[derive(Debug)]
pub struct RuleSet {
    /// In the order of ids.
    rules: Vec<Rule>,
    /// In the order of ids.
    groups: Vec<Group>,
    /// In the order of ids.
    lists: Vec<List>,
    plan: Plan,
    targets: Targets,
    scanners: Vec<Scanner>,
    matchers: Vec<Matcher>,
    brands: Brands,
    lints: Vec<RuleError>,
    cost: Cost,
}

impl RuleSet {
    /// The rules, in the order of their ids.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok().map(|index| &self.rules[index])
    }

    /// The groups, in the order of their ids.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The lists, in the order of their ids. Conditions hold their texts already; a list alone matches nothing.
    #[must_use]
    pub fn lists(&self) -> &[List] {
        &self.lists
    }

    /// The brands: the names that each goes by, in normal spelling, and the domains it sends from, both sorted.
    pub fn brands(&self) -> impl Iterator<Item = (&[String], &[String])> {
        self.brands.entries().iter().map(|(names, domains)| (names.as_slice(), domains.as_slice()))
    }

    /// What is allowed and unwise, with places.
    #[must_use]
    pub fn lints(&self) -> &[RuleError] {
        &self.lints
    }

    /// What the set can cost.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Answers every test and every rule for one message.
    pub(crate) fn observe<'m>(&self, scene: Scene<'m>) -> Observation<'m> {
        let values = self.targets.values(scene);
        let found = AllFound::scan(&self.scanners, &values);
        let numbers = number::values(scene, |number| self.plan.asks_for(number));
        let view = View { scene, values: &values, found: &found, numbers: &numbers, brands: &self.brands };
        let outcomes: Vec<Outcome> = self.matchers.iter().map(|matcher| matcher.answer(&view)).collect();
        let truths = self.plan.truths(&outcomes);
        Observation { values, numbers, outcomes, truths }
    }

    /// The same where nothing but evidence may have changed since the tests had these answers: only what asks for evidence is looked at.
    pub(crate) fn observe_again<'m>(&self, scene: Scene<'m>, before: &[Outcome]) -> Observation<'m> {
        let values = self.targets.values(scene);
        let is_evidence = |target: usize| self.targets.name(target).starts_with(EVIDENCE);
        let found = AllFound::scan_some(&self.scanners, &values, is_evidence);
        let numbers = number::values(scene, |number| self.plan.asks_for(number));
        let view = View { scene, values: &values, found: &found, numbers: &numbers, brands: &self.brands };
        let outcomes = self.matchers.iter().zip(before).map(|(matcher, before)| {
            let mut asks = matches!(matcher.question, Question::Listed { .. } | Question::Number(..));
            matcher.question.each_target(|target| asks |= is_evidence(target));
            if asks { matcher.answer(&view) } else { before.clone() }
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        let truths = self.plan.truths(&outcomes);
        Observation { values, numbers, outcomes, truths }
    }

    /// What proves that a rule holds: the places its tests were met at, those of the rules it builds on included.
    pub(crate) fn proofs(&self, rule: usize, seen: &Observation<'_>) -> Vec<Proof<'_>> {
        const MOST: usize = 3;
        let mut proofs = Vec::new();
        let mut rules = vec![rule];
        let mut next = 0;
        while let Some(&rule) = rules.get(next) {
            next += 1;
            let met = self.plan.wanted(rule).filter(|&index| seen.outcomes[index].truth.is_true());
            proofs.extend(met.filter_map(|index| self.proof(index, seen)).take(MOST - proofs.len()));
            if proofs.len() == MOST {
                break;
            }
            for named in self.plan.named(rule) {
                if seen.truths[named].is_true() && !rules.contains(&named) {
                    rules.push(named);
                }
            }
        }
        proofs
    }

    /// The tests of a rule with their answers, for people who debug it.
    pub(crate) fn tests_of(&self, rule: usize, seen: &Observation<'_>) -> Vec<(String, Truth)> {
        let condition = &self.rules[rule].condition;
        let mut tests = Vec::new();
        condition.each_matcher(true, &mut |index, _| tests.push((self.matchers[index].text.clone(), seen.outcomes[index].truth)));
        condition.each_rule(&mut |named| tests.push((format!("rule {}", self.rules[named].id), seen.truths[named])));
        tests
    }

    fn proof(&self, matcher: usize, seen: &Observation<'_>) -> Option<Proof<'_>> {
        let outcome = &seen.outcomes[matcher];
        let matcher = &self.matchers[matcher];
        let target = match &matcher.question {
            Question::Equals(target, _)
            | Question::Mentions(target, _)
            | Question::NamesBrand(target, _)
            | Question::Pattern(target, _)
            | Question::ResemblesBrand(target)
            | Question::SameAs(target, _)
            | Question::DiffersFrom(target, _)
            | Question::Within(target, _) => *target,
            Question::Present(..) | Question::Number(..) | Question::Defects(_) | Question::Listed { .. } => {
                return Some(Proof { target: &matcher.text, times: outcome.count, value: 0, span: 0..0, quote: String::new() });
            }
        };
        let Some(values) = seen.values[target].found() else {
            // A record may tell that a test was met and not where.
            return Some(Proof {
                target: self.targets.name(target),
                times: outcome.count,
                value: 0,
                span: 0..0,
                quote: String::new(),
            });
        };
        let (index, span) = outcome.first.clone().unwrap_or_else(|| (0, 0..values.first().map_or(0, |value| value.len())));
        let value = values.get(index)?;
        Some(Proof {
            target: self.targets.name(target),
            times: outcome.count,
            value: index,
            quote: quote(value, span.clone()),
            span,
        })
    }

    /// The DNS list entries and other evidence that rules still open depend on, with the points at stake.
    pub(crate) fn open_questions(&self, seen: &Observation<'_>, evidence: &Evidence) -> Vec<(OpenQuestion, Score)> {
        let mut open: Vec<(OpenQuestion, Score)> = Vec::new();
        for (index, matcher) in self.matchers.iter().enumerate() {
            if seen.outcomes[index].truth != Truth::Unknown {
                continue;
            }
            let Some(stake) = self.stake(index, seen, evidence) else { continue };
            match &matcher.question {
                Question::Listed { zone, target, .. } => match &seen.values[*target] {
                    Known::Found(values) => {
                        // Only all of them together rule the list out.
                        let listings: Vec<Listing> = matcher::listings(values, zone).collect();
                        let left = listings.iter().filter(|listing| !evidence.listings.contains_key(listing)).count();
                        let share = stake.shared_by(left);
                        open.extend(listings.into_iter().map(|listing| (OpenQuestion::Listing(listing), share)));
                    }
                    Known::Absent => {}
                    Known::Unknown(_) => open.push((OpenQuestion::Target(self.targets.name(*target).to_owned()), stake)),
                },
                Question::DiffersFrom(a, b) | Question::Mentions(a, b) | Question::SameAs(a, b) => {
                    for target in [a, b] {
                        if seen.values[*target].is_unknown() {
                            open.push((OpenQuestion::Target(self.targets.name(*target).to_owned()), stake));
                        }
                    }
                }
                Question::NamesBrand(target, others) => {
                    for target in [target].into_iter().chain(others) {
                        if seen.values[*target].is_unknown() {
                            open.push((OpenQuestion::Target(self.targets.name(*target).to_owned()), stake));
                        }
                    }
                }
                Question::Equals(target, _)
                | Question::Pattern(target, _)
                | Question::Present(target, _)
                | Question::ResemblesBrand(target)
                | Question::Within(target, _) => open.push((OpenQuestion::Target(self.targets.name(*target).to_owned()), stake)),
                Question::Number(number, ..) => open.push((OpenQuestion::Target(number.name().to_owned()), stake)),
                Question::Defects(_) => {}
            }
        }
        open
    }

    /// The points of all open rules that build on a matcher, directly or through others, whatever their sign. None when there
    /// are none, or all are switched off for everyone: then nobody needs the answer.
    fn stake(&self, matcher: usize, seen: &Observation<'_>, evidence: &Evidence) -> Option<Score> {
        let settings = || std::iter::once(&evidence.settings).chain(evidence.recipient_settings.values());
        let mut touched = vec![false; self.rules.len()];
        let mut stake = None;
        for &index in self.plan.order() {
            let rule = &self.rules[index];
            let mut touches = false;
            rule.condition.each_matcher(true, &mut |named, _| touches |= named == matcher);
            rule.condition.each_rule(&mut |named| touches |= touched[named]);
            touched[index] = touches && seen.truths[index] == Truth::Unknown;
            if touched[index] && settings().any(|settings| !settings.disabled.contains(&rule.id)) {
                let score = evidence.settings.scores.get(&rule.id).copied().unwrap_or(rule.score);
                let magnitude = if score < Score::ZERO { -score } else { score };
                stake = Some(stake.unwrap_or(Score::ZERO) + magnitude);
            }
        }
        stake
    }
}

/// How the names of targets begin that are evidence.
const EVIDENCE: &str = "evidence.";

/// Something that a rule depends on and no one knows yet.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum OpenQuestion {
    Listing(Listing),
    /// A target or number, by name.
    Target(String),
}

/// The answers of all tests and rules for one message.
#[derive(Debug)]
pub(crate) struct Observation<'m> {
    values: Vec<Values<'m>>,
    /// By index; those that no test asks for are unknown.
    pub(crate) numbers: Vec<Known<i64>>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) truths: Vec<Truth>,
}

/// What stands in a span of a text, with a little around it when it is short; at most 80 characters, blanks folded.
fn quote(text: &str, span: std::ops::Range<usize>) -> String {
    const MOST: usize = 80;
    const AROUND: usize = 16;
    let mut start = span.start.min(text.len());
    let mut end = span.end.min(text.len());
    if end - start < MOST - 2 * AROUND {
        start = start.saturating_sub(AROUND);
        end = (end + AROUND).min(text.len());
    }
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text[start..end].chars().take(MOST).map(|c| if c == '\n' { ' ' } else { c }).collect()
}

/// What rules can look at: the name and meaning of every target and number that has a fixed name. Header fields are
/// further targets: `header:name`, `original:name`, `raw:name`.
pub fn vocabulary() -> impl Iterator<Item = (&'static str, &'static str)> {
    let targets = target::NAMED.iter().map(|target| (target.name, target.about));
    targets.chain(number::NUMBERS.iter().map(|number| (number.name, number.about)))
}
