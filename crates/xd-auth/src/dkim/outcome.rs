//! What came of the signatures of a message: facts for authors of policy, findings and Authentication-Results.

use super::Reason;
use crate::{Absence, Algorithm, DkimResult, Name, Unknown};

/// What came of the signatures of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Of each signature, topmost first; at most [`MAX_SIGNATURES`](super::MAX_SIGNATURES).
    pub signatures: Vec<SignatureOutcome>,
    /// Signatures that were not looked at, because there are more.
    pub skipped: usize,
}

impl Outcome {
    /// The best result: one signature that holds is enough, and others may be of anybody.
    #[must_use]
    pub fn result(&self) -> DkimResult {
        self.signatures.iter().map(SignatureOutcome::result).max_by_key(|result| rank(*result)).unwrap_or(DkimResult::None)
    }

    /// The domains that signed what is there, in the order of their signatures.
    pub fn passing(&self) -> impl Iterator<Item = &Name> {
        self.signatures
            .iter()
            .filter(|signature| signature.result() == DkimResult::Pass)
            .filter_map(|signature| signature.domain.as_ref())
    }
}

/// What came of one signature. What its field says is there whatever came of it, as far as it could be read.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SignatureOutcome {
    /// Why it has its result.
    pub reason: Reason,
    /// Who signed (`d=`).
    pub domain: Option<Name>,
    /// Under which name below `_domainkey` the key stands (`s=`).
    pub selector: Option<Name>,
    /// On whose behalf (`i=`), decoded; `@` and the domain when it is not said.
    pub identity: Option<Box<str>>,
    /// How it was made.
    pub algorithm: Option<Algorithm>,
    /// The beginning of the signature in base64, which tells signatures apart (`header.b`, RFC 6008): at most 8 characters.
    pub start: Box<str>,
    /// When it was made (`t=`), in seconds since 1970.
    pub made: Option<u64>,
    /// Until when it is meant to be used (`x=`), in seconds since 1970.
    pub expires: Option<u64>,
    /// Bits of an RSA key's modulus; 256 of Ed25519. None when no usable key was found.
    pub key_bits: Option<u32>,
    /// The key says that its owner is only trying (`t=y`): RFC 6376 §3.6.1 wants a failure treated as no signature.
    pub testing: bool,
    /// What a signature that holds does not vouch for.
    pub risks: Vec<Risk>,
    /// What was found out, in order.
    pub steps: Vec<Step>,
}

impl SignatureOutcome {
    /// What it came to.
    #[must_use]
    pub fn result(&self) -> DkimResult {
        self.reason.result()
    }
}

/// What a signature leaves open to change, even if it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Risk {
    /// The end of the body is not signed (`l=`, RFC 6376 §8.2): anyone may have added so many octets of its canonical form.
    BodyEnd {
        /// Octets that are not signed.
        octets: u64,
    },
    /// A field that people see or that says how to read the message is there more often than it is signed (RFC 6376 §8.15). The lowest
    /// ones are signed, and many programs show the topmost.
    Field {
        /// Its name.
        name: &'static str,
        /// How often it is there.
        present: u32,
        /// How many of these are signed.
        signed: u32,
    },
}

/// What was found out on the way to a result.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// So many octets of the canonical body were hashed; whether the hash is the signed one.
    Body {
        /// Octets that were hashed.
        octets: u64,
        /// Whether this is the signed hash.
        matches: bool,
    },
    /// The key was looked up under a name.
    Key {
        /// The name.
        name: Name,
        /// How many records came, or why none.
        records: Result<usize, NoKey>,
    },
    /// The signature over the header was verified.
    Header {
        /// Whether it holds, or why nobody could say.
        holds: Result<bool, Unknown>,
    },
}

/// Why no key came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum NoKey {
    /// There is none.
    Absent(Absence),
    /// Nobody could say.
    Unknown(Unknown),
}

/// Which result tells most: one that holds, then one that may yet hold, then one that was accepted to be verified.
fn rank(result: DkimResult) -> u8 {
    match result {
        DkimResult::None => 0,
        DkimResult::Neutral => 1,
        DkimResult::PermError => 2,
        DkimResult::Fail => 3,
        DkimResult::Policy => 4,
        DkimResult::TempError => 5,
        DkimResult::Pass => 6,
    }
}
