//! A model: what each feature weighs, and how many points the sum is worth. Integers only, the same on every processor.
//!
//! ```text
//! "xd model", version 1, feature version, bits of a place
//! name, description                           texts with their lengths
//! for each family: floor, gain                a family of fewer features than its floor counts as one of as many
//! bias                                        in 1/65536 of a logit
//! knots: logit, points                        the curve from sums to points
//! weights: step to the place, weight          in 1/64 of a logit
//! SHA-256 of all that stands before
//! ```
//!
//! Numbers are little-endian or in seven bits a byte; signed ones alternate (0, −1, 1, …).

use sha2::{Digest, Sha256};

use super::encoding::{Reader, Writer};
use super::{FEATURES, Family, Features, PLACE_BITS};
use crate::{Message, Score};

pub use super::encoding::ModelError;

/// What a model file begins with.
const MAGIC: &[u8; 8] = b"xd model";
/// The version of the format.
const VERSION: u32 = 1;
/// One logit in the unit of weights.
pub const WEIGHT_UNIT: i32 = 64;
/// One logit in the unit of sums.
pub const LOGIT: i64 = 1 << 16;
/// Knots of a curve.
const KNOTS_MAX: usize = 64;
/// The greatest floor of a family: no message has more features.
const FLOOR_MAX: u32 = 1 << PLACE_BITS;
/// The greatest gain of a family, 256.
const GAIN_MAX: i32 = 1 << 24;
/// The most points that a curve may give, in hundredths, of either sign.
const POINTS_MAX: u32 = 10_000;
/// Bytes of the name and of the description.
const NAME_MAX: usize = 64;
const ABOUT_MAX: usize = 4096;

/// A linear model over [`Features`] that says how many points a message gets for what it looks like.
///
/// # Example: does a model read what it wrote?
/// ```
/// use xd_core::classify::{Family, Model, ModelParts};
/// use xd_core::{Limits, Message, Score};
///
/// let parts = ModelParts { name: "tiny".into(), bias: 65_536, knots: vec![(0, 0), (65_536, 100)], ..ModelParts::default() };
/// let model = Model::try_new(parts)?;
/// let message = Message::parse(b"Subject: hello\r\n\r\nhi\r\n", &Limits::default());
/// assert_eq!(Model::read(&model.to_bytes())?.points(&message), Score::from_hundredths(100));
/// # Ok::<(), xd_core::classify::ModelError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Model {
    parts: ModelParts,
    /// By place; `parts` keeps none.
    weights: Box<[i16]>,
    sha256: [u8; 32],
}

/// What a model is made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "whoever trains a model has to give all of it")]
pub struct ModelParts {
    /// The name, at most 64 bytes: `default`.
    pub name: String,
    /// From what it was trained, under which licences; at most 4,096 bytes.
    pub about: String,
    /// For each family of [`Family::ALL`]: its floor, and what it counts in 1/65536.
    pub families: [(u32, i32); Family::ALL.len()],
    /// Added to every sum, in 1/65536 of a logit.
    pub bias: i32,
    /// Sums in 1/65536 of a logit, ascending, and the hundredths of points they are worth, never falling. Between two it is a line, outside
    /// it is flat.
    pub knots: Vec<(i32, i32)>,
    /// Places, ascending, and what the features there weigh in 1/64 of a logit.
    pub weights: Vec<(u32, i16)>,
}

impl Model {
    /// A model of these parts.
    ///
    /// # Errors
    /// When places or knots are out of order, there are no knots or too many, or a text is too long.
    pub fn try_new(parts: ModelParts) -> Result<Self, ModelError> {
        check(&parts)?;
        let sha256 = Sha256::digest(write(&parts)).into();
        Ok(Self::of(parts, sha256))
    }

    /// Of parts that were checked, with the hash of how they are written.
    fn of(mut parts: ModelParts, sha256: [u8; 32]) -> Self {
        let mut weights = vec![0; 1 << PLACE_BITS].into_boxed_slice();
        for (place, weight) in std::mem::take(&mut parts.weights) {
            if let Some(slot) = weights.get_mut(place as usize) {
                *slot = weight;
            }
        }
        Self { parts, weights, sha256 }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the bytes are not exactly those of a model of this feature version; says what is wrong and at which byte.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut from = Reader::new(bytes);
        if from.array::<8>()? != *MAGIC {
            return Err(ModelError::Magic);
        }
        match from.u32()? {
            VERSION => {}
            version => return Err(ModelError::Version { version }),
        }
        let (features, bits) = (from.u32()?, from.u32()?);
        if (features, bits) != (FEATURES, PLACE_BITS) {
            return Err(ModelError::Features { features, bits });
        }
        // Before anything else is believed: a flipped bit is then told as that.
        let body = bytes.len().saturating_sub(32).max(from.at());
        let (content, sum) = (bytes.get(..body).unwrap_or_default(), bytes.get(body..).unwrap_or_default());
        let sha256: [u8; 32] = Sha256::digest(content).into();
        if sha256 != sum {
            return Err(ModelError::Checksum { bytes: bytes.len() });
        }
        let mut parts = ModelParts { name: from.text(NAME_MAX)?, about: from.text(ABOUT_MAX)?, ..ModelParts::default() };
        for family in &mut parts.families {
            *family = (from.u32()?, from.u32()?.cast_signed());
        }
        parts.bias = from.u32()?.cast_signed();
        for _ in 0..from.count(KNOTS_MAX)? {
            parts.knots.push((from.u32()?.cast_signed(), from.u32()?.cast_signed()));
        }
        let count = from.count(1 << PLACE_BITS)?;
        parts.weights.reserve(count);
        let mut next = 0_u32;
        for _ in 0..count {
            let at = from.at();
            let place = from
                .number()?
                .checked_add(next)
                .filter(|place| place >> PLACE_BITS == 0)
                .ok_or(ModelError::Value { at, what: "a place beyond the last" })?;
            let at = from.at();
            let weight = from.signed()?.try_into().map_err(|_| ModelError::Value { at, what: "a weight beyond its range" })?;
            parts.weights.push((place, weight));
            next = place + 1;
        }
        if from.at() != body {
            return Err(ModelError::Value { at: from.at(), what: "more bytes than the model has" });
        }
        check(&parts)?;
        // Numbers may be spelled longer than need be, and weights be nought: one model has one spelling.
        if write(&parts) != content {
            return Err(ModelError::Value { at: body, what: "another spelling of its numbers than the shortest" });
        }
        Ok(Self::of(parts, sha256))
    }

    /// The model in bytes, as [`Model::read`] takes them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = write(&self.to_parts());
        let sum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// What it is made of, weights included.
    #[must_use]
    pub fn to_parts(&self) -> ModelParts {
        let weights = (0..).zip(&self.weights).filter(|(_, weight)| **weight != 0).map(|(place, &weight)| (place, weight));
        ModelParts { weights: weights.collect(), ..self.parts.clone() }
    }

    /// The name: `default`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// From what it was trained, under which licences.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.parts.about
    }

    /// The SHA-256 that names it: of its bytes without the checksum at their end.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// How many features have a weight.
    #[must_use]
    pub fn weights(&self) -> usize {
        self.weights.iter().filter(|&&weight| weight != 0).count()
    }

    /// The points that a message gets for what it looks like.
    #[must_use]
    pub fn points(&self, message: &Message<'_>) -> Score {
        self.points_of(self.logit(&Features::of(message)))
    }

    /// The sum over features, in 1/65536 of a logit: 0 is undecided, positive is spam.
    #[must_use]
    pub fn logit(&self, features: &Features) -> i64 {
        let families = Family::ALL.into_iter().map(|family| self.share(features, family));
        families.fold(i64::from(self.parts.bias), i64::saturating_add)
    }

    /// What a family adds to the sum.
    #[must_use]
    pub fn share(&self, features: &Features, family: Family) -> i64 {
        let places = features.places(family);
        let sum: i64 = places.iter().map(|&place| i64::from(self.weight(place))).sum();
        // Far from the range of the type: at most 2^20 places of 2^15 each, by at most 2^24.
        (sum * self.scale(family, places.len())) >> WEIGHT_UNIT.ilog2()
    }

    /// What the feature at a place weighs, in 1/64 of a logit, before its family is scaled.
    pub(crate) fn weight(&self, place: u32) -> i16 {
        self.weights.get(place as usize).copied().unwrap_or_default()
    }

    /// By what the weights of a family are multiplied, in 1/65536: its gain over the root of how many features it has.
    pub(crate) fn scale(&self, family: Family, count: usize) -> i64 {
        let (floor, gain) = self.parts.families[family as usize];
        let count = (count as u64).clamp(u64::from(floor).max(1), 1 << 24);
        // The root of 2^32 over the count is 2^16 over the count's root.
        let root = ((1_u64 << 32) / count).isqrt().cast_signed();
        (root * i64::from(gain)) >> 16
    }

    /// The points of a sum.
    #[must_use]
    pub fn points_of(&self, logit: i64) -> Score {
        let knots = &self.parts.knots;
        let after = knots.partition_point(|&(at, _)| i64::from(at) <= logit);
        let points = match (after.checked_sub(1).map(|before| knots[before]), knots.get(after)) {
            (Some((from, low)), Some(&(to, high))) => {
                let (from, to, low, high) = (i64::from(from), i64::from(to), i64::from(low), i64::from(high));
                // Below 2^32 times 20,000.
                low + (logit - from) * (high - low) / (to - from)
            }
            (Some((_, points)), None) | (None, Some(&(_, points))) => i64::from(points),
            (None, None) => 0,
        };
        Score::from_hundredths(points)
    }

    /// The least and the most points that it gives any message.
    #[must_use]
    pub fn range(&self) -> (Score, Score) {
        let points = |knot: Option<&(i32, i32)>| Score::from_hundredths(knot.map_or(0, |&(_, points)| i64::from(points)));
        (points(self.parts.knots.first()), points(self.parts.knots.last()))
    }
}

fn check(parts: &ModelParts) -> Result<(), ModelError> {
    let wrong = |what| Err(ModelError::Parts { what });
    if parts.name.is_empty() || parts.name.len() > NAME_MAX || parts.about.len() > ABOUT_MAX {
        return wrong("a name or description of unfit length");
    }
    if parts.knots.is_empty() || parts.knots.len() > KNOTS_MAX {
        return wrong("no knots, or too many");
    }
    if !parts.knots.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1) {
        return wrong("a curve that does not rise");
    }
    if !parts.weights.windows(2).all(|two| two[0].0 < two[1].0) || parts.weights.iter().any(|(place, _)| place >> PLACE_BITS != 0)
    {
        return wrong("places out of order");
    }
    if parts.families.iter().any(|&(floor, gain)| floor > FLOOR_MAX || !(0..=GAIN_MAX).contains(&gain)) {
        return wrong("a floor or gain out of range");
    }
    if parts.knots.iter().any(|&(_, points)| points.unsigned_abs() > POINTS_MAX) {
        return wrong("points out of range");
    }
    Ok(())
}

fn write(parts: &ModelParts) -> Vec<u8> {
    let mut out = Writer::default();
    out.raw(MAGIC);
    for value in [VERSION, FEATURES, PLACE_BITS] {
        out.u32(value);
    }
    out.text(&parts.name);
    out.text(&parts.about);
    for (floor, gain) in parts.families {
        out.u32(floor);
        out.u32(gain.cast_unsigned());
    }
    out.u32(parts.bias.cast_unsigned());
    out.number(parts.knots.len() as u32);
    for &(logit, points) in &parts.knots {
        out.u32(logit.cast_unsigned());
        out.u32(points.cast_unsigned());
    }
    let weights = || parts.weights.iter().filter(|(_, weight)| *weight != 0);
    out.number(weights().count() as u32);
    let mut next = 0;
    for &(place, weight) in weights() {
        out.number(place - next);
        out.signed(i32::from(weight));
        next = place + 1;
    }
    out.bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    fn parts() -> ModelParts {
        ModelParts {
            name: "test".into(),
            about: "made by hand".into(),
            families: [(4, 1 << 16); Family::ALL.len()],
            bias: -70_000,
            knots: vec![(-65_536, -300), (0, 0), (131_072, 900)],
            weights: vec![(0, 5), (7, -128), (1000, 32_767), ((1 << PLACE_BITS) - 1, -32_768)],
        }
    }

    #[test]
    fn a_model_reads_what_it_wrote() {
        let model = Model::try_new(parts()).unwrap();
        let bytes = model.to_bytes();
        assert_eq!(Model::read(&bytes).unwrap(), model);
        assert_eq!(model.weights(), 4);
        assert_eq!(model.range(), (Score::from_hundredths(-300), Score::from_hundredths(900)));
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_noticed() {
        let bytes = Model::try_new(parts()).unwrap().to_bytes();
        for length in 0..bytes.len() {
            assert!(Model::read(&bytes[..length]).is_err(), "{length}");
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Model::read(&bytes).is_err(), "{at}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(Model::read(&longer).is_err());
    }

    #[test]
    fn another_feature_version_is_told_as_that() {
        let mut bytes = Model::try_new(parts()).unwrap().to_bytes();
        bytes[12] = 9;
        let error = Model::read(&bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the model is of feature version 9 with 20 bits, this program is of version 1 with 20; train it anew"
        );
    }

    #[test]
    fn unfit_parts_are_refused() {
        let knots = |knots: &[(i32, i32)]| Model::try_new(ModelParts { knots: knots.to_vec(), ..parts() });
        assert!(knots(&[]).is_err());
        assert!(knots(&[(0, 0), (0, 1)]).is_err());
        assert!(knots(&[(0, 1), (1, 0)]).is_err());
        assert!(Model::try_new(ModelParts { weights: vec![(1, 1), (1, 1)], ..parts() }).is_err());
        assert!(Model::try_new(ModelParts { weights: vec![(1 << PLACE_BITS, 1)], ..parts() }).is_err());
        assert!(Model::try_new(ModelParts { name: String::new(), ..parts() }).is_err());
        let floor = |floor: u32| Model::try_new(ModelParts { families: [(floor, 0); Family::ALL.len()], ..parts() });
        assert!(floor(FLOOR_MAX).is_ok() && floor(FLOOR_MAX + 1).is_err());
        assert!(knots(&[(0, 10_000)]).is_ok() && knots(&[(0, 10_001)]).is_err());
    }

    #[test]
    fn sums_are_weights_over_the_root_of_their_number() {
        let message = |text: &str| format!("From: a@example.com\r\n\r\n{text}").into_bytes();
        let raw = message("unheard");
        let parsed = Message::parse(&raw, &Limits::default());
        let features = Features::of(&parsed);
        let place = features.places(Family::Text)[0];
        let one = ModelParts { weights: vec![(place, 64)], bias: 0, ..parts() };
        let of = |floor: u32, gain: i32| {
            let mut parts = one.clone();
            parts.families[Family::Text as usize] = (floor, gain);
            Model::try_new(parts).unwrap().share(&features, Family::Text)
        };
        assert_eq!(of(1, 1 << 16), LOGIT);
        assert_eq!(of(4, 1 << 16), LOGIT / 2);
        assert_eq!(of(4, 3 << 16), LOGIT * 3 / 2);
        assert_eq!(of(0, 0), 0);
    }

    proptest! {
        #[test]
        fn the_curve_never_falls_and_stays_in_range(a in any::<i64>(), b in any::<i64>()) {
            let model = Model::try_new(parts()).unwrap();
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(model.points_of(low) <= model.points_of(high));
            let (least, most) = model.range();
            prop_assert!(model.points_of(a) >= least && model.points_of(a) <= most);
        }

        #[test]
        fn whatever_is_accepted_gives_points_in_range(
            floor in prop_oneof![0..10_u32, any::<u32>()],
            gain in prop_oneof![0..1_000_000, any::<i32>()],
            bias in any::<i32>(),
            knots in prop::collection::btree_map(any::<i32>(), prop_oneof![-10_000..=10_000_i32, any::<i32>()], 1..4),
            logit in any::<i64>(),
        ) {
            let parts = ModelParts { families: [(floor, gain); Family::ALL.len()], bias, knots: knots.into_iter().collect(), ..parts() };
            if let Ok(model) = Model::try_new(parts) {
                let (least, most) = model.range();
                let message = Message::parse(b"Subject: some words\r\n\r\nand more of them\r\n", &Limits::default());
                for points in [model.points(&message), model.points_of(logit)] {
                    prop_assert!(least <= points && points <= most);
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Model::read(&bytes);
        }
    }
}
