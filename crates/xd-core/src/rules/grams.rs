//! Finding thousands of literals in a text at little more than one look at each byte.
//!
//! Each literal is known by its least ordinary six bytes. A bitmap over all sixes says at which places of a text one of
//! those may stand; only there the literals of that six are compared. Literals of three to five bytes have an index of
//! threes. An Aho-Corasick automaton of the same literals takes five to ten times as long a byte, since each step waits for
//! the one before it; with fours instead of sixes every sixth place of ordinary text was looked at twice.

use std::ops::Range;

/// Shorter literals cannot be indexed.
pub(super) const SHORTEST: usize = 3;
/// Bytes by which a literal of at least as many is known.
const LONG: usize = 6;

/// An index of literals of at least [`SHORTEST`] bytes.
///
/// The maps have 2^18 and 2^15 bits: 32 KiB and 4 KiB, which stay in the nearest caches. Their sizes are known to the
/// compiler, so that a look at them needs no check of bounds.
#[derive(Debug)]
pub(super) struct Grams {
    long: Index<LONG, 4096>,
    short: Index<SHORTEST, 512>,
}

/// Bytes that are loaded at once.
const WORD: usize = 8;

impl Grams {
    /// Indexes literals, each of at least [`SHORTEST`] bytes, by the caller's numbers.
    pub(super) fn new(literals: impl IntoIterator<Item = (usize, Vec<u8>)>) -> Self {
        let (long, short) = literals.into_iter().partition(|(_, literal)| literal.len() >= LONG);
        Self { long: Index::new(long), short: Index::new(short) }
    }

    /// Calls `hit` with the number and the place of every occurrence of every literal, in the order of their grams.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(usize, Range<usize>)) {
        // A window always has the bytes of a word.
        for (at, window) in text.windows(WORD).enumerate() {
            let word = window.try_into().map_or(0, u64::from_le_bytes);
            self.long.look(text, at, word, &mut hit);
            self.short.look(text, at, word, &mut hit);
        }
        for at in text.len().saturating_sub(WORD - 1)..text.len() {
            let rest = &text[at..];
            let mut bytes = [0; WORD];
            bytes[..rest.len()].copy_from_slice(rest);
            let word = u64::from_le_bytes(bytes);
            // Beyond the end stand zeros; the comparison with the text itself sees that.
            self.long.look(text, at, word, &mut hit);
            self.short.look(text, at, word, &mut hit);
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.long.memory() + self.short.memory()
    }
}

/// Literals by grams of so many bytes, with a map of so many words.
#[derive(Debug)]
struct Index<const BYTES: usize, const WORDS: usize> {
    /// One bit for each place.
    map: Box<[u64; WORDS]>,
    /// The literals, sorted by bucket and gram.
    entries: Box<[Entry]>,
    /// Where the entries of a bucket begin; the next slot says where they end.
    buckets: Box<[u32]>,
    /// The bytes of all literals.
    bytes: Box<[u8]>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    gram: u64,
    /// Where the literal stands among all bytes.
    start: u32,
    length: u32,
    /// Where the gram stands in the literal.
    offset: u32,
    /// The caller's number for the literal.
    id: u32,
}

/// Places of the map that share a bucket, as a power of two.
const BUCKET_SHIFT: u32 = 4;

impl<const BYTES: usize, const WORDS: usize> Index<BYTES, WORDS> {
    /// The bits of a word that are the gram.
    const MASK: u64 = u64::MAX >> (u64::BITS as usize - 8 * BYTES);
    /// How far the product of a gram is shifted to make a place in the map.
    const SHIFT: u32 = u64::BITS - WORDS.ilog2() - u64::BITS.ilog2();

    fn new(literals: Vec<(usize, Vec<u8>)>) -> Self {
        const { assert!(WORDS.is_power_of_two()) };
        let buckets = ((WORDS * u64::BITS as usize) >> BUCKET_SHIFT) + 1;
        let mut index = Self {
            map: Box::new([0; WORDS]),
            entries: Box::default(),
            buckets: vec![0; buckets].into_boxed_slice(),
            bytes: Box::default(),
        };
        let (mut entries, mut bytes) = (Vec::new(), Vec::new());
        for (id, literal) in literals {
            let Some((offset, gram)) = rarest_gram(&literal, BYTES) else { continue };
            let narrow = |number: usize| u32::try_from(number).ok();
            // Rule files do not hold 4 GiB of literals.
            let (Some(start), Some(length), Some(offset), Some(id)) =
                (narrow(bytes.len()), narrow(literal.len()), narrow(offset), narrow(id))
            else {
                continue;
            };
            entries.push(Entry { gram, start, length, offset, id });
            bytes.extend_from_slice(&literal);
        }
        entries.sort_by_key(|entry| (Self::place(entry.gram), entry.gram, entry.id));
        for entry in &entries {
            let place = Self::place(entry.gram);
            index.map[place >> 6] |= 1 << (place & 63);
            index.buckets[(place >> BUCKET_SHIFT) + 1] += 1;
        }
        for at in 1..index.buckets.len() {
            index.buckets[at] += index.buckets[at - 1];
        }
        index.entries = entries.into_boxed_slice();
        index.bytes = bytes.into_boxed_slice();
        index
    }

    /// The place of a gram in the map; depends on all its bits.
    #[inline]
    fn place(gram: u64) -> usize {
        (gram.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> Self::SHIFT) as usize
    }

    /// Compares the literals of the gram that begins a word, if there may be any.
    #[inline]
    fn look(&self, text: &[u8], at: usize, word: u64, hit: &mut impl FnMut(usize, Range<usize>)) {
        let gram = word & Self::MASK;
        let place = Self::place(gram);
        if self.map[place >> 6] & (1 << (place & 63)) != 0 {
            self.compare(text, at, gram, place >> BUCKET_SHIFT, hit);
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u64, bucket: usize, hit: &mut impl FnMut(usize, Range<usize>)) {
        let entries = &self.entries[self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize];
        for entry in entries.iter().filter(|entry| entry.gram == gram) {
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            let end = start + entry.length as usize;
            let literal = &self.bytes[entry.start as usize..(entry.start + entry.length) as usize];
            if text.get(start..end) == Some(literal) {
                hit(entry.id as usize, start..end);
            }
        }
    }

    fn memory(&self) -> usize {
        WORDS * 8 + self.buckets.len() * 4 + self.entries.len() * size_of::<Entry>() + self.bytes.len()
    }
}

/// The neighbouring bytes of a literal that ordinary text holds least often, and where they stand.
fn rarest_gram(literal: &[u8], gram_bytes: usize) -> Option<(usize, u64)> {
    let windows = literal.windows(gram_bytes).enumerate();
    // The first of equals, so that the choice depends on nothing else.
    let (offset, window) = windows.min_by_key(|(_, window)| window.iter().map(|&byte| commonness(byte)).sum::<u32>())?;
    Some((offset, window.iter().rev().fold(0, |gram, &byte| gram << 8 | u64::from(byte))))
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
