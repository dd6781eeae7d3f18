//! From the configuration to what each part is told.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use xd_config::{Config, Dns, Listener, PrivateAddresses, Protocol, Route as ConfiguredRoute};
use xd_core::schedule::{NextHopPolicy, RetryPolicy};
use xd_lookup::{Resolver, ResolverOptions, Servers};
use xd_store::{JournalOptions, SpoolOptions};

use super::StartError;
use crate::delivery::{ArchiveOptions, DeliveryOptions, HoldLimits, MxPolicy, Resources, Route, Timeouts};
use crate::server::{Certificates, ClientLimits, ContentBudget, ListenerSettings, Passwords, ServerSettings};
use crate::session::{self, SessionLimits, SessionOptions};

/// What the server is told.
pub(super) fn server(config: &Config) -> Result<ServerSettings, StartError> {
    let certificates = config.tls().map(|tls| Certificates::load(tls.certificate, tls.key)).transpose()?.map(Arc::new);
    let passwords = config.auth_file().map(Passwords::load).transpose()?.map(Arc::new);
    let limits = config.limits();
    let listeners: Vec<Listener> = config.listeners().collect();
    let settings = listeners.iter().map(|listener| self::listener(config, listener, certificates.is_some(), passwords.is_some()));
    let mut server = ServerSettings::new(settings.collect());
    server.trusted = config.trusted();
    server.etrn = config.clients().filter(|client| !client.etrn.is_empty()).flat_map(|client| client.networks).collect();
    server.clients = ClientLimits {
        connections: limits.connections_per_client,
        connections_per_minute: limits.connection_rate,
        messages_per_minute: limits.message_rate,
    };
    server.connections = usize::try_from(limits.connections).unwrap_or(usize::MAX);
    server.budget = ContentBudget::new(usize::try_from(limits.content_memory_bytes).unwrap_or(usize::MAX));
    (server.certificates, server.passwords) = (certificates, passwords);
    Ok(server)
}

fn listener(config: &Config, listener: &Listener, tls: bool, passwords: bool) -> ListenerSettings {
    let protocol = match listener.protocol {
        Protocol::Lmtp => session::Protocol::Lmtp,
        _ => session::Protocol::Smtp,
    };
    let (implicit_tls, submission) = (listener.protocol == Protocol::Smtps, listener.protocol == Protocol::Submission);
    let limits = config.limits();
    let mut options = SessionOptions::new(config.hostname().unwrap_or("localhost"), protocol);
    options.starttls = tls && !implicit_tls;
    options.auth = passwords && tls && (submission || implicit_tls);
    (options.require_tls, options.require_auth) = (submission, submission);
    options.etrn = options.auth || config.clients().any(|client| !client.etrn.is_empty());
    options.limits = SessionLimits {
        content_octets: limits.message_bytes,
        recipients: usize::try_from(limits.recipients).unwrap_or(usize::MAX),
        errors: limits.errors,
        idle_commands: limits.commands,
        ..SessionLimits::default()
    };
    let mut settings = ListenerSettings::new(listener.address, options);
    settings.implicit_tls = implicit_tls;
    settings.proxies.clone_from(&listener.proxy_from);
    settings.xclient.clone_from(&listener.xclient_from);
    settings
}

/// What delivery is told.
pub(super) fn delivery(config: &Config) -> Result<DeliveryOptions, StartError> {
    let settings = config.delivery()?;
    let hostname = config.hostname().unwrap_or("localhost").to_owned();
    let route = |configured: &ConfiguredRoute| {
        let greeting = configured.greeting_timeout.unwrap_or(settings.greeting_timeout);
        let timeouts = Timeouts { greeting, ..Timeouts::default() };
        Arc::new(Route { next_hops: configured.next_hops.clone(), timeouts, tls: configured.tls })
    };
    let routes: BTreeMap<_, _> = config.routes().map(|(domain, configured)| (domain.to_owned(), route(configured))).collect();
    let servers = match config.dns() {
        Dns::Off => Servers::Off,
        Dns::Servers(servers) => Servers::Listed(servers.clone()),
        Dns::System => Servers::System,
    };
    // Where every next hop is an address, nobody's name servers are needed.
    let resolver = Resolver::try_new(&ResolverOptions { servers, ..ResolverOptions::default() })?;
    let interval = milliseconds(settings.retry);
    let schedule = RetryPolicy { interval, jitter: interval / 4, max_age: milliseconds(settings.expire) };
    let next_hops = NextHopPolicy { most: settings.concurrency, ..NextHopPolicy::default() };
    let archive = config.archive().map(|archive| ArchiveOptions {
        route: Arc::new(Route::new(vec![archive.next_hop])),
        forward_path: archive.address.unwrap_or_else(|| format!("archive@{hostname}")),
    });
    Ok(DeliveryOptions {
        brand: config.brand().unwrap_or_default().to_owned(),
        node: hostname.clone(),
        hostname,
        routes,
        outbound: route(config.default_route()),
        schedule,
        next_hops,
        resolver,
        mx: mx_policy(config, &settings.private_addresses),
        resources: Resources::default(),
        holds: HoldLimits { quarantine: config.quarantine_keep(), ..HoldLimits::default() },
        archive,
        tls_roots: Vec::new(),
    })
}

/// What the spool is told.
pub(super) fn spool(config: &Config) -> SpoolOptions {
    SpoolOptions { reserve_bytes: config.limits().spool_free_bytes, ..SpoolOptions::default() }
}

/// What the journal is told. It stops before it takes the room that the spool needs for its marks. However much is to stay free, refusals
/// for want of room are recorded while there is room for them.
pub(super) fn journal(keep: u64, free_bytes: u64) -> JournalOptions {
    let usual = JournalOptions::default();
    let (spare_bytes, reserve_bytes) = (usual.spare_bytes.min(free_bytes / 4 * 3), usual.reserve_bytes.min(free_bytes / 4));
    JournalOptions { retention: keep, gathering: GATHERING, spare_bytes, reserve_bytes, ..usual }
}

/// How long records of the journal gather for one sync. No mail waits for them but what is thrown away, and that for less than a
/// sync of a slow disk.
const GATHERING: Duration = Duration::from_millis(10);

/// Where MX records must not lead: to us, to this machine, and to private networks, unless they may.
fn mx_policy(config: &Config, private: &PrivateAddresses) -> MxPolicy {
    let listeners = config.listeners().map(|listener| listener.address.ip()).filter(|address| !address.is_unspecified());
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten().filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
        v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
    });
    let own = listeners.chain(interfaces).map(|address: IpAddr| address.to_canonical()).collect();
    let allow = if let PrivateAddresses::Networks(networks) = private { networks.clone() } else { Vec::new() };
    MxPolicy { own, private: *private == PrivateAddresses::Private, allow, ..MxPolicy::default() }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use xd_core::RuleSource;

    use super::*;

    #[test]
    fn private_addresses_are_neither_loopback_nor_our_own_unless_named() {
        let policy = |value: &str| {
            let text = format!("dns = \"off\"\n[delivery]\nprivate_addresses = {value}");
            delivery(&Config::parse(RuleSource::new("xd.toml", text)).unwrap()).unwrap().mx
        };
        let may = |value: &str, address: &str| policy(value).permits(address.parse().unwrap());
        assert!(!may("false", "10.9.8.7") && may("true", "10.9.8.7") && may("[\"10.9.0.0/16\"]", "10.9.8.7"));
        // This machine has it.
        assert!(!may("true", "127.0.0.1") && may("[\"127.0.0.1\"]", "127.0.0.1") && !may("[\"10.0.0.0/8\"]", "127.0.0.1"));
        let wrong = Config::parse(RuleSource::new("xd.toml", "[delivery]\nprivate_addresses = \"yes\"")).unwrap_err();
        assert!(wrong.to_string().contains("networks such as"), "{wrong}");
    }
}
