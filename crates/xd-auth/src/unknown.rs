//! Why something is not known.

/// Why a fact is not known.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "whoever records reasons must know them all")]
pub enum Unknown {
    /// The answer came and made no sense.
    Malformed,
    /// No one has asked, or nothing in this setting can tell.
    NotAsked,
    /// It can no longer change what is decided, so no one asked.
    NotNeeded,
    /// The one asked will not answer us.
    Refused,
    /// The one asked said that it could not tell (SERVFAIL and the like).
    ServerFailure,
    /// No answer came in time.
    Timeout,
}

impl Unknown {
    /// The reason as one lower-case word or hyphenated pair.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAsked => "not-asked",
            Self::NotNeeded => "not-needed",
            Self::Refused => "refused",
            Self::ServerFailure => "server-failure",
            Self::Timeout => "timeout",
        }
    }
}
