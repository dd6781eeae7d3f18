//! The judging that all commands share: an engine, settings, and how a stored message is judged with them.

use std::path::{Path, PathBuf};

use xd_config::Config;
use xd_core::capsule::{Capsule, Level, PseudonymKey, Recording, judge_recorded};
use xd_core::classify::{Delta, DeltaModel};
use xd_core::evidence::{self, Inquiry, Operator, Settings};
use xd_core::{Engine, Envelope, Evidence, Judgement, Limits, Message, judge};

use crate::arguments::JudgeArguments;
use crate::asking::Asking;
use crate::engine;
use crate::failure::Failure;
use crate::input::{Argument, Inputs};

/// Reads a configuration file; without one, all settings have their defaults.
pub(crate) fn config(path: Option<&Path>) -> Result<Config, Failure> {
    path.map_or_else(|| Ok(Config::default()), |path| Ok(Config::load(path)?))
}

/// What was learned into these files, together.
fn merged(files: &[PathBuf]) -> Result<Delta, Failure> {
    let mut merged = Delta::default();
    for file in files {
        let delta = xd_config::delta(file).map_err(Failure::operator)?;
        let delta = delta.ok_or_else(|| Failure::operator(format!("{}: no such file", file.display())))?;
        merged = merged.merged(&delta);
    }
    Ok(merged)
}

/// An engine with settings.
#[derive(Debug)]
pub(crate) struct Judge {
    engine: Engine,
    settings: Settings,
    operator: Operator,
    /// What was learned, where it is consulted.
    delta: Option<DeltaModel>,
    limits: Limits,
    message_bytes: u64,
    pseudonyms: Option<PseudonymKey>,
    /// Who is asked, where somebody is.
    asking: Option<Asking>,
}

impl Judge {
    /// Compiles the rules and reads the configuration; nothing runs when either is wrong.
    pub(crate) fn try_new(arguments: &JudgeArguments) -> Result<Self, Failure> {
        let config = config(arguments.config.as_deref())?;
        let engine = match (&arguments.model, arguments.rules.is_empty()) {
            (Some(name), true) => Engine::compile(config.rules()?)?.with_model(engine::model(name)?),
            (Some(name), false) => engine::compile(&arguments.rules)?.with_model(engine::model(name)?),
            (None, true) => config.engine()??,
            (None, false) if config.names_model() => engine::compile(&arguments.rules)?.with_model(config.model()?),
            (None, false) => engine::compile(&arguments.rules)?,
        };
        let settings = config.settings(&engine)?;
        let (message_bytes, pseudonyms) = (config.message_bytes(), config.pseudonym_key()?);
        let operator = config.operator();
        let delta = match arguments.delta.as_slice() {
            [] => config.delta()?,
            files => Some(merged(files)?),
        };
        let delta = delta.as_ref().map(DeltaModel::of);
        Ok(Self { engine, settings, operator, delta, limits: Limits::default(), message_bytes, pseudonyms, asking: None })
    }

    /// The same, asking name servers.
    pub(crate) fn with_dns(self, arguments: &JudgeArguments) -> Result<Self, Failure> {
        let asking = Asking::try_new(&config(arguments.config.as_deref())?)?;
        Ok(Self { asking: Some(asking), ..self })
    }

    /// Judges a message by its bytes and what they tell of its way here.
    pub(crate) fn judge(&self, bytes: &[u8]) -> Judgement<'_> {
        let message = Message::parse(bytes, &self.limits);
        match &self.asking {
            None => self.judge_parsed(&message).2,
            Some(asking) => {
                let (envelope, evidence) = self.derive(&message);
                let mut inquiry = Inquiry::new(&self.engine, &envelope, &message, evidence);
                let evidence = asking.evidence(&mut inquiry);
                inquiry.judge(&evidence)
            }
        }
    }

    /// Judges a message and records the cause; the hash is that of its bytes.
    pub(crate) fn judge_recorded(&self, bytes: &[u8], sha256: [u8; 32], recording: &Recording) -> (Judgement<'_>, Capsule) {
        let message = Message::parse(bytes, &self.limits);
        let (envelope, evidence) = self.derive(&message);
        match &self.asking {
            None => judge_recorded(&self.engine, &envelope, &message, &evidence, sha256, recording),
            Some(asking) => {
                let mut inquiry = Inquiry::new(&self.engine, &envelope, &message, evidence);
                let evidence = asking.evidence(&mut inquiry);
                inquiry.judge_recorded(&evidence, sha256, recording)
            }
        }
    }

    /// The record of judging a message with another engine, under the same settings.
    pub(crate) fn recorded_by(&self, engine: &Engine, bytes: &[u8], sha256: [u8; 32], recording: &Recording) -> Capsule {
        let message = Message::parse(bytes, &self.limits);
        let (envelope, evidence) = self.derive(&message);
        judge_recorded(engine, &envelope, &message, &evidence, sha256, recording).1
    }

    /// Judges a parsed message; gives what was derived from it, too.
    pub(crate) fn judge_parsed(&self, message: &Message<'_>) -> (Envelope, Evidence, Judgement<'_>) {
        let (envelope, evidence) = self.derive(message);
        let judgement = judge(&self.engine, &envelope, message, &evidence);
        (envelope, evidence, judgement)
    }

    /// What capsules of a level are to hold: with pseudonyms where the configuration names a key.
    pub(crate) fn recording(&self, level: Level) -> Result<Recording, Failure> {
        match &self.pseudonyms {
            None => Ok(Recording::new(level)),
            Some(key) => Recording::pseudonymous(level, key.clone()).map_err(|error| Failure::operator(error.to_string())),
        }
    }

    /// By what the key of pseudonyms is known again, where the configuration names one.
    pub(crate) fn key_fingerprint(&self) -> Option<[u8; 8]> {
        self.pseudonyms.as_ref().map(PseudonymKey::fingerprint)
    }

    /// Whether what was learned is consulted.
    pub(crate) fn consults_delta(&self) -> bool {
        self.delta.is_some()
    }

    fn derive(&self, message: &Message<'_>) -> (Envelope, Evidence) {
        let (envelope, mut evidence) = evidence::derive(message);
        evidence.settings.clone_from(&self.settings);
        evidence.operator.clone_from(&self.operator);
        if let Some(delta) = &self.delta {
            evidence.learned = Some(delta.consult(message));
        }
        (envelope, evidence)
    }

    /// The messages that these paths name, all with tag 0.
    pub(crate) fn inputs(&self, paths: &[PathBuf]) -> Inputs {
        self.tagged_inputs(paths.iter().map(|path| Argument { path: path.clone(), tag: 0 }).collect())
    }

    /// The messages that these arguments name.
    pub(crate) fn tagged_inputs(&self, arguments: Vec<Argument>) -> Inputs {
        Inputs::new(arguments, self.message_bytes)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }
}
