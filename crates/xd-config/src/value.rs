//! The kinds of values that settings have: each is read from its text once, and wrong ones are refused where they stand.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::de::{Deserialize, Deserializer, Error};
use xd_core::routing::Action;
use xd_core::{Domain, Score, Sign};

/// Reads a value from a TOML string.
macro_rules! from_text {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|why| D::Error::custom(format!("{text:?}: {why}")))
            }
        }
    };
}

/// A score of a rule or a threshold: a string with at most two decimals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoreText(pub(crate) Score);

impl FromStr for ScoreText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Score::parse(text).map(Self).map_err(|error| error.to_string())
    }
}
from_text!(ScoreText);

/// A domain name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct DomainText(pub(crate) Domain);

impl FromStr for DomainText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Domain::parse(text).map(Self).map_err(|error| format!("this is no domain: {error}"))
    }
}
from_text!(DomainText);

/// A span of time: a whole number with a unit, `30s`, `20m`, `12h`, `7d`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "expected a whole number above 0 with a unit, such as 30s, 20m, 12h or 7d";
        let (number, seconds) = match text.as_bytes().last() {
            Some(b's') => (&text[..text.len() - 1], 1),
            Some(b'm') => (&text[..text.len() - 1], 60),
            Some(b'h') => (&text[..text.len() - 1], 3_600),
            Some(b'd') => (&text[..text.len() - 1], 86_400),
            _ => return Err(EXPECTED),
        };
        // Ten years: far beyond any use, and far from overflowing any sum.
        let number = number.parse().ok().filter(|&number: &u64| (1..=3_650 * 86_400 / seconds).contains(&number));
        number.map(|number| Self(Duration::from_secs(number * seconds))).ok_or(EXPECTED)
    }
}
from_text!(Span);

/// A network, or one address.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Network(IpNet);

impl Network {
    /// What never leaves the machine.
    pub const LOOPBACK: [Self; 2] = [
        Self(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8))),
        Self(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128))),
    ];

    /// Whether the address lies in it. An IPv4 address written as an IPv6 one is the IPv4 address.
    ///
    /// # Example: which clients are our own?
    /// ```
    /// use xd_config::Network;
    ///
    /// let own: Network = "10.0.0.0/8".parse()?;
    /// assert!(own.contains("10.1.2.3".parse().unwrap()));
    /// assert!(own.contains("::ffff:10.1.2.3".parse().unwrap()));
    /// assert!(!own.contains("192.0.2.1".parse().unwrap()));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether it is all addresses of a family.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        self.0.prefix_len() == 0
    }
}

/// Bits of `::ffff:0:0/96`, behind which IPv4 addresses stand.
const MAPPED_BITS: u8 = 96;

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let network: IpNet = network.map_err(|_| "expected an address or a network, such as 192.0.2.7 or 192.0.2.0/24")?;
        if let IpNet::V6(network) = network
            && network.addr().to_ipv4_mapped().is_some()
            && network.prefix_len() >= MAPPED_BITS
        {
            // Addresses are compared as the IPv4 ones they are, so that this would match none.
            return Err("an IPv4 network is written as such: 192.0.2.0/24");
        }
        // 192.0.2.7/24 is somebody's slip; which part is meant cannot be known.
        if network.addr() == network.network() { Ok(Self(network)) } else { Err("bits are set behind the network's own") }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
from_text!(Network);

/// What becomes of a message of some class.
#[derive(Clone, Debug)]
pub(crate) struct ActionText(pub(crate) Action);

impl FromStr for ActionText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        text.parse().map(Self)
    }
}
from_text!(ActionText);

/// What a file can be known for: the id of a sign.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct SignText(pub(crate) Sign);

impl FromStr for SignText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ids = || Sign::ALL.iter().map(|sign| sign.id()).collect::<Vec<_>>().join(", ");
        Sign::from_id(text).map(Self).ok_or_else(|| format!("expected one of {}", ids()))
    }
}
from_text!(SignText);

/// What stands where a file was taken out: a text with places.
#[derive(Clone, Debug)]
pub(crate) struct NoticeText(pub(crate) String);

/// What can stand in the places of a notice.
const PLACES: [&str; 4] = ["brand", "file", "sha256", "why"];

impl FromStr for NoticeText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        for piece in text.split('{').skip(1) {
            let place = piece.split('}').next().unwrap_or(piece);
            if !PLACES.contains(&place) {
                return Err(format!("{{{place}}} stands for nothing; expected {{{}}}", PLACES.join("}, {")));
            }
        }
        Ok(Self(text.to_owned()))
    }
}
from_text!(NoticeText);

/// One next hop: where mail goes from here.
///
/// # Example: which forms are there?
/// ```
/// use xd_config::NextHop;
///
/// assert_eq!("mx".parse(), Ok(NextHop::Mx));
/// assert_eq!("192.0.2.7:25".parse(), Ok(NextHop::Smtp { host: "192.0.2.7".into(), port: 25 }));
/// assert_eq!("lmtp:[::1]:24".parse(), Ok(NextHop::Lmtp { host: "::1".into(), port: 24 }));
/// assert_eq!("maildir:/var/mail/bob".parse(), Ok(NextHop::Maildir("/var/mail/bob".into())));
/// assert!("mail.example.com".parse::<NextHop>().is_err(), "a port belongs to it");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "whoever delivers has to know all of them")]
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

impl FromStr for NextHop {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "mx" {
            return Ok(Self::Mx);
        }
        if let Some(path) = text.strip_prefix("maildir:") {
            return if path.is_empty() { Err("expected a path behind maildir:") } else { Ok(Self::Maildir(path.into())) };
        }
        match text.strip_prefix("lmtp:") {
            Some(server) => host_port(server).map(|(host, port)| Self::Lmtp { host, port }),
            None => host_port(text).map(|(host, port)| Self::Smtp { host, port }),
        }
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
from_text!(NextHop);

/// The host, without brackets, and the port of a server.
fn host_port(text: &str) -> Result<(String, u16), &'static str> {
    if let Ok(address) = text.parse::<SocketAddr>()
        && address.port() > 0
    {
        return Ok((address.ip().to_string(), address.port()));
    }
    let Some((host, port)) = text.rsplit_once(':') else { return Err("expected HOST:PORT") };
    let port = port.parse().ok().filter(|&port| port > 0).ok_or("expected a port from 1 to 65535 behind the host")?;
    // Names of a private network may have one label.
    let is_name = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_name { Ok((host.to_owned(), port)) } else { Err("expected the name or the address of a host") }
}

/// Whom DNS is asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: the system's servers, none, or named ones")]
pub enum Dns {
    /// Nobody: names stay unknown.
    Off,
    /// These servers.
    Servers(Vec<SocketAddr>),
    /// The servers of `/etc/resolv.conf`.
    #[default]
    System,
}

impl<'de> Deserialize<'de> for Dns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "expected \"system\", \"off\", or servers such as [\"127.0.0.1:53\"]";
        match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) if text == "system" => Ok(Self::System),
            TextOrList::Text(text) if text == "off" => Ok(Self::Off),
            TextOrList::List(servers) if !servers.is_empty() => {
                let servers: Result<_, _> = servers.iter().map(|server| server.parse()).collect();
                servers.map(Self::Servers).map_err(|_| D::Error::custom(EXPECTED))
            }
            TextOrList::Text(_) | TextOrList::List(_) => Err(D::Error::custom(EXPECTED)),
        }
    }
}

/// Which addresses that no one outside has mail may be sent to, where DNS leads there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: none, private networks, named ones")]
pub enum PrivateAddresses {
    /// Those in these networks, whatever they are: private ones, loopback, even our own.
    Networks(Vec<Network>),
    /// None.
    #[default]
    None,
    /// Those of private networks (RFC 1918, RFC 4193, RFC 6598); not loopback, link-local or our own.
    Private,
}

impl<'de> Deserialize<'de> for PrivateAddresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match FlagOrList::deserialize(deserializer)? {
            FlagOrList::Flag(false) => Ok(Self::None),
            FlagOrList::Flag(true) => Ok(Self::Private),
            FlagOrList::List(networks) => {
                let networks: Result<_, _> = networks.iter().map(|network| network.parse()).collect();
                networks.map(Self::Networks).map_err(D::Error::custom)
            }
        }
    }
}

/// Who of a domain is protected.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: all, or these")]
pub enum Recipients {
    /// Every address.
    Any,
    /// These local parts, in lower case and in order; and `postmaster`, as RFC 5321 §4.5.1 asks.
    These(Vec<String>),
}

impl Recipients {
    /// Whether an address with this local part is protected. Upper and lower case are the same here: next hops that tell
    /// them apart are rarer than people who write `Alice@`.
    #[must_use]
    pub fn contain(&self, local_part: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(names) => {
                let name = local_part.to_lowercase();
                name == "postmaster" || names.binary_search(&name).is_ok()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextOrList::deserialize(deserializer)? {
            TextOrList::Text(text) if text == "any" => Ok(Self::Any),
            TextOrList::Text(_) => Err(D::Error::custom("expected \"any\", or local parts such as [\"alice\", \"bob\"]")),
            TextOrList::List(names) => {
                if let Some(name) = names.iter().find(|name| name.is_empty() || name.contains(['@', ' '])) {
                    return Err(D::Error::custom(format!("{name:?}: expected what stands before the @ of an address")));
                }
                let mut names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
                names.sort_unstable();
                names.dedup();
                Ok(Self::These(names))
            }
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum TextOrList {
    Text(String),
    List(Vec<String>),
}

#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "expected true, false, or networks such as [\"10.0.0.0/8\"]")]
enum FlagOrList {
    Flag(bool),
    List(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        let span = |text: &str| text.parse::<Span>().ok().map(|Span(span)| span.as_secs());
        assert_eq!((span("30s"), span("20m"), span("12h"), span("7d")), (Some(30), Some(1_200), Some(43_200), Some(604_800)));
        for wrong in ["", "s", "0s", "-1s", "1.5h", "20", "20 m", "9999999d", "18446744073709551615d", "ä"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
        assert_eq!(span("3650d"), Some(3_650 * 86_400));
        assert_eq!(span("3651d"), None);
    }

    #[test]
    fn networks_end_where_they_say() {
        for right in ["192.0.2.7", "192.0.2.0/24", "::1", "2001:db8::/32", "0.0.0.0/0"] {
            assert!(right.parse::<Network>().is_ok(), "{right}");
        }
        for wrong in
            ["", "192.0.2.7/24", "192.0.2.0/33", "example.com", "2001:db8::1/32", "::ffff:192.0.2.0/120", "::ffff:192.0.2.1"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        for (network, inside, outside) in [
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} {outside}");
        }
    }

    #[test]
    fn next_hops_are_told_apart() {
        let hop = |text: &str| text.parse::<NextHop>().map(|hop| hop.to_string());
        for right in
            ["mx", "127.0.0.1:25", "[::1]:2525", "mail.example.com:25", "localhost:24", "lmtp:127.0.0.1:24", "maildir:/var/x"]
        {
            assert_eq!(hop(right).as_deref(), Ok(right));
        }
        for wrong in ["", "127.0.0.1", "mail.example.com", ":25", "a b:25", "maildir:", "lmtp:", "mail.example.com:0", "x:70000"]
        {
            assert!(hop(wrong).is_err(), "{wrong}");
        }
    }
}
