//! The signatures of a message: found, prepared once, verified in rounds (RFC 6376 §6).

use super::body_hash::{BodyHashes, Request};
use super::field::Form;
use super::outcome::Outcome;
use super::prepared::{Prepared, Read};
use super::select::HeaderIndex;
use crate::content::Content;
use crate::{Answers, Progress};

/// Signatures that are verified, from the top: those of the last hops and of the author. Each may cost a question and some 50 µs, and a
/// message is free to carry thousands. What cannot be read counts too.
pub const MAX_SIGNATURES: usize = 10;

/// The signatures of a message, with all that follows from the message alone.
///
/// # Example: what does a message without signatures come to?
/// ```
/// use xd_auth::content::Content;
/// use xd_auth::dkim::{BodyHashes, Signatures};
/// use xd_auth::{Answers, DkimResult, Progress};
///
/// let content = Content::split(b"From: a@example.com\r\n\r\nHello\r\n");
/// let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
/// let Progress::Done(outcome) = signatures.verify(&Answers::default(), 1_700_000_000) else { panic!() };
/// assert_eq!(outcome.result(), DkimResult::None);
/// ```
#[derive(Clone, Debug)]
pub struct Signatures {
    prepared: Vec<Prepared>,
    skipped: usize,
}

impl Signatures {
    /// Reads the signatures of a message and computes the hashes that they need and nobody computed before. Costs one pass over the body
    /// for each canonical form, and one over the header for each signature.
    #[must_use]
    pub fn prepare(content: &Content<'_>, hashes: &mut BodyHashes<'_>) -> Self {
        let mut fields = content.named("DKIM-Signature");
        let read: Vec<Read<'_>> = fields.by_ref().take(MAX_SIGNATURES).map(|field| Read::new(*field, Form::Dkim)).collect();
        let skipped = fields.count();
        if read.is_empty() {
            return Self { prepared: Vec::new(), skipped };
        }
        let requests: Vec<Request> = read.iter().filter_map(Read::request).collect();
        hashes.prepare(&requests);
        let index = HeaderIndex::of(content);
        let prepared = read.into_iter().map(|read| read.prepare(&index, content.is_whole(), hashes)).collect();
        Self { prepared, skipped }
    }

    /// Verifies the signatures at a time, in seconds since 1970. Asks for the keys of all signatures in the first round and for all
    /// verifications in the second; none for signatures that are settled without.
    #[must_use]
    pub fn verify(&self, answers: &Answers, now: u64) -> Progress<Outcome> {
        let mut wanted = Vec::new();
        let signatures = self.prepared.iter().filter_map(|signature| signature.outcome(answers, now, &mut wanted)).collect();
        if wanted.is_empty() { Progress::Done(Outcome { signatures, skipped: self.skipped }) } else { Progress::Wants(wanted) }
    }

    /// How many signatures are looked at.
    #[must_use]
    pub fn len(&self) -> usize {
        self.prepared.len()
    }

    /// Whether there is no signature.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prepared.is_empty()
    }
}
