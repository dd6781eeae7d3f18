//! Records of keys (RFC 6376 §3.6.1, RFC 8463 §4): what is published under a selector, and whether a signature may use it.

use super::Reason;
use super::der::modulus_bits;
use super::field::SignatureField;
use super::tags::{Tags, decode_base64, items};
use crate::{Algorithm, Record};

/// Fewest bits of an RSA key that signatures are accepted of (RFC 8301 §3.2).
pub const MIN_KEY_BITS: u32 = 1_024;
/// Most bits of an RSA key that are verified: RFC 8301 §3.2 asks for 4096, and each doubling costs four times as much.
pub const MAX_KEY_BITS: u32 = 8_192;
/// Octets of a record: a key of the most bits has some 1,400 in base64.
const MAX_RECORD: usize = 16_384;
/// Records under one selector: RFC 6376 §3.6.2.2 wants one.
const MAX_RECORDS: usize = 10;

/// A key as it is published: for those who publish it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PublishedKey {
    /// How it signs.
    pub algorithm: Algorithm,
    /// Bits of an RSA key's modulus; 256 of Ed25519.
    pub bits: u32,
    /// The owner is only trying (`t=y`): verifiers must not treat a signature that fails worse than none (RFC 6376 §3.6.1).
    pub testing: bool,
}

impl PublishedKey {
    /// Reads a TXT record as the verifier of a signature would.
    ///
    /// # Errors
    /// Why no signature can use it.
    ///
    /// # Example: a key that was withdrawn
    /// ```
    /// use xd_auth::dkim::{PublishedKey, Reason};
    ///
    /// assert_eq!(PublishedKey::parse(b"v=DKIM1; p="), Err(Reason::KeyRevoked));
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, Reason> {
        let read = |algorithm| {
            let key = Key::read(text, &SignatureFacts { algorithm, identity_is_domain: true })?;
            Ok(Self { algorithm, bits: key.bits, testing: key.testing })
        };
        match read(Algorithm::RsaSha256) {
            Err(Reason::KeyAlgorithm) => read(Algorithm::Ed25519Sha256),
            other => other,
        }
    }
}

/// A key that a signature may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Key {
    pub(crate) octets: Box<[u8]>,
    pub(crate) bits: u32,
    pub(crate) testing: bool,
}

impl Key {
    /// The key among the records of a selector. Of several, which the standard leaves undefined, the first one that can be used; when
    /// none can, the reason is that of the first that looks like a key.
    pub(crate) fn among(records: &[Record], field: &SignatureFacts) -> Result<Self, Reason> {
        let mut reason = Reason::KeySyntax;
        for record in records.iter().take(MAX_RECORDS) {
            let Record::Txt(text) = record else { continue };
            match Self::read(text, field) {
                Ok(key) => return Ok(key),
                Err(why) if reason == Reason::KeySyntax => reason = why,
                Err(_) => {}
            }
        }
        Err(reason)
    }

    fn read(text: &[u8], field: &SignatureFacts) -> Result<Self, Reason> {
        let tags = Tags::parse(text).ok().filter(|_| text.len() <= MAX_RECORD).ok_or(Reason::KeySyntax)?;
        // RFC 6376 §3.6.1, v=: first if it is there, and DKIM1.
        if tags.get("v").is_some_and(|version| version != b"DKIM1" || tags.first() != Some(b"v")) {
            return Err(Reason::KeySyntax);
        }
        let published = tags.get("p").ok_or(Reason::KeySyntax)?;
        if published.is_empty() {
            return Err(Reason::KeyRevoked);
        }
        let kind = match field.algorithm {
            Algorithm::Ed25519Sha256 => "ed25519",
            Algorithm::RsaSha256 => "rsa",
        };
        if !tags.get("k").unwrap_or(b"rsa").eq_ignore_ascii_case(kind.as_bytes()) {
            return Err(Reason::KeyAlgorithm);
        }
        let allows = |tag: &str, words: &[&str]| {
            tags.get(tag)
                .is_none_or(|list| items(list).any(|item| words.iter().any(|word| item.eq_ignore_ascii_case(word.as_bytes()))))
        };
        if !allows("h", &["sha256"]) {
            return Err(Reason::KeyHash);
        }
        if !allows("s", &["*", "email"]) {
            return Err(Reason::KeyService);
        }
        let flag = |wanted: &[u8]| tags.get("t").is_some_and(|flags| items(flags).any(|flag| flag.eq_ignore_ascii_case(wanted)));
        if flag(b"s") && !field.identity_is_domain {
            return Err(Reason::KeyIdentity);
        }
        let octets = decode_base64(published).ok_or(Reason::KeySyntax)?.into_boxed_slice();
        let bits = match field.algorithm {
            // RFC 8463 §4: the 32 octets of the key and nothing around them.
            Algorithm::Ed25519Sha256 if octets.len() == 32 => 256,
            Algorithm::Ed25519Sha256 => return Err(Reason::KeySyntax),
            Algorithm::RsaSha256 => modulus_bits(&octets).ok_or(Reason::KeySyntax)?,
        };
        if field.algorithm == Algorithm::RsaSha256 {
            match bits {
                ..MIN_KEY_BITS => return Err(Reason::KeyShort(bits)),
                MIN_KEY_BITS..=MAX_KEY_BITS => {}
                _ => return Err(Reason::KeyLong(bits)),
            }
        }
        Ok(Self { octets, bits, testing: flag(b"y") })
    }
}

/// What of a signature its key must fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignatureFacts {
    pub(crate) algorithm: Algorithm,
    pub(crate) identity_is_domain: bool,
}

impl From<&SignatureField<'_>> for SignatureFacts {
    fn from(field: &SignatureField<'_>) -> Self {
        Self { algorithm: field.algorithm, identity_is_domain: field.identity_is_domain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
    const EDWARDS: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn read(text: &str, algorithm: Algorithm, identity_is_domain: bool) -> Result<(u32, bool), Reason> {
        let text = text.replace("KEY", KEY).replace("EDWARDS", EDWARDS);
        let facts = SignatureFacts { algorithm, identity_is_domain };
        Key::among(&[Record::Txt(text.as_bytes().into())], &facts).map(|key| (key.bits, key.testing))
    }

    #[test]
    fn records_of_rsa() {
        for (text, expected) in [
            ("p=KEY", Ok((1024, false))),
            ("v=DKIM1; k=rsa; t=y; h=sha1:sha256; s=email; n=any; g=old; x=1; p=KEY;", Ok((1024, true))),
            ("k=rsa; v=DKIM1; p=KEY", Err(Reason::KeySyntax)),
            ("v=DKIM2; p=KEY", Err(Reason::KeySyntax)),
            ("v=DKIM1; t; p=KEY", Err(Reason::KeySyntax)),
            ("v=DKIM1", Err(Reason::KeySyntax)),
            ("v=spf1 -all", Err(Reason::KeySyntax)),
            ("p=", Err(Reason::KeyRevoked)),
            ("p=YQ==", Err(Reason::KeySyntax)),
            ("k=ed25519; p=EDWARDS", Err(Reason::KeyAlgorithm)),
            ("k=new; p=KEY", Err(Reason::KeyAlgorithm)),
            ("h=sha1; p=KEY", Err(Reason::KeyHash)),
            ("s=tlsrpt; p=KEY", Err(Reason::KeyService)),
            ("s=tlsrpt:*; p=KEY", Ok((1024, false))),
            ("t=s; p=KEY", Err(Reason::KeyIdentity)),
        ] {
            assert_eq!(read(text, Algorithm::RsaSha256, false), expected, "{text}");
        }
        assert_eq!(read("t=y:s; p=KEY", Algorithm::RsaSha256, true), Ok((1024, true)));
        let short = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2leFxfS/AVJ+dYfY+hXqMsT7l+MZvvh/R1WzN4MO/kI/7XsCAwEAAQ==";
        assert_eq!(read(&format!("p={short}"), Algorithm::RsaSha256, true), Err(Reason::KeyShort(512)));
    }

    #[test]
    fn records_of_ed25519() {
        for (text, expected) in [
            ("k=ed25519; p=EDWARDS", Ok((256, false))),
            ("p=EDWARDS", Err(Reason::KeyAlgorithm)),
            ("k=ed25519; p=MCowBQYDK2VwAyEA3SUqa9UbfciWkk7tlcJ9P1VD5pXAasg0JUn/OgjVbKE=", Err(Reason::KeySyntax)),
        ] {
            assert_eq!(read(text, Algorithm::Ed25519Sha256, true), expected, "{text}");
        }
    }

    #[test]
    fn keys_as_they_are_published() {
        let parse = |text: &str| {
            let text = text.replace("KEY", KEY).replace("EDWARDS", EDWARDS);
            PublishedKey::parse(text.as_bytes()).map(|key| (key.algorithm, key.bits, key.testing))
        };
        assert_eq!(parse("t=y; p=KEY"), Ok((Algorithm::RsaSha256, 1024, true)));
        assert_eq!(parse("k=ed25519; t=s; p=EDWARDS"), Ok((Algorithm::Ed25519Sha256, 256, false)));
        assert_eq!(parse("k=new; p=KEY"), Err(Reason::KeyAlgorithm));
        assert_eq!(parse("k=ed25519; p="), Err(Reason::KeyRevoked));
    }

    #[test]
    fn of_several_records_the_first_usable() {
        let facts = SignatureFacts { algorithm: Algorithm::RsaSha256, identity_is_domain: true };
        let records = |texts: &[&str]| texts.iter().map(|text| Record::Txt(text.as_bytes().into())).collect::<Vec<_>>();
        let good = format!("p={KEY}");
        assert!(Key::among(&records(&["v=spf1 -all", "p=", &good]), &facts).is_ok());
        assert_eq!(Key::among(&records(&["v=spf1 -all", "p="]), &facts), Err(Reason::KeyRevoked));
        let crowd = [vec!["v=spf1 -all"; MAX_RECORDS], vec![&good]].concat();
        assert!(Key::among(&records(&crowd[1..]), &facts).is_ok());
        assert_eq!(Key::among(&records(&crowd), &facts), Err(Reason::KeySyntax));
    }
}
