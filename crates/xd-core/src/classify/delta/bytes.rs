//! A delta in bytes.
//!
//! ```text
//! "xd delta", version 1, feature version, bits of a place
//! number of messages
//! for each, in the order of hashes:
//!   SHA-256 of its bytes, 32 bytes
//!   when it was learned: seconds since 1970, 8 bytes
//!   label: 1 ham, 2 spam, 3 both
//!   for each family: number of places, steps from place to place
//! SHA-256 of all that stands before
//! ```
//!
//! Numbers are little-endian or in seven bits a byte, as in models. There is one spelling of each delta.

use sha2::{Digest, Sha256};

use super::{Delta, Labels, Lesson, MESSAGES_MAX, Sketch, most};
use crate::Timestamp;
use crate::classify::encoding::{Flaw, Reader, Writer};
use crate::classify::{FEATURES, Family, PLACE_BITS};

/// What a file begins with.
const MAGIC: &[u8; 8] = b"xd delta";
/// The version of the format.
const VERSION: u32 = 1;
/// Bytes of the checksum at the end.
const SUM: usize = 32;

/// Why bytes are no delta.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// What was read is not what was written.
    #[error("what was learned is damaged: the checksum at the end of its {bytes} bytes is not that of what stands before")]
    Checksum {
        /// How many bytes there are.
        bytes: usize,
    },
    /// The file ends in the middle.
    #[error("what was learned ends in the middle, at byte {at}")]
    End {
        /// Where.
        at: usize,
    },
    /// It looks at messages in another way.
    #[error(
        "what was learned is of feature version {features} with {bits} bits, this program is of version {FEATURES} with {PLACE_BITS}; learn the messages anew into another file"
    )]
    Features {
        /// The version it is of.
        features: u32,
        /// Bits of its places.
        bits: u32,
    },
    /// It is something else.
    #[error("this is nothing that was learned: it does not begin with \"xd delta\"")]
    Magic,
    /// A value that cannot stand there.
    #[error("byte {at} of what was learned: {what}")]
    Value {
        /// Where.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// A newer program wrote it.
    #[error("what was learned is of format version {version}, which is not known")]
    Version {
        /// The version.
        version: u32,
    },
}

impl From<Flaw> for DeltaError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::End { at } => Self::End { at },
            Flaw::Value { at, what } => Self::Value { at, what },
        }
    }
}

impl Delta {
    /// Reads what [`Delta::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are not exactly those of a delta of this feature version; says what is wrong and at which byte.
    ///
    /// # Example: is half a file noticed?
    /// ```
    /// use xd_core::classify::{Delta, DeltaError};
    ///
    /// let bytes = Delta::default().to_bytes();
    /// assert_eq!(Delta::read(&bytes), Ok(Delta::default()));
    /// assert_eq!(Delta::read(&bytes[..10]), Err(DeltaError::End { at: 10 }));
    /// ```
    pub fn read(bytes: &[u8]) -> Result<Self, DeltaError> {
        let mut from = Reader::new(bytes);
        if from.array::<8>()? != *MAGIC {
            return Err(DeltaError::Magic);
        }
        match from.u32()? {
            VERSION => {}
            version => return Err(DeltaError::Version { version }),
        }
        let (features, bits) = (from.u32()?, from.u32()?);
        if (features, bits) != (FEATURES, PLACE_BITS) {
            return Err(DeltaError::Features { features, bits });
        }
        // Before anything else is believed: a flipped bit is then told as that.
        let body = bytes.len().saturating_sub(SUM).max(from.at());
        let (content, sum) = (bytes.get(..body).unwrap_or_default(), bytes.get(body..).unwrap_or_default());
        if Sha256::digest(content).as_slice() != sum {
            return Err(DeltaError::Checksum { bytes: bytes.len() });
        }
        let mut delta = Self::default();
        for _ in 0..from.count(MESSAGES_MAX)? {
            let at = from.at();
            let sha256 = from.array::<32>()?;
            if delta.lessons.last_key_value().is_some_and(|(last, _)| *last >= sha256) {
                return Err(DeltaError::Value { at, what: "messages out of order" });
            }
            delta.lessons.insert(sha256, read_lesson(&mut from)?);
        }
        if from.at() != body {
            return Err(DeltaError::Value { at: from.at(), what: "more bytes than it has" });
        }
        // Numbers may be spelled longer than need be.
        if write(&delta) != content {
            return Err(DeltaError::Value { at: body, what: "another spelling of its numbers than the shortest" });
        }
        Ok(delta)
    }

    /// The delta in bytes: the same lessons give the same.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = write(self);
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }
}

fn read_lesson(from: &mut Reader<'_>) -> Result<Lesson, Flaw> {
    let learned = Timestamp::from_unix(i64::from_le_bytes(from.array()?));
    let at = from.at();
    let [label] = from.array::<1>()?;
    if !(1..=3).contains(&label) {
        return Err(Flaw::Value { at, what: "there is no such label" });
    }
    let labels = Labels { ham: label & 1 != 0, spam: label & 2 != 0 };
    let mut sketch = Sketch::default();
    for family in Family::ALL {
        let places = &mut sketch.0[family as usize];
        let mut next = 0_u32;
        for _ in 0..from.count(most(family))? {
            let at = from.at();
            let place = from.number()?.checked_add(next).filter(|place| place >> PLACE_BITS == 0);
            let place = place.ok_or(Flaw::Value { at, what: "a place beyond the last" })?;
            places.push(place);
            next = place + 1;
        }
    }
    Ok(Lesson { learned, labels, sketch })
}

/// All but the checksum.
pub(super) fn write(delta: &Delta) -> Vec<u8> {
    let mut out = Writer::default();
    out.raw(MAGIC);
    for value in [VERSION, FEATURES, PLACE_BITS] {
        out.u32(value);
    }
    out.number(delta.lessons.len() as u32);
    for (sha256, Lesson { learned, labels, sketch }) in &delta.lessons {
        out.raw(sha256);
        out.raw(&learned.unix().to_le_bytes());
        out.raw(&[u8::from(labels.ham) | u8::from(labels.spam) << 1]);
        for places in &sketch.0 {
            out.number(places.len() as u32);
            let mut next = 0;
            for &place in places {
                out.number(place - next);
                next = place + 1;
            }
        }
    }
    out.bytes
}
