//! What a delta said of a message: consulted, and so evidence.

use crate::Score;

/// What was learned of messages like this one.
///
/// Its points are a finding of their own, `learned`. They are recorded, so that a verdict follows from its record when what was learned
/// has long changed. [`DeltaModel`](crate::classify::DeltaModel) gives at most
/// [`POINTS_MAX`](crate::classify::POINTS_MAX) either way, and no more like messages than all; a record of anything else is not read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "whoever consults something else has to give all of it")]
pub struct Learned {
    /// The points it gives, or takes where they are negative.
    pub points: Score,
    /// How many messages like this one were learned as wanted.
    pub ham: u32,
    /// How many were learned as spam.
    pub spam: u32,
    /// How many messages were consulted, like this one or not.
    pub lessons: u32,
    /// Which delta was consulted: [`Delta::fingerprint`](crate::classify::Delta::fingerprint).
    pub delta: [u8; 8],
}
