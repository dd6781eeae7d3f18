//! Making a capsule while a message is judged.

use std::collections::BTreeMap;

use super::facts::Facts;
use super::identity::Identities;
use super::outcomes::{Numbers, Outcomes};
use super::settings::spelling;
use super::{Capsule, Level, PseudonymKey, RecordedVerdict};
use crate::judge::judgement;
use crate::rules::{Observation, Scene};
use crate::{Engine, Envelope, Evidence, Judgement, Mailbox, Message, ReversePath, SEMANTICS, Score, Settings, Verdict};

/// What capsules are to hold.
///
/// # Example: facts without names
/// ```
/// use xd_core::capsule::{Level, PseudonymKey, Recording};
///
/// let key = || PseudonymKey::new(b"a secret of at least 32 random bytes");
/// assert!(Recording::pseudonymous(Level::Facts, key()).is_ok());
/// assert!(Recording::pseudonymous(Level::Content, key()).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recording {
    level: Level,
    key: Option<PseudonymKey>,
}

/// Why capsules cannot be made so.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The message itself names everyone.
    #[error("capsules that hold the message cannot be pseudonymous; use the level \"facts\" or \"causes\"")]
    PseudonymousContent,
}

impl Recording {
    /// Capsules of a level, everything as it is.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self { level, key: None }
    }

    /// Capsules of a level with pseudonyms for what identifies people.
    ///
    /// # Errors
    /// At the level of content: the message itself names everyone.
    pub fn pseudonymous(level: Level, key: PseudonymKey) -> Result<Self, RecordingError> {
        match level {
            Level::Causes | Level::Facts => Ok(Self { level, key: Some(key) }),
            Level::Content => Err(RecordingError::PseudonymousContent),
        }
    }
}

/// Judges a message and records the cause, in one pass: the same judgement as [`judge`](crate::judge).
///
/// `sha256` is that of the message's bytes, by whoever hashed them when they came.
#[must_use]
pub fn judge_recorded<'e>(
    engine: &'e Engine,
    envelope: &Envelope,
    message: &Message<'_>,
    evidence: &Evidence,
    sha256: [u8; 32],
    recording: &Recording,
) -> (Judgement<'e>, Capsule) {
    let evidence = &*evidence.with_shown_by(message);
    let scene = Scene { envelope, message, evidence };
    let seen = engine.rules().observe(scene);
    let model = engine.model_points(message);
    let judgement = judgement(engine, scene, &seen, model);
    let capsule = record(engine, scene, (&seen, model), &judgement.verdicts, sha256, recording);
    (judgement, capsule)
}

/// The record of a judgement.
pub(crate) fn record(
    engine: &Engine,
    scene: Scene<'_>,
    (seen, model): (&Observation<'_>, Option<Score>),
    verdicts: &[Verdict<'_>],
    sha256: [u8; 32],
    recording: &Recording,
) -> Capsule {
    let Scene { envelope, message, evidence } = scene;
    let mut envelope = envelope.clone();
    if let crate::Known::Found(ReversePath::Mailbox(mailbox)) = &mut envelope.reverse_path {
        // No rule sees a display name here, and none stands in an envelope.
        *mailbox = Mailbox { name: String::new(), ..std::mem::take(mailbox) };
    }
    let mut other_settings: Vec<Settings> = Vec::new();
    let mut places: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let recorded = |verdict: &Verdict<'_>| {
        let settings = verdict.recipient.as_ref().map_or(&evidence.settings, |path| evidence.settings_for(path));
        let settings = if *settings == evidence.settings {
            0
        } else {
            *places.entry(spelling(settings)).or_insert_with(|| {
                other_settings.push(settings.clone());
                other_settings.len()
            })
        };
        RecordedVerdict { settings, class: verdict.class, score: verdict.score, low: verdict.low, high: verdict.high }
    };
    let verdicts = verdicts.iter().map(recorded).collect();
    let mut evidence = Evidence { recipient_settings: Default::default(), ..evidence.clone() };
    let mut identities = Identities::of(message);
    let mut facts = (recording.level == Level::Facts).then(|| Facts::of(message));
    if let Some(key) = &recording.key {
        key.hide_envelope(&mut envelope);
        key.hide_evidence(&mut evidence);
        key.hide_identities(&mut identities);
        facts.iter_mut().for_each(|facts| key.hide_facts(facts));
    }
    // After the pseudonyms, which are those of whole values.
    facts.iter_mut().for_each(Facts::cut_signatures);
    Capsule {
        engine: engine.hash(),
        semantics: SEMANTICS.to_owned(),
        message: sha256,
        pseudonymous: recording.key.is_some(),
        envelope,
        evidence,
        identities,
        defects: message.defects(),
        outcomes: Outcomes::of(seen, engine.register()),
        numbers: Numbers::of(seen, engine.register()),
        model,
        other_settings,
        verdicts,
        facts,
        content: (recording.level == Level::Content).then(|| message.raw().to_vec()),
    }
}
