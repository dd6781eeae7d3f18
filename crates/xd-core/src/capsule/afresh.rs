//! A kept message judged again by another engine, from its bytes: where the engine that judged is gone, or read mail in
//! another way, its answers are worth nothing, but the message is.

use super::outcomes::{Numbers, Outcomes};
use super::replay::Replay;
use super::{Capsule, Identities};
use crate::rules::Scene;
use crate::{Engine, Evidence, Limits, Message, Operator, SEMANTICS};

impl Capsule {
    /// The capsule that this engine and this program make of the same message, envelope, evidence and settings; nothing below
    /// the level of content, where there is no message. The message is read within these limits.
    ///
    /// # Example: what does the newest engine say of a message whose own engine is gone?
    /// ```
    /// use xd_core::capsule::{Level, Recording, judge_recorded};
    /// use xd_core::{Engine, Limits, Message, evidence};
    ///
    /// let (gone, engine) = (Engine::compile(vec![])?, Engine::builtin()?);
    /// let message = Message::parse(b"Subject: hello\r\n\r\n", &Limits::default());
    /// let (envelope, evidence) = evidence::derive(&message);
    /// let (_, capsule) = judge_recorded(&gone, &envelope, &message, &evidence, [0; 32], &Recording::new(Level::Content));
    ///
    /// let again = capsule.afresh(&engine, &Limits::default()).unwrap();
    /// let (expected, _) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
    /// assert_eq!(again.verdicts()[0].score, expected.verdict().score);
    /// # Ok::<(), xd_core::RuleErrors>(())
    /// ```
    #[must_use]
    pub fn afresh(&self, engine: &Engine, limits: &Limits) -> Option<Self> {
        self.afresh_for(None, engine, limits)
    }

    /// The same, where somebody else may run the filter.
    pub(super) fn afresh_for(&self, operator: Option<&Operator>, engine: &Engine, limits: &Limits) -> Option<Self> {
        let content = self.content.as_deref()?;
        let message = Message::parse(content, limits);
        let operator = operator.unwrap_or(&self.evidence.operator).clone();
        let evidence = Evidence { operator, ..self.evidence.clone() };
        let seen = engine.rules().observe(Scene { envelope: &self.envelope, message: &message, evidence: &evidence });
        let (outcomes, numbers) = (Outcomes::of(&seen, engine.register()), Numbers::of(&seen, engine.register()));
        let mut again = Self {
            engine: engine.hash(),
            semantics: SEMANTICS.to_owned(),
            evidence,
            identities: Identities::of(&message),
            defects: message.defects(),
            outcomes,
            numbers,
            model: engine.model_points(&message),
            ..self.clone()
        };
        // It is of this engine and this program, so that it replays.
        again.verdicts = Replay::new(engine).run(&again).ok()?.verdicts;
        Some(again)
    }
}
