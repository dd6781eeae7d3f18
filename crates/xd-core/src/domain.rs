//! Host names: domains in one spelling, and the part of them that someone registered.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A domain in lower-case ASCII (A-labels), without a final dot, of 1 to 253 octets and labels of 1 to 63 (RFC 1035 §2.3.4).
///
/// # Example: which part of a name did someone register?
/// ```
/// use xd_core::Domain;
///
/// let domain = Domain::parse("WWW.Bücher.example.co.uk.").unwrap();
/// assert_eq!(domain.as_str(), "www.xn--bcher-kva.example.co.uk");
/// assert_eq!(domain.registered(), "example.co.uk");
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Domain(Box<str>);

/// Why a text is not a [`Domain`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DomainError {
    /// No characters, or an empty label.
    #[error("a domain has no empty label")]
    Empty,
    /// More than 253 octets, or a label of more than 63.
    #[error("a domain has at most 253 octets and 63 in a label")]
    Long,
    /// A character that host names do not hold, or one that IDNA does not allow.
    #[error("a domain holds letters, digits, hyphens and underscores")]
    Character,
}

impl Domain {
    /// Reads a domain in any spelling: upper case, U-labels, a final dot.
    ///
    /// Underscores are allowed, since names in mail have them.
    ///
    /// # Errors
    /// When a label is empty or too long, or a character cannot stand in a host name.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if is_settled(text) {
            return Ok(Self(text.into()));
        }
        let ascii = if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            // UTS #46 maps full-width forms, ideographic dots and upper case before it encodes.
            let mut ascii = idna::domain_to_ascii(text).map_err(|_| DomainError::Character)?;
            if ascii.ends_with('.') {
                ascii.pop();
            }
            ascii
        };
        if ascii.len() > 253 {
            return Err(DomainError::Long);
        }
        for label in ascii.split('.') {
            match label.len() {
                0 => return Err(DomainError::Empty),
                1..=63 => {}
                _ => return Err(DomainError::Long),
            }
            if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
                return Err(DomainError::Character);
            }
        }
        Ok(Self(ascii.into_boxed_str()))
    }

    /// The domain as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The registrable domain by the public-suffix list, private suffixes included: `example.co.uk` of
    /// `www.example.co.uk`. A bare suffix or a single label is returned whole.
    #[must_use]
    pub fn registered(&self) -> &str {
        self.end(psl::domain(self.0.as_bytes()).map(|domain| domain.as_bytes().len()))
    }

    /// The public suffix: `co.uk` of `www.example.co.uk`.
    #[must_use]
    pub fn suffix(&self) -> &str {
        self.end(psl::suffix(self.0.as_bytes()).map(|suffix| suffix.as_bytes().len()))
    }

    /// The last so many bytes, or all.
    fn end(&self, length: Option<usize>) -> &str {
        length.and_then(|length| self.0.get(self.0.len().checked_sub(length)?..)).unwrap_or(&self.0)
    }

    /// The label someone chose: `example` of `www.example.co.uk`.
    #[must_use]
    pub fn name(&self) -> &str {
        let registered = self.registered();
        registered.split('.').next().unwrap_or(registered)
    }

    /// The label someone chose, as a person reads it: one that is no IDN though it looks encoded stays as it stands.
    #[must_use]
    pub fn to_unicode_name(&self) -> String {
        let name = self.name();
        decoded(name).unwrap_or_else(|| name.to_owned())
    }

    /// Whether this domain is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &str) -> bool {
        self.0.strip_suffix(ancestor).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The domain as a person reads it, with U-labels; as it stands when UTS #46 refuses one of them, as browsers do.
    ///
    /// # Example: what does a person read?
    /// ```
    /// use xd_core::Domain;
    ///
    /// assert_eq!(Domain::parse("xn--bcher-kva.example").unwrap().to_unicode(), "bücher.example");
    /// assert_eq!(Domain::parse("xn--0.example").unwrap().to_unicode(), "xn--0.example");
    /// ```
    #[must_use]
    pub fn to_unicode(&self) -> String {
        decoded(&self.0).unwrap_or_else(|| self.0.to_string())
    }
}

/// A domain or label in A-labels with U-labels; none when UTS #46 refuses it.
fn decoded(ascii: &str) -> Option<String> {
    if !ascii.contains("xn--") {
        return Some(ascii.to_owned());
    }
    let (text, result) = idna::domain_to_unicode(ascii);
    // UTS #46 §4.1, step 4: what is decoded does not look encoded again. The library leaves that to its caller.
    let twice = |label: &str| label.starts_with("xn--") && !label.is_ascii();
    (result.is_ok() && !text.split('.').any(twice)).then_some(text)
}

/// Whether a text is a domain as it stands, as nearly all are: one look at each byte.
fn is_settled(text: &str) -> bool {
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if SETTLED[usize::from(byte)] {
            continue;
        }
        if byte != b'.' || !(1..=63).contains(&(at - start)) {
            return false;
        }
        start = at + 1;
    }
    (1..=63).contains(&(text.len() - start)) && text.len() <= 253
}

/// The bytes of labels as they stand in a [`Domain`].
const SETTLED: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        byte += 1;
    }
    bytes
};

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host named in a link, a trace field or an EHLO command: a domain or an address.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Host {
    /// A domain.
    Domain(Domain),
    /// An address.
    Address(IpAddr),
}

impl Host {
    /// Reads what a client called itself: a domain, or an address literal such as `[192.0.2.7]` or `[IPv6:2001:db8::1]`
    /// (RFC 5321 §4.1.3).
    ///
    /// # Example: is a bare address a name?
    /// ```
    /// use xd_core::Host;
    ///
    /// assert!(Host::parse("[IPv6:2001:db8::1]").unwrap().domain().is_none());
    /// assert!(Host::parse("mail.example.com").unwrap().domain().is_some());
    /// assert_eq!(Host::parse("[mail.example.com]"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some(literal) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
            return Domain::parse(text).ok().map(Self::Domain);
        };
        let is_tagged = literal.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("ipv6:"));
        if is_tagged { literal[5..].parse().ok().map(IpAddr::V6) } else { literal.parse().ok().map(IpAddr::V4) }
            .map(Self::Address)
    }

    /// The domain, unless the host is an address.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        match self {
            Self::Domain(domain) => Some(domain),
            Self::Address(_) => None,
        }
    }
}

impl From<Ipv4Addr> for Host {
    fn from(address: Ipv4Addr) -> Self {
        Self::Address(IpAddr::V4(address))
    }
}

impl From<Ipv6Addr> for Host {
    fn from(address: Ipv6Addr) -> Self {
        Self::Address(IpAddr::V6(address))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => domain.fmt(f),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_all() {
        for text in ["example.com", "EXAMPLE.com.", "ｅｘａｍｐｌｅ.com", "example。com", "example。com。"] {
            assert_eq!(Domain::parse(text).unwrap().as_str(), "example.com", "{text}");
        }
    }

    #[test]
    fn not_domains() {
        assert_eq!(Domain::parse(""), Err(DomainError::Empty));
        assert_eq!(Domain::parse("a..b"), Err(DomainError::Empty));
        assert_eq!(Domain::parse("a b.com"), Err(DomainError::Character));
        assert_eq!(Domain::parse(&"a".repeat(64)), Err(DomainError::Long));
        assert!(Domain::parse(&"a".repeat(63)).is_ok());
        assert_eq!(Domain::parse(&["abcdefg"; 32].join(".")), Err(DomainError::Long));
    }

    #[test]
    fn what_no_browser_shows_stays_encoded() {
        for (text, shown) in [
            ("xn--bcher-kva.example", "bücher.example"),
            ("xn--0.example", "xn--0.example"),
            // Letters and digits of two directions in one label.
            ("xn--0-sfa.xn--4db", "xn--0-sfa.xn--4db"),
            ("xn--xn---epa", "xn--xn---epa"),
        ] {
            let domain = Domain::parse(text).unwrap();
            assert_eq!(domain.to_unicode(), shown, "{text}");
        }
        assert_eq!(Domain::parse("www.xn--0.example").unwrap().to_unicode_name(), "xn--0");
    }

    #[test]
    fn within_ends_at_labels() {
        let domain = Domain::parse("mail.example.com").unwrap();
        assert!(domain.is_within("example.com"));
        assert!(domain.is_within("mail.example.com"));
        assert!(!domain.is_within("ample.com"));
        assert!(!domain.is_within("il.example.com"));
    }
}
