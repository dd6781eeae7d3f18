//! Signing: the field that says a domain answers for a message (RFC 6376 §5).
//!
//! Several keys at once make a field each: the next key before the last one is withdrawn, or Ed25519 for those who know it beside RSA for
//! those who do not (RFC 8463 §7.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::body_hash::BodyHashes;
use super::select::HeaderIndex;
use super::writer::Writer;
use super::{Canonicalization, MAX_SIGNED_HEADER, SignedFields};
use crate::content::{Content, Field};
use crate::{Algorithm, Answers, Progress, Signing, SigningKey, Unknown, Wanted};

/// How a domain signs.
///
/// # Example: what is asked of the keeper of keys?
/// ```
/// use xd_auth::content::Content;
/// use xd_auth::dkim::{BodyHashes, Signer};
/// use xd_auth::{Algorithm, Answers, Name, Progress, SigningKey, Wanted};
///
/// let name = |text| Name::parse(text).unwrap();
/// let key = SigningKey { algorithm: Algorithm::RsaSha256, domain: name("example.com"), selector: name("one") };
/// let content = Content::split(b"From: a@example.com\r\n\r\nHello\r\n");
/// let unsigned = Signer::new(vec![key]).prepare(&content, &mut BodyHashes::of(&content), 1_700_000_000)?;
/// let Progress::Wants(wanted) = unsigned.sign(&Answers::default()) else { panic!() };
/// assert!(matches!(wanted[..], [Wanted::Signature(_)]));
/// # Ok::<(), xd_auth::dkim::SignError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Signer {
    /// Whose keys sign, in the order of the fields from the top; of which at most [`MAX_KEYS`] are used.
    pub keys: Vec<SigningKey>,
    /// Which header fields are signed.
    pub fields: SignedFields,
    /// The form of the header; relaxed unless said otherwise.
    pub header: Canonicalization,
    /// The form of the body; relaxed unless said otherwise.
    pub body: Canonicalization,
    /// For how many seconds a signature is good (`x=`); without end unless said otherwise.
    pub lifetime: Option<u64>,
}

/// Keys that sign one message: two of each algorithm while keys change.
pub const MAX_KEYS: usize = 4;

/// Why a message is not signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// From must be signed, and be there once (RFC 6376 §5.4, RFC 5322 §3.6).
    #[error("a message needs one From to be signed, and has {0}")]
    From(usize),
    /// More fields, or more octets of them, than verifiers look at.
    #[error("the header is too large to be signed")]
    HeaderTooLarge,
    /// The policy leaves From out.
    #[error("the fields to sign do not name From")]
    FromNotNamed,
}

impl Signer {
    /// Signs with these keys and the usual choices.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>) -> Self {
        let relaxed = Canonicalization::Relaxed;
        Self { keys, fields: SignedFields::default(), header: relaxed, body: relaxed, lifetime: None }
    }

    /// Writes the fields but for their signatures. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When the message has not one From, or a header that nobody would verify.
    pub fn prepare(&self, content: &Content<'_>, hashes: &mut BodyHashes<'_>, now: u64) -> Result<Unsigned, SignError> {
        match content.named("From").count() {
            1 => {}
            count => return Err(SignError::From(count)),
        }
        let names = self.fields.names(content);
        if !names.iter().any(|name| name == "from") {
            return Err(SignError::FromNotNamed);
        }
        hashes.prepare(&[(self.body, None)]);
        // It was just computed.
        let hash = hashes.get((self.body, None)).map(|body| STANDARD.encode(body.hash)).unwrap_or_default();
        let mut header = Vec::with_capacity(4_096);
        let listed: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let fits = HeaderIndex::of(content).append(&listed, self.header, &mut header, MAX_SIGNED_HEADER);
        if !content.is_whole() || !fits || names.len() > super::MAX_NAMES {
            return Err(SignError::HeaderTooLarge);
        }
        let fields = self.keys.iter().take(MAX_KEYS).map(|key| {
            let field = self.write(key, &names, &hash, now);
            let mut signed = header.clone();
            if let Some(field) = Field::parse(field.text().as_bytes()) {
                self.header.field(&field, &mut signed);
            }
            (Signing { key: key.clone(), signed: signed.into_boxed_slice() }, field)
        });
        Ok(Unsigned { fields: fields.collect() })
    }

    fn write(&self, key: &SigningKey, names: &[String], hash: &str, now: u64) -> Writer {
        let mut field = Writer::new("DKIM-Signature");
        field.tag("v", "1");
        field.tag("a", algorithm(key.algorithm));
        field.tag("c", &format!("{}/{}", self.header.as_str(), self.body.as_str()));
        field.tag("d", key.domain.as_str());
        field.tag("s", key.selector.as_str());
        field.tag("t", &now.to_string());
        if let Some(lifetime) = self.lifetime {
            // x= must be later than t= (RFC 6376 §3.5).
            field.tag("x", &now.saturating_add(lifetime.max(1)).to_string());
        }
        field.list("h", names);
        field.tag("bh", hash);
        field.signature();
        field
    }
}

/// Fields without their signatures.
#[derive(Clone, Debug)]
pub struct Unsigned {
    fields: Vec<(Signing, Writer)>,
}

impl Unsigned {
    /// Asks for the signatures, then gives the fields.
    #[must_use]
    pub fn sign(&self, answers: &Answers) -> Progress<Signed> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut signed = Signed { fields: Vec::new(), failed: Vec::new() };
        for (signing, field) in &self.fields {
            match answers.signature(signing) {
                Some(Ok(signature)) => signed.fields.push(field.signed(signature)),
                Some(Err(why)) => signed.failed.push((signing.key.clone(), *why)),
                None => {
                    let one = Wanted::Signature(Box::new(signing.clone()));
                    if !wanted.contains(&one) {
                        wanted.push(one);
                    }
                }
            }
        }
        if wanted.is_empty() { Progress::Done(signed) } else { Progress::Wants(wanted) }
    }
}

/// The fields to put before a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Signed {
    /// Each a whole field of lines of at most 78 octets (longer only where a domain is), without a final CRLF.
    pub fields: Vec<String>,
    /// Keys that made no signature, and why.
    pub failed: Vec<(SigningKey, Unknown)>,
}

/// As `a=` names it.
pub(crate) fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Ed25519Sha256 => "ed25519-sha256",
        Algorithm::RsaSha256 => "rsa-sha256",
    }
}
