//! Finding thousands of literals in a text at less than one look at each byte and literal length.
//!
//! A bitmap over short runs of bytes ("grams") says at which places of a text a literal may stand; only there literals are
//! compared. A literal of nine bytes or more is known by four neighbouring grams of six bytes, of which one begins at a place
//! divisible by four wherever it stands, so that a text is looked at every fourth byte. Shorter literals are known by one gram
//! of four bytes and looked for at every byte; those of three bytes by all grams that begin with them. An Aho-Corasick automaton of the same literals takes five to ten times as
//! long a byte, since each step waits for the one before it.

use std::ops::Range;

/// Shorter literals cannot be indexed.
pub(super) const SHORTEST: usize = 3;
/// Bytes between the places where long literals are looked for.
const STRIDE: usize = 4;
/// Bytes of the grams of long literals.
const LONG: usize = 6;
/// Bytes of the grams of all others.
const SHORT: usize = 4;
/// Bytes that are loaded at once; the grams of [`STRIDE`] neighbouring places are among them.
const WORD: usize = 8;

/// An index of literals of at least [`SHORTEST`] bytes, with maps of so many words: as large as keeps most places free, as
/// small as stays in the nearest caches. Their sizes are known to the compiler, so that a look at them needs no check of
/// bounds.
#[derive(Debug)]
pub(super) struct Grams<const LONG_WORDS: usize, const SHORT_WORDS: usize> {
    long: Index<LONG, STRIDE, LONG_WORDS>,
    short: Index<SHORT, 1, SHORT_WORDS>,
}

impl<const LONG_WORDS: usize, const SHORT_WORDS: usize> Grams<LONG_WORDS, SHORT_WORDS> {
    /// Indexes literals, each of at least [`SHORTEST`] bytes, by the caller's numbers.
    pub(super) fn new(literals: impl IntoIterator<Item = (usize, Vec<u8>)>) -> Self {
        let (long, short) = literals.into_iter().partition(|(_, literal)| literal.len() >= LONG + STRIDE - 1);
        Self { long: Index::new(long), short: Index::new(short) }
    }

    /// Calls `hit` with the number and the place of every occurrence of every literal, in no particular order.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(usize, Range<usize>)) {
        let mut at = 0;
        while let Some(&bytes) = text.get(at..).and_then(<[u8]>::first_chunk::<WORD>) {
            self.look(text, at, u64::from_le_bytes(bytes), &mut hit);
            at += STRIDE;
        }
        // Beyond the end stand zeros; the comparison with the text itself sees that.
        let mut rest = [0; 2 * WORD];
        let left = text.len() - at;
        rest[..left].copy_from_slice(&text[at..]);
        for start in (0..left).step_by(STRIDE) {
            let word = rest[start..].first_chunk::<WORD>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            self.look(text, at + start, word, &mut hit);
        }
    }

    /// Looks at the places at which the first bytes of a word stand.
    #[inline(always)]
    fn look(&self, text: &[u8], at: usize, word: u64, hit: &mut impl FnMut(usize, Range<usize>)) {
        self.long.look(text, at, word, hit);
        for next in 0..STRIDE {
            self.short.look(text, at + next, word >> (8 * next), hit);
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.long.memory() + self.short.memory()
    }
}

/// Literals by grams of so many bytes, looked for at places so far apart, with a map of so many words.
#[derive(Debug)]
struct Index<const BYTES: usize, const APART: usize, const WORDS: usize> {
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

/// Buckets of literals for each word of a map: their bits are dealt out among them.
const BUCKETS_PER_WORD: usize = 4;

impl<const BYTES: usize, const APART: usize, const WORDS: usize> Index<BYTES, APART, WORDS> {
    /// The bits of a word that are the gram.
    const MASK: u64 = u64::MAX >> (u64::BITS as usize - 8 * BYTES);

    fn new(literals: Vec<(usize, Vec<u8>)>) -> Self {
        const { assert!(WORDS.is_power_of_two()) };
        let buckets = WORDS * BUCKETS_PER_WORD + 1;
        let mut index = Self {
            map: Box::new([0; WORDS]),
            entries: Box::default(),
            buckets: vec![0; buckets].into_boxed_slice(),
            bytes: Box::default(),
        };
        let (mut entries, mut bytes) = (Vec::new(), Vec::new());
        for (id, literal) in literals {
            let narrow = |number: usize| u32::try_from(number).ok();
            let first = rarest(&literal, BYTES + APART - 1);
            let grams = literal.windows(BYTES).enumerate().skip(first).take(APART).map(|(offset, gram)| (offset, number(gram)));
            let any = (literal.len() < BYTES).then(|| (0, number(&literal) | ANY));
            for (offset, gram) in grams.chain(any) {
                // Rule files do not hold 4 GiB of literals.
                let (Some(start), Some(length), Some(offset), Some(id)) =
                    (narrow(bytes.len()), narrow(literal.len()), narrow(offset), narrow(id))
                else {
                    continue;
                };
                entries.push(Entry { gram, start, length, offset, id });
            }
            bytes.extend_from_slice(&literal);
        }
        entries.sort_by_cached_key(|entry: &Entry| (Self::bucket_of(entry.gram), entry.gram, entry.id));
        for entry in &entries {
            let is_whole = entry.length as usize >= BYTES;
            index.map[Self::word_of(entry.gram)] |= if is_whole { 1 << Self::bit_of(entry.gram) } else { u64::MAX };
            index.buckets[Self::bucket_of(entry.gram) + 1] += 1;
        }
        for at in 1..index.buckets.len() {
            index.buckets[at] += index.buckets[at - 1];
        }
        index.entries = entries.into_boxed_slice();
        index.bytes = bytes.into_boxed_slice();
        index
    }

    /// The word of the map that a gram belongs to: depends on all bytes but the last. The grams that begin with one literal of
    /// a byte less fill that word, so that few others are taken for one of them.
    #[inline(always)]
    fn word_of(gram: u64) -> usize {
        let but_last = gram & (Self::MASK >> 8);
        (but_last.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - WORDS.ilog2())) as usize
    }

    /// The bit of that word: depends on the last byte.
    #[inline(always)]
    fn bit_of(gram: u64) -> u32 {
        (gram >> (8 * (BYTES - 1))) as u32 % u64::BITS
    }

    fn bucket_of(gram: u64) -> usize {
        Self::word_of(gram) * BUCKETS_PER_WORD + Self::bit_of(gram) as usize % BUCKETS_PER_WORD
    }

    /// Compares the literals of the gram that begins a word, if there may be any.
    #[inline(always)]
    fn look(&self, text: &[u8], at: usize, word: u64, hit: &mut impl FnMut(usize, Range<usize>)) {
        let gram = word & Self::MASK;
        if self.map[Self::word_of(gram)] >> Self::bit_of(gram) & 1 != 0 {
            self.compare(text, at, gram, hit);
            if BYTES == SHORT {
                self.compare(text, at, (gram & (Self::MASK >> 8)) | ANY, hit);
            }
        }
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, gram: u64, hit: &mut impl FnMut(usize, Range<usize>)) {
        let bucket = Self::bucket_of(gram);
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

/// A mark of the gram of a literal that is a byte shorter than grams.
const ANY: u64 = 1 << (8 * SHORT);

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Where so many neighbouring bytes of a literal stand that ordinary text holds least often.
fn rarest(literal: &[u8], bytes: usize) -> usize {
    let windows = literal.windows(bytes).enumerate();
    // The first of equals, so that the choice depends on nothing else.
    let rarest = windows.min_by_key(|(_, window)| window.iter().map(|&byte| commonness(byte)).sum::<u32>());
    rarest.map_or(0, |(offset, _)| offset)
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
        let grams = Grams::<64, 64>::new(literals.iter().enumerate().map(|(id, literal)| (id, literal.as_bytes().to_vec())));
        let mut hits = Vec::new();
        grams.find(text.as_bytes(), |id, span| hits.push((id, span)));
        hits.sort_by_key(|(id, span)| (*id, span.start));
        hits
    }

    #[test]
    fn literals_are_found_at_the_edges_and_inside_each_other() {
        let literals = ["free", "free money", "money", "oney", "ney"];
        for before in 0..9 {
            let text = " ".repeat(before) + "free money";
            assert_eq!(found(&literals, &text).len(), 5, "{text:?}");
        }
        assert_eq!(found(&literals, "free money"), [(0, 0..4), (1, 0..10), (2, 5..10), (3, 6..10), (4, 7..10)]);
        assert_eq!(found(&literals, "fre"), []);
        assert_eq!(found(&literals, "xfree"), [(0, 1..5)]);
        assert_eq!(found(&[], "free money"), []);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_search(literals in prop::collection::vec("[ab ]{3,12}", 0..12), text in "[ab c]{0,80}") {
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
