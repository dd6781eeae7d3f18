//! What one configuration makes of messages: settings and engine, replaced together.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use xd_config::{Config, Listener, Ptr};
use xd_core::routing::Answers;
use xd_core::{Domain, Engine, Timestamp};
use xd_lookup::signature::KeyStore;
use xd_lookup::{ClientNames, Resolver};

use super::effort::Effort;
use super::judging::{Asking, Dialogue, EngineFailure, Judge, Judged};
use crate::server::Peer;
use crate::session::{Protocol, Transaction};

pub(crate) use super::judging::JudgeError as WorldError;

/// How long a client's names may take. A message waits for them; those of a client whose name servers are dead stay unknown.
const NAMES_WITHIN: Duration = Duration::from_secs(3);

/// A configuration with its engine, checked as a whole.
#[derive(Debug)]
pub(crate) struct World {
    config: Arc<Config>,
    resolver: Resolver,
    /// Verifies signatures; it holds no keys of ours.
    keys: KeyStore,
    judge: Judge,
    listeners: Vec<Listener>,
    hostname: String,
    brand: String,
}

impl World {
    /// Compiles the rules, and checks whatever names them.
    pub(crate) fn try_new(config: Config, resolver: Resolver) -> Result<Self, WorldError> {
        let judge = Judge::try_new(&config)?;
        let listeners = config.listeners().collect();
        let hostname = config.hostname().unwrap_or("localhost").to_owned();
        let brand = config.brand().unwrap_or(&hostname).to_owned();
        Ok(Self { config: Arc::new(config), resolver, keys: KeyStore::default(), judge, listeners, hostname, brand })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.judge.engine()
    }

    pub(crate) fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Our name in `Authentication-Results`, where one is configured.
    pub(super) fn authserv_id(&self) -> Option<&str> {
        self.config.hostname()
    }

    pub(crate) fn brand(&self) -> &str {
        &self.brand
    }

    /// Whether mail that comes in at this listener is judged.
    pub(super) fn scans(&self, listener: usize) -> bool {
        self.listeners.get(listener).is_none_or(|listener| listener.scan)
    }

    /// What is made of the names of this client: nothing of those of our own, and of one whose address nobody knows.
    pub(super) fn ptr(&self, peer: &Peer) -> Ptr {
        let asked = !peer.trusted && peer.authenticated.is_none() && peer.client().is_some();
        if asked { self.config.ptr() } else { Ptr::Off }
    }

    /// The names of a client, where they are wanted. Answers are remembered for the next time.
    pub(super) async fn names(&self, peer: &Peer) -> ClientNames {
        match self.ptr(peer) {
            Ptr::Off => ClientNames::default(),
            Ptr::Defer | Ptr::Score => self.resolver.client_names(peer.address.ip(), NAMES_WITHIN).await,
        }
    }

    /// Whether it is checked who sent what this client brings: not what our own bring, nor what comes from nobody knows where.
    fn checks_senders(&self, peer: &Peer) -> bool {
        !peer.trusted && peer.authenticated.is_none() && peer.client().is_some() && !self.resolver.is_off()
    }

    pub(super) async fn judge(
        &self,
        peer: &Peer,
        transaction: &Transaction,
        names: ClientNames,
        effort: &Effort<'_>,
    ) -> Result<Judged, EngineFailure> {
        let forward_paths: Vec<&str> = transaction.recipients.iter().map(|recipient| recipient.forward_path.as_str()).collect();
        let dialogue = Dialogue {
            client: peer.client(),
            ehlo: &transaction.ehlo,
            reverse_path: transaction.mail.reverse_path.as_str(),
            forward_paths: &forward_paths,
            tls: peer.tls.as_deref(),
            authenticated: transaction.authenticated.as_deref(),
            answers: if peer.protocol == Protocol::Lmtp { Answers::Each } else { Answers::One },
            now: now(),
        };
        let asking = Asking { resolver: &self.resolver, keys: &self.keys, authserv_id: self.authserv_id() };
        let asking = self.checks_senders(peer).then_some(asking);
        self.judge.judge(dialogue, names, (&transaction.content, transaction.sha256), asking, effort).await
    }

    /// Whether a client may call for the waiting mail of a domain: one of those named for it, or for any protected domain one that
    /// authenticated.
    pub(super) fn may_call_for(&self, peer: &Peer, name: &Domain) -> bool {
        let named = |client: xd_config::Client| {
            peer.client().is_some_and(|address| client.networks.iter().any(|network| network.contains(address)))
                && client.etrn.iter().any(|known| known == name.as_str())
        };
        peer.authenticated.is_some() && self.config.domain(name.as_str()).is_some() || self.config.clients().any(named)
    }
}

/// The moment by the wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix(i64::try_from(now_ms() / 1_000).unwrap_or(i64::MAX))
}

/// The same in milliseconds since 1970. A clock before then is out of order, and stands still.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
