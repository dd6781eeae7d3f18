//! The author domain: whose policy a message is held against (RFC 9989 §5.3.1).

use std::fmt;

use crate::Name;

/// Why a message has no one author domain.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum AuthorFault {
    /// There is no From field, or no address with a domain in it.
    Absent,
    /// The domain is no host name.
    NotAName,
    /// There are several From fields: readers show one or another of them.
    Repeated,
    /// The addresses are of several domains.
    Several,
}

/// The author domain of a message with so many From fields, whose mailboxes have these addresses.
///
/// Several mailboxes are no matter as long as they have one domain. Which of several domains to believe RFC 9989 §11.5 leaves open;
/// here none is.
///
/// # Errors
/// When there is not exactly one domain, or it is no host name.
///
/// # Example: whose policy applies to mail of `ann@Mail.Example.com`?
/// ```
/// use xd_auth::dmarc::{AuthorFault, author_domain};
///
/// assert_eq!(author_domain(1, ["ann@Mail.Example.com"]).unwrap().as_str(), "mail.example.com");
/// assert_eq!(author_domain(1, ["ann@example.com", "bob@example.net"]), Err(AuthorFault::Several));
/// ```
pub fn author_domain<'a>(fields: usize, addresses: impl IntoIterator<Item = &'a str>) -> Result<Name, AuthorFault> {
    if fields > 1 {
        return Err(AuthorFault::Repeated);
    }
    let mut found = None;
    for address in addresses {
        let Some((_, domain)) = address.rsplit_once('@') else { continue };
        let domain = host_name(domain.trim()).ok_or(AuthorFault::NotAName);
        match &found {
            None => found = Some(domain),
            Some(first) if *first == domain => {}
            Some(_) => return Err(AuthorFault::Several),
        }
    }
    found.unwrap_or(Err(AuthorFault::Absent))
}

/// A name of letters, digits, hyphens and underscores. An address literal, as in `ann@[192.0.2.1]`, is none.
fn host_name(text: &str) -> Option<Name> {
    let name = Name::parse_unicode(text).ok()?;
    let is_host = name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    (is_host && !name.is_root()).then_some(name)
}

impl fmt::Display for AuthorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "no author domain",
            Self::NotAName => "the author domain is no name",
            Self::Repeated => "several From fields",
            Self::Several => "several author domains",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_domain_or_none() {
        for (fields, addresses, expected) in [
            (1, &["a@example.com"][..], Ok("example.com")),
            (1, &["a@example.com", "b@EXAMPLE.com.", "undisclosed"], Ok("example.com")),
            (1, &["a@b@b\u{fc}cher.example"], Ok("xn--bcher-kva.example")),
            (0, &[], Err(AuthorFault::Absent)),
            (1, &["undisclosed"], Err(AuthorFault::Absent)),
            (2, &["a@example.com", "a@example.com"], Err(AuthorFault::Repeated)),
            (1, &["a@example.com", "a@example.net"], Err(AuthorFault::Several)),
            (1, &["a@example.com", "a@[192.0.2.1]"], Err(AuthorFault::Several)),
            (1, &["a@[192.0.2.1]"], Err(AuthorFault::NotAName)),
            (1, &["a@"], Err(AuthorFault::NotAName)),
            (1, &["a@exa mple.com"], Err(AuthorFault::NotAName)),
        ] {
            let found = author_domain(fields, addresses.iter().copied());
            assert_eq!(found, expected.map(|name| Name::parse(name).unwrap()), "{addresses:?}");
        }
    }
}
