//! The findings of a verdict from its record.

use super::replay::check;
use super::{Capsule, ReplayError};
use crate::judge::verdict;
use crate::rules::{Observation, Outcome, Scene};
use crate::{Engine, ForwardPath, Judgement, Limits, Truth};

impl Capsule {
    /// The judgement as it was: findings, scores and what is open. Proofs say how often a test was met; they quote what
    /// stands in the message as far as the capsule holds it, read again within these limits.
    ///
    /// # Errors
    /// As for [`Replay::run`](super::Replay::run).
    pub fn explain<'e>(&self, engine: &'e Engine, limits: &Limits) -> Result<Judgement<'e>, ReplayError> {
        check(self, engine)?;
        let message = self.told_message(limits);
        let scene = Scene { envelope: &self.envelope, message: &message, evidence: &self.evidence };
        let seen = engine.rules().recalled(self.answers(engine), scene, |target| self.told(target));
        let verdicts = (0..self.verdicts.len()).map(|index| self.explained(index, engine, &seen)).collect();
        Ok(Judgement { verdicts, defects: self.defects, engine: self.engine })
    }

    fn explained<'e>(&self, index: usize, engine: &'e Engine, seen: &Observation<'_>) -> crate::Verdict<'e> {
        let recipient: Option<ForwardPath> = self.recipient(index).cloned();
        verdict(engine.rules(), (seen, self.model), &self.evidence, self.settings(&self.verdicts[index]), recipient)
    }

    /// The answers of all tests, by index of matcher.
    fn answers(&self, engine: &Engine) -> Vec<Outcome> {
        let tests = engine.register().tests();
        let mut answers = vec![Outcome { truth: Truth::False, count: 0, first: None }; tests.len()];
        for &(place, count) in self.outcomes.met() {
            let test = tests[place as usize];
            answers[test.matcher] = Outcome { truth: (count >= test.at_least).into(), count, first: None };
        }
        for place in self.outcomes.open().iter().cloned().flatten() {
            answers[tests[place as usize].matcher].truth = Truth::Unknown;
        }
        answers
    }
}
