//! What the file says about carrying mail: listeners, domains, routes, limits.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use xd_core::Notice;
use xd_core::routing::Actions;

use crate::config::Config;
use crate::error::ConfigError;
use crate::tables::{OnEngineFailure, Protocol, Ptr, TlsPolicy};
use crate::value::{ActionText, Dns, Network, NextHop, PrivateAddresses, Recipients, Span};

/// An address that the gateway listens at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listener {
    /// What it speaks.
    pub protocol: Protocol,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether mail that comes in here is judged.
    pub scan: bool,
    /// Peers that begin with a PROXY header, and whose header is believed.
    pub proxy_from: Vec<Network>,
    /// Peers that may name another client by XCLIENT.
    pub xclient_from: Vec<Network>,
}

/// A domain whose mail is accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProtectedDomain {
    /// Its name, in lower case, punycode for other scripts.
    pub name: String,
    /// Who of it is protected.
    pub recipients: Recipients,
    /// Where its mail goes.
    pub route: Route,
}

/// By what way mail leaves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// Where to, in the order they are tried.
    pub next_hops: Vec<NextHop>,
    /// How long a server may take to greet, where this differs from `delivery.greeting_timeout`.
    pub greeting_timeout: Option<Duration>,
    /// How much it insists on encryption.
    pub tls: TlsPolicy,
}

impl Route {
    pub(crate) fn by_mx() -> Self {
        Self { next_hops: vec![NextHop::Mx], greeting_timeout: None, tls: TlsPolicy::default() }
    }
}

/// Clients of their own kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    /// Where they are.
    pub networks: Vec<Network>,
    /// Domains whose waiting mail they may call for by ETRN.
    pub etrn: Vec<String>,
    /// Whether they may send to any domain.
    pub relay: bool,
}

/// The certificate the gateway shows, and its key, both PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tls {
    /// The certificate and those that lead to its issuer.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Where a copy of all accepted mail goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Archive {
    /// Where to.
    pub next_hop: NextHop,
    /// The forward-path of copies; without one, `archive@` and the hostname.
    pub address: Option<String>,
}

/// How mail is delivered, where no route says otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeliverySettings {
    /// About how long after one attempt the next follows.
    pub retry: Duration,
    /// When what could not be delivered is given back.
    pub expire: Duration,
    /// How many connections one next hop gets at most.
    pub concurrency: u32,
    /// How long a server may take to greet.
    pub greeting_timeout: Duration,
    /// Which addresses that no one outside has an MX record may lead to.
    pub private_addresses: PrivateAddresses,
}

/// How much is taken from clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The largest message in bytes.
    pub message_bytes: u64,
    /// The most content in memory at a time, over all connections.
    pub content_memory_bytes: u64,
    /// Recipients of one message.
    pub recipients: u32,
    /// Connections in all.
    pub connections: u32,
    /// Connections of one client at a time.
    pub connections_per_client: u32,
    /// Connections of one client in a minute.
    pub connection_rate: u32,
    /// Messages of one client in a minute.
    pub message_rate: u32,
    /// Errors after which a connection ends.
    pub errors: u32,
    /// Commands of a connection that carry no mail on.
    pub commands: u32,
    /// Free bytes of the spool's file system below which mail is refused for now.
    pub spool_free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 << 20,
            content_memory_bytes: 256 << 20,
            // RFC 5321 §4.5.3.1.8 asks for at least 100.
            recipients: 1_000,
            connections: 12_000,
            connections_per_client: 50,
            connection_rate: 600,
            message_rate: 3_000,
            errors: 20,
            commands: 100,
            spool_free_bytes: 256 << 20,
        }
    }
}

impl Config {
    /// The directory of spool, journal and engines; `xd-data` unless set.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.tables().data.as_deref().unwrap_or_else(|| Path::new("xd-data"))
    }

    /// The control socket; `control.sock` in the data directory unless set.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.tables().control.clone().unwrap_or_else(|| self.data().join("control.sock"))
    }

    /// Where metrics are served by HTTP, if anywhere.
    #[must_use]
    pub fn admin(&self) -> Option<SocketAddr> {
        self.tables().admin.as_ref().map(|address| *address.get_ref())
    }

    /// The name the gateway goes by, if set.
    #[must_use]
    pub fn hostname(&self) -> Option<&str> {
        self.tables().hostname.as_ref().map(|name| name.get_ref().0.as_str())
    }

    /// The name in replies and notices: the brand, or the host's name.
    #[must_use]
    pub fn brand(&self) -> Option<&str> {
        let brand = self.tables().brand.as_deref().map(str::trim).filter(|brand| !brand.is_empty());
        brand.or_else(|| self.hostname())
    }

    /// Whom DNS is asked.
    #[must_use]
    pub fn dns(&self) -> &Dns {
        &self.tables().dns
    }

    /// The user to become once all ports are open, if any.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.tables().user.as_deref().filter(|user| !user.is_empty())
    }

    /// Our own networks: `127.0.0.0/8` and `::1` unless set.
    #[must_use]
    pub fn trusted(&self) -> Vec<Network> {
        let networks = self.tables().trusted.as_ref();
        networks.map_or_else(|| Network::LOOPBACK.to_vec(), |set| set.iter().map(|network| *network.get_ref()).collect())
    }

    /// What becomes of mail by its class.
    #[must_use]
    pub fn actions(&self) -> Actions {
        let (table, defaults) = (&self.tables().actions, Actions::default());
        let action = |set: &Option<ActionText>, default| set.as_ref().map_or(default, |action| action.0.clone());
        Actions {
            clean: action(&table.clean, defaults.clean),
            spam: action(&table.spam, defaults.spam),
            surespam: action(&table.surespam, defaults.surespam),
            infected: action(&table.infected, defaults.infected),
            files: table.files.iter().map(|(sign, action)| (sign.0, action.0.clone())).collect(),
        }
    }

    /// What stands where a file was taken out of a message.
    #[must_use]
    pub fn notice(&self) -> Notice {
        let text = self.tables().texts.stripped.as_ref();
        text.map_or_else(Notice::default, |text| Notice::new(text.0.replace("{brand}", self.brand().unwrap_or_default())))
    }

    /// Whether tagging writes to the subject too.
    #[must_use]
    pub fn tags_subject(&self) -> bool {
        self.tables().subject_tag
    }

    /// What is made of the names of clients.
    #[must_use]
    pub fn ptr(&self) -> Ptr {
        self.tables().ptr
    }

    /// How long quarantined mail is kept; 30 days unless set.
    #[must_use]
    pub fn quarantine_keep(&self) -> Duration {
        self.tables().quarantine_keep.map_or(Duration::from_secs(30 * 86_400), |span| span.0)
    }

    /// What is answered when judging itself fails.
    #[must_use]
    pub fn on_engine_failure(&self) -> OnEngineFailure {
        self.tables().on_engine_failure
    }

    /// Where the gateway listens.
    pub fn listeners(&self) -> impl Iterator<Item = Listener> {
        self.tables().listener.iter().map(|table| {
            let table = table.get_ref();
            Listener {
                protocol: table.protocol,
                address: *table.address.get_ref(),
                scan: table.scan,
                proxy_from: table.proxy_from.iter().map(|network| *network.get_ref()).collect(),
                xclient_from: table.xclient_from.iter().map(|network| *network.get_ref()).collect(),
            }
        })
    }

    /// Clients of their own kind.
    pub fn clients(&self) -> impl Iterator<Item = Client> {
        self.tables().client.iter().map(|table| {
            let table = table.get_ref();
            let etrn = table.etrn.iter().map(|domain| domain.get_ref().0.as_str().to_owned()).collect();
            let networks = table.networks.get_ref().iter().map(|network| *network.get_ref()).collect();
            Client { networks, etrn, relay: table.relay }
        })
    }

    /// How much is taken from clients.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The largest message to read, in bytes.
    #[must_use]
    pub fn message_bytes(&self) -> u64 {
        self.limits.message_bytes
    }

    /// How mail is delivered, where no route says otherwise.
    ///
    /// # Errors
    /// A number is out of its bounds.
    pub fn delivery(&self) -> Result<DeliverySettings, ConfigError> {
        let table = &self.tables().delivery;
        let concurrency = self.number(table.concurrency.as_ref(), 20, 1, 1_000)?;
        Ok(DeliverySettings {
            retry: table.retry.map_or(Duration::from_secs(20 * 60), |span| span.0),
            expire: table.expire.as_ref().map_or(Duration::from_secs(7 * 86_400), |span| span.get_ref().0),
            concurrency: u32::try_from(concurrency).unwrap_or(u32::MAX),
            greeting_timeout: table.greeting_timeout.map_or(Duration::from_secs(30), |span| span.0),
            private_addresses: table.private_addresses.clone(),
        })
    }

    /// The certificate to show, if any.
    #[must_use]
    pub fn tls(&self) -> Option<Tls> {
        let table = self.tables().tls.as_ref()?.get_ref();
        Some(Tls { certificate: table.certificate.clone(), key: table.key.clone() })
    }

    /// The file of names and password hashes, if any.
    #[must_use]
    pub fn auth_file(&self) -> Option<&Path> {
        self.tables().auth.as_ref().map(|table| table.get_ref().file.as_path())
    }

    /// Where a copy of all accepted mail goes, if anywhere.
    #[must_use]
    pub fn archive(&self) -> Option<Archive> {
        let table = self.tables().archive.as_ref()?;
        Some(Archive { next_hop: table.next_hop.get_ref().clone(), address: table.address.clone() })
    }

    /// How long the journal is kept; 90 days unless set.
    #[must_use]
    pub fn journal_keep(&self) -> Duration {
        self.tables().journal.keep.map_or(Duration::from_secs(90 * 86_400), |span| span.0)
    }

    pub(crate) fn read_limits(&self) -> Result<Limits, ConfigError> {
        let (table, defaults) = (&self.tables().limits, Limits::default());
        let count = |value: Option<&Spanned<i64>>, default: u32, least| {
            self.number(value, default.into(), least, u32::MAX.into()).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        let limits = Limits {
            // A message is held in memory, once for each connection that carries one.
            message_bytes: self.number(table.message_bytes.as_ref(), defaults.message_bytes, 1, 1 << 30)?,
            content_memory_bytes: self.number(
                table.content_memory_bytes.as_ref(),
                defaults.content_memory_bytes,
                1 << 20,
                1 << 40,
            )?,
            recipients: count(table.recipients.as_ref(), defaults.recipients, 100)?,
            connections: count(table.connections.as_ref(), defaults.connections, 1)?,
            connections_per_client: count(table.connections_per_client.as_ref(), defaults.connections_per_client, 1)?,
            connection_rate: count(table.connection_rate.as_ref(), defaults.connection_rate, 1)?,
            message_rate: count(table.message_rate.as_ref(), defaults.message_rate, 1)?,
            errors: count(table.errors.as_ref(), defaults.errors, 1)?,
            // EHLO, STARTTLS, EHLO, AUTH, MAIL, and as many again for a client that tries twice.
            commands: count(table.commands.as_ref(), defaults.commands, 10)?,
            spool_free_bytes: self.number(table.spool_free_bytes.as_ref(), defaults.spool_free_bytes, 0, 1 << 50)?,
        };
        if let Some(span) = table.content_memory_bytes.as_ref().or(table.message_bytes.as_ref()).map(Spanned::span)
            && limits.content_memory_bytes < limits.message_bytes
        {
            return Err(self.wrong(span, "content_memory_bytes must hold a message of message_bytes"));
        }
        Ok(limits)
    }

    pub(crate) fn read_domains(&self) -> Result<BTreeMap<String, ProtectedDomain>, ConfigError> {
        let mut domains = BTreeMap::new();
        for table in &self.tables().domain {
            let table = table.get_ref();
            let name = table.name.get_ref().0.as_str().to_owned();
            let route = self.read_route(&table.next_hop, table.greeting_timeout, table.tls)?;
            let domain = ProtectedDomain { name: name.clone(), recipients: table.recipients.clone(), route };
            if domains.insert(name, domain).is_some() {
                return Err(self.wrong(table.name.span(), "this domain is here a second time"));
            }
        }
        Ok(domains)
    }

    /// The routes of single domains, and the one of all others.
    pub(crate) fn read_routes(&self) -> Result<(BTreeMap<String, Route>, Route), ConfigError> {
        let (mut routes, mut default) = (BTreeMap::new(), None);
        for table in &self.tables().route {
            let table = table.get_ref();
            let route = self.read_route(&table.next_hop, table.greeting_timeout, table.tls)?;
            let earlier = match &table.domain.get_ref().0 {
                Some(domain) if self.domains.contains_key(domain.0.as_str()) => {
                    return Err(self.wrong(table.domain.span(), "this domain has its route in its [[domain]]"));
                }
                Some(domain) => routes.insert(domain.0.as_str().to_owned(), route),
                None => default.replace(route),
            };
            if earlier.is_some() {
                return Err(self.wrong(table.domain.span(), "this domain has a route already"));
            }
        }
        Ok((routes, default.unwrap_or_else(Route::by_mx)))
    }

    fn read_route(
        &self,
        next_hops: &Spanned<Vec<NextHop>>,
        greeting_timeout: Option<Span>,
        tls: TlsPolicy,
    ) -> Result<Route, ConfigError> {
        if next_hops.get_ref().is_empty() {
            return Err(self.wrong(next_hops.span(), "expected at least one next hop"));
        }
        // "mx" stands for however many servers the records name, and a Maildir is never away: neither has a next one.
        let alone = |hop: &NextHop| matches!(hop, NextHop::Mx | NextHop::Maildir(_));
        if next_hops.get_ref().len() > 1 && next_hops.get_ref().iter().any(alone) {
            return Err(self.wrong(next_hops.span(), "\"mx\" and maildir: stand alone"));
        }
        let greeting_timeout = greeting_timeout.map(|span| span.0);
        Ok(Route { next_hops: next_hops.get_ref().clone(), greeting_timeout, tls })
    }
}
