//! Finding thousands of literals in a text at less than one look at each byte and literal length.
//!
//! A bitmap over short runs of bytes ("grams") says at which places of a text a literal may stand; only there literals are
//! compared. A literal of eleven bytes or more is known by four neighbouring grams of eight bytes, of which one begins at a place
//! divisible by four wherever it stands, so that a text is looked at every fourth byte. Shorter literals are known by one gram
//! of four bytes and looked for at every byte; those of three bytes by all grams that begin with them. An Aho-Corasick
//! automaton of the same literals takes five to ten times as long a byte, since each step waits for the one before it.
//!
//! What costs most is a place that looks right and is not: nothing foresees it, and its literals lie in memory that no cache
//! near by holds. So two bits stand for a gram, and literals are first compared by the eight bytes that begin with it.

use std::ops::Range;

/// Shorter literals cannot be indexed.
pub(super) const SHORTEST: usize = 3;
/// Bytes between the places where long literals are looked for.
const STRIDE: usize = 4;
/// Bytes of the grams of long literals.
const LONG: usize = 8;
/// Bytes of the grams of all others.
const SHORT: usize = 4;
/// Grams stand among the first bytes of a literal; 4 KiB, so that their places fit in few bits.
const MAX_OFFSET: usize = 4096;
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
            let word = u64::from_le_bytes(bytes);
            if self.is_marked(word) {
                self.compare(text, at, word, &mut hit);
            }
            at += STRIDE;
        }
        while at < text.len() {
            let word = word_at(text, at);
            if self.is_marked(word) {
                self.compare(text, at, word, &mut hit);
            }
            at += STRIDE;
        }
    }

    /// Whether a literal may stand at one of the places at which the first bytes of a word stand. One answer for all of them:
    /// it is foreseen more often than five.
    #[inline(always)]
    fn is_marked(&self, word: u64) -> bool {
        let short = (0..STRIDE).fold(0, |marks, next| marks | self.short.mark(word >> (8 * next)));
        (self.long.mark(word) | short) & 1 != 0
    }

    #[inline(never)]
    fn compare(&self, text: &[u8], at: usize, word: u64, hit: &mut impl FnMut(usize, Range<usize>)) {
        if self.long.mark(word) & 1 != 0 {
            self.long.compare(text, at, hit);
        }
        for next in 0..STRIDE {
            if self.short.mark(word >> (8 * next)) & 1 != 0 {
                self.short.compare(text, at + next, hit);
            }
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.long.memory() + self.short.memory()
    }
}

/// Literals by grams of so many bytes, looked for at places so far apart, with a map of so many words.
#[derive(Debug)]
struct Index<const BYTES: usize, const APART: usize, const WORDS: usize> {
    /// Bits for each gram.
    map: Box<[u64; WORDS]>,
    /// The grams, sorted by the word of the map they belong to.
    entries: Box<[Entry]>,
    /// Where the entries of a word begin; the next slot says where they end.
    begins: Box<[u32]>,
    literals: Box<[Literal]>,
    /// The bytes of all literals.
    bytes: Box<[u8]>,
}

/// A gram of a literal.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The bytes of the literal that begin with the gram, as many as a word holds.
    word: u64,
    /// The literal, by index.
    literal: u32,
    /// Where the gram stands in it.
    offset: u16,
    /// How far to the left the word of a text is shifted, so that only bytes that the literal has are compared.
    beyond: u16,
}

#[derive(Clone, Copy, Debug)]
struct Literal {
    /// Where it stands among all bytes.
    start: u32,
    length: u32,
    /// The caller's number for it.
    id: u32,
}

impl<const BYTES: usize, const APART: usize, const WORDS: usize> Index<BYTES, APART, WORDS> {
    fn new(literals: Vec<(usize, Vec<u8>)>) -> Self {
        const { assert!(WORDS.is_power_of_two()) };
        let mut index = Self {
            map: Box::new([0; WORDS]),
            entries: Box::default(),
            begins: vec![0; WORDS + 1].into_boxed_slice(),
            literals: Box::default(),
            bytes: Box::default(),
        };
        let (mut entries, mut all, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for (id, literal) in literals {
            let narrow = |number: usize| u32::try_from(number).ok();
            // Rule files do not hold 4 GiB of literals.
            let (Some(number), Some(start), Some(length), Some(id), Some(_)) =
                (narrow(all.len()), narrow(bytes.len()), narrow(literal.len()), narrow(id), narrow(bytes.len() + literal.len()))
            else {
                continue;
            };
            let first = rarest(&literal, BYTES + APART - 1);
            for offset in first..first + APART {
                let known = (literal.len() - offset).min(WORD);
                let (word, beyond) = (word_at(&literal, offset), 8 * (WORD - known));
                entries.push(Entry { word, literal: number, offset: offset as u16, beyond: beyond as u16 });
            }
            all.push(Literal { start, length, id });
            bytes.extend_from_slice(&literal);
        }
        entries.sort_by_cached_key(|entry: &Entry| (Self::word_of(entry.word), entry.word, entry.literal));
        for entry in &entries {
            let is_whole = usize::from(entry.beyond) <= 8 * (WORD - BYTES);
            index.map[Self::word_of(entry.word)] |= if is_whole { Self::bits_of(entry.word) } else { u64::MAX };
            index.begins[Self::word_of(entry.word) + 1] += 1;
        }
        for at in 1..index.begins.len() {
            index.begins[at] += index.begins[at - 1];
        }
        index.entries = entries.into_boxed_slice();
        index.literals = all.into_boxed_slice();
        index.bytes = bytes.into_boxed_slice();
        index
    }

    /// A number whose upper half depends on the first bytes of a word, so many.
    #[inline(always)]
    fn spread(word: u64, bytes: usize) -> u64 {
        (word & (u64::MAX >> (8 * (WORD - bytes)))).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// The word of the map that the gram belongs to which begins a word of a text. The last byte of a short gram has no say in
    /// it: all that begin with one literal of a byte less have then the same, and fill it.
    #[inline(always)]
    fn word_of(word: u64) -> usize {
        let bytes = if BYTES == SHORT { BYTES - 1 } else { BYTES };
        (Self::spread(word, bytes) >> (u64::BITS - WORDS.ilog2())) as usize
    }

    /// The places of its bits in that word.
    #[inline(always)]
    fn places_of(word: u64) -> (u64, u64) {
        let spread = Self::spread(word, BYTES);
        (spread >> 46 & 63, spread >> 40 & 63)
    }

    fn bits_of(word: u64) -> u64 {
        let (one, other) = Self::places_of(word);
        1 << one | 1 << other
    }

    /// Whether there may be a literal of the gram that begins a word: the last bit.
    #[inline(always)]
    fn mark(&self, word: u64) -> u64 {
        let bits = self.map[Self::word_of(word)];
        let (one, other) = Self::places_of(word);
        bits >> one & bits >> other
    }

    /// Compares the literals of the gram that stands at a place.
    fn compare(&self, text: &[u8], at: usize, hit: &mut impl FnMut(usize, Range<usize>)) {
        let word = word_at(text, at);
        let slot = Self::word_of(word);
        let entries = &self.entries[self.begins[slot] as usize..self.begins[slot + 1] as usize];
        for entry in entries.iter().filter(|entry| (entry.word ^ word) << entry.beyond == 0) {
            let Literal { start, length, id } = self.literals[entry.literal as usize];
            let Some(from) = at.checked_sub(usize::from(entry.offset)) else { continue };
            let place = from..from + length as usize;
            // Beyond the end of a text stand zeros in its last word; the text itself says whether they are there.
            if text.get(place.clone()) == Some(&self.bytes[start as usize..(start + length) as usize]) {
                hit(id as usize, place);
            }
        }
    }

    fn memory(&self) -> usize {
        let tables = self.entries.len() * size_of::<Entry>() + self.literals.len() * size_of::<Literal>();
        WORDS * 8 + self.begins.len() * 4 + tables + self.bytes.len()
    }
}

/// The bytes that stand at a place, as many as a word holds; zeros beyond the end.
#[inline(always)]
fn word_at(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    rest.first_chunk::<WORD>().map_or_else(|| number(rest), |bytes| u64::from_le_bytes(*bytes))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// Where so many neighbouring bytes stand that ordinary text holds least often, among the first [`MAX_OFFSET`] of a literal; the
/// first of equals, so that the choice depends on nothing else.
fn rarest(literal: &[u8], bytes: usize) -> usize {
    let common = |byte: &u8| u32::from(COMMONNESS[usize::from(*byte)]);
    let mut sum: u32 = literal.iter().take(bytes).map(common).sum();
    let (mut best, mut least) = (0, sum);
    // The window moves on by a byte: one comes in, one goes out.
    for (at, (gone, come)) in literal.iter().zip(literal.iter().skip(bytes)).take(MAX_OFFSET - 1).enumerate() {
        sum = sum + common(come) - common(gone);
        if sum < least {
            (best, least) = (at + 1, sum);
        }
    }
    best
}

/// How common each byte is in text in normal spelling, on a rough logarithmic scale.
const COMMONNESS: [u8; 256] = {
    let mut common = [0; 256];
    let mut byte = 0;
    while byte < common.len() {
        common[byte] = commonness(byte as u8);
        byte += 1;
    }
    common
};

const fn commonness(byte: u8) -> u8 {
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

    #[test]
    fn literals_longer_than_their_grams_may_reach_are_found() {
        for common in [MAX_OFFSET - 1, MAX_OFFSET, MAX_OFFSET + 1, MAX_OFFSET + 100] {
            let literal = "e".repeat(common) + "\u{7}qxj\u{7}qxjz";
            let text = format!("ee {literal} {literal}");
            assert_eq!(found(&[&literal], &text).len(), 2, "{common}");
            assert_eq!(found(&[&literal], &text[..3 + literal.len() - 1]), [], "{common}");
        }
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
