//! Why a gateway does not start.

use std::io;
use std::path::PathBuf;

use xd_config::ConfigError;
use xd_lookup::ResolverError;
use xd_store::{EngineError, SpoolError};

use crate::gateway::WorldError;
use crate::server::{CertificateError, PasswordError, ServerError, SettingsError};

/// Why a gateway does not start. Each is the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The directory of engines.
    #[error(transparent)]
    Engines(#[from] EngineError),
    /// A file, a directory or a socket.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file of passwords.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// The name servers.
    #[error(transparent)]
    Resolver(#[from] ResolverError),
    /// A listener.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Settings that contradict each other.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The spool or the journal.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Certificates that next hops are checked by.
    #[error("certificates of authorities: {0}")]
    Roots(#[from] rustls::Error),
    /// The user to become.
    #[error("user {user:?}: {why}")]
    User {
        /// The name.
        user: String,
        /// Why not.
        why: String,
    },
    /// The rules, or settings that name them.
    #[error(transparent)]
    World(#[from] WorldError),
}

impl StartError {
    pub(crate) fn io(path: impl Into<PathBuf>, error: io::Error) -> Self {
        Self::Io { path: path.into(), error }
    }
}
