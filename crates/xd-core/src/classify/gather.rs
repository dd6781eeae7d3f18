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

/// From so many places on, sorting by digits is faster than by comparing: 2 against 4 µs for 500 random ones, 16 against 118 for 5,000,
/// and as fast here (one program, one run).
const MANY: usize = 128;
/// Digits of half the bits of a place.
const DIGITS: usize = 1 << (PLACE_BITS / 2);

impl Ids {
    /// The places, ascending, each once.
    pub(super) fn finish(self) -> [Vec<u32>; Family::ALL.len()] {
        self.0.map(|mut places| {
            if places.len() < MANY {
                places.sort_unstable();
            } else {
                places = sorted_by_digits(places);
            }
            places.dedup();
            places
        })
    }
}

/// Sorts by the lower half of the bits, then by the upper one.
fn sorted_by_digits(mut places: Vec<u32>) -> Vec<u32> {
    let digit = |place: u32, half: u32| (place >> (half * PLACE_BITS / 2)) as usize % DIGITS;
    let mut sorted = vec![0; places.len()];
    for half in [0, 1] {
        // How many have a digit, then where the next of them goes.
        let mut next = [0_u32; DIGITS];
        for &place in &places {
            next[digit(place, half)] += 1;
        }
        let mut sum = 0;
        for slot in &mut next {
            sum += std::mem::replace(slot, sum);
        }
        for &place in &places {
            let at = &mut next[digit(place, half)];
            if let Some(slot) = sorted.get_mut(*at as usize) {
                *slot = place;
            }
            *at += 1;
        }
        std::mem::swap(&mut places, &mut sorted);
    }
    places
}

impl Gather for Ids {
    fn feature(&mut self, family: Family, hash: u64, _: impl FnOnce() -> String) {
        self.0[family as usize].push(place(hash));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn by_digits_is_as_by_comparing(places in prop::collection::vec(0..1_u32 << PLACE_BITS, 0..300), twice in any::<bool>()) {
            let mut places = if twice { [places.clone(), places].concat() } else { places };
            let sorted = sorted_by_digits(places.clone());
            places.sort_unstable();
            prop_assert_eq!(sorted, places);
        }
    }

    #[test]
    fn each_place_is_kept_once() {
        let last = (1 << PLACE_BITS) - 1;
        let places = |count: usize| {
            let mut ids = Ids::default();
            ids.0[0] = [last, 0, 63, 1024, 1023, last].repeat(count);
            ids.finish()[0].clone()
        };
        assert_eq!(places(1), [0, 63, 1023, 1024, last]);
        assert_eq!(places(MANY), places(1));
    }
}
