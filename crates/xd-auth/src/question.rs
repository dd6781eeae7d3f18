//! What is asked of DNS, and the records that answer it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Name;

/// A name and the type of record asked for.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Question {
    /// Whose records.
    pub name: Name,
    /// Which of them.
    pub kind: RecordKind,
}

/// A type of record.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "whoever answers must know them all")]
pub enum RecordKind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Hosts that take mail.
    Mx,
    /// Names of an address; the question's name is below `in-addr.arpa` or `ip6.arpa`.
    Ptr,
    /// Certificates of a service (RFC 6698); the question's name is that of its port, as `_25._tcp.mail.example.com`.
    Tlsa,
    /// Texts.
    Txt,
}

/// A record of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "one for each kind of question")]
pub enum Record {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A host that takes mail. The root as host says that none does (RFC 7505).
    Mx {
        /// Lower is tried first.
        preference: u16,
        /// Its name.
        host: Name,
    },
    /// A name.
    Ptr(Name),
    /// What a certificate must match (RFC 6698 §2.1).
    Tlsa {
        /// Which certificate is meant, and who vouches for it.
        usage: u8,
        /// Which part of it is compared.
        selector: u8,
        /// How it is compared.
        matching: u8,
        /// What it is compared with.
        data: Box<[u8]>,
    },
    /// A text: the strings of one record, joined without anything between them.
    Txt(Box<[u8]>),
}

impl Question {
    /// Asks for records of a kind under a name.
    #[must_use]
    pub fn new(name: Name, kind: RecordKind) -> Self {
        Self { name, kind }
    }

    /// Asks for the names of an address (RFC 1035 §3.5, RFC 3596 §2.5).
    ///
    /// # Example: which name holds the names of an address?
    /// ```
    /// use xd_auth::Question;
    ///
    /// let question = Question::reverse("192.0.2.7".parse().unwrap());
    /// assert_eq!(question.name.as_str(), "7.2.0.192.in-addr.arpa");
    /// ```
    #[must_use]
    pub fn reverse(address: IpAddr) -> Self {
        let text = match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(address) => {
                let nibbles = address.octets().into_iter().rev().flat_map(|octet| [octet & 0xf, octet >> 4]);
                let mut text: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
                text.push_str("ip6.arpa");
                text
            }
        };
        // Digits and fixed labels, at most 72 octets: always a name. Were it none, the root has no names of addresses either.
        let name = Name::parse(&text).unwrap_or_else(|_| Name::root());
        Self { name, kind: RecordKind::Ptr }
    }
}

impl Record {
    /// The type of the record.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::A(_) => RecordKind::A,
            Self::Aaaa(_) => RecordKind::Aaaa,
            Self::Mx { .. } => RecordKind::Mx,
            Self::Ptr(_) => RecordKind::Ptr,
            Self::Tlsa { .. } => RecordKind::Tlsa,
            Self::Txt(_) => RecordKind::Txt,
        }
    }
}
