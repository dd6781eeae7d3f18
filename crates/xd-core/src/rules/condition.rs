//! Conditions with all names resolved, and their value in three-valued logic.

use std::fmt::Write as _;

use crate::Truth;

use super::matcher::{Matcher, Outcome};

/// A condition over matchers and other rules, by index.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    AtLeast(usize, Vec<Self>),
    Matcher(usize),
    Not(Box<Self>),
    Rule(usize),
}

impl Condition {
    /// Whether it holds, given the outcomes of matchers and of the rules it builds on.
    #[inline(always)]
    pub(super) fn truth(&self, outcomes: &[Outcome], rules: &[Truth]) -> Truth {
        match self {
            // Most terms; they need no call.
            Self::Matcher(index) => outcomes[*index].truth,
            Self::Rule(index) => rules[*index],
            _ => self.compound_truth(outcomes, rules),
        }
    }

    /// Never inlined: then its terms are answered in place.
    #[inline(never)]
    fn compound_truth(&self, outcomes: &[Outcome], rules: &[Truth]) -> Truth {
        match self {
            Self::All(terms) => {
                let mut all = Truth::True;
                for term in terms {
                    all = all.and(term.truth(outcomes, rules));
                    if all == Truth::False {
                        break;
                    }
                }
                all
            }
            Self::Any(terms) => {
                let mut any = Truth::False;
                for term in terms {
                    any = any.or(term.truth(outcomes, rules));
                    if any == Truth::True {
                        break;
                    }
                }
                any
            }
            Self::AtLeast(needed, terms) => Truth::at_least(*needed, terms.iter().map(|term| term.truth(outcomes, rules))),
            Self::Not(term) => !term.truth(outcomes, rules),
            Self::Matcher(index) => outcomes[*index].truth,
            Self::Rule(index) => rules[*index],
        }
    }

    /// The same condition with its terms in the order in which most messages are done with it soonest; `likely` says whether
    /// a matcher holds for many messages.
    pub(super) fn arranged(&self, likely: &impl Fn(usize) -> bool) -> Self {
        let arranged = |terms: &[Self]| terms.iter().map(|term| term.arranged(likely)).collect::<Vec<_>>();
        match self {
            Self::All(terms) => {
                let mut terms = arranged(terms);
                terms.sort_by_key(|term| (term.is_likely(likely), term.size()));
                Self::All(terms)
            }
            Self::Any(terms) => {
                let mut terms = arranged(terms);
                terms.sort_by_key(|term| (!term.is_likely(likely), term.size()));
                Self::Any(terms)
            }
            Self::AtLeast(needed, terms) => Self::AtLeast(*needed, arranged(terms)),
            Self::Not(term) => Self::Not(Box::new(term.arranged(likely))),
            Self::Matcher(_) | Self::Rule(_) => self.clone(),
        }
    }

    /// The matchers and rules in it.
    fn size(&self) -> usize {
        match self {
            Self::All(terms) | Self::Any(terms) | Self::AtLeast(_, terms) => terms.iter().map(Self::size).sum(),
            Self::Not(term) => term.size(),
            Self::Matcher(_) | Self::Rule(_) => 1,
        }
    }

    fn is_likely(&self, likely: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.is_likely(likely)),
            Self::Any(terms) => terms.iter().any(|term| term.is_likely(likely)),
            Self::Matcher(index) => likely(*index),
            Self::Not(term) => !term.is_likely(likely),
            Self::AtLeast(..) | Self::Rule(_) => false,
        }
    }

    /// Calls `see` with every rule it names.
    pub(super) fn each_rule(&self, see: &mut impl FnMut(usize)) {
        match self {
            Self::All(terms) | Self::Any(terms) | Self::AtLeast(_, terms) => terms.iter().for_each(|term| term.each_rule(see)),
            Self::Not(term) => term.each_rule(see),
            Self::Rule(index) => see(*index),
            Self::Matcher(_) => {}
        }
    }

    /// Calls `see` with every matcher it names itself, and whether it is wanted to hold (not under an odd number of nots).
    pub(super) fn each_matcher(&self, wanted: bool, see: &mut impl FnMut(usize, bool)) {
        match self {
            Self::All(terms) | Self::Any(terms) | Self::AtLeast(_, terms) => {
                terms.iter().for_each(|term| term.each_matcher(wanted, see));
            }
            Self::Not(term) => term.each_matcher(!wanted, see),
            Self::Matcher(index) => see(*index, wanted),
            Self::Rule(_) => {}
        }
    }

    /// The condition as one line of text.
    pub(super) fn text(&self, matchers: &[Matcher], rules: &[String]) -> String {
        let mut text = String::new();
        self.write(&mut text, matchers, rules);
        text
    }

    fn write(&self, out: &mut String, matchers: &[Matcher], rules: &[String]) {
        // Writing to a String cannot fail.
        let join = |out: &mut String, word: &str, terms: &[Self]| {
            let _ = write!(out, "{word}(");
            for (index, term) in terms.iter().enumerate() {
                if index > 0 {
                    out.push_str("; ");
                }
                term.write(out, matchers, rules);
            }
            out.push(')');
        };
        match self {
            Self::All(terms) => join(out, "all", terms),
            Self::Any(terms) => join(out, "any", terms),
            Self::AtLeast(needed, terms) => join(out, &format!("at least {needed} of "), terms),
            Self::Matcher(index) => out.push_str(&matchers[*index].text),
            Self::Not(term) => {
                out.push_str("not ");
                term.write(out, matchers, rules);
            }
            Self::Rule(index) => {
                let _ = write!(out, "rule {}", rules[*index]);
            }
        }
    }
}
