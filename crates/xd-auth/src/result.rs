//! Results of SPF and DKIM in their registered spelling (RFC 8601 §2.7).

use std::fmt;

/// What SPF says of a client and a domain (RFC 7208 §2.6).
///
/// # Example: how is it spelled in Authentication-Results?
/// ```
/// use xd_auth::SpfResult;
///
/// assert_eq!(SpfResult::SoftFail.as_str(), "softfail");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "RFC 7208 §2.6 names them all")]
pub enum SpfResult {
    /// There is no domain to check, or it publishes no record.
    None,
    /// The domain says nothing about the client.
    Neutral,
    /// The client may use the domain.
    Pass,
    /// The client may not use the domain.
    Fail,
    /// The client probably may not use the domain.
    SoftFail,
    /// It could not be found out now.
    TempError,
    /// The records of the domain cannot be understood.
    PermError,
}

/// What DKIM says of one signature (RFC 8601 §2.7.1).
///
/// # Example: how is it spelled in Authentication-Results?
/// ```
/// use xd_auth::DkimResult;
///
/// assert_eq!(DkimResult::PermError.as_str(), "permerror");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "RFC 8601 §2.7.1 names them all")]
pub enum DkimResult {
    /// The message is not signed.
    None,
    /// The signature holds.
    Pass,
    /// The signature does not hold.
    Fail,
    /// The signature holds, and something about it is not acceptable here.
    Policy,
    /// The signature cannot be understood.
    Neutral,
    /// It could not be found out now.
    TempError,
    /// It can never be found out, such as for want of a key.
    PermError,
}

impl SpfResult {
    /// The registered spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Neutral => "neutral",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for DkimResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl DkimResult {
    /// The registered spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}
