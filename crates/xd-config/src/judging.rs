//! What the file says about judging: thresholds, rules, and who runs the filter.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;

use toml::Spanned;
use xd_core::capsule::PseudonymKey;
use xd_core::classify::{DEFAULT, Delta, LEARNED_ID, MODEL_ID, Model};
use xd_core::evidence::{Operator, Settings, Thresholds};
use xd_core::rules::builtin;
use xd_core::{Domain, Engine, RuleErrors, RuleSource};

use crate::config::Config;
use crate::delta::delta;
use crate::error::ConfigError;
use crate::model::model;
use crate::tables::{CapsuleLevel, ThresholdsTable};

/// A shorter secret could be found by trying: with it, whoever has the capsules could name everyone in them.
const KEY_BYTES_MIN: usize = 32;

/// More bytes of a key are not read; they would add nothing.
const KEY_BYTES_MAX: u64 = 4096;

/// The name by which a place of rules means those that come with xd.
const BUILTIN: &str = "builtin";

/// The folder of a rule directory that holds cases, not rules.
const CASES: &str = "cases";

impl Config {
    /// The rule files that the file names; the built-in ones when it names none.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn rules(&self) -> Result<Vec<RuleSource>, ConfigError> {
        let places = &self.tables().rules.directories;
        if places.is_empty() {
            return Ok(builtin::sources());
        }
        let mut sources = Vec::new();
        for place in places {
            if place.as_os_str() == BUILTIN {
                sources.extend(builtin::sources());
            } else {
                sources.extend(crate::read_directory(place, |name: &OsStr| name == CASES)?);
            }
        }
        Ok(sources)
    }

    /// Whether the file says which model judges.
    #[must_use]
    pub fn names_model(&self) -> bool {
        self.tables().rules.model.is_some()
    }

    /// Whether the file says which rules judge.
    #[must_use]
    pub fn names_rules(&self) -> bool {
        !self.tables().rules.directories.is_empty()
    }

    /// The engine of these rules and this model.
    ///
    /// # Errors
    /// Every error of the rules, each with its place.
    pub fn engine(&self) -> Result<Result<Engine, RuleErrors>, ConfigError> {
        let model = self.model()?;
        Ok(Engine::compile(self.rules()?).map(|engine| engine.with_model(model)))
    }

    /// The model that the file names. When it names none, the default one where the built-in rules judge, to which it was fitted; other rules
    /// alone are exactly what was named.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn model(&self) -> Result<Option<Model>, ConfigError> {
        match &self.tables().rules.model {
            None if self.names_rules() && !self.tables().rules.directories.iter().any(|place| place.as_os_str() == BUILTIN) => {
                Ok(None)
            }
            None => model(DEFAULT).map_err(ConfigError::Model),
            Some(name) => model(name.get_ref()).map_err(|why| self.wrong(name.span(), why)),
        }
    }

    /// What was learned into the file that the configuration names.
    ///
    /// # Errors
    /// There is no such file, or it is nothing that was learned.
    pub fn delta(&self) -> Result<Option<Delta>, ConfigError> {
        let Some(path) = &self.tables().rules.delta else { return Ok(None) };
        let read = delta(path.get_ref()).and_then(|delta| {
            let missing =
                || format!("{}: no such file; `xd learn merge --delta FILE` makes an empty one", path.get_ref().display());
            delta.ok_or_else(missing)
        });
        read.map(Some).map_err(|why| self.wrong(path.span(), why))
    }

    /// The settings for judging with this engine, whose rules the file may name.
    ///
    /// # Errors
    /// The file names a rule that the engine lacks, or spam begins above sure spam.
    pub fn settings(&self, engine: &Engine) -> Result<Settings, ConfigError> {
        let mut settings = Settings::default();
        if let Some(table) = &self.tables().thresholds {
            let ThresholdsTable { spam, surespam } = table.get_ref();
            settings.thresholds =
                Thresholds::try_new(spam.0, surespam.0).map_err(|error| self.wrong(table.span(), error.to_string()))?;
        }
        let known = |id: &Spanned<String>| {
            if engine.rules().rule(id.get_ref()).is_some() {
                return Ok(id.get_ref().clone());
            }
            Err(self.wrong(id.span(), format!("there is no rule {:?}; `xd rules list` names all", id.get_ref())))
        };
        let rules = &self.tables().rules;
        let disabled = |id: &Spanned<String>| match id.get_ref().as_str() {
            LEARNED_ID | MODEL_ID => Ok(id.get_ref().clone()),
            _ => known(id),
        };
        settings.disabled = rules.disable.iter().map(disabled).collect::<Result<_, _>>()?;
        for (id, score) in &rules.scores {
            if id.get_ref() == MODEL_ID {
                let why =
                    "the model's points follow from the message; `rules.disable` switches it off, `rules.model` chooses another";
                return Err(self.wrong(id.span(), why.to_owned()));
            }
            if id.get_ref() == LEARNED_ID {
                let why = "the points of what was learned follow from the message; `rules.disable` switches them off";
                return Err(self.wrong(id.span(), why.to_owned()));
            }
            settings.scores.insert(known(id)?, score.0);
        }
        Ok(settings)
    }

    /// Who runs this filter: what the operator table names, the brand, and the domain of the host.
    #[must_use]
    pub fn operator(&self) -> Operator {
        let tables = self.tables();
        let brand = tables.brand.iter().filter(|brand| !brand.trim().is_empty());
        let mut names: Vec<String> = tables.operator.names.iter().chain(brand).cloned().collect();
        let host = tables.hostname.iter().map(Spanned::get_ref);
        // The host itself and all names its owner registered: `mx.example.net` speaks for `example.net`.
        let host = host.filter_map(|host| Domain::parse(host.0.registered()).ok());
        let mut domains: Vec<Domain> = tables.operator.domains.iter().map(|domain| domain.0.clone()).chain(host).collect();
        names.sort_unstable();
        names.dedup();
        domains.sort_unstable();
        domains.dedup();
        Operator { names, domains }
    }

    /// How much of each message its capsule keeps.
    #[must_use]
    pub fn capsule_level(&self) -> CapsuleLevel {
        self.tables().capsules.level
    }

    /// The key for pseudonyms in capsules, if the file names one.
    ///
    /// # Errors
    /// The key cannot be read or is too short.
    pub fn pseudonym_key(&self) -> Result<Option<PseudonymKey>, ConfigError> {
        let Some(path) = &self.tables().capsules.pseudonym_key_file else { return Ok(None) };
        let wrong = |why: String| self.wrong(path.span(), format!("{}: {why}", path.get_ref().display()));
        let mut secret = Vec::new();
        let read = File::open(path.get_ref()).and_then(|file| file.take(KEY_BYTES_MAX).read_to_end(&mut secret));
        read.map_err(|error| wrong(error.to_string()))?;
        // A line end is the editor's.
        let secret = secret.trim_ascii_end();
        if secret.len() < KEY_BYTES_MIN {
            return Err(wrong(format!("expected at least {KEY_BYTES_MIN} random bytes, found {}", secret.len())));
        }
        Ok(Some(PseudonymKey::new(secret)))
    }
}
