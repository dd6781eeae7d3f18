//! Sealing: adding a set of our own (RFC 8617 §5.1).
//!
//! The message signature is part of what the seal covers, so signatures are asked for one after the other. Tags stand in the order of
//! their names, as other sealers write them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ArcResult;
use super::sets::{MAX_SETS, Sets};
use crate::content::{Content, Field};
use crate::dkim::select::HeaderIndex;
use crate::dkim::sign::algorithm;
use crate::dkim::writer::Writer;
use crate::dkim::{BodyHashes, Canonicalization, MAX_SIGNED_HEADER, SignedFields};
use crate::{Answers, Progress, Signing, SigningKey, Unknown, Wanted};

/// How a domain seals.
///
/// # Example: what is asked first?
/// ```
/// use xd_auth::arc::{ArcResult, Sealer};
/// use xd_auth::content::Content;
/// use xd_auth::dkim::BodyHashes;
/// use xd_auth::{Algorithm, Answers, Name, Progress, SigningKey, Wanted};
///
/// let name = |text| Name::parse(text).unwrap();
/// let key = SigningKey { algorithm: Algorithm::RsaSha256, domain: name("example.com"), selector: name("one") };
/// let content = Content::split(b"From: a@example.net\r\n\r\nHello\r\n");
/// let results = "mx.example.com; spf=pass smtp.mailfrom=example.net";
/// let hashes = &mut BodyHashes::of(&content);
/// let unsealed = Sealer::new(key).prepare(&content, hashes, ArcResult::None, results, 1_700_000_000)?;
/// let Progress::Wants(wanted) = unsealed.seal(&Answers::default()) else { panic!() };
/// assert!(matches!(wanted[..], [Wanted::Signature(_)]));
/// # Ok::<(), xd_auth::arc::SealError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sealer {
    /// Whose key seals.
    pub key: SigningKey,
    /// Which header fields the message signature covers. ARC-Seal and Authentication-Results are left out in any case (RFC 8617 §4.1.2).
    pub fields: SignedFields,
}

/// Why a message is not sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The last sealer found the chain failed: nothing is added to it (RFC 8617 §5.1).
    #[error("the chain has failed and was sealed as that")]
    AlreadyFailed,
    /// There is no From that the message signature could cover.
    #[error("the message has no From, or the fields to sign do not name it")]
    From,
    /// The chain has all sets that it may have.
    #[error("the chain has {MAX_SETS} sets")]
    Full,
    /// More fields than verifiers look at.
    #[error("the header is too large to be sealed")]
    HeaderTooLarge,
    /// What the chain came to does not fit the message: a chain where none was seen, or the other way round.
    #[error("the result is not that of this message")]
    OtherResult,
    /// Whether the chain holds is not known, which no seal can say.
    #[error("whether the chain holds is not known")]
    Unknown,
}

impl Sealer {
    /// Seals with this key; the message signature covers what is signed by default, and the signatures of DKIM.
    #[must_use]
    pub fn new(key: SigningKey) -> Self {
        let mut fields = SignedFields::default();
        // RFC 8617 §4.1.2: it should cover DKIM-Signature.
        fields.present.push("DKIM-Signature".into());
        Self { key, fields }
    }

    /// Writes a set but for its signatures. `chain` is what the chain came to, `results` the text of Authentication-Results from the
    /// authserv-id on, and `now` in seconds since 1970.
    ///
    /// # Errors
    /// When no set can be added.
    pub fn prepare(
        &self,
        content: &Content<'_>,
        hashes: &mut BodyHashes<'_>,
        chain: ArcResult,
        results: &str,
        now: u64,
    ) -> Result<Unsealed, SealError> {
        let found = Sets::of(content);
        let validation = match chain {
            ArcResult::TempError => return Err(SealError::Unknown),
            _ if found.has_failed => return Err(SealError::AlreadyFailed),
            ArcResult::None if found.is_empty() => "none",
            ArcResult::Pass if found.fault.is_none() && !found.sets.is_empty() => "pass",
            ArcResult::Fail if !found.is_empty() => "fail",
            _ => return Err(SealError::OtherResult),
        };
        if found.highest as usize >= MAX_SETS {
            return Err(SealError::Full);
        }
        let instance = (found.highest + 1).to_string();
        let mut names = self.fields.names(content);
        names.retain(|name| !matches!(name.as_str(), "arc-seal" | "authentication-results"));
        if content.named("From").next().is_none() || !names.iter().any(|name| name == "from") {
            return Err(SealError::From);
        }
        hashes.prepare(&[(Canonicalization::Relaxed, None)]);
        // It was just computed.
        let hash = hashes.get((Canonicalization::Relaxed, None)).map(|body| STANDARD.encode(body.hash)).unwrap_or_default();
        let message = self.message(&instance, &names, &hash, now);
        let mut signed = Vec::with_capacity(4_096);
        let listed: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let fits = HeaderIndex::of(content).append(&listed, Canonicalization::Relaxed, &mut signed, MAX_SIGNED_HEADER);
        if !content.is_whole() || !fits || names.len() > crate::dkim::MAX_NAMES {
            return Err(SealError::HeaderTooLarge);
        }
        append(message.text(), &mut signed);
        let mut before = Vec::with_capacity(4_096);
        // RFC 8617 §5.1.2: a seal of failure covers its own set alone, since who knows what the others are.
        for set in found.sets.iter().filter(|_| chain == ArcResult::Pass) {
            for field in [&set.results, &set.message, &set.seal] {
                Canonicalization::Relaxed.field(field, &mut before);
                before.extend_from_slice(b"\r\n");
            }
        }
        let results = Writer::text_field("ARC-Authentication-Results", &format!("i={instance}; {results}"));
        append(&results, &mut before);
        before.extend_from_slice(b"\r\n");
        let seal = self.seal(&instance, validation, now);
        let signing = Signing { key: self.key.clone(), signed: signed.into_boxed_slice() };
        Ok(Unsealed { results, message, signing, seal, before })
    }

    fn message(&self, instance: &str, names: &[String], hash: &str, now: u64) -> Writer {
        let mut field = Writer::new("ARC-Message-Signature");
        field.tag("a", algorithm(self.key.algorithm));
        field.signature();
        field.tag("bh", hash);
        field.tag("c", "relaxed/relaxed");
        field.tag("d", self.key.domain.as_str());
        field.list("h", names);
        field.tag("i", instance);
        field.tag("s", self.key.selector.as_str());
        field.tag("t", &now.to_string());
        field
    }

    fn seal(&self, instance: &str, validation: &str, now: u64) -> Writer {
        let mut field = Writer::new("ARC-Seal");
        field.tag("a", algorithm(self.key.algorithm));
        field.signature();
        field.tag("cv", validation);
        field.tag("d", self.key.domain.as_str());
        field.tag("i", instance);
        field.tag("s", self.key.selector.as_str());
        field.tag("t", &now.to_string());
        field
    }
}

/// A set without its signatures.
#[derive(Clone, Debug)]
pub struct Unsealed {
    results: String,
    message: Writer,
    signing: Signing,
    seal: Writer,
    /// What the seal covers before the message signature of this set.
    before: Vec<u8>,
}

/// The fields to put before a message, in this order, each without a final CRLF.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sealed {
    /// ARC-Seal.
    pub seal: String,
    /// ARC-Message-Signature.
    pub message: String,
    /// ARC-Authentication-Results.
    pub results: String,
}

impl Unsealed {
    /// Asks for the message signature, then for the seal, then gives the set; or why there is none.
    #[must_use]
    pub fn seal(&self, answers: &Answers) -> Progress<Result<Sealed, Unknown>> {
        let message = match answers.signature(&self.signing) {
            None => return Progress::Wants(vec![Wanted::Signature(Box::new(self.signing.clone()))]),
            Some(Err(why)) => return Progress::Done(Err(*why)),
            Some(Ok(signature)) => self.message.signed(signature),
        };
        let mut signed = self.before.clone();
        append(&message, &mut signed);
        signed.extend_from_slice(b"\r\n");
        append(self.seal.text(), &mut signed);
        let signing = Signing { key: self.signing.key.clone(), signed: signed.into_boxed_slice() };
        match answers.signature(&signing) {
            None => Progress::Wants(vec![Wanted::Signature(Box::new(signing))]),
            Some(Err(why)) => Progress::Done(Err(*why)),
            Some(Ok(signature)) => {
                Progress::Done(Ok(Sealed { seal: self.seal.signed(signature), message, results: self.results.clone() }))
            }
        }
    }
}

fn append(field: &str, signed: &mut Vec<u8>) {
    if let Some(field) = Field::parse(field.as_bytes()) {
        Canonicalization::Relaxed.field(&field, signed);
    }
}
