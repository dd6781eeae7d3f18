//! Rules: a declarative language in TOML, compiled once, evaluated in three-valued logic.

mod read;
mod source;

pub use source::{RuleError, RuleErrors, RuleSource};
