//! An answer of DNS: records, one of two kinds of absence, or why it is not known.

use xd_core::{Known, Unknown};

/// What came back for a name and type.
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
    /// The answer without the kind of absence, as evidence has it.
    pub fn into_known(self) -> Known<Vec<T>> {
        match self {
            Self::Found(records) => Known::Found(records),
            Self::Absent(_) => Known::Absent,
            Self::Unknown(why) => Known::Unknown(why),
        }
    }
}
