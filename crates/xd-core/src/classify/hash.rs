//! The hash by which a feature has its place in a model: fixed forever by the feature version, fast on short texts.
//!
//! It is no protection against someone who looks for collisions: whoever has the model can look for words instead.

/// A multiplier with bits well spread: 2^64 divided by the golden ratio, made odd.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash in the making.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hash(u64);

impl Hash {
    /// The beginning of the hashes of one kind of features.
    pub(super) const fn of_kind(kind: u64) -> Self {
        Self((kind + 1).wrapping_mul(SPREAD))
    }

    /// With a number.
    pub(super) const fn with(self, value: u64) -> Self {
        let mixed = (self.0.rotate_left(23) ^ value).wrapping_mul(SPREAD);
        Self(mixed ^ (mixed >> 29))
    }

    /// With bytes; their number counts, so that neighbours do not run together.
    pub(super) fn with_bytes(self, bytes: &[u8]) -> Self {
        let (eights, rest) = bytes.as_chunks::<8>();
        let hash = eights.iter().fold(self, |hash, eight| hash.with(u64::from_le_bytes(*eight)));
        // In as few steps as there are halves: words are short.
        let (fours, rest) = rest.as_chunks::<4>();
        let last = rest.iter().rev().fold(bytes.len() as u64, |last, &byte| last << 8 | u64::from(byte));
        hash.with(fours.iter().fold(last, |last, four| last << 32 | u64::from(u32::from_le_bytes(*four))))
    }

    /// The value.
    pub(super) const fn value(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(SPREAD);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_numbers_keep_their_places() {
        let of = |pieces: &[&[u8]]| pieces.iter().fold(Hash::of_kind(1), |hash, piece| hash.with_bytes(piece)).value();
        let different: [&[&[u8]]; 7] = [&[], &[b""], &[b"a"], &[b"a", b"b"], &[b"ab"], &[b"ab", b""], &[b"abcdefgh\0"]];
        let mut hashes: Vec<u64> = different.iter().map(|pieces| of(pieces)).collect();
        hashes.push(of(&[b"abcdefgh"]));
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 8);
    }

    /// Models are made of these values: they may change with the feature version only.
    #[test]
    fn values_are_those_of_this_feature_version() {
        assert_eq!(Hash::of_kind(0).with_bytes(b"account").value(), 0x6734_1931_4273_7ae7);
    }
}
