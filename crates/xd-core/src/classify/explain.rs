//! Why a model gives the points it gives: the features that weigh most.

use std::collections::BTreeMap;

use super::gather::{Gather, place};
use super::{Family, Features, Model, gather};
use crate::Message;

/// A feature with what it adds to the sum.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// Its family.
    pub family: Family,
    /// What it is, in words.
    pub feature: String,
    /// What it adds, in 1/65536 of a logit.
    pub weight: i64,
}

impl Model {
    /// The features that weigh most in a message, the heaviest first whatever their sign; at most so many.
    ///
    /// # Example: what speaks against a message?
    /// ```
    /// use xd_core::classify::{Family, Features, Model, ModelParts};
    /// use xd_core::{Limits, Message};
    ///
    /// let message = Message::parse(b"Subject: x\r\n\r\nlottery\r\n", &Limits::default());
    /// let place = Features::of(&message).places(Family::Text)[0];
    /// let parts = ModelParts { name: "tiny".into(), knots: vec![(0, 0)], families: [(1, 65_536); 7], weights: vec![(place, 64)], ..ModelParts::default() };
    /// assert_eq!(Model::try_new(parts)?.reasons(&message, 5)[0].feature, "lottery");
    /// # Ok::<(), xd_core::classify::ModelError>(())
    /// ```
    #[must_use]
    pub fn reasons(&self, message: &Message<'_>, most: usize) -> Vec<Reason> {
        let features = Features::of(message);
        let scales = Family::ALL.map(|family| self.scale(family, features.places(family).len()));
        let mut found = Found { model: self, scales, reasons: BTreeMap::new() };
        gather(message, &mut found);
        let mut reasons: Vec<Reason> = found.reasons.into_values().collect();
        reasons.sort_by(|a, b| b.weight.abs().cmp(&a.weight.abs()).then_with(|| a.feature.cmp(&b.feature)));
        reasons.truncate(most);
        reasons
    }
}

struct Found<'m> {
    model: &'m Model,
    scales: [i64; Family::ALL.len()],
    reasons: BTreeMap<(Family, u32), Reason>,
}

impl Gather for Found<'_> {
    fn feature(&mut self, family: Family, hash: u64, words: impl FnOnce() -> String) {
        let place = place(hash);
        let weight = (i64::from(self.model.weight(place)) * self.scales[family as usize]) >> 6;
        if weight != 0 {
            self.reasons.entry((family, place)).or_insert_with(|| Reason { family, feature: words(), weight });
        }
    }
}
