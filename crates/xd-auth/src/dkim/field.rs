//! Fields that sign: DKIM-Signature (RFC 6376 §3.5), ARC-Message-Signature and ARC-Seal (RFC 8617 §4.1), which differ in few tags.

use super::tags::{Tags, decode_base64, items, number};
use super::{Canonicalization, Reason};
use crate::{Algorithm, Name};

/// Names in `h=`: mail has some 20, and a header is searched for each.
pub const MAX_NAMES: usize = 1_000;

/// Which field it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    ArcMessage,
    ArcSeal,
    Dkim,
}

/// What a field says of itself, read as far as it can be: to name a signature even if it is wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Described {
    pub(crate) domain: Option<Name>,
    pub(crate) selector: Option<Name>,
    pub(crate) identity: Option<Box<str>>,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) start: Box<str>,
    pub(crate) made: Option<u64>,
    pub(crate) expires: Option<u64>,
}

impl Described {
    pub(crate) fn read(tags: &Tags<'_>, form: Form) -> Self {
        let domain = tags.get("d").and_then(domain);
        let identity = match tags.get("i") {
            // RFC 8617 §4.1.2: i= is the instance.
            _ if form != Form::Dkim => None,
            Some(text) => decode_quoted(text).and_then(|text| String::from_utf8(text).ok()),
            None => domain.as_ref().map(|domain| format!("@{domain}")),
        };
        let start = tags.get("b").unwrap_or_default().iter().filter(|octet| octet.is_ascii_graphic()).take(START);
        Self {
            selector: tags.get("s").and_then(labels),
            identity: identity.map(String::into_boxed_str),
            algorithm: tags.get("a").and_then(|text| algorithm(text).ok()),
            start: start.map(|&octet| char::from(octet)).collect(),
            made: tags.get("t").and_then(number),
            expires: tags.get("x").and_then(number),
            domain,
        }
    }
}

/// A field that can be verified.
#[derive(Debug)]
pub(crate) struct SignatureField<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) domain: Name,
    pub(crate) selector: Name,
    /// Whether `i=` is in `d=` itself.
    pub(crate) identity_is_domain: bool,
    pub(crate) signature: Vec<u8>,
    /// Of seals: none.
    pub(crate) message: Option<MessagePart<'a>>,
}

/// What a signature over a message says beyond what a seal does.
#[derive(Debug)]
pub(crate) struct MessagePart<'a> {
    pub(crate) body_hash: [u8; 32],
    pub(crate) header: Canonicalization,
    pub(crate) body: Canonicalization,
    pub(crate) limit: Option<u64>,
    pub(crate) names: Vec<&'a [u8]>,
}

impl<'a> SignatureField<'a> {
    pub(crate) fn read(tags: &Tags<'a>, form: Form) -> Result<Self, Reason> {
        if form == Form::Dkim && tags.need("v")? != b"1" {
            return Err(Reason::UnknownVersion);
        }
        let algorithm = algorithm(tags.need("a")?)?;
        let domain = domain(tags.need("d")?).ok_or(Reason::BadTag("d"))?;
        let selector = labels(tags.need("s")?).ok_or(Reason::BadTag("s"))?;
        let signature = decode_base64(tags.need("b")?).ok_or(Reason::BadTag("b"))?;
        times(tags)?;
        let message = match form {
            Form::ArcSeal => {
                // RFC 8617 §4.1.3: a seal has no h=.
                if tags.get("h").is_some() {
                    return Err(Reason::BadTag("h"));
                }
                None
            }
            Form::ArcMessage | Form::Dkim => Some(MessagePart::read(tags, form)?),
        };
        let identity_is_domain = match form {
            Form::Dkim => identity_is_domain(tags, &domain)?,
            // There is no identity.
            Form::ArcMessage | Form::ArcSeal => true,
        };
        Ok(Self { algorithm, domain, selector, identity_is_domain, signature, message })
    }
}

impl<'a> MessagePart<'a> {
    fn read(tags: &Tags<'a>, form: Form) -> Result<Self, Reason> {
        let body_hash = decode_base64(tags.need("bh")?).and_then(|hash| hash.try_into().ok()).ok_or(Reason::BadTag("bh"))?;
        let usual = match form {
            Form::Dkim => Canonicalization::Simple,
            // RFC 8617 §4.1.2 takes over c= from DKIM, and so its default; but other verifiers and their common suite go by relaxed, the
            // only form that sealers use.
            Form::ArcMessage | Form::ArcSeal => Canonicalization::Relaxed,
        };
        let (header, body) = tags.get("c").map_or(Ok((usual, usual)), canonicalization)?;
        let limit = tags.get("l").map(|text| number(text).ok_or(Reason::BadTag("l"))).transpose()?;
        // RFC 6376 §3.5, q=: whatever is understood of the list.
        if tags.get("q").is_some_and(|query| !items(query).any(|way| matches!(way, b"dns/txt" | b"dns"))) {
            return Err(Reason::UnknownQuery);
        }
        let names: Vec<&[u8]> = items(tags.need("h")?).take(MAX_NAMES + 1).collect();
        if names.len() > MAX_NAMES {
            return Err(Reason::TooManyNames);
        }
        if names.iter().any(|name| name.is_empty()) {
            return Err(Reason::BadTag("h"));
        }
        if !names.iter().any(|name| name.eq_ignore_ascii_case(b"from")) {
            return Err(Reason::FromNotSigned);
        }
        // RFC 8617 §4.1.2: seals are signed by seals.
        if form == Form::ArcMessage && names.iter().any(|name| name.eq_ignore_ascii_case(b"arc-seal")) {
            return Err(Reason::BadTag("h"));
        }
        Ok(Self { body_hash, header, body, limit, names })
    }
}

/// Characters of a signature that tell it from others (RFC 6008 §4).
const START: usize = 8;

fn algorithm(text: &[u8]) -> Result<Algorithm, Reason> {
    match text {
        b"rsa-sha256" => Ok(Algorithm::RsaSha256),
        b"ed25519-sha256" => Ok(Algorithm::Ed25519Sha256),
        b"rsa-sha1" => Err(Reason::Sha1),
        _ => Err(Reason::UnknownAlgorithm),
    }
}

/// RFC 6376 §3.5, c=: of the header, then of the body; simple when it is not said.
fn canonicalization(text: &[u8]) -> Result<(Canonicalization, Canonicalization), Reason> {
    let form = |text: &[u8]| match text {
        b"relaxed" => Ok(Canonicalization::Relaxed),
        b"simple" => Ok(Canonicalization::Simple),
        _ => Err(Reason::UnknownCanonicalization),
    };
    match text.iter().position(|&octet| octet == b'/') {
        Some(slash) => Ok((form(&text[..slash])?, form(&text[slash + 1..])?)),
        None => Ok((form(text)?, Canonicalization::Simple)),
    }
}

/// Both times are numbers, and the signature was not expired when it was made.
fn times(tags: &Tags<'_>) -> Result<(), Reason> {
    let time = |name: &'static str| tags.get(name).map(|text| number(text).ok_or(Reason::BadTag(name))).transpose();
    match (time("t")?, time("x")?) {
        (Some(made), Some(expires)) if expires <= made => Err(Reason::BadTag("x")),
        _ => Ok(()),
    }
}

fn identity_is_domain(tags: &Tags<'_>, domain: &Name) -> Result<bool, Reason> {
    let Some(text) = tags.get("i") else { return Ok(true) };
    let identity = decode_quoted(text).ok_or(Reason::BadTag("i"))?;
    let at = memchr::memrchr(b'@', &identity).ok_or(Reason::BadTag("i"))?;
    let name =
        std::str::from_utf8(&identity[at + 1..]).ok().and_then(|text| Name::parse(text).ok()).ok_or(Reason::BadTag("i"))?;
    if std::str::from_utf8(&identity).is_err() {
        return Err(Reason::BadTag("i"));
    }
    // RFC 6376 §3.5, i=: the domain part must be that of d= or below it.
    if name.is_within(domain) { Ok(name == *domain) } else { Err(Reason::IdentityOutside) }
}

/// RFC 6376 §3.5, d=: `sub-domain 1*("." sub-domain)`.
fn domain(text: &[u8]) -> Option<Name> {
    labels(text).filter(|name| name.labels() > 1)
}

/// Labels of letters, digits, hyphens and, as many selectors have them, underscores.
fn labels(text: &[u8]) -> Option<Name> {
    let is_usual = text.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.'));
    let name = Name::parse(std::str::from_utf8(text).ok().filter(|_| is_usual)?).ok()?;
    (!name.is_root()).then_some(name)
}

/// RFC 6376 §2.11: folds left out, `=` and two digits for an octet.
fn decode_quoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&octet) = rest.next() {
        match octet {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'=' => {
                let mut digit =
                    || rest.next().and_then(|&octet| char::from(octet).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
                decoded.push(digit()? << 4 | digit()?);
            }
            _ => decoded.push(octet),
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str =
        "v=1; a=rsa-sha256; d=example.com; s=one; h=From:To; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=YQ==";

    fn read(text: &str, form: Form) -> Result<bool, Reason> {
        Tags::parse(text.as_bytes()).and_then(|tags| SignatureField::read(&tags, form).map(|field| field.identity_is_domain))
    }

    #[test]
    fn each_fault_has_its_reason() {
        for (from, to, expected) in [
            ("", "", Ok(true)),
            ("v=1; ", "", Err(Reason::MissingTag("v"))),
            ("v=1", "v=0.5", Err(Reason::UnknownVersion)),
            ("rsa-sha256", "rsa-sha1", Err(Reason::Sha1)),
            ("rsa-sha256", "RSA-SHA256", Err(Reason::UnknownAlgorithm)),
            ("rsa-sha256", "dsa-sha256", Err(Reason::UnknownAlgorithm)),
            ("example.com", "com", Err(Reason::BadTag("d"))),
            ("example.com", "example..com", Err(Reason::BadTag("d"))),
            ("example.com", "exa*mple.com", Err(Reason::BadTag("d"))),
            ("s=one", "s=", Err(Reason::MissingTag("s"))),
            ("s=one", "s=a_b.c", Ok(true)),
            ("From:To", "To", Err(Reason::FromNotSigned)),
            ("From:To", "From::To", Err(Reason::BadTag("h"))),
            ("From:To", "FROM : \r\n To", Ok(true)),
            ("bh=frc", "bh=", Err(Reason::BadTag("bh"))),
            ("b=YQ==", "b=", Err(Reason::MissingTag("b"))),
            ("b=YQ==", "b=Y", Err(Reason::BadTag("b"))),
            ("YQ==", "YQ==; c=relaxed", Ok(true)),
            ("YQ==", "YQ==; c=simple/nice", Err(Reason::UnknownCanonicalization)),
            ("YQ==", "YQ==; q=dns/other", Err(Reason::UnknownQuery)),
            ("YQ==", "YQ==; q=other:dns/txt", Ok(true)),
            ("YQ==", "YQ==; l=-1", Err(Reason::BadTag("l"))),
            ("YQ==", "YQ==; t=", Err(Reason::BadTag("t"))),
            ("YQ==", "YQ==; t=5; x=5", Err(Reason::BadTag("x"))),
            ("YQ==", "YQ==; t=5; x=6", Ok(true)),
            ("YQ==", "YQ==; i=a@example.com", Ok(true)),
            ("YQ==", "YQ==; i=a=40b@sub.Example.Com", Ok(false)),
            ("YQ==", "YQ==; i=@notexample.com", Err(Reason::IdentityOutside)),
            ("YQ==", "YQ==; i=a@example.com@example.net", Err(Reason::IdentityOutside)),
            ("YQ==", "YQ==; i=example.com", Err(Reason::BadTag("i"))),
            ("YQ==", "YQ==; i=a=4@example.com", Err(Reason::BadTag("i"))),
            ("YQ==", "YQ==; unknown=tag", Ok(true)),
        ] {
            assert_eq!(read(&BASE.replacen(from, to, 1), Form::Dkim), expected, "{from} → {to}");
        }
    }

    #[test]
    fn fields_of_arc() {
        let message = BASE.replace("v=1; ", "i=1; ");
        assert_eq!(read(&message, Form::ArcMessage), Ok(true));
        assert_eq!(read(&message.replace("To", "ARC-Seal"), Form::ArcMessage), Err(Reason::BadTag("h")));
        assert_eq!(read(&message, Form::ArcSeal), Err(Reason::BadTag("h")));
        assert_eq!(read("i=1; a=rsa-sha256; cv=none; d=example.com; s=one; b=YQ==", Form::ArcSeal), Ok(true));
    }

    #[test]
    fn names_are_counted() {
        let with = |count: usize| BASE.replace("From:To", &format!("From{}", ":To".repeat(count - 1)));
        assert_eq!(read(&with(MAX_NAMES), Form::Dkim), Ok(true));
        assert_eq!(read(&with(MAX_NAMES + 1), Form::Dkim), Err(Reason::TooManyNames));
    }

    #[test]
    fn what_a_field_says_of_itself() {
        let text = "v=9; a=rsa-sha1; d=Example.com; s=one; i=a=2Bb@example.com; b=abc\r\n\tdefghij; t=7";
        let described = Described::read(&Tags::parse(text.as_bytes()).unwrap(), Form::Dkim);
        assert_eq!(described.domain.unwrap().as_str(), "example.com");
        assert_eq!(
            (described.identity.as_deref(), &*described.start, described.made),
            (Some("a+b@example.com"), "abcdefgh", Some(7))
        );
        assert_eq!(described.algorithm, None);
    }
}
