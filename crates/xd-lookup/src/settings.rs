//! Settings of the resolver: whom to ask, and how long.

use std::net::SocketAddr;
use std::time::Duration;

/// Whom to ask: the `dns` setting.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Servers {
    /// These servers, by UDP, and by TCP where an answer is too long for it.
    Listed(Vec<SocketAddr>),
    /// Nobody: every answer is unknown.
    Off,
    /// Those that the system names.
    #[default]
    System,
}

/// Settings of a [`Resolver`](crate::Resolver).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResolverOptions {
    /// Whom to ask.
    pub servers: Servers,
    /// How long one question may take in all, repetitions included. Default 10 s.
    pub deadline: Duration,
    /// Questions that are open at the same time, of all callers together; at least 4. Default 128. While servers are silent, a question
    /// takes some ten kilobytes and up to four descriptors, with several servers up to eight.
    pub open: u16,
    /// Answers kept. Default 8,192, some megabytes; never more than 32 MiB.
    pub cache: u64,
}

impl ResolverOptions {
    /// Of the open questions, those about names from mail. Whoever writes mail can name what is answered slowly; that must hold up
    /// neither connections nor mail on its way out.
    pub(crate) fn open_by_mail(&self) -> usize {
        usize::from(self.open.max(4)) - self.open_by_site()
    }

    /// Those about other names.
    pub(crate) fn open_by_site(&self) -> usize {
        usize::from(self.open.max(4) / 4)
    }
}

/// The operator: no resolver can be made from these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolverError {
    /// The system names no servers, or its settings cannot be read.
    #[error("cannot read the system's name servers: {0}; name some by dns = [\"192.0.2.53:53\"], or set dns = \"off\"")]
    System(String),
    /// The list is empty.
    #[error("the list of name servers is empty; to ask nobody, set dns = \"off\"")]
    NoServers,
    /// Settings were refused.
    #[error("cannot use these name servers: {0}")]
    Refused(String),
}

impl Default for ResolverOptions {
    fn default() -> Self {
        Self { servers: Servers::System, deadline: Duration::from_secs(10), cache: 8192, open: 128 }
    }
}
