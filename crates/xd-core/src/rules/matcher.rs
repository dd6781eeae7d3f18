//! Tests with all names resolved: what is looked at, what is asked, and the answer for one message.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::Range;

use memchr::memmem;

use crate::evidence::Listing;
use crate::{Defect, Domain, Host, Known, Truth};

use super::brand::Brands;
use super::finder::overlapping;
use super::number::Number;
use super::scanner::{AllFound, stands_alone};
use super::syntax::Comparison;
use super::target::{Scene, Values};
use super::text_set::TextSet;

/// Values of one target that DNS lists are asked about; beyond them the answer is unknown.
const MAX_LISTED: usize = 20;
/// Words of another target that are looked for; beyond them the answer is unknown.
const MAX_MENTIONED: usize = 20;
/// Bytes of the longest address (RFC 5321 §4.5.3.1: 64, an at sign, 255); no longer word is mentioned anywhere.
const MAX_MENTION: usize = 320;
/// Bytes of the longest domain (RFC 1035 §2.3.4).
const MAX_DOMAIN: usize = 253;

/// The index of a target in the rule set.
pub(super) type TargetIndex = usize;

/// What a matcher asks.
#[derive(Debug)]
pub(super) enum Question {
    Defects(Vec<Defect>),
    DiffersFrom(TargetIndex, TargetIndex),
    Equals(TargetIndex, TextSet),
    Listed {
        target: TargetIndex,
        zone: Domain,
        answers: Vec<Ipv4Addr>,
    },
    Mentions(TargetIndex, TargetIndex),
    NamesBrand(TargetIndex, Vec<TargetIndex>),
    Number(Number, Comparison, i64),
    /// The slot of a pattern in the scanner of its target.
    Pattern(TargetIndex, usize),
    Present(TargetIndex, bool),
    ResemblesBrand(TargetIndex),
    SameAs(TargetIndex, TargetIndex),
    Within(TargetIndex, TextSet),
}

impl Question {
    /// Calls `each` with every target that is looked at.
    pub(super) fn each_target(&self, mut each: impl FnMut(TargetIndex)) {
        match self {
            Self::Defects(_) | Self::Number(..) => {}
            Self::DiffersFrom(a, b) | Self::Mentions(a, b) | Self::SameAs(a, b) => [*a, *b].into_iter().for_each(each),
            Self::NamesBrand(target, others) => [*target].into_iter().chain(others.iter().copied()).for_each(each),
            Self::Equals(target, _)
            | Self::Listed { target, .. }
            | Self::Pattern(target, _)
            | Self::Present(target, _)
            | Self::ResemblesBrand(target)
            | Self::Within(target, _) => each(*target),
        }
    }
}

/// One test, shared by all rules that ask the same.
#[derive(Debug)]
pub(super) struct Matcher {
    /// How the test reads; equal tests read the same.
    pub(super) text: String,
    pub(super) question: Question,
    pub(super) at_least: u32,
}

/// The answer of a matcher for one message.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Whether it holds.
    pub(crate) truth: Truth,
    /// How often it was met.
    pub(crate) count: u32,
    /// Where it was met first: which value of the target, and the span in it.
    pub(crate) first: Option<(usize, Range<usize>)>,
}

impl Outcome {
    pub(super) const FALSE: Self = Self { truth: Truth::False, count: 0, first: None };
    pub(super) const UNKNOWN: Self = Self { truth: Truth::Unknown, count: 0, first: None };

    pub(super) fn of(holds: bool) -> Self {
        Self { truth: holds.into(), count: u32::from(holds), first: None }
    }

    fn counted(count: u32, at_least: u32, first: Option<(usize, Range<usize>)>) -> Self {
        Self { truth: (count >= at_least).into(), count, first }
    }
}

/// What matchers look at: the values of all targets, and what their scanners found.
pub(super) struct View<'m, 'v> {
    pub(super) scene: Scene<'m>,
    pub(super) values: &'v [Values<'m>],
    pub(super) found: &'v AllFound,
    /// The values of all numbers that tests ask for, by index.
    pub(super) numbers: &'v [Known<i64>],
    pub(super) brands: &'v Brands,
}

impl Matcher {
    pub(super) fn answer(&self, view: &View<'_, '_>) -> Outcome {
        let values = |target: TargetIndex| match &view.values[target] {
            Known::Found(values) => Known::Found(values.as_slice()),
            Known::Absent => Known::Absent,
            Known::Unknown(why) => Known::Unknown(*why),
        };
        match &self.question {
            Question::Defects(defects) => {
                Outcome::of(defects.iter().any(|&defect| view.scene.message.defects().contains(defect)))
            }
            Question::DiffersFrom(a, b) => related(values(*a), values(*b), |a, b| Outcome::of(!common(a, b).truth.is_true())),
            Question::SameAs(a, b) => related(values(*a), values(*b), common),
            Question::Mentions(a, b) => related(values(*a), values(*b), mentions),
            Question::Listed { target, zone, answers } => listed(view, values(*target), zone, answers),
            Question::Equals(target, set) => self.among(values(*target), |value| set.contains(value)),
            Question::Within(target, set) => {
                self.among(values(*target), |value| value.len() <= MAX_DOMAIN && set.contains_domain_of(value))
            }
            Question::NamesBrand(target, outside) => {
                // Most mail names no brand at all; whose domains it has is asked only then.
                let any = placed(values(*target), |value| view.brands.named_in(value, &[]));
                if !any.truth.is_true() {
                    return any;
                }
                let own = outside.iter().filter_map(|&other| view.values[other].found()).flatten();
                let owned = view.brands.owned_by(own.map(AsRef::as_ref));
                let named = placed(values(*target), |value| view.brands.named_in(value, &owned));
                // One more domain of the brand's own could only excuse it.
                let excusable = outside.iter().any(|&other| view.values[other].is_unknown());
                if named.truth.is_true() && excusable { Outcome::UNKNOWN } else { named }
            }
            Question::ResemblesBrand(target) => self.among(values(*target), |value| view.brands.resembled_by(value)),
            Question::Number(number, comparison, bound) => match view.numbers[number.index()] {
                Known::Found(value) => Outcome::of(comparison.holds(value, *bound)),
                Known::Absent => Outcome::of(false),
                Known::Unknown(_) => Outcome::UNKNOWN,
            },
            Question::Pattern(target, slot) => match values(*target) {
                Known::Found(_) => {
                    let found = view.found.of(*target, *slot);
                    Outcome::counted(found.count, self.at_least, found.first.clone())
                }
                Known::Absent => Outcome::of(false),
                Known::Unknown(_) => Outcome::UNKNOWN,
            },
            Question::Present(target, present) => match values(*target) {
                Known::Found(_) => Outcome::of(*present),
                Known::Absent => Outcome::of(!*present),
                Known::Unknown(_) => Outcome::UNKNOWN,
            },
        }
    }

    fn among(&self, values: Known<&[Cow<'_, str>]>, holds: impl Fn(&str) -> bool) -> Outcome {
        match values {
            Known::Found(values) => first_of(values, |value| holds(value), self.at_least),
            Known::Absent => Outcome::of(false),
            Known::Unknown(_) => Outcome::UNKNOWN,
        }
    }
}

fn placed(values: Known<&[Cow<'_, str>]>, place: impl Fn(&str) -> Option<Range<usize>>) -> Outcome {
    match values {
        Known::Found(values) => {
            let first = values.iter().enumerate().find_map(|(index, value)| place(value).map(|span| (index, span)));
            Outcome::counted(u32::from(first.is_some()), 1, first)
        }
        Known::Absent => Outcome::of(false),
        Known::Unknown(_) => Outcome::UNKNOWN,
    }
}

fn first_of(values: &[Cow<'_, str>], holds: impl Fn(&Cow<'_, str>) -> bool, at_least: u32) -> Outcome {
    let (mut count, mut first) = (0, None);
    for (index, value) in values.iter().enumerate() {
        if holds(value) {
            count += 1;
            first.get_or_insert((index, 0..value.len()));
        }
    }
    Outcome::counted(count, at_least, first)
}

/// Both sides are needed: an absent one settles it, an unknown one leaves it open.
fn related<'a>(
    a: Known<&'a [Cow<'a, str>]>,
    b: Known<&'a [Cow<'a, str>]>,
    compare: impl FnOnce(&'a [Cow<'a, str>], &'a [Cow<'a, str>]) -> Outcome,
) -> Outcome {
    match (a, b) {
        (Known::Absent, _) | (_, Known::Absent) => Outcome::of(false),
        (Known::Unknown(_), _) | (_, Known::Unknown(_)) => Outcome::UNKNOWN,
        (Known::Found(a), Known::Found(b)) => compare(a, b),
    }
}

/// The values that are among others too.
fn common(values: &[Cow<'_, str>], others: &[Cow<'_, str>]) -> Outcome {
    /// To compare with each is quicker than to sort so few.
    const FEW: usize = 4;
    if others.len() <= FEW {
        return first_of(values, |value| others.contains(value), 1);
    }
    let others: BTreeSet<&str> = others.iter().map(AsRef::as_ref).collect();
    first_of(values, |value| others.contains(value.as_ref()), 1)
}

fn mentions(values: &[Cow<'_, str>], words: &[Cow<'_, str>]) -> Outcome {
    // Shorter names are syllables of ordinary words.
    const SHORTEST: usize = 4;
    let mut usable = words.iter().filter(|word| (SHORTEST..=MAX_MENTION).contains(&word.len()));
    let longest = values.iter().map(|value| value.len()).max().unwrap_or(0);
    let first = usable.by_ref().take(MAX_MENTIONED).filter(|word| word.len() <= longest).find_map(|word| {
        let find = |value: &Cow<'_, str>| find_word(value, word);
        values.iter().enumerate().find_map(|(index, value)| find(value).map(|span| (index, span)))
    });
    if first.is_none() && usable.next().is_some() {
        return Outcome::UNKNOWN;
    }
    Outcome::counted(u32::from(first.is_some()), 1, first)
}

/// The first place where a word stands as a whole word.
fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    /// Preparing a search costs more than searching a shorter text.
    const SHORT: usize = 256;
    let (text_bytes, word_bytes) = (text.as_bytes(), word.as_bytes());
    let stands = |&at: &usize| stands_alone(text, &(at..at + word.len()));
    let first = *word_bytes.first()?;
    let at = if text.len() > SHORT {
        overlapping(&memmem::Finder::new(word), text_bytes).find(stands)
    } else {
        memchr::memchr_iter(first, text_bytes).filter(|&at| text_bytes[at..].starts_with(word_bytes)).find(stands)
    };
    at.map(|at| at..at + word.len())
}

/// The entries of a DNS list that a target's values would be looked up as.
pub(super) fn listings<'v>(values: &'v [Cow<'_, str>], zone: &'v Domain) -> impl Iterator<Item = Listing> + 'v {
    values.iter().take(MAX_LISTED).filter_map(|value| {
        // IPv6 addresses of links stand in brackets.
        let item = match value.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Domain(Domain::parse(value).ok()?),
        };
        Some(Listing { zone: zone.clone(), item })
    })
}

fn listed(view: &View<'_, '_>, of: Known<&[Cow<'_, str>]>, zone: &Domain, answers: &[Ipv4Addr]) -> Outcome {
    let values = match of {
        Known::Found(values) => values,
        Known::Absent => return Outcome::of(false),
        Known::Unknown(_) => return Outcome::UNKNOWN,
    };
    let truth = listings(values, zone)
        .map(|listing| match view.scene.evidence.listing(&listing) {
            Known::Found(found) => Truth::from(answers.is_empty() || found.iter().any(|answer| answers.contains(answer))),
            Known::Absent => Truth::False,
            Known::Unknown(_) => Truth::Unknown,
        })
        .fold(Truth::False, Truth::or);
    // What was not looked up may be listed.
    let truth = if values.len() > MAX_LISTED { truth.or(Truth::Unknown) } else { truth };
    Outcome { truth, count: u32::from(truth.is_true()), first: None }
}
