//! An answer of DNS: records, one of two kinds of absence, or why it is not known.

use crate::Unknown;

/// What came back for a question.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Answer<T> {
    /// Records, at least one.
    Found(Vec<T>),
    /// There are none.
    Absent(Absence),
    /// Nobody could say.
    Unknown(Unknown),
}

/// In which way records are absent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Absence {
    /// NXDOMAIN: there is no such name, so no other type has records either.
    Name,
    /// NODATA: the name exists, without records of this type.
    Records,
}

impl<T> Answer<T> {
    /// The same answer with other records.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Answer<U> {
        match self {
            Self::Found(records) => Answer::Found(records.into_iter().map(change).collect()),
            Self::Absent(absence) => Answer::Absent(absence),
            Self::Unknown(why) => Answer::Unknown(why),
        }
    }
}
