//! Who is given features: something that keeps their places, or something that also asks what they are.

use super::hash::Hash;
use super::{Family, PLACE_BITS};

/// Takes features one by one.
pub(crate) trait Gather {
    /// A feature by its hash; what it is in words costs something, and is asked for by those who want it.
    fn feature(&mut self, family: Family, hash: u64, words: impl FnOnce() -> String);

    /// A feature with a name and a value.
    fn shape(&mut self, family: Family, name: &'static str, value: &str) {
        let hash = Hash::of_kind(family as u64).with_bytes(name.as_bytes()).with_bytes(value.as_bytes());
        self.feature(family, hash.value(), || if value.is_empty() { name.to_owned() } else { format!("{name} {value}") });
    }

    /// A feature with a name and a number: in which power of two it lies.
    fn size(&mut self, family: Family, name: &'static str, value: usize) {
        let power = usize::BITS - value.leading_zeros();
        let hash = Hash::of_kind(family as u64).with_bytes(name.as_bytes()).with(u64::from(power));
        self.feature(family, hash.value(), || format!("{name} about {value}"));
    }

    /// A feature with a name and a share, in tenths; none where there is nothing to take a share of.
    fn share(&mut self, family: Family, name: &'static str, part: u64, whole: u64) {
        if let Some(tenths) = part.saturating_mul(10).checked_div(whole) {
            let hash = Hash::of_kind(family as u64).with_bytes(name.as_bytes()).with(64 + tenths.min(10));
            self.feature(family, hash.value(), || format!("{name} {} %", tenths.min(10) * 10));
        }
    }

    /// A feature that is there or not.
    fn fact(&mut self, family: Family, name: &'static str, holds: bool) {
        if holds {
            self.shape(family, name, "");
        }
    }
}

/// The place of a hash.
pub(super) fn place(hash: u64) -> u32 {
    (hash >> (u64::BITS - PLACE_BITS)) as u32
}

/// Keeps the places of features.
#[derive(Debug, Default)]
pub(super) struct Ids([Vec<u32>; Family::ALL.len()]);

impl Ids {
    /// The places, ascending, each once.
    pub(super) fn finish(mut self) -> [Vec<u32>; Family::ALL.len()] {
        for places in &mut self.0 {
            places.sort_unstable();
            places.dedup();
        }
        self.0
    }
}

impl Gather for Ids {
    fn feature(&mut self, family: Family, hash: u64, _: impl FnOnce() -> String) {
        self.0[family as usize].push(place(hash));
    }
}
