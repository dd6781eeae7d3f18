//! Where a message stands: the points of the rules that held for it, without anything else of its record.
//!
//! Scores follow from points alone, so what other points would have made of thousands of messages is a matter of some additions
//! for each. A rule that is disabled gives nothing, whatever builds on it, so disabling is a score of nought.

use super::replay::{Derivation, check};
use super::{Capsule, ReplayError};
use crate::classify::{LEARNED_ID, MODEL_ID};
use crate::evidence::{Antivirus, SpamClass, Thresholds};
use crate::rules::RuleSet;
use crate::{Class, Engine, Known, Score};

/// What one verdict comes to for whatever points rules have.
///
/// # Example: what would the score be if a rule had fewer points?
/// ```
/// use xd_core::capsule::{Edit, Recording, Standing, judge_recorded};
/// use xd_core::{Engine, Limits, Message, RuleSource, Score, evidence};
///
/// let rule = "family = 'mine'\n[[rule]]\nid = 'hello'\nscore = '6.00'\nwhy = 'it says hello'\nwhen = { in = 'subject', words = ['hello'] }\n";
/// let engine = Engine::compile(vec![RuleSource::new("mine.toml", rule)])?;
/// let message = Message::parse(b"Subject: hello\r\n\r\n", &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
///
/// let standing = Standing::of(&capsule, 0, &engine)?.unwrap();
/// let fewer = Edit { rule: 0, to: Score::from_hundredths(450) };
/// assert_eq!(standing.score(engine.rules(), &[fewer]), fewer.to);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// By group, then by rule.
    held: Vec<Held>,
    /// The points of the model and of what was learned.
    beside: Score,
    thresholds: Thresholds,
    infected: bool,
}

/// A rule that held and was not disabled.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Held {
    group: Option<usize>,
    rule: usize,
    points: Score,
}

/// A rule with other points.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "whoever asks has to give all of it")]
pub struct Edit {
    /// Its place among the rules of the engine.
    pub rule: usize,
    /// The points it would have.
    pub to: Score,
}

impl Standing {
    /// The standing of one verdict of a capsule; nothing where it has no such verdict.
    ///
    /// # Errors
    /// As for [`Replay::run`](super::Replay::run).
    pub fn of(capsule: &Capsule, verdict: usize, engine: &Engine) -> Result<Option<Self>, ReplayError> {
        check(capsule, engine)?;
        let Some(verdict) = capsule.verdicts.get(verdict) else { return Ok(None) };
        let settings = capsule.settings(verdict);
        let mut work = Derivation::default();
        work.derive(capsule, engine);
        let holding = engine.rules().rules().iter().zip(&work.room.rules).enumerate();
        let holding = holding
            .filter(|(_, (rule, possible))| possible.counts().is_true() && !settings.disabled.contains(rule.id()))
            .map(|(index, (rule, _))| Held { group: rule.group(), rule: index, points: settings.score_of(rule) });
        let mut held: Vec<Held> = holding.collect();
        held.sort_unstable();
        let beside = [(MODEL_ID, capsule.model), (LEARNED_ID, capsule.evidence.learned_points())];
        let counted = beside.into_iter().filter(|(id, _)| !settings.disabled.contains(*id));
        Ok(Some(Self {
            held,
            beside: counted.filter_map(|(_, points)| points).sum(),
            thresholds: settings.thresholds,
            infected: matches!(capsule.evidence.antivirus, Known::Found(Antivirus::Infected(_))),
        }))
    }

    /// The rules that held, with their points.
    pub fn rules(&self) -> impl Iterator<Item = (usize, Score)> {
        self.held.iter().map(|held| (held.rule, held.points))
    }

    /// The points of a rule, if it held.
    #[must_use]
    pub fn points(&self, rule: usize) -> Option<Score> {
        self.held.iter().find(|held| held.rule == rule).map(|held| held.points)
    }

    /// What stands beside the rules: the points of the model and of what was learned.
    #[must_use]
    pub fn beside(&self) -> Score {
        self.beside
    }

    /// From which scores on it is spam and sure spam.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Whether it is infected, whatever its score.
    #[must_use]
    pub fn is_infected(&self) -> bool {
        self.infected
    }

    /// What any edit does to its being spam depends on this alone, unless it is infected.
    pub(super) fn key(&self) -> (&[Held], Score, Score) {
        (&self.held, self.beside, self.thresholds.spam())
    }

    /// The score with these rules' points changed.
    ///
    /// A group gives the smaller of its cap and its points above nought, and all below nought, in whatever order they come.
    #[must_use]
    pub fn score(&self, rules: &RuleSet, edits: &[Edit]) -> Score {
        let mut score = self.beside;
        for together in self.held.chunk_by(|a, b| a.group == b.group) {
            let (mut above, mut below) = (Score::ZERO, Score::ZERO);
            for held in together {
                let points = edits.iter().find(|edit| edit.rule == held.rule).map_or(held.points, |edit| edit.to);
                if points > Score::ZERO {
                    above += points;
                } else {
                    below += points;
                }
            }
            let cap = together.first().and_then(|held| held.group).and_then(|group| rules.groups().get(group));
            score += cap.map_or(above, |group| above.min(group.cap)) + below;
        }
        score
    }

    /// The class with these rules' points changed.
    #[must_use]
    pub fn class(&self, rules: &RuleSet, edits: &[Edit]) -> Class {
        match self.thresholds.class(self.score(rules, edits)) {
            _ if self.infected => Class::Infected,
            SpamClass::Clean => Class::Clean,
            SpamClass::Spam => Class::Spam,
            SpamClass::SureSpam => Class::SureSpam,
        }
    }
}
