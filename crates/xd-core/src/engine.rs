//! The engine: rules compiled and checked, immutable, named by the hash of all that could change a result.

use std::fmt;
use std::str::FromStr;

use crate::classify::{self, Model};
use crate::rules::{Register, RuleError, RuleErrors, RuleSet, RuleSource, builtin};

/// Names everything besides rules that could change a result: parser, public-suffix list, Unicode tables, features.
pub const SEMANTICS: &str = "1";

/// A compiled set of rules, and the model that judges with them if there is one. Cheap to share between threads, never changes.
///
/// # Example: does a rule file compile?
/// ```
/// use xd_core::{Engine, RuleSource};
///
/// let broken = RuleSource::new("mine.toml", "family = \"mine\"\n[[rule]]\nid = \"a\"\n");
/// let errors = Engine::compile(vec![broken]).unwrap_err();
/// assert_eq!(errors.errors()[0].line, 2);
/// ```
#[derive(Debug)]
pub struct Engine {
    rules: RuleSet,
    register: Register,
    sources: Vec<RuleSource>,
    model: Option<Model>,
    hash: EngineHash,
}

/// The SHA-256 over the semantics version, the content of all rule files, whatever their names and order, and the model if there is one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EngineHash([u8; 32]);

impl Engine {
    /// Compiles rule files into an engine without a model.
    ///
    /// # Errors
    /// All that is wrong with them, each with file, line and column; nothing runs then.
    pub fn compile(sources: Vec<RuleSource>) -> Result<Self, RuleErrors> {
        let rules = RuleSet::compile(&sources)?;
        let hash = EngineHash::of(SEMANTICS, &sources, None);
        let register = Register::new(&rules);
        Ok(Self { rules, register, sources, model: None, hash })
    }

    /// The engine with the rules and the default model that come with xd.
    ///
    /// # Errors
    /// None in a tested build: rules and model are part of the program, and tests read them.
    pub fn builtin() -> Result<Self, RuleErrors> {
        let damaged = |error: String| RuleError { file: classify::DEFAULT.to_owned(), line: 1, column: 1, message: error };
        let model =
            classify::builtin(classify::DEFAULT).transpose().map_err(|error| RuleErrors(vec![damaged(error.to_string())]))?;
        Ok(Self::compile(builtin::sources())?.with_model(model))
    }

    /// The same rules with a model, or without any.
    ///
    /// # Example: does a model make another engine?
    /// ```
    /// use xd_core::Engine;
    /// use xd_core::classify::{Model, ModelParts};
    ///
    /// let engine = Engine::compile(vec![])?;
    /// let hash = engine.hash();
    /// let parts = ModelParts { name: "tiny".into(), knots: vec![(0, 0)], ..ModelParts::default() };
    /// assert_ne!(engine.with_model(Some(Model::try_new(parts)?)).hash(), hash);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_model(self, model: Option<Model>) -> Self {
        let hash = EngineHash::of(SEMANTICS, &self.sources, model.as_ref());
        Self { model, hash, ..self }
    }

    /// The points that the model gives a message.
    pub(crate) fn model_points(&self, message: &crate::Message<'_>) -> Option<crate::Score> {
        self.model.as_ref().map(|model| model.points(message))
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The places of its tests in records.
    pub(crate) fn register(&self) -> &Register {
        &self.register
    }

    /// The rule files it was compiled from.
    #[must_use]
    pub fn sources(&self) -> &[RuleSource] {
        &self.sources
    }

    /// The hash that names it.
    #[must_use]
    pub fn hash(&self) -> EngineHash {
        self.hash
    }
}

impl EngineHash {
    /// The hash of the engine that these rule files, this model and this semantics version make, without compiling it.
    ///
    /// # Example: is this the engine that a capsule names?
    /// ```
    /// use xd_core::{Engine, EngineHash, SEMANTICS};
    ///
    /// let engine = Engine::builtin()?;
    /// let named: EngineHash = engine.hash().to_string().parse().unwrap();
    /// assert_eq!(EngineHash::of(SEMANTICS, engine.sources(), engine.model()), named);
    /// assert_ne!(EngineHash::of("0", engine.sources(), engine.model()), named);
    /// # Ok::<(), xd_core::RuleErrors>(())
    /// ```
    #[must_use]
    pub fn of(semantics: &str, sources: &[RuleSource], model: Option<&Model>) -> Self {
        use sha2::{Digest, Sha256};
        let mut contents: Vec<[u8; 32]> = sources.iter().map(|source| Sha256::digest(source.text.as_bytes()).into()).collect();
        contents.sort_unstable();
        let mut hash = Sha256::new();
        hash.update(b"xd engine ");
        hash.update(semantics.as_bytes());
        for content in &contents {
            hash.update(content);
        }
        if let Some(model) = model {
            hash.update(b"model");
            hash.update(model.sha256());
        }
        Self(hash.finalize().into())
    }

    /// The hash of these bytes, as a record names an engine.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for EngineHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for EngineHash {
    type Err = EngineHashError;

    fn from_str(text: &str) -> Result<Self, EngineHashError> {
        let digits = text.as_bytes();
        // As it is printed, so that one engine has one name.
        if digits.len() != 64 || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(EngineHashError);
        }
        let value = |digit: u8| if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = value(pair[0]) << 4 | value(pair[1]);
        }
        Ok(Self(bytes))
    }
}

/// A text that is not the hash of an engine: 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected 64 hexadecimal digits in lower case")]
pub struct EngineHashError;

impl fmt::Display for EngineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_what_it_prints_and_nothing_else() {
        let hash = EngineHash::of(SEMANTICS, &[RuleSource::new("a.toml", "")], None);
        let printed = hash.to_string();
        assert_eq!(printed.parse(), Ok(hash));
        for wrong in
            ["", "none", &printed[1..], &format!("{printed}0"), &printed.to_uppercase(), &"g".repeat(64), &"é".repeat(32)]
        {
            assert_eq!(wrong.parse::<EngineHash>(), Err(EngineHashError), "{wrong}");
        }
    }
}
