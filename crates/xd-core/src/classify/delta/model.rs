//! What a delta adds to the score of a message: how like it is to messages that were learned.
//!
//! A message is compared with each lesson, family by family: the share of features that both have, a rare feature counting more than one that
//! most lessons have, squared, so that what all mail has in common hardly counts. Likeness below a floor is none. What is above is
//! added up for ham and for spam, and the difference, over the sum and a constant, is the share of the greatest number of points: one message
//! that is quite the same gives a third of them, two one half, ten five sixths, and neighbours of both labels cancel.
//!
//! Words, subjects and names count most. The shape of a message alone, however much alike, stays below the floor: newsletters are made
//! alike, and so is fraud that imitates them. Of 3,733 messages, each held against five of a kind that is not its own, half have a likeness of
//! 0.02, one in a hundred 0.16; of the same kind, half have 0.33. Among a thousand lessons of one label more are alike by chance; the floor is where 1.1 % of
//! spam, held against nothing but wanted mail, gets half a point off, and 0.2 % of wanted mail, held against nothing but spam, half a point on.
//!
//! Weights by label, as models have, would need both labels in number, and take whatever is usual in mail for a mark of ham when
//! somebody has corrected nothing but ham. Likeness is right from the first correction, and touches no other mail.
//!
//! Integers only, the same on every processor.

use super::{Delta, Label, Sketch};
use crate::classify::{Family, Features};
use crate::evidence::Learned;
use crate::{Message, Score};

/// The most points that what was learned gives or takes. It moves mail across a threshold, and is no trust.
pub const POINTS_MAX: Score = Score::from_hundredths(300);

/// One, of likeness.
const ONE: u64 = 1 << 16;

/// Likeness up to here is that of any two messages.
const FLOOR: u64 = ONE * 14 / 64;

/// From here on, messages are as good as the same.
const FULL: u64 = ONE / 2;

/// To the likeness of neighbours this is added before the difference is divided by it: so one neighbour alone weighs little.
const DOUBT: u64 = 2 * ONE;

/// What each family counts, in the order of [`Family::ALL`].
const SHARES: [u64; Family::ALL.len()] = [16, 8, 8, 2, 6, 1, 2];

/// A delta made ready to be consulted.
///
/// # Example: what does one correction do to the same message?
/// ```
/// use xd_core::classify::{Delta, DeltaModel, Features, Label};
/// use xd_core::{Limits, Message, Score, Timestamp};
///
/// let message = Message::parse(b"From: a@example.com\r\nSubject: minutes\r\n\r\nas agreed\r\n", &Limits::default());
/// let mut delta = Delta::default();
/// delta.learn([1; 32], Label::Ham, Timestamp::from_unix(0), &Features::of(&message));
/// let learned = DeltaModel::of(&delta).consult(&message);
/// assert_eq!((learned.points, learned.ham, learned.spam), (Score::from_hundredths(-100), 1, 0));
/// ```
#[derive(Clone, Debug)]
pub struct DeltaModel {
    fingerprint: [u8; 8],
    /// Of the lessons that have one label.
    labels: Vec<Label>,
    families: [Postings; Family::ALL.len()],
}

/// Which lessons have which features of one family.
#[derive(Clone, Debug, Default)]
struct Postings {
    /// Ascending.
    places: Vec<u32>,
    /// Where the lessons of each place begin, and where the last ones end.
    starts: Vec<u32>,
    lessons: Vec<u16>,
    /// Of each lesson: the sum of the weights of its features.
    sums: Vec<u32>,
}

impl DeltaModel {
    /// Makes a delta ready.
    #[must_use]
    pub fn of(delta: &Delta) -> Self {
        let lessons = || delta.lessons.values().filter_map(|lesson| Some((lesson.labels.label()?, &lesson.sketch)));
        let labels: Vec<Label> = lessons().map(|(label, _)| label).collect();
        let sketches: Vec<&Sketch> = lessons().map(|(_, sketch)| sketch).collect();
        let families = Family::ALL.map(|family| Postings::of(&sketches, family));
        Self { fingerprint: delta.fingerprint(), labels, families }
    }

    /// What it says of a message.
    #[must_use]
    pub fn consult(&self, message: &Message<'_>) -> Learned {
        // Where nothing was learned, no feature need be looked for.
        if self.labels.is_empty() { self.says(0, 0, [0; 2]) } else { self.weigh(&Features::of(message)) }
    }

    /// What it says of a message with these features.
    #[must_use]
    pub fn weigh(&self, features: &Features) -> Learned {
        let sketch = Sketch::of(features);
        // Of each lesson: likeness times shares, and the shares of the families that either has.
        let mut likeness = vec![(0_u64, 0_u64); self.labels.len()];
        let mut shared = Vec::new();
        for (family, postings) in Family::ALL.into_iter().zip(&self.families) {
            let share = SHARES[family as usize];
            let sum = postings.shared(sketch.places(family), self.labels.len(), &mut shared);
            for ((likeness, shared), &other) in likeness.iter_mut().zip(&shared).zip(&postings.sums) {
                if sum > 0 || other > 0 {
                    likeness.1 += share;
                }
                if *shared > 0 {
                    // Both sums are at least what is shared. At most 512 features of 16 each: far from the range of the type.
                    let (shared, product) = (u64::from(*shared), u64::from(sum) * u64::from(other));
                    likeness.0 += share * (shared * shared * ONE / product);
                }
            }
        }
        let (mut masses, mut near) = ([0_u64; 2], [0_u32; 2]);
        for (&label, (likeness, shares)) in self.labels.iter().zip(likeness) {
            let above = (likeness / shares.max(1)).min(FULL).saturating_sub(FLOOR) * ONE / (FULL - FLOOR);
            masses[label as usize] += above;
            near[label as usize] += u32::from(above > 0);
        }
        self.says(masses[Label::Ham as usize], masses[Label::Spam as usize], near)
    }

    fn says(&self, ham: u64, spam: u64, near: [u32; 2]) -> Learned {
        let difference = spam.cast_signed() - ham.cast_signed();
        // At most 2,000 lessons of 2^16 each.
        let points = POINTS_MAX.hundredths() * difference / (spam + ham + DOUBT).cast_signed();
        Learned {
            points: Score::from_hundredths(points),
            ham: near[Label::Ham as usize],
            spam: near[Label::Spam as usize],
            lessons: self.labels.len() as u32,
            delta: self.fingerprint,
        }
    }
}

impl Postings {
    fn of(sketches: &[&Sketch], family: Family) -> Self {
        // No more lessons than fit: `MESSAGES_MAX` is far below.
        let of_lesson =
            |(lesson, sketch): (u16, &&Sketch)| sketch.places(family).iter().map(|&place| (place, lesson)).collect::<Vec<_>>();
        let mut pairs: Vec<(u32, u16)> = (0..).zip(sketches).flat_map(of_lesson).collect();
        pairs.sort_unstable();
        let mut postings = Self { sums: vec![0; sketches.len()], ..Self::default() };
        for have in pairs.chunk_by(|a, b| a.0 == b.0) {
            postings.places.push(have[0].0);
            postings.starts.push(postings.lessons.len() as u32);
            let weight = weight(have.len(), sketches.len());
            for &(_, lesson) in have {
                postings.lessons.push(lesson);
                postings.sums[usize::from(lesson)] += weight;
            }
        }
        postings.starts.push(postings.lessons.len() as u32);
        postings
    }

    /// What a message shares with each of so many lessons; gives the sum of the weights of its features.
    fn shared(&self, places: &[u32], lessons: usize, shared: &mut Vec<u32>) -> u32 {
        shared.clear();
        shared.resize(lessons, 0);
        let mut sum = 0;
        let mut from = 0;
        for place in places {
            let at = match self.places[from..].binary_search(place) {
                Ok(at) => from + at,
                Err(at) => {
                    from += at;
                    sum += weight(1, lessons);
                    continue;
                }
            };
            let have = &self.lessons[self.starts[at] as usize..self.starts[at + 1] as usize];
            let weight = weight(have.len(), lessons);
            sum += weight;
            for &lesson in have {
                shared[usize::from(lesson)] += weight;
            }
            from = at + 1;
        }
        sum
    }
}

/// What a feature counts that so many of all lessons have: one for each power of two by which it is rarer than all.
fn weight(have: usize, all: usize) -> u32 {
    1 + (all / have.max(1)).max(1).ilog2()
}
