//! Evidence that may be missing: found, known to be absent, or unknown and why.

use xd_auth::{Answer, Unknown};

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

/// An answer of DNS without the kind of absence, as evidence has it.
impl<T> From<Answer<T>> for Known<Vec<T>> {
    fn from(answer: Answer<T>) -> Self {
        match answer {
            Answer::Found(records) => Self::Found(records),
            Answer::Absent(_) => Self::Absent,
            Answer::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self::Unknown(Unknown::NotAsked)
    }
}
