//! Finding all of many literals in a text, also where they overlap, by whatever way suits their number and length.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

use super::grams::{self, Grams};

/// So few literals are looked for one by one.
const FEW: usize = 2;
/// More literals than this need large maps.
const MANY: usize = 250;

/// Literals in ASCII lower case, ready to be looked for.
#[derive(Debug, Default)]
pub(super) struct Finder {
    literals: usize,
    way: Way,
    /// Literals too short for the way.
    short: Option<AhoCorasick>,
    /// The numbers of those.
    short_numbers: Vec<usize>,
    /// When every literal holds a byte outside ASCII: the length of the longest.
    foreign: Option<usize>,
}

#[derive(Debug, Default)]
enum Way {
    /// With the number of each.
    Few(Vec<(usize, memmem::Finder<'static>)>),
    /// Maps of 2 KiB each.
    Small(Box<Grams<256, 256>>),
    /// Maps of 32 KiB each.
    Large(Box<Grams<4096, 4096>>),
    #[default]
    Nothing,
}

impl Finder {
    /// A finder of literals in ASCII lower case, numbered as they come.
    ///
    /// # Errors
    /// When an automaton of the shortest literals cannot be built; says why.
    pub(super) fn try_new(literals: Vec<Vec<u8>>) -> Result<Self, String> {
        let count = literals.len();
        let longest = literals.iter().map(Vec::len).max().unwrap_or(0);
        let foreign = literals.iter().all(|literal| !literal.is_ascii()).then_some(longest);
        let numbered = literals.into_iter().enumerate();
        let (indexed, short): (Vec<_>, Vec<_>) =
            numbered.partition(|(_, literal)| (1..=FEW).contains(&count) || literal.len() >= grams::SHORTEST);
        let way = match indexed.len() {
            0 => Way::Nothing,
            _ if count <= FEW => {
                Way::Few(indexed.iter().map(|(number, literal)| (*number, memmem::Finder::new(literal).into_owned())).collect())
            }
            1..=MANY => Way::Small(Box::new(Grams::new(indexed))),
            _ => Way::Large(Box::new(Grams::new(indexed))),
        };
        let (short_numbers, short): (Vec<usize>, Vec<_>) = short.into_iter().unzip();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            // Smaller than a DFA, and faster in the company of everything else that wants the cache.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&short)
            .map_err(|error| error.to_string())?;
        let short = (!short_numbers.is_empty()).then_some(automaton);
        Ok(Self { literals: count, way, short, short_numbers, foreign })
    }

    pub(super) fn literal_count(&self) -> usize {
        self.literals
    }

    pub(super) fn memory(&self) -> usize {
        let way = match &self.way {
            Way::Few(_) | Way::Nothing => 0,
            Way::Small(grams) => grams.memory(),
            Way::Large(grams) => grams.memory(),
        };
        way + self.short.as_ref().map_or(0, AhoCorasick::memory_usage)
    }

    /// Calls `hit` with the number and the place of every occurrence of every literal, in no particular order, ignoring ASCII
    /// case; `is_lower` says that there is none to ignore.
    pub(super) fn find(&self, text: &str, is_lower: bool, mut hit: impl FnMut(usize, Range<usize>)) {
        if self.literals == 0 {
            return;
        }
        let text = text.as_bytes();
        let mut look = |stretch: Range<usize>| {
            let mut hit = |number, span: Range<usize>| hit(number, stretch.start + span.start..stretch.start + span.end);
            let text = &text[stretch.clone()];
            if is_lower || !text.iter().any(u8::is_ascii_uppercase) {
                self.find_in(text, &mut hit);
            } else {
                self.find_in(&text.to_ascii_lowercase(), &mut hit);
            }
        };
        match self.foreign {
            None => look(0..text.len()),
            Some(longest) => foreign_stretches(text, longest).for_each(look),
        }
    }

    fn find_in(&self, text: &[u8], hit: &mut impl FnMut(usize, Range<usize>)) {
        match &self.way {
            Way::Few(few) => {
                for (number, finder) in few {
                    for start in overlapping(finder, text) {
                        hit(*number, start..start + finder.needle().len());
                    }
                }
            }
            Way::Small(grams) => grams.find(text, &mut *hit),
            Way::Large(grams) => grams.find(text, &mut *hit),
            Way::Nothing => {}
        }
        if let Some(short) = &self.short {
            // Overlapping: a literal beside or inside another must not hide it.
            for found in short.find_overlapping_iter(text) {
                hit(self.short_numbers[found.pattern().as_usize()], found.range());
            }
        }
    }
}

/// The parts of a text that lie within `reach` bytes of a byte outside ASCII, in order and apart from each other.
fn foreign_stretches(text: &[u8], reach: usize) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = from + first_foreign(&text[from..])?;
        let start = first.saturating_sub(reach).max(from);
        let mut last = first;
        loop {
            let end = (last + 1 + reach).min(text.len());
            // The next one joins when its own stretch would touch this one.
            let near = (end + reach).min(text.len());
            match text[last + 1..near].iter().rposition(|byte| !byte.is_ascii()) {
                Some(next) => last += 1 + next,
                None => {
                    from = end;
                    return Some(start..end);
                }
            }
        }
    })
}

fn first_foreign(text: &[u8]) -> Option<usize> {
    const BLOCK: usize = 64;
    let ascii = text.chunks(BLOCK).take_while(|block| block.is_ascii()).map(<[u8]>::len).sum();
    text[ascii..].iter().position(|byte| !byte.is_ascii()).map(|at| ascii + at)
}

/// Where a literal stands, also where it overlaps itself.
pub(super) fn overlapping<'t>(finder: &'t memmem::Finder<'_>, text: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + finder.find(text.get(from..)?)?;
        from = at + 1;
        Some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(literals: &[String], text: &str, is_lower: bool) -> Vec<(usize, Range<usize>)> {
        let finder = Finder::try_new(literals.iter().map(|literal| literal.clone().into_bytes()).collect()).unwrap();
        let mut hits = Vec::new();
        finder.find(text, is_lower, |number, span| hits.push((number, span)));
        hits.sort_by_key(|(number, span)| (*number, span.start));
        hits
    }

    fn expected(literals: &[String], text: &str) -> Vec<(usize, Range<usize>)> {
        let text = text.to_ascii_lowercase();
        let mut expected = Vec::new();
        for (number, literal) in literals.iter().enumerate() {
            for start in 0..text.len() {
                if text.as_bytes()[start..].starts_with(literal.as_bytes()) {
                    expected.push((number, start..start + literal.len()));
                }
            }
        }
        expected
    }

    #[test]
    fn no_literals_are_nowhere() {
        assert_eq!(found(&[], "text", true), []);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_search(literals in prop::collection::vec("[abé]{1,10}", 0..9), text in "[aAbé]{0,90}") {
            prop_assert_eq!(found(&literals, &text, false), expected(&literals, &text));
        }

        #[test]
        fn many_literals_agree_with_a_plain_search(
            literals in prop::collection::vec("[abé ]{1,14}", MANY + 1..MANY + 60),
            text in "[aAbé ]{0,120}",
            inside in prop::collection::vec(0..MANY, 0..4),
        ) {
            // Long literals seldom stand in a text by chance.
            let text = inside.iter().fold(text, |text, &number| text + "a" + &literals[number]);
            prop_assert_eq!(found(&literals, &text, false), expected(&literals, &text));
        }

        #[test]
        fn literals_outside_ascii_are_found_in_long_texts(
            literals in prop::collection::vec("[ab]{0,3}é[ab]{0,3}", 1..9),
            texts in prop::collection::vec(("[abAB]{0,200}", "é{0,2}"), 0..5),
        ) {
            let text: String = texts.into_iter().flat_map(|(ascii, foreign)| [ascii, foreign]).collect();
            prop_assert_eq!(found(&literals, &text, false), expected(&literals, &text));
        }
    }
}
