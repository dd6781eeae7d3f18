//! DKIM: which domains signed a message, and signing (RFC 6376, with RFC 8301 on what is too weak and RFC 8463 on Ed25519).
//!
//! What follows from the message alone is computed once ([`Signatures::prepare`]); then come rounds of questions. A signature whose
//! body was changed is settled without any. Whose domain it should be is asked by DMARC, not here.

mod body_hash;
mod canonical;
mod der;
pub(crate) mod field;
mod key;
mod outcome;
mod policy;
pub(crate) mod prepared;
mod reason;
pub(crate) mod select;
pub(crate) mod sign;
mod signatures;
pub(crate) mod tags;
pub(crate) mod writer;

pub use body_hash::BodyHashes;
pub use canonical::Canonicalization;
pub use field::MAX_NAMES;
pub use key::{MAX_KEY_BITS, MIN_KEY_BITS, PublishedKey};
pub use outcome::{NoKey, Outcome, Risk, SignatureOutcome, Step};
pub use policy::{MAX_REPEATS, SignedFields};
pub use prepared::{CLOCK_DRIFT, MAX_SIGNED_HEADER};
pub use reason::Reason;
pub use sign::{MAX_KEYS, SignError, Signed, Signer, Unsigned};
pub use signatures::{MAX_SIGNATURES, Signatures};
