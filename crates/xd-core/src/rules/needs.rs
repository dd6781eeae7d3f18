//! What a text must hold for a pattern to match in it at all: so many bytes, and one of each of a few sets of bytes.
//!
//! Most header fields hold no bracket, digit or byte outside ASCII where a pattern asks for one. Knowing which bytes a value
//! holds, once for all patterns of its target, spares most of their automata the look at it.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Sets that are asked for, for one pattern; the smallest ones.
const MAX_SETS: usize = 4;

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// The bytes that a text holds.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut set = Self::default();
        text.iter().for_each(|&byte| set.insert(byte));
        set
    }

    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn union(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    fn len(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// What every text holds that a pattern matches in.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    shortest: usize,
    /// Of each of these sets a byte.
    sets: Vec<ByteSet>,
}

impl Needs {
    pub(super) fn of(pattern: &Hir) -> Self {
        let mut sets = needed(pattern);
        sets.sort_by_key(|set| (set.len(), set.0));
        sets.dedup();
        sets.truncate(MAX_SETS);
        // A pattern that never matches has no shortest match.
        Self { shortest: pattern.properties().minimum_len().unwrap_or(0), sets }
    }

    /// Whether a text so long with these bytes holds them.
    pub(super) fn met_by(&self, length: usize, bytes: ByteSet) -> bool {
        length >= self.shortest && self.sets.iter().all(|set| set.meets(bytes))
    }
}

fn needed(pattern: &Hir) -> Vec<ByteSet> {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Literal(literal) => literal.0.iter().map(|&byte| ByteSet::of(&[byte])).collect(),
        HirKind::Class(class) => members(class).into_iter().collect(),
        HirKind::Repetition(repetition) if repetition.min == 0 => Vec::new(),
        HirKind::Repetition(repetition) => needed(&repetition.sub),
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(needed).collect(),
        HirKind::Alternation(branches) => {
            // Of each branch the smallest set: a match holds a byte of one of them.
            let smallest = branches.iter().map(|branch| needed(branch).into_iter().min_by_key(|set| set.len()));
            smallest.collect::<Option<Vec<_>>>().and_then(|sets| sets.into_iter().reduce(ByteSet::union)).into_iter().collect()
        }
    }
}

/// The bytes of a class; none when it has characters of several bytes.
fn members(class: &Class) -> Option<ByteSet> {
    let mut set = ByteSet::default();
    match class {
        Class::Bytes(bytes) => bytes.iter().flat_map(|range| range.start()..=range.end()).for_each(|byte| set.insert(byte)),
        Class::Unicode(chars) => {
            for c in chars.iter().flat_map(|range| range.start()..=range.end()) {
                set.insert(u8::try_from(c).ok().filter(u8::is_ascii)?);
            }
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::meta;

    use super::super::scanner::parse_regex;
    use super::*;

    fn may_match(pattern: &str, text: &str) -> bool {
        Needs::of(&parse_regex(pattern).unwrap()).met_by(text.len(), ByteSet::of(text.as_bytes()))
    }

    #[test]
    fn a_text_without_what_a_match_holds_needs_no_look() {
        for (pattern, text) in [
            (r"[^ ]{5}", "abcd"),
            (r"<[^>]+@", "a@b"),
            (r"\[patch|@", "hello"),
            (r"(?:\xe2\x80[\x8b\x8c]|\xc2\xad)x", "plain x"),
            (r"[0-9]{2,}$", "no digits"),
        ] {
            assert!(!may_match(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [(r"\[patch|[a-z]", "hello"), (r"a?", ""), (r"x*y?", "z"), (r"^$", "")] {
            assert!(may_match(pattern, text), "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn no_match_is_missed(
            text in "[ab1@é<]{0,12}",
            pattern in prop::sample::select(vec![
                r"[0-9]", r"a?b", r"(?:a|1)+@", r"^[^<]+$", r"<[ab]{1,3}|1@", r"\bé", r"(?:ab|a1)*", r"[^\x00-\x7f]", r"(?i)A@",
            ]),
        ) {
            let regex = meta::Builder::new().build_from_hir(&parse_regex(pattern).unwrap()).unwrap();
            prop_assert!(!regex.is_match(text.as_bytes()) || may_match(pattern, &text));
        }
    }
}
