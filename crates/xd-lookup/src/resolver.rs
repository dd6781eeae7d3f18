//! Asks DNS, with a cache and a deadline.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use xd_core::{Domain, Unknown};

use crate::mx::{self, MailHosts};
use crate::names::{self, ClientNames};
use crate::{Absence, Answer};

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

/// Settings of a [`Resolver`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResolverOptions {
    /// Whom to ask.
    pub servers: Servers,
    /// How long one question may take in all, repetitions included. Default 10 s.
    pub deadline: Duration,
    /// Answers kept. Default 8,192, some megabytes.
    pub cache: u64,
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

/// Asks DNS. Cloning it shares cache and sockets.
///
/// Answers are kept for as long as their owners allow, but no longer than an hour, so that what operators change arrives; absences no
/// longer than five minutes; failures not at all.
///
/// # Example: nobody is asked
/// ```
/// use xd_lookup::{Answer, Resolver};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let domain = xd_core::Domain::parse("example.com").unwrap();
/// let answer = runtime.block_on(Resolver::off().ipv4(&domain));
/// assert_eq!(answer, Answer::Unknown(xd_core::Unknown::NotAsked));
/// ```
#[derive(Clone)]
pub struct Resolver {
    inner: Option<Arc<TokioResolver>>,
    deadline: Duration,
}

impl Resolver {
    /// A resolver with these settings. Reads the system's when they say so. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When no servers are known.
    pub fn try_new(options: &ResolverOptions) -> Result<Self, ResolverError> {
        let (config, mut opts) = match &options.servers {
            Servers::Off => return Ok(Self { inner: None, deadline: options.deadline }),
            Servers::Listed(servers) if servers.is_empty() => return Err(ResolverError::NoServers),
            Servers::Listed(servers) => {
                let servers = servers.iter().map(|address| {
                    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
                        let mut connection = ConnectionConfig::new(protocol);
                        connection.port = address.port();
                        connection
                    });
                    NameServerConfig::new(address.ip(), true, connections.into())
                });
                (ResolverConfig::from_parts(None, Vec::new(), servers.collect()), ResolverOpts::default())
            }
            Servers::System => {
                let (config, opts) = hickory_resolver::system_conf::read_system_conf()
                    .map_err(|error| ResolverError::System(error.to_string()))?;
                // Domain and search list are left out: names are asked as they stand.
                (ResolverConfig::from_parts(None, Vec::new(), config.name_servers().to_vec()), opts)
            }
        };
        opts.cache_size = options.cache;
        // Mail is routed by DNS; a hosts file would hide what others see.
        opts.use_hosts_file = ResolveHosts::Never;
        opts.positive_max_ttl = Some(MAX_TTL);
        opts.negative_max_ttl = Some(MAX_NEGATIVE_TTL);
        opts.timeout = opts.timeout.min(options.deadline / 2).max(Duration::from_millis(100));
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = opts;
        let inner = builder.build().map_err(|error| ResolverError::Refused(error.to_string()))?;
        Ok(Self { inner: Some(Arc::new(inner)), deadline: options.deadline })
    }

    /// A resolver that asks nobody.
    #[must_use]
    pub fn off() -> Self {
        Self { inner: None, deadline: Duration::ZERO }
    }

    /// IPv4 addresses of a name.
    pub async fn ipv4(&self, domain: &Domain) -> Answer<Ipv4Addr> {
        let address = |data: &RData| if let RData::A(address) = data { Some(address.0) } else { None };
        self.lookup(domain, RecordType::A, address).await
    }

    /// IPv6 addresses of a name.
    pub async fn ipv6(&self, domain: &Domain) -> Answer<Ipv6Addr> {
        let address = |data: &RData| if let RData::AAAA(address) = data { Some(address.0) } else { None };
        self.lookup(domain, RecordType::AAAA, address).await
    }

    /// Addresses of both families, IPv6 first (RFC 6724 §2.1). Found when either has some; unknown when neither has and either
    /// could not be found out.
    pub async fn addresses(&self, domain: &Domain) -> Answer<IpAddr> {
        let (six, four) = tokio::join!(self.ipv6(domain), self.ipv4(domain));
        let mut found = Vec::new();
        let (mut unknown, mut absence) = (None, Absence::Name);
        let six = six.map(IpAddr::V6);
        let four = four.map(IpAddr::V4);
        for answer in [six, four] {
            match answer {
                Answer::Found(addresses) => found.extend(addresses),
                Answer::Absent(Absence::Records) => absence = Absence::Records,
                Answer::Absent(Absence::Name) => {}
                Answer::Unknown(why) => unknown = Some(why),
            }
        }
        match (found.is_empty(), unknown) {
            (false, _) => Answer::Found(found),
            (true, Some(why)) => Answer::Unknown(why),
            (true, None) => Answer::Absent(absence),
        }
    }

    /// MX records of a name as they stand: preference and host, the root being empty.
    pub async fn mx(&self, domain: &Domain) -> Answer<(u16, String)> {
        let record = |data: &RData| match data {
            RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii().trim_end_matches('.').to_ascii_lowercase())),
            _ => None,
        };
        self.lookup(domain, RecordType::MX, record).await
    }

    /// Which hosts take mail for a domain, in the order in which they are to be tried (RFC 5321 §5.1). Hosts of one preference
    /// are rotated by `turn`.
    pub async fn mail_hosts(&self, domain: &Domain, turn: u64) -> MailHosts {
        mx::mail_hosts(domain, self.mx(domain).await, turn)
    }

    /// The names in the PTR records of an address, as many of them as are domain names.
    pub async fn reverse_names(&self, address: IpAddr) -> Answer<Domain> {
        let name = |data: &RData| match data {
            RData::PTR(name) => Domain::parse(name.0.to_ascii().trim_end_matches('.')).ok(),
            _ => None,
        };
        // An IPv4 address written as an IPv6 one has the names of the IPv4 address.
        self.lookup_name(Name::from(address.to_canonical()), RecordType::PTR, name).await
    }

    /// The names of a client: those of its PTR records, and the first of them that leads back to it. Takes no longer than `within`;
    /// what is not known by then is unknown.
    pub async fn client_names(&self, address: IpAddr, within: Duration) -> ClientNames {
        names::client_names(self, address.to_canonical(), within).await
    }

    async fn lookup<T>(&self, domain: &Domain, kind: RecordType, pick: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        match Name::from_str(domain.as_str()) {
            Ok(name) => self.lookup_name(name, kind, pick).await,
            Err(_) => Answer::Unknown(Unknown::Malformed),
        }
    }

    async fn lookup_name<T>(&self, mut name: Name, kind: RecordType, pick: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        let Some(inner) = &self.inner else { return Answer::Unknown(Unknown::NotAsked) };
        name.set_fqdn(true);
        match tokio::time::timeout(self.deadline, inner.lookup(name, kind)).await {
            Err(_) => Answer::Unknown(Unknown::Timeout),
            Ok(Ok(lookup)) => found(&lookup, pick),
            Ok(Err(error)) => missing(&error),
        }
    }
}

fn found<T>(lookup: &Lookup, pick: impl Fn(&RData) -> Option<T>) -> Answer<T> {
    let records: Vec<T> = lookup.answers().iter().filter_map(|record| pick(&record.data)).take(MAX_RECORDS).collect();
    // A chain of aliases that ends without records of the type.
    if records.is_empty() { Answer::Absent(Absence::Records) } else { Answer::Found(records) }
}

fn missing<T>(error: &NetError) -> Answer<T> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Answer::Absent(Absence::Name),
            ResponseCode::NoError => Answer::Absent(Absence::Records),
            ResponseCode::Refused => Answer::Unknown(Unknown::Refused),
            _ => Answer::Unknown(Unknown::ServerFailure),
        },
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => Answer::Unknown(Unknown::Refused),
        NetError::Timeout => Answer::Unknown(Unknown::Timeout),
        NetError::Proto(_) => Answer::Unknown(Unknown::Malformed),
        _ => Answer::Unknown(Unknown::ServerFailure),
    }
}

/// Answers are kept no longer than this.
const MAX_TTL: Duration = Duration::from_secs(3600);
/// Absences are kept no longer than this.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(300);
/// Records of one answer that are looked at. More than a hundred addresses or mail hosts help nobody.
const MAX_RECORDS: usize = 100;

impl Default for ResolverOptions {
    fn default() -> Self {
        Self { servers: Servers::System, deadline: Duration::from_secs(10), cache: 8192 }
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("off", &self.inner.is_none()).field("deadline", &self.deadline).finish()
    }
}
