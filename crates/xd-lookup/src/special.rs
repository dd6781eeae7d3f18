//! Names that are not for the public DNS (RFC 6761 and its registry), and what is said of them without asking.
//!
//! Mail can name anything. A name that only a site itself can know would tell whoever wrote the mail about that site, if it were
//! asked for; and a name that is kept out of the DNS would only burden the root servers.

use std::net::{Ipv4Addr, Ipv6Addr};

use xd_auth::{Absence, Answer, Name, Question, Record, RecordKind, Unknown};

/// Where the name of a question comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a name comes from a stranger or it does not")]
pub enum Origin {
    /// From mail: links, domains of senders, what their records name. Names that belong to a site are not asked for.
    Mail,
    /// From the operator, from a connection, or from whom the operator lets send. Names of the site are asked for like others.
    Site,
}

/// The answer that needs no asking; none where servers are to be asked.
pub(crate) fn answer(question: &Question, origin: Origin) -> Option<Answer<Record>> {
    let name = question.name.as_str();
    let below = |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if NEVER.iter().any(|zone| below(zone)) {
        return Some(Answer::Absent(Absence::Name));
    }
    let loopback = LOOPBACK.iter().any(|zone| below(zone));
    match origin {
        Origin::Mail if loopback || SITE.iter().any(|zone| below(zone)) || is_private_172(&question.name) => {
            // In public there is no `localhost`; what the site's own server would say of the others is not known.
            Some(if below("localhost") { Answer::Absent(Absence::Name) } else { Answer::Unknown(Unknown::NotAsked) })
        }
        Origin::Site if loopback => Some(local(question.kind, below("localhost"))),
        Origin::Mail | Origin::Site => None,
    }
}

/// RFC 6761 §6.3: the addresses of `localhost` are those of the loopback interface, and it has nothing else.
fn local(kind: RecordKind, is_localhost: bool) -> Answer<Record> {
    match kind {
        RecordKind::A if is_localhost => Answer::Found(vec![Record::A(Ipv4Addr::LOCALHOST)]),
        RecordKind::Aaaa if is_localhost => Answer::Found(vec![Record::Aaaa(Ipv6Addr::LOCALHOST)]),
        RecordKind::Ptr if !is_localhost => match Name::parse("localhost") {
            Ok(name) => Answer::Found(vec![Record::Ptr(name)]),
            Err(_) => Answer::Absent(Absence::Records),
        },
        _ => Answer::Absent(Absence::Records),
    }
}

/// Names of 172.16.0.0/12, which has no zone of its own.
fn is_private_172(name: &Name) -> bool {
    let Some(rest) = name.as_str().strip_suffix(".172.in-addr.arpa") else { return false };
    let octet = rest.rsplit('.').next().unwrap_or(rest);
    octet.parse::<u8>().is_ok_and(|octet| (16..32).contains(&octet))
}

/// In no DNS, public or not: RFC 6761 §6.4, RFC 7686 §2, RFC 9476 §2. Each says to answer NXDOMAIN without asking.
const NEVER: [&str; 3] = ["alt", "invalid", "onion"];

/// Of the machine itself: RFC 6761 §6.3, RFC 6303 §4.
const LOOPBACK: [&str; 3] =
    ["localhost", "127.in-addr.arpa", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"];

/// Of a site: `internal` is reserved by ICANN (2024); `local` by RFC 6762 §3, though sites serve it in DNS; `test` by RFC 6761 §6.2, free to
/// use at a site; `home.arpa` by RFC 8375 §4; then the reverse names of private and link-local addresses (RFC 6303 §4).
///
/// Not here: `example` and `example.com`, which RFC 6761 §6.5 says to ask for like others.
const SITE: [&str; 15] = [
    "home.arpa",
    "internal",
    "local",
    "test",
    "0.in-addr.arpa",
    "10.in-addr.arpa",
    "168.192.in-addr.arpa",
    "254.169.in-addr.arpa",
    "c.f.ip6.arpa",
    "d.f.ip6.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, kind: RecordKind, origin: Origin) -> Option<Answer<Record>> {
        answer(&Question::new(Name::parse(name).unwrap(), kind), origin)
    }

    #[test]
    fn names_from_mail() {
        let absent = Some(Answer::Absent(Absence::Name));
        let not_asked = Some(Answer::Unknown(Unknown::NotAsked));
        for name in ["a.invalid", "ABC.onion", "localhost", "a.localhost", "x.alt"] {
            assert_eq!(said(name, RecordKind::A, Origin::Mail), absent, "{name}");
        }
        for name in ["printer.local", "a.test", "router.home.arpa", "db.internal", "1.1.168.192.in-addr.arpa"] {
            assert_eq!(said(name, RecordKind::Ptr, Origin::Mail), not_asked, "{name}");
        }
        for name in ["example.com", "a.example", "mylocal", "notinvalid", "invalid.example", "local.example", "arpa", ""] {
            assert_eq!(said(name, RecordKind::A, Origin::Mail), None, "{name}");
        }
    }

    #[test]
    fn private_addresses_at_their_edges() {
        let asked = |address: &str, origin| answer(&Question::reverse(address.parse().unwrap()), origin).is_none();
        for address in
            ["172.16.0.1", "172.31.255.255", "10.0.0.1", "192.168.0.1", "169.254.0.1", "127.0.0.1", "fd00::1", "fe80::1", "::1"]
        {
            assert!(!asked(address, Origin::Mail), "{address}");
        }
        for address in ["172.15.0.1", "172.32.0.1", "11.0.0.1", "192.169.0.1", "192.0.2.1", "2001:db8::1", "fec0::1"] {
            assert!(asked(address, Origin::Mail), "{address}");
        }
        assert!(asked("10.0.0.1", Origin::Site) && !asked("127.0.0.1", Origin::Site));
    }

    #[test]
    fn the_machine_itself_at_the_site() {
        let found = said("localhost", RecordKind::A, Origin::Site);
        assert_eq!(found, Some(Answer::Found(vec![Record::A(Ipv4Addr::LOCALHOST)])));
        assert_eq!(said("localhost", RecordKind::Mx, Origin::Site), Some(Answer::Absent(Absence::Records)));
        assert_eq!(said("a.invalid", RecordKind::A, Origin::Site), Some(Answer::Absent(Absence::Name)));
        assert_eq!(said("db.internal", RecordKind::A, Origin::Site), None);
    }
}
