//! Reading TOML tables key by key, so that every error names its place and what was expected.

use std::borrow::Cow;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::source::{RuleError, RuleSource};

/// A text of a rule file and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A table whose keys are taken one by one; whatever is left over is an error.
pub(crate) struct TableReader<'s, 't> {
    source: &'s RuleSource,
    table: &'t DeTable<'t>,
    span: Range<usize>,
    what: &'static str,
    taken: Vec<&'static str>,
}

type Read<T> = Result<T, RuleError>;

impl<'s, 't> TableReader<'s, 't> {
    pub(crate) fn new(source: &'s RuleSource, table: &'t DeTable<'t>, span: Range<usize>, what: &'static str) -> Self {
        Self { source, table, span, what, taken: Vec::new() }
    }

    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(crate) fn source(&self) -> &'s RuleSource {
        self.source
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The value of a key, wherever it is optional.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<(&'t DeValue<'t>, Range<usize>)> {
        self.taken.push(key);
        self.find(key)
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Read<Option<Located<&'t str>>> {
        match self.take(key) {
            None => Ok(None),
            Some((value, span)) => text(self.source, value, span).map(Some),
        }
    }

    pub(crate) fn required_text(&mut self, key: &'static str) -> Read<Located<&'t str>> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    pub(crate) fn boolean(&mut self, key: &'static str) -> Read<Option<bool>> {
        match self.take(key) {
            None => Ok(None),
            Some((DeValue::Boolean(value), _)) => Ok(Some(*value)),
            Some((other, span)) => Err(self.source.error(span, format!("expected true or false, found {}", kind(other)))),
        }
    }

    pub(crate) fn integer(&mut self, key: &'static str) -> Read<Option<Located<i64>>> {
        match self.take(key) {
            None => Ok(None),
            Some((DeValue::Integer(value), span)) => {
                let digits: Cow<'_, str> = Cow::Borrowed(value.as_str());
                match i64::from_str_radix(&digits, value.radix()) {
                    Ok(value) => Ok(Some(Located { value, span })),
                    Err(_) => Err(self.source.error(span, "expected a whole number of at most 18 digits")),
                }
            }
            Some((other, span)) => Err(self.source.error(span, format!("expected a whole number, found {}", kind(other)))),
        }
    }

    /// A text, or an array of texts of which there is at least one.
    pub(crate) fn texts(&mut self, key: &'static str) -> Read<Option<Vec<Located<&'t str>>>> {
        match self.take(key) {
            None => Ok(None),
            Some((DeValue::Array(items), span)) => {
                let texts: Vec<_> =
                    items.iter().map(|item| text(self.source, item.get_ref(), item.span())).collect::<Read<_>>()?;
                if texts.is_empty() {
                    return Err(self.source.error(span, "expected at least one text"));
                }
                Ok(Some(texts))
            }
            Some((value, span)) => text(self.source, value, span).map(|one| Some(vec![one])),
        }
    }

    /// An array of tables, inline or `[[key]]`; empty when the key is missing.
    pub(crate) fn tables(&mut self, key: &'static str, what: &'static str) -> Read<Vec<Self>> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some((DeValue::Array(items), _)) => {
                items.iter().map(|item| table(self.source, item.get_ref(), item.span(), what)).collect()
            }
            Some((other, span)) => Err(self.source.error(span, format!("expected an array of tables, found {}", kind(other)))),
        }
    }

    pub(crate) fn required_table(&mut self, key: &'static str, what: &'static str) -> Read<Self> {
        match self.take(key) {
            None => Err(self.missing(key)),
            Some((value, span)) => table(self.source, value, span, what),
        }
    }

    /// Refuses keys that no one took.
    pub(crate) fn finish(self) -> Read<()> {
        for (key, _) in self.table {
            if !self.taken.contains(&key.get_ref().as_ref()) {
                let mut known = self.taken.clone();
                known.sort_unstable();
                known.dedup();
                let message = format!("unknown key {:?} in {}; expected one of {}", key.get_ref(), self.what, known.join(", "));
                return Err(self.source.error(key.span(), message));
            }
        }
        Ok(())
    }

    pub(crate) fn missing(&self, key: &str) -> RuleError {
        self.source.error(self.span(), format!("{} needs the key {key:?}", self.what))
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> RuleError {
        self.source.error(self.span(), message)
    }

    fn find(&self, key: &str) -> Option<(&'t DeValue<'t>, Range<usize>)> {
        let (_, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((value.get_ref(), value.span()))
    }
}

/// Parses a whole file as one table and hands it to `then`.
pub(crate) fn parse_file<T>(
    source: &RuleSource,
    what: &'static str,
    then: impl FnOnce(TableReader<'_, '_>) -> Read<T>,
) -> Read<T> {
    match DeTable::parse(&source.text) {
        Ok(table) => then(TableReader::new(source, table.get_ref(), 0..0, what)),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            Err(source.error(span, format!("not TOML: {message}")))
        }
    }
}

pub(crate) fn table<'s, 't>(
    source: &'s RuleSource,
    value: &'t DeValue<'t>,
    span: Range<usize>,
    what: &'static str,
) -> Read<TableReader<'s, 't>> {
    match value {
        DeValue::Table(table) => Ok(TableReader::new(source, table, span, what)),
        other => Err(source.error(span, format!("expected {what} as a table, found {}", kind(other)))),
    }
}

pub(crate) fn text<'t>(source: &RuleSource, value: &'t DeValue<'t>, span: Range<usize>) -> Read<Located<&'t str>> {
    match value {
        DeValue::String(text) => Ok(Located { value: text.as_ref(), span }),
        other => Err(source.error(span, format!("expected a text in quotes, found {}", kind(other)))),
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
