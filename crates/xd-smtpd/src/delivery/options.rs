//! What delivery is told: where mail goes, how long to wait, what may be used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use xd_core::schedule::{NextHopPolicy, RetryPolicy};
use xd_lookup::Resolver;

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

/// One next hop, as the configuration writes it.
///
/// # Example: which forms are there?
/// ```
/// use xd_smtpd::delivery::NextHop;
///
/// assert_eq!("mx".parse(), Ok(NextHop::Mx));
/// assert_eq!("192.0.2.7:25".parse(), Ok(NextHop::Smtp { host: "192.0.2.7".into(), port: 25 }));
/// assert_eq!("lmtp:[::1]:24".parse(), Ok(NextHop::Lmtp { host: "::1".into(), port: 24 }));
/// assert_eq!("maildir:/var/mail/bob".parse(), Ok(NextHop::Maildir("/var/mail/bob".into())));
/// assert!("mail.example.com".parse::<NextHop>().is_err(), "a port belongs to it");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum NextHop {
    /// `lmtp:HOST:PORT`: a server of LMTP.
    Lmtp {
        /// Name or address, without brackets.
        host: String,
        /// Port.
        port: u16,
    },
    /// `maildir:PATH`: a directory with `tmp`, `new` and `cur`, made where it is missing.
    Maildir(PathBuf),
    /// `mx`: what the MX records of the domain name.
    Mx,
    /// `HOST:PORT`: a server of SMTP.
    Smtp {
        /// Name or address, without brackets.
        host: String,
        /// Port.
        port: u16,
    },
}

/// The operator: a text that is no next hop.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no next hop; write HOST:PORT, mx, lmtp:HOST:PORT or maildir:PATH")]
pub struct NextHopError(String);

/// How long to wait for a next hop (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timeouts {
    /// For a connection. Default 30 s.
    pub connect: Duration,
    /// For its greeting. Default 30 s: a dead server must not hold up those after it. Farther away, set more.
    pub greeting: Duration,
    /// For replies to EHLO, MAIL, RCPT and RSET. Default 5 min.
    pub command: Duration,
    /// For the reply to DATA. Default 2 min.
    pub data: Duration,
    /// For a block of content to be taken. Default 3 min.
    pub block: Duration,
    /// For the reply to the final dot. Default 10 min: less, and messages that were taken are sent again.
    pub end: Duration,
    /// How long a connection stays open with nothing to send. Default 5 s.
    pub idle: Duration,
}

/// Encryption on the way to a next hop.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum TlsPolicy {
    /// None.
    Never,
    /// Where it is offered; whoever answers is believed. Where the handshake fails, without.
    #[default]
    Opportunistic,
    /// Always; whoever answers is believed.
    Required,
    /// Always, and the certificate must be valid for the name of the next hop.
    Verified,
}

/// Which addresses an MX record must not lead to. Next hops named in the configuration with their port may be anywhere.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MxPolicy {
    /// Our own addresses: mail sent there would come back.
    pub own: BTreeSet<IpAddr>,
    /// Networks of private, loopback or link-local addresses that are allowed after all: address and bits of prefix.
    pub allow: Vec<(IpAddr, u8)>,
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
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// Next hops in order.
    pub route: Arc<Route>,
    /// The forward-path of copies that go by SMTP or LMTP.
    pub forward_path: String,
}

impl Route {
    /// A route with default timeouts and opportunistic TLS.
    #[must_use]
    pub fn new(next_hops: Vec<NextHop>) -> Self {
        Self { next_hops, timeouts: Timeouts::default(), tls: TlsPolicy::default() }
    }
}

impl FromStr for NextHop {
    type Err = NextHopError;

    fn from_str(text: &str) -> Result<Self, NextHopError> {
        let error = || NextHopError(text.to_owned());
        let host_port = |text: &str| {
            let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
            let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(error)?;
            let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let is_host = match bracketed {
                Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
                None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
            };
            if is_host { Ok((bracketed.unwrap_or(host).to_owned(), port)) } else { Err(error()) }
        };
        if text == "mx" {
            return Ok(Self::Mx);
        }
        if let Some(path) = text.strip_prefix("maildir:") {
            return if path.is_empty() { Err(error()) } else { Ok(Self::Maildir(path.into())) };
        }
        if let Some(rest) = text.strip_prefix("lmtp:") {
            return host_port(rest).map(|(host, port)| Self::Lmtp { host, port });
        }
        host_port(text).map(|(host, port)| Self::Smtp { host, port })
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        match self {
            Self::Lmtp { host, port } => write!(f, "lmtp:{}:{port}", bracketed(host)),
            Self::Maildir(path) => write!(f, "maildir:{}", path.display()),
            Self::Mx => f.write_str("mx"),
            Self::Smtp { host, port } => write!(f, "{}:{port}", bracketed(host)),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(30),
            greeting: seconds(30),
            command: seconds(300),
            data: seconds(120),
            block: seconds(180),
            end: seconds(600),
            idle: seconds(5),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_hops_print_as_they_read() {
        for text in ["mx", "mail.example.com:25", "[2001:db8::1]:2525", "lmtp:127.0.0.1:24", "lmtp:[::1]:24", "maildir:a b"] {
            assert_eq!(text.parse::<NextHop>().map(|hop| hop.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_next_hop() {
        for text in
            ["", ":25", "a", "a:", "a:0", "a:65536", "a b:25", "::1:25", "[::1:25", "[a]:25", "lmtp:", "lmtp:a", "maildir:", "MX"]
        {
            assert!(text.parse::<NextHop>().is_err(), "{text}");
        }
    }
}
