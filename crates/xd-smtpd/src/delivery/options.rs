//! What delivery is told: where mail goes, how long to wait, what may be used.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use xd_config::{Network, NextHop, TlsPolicy};
use xd_core::schedule::{NextHopPolicy, RetryPolicy};
use xd_lookup::Resolver;

use crate::client::Timeouts;

/// Settings of delivery.
#[derive(Clone, Debug)]
pub struct DeliveryOptions {
    /// The name in EHLO, in DSNs, and of this node in the schedule.
    pub hostname: String,
    /// In texts for people; empty is the hostname.
    pub brand: String,
    /// Tells nodes apart in the schedule. Usually the hostname.
    pub node: String,
    /// Routes of domains, by domain in lower-case ASCII.
    pub routes: BTreeMap<String, Arc<Route>>,
    /// The route of all other domains.
    pub outbound: Arc<Route>,
    /// When to try again and when to give up.
    pub schedule: RetryPolicy,
    /// How gently next hops are treated.
    pub next_hops: NextHopPolicy,
    /// Answers about names.
    pub resolver: Resolver,
    /// Which addresses an MX record must not lead to.
    pub mx: MxPolicy,
    /// What delivery may use at most.
    pub resources: Resources,
    /// How long held messages stay.
    pub holds: HoldLimits,
    /// Where archive copies go; without it none is made.
    pub archive: Option<ArchiveOptions>,
    /// Certificates that a next hop's may be derived from, for [`TlsPolicy::Verified`]. Empty: those of the system.
    pub tls_roots: Vec<rustls::pki_types::CertificateDer<'static>>,
}

/// Where mail of some domains goes, and how.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Route {
    /// Next hops in order: the next is tried when one cannot be reached.
    pub next_hops: Vec<NextHop>,
    /// How long to wait for them.
    pub timeouts: Timeouts,
    /// Encryption.
    pub tls: TlsPolicy,
}

/// The route of domains that have none of their own.
pub type Outbound = Route;

/// Which addresses an MX record must not lead to. Next hops named in the configuration with their port may be anywhere.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MxPolicy {
    /// Our own addresses: mail sent there would come back.
    pub own: BTreeSet<IpAddr>,
    /// Whether private networks are allowed (RFC 1918, RFC 4193, RFC 6598). Loopback, link-local and our own addresses are not.
    pub private: bool,
    /// Networks that are allowed, whatever they are.
    pub allow: Vec<Network>,
    /// The port of SMTP. Default 25; another one for tests.
    pub port: Option<u16>,
}

/// What delivery may use at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resources {
    /// Connections to all next hops. Default 1,000: as many descriptors.
    pub connections: usize,
    /// Bytes of contents kept in memory for their first attempt. Default 64 MiB. Others are read from the spool.
    pub content_bytes: usize,
    /// `Received` fields of a message that loops (RFC 5321 §6.3 asks for at least 100). Default 100.
    pub received_fields: usize,
    /// Recipients in one transaction. Default 1,000; RFC 5321 §4.5.3.1.8 makes servers take 100.
    pub recipients: usize,
}

/// How long held messages stay before they are discarded with a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HoldLimits {
    /// DSNs to somebody who may never have written. Default 2 days.
    pub dsn: Duration,
    /// Quarantine. Default 30 days.
    pub quarantine: Duration,
}

/// Where archive copies go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ArchiveOptions {
    /// Next hops in order.
    pub route: Arc<Route>,
    /// The forward-path of copies that go by SMTP or LMTP.
    pub forward_path: String,
}

impl DeliveryOptions {
    /// Whether each message goes to the same destinations by others.
    pub(super) fn has_routes_of(&self, others: &Self) -> bool {
        let routes = |options: &Self| (options.routes.clone(), options.outbound.clone(), options.archive.clone());
        // Mail for `postmaster` alone goes where the hostname's does.
        self.hostname == others.hostname && routes(self) == routes(others)
    }
}

impl Route {
    /// A route with default timeouts and opportunistic TLS.
    #[must_use]
    pub fn new(next_hops: Vec<NextHop>) -> Self {
        Self { next_hops, timeouts: Timeouts::default(), tls: TlsPolicy::default() }
    }
}

impl Default for Resources {
    fn default() -> Self {
        Self { connections: 1000, content_bytes: 64 << 20, received_fields: 100, recipients: 1000 }
    }
}

impl Default for HoldLimits {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self { dsn: Duration::from_secs(2 * DAY), quarantine: Duration::from_secs(30 * DAY) }
    }
}
