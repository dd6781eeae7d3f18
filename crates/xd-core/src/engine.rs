//! The engine: rules compiled and checked, immutable, named by the hash of all that could change a result.

use std::fmt;

use crate::rules::{Register, RuleErrors, RuleSet, RuleSource, builtin};

/// Names everything besides rules that could change a result: parser, public-suffix list, Unicode tables, features.
pub const SEMANTICS: &str = "1";

/// A compiled set of rules. Cheap to share between threads, never changes.
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
    hash: EngineHash,
}

/// The SHA-256 over the semantics version and the content of all rule files, whatever their names and order.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EngineHash([u8; 32]);

impl Engine {
    /// Compiles rule files into an engine.
    ///
    /// # Errors
    /// All that is wrong with them, each with file, line and column; nothing runs then.
    pub fn compile(sources: Vec<RuleSource>) -> Result<Self, RuleErrors> {
        let rules = RuleSet::compile(&sources)?;
        let hash = EngineHash::of(&sources);
        let register = Register::new(&rules);
        Ok(Self { rules, register, sources, hash })
    }

    /// The engine with the rules that come with xd.
    ///
    /// # Errors
    /// None in a tested build: the rules are part of the program, and a test compiles them.
    pub fn builtin() -> Result<Self, RuleErrors> {
        Self::compile(builtin::sources())
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
    fn of(sources: &[RuleSource]) -> Self {
        use sha2::{Digest, Sha256};
        let mut contents: Vec<[u8; 32]> = sources.iter().map(|source| Sha256::digest(source.text.as_bytes()).into()).collect();
        contents.sort_unstable();
        let mut hash = Sha256::new();
        hash.update(b"xd engine ");
        hash.update(SEMANTICS.as_bytes());
        for content in &contents {
            hash.update(content);
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

impl fmt::Display for EngineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
