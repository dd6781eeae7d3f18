//! Capsules: the whole recorded cause of a verdict, from which it is derived again bit for bit, and what-ifs are answered.
//!
//! A capsule holds what a verdict follows from, at one of three [`Level`]s: the answers of all tests with envelope, evidence,
//! identities and settings; the header fields, links and attachments too; or the message itself. The engine it names stays
//! outside: rules are kept once, by their hash. `docs/capsule-format.md` describes the bytes.
//!
//! [`judge_recorded`] makes one, [`Capsule::encode`] and [`Capsule::decode`] store it, [`Replay`] derives its verdicts again,
//! [`WhatIf`] says what other rules or settings would have decided, [`counterfactuals`] which smallest change would have
//! altered a class, [`Tuning`] the least change of scores that would have altered those of many, [`RuleValues`] what each rule did to them, and [`Capsule::explain`] gives the findings as they were. What a capsule cannot answer is unknown, and
//! said so.

mod afresh;
mod answers;
mod counterfactual;
mod defects;
mod encoding;
mod explain;
mod facts;
mod identity;
mod outcomes;
mod pseudonym;
mod record;
mod replay;
mod settings;
mod standing;
mod told;
mod tuning;
mod value;
mod what_if;
mod wire;
mod world;

use crate::defect::Defects;
use crate::engine::EngineHash;
use crate::{Class, Envelope, Evidence, ForwardPath, Score, Settings};

pub(crate) use answers::worth_keeping;
pub use counterfactual::{Counterfactual, Step, counterfactuals};
pub use encoding::EncodeError;
pub use facts::{FieldFact, FieldValue, PartFact};
pub use identity::Identities;
pub use pseudonym::PseudonymKey;
pub(crate) use record::record;
pub use record::{Recording, RecordingError, judge_recorded};
pub use replay::{Replay, ReplayError, Replayed};
pub use standing::{Edit, Standing};
pub use tuning::{Aim, Edits, SharedRule, Tuning};
pub use value::{RuleValue, RuleValues};
pub use what_if::{Conclusion, RuleShift, SettingsChange, WhatIf};
pub use wire::{DecodeError, Fault};

use facts::Facts;
use outcomes::{Numbers, Outcomes};

/// How much of a message a capsule holds.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: a new level is a new version of the format")]
pub enum Level {
    /// The answers of all tests, envelope, evidence, identities, settings and defects.
    #[default]
    Causes,
    /// Also header fields but for the values of signatures, links, and the names, types and hashes of attachments.
    Facts,
    /// Also the message.
    Content,
}

impl Level {
    /// The level in lower case, as in options.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Causes => "causes",
            Self::Facts => "facts",
            Self::Content => "content",
        }
    }

    /// The level of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Causes, Self::Facts, Self::Content].into_iter().find(|level| level.as_str() == name)
    }
}

/// The recorded cause of the verdicts on one message.
///
/// # Example: does a verdict follow from its record?
/// ```
/// use xd_core::capsule::{Capsule, Recording, judge_recorded};
/// use xd_core::{Engine, Limits, Message, evidence};
///
/// let engine = Engine::builtin()?;
/// let message = Message::parse(b"From: a@example.com\r\nSubject: URGENT!!!\r\n\r\nhello\r\n", &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// let sha256 = [0; 32]; // of the bytes, by whoever read them
/// let (judgement, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, sha256, &Recording::default());
///
/// let bytes = capsule.encode()?;
/// let replayed = Capsule::decode(&bytes)?.replay(&engine)?;
/// assert!(replayed.is_identical());
/// assert_eq!(replayed.verdicts[0].score, judgement.verdict().score);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Capsule {
    engine: EngineHash,
    semantics: String,
    message: [u8; 32],
    pseudonymous: bool,
    envelope: Envelope,
    /// Its settings are those of recipients without their own; others stand in `other_settings`.
    evidence: Evidence,
    identities: Identities,
    defects: Defects,
    outcomes: Outcomes,
    numbers: Numbers,
    /// The points of the engine's model, if it has one.
    model: Option<Score>,
    /// Every other settings in force, each once, in the order of recipients.
    other_settings: Vec<Settings>,
    /// One per forward-path, or a single one.
    verdicts: Vec<RecordedVerdict>,
    facts: Option<Facts>,
    content: Option<Vec<u8>>,
}

/// What a verdict comes down to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RecordedVerdict {
    /// Which settings were in force: 0 for those of recipients without their own.
    settings: usize,
    /// The class.
    pub class: Class,
    /// The sum of the findings' points.
    pub score: Score,
    /// The least that the score could become when all is known.
    pub low: Score,
    /// The most that the score could become when all is known.
    pub high: Score,
}

impl Capsule {
    /// The engine that judged.
    #[must_use]
    pub fn engine(&self) -> EngineHash {
        self.engine
    }

    /// The semantics version of the program that judged, see [`SEMANTICS`](crate::SEMANTICS).
    #[must_use]
    pub fn semantics(&self) -> &str {
        &self.semantics
    }

    /// The SHA-256 of the message's bytes.
    #[must_use]
    pub fn message_sha256(&self) -> &[u8; 32] {
        &self.message
    }

    /// How much it holds.
    #[must_use]
    pub fn level(&self) -> Level {
        match (&self.facts, &self.content) {
            (_, Some(_)) => Level::Content,
            (Some(_), None) => Level::Facts,
            (None, None) => Level::Causes,
        }
    }

    /// Whether what identifies people stands in it as pseudonyms, see [`PseudonymKey`].
    #[must_use]
    pub fn is_pseudonymous(&self) -> bool {
        self.pseudonymous
    }

    /// The envelope.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The evidence. Its settings are those of recipients without their own; all are in [`Capsule::settings`].
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The identities that the header section claims.
    #[must_use]
    pub fn identities(&self) -> &Identities {
        &self.identities
    }

    /// What is wrong with the message as bytes.
    #[must_use]
    pub fn defects(&self) -> Defects {
        self.defects
    }

    /// The verdicts as they were recorded: one per forward-path, in their order; a single one when the envelope names nobody.
    #[must_use]
    pub fn verdicts(&self) -> &[RecordedVerdict] {
        &self.verdicts
    }

    /// Whom each of the verdicts is for.
    #[must_use]
    pub fn recipient(&self, verdict: usize) -> Option<&ForwardPath> {
        self.envelope.forward_paths.get(verdict)
    }

    /// The settings that were in force for a verdict.
    #[must_use]
    pub fn settings(&self, verdict: &RecordedVerdict) -> &Settings {
        match verdict.settings.checked_sub(1) {
            None => &self.evidence.settings,
            Some(index) => self.other_settings.get(index).unwrap_or(&self.evidence.settings),
        }
    }

    /// The header fields in order, from the level of facts on.
    #[must_use]
    pub fn fields(&self) -> Option<&[FieldFact]> {
        self.facts.as_ref().map(|facts| facts.fields.as_slice())
    }

    /// The links, from the level of facts on.
    #[must_use]
    pub fn links(&self) -> Option<&[crate::Link]> {
        self.facts.as_ref().map(|facts| facts.links.as_slice())
    }

    /// The parts, attachments among them, from the level of facts on.
    #[must_use]
    pub fn parts(&self) -> Option<&[PartFact]> {
        self.facts.as_ref().map(|facts| facts.parts.as_slice())
    }

    /// The message, at the level of content.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        self.content.as_deref()
    }
}

#[cfg(test)]
mod tests;
