//! Decisions before the message exists: who may send to whom.

use std::borrow::Cow;
use std::net::IpAddr;

use xd_config::Config;

use crate::server::Peer;

/// Whether a recipient is taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Recipient {
    /// Mail for this address is accepted.
    Accepted(String),
    /// It is of a protected domain, and nobody's.
    NotProtected,
    /// It is of a foreign domain, to which this client may not send.
    NotRelayed,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) client: Option<IpAddr>,
    pub(super) trusted: bool,
    pub(super) authenticated: bool,
}

impl Asking {
    pub(super) fn of(peer: &Peer) -> Self {
        Self { client: peer.client(), trusted: peer.trusted, authenticated: peer.authenticated.is_some() }
    }
}

/// Whether mail for this forward-path is taken from this client.
pub(super) fn recipient(config: &Config, asking: Asking, local_part: &str, domain: Option<&str>) -> Recipient {
    let Some(domain) = domain else {
        // RFC 5321 §4.1.1.3: `postmaster` alone is an address of every server.
        let first = config.hostname().and_then(|name| config.domain(name)).or_else(|| config.domains().next());
        return first.map_or(Recipient::NotProtected, |domain| Recipient::Accepted(format!("postmaster@{}", domain.name)));
    };
    let address = || Recipient::Accepted(format!("{local_part}@{domain}"));
    match config.domain(domain) {
        // Routes in local parts, for a next hop that trusts us: `bob%example.net@example.com` (RFC 5321 §3.6.1).
        Some(_) if unquoted(local_part).contains(['%', '!', '@']) && !may_relay(config, asking) => Recipient::NotRelayed,
        Some(protected) if protected.recipients.contain(&unquoted(local_part)) => address(),
        Some(_) => Recipient::NotProtected,
        None if may_relay(config, asking) => address(),
        None => Recipient::NotRelayed,
    }
}

/// Whether this client may send to domains that are not protected.
fn may_relay(config: &Config, asking: Asking) -> bool {
    let named = |client: IpAddr| {
        config.clients().any(|named| named.relay && named.networks.iter().any(|network| network.contains(client)))
    };
    asking.trusted || asking.authenticated || asking.client.is_some_and(named)
}

/// A local part without quotes: `"al\ice"` and `alice` are the same (RFC 5321 §4.1.2).
fn unquoted(local_part: &str) -> Cow<'_, str> {
    let Some(inner) = local_part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return local_part.into() };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        text.extend(if char == '\\' { chars.next() } else { Some(char) });
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use xd_core::RuleSource;

    use super::*;

    fn asked(local_part: &str, domain: Option<&str>, trusted: bool, client: &str) -> Recipient {
        let text = "hostname = \"mx.example.net\"\n[[domain]]\nname = \"example.com\"\nrecipients = [\"alice\"]\n\
            next_hop = [\"127.0.0.1:26\"]\n[[client]]\nnetworks = [\"192.0.2.0/24\"]\nrelay = true\n";
        let config = Config::parse(RuleSource::new("xd.toml", text)).unwrap();
        let asking = Asking { client: client.parse().ok(), trusted, authenticated: false };
        recipient(&config, asking, local_part, domain)
    }

    #[test]
    fn protected_addresses_are_taken_from_anyone() {
        for local_part in ["alice", "ALICE", "\"al\\ice\"", "postmaster"] {
            let expected = Recipient::Accepted(format!("{local_part}@Example.com"));
            assert_eq!(asked(local_part, Some("Example.com"), false, "198.51.100.1"), expected);
        }
        assert_eq!(asked("mallory", Some("example.com"), true, "127.0.0.1"), Recipient::NotProtected);
    }

    #[test]
    fn foreign_domains_are_for_our_own() {
        let taken = || Recipient::Accepted("bob@example.org".to_owned());
        assert_eq!(asked("bob", Some("example.org"), false, "198.51.100.1"), Recipient::NotRelayed);
        assert_eq!(asked("bob", Some("example.org"), true, "198.51.100.1"), taken());
        assert_eq!(asked("bob", Some("example.org"), false, "192.0.2.9"), taken());
        assert_eq!(asked("bob", Some("sub.example.com"), false, "198.51.100.1"), Recipient::NotRelayed);
        assert_eq!(asked("bob", Some("[192.0.2.1]"), false, "198.51.100.1"), Recipient::NotRelayed);
    }

    #[test]
    fn local_parts_that_hold_a_route_are_for_our_own() {
        for local_part in ["alice%example.org", "example.org!alice", "\"alice@example.org\""] {
            assert_eq!(asked(local_part, Some("example.com"), false, "198.51.100.1"), Recipient::NotRelayed, "{local_part}");
            assert_eq!(asked(local_part, Some("example.com"), true, "127.0.0.1"), Recipient::NotProtected, "{local_part}");
        }
    }

    #[test]
    fn postmaster_needs_no_domain() {
        let expected = Recipient::Accepted("postmaster@example.com".to_owned());
        assert_eq!(asked("postmaster", None, false, "198.51.100.1"), expected);
    }
}
