//! Evidence that may be missing: found, known to be absent, or unknown and why.

/// A fact about the outside world. A lookup that failed is not a lookup that found nothing.
///
/// # Example: has the host no reverse name, or do we merely not know it?
/// ```
/// use xd_core::{Known, Unknown};
///
/// let none: Known<String> = Known::Absent;
/// let timed_out: Known<String> = Known::Unknown(Unknown::Timeout);
/// assert_ne!(none, timed_out);
/// assert_eq!(timed_out.found(), None);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known<T> {
    /// It was looked up and is this.
    Found(T),
    /// It was looked up and does not exist.
    Absent,
    /// It is not known.
    Unknown(Unknown),
}

/// Why a fact is not known.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Unknown {
    /// The answer came and made no sense.
    Malformed,
    /// No one has asked, or nothing in this setting can tell.
    NotAsked,
    /// It can no longer change what is decided, so no one asked.
    NotNeeded,
    /// The one asked said that it could not tell (SERVFAIL and the like).
    ServerFailure,
    /// No answer came in time.
    Timeout,
}

impl<T> Known<T> {
    /// The value, if it was found.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Absent | Self::Unknown(_) => None,
        }
    }

    /// Whether it is unknown, for whatever reason.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// The same state with the value borrowed.
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Found(value) => Known::Found(value),
            Self::Absent => Known::Absent,
            Self::Unknown(why) => Known::Unknown(*why),
        }
    }

    /// The same state with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Found(value) => Known::Found(change(value)),
            Self::Absent => Known::Absent,
            Self::Unknown(why) => Known::Unknown(why),
        }
    }

    /// What follows from the value, if it was found; the same state otherwise.
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Known<U>) -> Known<U> {
        match self {
            Self::Found(value) => next(value),
            Self::Absent => Known::Absent,
            Self::Unknown(why) => Known::Unknown(why),
        }
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self::Unknown(Unknown::NotAsked)
    }
}

impl Unknown {
    /// The reason as one lower-case word or hyphenated pair.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAsked => "not-asked",
            Self::NotNeeded => "not-needed",
            Self::ServerFailure => "server-failure",
            Self::Timeout => "timeout",
        }
    }
}
