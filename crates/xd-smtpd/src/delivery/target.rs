//! From next hops to addresses, anew at each attempt.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use xd_config::NextHop;
use xd_core::{Domain, Unknown};
use xd_lookup::{Answer, MailHosts, NoMail, Resolver};

use super::options::MxPolicy;
use crate::client::{Protocol, Reply};

/// One place to try.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Maildir(PathBuf),
    Server { protocol: Protocol, name: String, address: SocketAddr },
}

/// Why there is nothing to try.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum NoTarget {
    /// For now.
    Unknown(Reply),
    /// For good.
    Never(Reply),
}

/// Addresses of one MX host that are tried, and MX hosts. RFC 5321 §5.1 lets us bound them; two are wanted at least.
const MAX_ADDRESSES: usize = 5;
const MAX_HOSTS: usize = 10;

/// Places of one next hop in the order in which they are to be tried. `turn` rotates equals.
pub(super) async fn targets(
    hop: &NextHop,
    domain: Option<&str>,
    resolver: &Resolver,
    policy: &MxPolicy,
    turn: u64,
) -> Result<Vec<Target>, NoTarget> {
    match hop {
        NextHop::Maildir(path) => Ok(vec![Target::Maildir(path.clone())]),
        NextHop::Lmtp { host, port } => servers(Protocol::Lmtp, host, *port, resolver).await,
        NextHop::Smtp { host, port } => servers(Protocol::Smtp, host, *port, resolver).await,
        NextHop::Mx => mx(domain.unwrap_or_default(), resolver, policy, turn).await,
    }
}

async fn servers(protocol: Protocol, host: &str, port: u16, resolver: &Resolver) -> Result<Vec<Target>, NoTarget> {
    let server = |address: IpAddr| Target::Server { protocol, name: host.to_owned(), address: (address, port).into() };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![server(address)]);
    }
    // RFC 6761 §6.3: this name never needs a server.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![server(Ipv4Addr::LOCALHOST.into()), server(Ipv6Addr::LOCALHOST.into())]);
    }
    // The operator named this host: that it is not to be found is no reason to give mail up.
    let unknown = |why: &str| Err(NoTarget::Unknown(Reply::local(451, [4, 4, 3], &format!("{host}: {why}"))));
    let Ok(domain) = Domain::parse(host) else { return unknown("no host name") };
    match resolver.addresses(&domain).await {
        Answer::Found(addresses) => Ok(addresses.into_iter().take(MAX_ADDRESSES).map(server).collect()),
        Answer::Absent(_) => unknown("has no address"),
        Answer::Unknown(why) => unknown(reason(why)),
    }
}

async fn mx(text: &str, resolver: &Resolver, policy: &MxPolicy, turn: u64) -> Result<Vec<Target>, NoTarget> {
    let never = |status, why: &str| Err(NoTarget::Never(Reply::local(550, status, &format!("{text}: {why}"))));
    let unknown = |why: &str| NoTarget::Unknown(Reply::local(451, [4, 4, 3], &format!("{text}: {why}")));
    let port = policy.port.unwrap_or(25);
    let server = |name: &str, address: IpAddr| Target::Server {
        protocol: Protocol::Smtp,
        name: name.to_owned(),
        address: (address, port).into(),
    };
    // RFC 5321 §4.1.3: an address literal is its own mail host.
    if let Some(literal) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address = literal.strip_prefix("ipv6:").unwrap_or(literal).parse::<IpAddr>();
        return match address {
            Ok(address) if policy.permits(address) => Ok(vec![server(literal, address)]),
            Ok(_) => never([5, 4, 4], "mail is not sent to this address"),
            Err(_) => never([5, 1, 2], "no address"),
        };
    }
    let Ok(domain) = Domain::parse(text) else { return never([5, 1, 2], "no domain name") };
    let hosts = match resolver.mail_hosts(&domain, turn).await {
        MailHosts::Hosts(hosts) => hosts,
        MailHosts::None(NoMail::NoDomain) => return never([5, 1, 2], "there is no such domain"),
        // RFC 7505 §4.1.
        MailHosts::None(NoMail::Null) => {
            return Err(NoTarget::Never(Reply::local(556, [5, 1, 10], &format!("{text} takes no mail"))));
        }
        MailHosts::None(NoMail::Unusable) => return never([5, 4, 4], "its MX records name no host"),
        MailHosts::Unknown(why) => return Err(unknown(reason(why))),
    };
    let (mut targets, mut doubt, mut refused) = (Vec::new(), None, false);
    for host in hosts.iter().take(MAX_HOSTS) {
        match resolver.addresses(&host.name).await {
            Answer::Found(addresses) => {
                // RFC 5321 §5.1: where we are a mail host ourselves, those of our preference and above would send it back.
                if addresses.iter().any(|address| policy.is_own(*address)) {
                    if targets.is_empty() && doubt.is_none() {
                        return never([5, 4, 6], "its mail comes here and has no other place to go");
                    }
                    break;
                }
                let before = targets.len();
                let permitted = addresses.into_iter().filter(|address| policy.permits(*address)).take(MAX_ADDRESSES);
                targets.extend(permitted.map(|address| server(host.name.as_str(), address)));
                refused |= targets.len() == before;
            }
            Answer::Absent(_) => {}
            Answer::Unknown(why) => doubt = Some(why),
        }
    }
    match (targets.is_empty(), doubt, refused) {
        (false, ..) => Ok(targets),
        (true, Some(why), _) => Err(unknown(reason(why))),
        (true, None, true) => never([5, 4, 4], "its MX records lead to addresses that mail is not sent to"),
        (true, None, false) => never([5, 4, 4], "its mail hosts have no address"),
    }
}

const fn reason(why: Unknown) -> &'static str {
    match why {
        Unknown::NotAsked => "DNS is off",
        Unknown::Refused => "DNS servers refuse to answer",
        Unknown::Timeout => "DNS gave no answer in time",
        Unknown::Malformed => "DNS gave an answer that makes no sense",
        _ => "DNS servers could not tell",
    }
}

impl MxPolicy {
    /// Whether an MX record may lead to an address: one of the public network and not our own, or allowed.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_ordinary = !is_special(address) || self.private && is_private(address);
        self.is_named(address) || is_ordinary && !self.is_own(address)
    }

    /// Whether mail sent there would come back. Where our own address is allowed by name, it would not.
    fn is_own(&self, address: IpAddr) -> bool {
        self.own.contains(&address.to_canonical()) && !self.is_named(address)
    }

    fn is_named(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(address))
    }
}

/// Addresses of networks that anybody may have for himself.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || is_shared(address),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

/// RFC 6598: shared between a carrier and its customers.
fn is_shared(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    a == 100 && (64..128).contains(&b)
}

/// Addresses that no one outside has: RFC 6890 and its kin.
fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, ..] = address.octets();
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || a == 0
                || a >= 240
                || is_shared(address)
        }
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                // Unique local, link local and site local.
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
                || first & 0xffc0 == 0xfec0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mx_records_must_not_lead_to() {
        let mut policy = MxPolicy { own: ["198.51.100.9".parse().unwrap()].into(), ..MxPolicy::default() };
        for refused in [
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.0.1",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "198.51.100.9",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "::ffff:198.51.100.9",
        ] {
            assert!(!policy.permits(refused.parse().unwrap()), "{refused}");
        }
        for allowed in ["198.51.100.10", "172.32.0.1", "100.128.0.1", "9.255.255.255", "2001:db8::1", "2600::1"] {
            assert!(policy.permits(allowed.parse().unwrap()), "{allowed}");
        }
        // Private is neither loopback nor link-local, and our own address may be private too.
        (policy.private, policy.own) = (true, ["10.0.0.9".parse().unwrap()].into());
        for (address, permitted) in [
            ("10.1.255.1", true),
            ("192.168.7.7", true),
            ("100.64.0.1", true),
            ("fd99::1", true),
            ("10.0.0.9", false),
            ("::ffff:10.0.0.9", false),
            ("127.0.0.1", false),
            ("169.254.0.1", false),
            ("0.0.0.0", false),
            ("::1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(policy.permits(address.parse().unwrap()), permitted, "{address}");
        }
        policy.private = false;
        policy.allow = ["10.1.0.0/16", "10.0.0.9", "fd00::/8", "::1"].map(|network| network.parse().unwrap()).into();
        for (address, permitted) in
            [("10.1.255.1", true), ("10.2.0.1", false), ("10.0.0.9", true), ("fd99::1", true), ("fc99::1", false), ("::1", true)]
        {
            assert_eq!(policy.permits(address.parse().unwrap()), permitted, "{address}");
        }
    }

    #[tokio::test]
    async fn configured_hosts_may_be_anywhere() {
        let (resolver, policy) = (Resolver::off(), MxPolicy::default());
        let hop = |text: &str| text.parse::<NextHop>().unwrap();
        let found = targets(&hop("127.0.0.1:2525"), None, &resolver, &policy, 0).await.unwrap();
        assert_eq!(
            found,
            [Target::Server { protocol: Protocol::Smtp, name: "127.0.0.1".into(), address: "127.0.0.1:2525".parse().unwrap() }]
        );
        assert_eq!(targets(&hop("localhost:25"), None, &resolver, &policy, 0).await.unwrap().len(), 2);
        let unknown = targets(&hop("mail.example.com:25"), None, &resolver, &policy, 0).await;
        assert!(matches!(unknown, Err(NoTarget::Unknown(reply)) if reply.text.contains("DNS is off")));
        let unknown = targets(&NextHop::Mx, Some("example.com"), &resolver, &policy, 0).await;
        assert!(matches!(unknown, Err(NoTarget::Unknown(_))));
        let literal = targets(&NextHop::Mx, Some("[127.0.0.1]"), &resolver, &policy, 0).await;
        assert!(matches!(literal, Err(NoTarget::Never(reply)) if reply.enhanced == Some([5, 4, 4])));
    }
}
