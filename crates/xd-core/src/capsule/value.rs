//! What each rule is worth over many capsules: how often it holds, how often it alone decides, and on which side.

use super::replay::{Derivation, check};
use super::{Capsule, RecordedVerdict, ReplayError};
use crate::classify::{LEARNED_ID, MODEL_ID};
use crate::evidence::SpamClass;
use crate::judge::class_of;
use crate::rules::Rule;
use crate::{Class, Engine, Score, Truth};

/// Counts what the rules of one engine did to its capsules, one capsule after another in the same room.
///
/// Every capsule is one message. Where its recipients have settings of their own, something is so for the message when it is
/// so for one of them.
///
/// # Example: which rules could go?
/// ```
/// use xd_core::capsule::{Recording, RuleValues, judge_recorded};
/// use xd_core::{Engine, Limits, Message, evidence};
///
/// let engine = Engine::builtin()?;
/// let message = Message::parse(b"Subject: XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n\r\n", &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
///
/// let mut values = RuleValues::new(&engine);
/// values.add(&capsule)?;
/// let (_, gtube) = values.values().find(|(rule, _)| rule.id() == "gtube").unwrap();
/// assert_eq!((gtube.hits, gtube.solo), (1, 1));
/// assert!(values.values().any(|(_, value)| value.hits == 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RuleValues<'e> {
    engine: &'e Engine,
    capsules: u64,
    /// By index of rule.
    values: Vec<RuleValue>,
    work: Derivation,
    /// The rules that hold for the capsule at hand.
    holding: Vec<Holding>,
    /// What the caps of groups leave for them.
    groups: Vec<Score>,
    /// Which settings of the capsule at hand were looked at.
    looked: Vec<bool>,
}

/// What a rule did, in messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleValue {
    /// It held and was not disabled.
    pub hits: u64,
    /// It held, and the class would be another if it were disabled; what the cap of its group then gives to others counts.
    pub solo: u64,
    /// It held and had points, so that it took a side.
    pub sided: u64,
    /// The class by score went to the side it took: spam or sure spam for points, clean for negative points.
    pub agreeing: u64,
    /// What it looks at was unknown, so that it could neither hold nor not.
    pub open: u64,
}

#[derive(Clone, Copy, Debug)]
struct Holding {
    rule: usize,
    /// Its points under the settings at hand; none when they disable it.
    points: Option<Score>,
    hit: bool,
    solo: bool,
    sided: bool,
    agreeing: bool,
}

impl<'e> RuleValues<'e> {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(engine: &'e Engine) -> Self {
        Self {
            engine,
            capsules: 0,
            values: vec![RuleValue::default(); engine.rules().rules().len()],
            work: Derivation::default(),
            holding: Vec::new(),
            groups: Vec::new(),
            looked: Vec::new(),
        }
    }

    /// Counts a capsule.
    ///
    /// # Errors
    /// As for [`Replay::run`](super::Replay::run); nothing is counted then.
    pub fn add(&mut self, capsule: &Capsule) -> Result<(), ReplayError> {
        check(capsule, self.engine)?;
        self.work.derive(capsule, self.engine);
        self.holding.clear();
        for (rule, possible) in self.work.room.rules.iter().enumerate() {
            match possible.exact().unwrap_or(Truth::Unknown) {
                Truth::True => self.holding.push(Holding::of(rule)),
                Truth::Unknown => self.values[rule].open += 1,
                Truth::False => {}
            }
        }
        self.looked.clear();
        self.looked.resize(capsule.other_settings.len() + 1, false);
        for verdict in &capsule.verdicts {
            if !std::mem::replace(&mut self.looked[verdict.settings], true) {
                self.look(capsule, verdict);
            }
        }
        for holding in &self.holding {
            let value = &mut self.values[holding.rule];
            value.hits += u64::from(holding.hit);
            value.solo += u64::from(holding.solo);
            value.sided += u64::from(holding.sided);
            value.agreeing += u64::from(holding.agreeing);
        }
        self.capsules += 1;
        Ok(())
    }

    /// Adds what was counted elsewhere of capsules of the same engine; of another engine, nothing.
    pub fn merge(&mut self, other: &Self) {
        if other.engine.hash() != self.engine.hash() {
            return;
        }
        self.capsules += other.capsules;
        for (value, RuleValue { hits, solo, sided, agreeing, open }) in self.values.iter_mut().zip(&other.values) {
            value.hits += hits;
            value.solo += solo;
            value.sided += sided;
            value.agreeing += agreeing;
            value.open += open;
        }
    }

    /// The engine whose rules are counted.
    #[must_use]
    pub fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// How many capsules were counted.
    #[must_use]
    pub fn capsules(&self) -> u64 {
        self.capsules
    }

    /// All rules in the order of their ids, with what they did.
    pub fn values(&self) -> impl Iterator<Item = (&'e Rule, RuleValue)> {
        self.engine.rules().rules().iter().zip(self.values.iter().copied())
    }

    /// Looks at the rules that hold under the settings of one verdict.
    ///
    /// A group gives the smaller of its cap and its points above nought, and all below nought, in whatever order they come.
    /// So what the sum loses without one rule follows from the sum of its group alone.
    fn look(&mut self, capsule: &Capsule, verdict: &RecordedVerdict) {
        let settings = capsule.settings(verdict);
        let rules = self.engine.rules();
        self.groups.clear();
        self.groups.resize(rules.groups().len(), Score::ZERO);
        let beside = [(MODEL_ID, capsule.model), (LEARNED_ID, capsule.evidence.learned_points())];
        let counted = beside.into_iter().filter(|(id, _)| !settings.disabled.contains(*id));
        let mut score: Score = counted.filter_map(|(_, points)| points).sum();
        for holding in &mut self.holding {
            let rule = &rules.rules()[holding.rule];
            holding.points = (!settings.disabled.contains(rule.id())).then(|| settings.score_of(rule));
            let points = holding.points.unwrap_or(Score::ZERO);
            match rule.group() {
                Some(group) if points > Score::ZERO => self.groups[group] += points,
                _ => score += points,
            }
        }
        for (group, &points) in rules.groups().iter().zip(&self.groups) {
            score += points.min(group.cap);
        }
        let (spam_class, class) = class_of(settings.thresholds, score, &capsule.evidence);
        for holding in &mut self.holding {
            let Some(points) = holding.points else { continue };
            let given = match rules.rules()[holding.rule].group() {
                Some(group) if points > Score::ZERO => {
                    let (cap, all) = (rules.groups()[group].cap, self.groups[group]);
                    all.min(cap) - (all - points).min(cap)
                }
                _ => points,
            };
            let (_, without): (_, Class) = class_of(settings.thresholds, score - given, &capsule.evidence);
            holding.hit = true;
            holding.solo |= without != class;
            holding.sided |= points != Score::ZERO;
            holding.agreeing |= (points > Score::ZERO && spam_class != SpamClass::Clean)
                || (points < Score::ZERO && spam_class == SpamClass::Clean);
        }
    }
}

impl Holding {
    fn of(rule: usize) -> Self {
        Self { rule, points: None, hit: false, solo: false, sided: false, agreeing: false }
    }
}

#[cfg(test)]
mod tests;
