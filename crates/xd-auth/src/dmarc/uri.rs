//! Where reports are to go: `rua` and `ruf` of a record (RFC 9989 §4.6 and §4.8).

use crate::Name;
use crate::tag_list::trimmed;

/// Where reports are to go: a URI as published, of printable ASCII without commas, and without the size that RFC 7489 allowed after
/// it (`!10m`).
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReportUri(Box<str>);

/// URIs of one tag that are kept. Reports are owed to few, and each costs work and mail.
pub const MAX_URIS: usize = 16;

impl ReportUri {
    /// Reads one URI (RFC 3986 §3): a scheme and what stands after its colon. For `mailto`, that must be an address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = without_size(trimmed(text));
        let (scheme, rest) = text.split_once(':')?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        // `!` and `,` must be percent-encoded here.
        let is_uri =
            text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b',' | b'!' | b'<' | b'>' | b'"' | b'\\'));
        let uri = Self(text.into());
        (is_scheme && is_uri && !rest.is_empty() && (!uri.is_mail() || uri.host().is_some())).then_some(uri)
    }

    /// The URI as published.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether reports go there by mail.
    #[must_use]
    pub fn is_mail(&self) -> bool {
        self.after_scheme("mailto").is_some()
    }

    /// The address of a `mailto` URI, percent-encoded as it stands there.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        let rest = self.after_scheme("mailto")?;
        rest.split('?').next()
    }

    /// The host that gets the reports: the domain of the address, or the host of the authority. None when it is no name.
    #[must_use]
    pub fn host(&self) -> Option<Name> {
        let host = match self.address() {
            Some(address) => {
                let (local, host) = address.rsplit_once('@')?;
                (!local.is_empty()).then_some(host)?
            }
            None => {
                let authority = self.0.split_once("://")?.1.split(['/', '?', '#']).next()?;
                let host = authority.rsplit('@').next()?;
                host.split_once(':').map_or(host, |(host, _)| host)
            }
        };
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let name = host.bytes().all(is_host).then(|| Name::parse(host).ok())??;
        (!name.is_root()).then_some(name)
    }

    fn after_scheme(&self, scheme: &str) -> Option<&str> {
        let (found, rest) = self.0.split_once(':')?;
        found.eq_ignore_ascii_case(scheme).then_some(rest)
    }
}

/// Takes the URIs of a list, leaving out those that are none. Whether all were taken, and any.
pub(super) fn read_list(value: &str, uris: &mut Vec<ReportUri>) -> bool {
    let mut all = true;
    for part in value.split(',') {
        match ReportUri::parse(part) {
            Some(uri) if uris.len() < MAX_URIS => {
                if !uris.contains(&uri) {
                    uris.push(uri);
                }
            }
            _ => all = false,
        }
        if uris.len() == MAX_URIS {
            break;
        }
    }
    all && !uris.is_empty()
}

/// RFC 9989 §4.8, `obs-dmarc-report-size`: reporters ignore it.
fn without_size(text: &str) -> &str {
    let Some((uri, size)) = text.rsplit_once('!') else { return text };
    let digits = size.trim_end_matches(['k', 'm', 'g', 't', 'K', 'M', 'G', 'T']);
    let is_size = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && size.len() <= digits.len() + 1;
    if is_size { uri } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_and_their_hosts() {
        for (text, uri, host) in [
            ("mailto:dmarc@example.com", "mailto:dmarc@example.com", "example.com"),
            (" MAILTO:Dmarc@Example.COM!10m ", "MAILTO:Dmarc@Example.COM", "example.com"),
            ("mailto:a@example.com!5", "mailto:a@example.com", "example.com"),
            ("mailto:a@example.com?subject=x", "mailto:a@example.com?subject=x", "example.com"),
            ("https://user@reports.example.com:8443/a?b", "https://user@reports.example.com:8443/a?b", "reports.example.com"),
        ] {
            let read = ReportUri::parse(text).unwrap();
            assert_eq!((read.as_str(), read.host().unwrap().as_str()), (uri, host), "{text}");
        }
    }

    #[test]
    fn what_is_no_uri() {
        for text in ["", "dmarc@example.com", "mailto:", "mailto:example.com", "mailto:@example.com", "mailto:a@", ":a", "1a:b"] {
            assert!(ReportUri::parse(text).is_none(), "{text}");
        }
        for text in ["mailto:a b@example.com", "mailto:a!b@example.com", "mailto:a@example.com!10mm", "mailto:a@[192.0.2.1]"] {
            assert!(ReportUri::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn lists_are_held_at_their_edge() {
        let list = |count: usize| (0..count).map(|n| format!("mailto:a{n}@example.com")).collect::<Vec<_>>().join(",");
        for (count, kept) in [(1, 1), (MAX_URIS, MAX_URIS), (MAX_URIS + 1, MAX_URIS)] {
            let mut uris = Vec::new();
            assert!(read_list(&list(count), &mut uris));
            assert_eq!(uris.len(), kept);
        }
        let mut uris = Vec::new();
        assert!(!read_list("nothing, mailto:a@example.com , ", &mut uris));
        assert_eq!(uris.len(), 1);
    }
}
