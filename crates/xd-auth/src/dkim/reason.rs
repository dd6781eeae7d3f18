//! Why a signature came to its result, and which result each reason means (RFC 6376 §3.9, §6.1; RFC 8601 §2.7.1).

use std::fmt;

use crate::{Absence, DkimResult, Unknown};

/// Why a signature came to its result.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// A tag has a value that it cannot have.
    BadTag(&'static str),
    /// The hash of the body is another one: the body was changed.
    BodyChanged,
    /// The body has fewer octets than `l=` says are signed.
    BodyShorter,
    /// A tag stands there twice.
    DuplicateTag,
    /// `x=` is past.
    Expired,
    /// `h=` does not name From (RFC 6376 §5.4).
    FromNotSigned,
    /// The signed fields were changed, or the key is another one.
    HeaderChanged,
    /// The message has more header fields, or the signature covers more octets of them, than are looked at.
    HeaderTooLarge,
    /// The domain of `i=` is neither `d=` nor below it.
    IdentityOutside,
    /// There is no key under the selector.
    KeyAbsent(Absence),
    /// The key is of another algorithm than the signature.
    KeyAlgorithm,
    /// The key is not for SHA-256.
    KeyHash,
    /// The key wants `i=` to be in the very domain (`t=s`).
    KeyIdentity,
    /// More bits than are verified.
    KeyLong(u32),
    /// The key was withdrawn: `p=` is empty.
    KeyRevoked,
    /// The key is not for mail.
    KeyService,
    /// Fewer bits than RFC 8301 §3.2 accepts.
    KeyShort(u32),
    /// The record of the key makes no sense.
    KeySyntax,
    /// The key could not be looked up.
    KeyUnknown(Unknown),
    /// A tag that must be there is not, or is empty.
    MissingTag(&'static str),
    /// `t=` lies in the future.
    NotYet,
    /// RSA with SHA-1 (RFC 8301 §3.1).
    Sha1,
    /// The field is no list of tags.
    Syntax,
    /// `h=` has more names than are looked at.
    TooManyNames,
    /// No such algorithm is known.
    UnknownAlgorithm,
    /// No such canonical form is known.
    UnknownCanonicalization,
    /// No such way to find keys is known.
    UnknownQuery,
    /// A version other than 1.
    UnknownVersion,
    /// Nobody could say whether the signature holds.
    Unverified(Unknown),
    /// The signature holds.
    Verified,
}

impl Reason {
    /// The result that it means.
    #[must_use]
    pub fn result(self) -> DkimResult {
        match self {
            Self::Verified => DkimResult::Pass,
            Self::BodyChanged | Self::BodyShorter | Self::HeaderChanged => DkimResult::Fail,
            Self::KeyUnknown(_) | Self::Unverified(_) => DkimResult::TempError,
            // RFC 6376 §3.5, x=: a verifier may reject what is expired; RFC 8301 §3.2: weak keys are not considered valid.
            Self::Expired | Self::KeyLong(_) | Self::KeyShort(_) | Self::NotYet => DkimResult::Policy,
            // RFC 6376 §3.3: what is not understood is ignored.
            Self::UnknownAlgorithm | Self::UnknownCanonicalization | Self::UnknownQuery => DkimResult::Neutral,
            // RFC 6376 §6.1.1, §6.1.2: PERMFAIL.
            Self::BadTag(_)
            | Self::DuplicateTag
            | Self::FromNotSigned
            | Self::HeaderTooLarge
            | Self::IdentityOutside
            | Self::KeyAbsent(_)
            | Self::KeyAlgorithm
            | Self::KeyHash
            | Self::KeyIdentity
            | Self::KeyRevoked
            | Self::KeyService
            | Self::KeySyntax
            | Self::MissingTag(_)
            | Self::Sha1
            | Self::Syntax
            | Self::TooManyNames
            | Self::UnknownVersion => DkimResult::PermError,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadTag(tag) => write!(f, "{tag}= has no valid value"),
            Self::BodyChanged => f.write_str("the body was changed"),
            Self::BodyShorter => f.write_str("the body is shorter than l="),
            Self::DuplicateTag => f.write_str("a tag stands there twice"),
            Self::Expired => f.write_str("the signature is expired"),
            Self::FromNotSigned => f.write_str("From is not signed"),
            Self::HeaderChanged => f.write_str("the signature does not match"),
            Self::HeaderTooLarge => f.write_str("the header is too large"),
            Self::IdentityOutside => f.write_str("i= is not within d="),
            Self::KeyAbsent(Absence::Name) => f.write_str("no key, no such name"),
            Self::KeyAbsent(Absence::Records) => f.write_str("no key under that name"),
            Self::KeyAlgorithm => f.write_str("the key is of another algorithm"),
            Self::KeyHash => f.write_str("the key is not for sha256"),
            Self::KeyIdentity => f.write_str("the key wants i= to be in d= itself"),
            Self::KeyLong(bits) => write!(f, "the key has {bits} bits, too many"),
            Self::KeyRevoked => f.write_str("the key is revoked"),
            Self::KeyService => f.write_str("the key is not for mail"),
            Self::KeyShort(bits) => write!(f, "the key has only {bits} bits"),
            Self::KeySyntax => f.write_str("the record of the key makes no sense"),
            Self::KeyUnknown(why) => write!(f, "the key is not known: {}", why.as_str()),
            Self::MissingTag(tag) => write!(f, "{tag}= is missing"),
            Self::NotYet => f.write_str("t= lies in the future"),
            Self::Sha1 => f.write_str("rsa-sha1 is not accepted"),
            Self::Syntax => f.write_str("no list of tags"),
            Self::TooManyNames => f.write_str("h= has too many names"),
            Self::UnknownAlgorithm => f.write_str("unknown algorithm"),
            Self::UnknownCanonicalization => f.write_str("unknown canonicalization"),
            Self::UnknownQuery => f.write_str("unknown way to find the key"),
            Self::UnknownVersion => f.write_str("unknown version"),
            Self::Unverified(why) => write!(f, "nobody could say whether it holds: {}", why.as_str()),
            Self::Verified => f.write_str("the signature holds"),
        }
    }
}
