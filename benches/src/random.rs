//! Numbers that look random and are the same on every run.

/// A generator of 64-bit numbers: xorshift64* (Marsaglia 2003, Vigna 2016). Good enough to choose words with.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of one sequence.
    #[must_use]
    pub const fn new(sequence: u64) -> Self {
        // Nought would stay nought.
        Self(sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is not nought. The upper half of the bits is the better one.
    pub const fn below(&mut self, bound: usize) -> usize {
        (self.number() >> 33) as usize % bound
    }

    /// One of some items, which are not none.
    pub const fn choose<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_repeats_and_sequences_differ() {
        let first = |sequence| Random::new(sequence).number();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn all_choices_come_up() {
        let mut random = Random::new(7);
        let mut seen = [0; 10];
        (0..1000).for_each(|_| seen[random.below(10)] += 1);
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
    }
}
