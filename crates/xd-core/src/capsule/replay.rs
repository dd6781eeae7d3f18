//! Deriving verdicts again from their record, with the engine it names.

use super::{Capsule, RecordedVerdict};
use crate::classify::{LEARNED_ID, MODEL_ID};
use crate::engine::EngineHash;
use crate::judge::{Tally, class_of};
use crate::rules::{Possible, RuleSet, Workspace};
use crate::{Engine, Evidence, SEMANTICS, Score, Settings, Truth};

/// Derives verdicts again, many in a row with one engine.
#[derive(Debug)]
pub struct Replay<'e> {
    engine: &'e Engine,
    derivation: Derivation,
}

/// What a replay gave.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Replayed {
    /// The verdicts as they follow from the record, in its order.
    pub verdicts: Vec<RecordedVerdict>,
    /// The places of those that differ from what was recorded; none, unless the record was damaged.
    pub differing: Vec<usize>,
    /// Whether SPF and DMARC follow from the answers that were recorded; also where none were.
    pub senders_follow: bool,
}

/// Why a capsule cannot be replayed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Another engine judged.
    #[error(
        "the capsule is of engine {recorded}, not {given}; replay is exact with its own engine only, anything else is a what-if"
    )]
    Engine {
        /// The one that judged.
        recorded: EngineHash,
        /// The one given.
        given: EngineHash,
    },
    /// The record names tests that its engine does not have.
    #[error("the capsule names tests that its engine does not have: it is damaged")]
    Register,
    /// Another version of the program judged, that read messages in another way.
    #[error(
        "the capsule is of semantics version {recorded:?}, this program is of {SEMANTICS:?}; replay it with the program that made it"
    )]
    Semantics {
        /// The version that judged.
        recorded: String,
    },
}

impl Replayed {
    /// Whether every verdict follows from its record, bit for bit, and what SPF and DMARC said from the answers in it.
    #[must_use]
    pub fn is_identical(&self) -> bool {
        self.differing.is_empty() && self.senders_follow
    }
}

impl<'e> Replay<'e> {
    /// A replay with this engine.
    #[must_use]
    pub fn new(engine: &'e Engine) -> Self {
        Self { engine, derivation: Derivation::default() }
    }

    /// Derives the verdicts of a capsule.
    ///
    /// # Errors
    /// When another engine or another semantics version judged, or the record names what its engine does not have.
    pub fn run(&mut self, capsule: &Capsule) -> Result<Replayed, ReplayError> {
        check(capsule, self.engine)?;
        self.derivation.derive(capsule, self.engine);
        let derived = |verdict: &RecordedVerdict| {
            let sums = self.derivation.sums(self.engine.rules(), capsule.settings(verdict));
            sums.verdict(verdict.settings, capsule.settings(verdict), &capsule.evidence)
        };
        let mut verdicts: Vec<RecordedVerdict> = Vec::with_capacity(capsule.verdicts.len());
        for (index, verdict) in capsule.verdicts.iter().enumerate() {
            // Recipients mostly share their settings, and then their verdict.
            match index.checked_sub(1).map(|before| verdicts[before]) {
                Some(before) if before.settings == verdict.settings => verdicts.push(before),
                _ => verdicts.push(derived(verdict)),
            }
        }
        let differs = |index: &usize| verdicts[*index] != capsule.verdicts[*index];
        let differing = (0..verdicts.len()).filter(differs).collect();
        Ok(Replayed { verdicts, differing, senders_follow: capsule.senders_follow() })
    }
}

impl Capsule {
    /// Derives the verdicts again. For many capsules of one engine, [`Replay`] keeps what it needs.
    ///
    /// # Errors
    /// As for [`Replay::run`].
    pub fn replay(&self, engine: &Engine) -> Result<Replayed, ReplayError> {
        Replay::new(engine).run(self)
    }
}

/// Whether a capsule is one of this engine.
pub(super) fn check(capsule: &Capsule, engine: &Engine) -> Result<(), ReplayError> {
    if capsule.semantics != SEMANTICS {
        return Err(ReplayError::Semantics { recorded: capsule.semantics.clone() });
    }
    if capsule.engine != engine.hash() {
        return Err(ReplayError::Engine { recorded: capsule.engine, given: engine.hash() });
    }
    let register = engine.register();
    let has_model = capsule.model.is_some() == engine.model().is_some();
    if has_model && capsule.outcomes.fit(register) && capsule.numbers.fit(register) { Ok(()) } else { Err(ReplayError::Register) }
}

/// Room in which the rules of one capsule after another are worked out.
#[derive(Debug, Default)]
pub(super) struct Derivation {
    /// The points of the model, and how many they may be.
    pub(super) model: Option<(Score, Score)>,
    /// The points of what was learned, if it was consulted.
    pub(super) learned: Option<Score>,
    pub(super) tests: Vec<(usize, Possible)>,
    pub(super) room: Workspace,
}

/// The sums of one verdict.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sums {
    pub(super) score: Score,
    pub(super) low: Score,
    pub(super) high: Score,
}

impl Derivation {
    /// Works out every rule as it was.
    pub(super) fn derive(&mut self, capsule: &Capsule, engine: &Engine) {
        self.model = capsule.model.map(|points| (points, points));
        self.learned = capsule.evidence.learned_points();
        capsule.outcomes.possible(engine.register(), &mut self.tests);
        engine.rules().derive(&self.tests, None, &mut self.room);
    }

    /// The sums with nothing in them yet but the points of the model and of what was learned, unless they are disabled.
    pub(super) fn tally(&self, rules: &RuleSet, disabled: impl Fn(&str) -> bool) -> Tally {
        let mut tally = Tally::new(rules);
        if let Some((least, most)) = self.model.filter(|_| !disabled(MODEL_ID)) {
            tally.add_range(least, most);
        }
        if let Some(points) = self.learned.filter(|_| !disabled(LEARNED_ID)) {
            tally.add_range(points, points);
        }
        tally
    }

    /// The sums of all rules under some settings, where every truth is known.
    pub(super) fn sums(&self, rules: &RuleSet, settings: &Settings) -> Sums {
        let mut tally = self.tally(rules, |id| settings.disabled.contains(id));
        for (rule, possible) in rules.rules().iter().zip(&self.room.rules) {
            // What is not told is open here: it widens the bounds.
            let truth = possible.exact().unwrap_or(Truth::Unknown);
            if truth != Truth::False && !settings.disabled.contains(rule.id()) {
                tally.add(rule.group(), settings.score_of(rule), truth);
            }
        }
        let (score, low, high) = tally.sums();
        Sums { score, low, high }
    }
}

impl Sums {
    pub(super) fn verdict(self, settings: usize, in_force: &Settings, evidence: &Evidence) -> RecordedVerdict {
        let (_, class) = class_of(in_force.thresholds, self.score, evidence);
        RecordedVerdict { settings, class, score: self.score, low: self.low, high: self.high }
    }
}
