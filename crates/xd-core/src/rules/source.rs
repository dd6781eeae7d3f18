//! Rule files as text with names, and errors that point into them.

use std::fmt;
use std::ops::Range;

/// The text of one rule file and the name it goes by in messages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleSource {
    /// The name shown in errors, usually the path.
    pub name: String,
    /// The content, TOML.
    pub text: String,
}

impl RuleSource {
    /// A rule file of this name and content. A byte-order mark is a habit of some editors and is dropped.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Self { name: name.into(), text }
    }

    /// Where a byte offset lies: line and column, both counted from 1; columns count characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
        (line, column)
    }

    /// A place in this file: `links.toml:12:8`.
    pub(crate) fn place(&self, span: Range<usize>) -> String {
        let (line, column) = self.position(span.start);
        format!("{}:{line}:{column}", self.name)
    }

    /// An error at a place in this file, given in bytes.
    ///
    /// # Example: how do errors in other TOML files get their place?
    /// ```
    /// use xd_core::RuleSource;
    ///
    /// let file = RuleSource::new("xd.toml", "brand = \"\"\nhostname = \"a b\"\n");
    /// assert_eq!(file.error(22..27, "this is no domain").to_string(), "xd.toml:2:12: this is no domain");
    /// ```
    #[must_use]
    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> RuleError {
        let (line, column) = self.position(span.start);
        RuleError { file: self.name.clone(), line, column, message: message.into() }
    }
}

/// What is wrong with a rule file, and where: `links.toml:12:8: unknown target "lnk.host"`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RuleError {
    /// The name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for RuleError {}

/// All that is wrong with a set of rule files, in the order of files and lines; never empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleErrors(pub(crate) Vec<RuleError>);

impl RuleErrors {
    /// The errors, at least one.
    #[must_use]
    pub fn errors(&self) -> &[RuleError] {
        &self.0
    }
}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = RuleSource::new("a.toml", "äb\ncd");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(2), (1, 2));
        assert_eq!(source.position(4), (2, 1));
        assert_eq!(source.position(5), (2, 2));
        assert_eq!(source.error(4..5, "no").to_string(), "a.toml:2:1: no");
    }
}
