//! Why a command cannot go on, and how it says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

use xd_config::ConfigError;
use xd_core::rules::{RuleError, RuleErrors};

use crate::escape::Plain;

/// Exit status when a check found something wrong: rules with errors, cases that fail.
pub(crate) const FAILED: u8 = 1;
/// Exit status when something could not be read or the command line is wrong.
pub(crate) const UNREAD: u8 = 2;
/// Exit status after an interrupt: 128 and the number of SIGINT, as shells report it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command stops.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operator must change something: a path, an option.
    Operator(String),
    /// Rule or configuration files are wrong, at these places; nothing ran.
    Sources(Vec<RuleError>),
    /// Standard output takes no more.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn operator(message: impl Into<String>) -> Self {
        Self::Operator(message.into())
    }

    /// Says what is wrong on standard error, and gives the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            // Whoever reads our output has seen enough: `xd scan … | head` is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            _ => {
                eprintln!("{self}");
                ExitCode::from(UNREAD)
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(message) => write!(f, "xd: {}", Plain(message)),
            Self::Sources(errors) => {
                // The plain form that editors jump to, one place a line.
                for error in errors {
                    writeln!(f, "{}", Plain(&error.to_string()))?;
                }
                let (count, noun) = (errors.len(), if errors.len() == 1 { "error" } else { "errors" });
                write!(f, "xd: {count} {noun}; nothing was done")
            }
            Self::Output(error) => write!(f, "xd: cannot write to standard output: {}", reason(error)),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Unreadable { path, error } => Self::operator(format!("{}: {}", path.display(), reason(&error))),
            ConfigError::Wrong(error) => Self::Sources(vec![error]),
            other => Self::operator(other.to_string()),
        }
    }
}

impl From<RuleErrors> for Failure {
    fn from(errors: RuleErrors) -> Self {
        Self::Sources(errors.errors().to_vec())
    }
}

/// The reason of an I/O error in lower case, without the number of the system's error where words say it.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_words_in_lower_case() {
        assert_eq!(reason(&io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(reason(&io::Error::other("Odd thing")), "odd thing");
    }
}
