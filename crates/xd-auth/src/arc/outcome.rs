//! What came of a chain, and what each hop says.

use std::fmt;

use crate::dkim::{self, SignatureOutcome};
use crate::{DkimResult, Name};

/// What a chain came to (RFC 8617 §5.2).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum ArcResult {
    /// It does not hold.
    Fail,
    /// There is no chain.
    None,
    /// It holds.
    Pass,
    /// Whether it holds could not be found out now. No result of the standard: a seal cannot say so.
    TempError,
}

impl ArcResult {
    /// The registered word; `temperror` as for DKIM.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::None => "none",
            Self::Pass => "pass",
            Self::TempError => "temperror",
        }
    }
}

/// What came of a chain.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Why it has its result.
    pub reason: Reason,
    /// The lowest instance from which on every message signature holds: nothing that was signed has changed since that hop (RFC 8617
    /// §5.2, `oldest-pass`, where 0 stands for the 1 here). None unless the chain holds.
    pub oldest_pass: Option<u32>,
    /// The hops, first to last. Empty when their sets are not whole.
    pub hops: Vec<Hop>,
}

impl Outcome {
    /// What the chain came to.
    #[must_use]
    pub fn result(&self) -> ArcResult {
        self.reason.result()
    }
}

/// One hop: a set of three fields of the same instance.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hop {
    /// Its number, from 1.
    pub instance: u32,
    /// Who sealed (`d=` of the seal).
    pub sealer: Option<Name>,
    /// What it saw: ARC-Authentication-Results after `i=N;`, as it stands but for octets that are no UTF-8.
    pub results: Box<str>,
    /// What came of its signature over the message; none when that was not looked at, since a later one does not hold already.
    pub message: Option<SignatureOutcome>,
    /// What came of its seal; none when that was not looked at.
    pub seal: Option<SignatureOutcome>,
}

/// Why a chain came to its result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// The last sealer found the chain failed before it.
    FailedBefore,
    /// Everything holds.
    Holds,
    /// The signature over the message of the last hop.
    Message(dkim::Reason),
    /// There is no field of ARC.
    NoChain,
    /// The seal of a hop.
    Seal {
        /// Which.
        instance: u32,
        /// Why it does not hold.
        reason: dkim::Reason,
    },
    /// The sets are not whole.
    Structure(StructureFault),
}

/// In which way the sets of a chain are not whole (RFC 8617 §5.2 step 3).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StructureFault {
    /// Two fields of a kind have the same instance.
    Duplicate(u32),
    /// A field has no instance of 1 to 50 that can be read.
    Instance,
    /// A field of an instance is missing.
    Missing(u32),
    /// More fields, or octets of them, than a chain may have.
    TooLarge,
    /// A seal says a `cv=` that cannot stand there: `none` first, `pass` from then on.
    Validation(u32),
}

impl Reason {
    /// The result that it means.
    #[must_use]
    pub fn result(self) -> ArcResult {
        let of = |reason: dkim::Reason| match reason.result() {
            DkimResult::Pass => ArcResult::Pass,
            DkimResult::TempError => ArcResult::TempError,
            _ => ArcResult::Fail,
        };
        match self {
            Self::Holds => ArcResult::Pass,
            Self::NoChain => ArcResult::None,
            Self::FailedBefore | Self::Structure(_) => ArcResult::Fail,
            Self::Message(reason) | Self::Seal { reason, .. } => of(reason),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FailedBefore => f.write_str("the chain had failed before the last seal"),
            Self::Holds => f.write_str("the chain holds"),
            Self::Message(reason) => write!(f, "message signature: {reason}"),
            Self::NoChain => f.write_str("no chain"),
            Self::Seal { instance, reason } => write!(f, "seal {instance}: {reason}"),
            Self::Structure(StructureFault::Duplicate(instance)) => write!(f, "a field of instance {instance} is there twice"),
            Self::Structure(StructureFault::Instance) => f.write_str("a field has no valid instance"),
            Self::Structure(StructureFault::Missing(instance)) => write!(f, "a field of instance {instance} is missing"),
            Self::Structure(StructureFault::TooLarge) => f.write_str("the chain is too large"),
            Self::Structure(StructureFault::Validation(instance)) => write!(f, "cv= of instance {instance} cannot stand there"),
        }
    }
}
