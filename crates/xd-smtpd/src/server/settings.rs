//! What a server is told: its listeners, whom it knows, what it bears.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use xd_config::Network;

use super::network::any_contains;
use super::{Certificates, ClientLimits, ContentBudget, Passwords, Timeouts};
use crate::session::{ClientFacts, SessionOptions};

/// Settings of a server; a connection lives under those that held when it began.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The listeners. Their number and addresses are fixed once they are bound.
    pub listeners: Vec<ListenerSettings>,
    /// Own networks: limits on clients do not apply to them.
    pub trusted: Vec<Network>,
    /// Clients that may use ETRN without authentication.
    pub etrn: Vec<Network>,
    /// How much one client may do.
    pub clients: ClientLimits,
    /// Connections of clients that are not trusted, as long as there are no more of all. Beyond, 421. Default 12,000.
    pub connections: usize,
    /// Connections of all clients, trusted ones too: what descriptors there are for. Beyond, 421. Default: no limit.
    pub descriptors: usize,
    /// How long is waited for clients.
    pub timeouts: Timeouts,
    /// Memory for contents being received. Default 256 MiB.
    pub budget: ContentBudget,
    /// What TLS is served with; needed where a listener offers TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// Who may authenticate; needed where a listener offers AUTH.
    pub passwords: Option<Arc<Passwords>>,
}

/// A listener.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its sessions offer.
    pub session: Arc<SessionOptions>,
    /// TLS begins with the connection (RFC 8314 §3).
    pub implicit_tls: bool,
    /// Peers that begin connections with a PROXY header here.
    pub proxies: Vec<Network>,
    /// Clients that may use XCLIENT here: by their own address, which behind a proxy is the one it told. Limits on clients hold for
    /// those they name.
    pub xclient: Vec<Network>,
}

/// Why settings contradict themselves: it points at the operator. The complete set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum SettingsError {
    /// TLS is offered and there is no certificate.
    #[error("listener {0} offers TLS without a certificate")]
    NoCertificate(SocketAddr),
    /// AUTH is offered and there are no passwords.
    #[error("listener {0} offers AUTH without a password file")]
    NoPasswords(SocketAddr),
    /// AUTH or TLS is required and cannot be had.
    #[error("listener {0} requires what it does not offer")]
    Unreachable(SocketAddr),
    /// Listeners differ in number or address from those that are bound.
    #[error("listeners cannot change while the server runs")]
    OtherListeners,
}

impl ServerSettings {
    /// Settings with these listeners, nobody known, and the default limits.
    #[must_use]
    pub fn new(listeners: Vec<ListenerSettings>) -> Self {
        Self {
            listeners,
            trusted: Vec::new(),
            etrn: Vec::new(),
            clients: ClientLimits::default(),
            connections: 12_000,
            descriptors: usize::MAX,
            timeouts: Timeouts::default(),
            budget: ContentBudget::new(256 << 20),
            certificates: None,
            passwords: None,
        }
    }

    /// Whether what listeners offer can be given.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), SettingsError> {
        for listener in &self.listeners {
            let session = &listener.session;
            let tls = session.starttls || listener.implicit_tls;
            if tls && self.certificates.is_none() {
                return Err(SettingsError::NoCertificate(listener.address));
            }
            if session.auth && self.passwords.is_none() {
                return Err(SettingsError::NoPasswords(listener.address));
            }
            if (session.require_tls || session.auth) && !tls || session.require_auth && !session.auth {
                return Err(SettingsError::Unreachable(listener.address));
            }
        }
        Ok(())
    }

    /// Whether an address is one of ours.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        any_contains(&self.trusted, address)
    }

    /// What is known of a client at `address`, if it has one; `named`, where it may speak for others.
    pub(super) fn facts(&self, address: Option<IpAddr>, named: bool, tls: bool) -> ClientFacts {
        ClientFacts {
            trusted: address.is_some_and(|address| self.trusts(address)),
            xclient: named,
            etrn: address.is_some_and(|address| any_contains(&self.etrn, address)),
            tls,
            authenticated: None,
        }
    }
}

impl ListenerSettings {
    /// A listener in the clear, without PROXY headers.
    #[must_use]
    pub fn new(address: SocketAddr, session: SessionOptions) -> Self {
        Self { address, session: Arc::new(session), implicit_tls: false, proxies: Vec::new(), xclient: Vec::new() }
    }
}
