//! What is read at the start only. A reload says which of it changed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use xd_config::Config;

/// Settings as they were at the start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fixed {
    admin: Option<SocketAddr>,
    control: PathBuf,
    data: PathBuf,
    /// By which the admin port is asked.
    hostname: Option<String>,
    journal_keep: Duration,
    spool_free_bytes: u64,
    user: Option<String>,
}

impl Fixed {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            admin: config.admin(),
            control: config.control(),
            data: config.data().to_owned(),
            hostname: config.hostname().map(str::to_owned),
            journal_keep: config.journal_keep(),
            spool_free_bytes: config.limits().spool_free_bytes,
            user: config.user().map(str::to_owned),
        }
    }

    /// The directory that spool, journal and engines are in.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// The names of the settings that another configuration has otherwise.
    pub(super) fn changed(&self, other: &Self) -> Vec<&'static str> {
        let changes = [
            ("admin", self.admin != other.admin),
            ("control", self.control != other.control),
            ("data", self.data != other.data),
            ("hostname (of the admin port)", self.admin.is_some() && self.hostname != other.hostname),
            ("journal.keep", self.journal_keep != other.journal_keep),
            ("limits.spool_free_bytes", self.spool_free_bytes != other.spool_free_bytes),
            ("user", self.user != other.user),
        ];
        changes.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use xd_core::RuleSource;

    use super::*;

    #[test]
    fn what_changed_is_named() {
        let of = |text: &str| Fixed::of(&Config::parse(RuleSource::new("xd.toml", text)).unwrap());
        assert_eq!(of("").changed(&of("brand = \"x\"")), [""; 0]);
        let changed = of("data = \"a\"").changed(&of("data = \"b\"\n[journal]\nkeep = \"1d\""));
        assert_eq!(changed, ["control", "data", "journal.keep"]);
    }
}
