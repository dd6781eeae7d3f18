//! Finding thousands of literals in a text at little more than one look at each byte.
//!
//! Each literal is known by its least ordinary four bytes. A bitmap over all fours says at which places of a text one of
//! those may stand; only there the literals of that four are compared. Literals of three bytes have a map of their own.
//! An Aho-Corasick automaton of the same literals takes five to ten times as long a byte, since each step waits for the
//! one before it.

use std::ops::Range;

/// Shorter literals cannot be indexed.
pub(super) const SHORTEST: usize = 3;
/// Bytes by which a longer literal is known.
const GRAM: usize = 4;
/// Bits of the map of fours, as a power of two: 32 KiB, which stays in the nearest caches. At 10,000 literals one place in
/// 26 is looked at twice.
const MAP_BITS: u32 = 18;
/// Bits of the map of threes: 4 KiB. There are few such literals, since they gate badly.
const SMALL_MAP_BITS: u32 = 15;

/// An index of literals of at least [`SHORTEST`] bytes.
#[derive(Debug)]
pub(super) struct Grams {
    fours: Index,
    /// The literals of three bytes.
    threes: Option<Index>,
}

impl Grams {
    /// Indexes literals, each of at least [`SHORTEST`] bytes, by the caller's numbers.
    pub(super) fn new(literals: impl IntoIterator<Item = (usize, Vec<u8>)>) -> Self {
        let (short, long): (Vec<_>, Vec<_>) =
            literals.into_iter().filter_map(Entry::new).partition(|entry| entry.literal.len() < GRAM);
        Self { fours: Index::new(long, MAP_BITS), threes: (!short.is_empty()).then(|| Index::new(short, SMALL_MAP_BITS)) }
    }

    /// Calls `hit` with the number and the place of every occurrence of every literal; roughly in the order of places.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(usize, Range<usize>)) {
        // Both maps in one pass: the text is what does not fit the nearest cache.
        let Some(threes) = &self.threes else {
            for (at, window) in text.windows(GRAM).enumerate() {
                self.fours.look(text, at, four(window), &mut hit);
            }
            return;
        };
        for (at, window) in text.windows(GRAM).enumerate() {
            let gram = four(window);
            self.fours.look(text, at, gram, &mut hit);
            threes.look(text, at, gram & 0xff_ffff, &mut hit);
        }
        if let Some(at) = text.len().checked_sub(SHORTEST) {
            threes.look(text, at, three(&text[at..]), &mut hit);
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.fours.memory() + self.threes.as_ref().map_or(0, Index::memory)
    }
}

/// Literals by their grams.
#[derive(Debug)]
struct Index {
    bits: u32,
    /// One bit for each value of [`spread`].
    map: Box<[u64]>,
    /// The literals, sorted by bucket and gram.
    entries: Box<[Entry]>,
    /// Where the entries of a bucket begin; the next slot says where they end.
    buckets: Box<[u32]>,
}

#[derive(Debug)]
struct Entry {
    gram: u32,
    /// Where the gram stands in the literal.
    offset: usize,
    literal: Box<[u8]>,
    /// The caller's number for the literal.
    id: usize,
}

/// A bucket for so many values of [`spread`], as a power of two: few literals share one.
const BUCKET_SHIFT: u32 = 5;

impl Entry {
    fn new((id, literal): (usize, Vec<u8>)) -> Option<Self> {
        let (offset, gram) = rarest_gram(&literal)?;
        Some(Self { gram, offset, literal: literal.into_boxed_slice(), id })
    }
}

impl Index {
    fn new(mut entries: Vec<Entry>, bits: u32) -> Self {
        let bucket = |gram| spread(gram, bits) >> BUCKET_SHIFT;
        entries.sort_by_key(|entry| (bucket(entry.gram), entry.gram, entry.id));
        let mut map = vec![0_u64; 1 << (bits - 6)].into_boxed_slice();
        let mut buckets = vec![0_u32; (1 << (bits - BUCKET_SHIFT)) + 1].into_boxed_slice();
        for entry in &entries {
            let bit = spread(entry.gram, bits);
            map[bit >> 6] |= 1 << (bit & 63);
            buckets[bucket(entry.gram) + 1] += 1;
        }
        for at in 1..buckets.len() {
            buckets[at] += buckets[at - 1];
        }
        Self { bits, map, entries: entries.into_boxed_slice(), buckets }
    }

    /// Compares the literals of a gram that stands at a place, if there may be any.
    #[inline]
    fn look(&self, text: &[u8], at: usize, gram: u32, hit: &mut impl FnMut(usize, Range<usize>)) {
        let bit = spread(gram, self.bits);
        if self.map[bit >> 6] & (1 << (bit & 63)) != 0 {
            self.compare(text, at, gram, hit);
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u32, hit: &mut impl FnMut(usize, Range<usize>)) {
        let bucket = spread(gram, self.bits) >> BUCKET_SHIFT;
        let entries = &self.entries[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize];
        for entry in entries.iter().filter(|entry| entry.gram == gram) {
            let Some(start) = at.checked_sub(entry.offset) else { continue };
            let end = start + entry.literal.len();
            if text.get(start..end) == Some(&*entry.literal) {
                hit(entry.id, start..end);
            }
        }
    }

    fn memory(&self) -> usize {
        let literals: usize = self.entries.iter().map(|entry| entry.literal.len() + size_of::<Entry>()).sum();
        self.map.len() * 8 + self.buckets.len() * 4 + literals
    }
}

/// A number of so many bits that depends on all bits of a gram.
#[inline]
fn spread(gram: u32, bits: u32) -> usize {
    (gram.wrapping_mul(0x9E37_79B1) >> (32 - bits)) as usize
}

#[inline]
fn four(window: &[u8]) -> u32 {
    u32::from_le_bytes([window[0], window[1], window[2], window[3]])
}

fn three(window: &[u8]) -> u32 {
    window.iter().rev().fold(0, |gram, &byte| gram << 8 | u32::from(byte))
}

/// The neighbouring bytes of a literal that ordinary text holds least often, and where they stand.
fn rarest_gram(literal: &[u8]) -> Option<(usize, u32)> {
    if literal.len() < GRAM {
        return (literal.len() == SHORTEST).then(|| (0, three(literal)));
    }
    let windows = literal.windows(GRAM).enumerate();
    // The first of equals, so that the choice depends on nothing else.
    let (offset, window) = windows.min_by_key(|(_, window)| window.iter().map(|&byte| commonness(byte)).sum::<u32>())?;
    Some((offset, four(window)))
}

/// How common a byte is in text in normal spelling, on a rough logarithmic scale.
fn commonness(byte: u8) -> u32 {
    match byte {
        b' ' => 16,
        b'e' => 14,
        b'a' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 12,
        b'c' | b'd' | b'h' | b'l' | b'm' | b'p' | b'u' => 9,
        b'b' | b'f' | b'g' | b'v' | b'w' | b'y' | b'.' | b',' => 6,
        b'0'..=b'9' | b'k' | b'-' | b'\'' | b'/' | b':' => 4,
        // Lead bytes of ordinary letters outside ASCII; what follows them tells more.
        0xc0..=0xff => 5,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(literals: &[&str], text: &str) -> Vec<(usize, Range<usize>)> {
        let grams = Grams::new(literals.iter().enumerate().map(|(id, literal)| (id, literal.as_bytes().to_vec())));
        let mut hits = Vec::new();
        grams.find(text.as_bytes(), |id, span| hits.push((id, span)));
        hits.sort_by_key(|(id, span)| (*id, span.start));
        hits
    }

    #[test]
    fn literals_are_found_at_the_edges_and_inside_each_other() {
        let literals = ["free", "free money", "money", "oney", "ney"];
        assert_eq!(found(&literals, "free money"), [(0, 0..4), (1, 0..10), (2, 5..10), (3, 6..10), (4, 7..10)]);
        assert_eq!(found(&literals, "fre"), []);
        assert_eq!(found(&literals, "xfree"), [(0, 1..5)]);
        assert_eq!(found(&[], "free money"), []);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_search(literals in prop::collection::vec("[ab ]{3,9}", 0..12), text in "[ab c]{0,80}") {
            let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
            let mut expected = Vec::new();
            for (id, literal) in literals.iter().enumerate() {
                for start in 0..text.len() {
                    if text[start..].starts_with(literal) {
                        expected.push((id, start..start + literal.len()));
                    }
                }
            }
            prop_assert_eq!(found(&literals, &text), expected);
        }
    }
}
