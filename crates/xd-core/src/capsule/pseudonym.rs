//! Pseudonyms: keyed hashes in place of what identifies people.
//!
//! Whoever holds the key can tell whether an address is the one that was recorded; nobody can read it out. That is
//! pseudonymous, not anonymous: the times, the ways and the hash of the message stay.

use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest, Sha256};
use xd_auth::Answers;

use super::facts::{Facts, FieldValue};
use super::identity::Identities;
use crate::evidence::{DkimSignature, Listing};
use crate::{Domain, Envelope, Evidence, ForwardPath, Host, Known, Mailbox, ReversePath};

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// A site's secret for pseudonyms.
///
/// # Example: is this the address that was recorded?
/// ```
/// use xd_core::capsule::PseudonymKey;
///
/// let key = PseudonymKey::new(b"a secret of at least 32 random bytes");
/// let recorded = key.address("alice@example.com");
/// assert_eq!(key.address("Alice@Example.com"), recorded);
/// assert_ne!(key.address("bob@example.com"), recorded);
/// assert!(recorded.ends_with(".invalid") && !recorded.contains("alice"));
/// ```
#[derive(Clone)]
pub struct PseudonymKey {
    inner: Sha256,
    outer: Sha256,
}

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey(…)")
    }
}

impl PseudonymKey {
    /// A key of these bytes. A secret worth the name has at least 32, drawn at random.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        // RFC 2104: a key longer than a block is hashed.
        let mut block = [0; BLOCK];
        if secret.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(secret));
        } else {
            block[..secret.len()].copy_from_slice(secret);
        }
        Self { inner: Sha256::new_with_prefix(block.map(|b| b ^ 0x36)), outer: Sha256::new_with_prefix(block.map(|b| b ^ 0x5C)) }
    }

    /// HMAC-SHA-256 (RFC 2104).
    fn hmac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut inner = self.inner.clone();
        parts.iter().for_each(|part| inner.update(part));
        self.outer.clone().chain_update(inner.finalize()).finalize().into()
    }

    /// The pseudonym of a value among those of one kind.
    fn hash<const N: usize>(&self, kind: &str, value: &[u8]) -> [u8; N] {
        let whole = self.hmac(&[kind.as_bytes(), b"\0", value]);
        let mut hash = [0; N];
        hash.copy_from_slice(&whole[..N]);
        hash
    }

    /// By what the key is known again without telling it: whoever keeps capsules writes it beside them.
    ///
    /// # Example
    /// ```
    /// use xd_core::capsule::PseudonymKey;
    ///
    /// let key = |secret: &[u8]| PseudonymKey::new(secret).fingerprint();
    /// assert_eq!(key(b"a secret of at least 32 random bytes"), key(b"a secret of at least 32 random bytes"));
    /// assert_ne!(key(b"a secret of at least 32 random bytes"), key(b"another one of at least 32 random bytes"));
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 8] {
        // No value has this kind.
        self.hash("fingerprint of the key", b"")
    }

    fn text(&self, kind: &str, value: &str) -> String {
        if value.is_empty() {
            return String::new();
        }
        let hash: [u8; 8] = self.hash(kind, value.to_lowercase().as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The pseudonym of an address of mail, whatever its case: one of a domain that nobody has (RFC 2606 §2).
    #[must_use]
    pub fn address(&self, address: &str) -> String {
        match address.rsplit_once('@') {
            Some((_, domain)) => format!("{}@{}.invalid", self.text("address", address), self.text("domain", domain)),
            None => self.text("address", address),
        }
    }

    /// The pseudonym of a domain.
    #[must_use]
    pub fn domain(&self, domain: &Domain) -> Domain {
        // Sixteen hexadecimal digits and a label are a domain.
        Domain::parse(&format!("{}.invalid", self.text("domain", domain.as_str()))).unwrap_or_else(|_| domain.clone())
    }

    /// The pseudonym of a network address: one of those set aside for documentation (RFC 3849).
    #[must_use]
    pub fn network_address(&self, address: IpAddr) -> IpAddr {
        let hash: [u8; 12] = match address {
            IpAddr::V4(address) => self.hash("network address", &address.octets()),
            IpAddr::V6(address) => self.hash("network address", &address.octets()),
        };
        let mut octets = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        octets[4..].copy_from_slice(&hash);
        IpAddr::V6(Ipv6Addr::from(octets))
    }

    fn host(&self, host: &Host) -> Host {
        match host {
            Host::Domain(domain) => Host::Domain(self.domain(domain)),
            Host::Address(address) => Host::Address(self.network_address(*address)),
        }
    }

    fn mailbox(&self, mailbox: &Mailbox) -> Mailbox {
        Mailbox {
            name: String::new(),
            address: self.address(&mailbox.address),
            domain: mailbox.domain.as_ref().map(|domain| self.domain(domain)),
        }
    }

    pub(super) fn hide_envelope(&self, envelope: &mut Envelope) {
        let Envelope { client_address, ehlo, reverse_path, forward_paths, tls: _, authenticated_identity } = envelope;
        replace(client_address, |address| self.network_address(*address));
        replace(ehlo, |host| self.host(host));
        replace(reverse_path, |path| match path {
            ReversePath::Null => ReversePath::Null,
            ReversePath::Mailbox(mailbox) => ReversePath::Mailbox(self.mailbox(mailbox)),
        });
        for path in forward_paths {
            *path = ForwardPath::of(self.mailbox(path.mailbox()));
        }
        replace(authenticated_identity, |name| self.text("identity", name));
    }

    pub(super) fn hide_evidence(&self, evidence: &mut Evidence) {
        let hide = |names: &Vec<Domain>| names.iter().map(|name| self.domain(name)).collect();
        replace(&mut evidence.reverse_names, hide);
        replace(&mut evidence.confirmed_name, |name| self.domain(name));
        let hide = |signature: &DkimSignature| DkimSignature { domain: self.domain(&signature.domain), ..signature.clone() };
        replace(&mut evidence.dkim, |signatures| signatures.iter().map(hide).collect());
        // Names and texts that were asked for tell who they are about.
        evidence.answers = Answers::default();
        evidence.listings = std::mem::take(&mut evidence.listings)
            .into_iter()
            .map(|(listing, answer)| (Listing { item: self.host(&listing.item), zone: listing.zone }, answer))
            .collect();
    }

    pub(super) fn hide_identities(&self, identities: &mut Identities) {
        for mailbox in &mut identities.from {
            *mailbox = self.mailbox(mailbox);
        }
        for id in &mut identities.list_ids {
            *id = self.text("list", id);
        }
    }

    pub(super) fn hide_facts(&self, facts: &mut Facts) {
        for field in &mut facts.fields {
            if let FieldValue::Raw(value) = &field.value
                && !(is_impersonal(&field.name) && value.is_ascii())
            {
                field.value = FieldValue::Pseudonym(self.hash("header field", value));
            }
        }
        for link in &mut facts.links {
            // Paths, queries and the labels below a registered domain carry marks of single recipients.
            link.url = String::new();
            link.shown = link.shown.as_ref().map(|_| String::new());
            for host in [&mut link.host, &mut link.inner_host, &mut link.shown_host] {
                *host = host.take().map(|host| self.link_host(host));
            }
        }
        for part in &mut facts.parts {
            for name in part.file_name.iter_mut().chain(&mut part.other_names) {
                *name = self.text("file name", name);
            }
            part.sha256 = part.sha256.map(|hash| self.hash("attachment", &hash));
        }
    }

    /// The registered domain of a host of a link. Addresses stay: they are those of servers.
    fn link_host(&self, host: Host) -> Host {
        match host {
            Host::Domain(domain) => Host::Domain(Domain::parse(domain.registered()).unwrap_or(domain)),
            Host::Address(address) => Host::Address(address),
        }
    }
}

fn replace<T>(fact: &mut Known<T>, hide: impl FnOnce(&T) -> T) {
    if let Known::Found(value) = fact {
        *value = hide(value);
    }
}

/// Whether the values of a header field say nothing about people: what programs write about themselves and the form.
fn is_impersonal(name: &str) -> bool {
    const IMPERSONAL: [&str; 11] = [
        "auto-submitted",
        "content-transfer-encoding",
        "date",
        "importance",
        "list-unsubscribe-post",
        "mime-version",
        "precedence",
        "user-agent",
        "x-mailer",
        "x-msmail-priority",
        "x-priority",
    ];
    IMPERSONAL.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.2, §4.3 and §4.7.
    #[test]
    fn hmac_is_that_of_the_standard() {
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for (key, data, expected) in [
            (&[0x0b; 20][..], &b"Hi There"[..], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            let (start, end) = data.split_at(3);
            assert_eq!(hex(PseudonymKey::new(key).hmac(&[start, end])), expected);
        }
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", PseudonymKey::new(b"secret")), "PseudonymKey(…)");
    }

    #[test]
    fn what_is_empty_stays_so() {
        let key = PseudonymKey::new(b"secret");
        assert_eq!(key.address(""), "");
        let mailbox = key.mailbox(&Mailbox::new("Alice", "alice@example.com"));
        assert_eq!((mailbox.name.as_str(), mailbox.domain), ("", Domain::parse(mailbox.address.split('@').nth(1).unwrap()).ok()));
    }
}
