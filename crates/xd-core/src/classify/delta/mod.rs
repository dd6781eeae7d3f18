//! What was learned from corrections: for each message its hash, a label, when it was learned, and the places of its features.
//!
//! A delta is a value without a history. Whatever the order in which messages were learned and deltas merged, the same lessons make the
//! same delta: of one message the later label counts, two labels of the same second cancel, and a message learned twice counts once. Merging is
//! union, forgetting is removal. Where there are more messages than [`MESSAGES_MAX`], those learned last stay.
//!
//! [`DeltaModel`] is made of a delta and says what it adds to the score of a message. Reading clocks and files is left to programs.

mod bytes;
mod model;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use sha2::{Digest, Sha256};

use super::{Family, Features};
use crate::Timestamp;

pub use bytes::DeltaError;
pub use model::{DeltaModel, POINTS_MAX};

/// By what findings and settings name what was learned. No rule may be called so.
pub const LEARNED_ID: &str = "learned";

/// Messages of a delta; those learned last stay. A thousand cost each message that is judged some 0.15 ms.
pub const MESSAGES_MAX: usize = 2_000;

/// Features kept of the text of a message: those with the least places, the same ones of like messages.
const TEXT_MAX: usize = 512;

/// Features kept of each other family.
const OTHER_MAX: usize = 96;

/// What a message was learned as.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: a message is wanted or not")]
pub enum Label {
    /// Wanted.
    Ham,
    /// Not wanted.
    Spam,
}

impl Label {
    /// The label in lower case, as in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ham => "ham",
            Self::Spam => "spam",
        }
    }
}

/// What is kept of one message.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Lesson {
    /// When it was learned, the last time.
    learned: Timestamp,
    /// Both, where they were learned in the same second.
    labels: Labels,
    sketch: Sketch,
}

/// Ham, spam, or both.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Labels {
    ham: bool,
    spam: bool,
}

/// Some features of a message, by family: ascending places, each once, at most as many as are kept.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Sketch([Vec<u32>; Family::ALL.len()]);

/// What was learned of messages.
///
/// # Example: does it matter in which order two people correct?
/// ```
/// use xd_core::classify::{Delta, Features, Label};
/// use xd_core::{Limits, Message, Timestamp};
///
/// let features = Features::of(&Message::parse(b"Subject: minutes\r\n\r\n", &Limits::default()));
/// let at = Timestamp::from_unix;
/// let (mut one, mut other) = (Delta::default(), Delta::default());
/// one.learn([1; 32], Label::Spam, at(100), &features);
/// other.learn([1; 32], Label::Ham, at(200), &features);
/// let merged = one.clone().merged(&other);
/// assert_eq!(merged, other.clone().merged(&one));
/// assert_eq!((merged.counts().ham, merged.counts().spam), (1, 0));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Delta {
    /// By the SHA-256 of a message's bytes.
    lessons: BTreeMap<[u8; 32], Lesson>,
}

/// How many messages a delta knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeltaCounts {
    /// Learned as wanted.
    pub ham: usize,
    /// Learned as spam.
    pub spam: usize,
    /// Learned as both in the same second: they count for nothing.
    pub contradictory: usize,
}

impl Delta {
    /// Learns a message by the SHA-256 of its bytes. One learned before with another label takes the later one.
    /// Says how many messages gave way to it.
    pub fn learn(&mut self, sha256: [u8; 32], label: Label, learned: Timestamp, features: &Features) -> usize {
        let labels = Labels { ham: label == Label::Ham, spam: label == Label::Spam };
        self.add(sha256, &Lesson { learned, labels, sketch: Sketch::of(features) });
        self.keep_latest()
    }

    /// Removes a message; says whether it was there.
    pub fn forget(&mut self, sha256: &[u8; 32]) -> bool {
        self.lessons.remove(sha256).is_some()
    }

    /// The lessons of both.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        self.merge([other]);
        self
    }

    /// Takes in the lessons of others; says how many of all messages together gave way.
    pub fn merge<'d>(&mut self, others: impl IntoIterator<Item = &'d Self>) -> usize {
        for (sha256, lesson) in others.into_iter().flat_map(|other| &other.lessons) {
            self.add(*sha256, lesson);
        }
        self.keep_latest()
    }

    /// Removes what was learned before a moment; says how many messages that were.
    pub fn expire(&mut self, before: Timestamp) -> usize {
        let all = self.lessons.len();
        self.lessons.retain(|_, lesson| lesson.learned >= before);
        all - self.lessons.len()
    }

    /// What a message is known as, and since when; no label where it was learned as both in the same second.
    #[must_use]
    pub fn label(&self, sha256: &[u8; 32]) -> Option<(Option<Label>, Timestamp)> {
        self.lessons.get(sha256).map(|lesson| (lesson.labels.label(), lesson.learned))
    }

    /// The message that was learned last, and when.
    #[must_use]
    pub fn latest(&self) -> Option<([u8; 32], Timestamp)> {
        self.lessons.iter().map(|(sha256, lesson)| (*sha256, lesson.learned)).max_by_key(|&(_, learned)| learned)
    }

    /// How many messages it knows.
    #[must_use]
    pub fn counts(&self) -> DeltaCounts {
        let mut counts = DeltaCounts::default();
        for lesson in self.lessons.values() {
            *match lesson.labels.label() {
                Some(Label::Ham) => &mut counts.ham,
                Some(Label::Spam) => &mut counts.spam,
                None => &mut counts.contradictory,
            } += 1;
        }
        counts
    }

    /// The first bytes of the SHA-256 of its lessons: by this a capsule says which delta was consulted.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 8] {
        let hash: [u8; 32] = Sha256::digest(bytes::write(self)).into();
        let [a, b, c, d, e, f, g, h, ..] = hash;
        [a, b, c, d, e, f, g, h]
    }

    fn add(&mut self, sha256: [u8; 32], lesson: &Lesson) {
        match self.lessons.entry(sha256) {
            Entry::Vacant(place) => {
                place.insert(lesson.clone());
            }
            Entry::Occupied(mut place) => place.get_mut().join(lesson),
        }
    }

    /// The latest stay, of equal ones those with the lesser hash: which, does not depend on the order in which they came.
    /// Says how many went.
    fn keep_latest(&mut self) -> usize {
        let excess = self.lessons.len().saturating_sub(MESSAGES_MAX);
        if excess == 0 {
            return 0;
        }
        let mut ages: Vec<_> = self.lessons.iter().map(|(hash, lesson)| (lesson.learned, std::cmp::Reverse(*hash))).collect();
        ages.sort_unstable();
        for (_, std::cmp::Reverse(hash)) in ages.iter().take(excess) {
            self.lessons.remove(hash);
        }
        excess
    }
}

impl Lesson {
    /// Takes in another lesson of the same message: associative, commutative, and without effect the second time.
    fn join(&mut self, other: &Self) {
        if other.learned > self.learned {
            (self.learned, self.labels) = (other.learned, other.labels);
        } else if other.learned == self.learned {
            self.labels = Labels { ham: self.labels.ham || other.labels.ham, spam: self.labels.spam || other.labels.spam };
        }
        // The same message has the same features. Were two files to disagree, one of them is taken, whichever comes first.
        if other.sketch > self.sketch {
            self.sketch.clone_from(&other.sketch);
        }
    }
}

impl Labels {
    fn label(self) -> Option<Label> {
        match (self.ham, self.spam) {
            (true, false) => Some(Label::Ham),
            (false, true) => Some(Label::Spam),
            _ => None,
        }
    }
}

impl Sketch {
    /// The features with the least places. Places are hashes, so that like messages keep the same ones.
    fn of(features: &Features) -> Self {
        Self(Family::ALL.map(|family| {
            let places = features.places(family);
            places.get(..most(family)).unwrap_or(places).to_vec()
        }))
    }

    fn places(&self, family: Family) -> &[u32] {
        &self.0[family as usize]
    }
}

/// How many features of a family are kept.
const fn most(family: Family) -> usize {
    match family {
        Family::Text => TEXT_MAX,
        _ => OTHER_MAX,
    }
}

#[cfg(test)]
mod tests;
