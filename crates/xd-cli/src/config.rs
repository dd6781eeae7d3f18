//! The configuration file: TOML, strict, every error with its place.
//!
//! The same file configures the gateway, which knows more keys.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::Spanned;
use xd_core::capsule::PseudonymKey;
use xd_core::evidence::{Operator, Settings, Thresholds};
use xd_core::rules::RuleError;
use xd_core::{Domain, Engine, RuleSource, Score};

use crate::engine::{position, read};
use crate::failure::{Failure, reason};
use crate::input::MESSAGE_BYTES;

/// What the configuration says about judging.
#[derive(Debug, Default)]
pub(crate) struct Config {
    file: Option<(RuleSource, Tables)>,
}

/// The largest `message_bytes`: a message is held in memory, once for each job.
const MESSAGE_BYTES_MAX: u64 = 1 << 30;

/// A shorter secret could be found by trying: with it, whoever has the capsules could name everyone in them.
const KEY_BYTES_MIN: usize = 32;

/// More bytes of a key are not read; they would add nothing.
const KEY_BYTES_MAX: u64 = 4096;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tables {
    brand: Option<String>,
    hostname: Option<Spanned<DomainText>>,
    thresholds: Option<Spanned<ThresholdsTable>>,
    limits: LimitsTable,
    rules: RulesTable,
    capsules: CapsulesTable,
    operator: OperatorTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ThresholdsTable {
    spam: ScoreText,
    surespam: ScoreText,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    message_bytes: Option<MessageBytes>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RulesTable {
    disable: Vec<Spanned<String>>,
    scores: BTreeMap<Spanned<String>, ScoreText>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CapsulesTable {
    pseudonym_key_file: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OperatorTable {
    names: Vec<String>,
    domains: Vec<DomainText>,
}

#[derive(Clone, Copy, Debug)]
struct ScoreText(Score);

#[derive(Clone, Debug)]
struct DomainText(Domain);

#[derive(Clone, Copy, Debug)]
struct MessageBytes(u64);

impl Config {
    /// Reads a configuration file; without one, all settings have their defaults.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Failure> {
        path.map_or_else(|| Ok(Self::default()), |path| Self::parse(read(path)?))
    }

    fn parse(source: RuleSource) -> Result<Self, Failure> {
        match toml::from_str(&source.text) {
            Ok(file) => Ok(Self { file: Some((source, file)) }),
            Err(error) => {
                let message = error.message().lines().collect::<Vec<_>>().join("; ");
                Err(located(&source, error.span().unwrap_or(0..0), message))
            }
        }
    }

    /// The settings for judging with this engine, whose rules the file may name.
    pub(crate) fn settings(&self, engine: &Engine) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        let Some((source, file)) = &self.file else { return Ok(settings) };
        if let Some(table) = &file.thresholds {
            let ThresholdsTable { spam, surespam } = table.get_ref();
            settings.thresholds =
                Thresholds::try_new(spam.0, surespam.0).map_err(|error| located(source, table.span(), error.to_string()))?;
        }
        let known = |id: &Spanned<String>| {
            if engine.rules().rule(id.get_ref()).is_some() {
                return Ok(id.get_ref().clone());
            }
            let message = format!("there is no rule {:?}; `xd rules list` names all", id.get_ref());
            Err(located(source, id.span(), message))
        };
        settings.disabled = file.rules.disable.iter().map(known).collect::<Result<_, _>>()?;
        for (id, score) in &file.rules.scores {
            settings.scores.insert(known(id)?, score.0);
        }
        Ok(settings)
    }

    /// The key for pseudonyms in capsules, if the file names one.
    pub(crate) fn pseudonym_key(&self) -> Result<Option<PseudonymKey>, Failure> {
        let Some((source, file)) = &self.file else { return Ok(None) };
        let Some(path) = &file.capsules.pseudonym_key_file else { return Ok(None) };
        let wrong = |why: String| located(source, path.span(), format!("{}: {why}", path.get_ref().display()));
        let mut secret = Vec::new();
        let read = File::open(path.get_ref()).and_then(|file| file.take(KEY_BYTES_MAX).read_to_end(&mut secret));
        read.map_err(|error| wrong(reason(&error)))?;
        // A line end is the editor's.
        let secret = secret.trim_ascii_end();
        if secret.len() < KEY_BYTES_MIN {
            return Err(wrong(format!("expected at least {KEY_BYTES_MIN} random bytes, found {}", secret.len())));
        }
        Ok(Some(PseudonymKey::new(secret)))
    }

    /// Who runs this filter.
    pub(crate) fn operator(&self) -> Operator {
        self.file.as_ref().map(|(_, file)| file.operator()).unwrap_or_default()
    }

    /// The largest message to read, in bytes.
    pub(crate) fn message_bytes(&self) -> u64 {
        let configured = self.file.as_ref().and_then(|(_, file)| file.limits.message_bytes);
        configured.map_or(MESSAGE_BYTES, |MessageBytes(bytes)| bytes)
    }
}

impl Tables {
    /// Who runs this filter: what the operator table names, the brand, and the domain of the host.
    fn operator(&self) -> Operator {
        let brand = self.brand.iter().filter(|brand| !brand.trim().is_empty());
        let mut names: Vec<String> = self.operator.names.iter().chain(brand).cloned().collect();
        let host = self.hostname.iter().map(Spanned::get_ref);
        // The host itself and all names its owner registered: `mx.example.net` speaks for `example.net`.
        let host = host.filter_map(|host| Domain::parse(host.0.registered()).ok());
        let mut domains: Vec<Domain> = self.operator.domains.iter().map(|domain| domain.0.clone()).chain(host).collect();
        names.sort_unstable();
        names.dedup();
        domains.sort_unstable();
        domains.dedup();
        Operator { names, domains }
    }
}

impl Default for ThresholdsTable {
    fn default() -> Self {
        let defaults = Thresholds::default();
        Self { spam: ScoreText(defaults.spam()), surespam: ScoreText(defaults.surespam()) }
    }
}

impl<'de> Deserialize<'de> for ScoreText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Score::parse(&text).map(Self).map_err(|error| D::Error::custom(format!("{text:?}: {error}")))
    }
}

impl<'de> Deserialize<'de> for DomainText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Domain::parse(&text).map(Self).map_err(|error| D::Error::custom(format!("{text:?} is no domain: {error}")))
    }
}

impl<'de> Deserialize<'de> for MessageBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = i64::deserialize(deserializer)?;
        match u64::try_from(bytes) {
            Ok(bytes @ 1..=MESSAGE_BYTES_MAX) => Ok(Self(bytes)),
            _ => Err(D::Error::custom(format!("expected 1 to {MESSAGE_BYTES_MAX} bytes, found {bytes}"))),
        }
    }
}

fn located(source: &RuleSource, span: Range<usize>, message: String) -> Failure {
    let (line, column) = position(&source.text, span.start);
    Failure::Sources(vec![RuleError { file: source.name.clone(), line, column, message }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(RuleSource::new("xd.toml", text)).map_err(|failure| failure.to_string())
    }

    fn settings(text: &str) -> Result<Settings, String> {
        let rules = "family = \"t\"\n\
            [[rule]]\nid = \"one\"\nscore = \"1.00\"\nwhy = \"one\"\nwhen = { in = \"subject\", words = [\"one\"] }\n\
            [[rule]]\nid = \"two\"\nscore = \"2.00\"\nwhy = \"two\"\nwhen = { in = \"subject\", words = [\"two\"] }\n";
        let engine = Engine::compile(vec![RuleSource::new("rules.toml", rules)]).unwrap();
        parse(text)?.settings(&engine).map_err(|failure| failure.to_string())
    }

    #[track_caller]
    fn refused(text: &str, place: &str, words: &str) {
        let message = settings(text).unwrap_err();
        assert!(message.starts_with(&format!("xd.toml:{place}: ")), "{message}");
        assert!(message.contains(words), "{message}");
    }

    #[test]
    fn nothing_configured_is_the_default() {
        assert_eq!(settings("").unwrap(), Settings::default());
        assert_eq!(parse("").unwrap().operator(), Operator::default());
        assert_eq!(parse("").unwrap().message_bytes(), 64 << 20);
    }

    #[test]
    fn one_threshold_alone_leaves_the_other() {
        let settings = settings("thresholds = { spam = \"6\" }").unwrap();
        assert_eq!(settings.thresholds.spam(), Score::from_hundredths(600));
        assert_eq!(settings.thresholds.surespam(), Score::from_hundredths(1000));
    }

    #[test]
    fn every_key_is_taken() {
        let text = "brand = \"Acme\"\nhostname = \"mx1.acme.example\"\nthresholds = { spam = \"4.00\", surespam = \"8.00\" }\n\
             [limits]\nmessage_bytes = 1000\n[rules]\ndisable = [\"one\"]\n[rules.scores]\n\"two\" = \"-1.50\"\n\
             [operator]\nnames = [\"Acme Mail\"]\ndomains = [\"ACME.example.\"]\n";
        assert_eq!(parse(text).unwrap().message_bytes(), 1000);
        let settings = settings(text).unwrap();
        assert!(settings.disabled.contains("one"));
        assert_eq!(settings.scores["two"], Score::from_hundredths(-150));
        let operator = parse(text).unwrap().operator();
        assert_eq!(operator.names, ["Acme", "Acme Mail"]);
        assert_eq!(operator.domains, [Domain::parse("acme.example").unwrap()]);
    }

    #[test]
    fn unknown_keys_are_refused_with_their_place() {
        refused("brand = \"\"\ntreshold = 1\n", "2:1", "unknown field `treshold`");
        refused("[limits]\n  bytes = 1\n", "2:3", "expected `message_bytes`");
    }

    #[test]
    fn wrong_values_are_refused_with_their_place() {
        refused("thresholds = { spam = \"5.001\" }", "1:23", "at most two decimals");
        refused("thresholds = { spam = 5.0 }", "1:23", "expected a string");
        refused("\nthresholds = { spam = \"10.00\" }", "2:14", "must be below");
        refused("hostname = \"a b\"", "1:12", "is no domain");
        refused("[limits]\nmessage_bytes = 0", "2:17", "expected 1 to");
        refused("[limits]\nmessage_bytes = 1073741825", "2:17", "expected 1 to");
        refused("brand = ", "1:9", "");
    }

    #[test]
    fn unknown_rules_are_refused_with_their_place() {
        refused("[rules]\ndisable = [\"no-such-rule\"]", "2:12", "there is no rule \"no-such-rule\"");
        refused("[rules.scores]\n\"no-such-rule\" = \"1.00\"", "2:1", "there is no rule");
    }
}
