//! What is wrong with a configuration, and where.

use std::io;
use std::path::{Path, PathBuf};

use xd_core::RuleError;

/// Why a configuration cannot be used. Each is the operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The model that comes with xd cannot be read: the program is damaged.
    #[error("the model that comes with xd: {0}")]
    Model(String),
    /// The file, or one it names, cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A setting is wrong; the text begins with file, line and column.
    #[error("{0}")]
    Wrong(RuleError),
}

impl ConfigError {
    pub(crate) fn unreadable(path: &Path, error: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), error }
    }
}
