//! What DMARC says of a message, and how that came about.

use std::fmt;

use super::author::AuthorFault;
use super::record::{Policy, PolicyRecord};
use super::walk::{Finding, Looked};
use crate::{DkimResult, Name, SpfResult, Unknown};

/// What a message is held against: whose it claims to be, and what SPF and DKIM say of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "whoever checks must know them all")]
pub struct Subject {
    /// The author domain: [`author_domain`](super::author_domain).
    pub author: Result<Name, AuthorFault>,
    /// The domain that SPF checked for `MAIL FROM`, and its result. Of a null reverse-path that is the domain of `HELO`
    /// (RFC 7208 §2.4); no other check of `HELO` counts (RFC 9989 §4.4.2).
    pub spf: Option<(Name, SpfResult)>,
    /// The domain (`d=`) of each signature, and its result.
    pub dkim: Vec<(Name, DkimResult)>,
}

/// The result of DMARC in its registered spelling (RFC 9989 §9.1).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9989 §9.1 names them all")]
pub enum DmarcResult {
    /// No record applies, or there is no author domain.
    None,
    /// The author domain was used by its owner.
    Pass,
    /// Nothing shows that.
    Fail,
    /// It could not be found out now.
    TempError,
    /// It can never be found out: there is more than one author domain, or what stands there is no name.
    PermError,
}

/// What DMARC says of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The result.
    pub result: DmarcResult,
    /// Why it is that.
    pub reason: Reason,
    /// The author domain.
    pub author: Option<Name>,
    /// The record that applies, or that was found and does not.
    pub found: Option<Found>,
    /// The organizational domain of the author, as far as it was needed.
    pub organizational: Option<Name>,
    /// What the record wishes for mail of the author domain that fails. None without a record that applies, and when the wish
    /// depends on an answer that is not known. Of mail that passes, whether its domain exists is not asked, nor `np` looked at.
    pub published: Option<Policy>,
    /// The policy to apply to mail that fails: as published, or the next milder one when the record is on trial (`t=y`).
    pub policy: Option<Policy>,
    /// How the domain of SPF stands to the author's.
    pub spf: Option<Alignment>,
    /// How the domain of each signature stands to the author's, in the order of the subject.
    pub dkim: Vec<Alignment>,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
}

/// A record, where it was found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "a record and its place")]
pub struct Found {
    /// The domain that published it, without `_dmarc`.
    pub at: Name,
    /// What it says.
    pub record: PolicyRecord,
}

/// Why a result is what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// A domain that passed is aligned with the author's.
    Aligned,
    /// Domains passed, and none is aligned.
    NotAligned,
    /// Neither SPF nor DKIM passed.
    NothingPassed,
    /// No record was found.
    NoRecord,
    /// A record was found that states no usable policy and asks for no reports (RFC 9989 §4.10.1).
    RecordNotUsable,
    /// There is not exactly one author domain.
    Author(AuthorFault),
    /// SPF or DKIM could not be evaluated now for a domain that is or may be aligned.
    MechanismUnknown,
    /// An answer of DNS is not known.
    AnswerUnknown(Unknown),
}

/// How a domain that SPF or DKIM checked stands to the author domain.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Alignment {
    /// It is the author domain.
    Strict,
    /// It has the same organizational domain, and that is enough.
    Relaxed,
    /// It is another.
    Unaligned,
    /// SPF or DKIM gave no pass for it, so that it is no matter.
    NotPassed,
    /// It can no longer change the result.
    NotNeeded,
    /// Nobody could say.
    Unknown(Unknown),
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// A name, for a policy record.
    Looked(Looked),
    /// The list of public suffixes was believed where a record does not say.
    Suffix(Name),
    /// The organizational domain of a domain followed.
    Organizational {
        /// Whose.
        of: Name,
        /// Which.
        is: Name,
    },
    /// Whether the author domain exists; none when nobody could say.
    Exists(Name, Option<bool>),
}

impl DmarcResult {
    /// The registered spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl Alignment {
    /// Whether the domain is aligned with the author's.
    #[must_use]
    pub fn is_aligned(self) -> bool {
        matches!(self, Self::Strict | Self::Relaxed)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aligned => "an aligned domain passed",
            Self::NotAligned => "no domain that passed is aligned",
            Self::NothingPassed => "neither SPF nor DKIM passed",
            Self::NoRecord => "no policy record",
            Self::RecordNotUsable => "the policy record states no usable policy",
            Self::Author(fault) => return fault.fmt(f),
            Self::MechanismUnknown => "SPF or DKIM of an aligned domain is not known",
            Self::AnswerUnknown(why) => return write!(f, "an answer is not known: {}", why.as_str()),
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Looked(Looked { at, finding }) => match finding {
                Finding::Nothing => write!(f, "_dmarc.{at}: no policy record"),
                Finding::Record(record) if record.applies => write!(f, "_dmarc.{at}: p={}", record.policy.as_str()),
                Finding::Record(_) => write!(f, "_dmarc.{at}: a record without a usable policy"),
                Finding::Several(count) => write!(f, "_dmarc.{at}: {count} policy records, which count as none"),
                Finding::Unknown(why) => write!(f, "_dmarc.{at}: not known, {}", why.as_str()),
            },
            Self::Suffix(name) => write!(f, "{name} is a public suffix by the list"),
            Self::Organizational { of, is } => write!(f, "organizational domain of {of}: {is}"),
            Self::Exists(name, Some(true)) => write!(f, "{name} exists"),
            Self::Exists(name, Some(false)) => write!(f, "{name} does not exist"),
            Self::Exists(name, None) => write!(f, "whether {name} exists is not known"),
        }
    }
}
