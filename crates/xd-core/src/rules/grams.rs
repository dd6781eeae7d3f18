//! Finding thousands of literals in a text at little more than one look at each byte.
//!
//! Each literal is known by its least ordinary four bytes. A bitmap over all fours says at which places of a text one of
//! those may stand; only there the literals of that four are compared. An Aho-Corasick automaton of the same literals
//! takes five to ten times as long a byte, since each step waits for the one before it.

use std::ops::Range;

/// Bytes by which a literal is known.
pub(super) const GRAM: usize = 4;
/// Bits of the map, as a power of two: 32 KiB, which stays in the nearest caches. At 10,000 literals one place in 26
/// is looked at twice.
const MAP_BITS: u32 = 18;

/// An index of literals of at least [`GRAM`] bytes.
#[derive(Debug)]
pub(super) struct Grams {
    /// One bit for each value of [`spread`].
    map: Box<[u64]>,
    /// The literals, sorted by their gram.
    entries: Box<[Entry]>,
    /// Where the entries of a gram begin, by the high bits of [`spread`]; the next slot says where they end.
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

/// Bits of a bucket's number: few literals share a bucket.
const BUCKET_BITS: u32 = 13;

impl Grams {
    /// Indexes literals, each of at least [`GRAM`] bytes, by their place in the list.
    pub(super) fn new(literals: impl IntoIterator<Item = (usize, Vec<u8>)>) -> Self {
        let mut map = vec![0_u64; 1 << (MAP_BITS - 6)].into_boxed_slice();
        let mut entries: Vec<Entry> = Vec::new();
        for (id, literal) in literals {
            let Some((offset, gram)) = rarest_gram(&literal) else { continue };
            let bit = spread(gram);
            map[bit >> 6] |= 1 << (bit & 63);
            entries.push(Entry { gram, offset, literal: literal.into_boxed_slice(), id });
        }
        entries.sort_by_key(|entry| (bucket(entry.gram), entry.gram, entry.id));
        let mut buckets = vec![0_u32; (1 << BUCKET_BITS) + 1].into_boxed_slice();
        for entry in &entries {
            buckets[bucket(entry.gram) + 1] += 1;
        }
        for at in 1..buckets.len() {
            buckets[at] += buckets[at - 1];
        }
        Self { map, entries: entries.into_boxed_slice(), buckets }
    }

    /// Calls `hit` with the number and the place of every occurrence of every literal, in the order of their grams.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(usize, Range<usize>)) {
        let mut rest = text;
        let mut at = 0;
        while let Some((gram, _)) = rest.split_first_chunk::<GRAM>() {
            let gram = u32::from_le_bytes(*gram);
            let bit = spread(gram);
            if self.map[bit >> 6] & (1 << (bit & 63)) != 0 {
                self.compare(text, at, gram, &mut hit);
            }
            at += 1;
            rest = &rest[1..];
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u32, hit: &mut impl FnMut(usize, Range<usize>)) {
        let bucket = bucket(gram);
        let entries = &self.entries[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize];
        for entry in entries.iter().filter(|entry| entry.gram == gram) {
            let Some(start) = at.checked_sub(entry.offset) else { continue };
            let end = start + entry.literal.len();
            if text.get(start..end) == Some(&*entry.literal) {
                hit(entry.id, start..end);
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        let literals: usize = self.entries.iter().map(|entry| entry.literal.len() + size_of::<Entry>()).sum();
        self.map.len() * 8 + self.buckets.len() * 4 + literals
    }
}

/// A number below 2^[`MAP_BITS`] that depends on all bits of a gram.
#[inline]
fn spread(gram: u32) -> usize {
    (gram.wrapping_mul(0x9E37_79B1) >> (32 - MAP_BITS)) as usize
}

fn bucket(gram: u32) -> usize {
    spread(gram) >> (MAP_BITS - BUCKET_BITS)
}

/// The four neighbouring bytes of a literal that ordinary text holds least often, and where they stand.
fn rarest_gram(literal: &[u8]) -> Option<(usize, u32)> {
    let windows = literal.windows(GRAM).enumerate();
    // The first of equals, so that the choice depends on nothing else.
    let (offset, window) = windows.min_by_key(|(_, window)| window.iter().map(|&byte| commonness(byte)).sum::<u32>())?;
    let gram: [u8; GRAM] = window.try_into().ok()?;
    Some((offset, u32::from_le_bytes(gram)))
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
        let literals = ["free", "free money", "money", "oney"];
        assert_eq!(found(&literals, "free money"), [(0, 0..4), (1, 0..10), (2, 5..10), (3, 6..10)]);
        assert_eq!(found(&literals, "fre"), []);
        assert_eq!(found(&literals, "xfree"), [(0, 1..5)]);
        assert_eq!(found(&[], "free money"), []);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_search(literals in prop::collection::vec("[ab ]{4,9}", 0..12), text in "[ab c]{0,80}") {
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
