//! All patterns of one target in one pass: first every literal, then only the regexes near a hit.
//!
//! A regex is tried only where one of the literals that any match must contain was seen, and, if its matches are
//! short, only in a window around it. Windows keep what surrounds them in view, so that `\b` and `^` mean what they
//! mean in the whole text; counts are those of a search over the whole. One big set of regexes is never built: its
//! automaton thrashes at a few hundred patterns.

use std::borrow::Cow;
use std::ops::Range;

use regex_automata::{Input, meta};
use regex_syntax::hir::Hir;

use crate::Known;

use super::finder::Finder;
use super::literal;
use super::needs::{ByteSet, Needs};
use super::target::{Shape, Values};

/// Bytes of the automaton of one pattern; 256 KiB. Larger ones come from counted repetitions of large classes.
const NFA_BYTES: usize = 256 << 10;
/// Bytes of the cache of one pattern's lazy automaton; 256 KiB.
const CACHE_BYTES: usize = 256 << 10;
/// Matches of one regex that are counted in one value.
const MAX_COUNT: u32 = 1000;
/// Longer matches are searched for in the whole value rather than in windows.
const MAX_WINDOW: usize = 4096;
/// More windows than this are searched as one.
const MAX_WINDOWS: usize = 256;

/// What one pattern test found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Distinct literals of a set, or matches of a regex.
    pub(super) count: u32,
    /// The first place: which value, and the span in it.
    pub(super) first: Option<(usize, Range<usize>)>,
}

/// What the scanners of all targets found.
#[derive(Debug, Default)]
pub(super) struct AllFound {
    /// In the order of targets; one without values has none.
    found: Vec<Found>,
    /// Where those of a target begin, by its index.
    begins: Vec<usize>,
}

impl AllFound {
    /// Looks for the patterns of all targets in their values.
    pub(super) fn scan(scanners: &[Scanner], values: &[Values<'_>]) -> Self {
        Self::scan_some(scanners, values, |_| true)
    }

    /// Looks for the patterns of the targets that are wanted; of others nothing is found.
    pub(super) fn scan_some(scanners: &[Scanner], values: &[Values<'_>], wanted: impl Fn(usize) -> bool) -> Self {
        let mut all = Self { found: Vec::new(), begins: Vec::with_capacity(scanners.len()) };
        let mut scratch = Scratch::default();
        for (target, (scanner, values)) in scanners.iter().zip(values).enumerate() {
            all.begins.push(all.found.len());
            match values {
                Known::Found(values) if wanted(target) => scanner.scan(values, &mut scratch, &mut all.found),
                Known::Found(_) => all.found.resize_with(all.found.len() + scanner.slots, Found::default),
                Known::Absent | Known::Unknown(_) => {}
            }
        }
        all
    }

    /// What was found of a pattern of a target that has values.
    pub(super) fn of(&self, target: usize, slot: usize) -> &Found {
        &self.found[self.begins[target] + slot]
    }
}

/// What scanning needs besides its results, kept from one target to the next.
#[derive(Debug, Default)]
struct Scratch {
    /// A bit for each literal of a set that was seen.
    seen: Vec<u64>,
    windows: Vec<Windows>,
    /// The regexes that have windows in the value at hand.
    near: Vec<usize>,
}

/// A pattern test as it is asked for.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Texts as substrings, ignoring ASCII case.
    Contains(Vec<String>),
    /// A regular expression.
    Regex(Hir),
    /// Texts as whole words, ignoring ASCII case.
    Words(Vec<String>),
}

/// What a hit of a literal means.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// The regex of this index may match near it.
    Gate(usize),
    /// It is a literal of a set: the slot, the literal's bit, and whether it must stand as a word.
    Literal { slot: usize, bit: usize, word: bool },
}

#[derive(Debug)]
struct Regex {
    regex: meta::Regex,
    slot: usize,
    gated: bool,
    /// Whether a match has a longest length.
    bounded: bool,
    /// The most bytes a match can have, when that is few.
    reach: Option<usize>,
    /// What a value must hold; asked only of those without a gate.
    needs: Needs,
}

/// The compiled patterns of one target.
#[derive(Debug)]
pub(super) struct Scanner {
    shape: Shape,
    literals: Finder,
    /// What the literals are used for, in the order of their numbers.
    uses: Box<[Use]>,
    /// Where the uses of a literal end.
    use_ends: Box<[u32]>,
    regexes: Vec<Regex>,
    /// Those that no literal leads to.
    ungated: Vec<usize>,
    slots: usize,
    bits: usize,
    states: usize,
}

/// Why patterns cannot be compiled; the index is that of the pattern.
#[derive(Debug)]
pub(super) struct PatternError {
    pub(super) slot: usize,
    pub(super) message: String,
}

/// Reads a regular expression over bytes of UTF-8: no Unicode classes, which would be slow and are not needed in
/// normal spelling.
pub(super) fn parse_regex(pattern: &str) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).nest_limit(50).build();
    parser.parse(pattern).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => {
            format!("{} (write letters outside ASCII as alternatives, not in classes)", error.kind())
        }
        other => other.to_string(),
    })
}

impl Scanner {
    /// Compiles patterns; the results of a scan come in the same order.
    pub(super) fn compile(shape: Shape, patterns: &[Pattern]) -> Result<Self, PatternError> {
        let mut builder = Builder::default();
        for (slot, pattern) in patterns.iter().enumerate() {
            match pattern {
                Pattern::Contains(texts) => builder.literals(slot, texts, false),
                Pattern::Words(texts) => builder.literals(slot, texts, true),
                Pattern::Regex(hir) => builder.regex(slot, hir).map_err(|message| PatternError { slot, message })?,
            }
        }
        builder.finish(shape, patterns.len())
    }

    /// The states of all automata of regexes: the steps that one byte of text can cost at worst.
    pub(super) fn steps_per_byte(&self) -> usize {
        self.states
    }

    pub(super) fn literal_count(&self) -> usize {
        self.literals.literal_count()
    }

    pub(super) fn memory(&self) -> usize {
        self.literals.memory() + self.regexes.iter().map(|regex| regex.regex.memory_usage()).sum::<usize>()
    }

    /// Looks for all patterns in all values; what it finds is added to `found`.
    fn scan(&self, values: &[Cow<'_, str>], scratch: &mut Scratch, found: &mut Vec<Found>) {
        let begin = found.len();
        found.resize_with(begin + self.slots, Found::default);
        let found = &mut found[begin..];
        scratch.seen.clear();
        scratch.seen.resize(self.bits.div_ceil(64), 0);
        scratch.windows.clear();
        scratch.windows.resize_with(self.regexes.len(), Windows::default);
        for (index, value) in values.iter().enumerate() {
            self.scan_literals(index, value, found, scratch);
            let mut bytes = None;
            for &number in self.ungated.iter().chain(&scratch.near) {
                let (regex, windows) = (&self.regexes[number], &mut scratch.windows[number]);
                let mut bytes = || *bytes.get_or_insert_with(|| ByteSet::of(value.as_bytes()));
                if !regex.gated && !regex.needs.met_by(value.len(), bytes()) {
                    continue;
                }
                let whole = 0..value.len();
                let ranges = windows.ranges(regex, value.len()).unwrap_or_else(|| std::slice::from_ref(&whole));
                let count = search(regex, value.as_bytes(), ranges, |span| {
                    found[regex.slot].first.get_or_insert((index, span));
                });
                windows.clear();
                let total = &mut found[regex.slot].count;
                // Readings of one text repeat its matches; values of a list do not.
                *total = if self.shape.is_text() { (*total).max(count) } else { total.saturating_add(count) };
            }
            scratch.near.clear();
        }
    }

    fn scan_literals(&self, index: usize, value: &str, found: &mut [Found], Scratch { seen, windows, near }: &mut Scratch) {
        let hit = |literal: usize, span: Range<usize>| {
            let begin = literal.checked_sub(1).map_or(0, |before| self.use_ends[before]);
            for &role in &self.uses[begin as usize..self.use_ends[literal] as usize] {
                match role {
                    Use::Gate(regex) => {
                        if windows[regex].is_empty() {
                            near.push(regex);
                        }
                        windows[regex].add(&self.regexes[regex], &span);
                    }
                    Use::Literal { slot, bit, word } => {
                        let (word_index, mask) = (bit / 64, 1 << (bit % 64));
                        if (seen[word_index] & mask == 0 || found[slot].starts_after(index, &span))
                            && (!word || stands_alone(value, &span))
                        {
                            found[slot].count += u32::from(seen[word_index] & mask == 0);
                            found[slot].note(index, &span);
                            seen[word_index] |= mask;
                        }
                    }
                }
            }
        };
        // Values in normal spelling are in lower case already.
        self.literals.find(value, self.shape.is_normal(), hit);
    }
}

impl Found {
    /// Whether a place comes before the first one noted.
    fn starts_after(&self, index: usize, span: &Range<usize>) -> bool {
        self.first.as_ref().is_none_or(|(first, noted)| (index, span.start, span.end) < (*first, noted.start, noted.end))
    }

    /// Notes a place if it comes before all others.
    fn note(&mut self, index: usize, span: &Range<usize>) {
        if self.starts_after(index, span) {
            self.first = Some((index, span.clone()));
        }
    }
}

/// The parts of a value in which a regex is searched for.
#[derive(Clone, Debug, Default)]
struct Windows {
    ranges: Vec<Range<usize>>,
    whole: bool,
}

impl Windows {
    fn is_empty(&self) -> bool {
        self.ranges.is_empty() && !self.whole
    }

    fn add(&mut self, regex: &Regex, hit: &Range<usize>) {
        match regex.reach {
            Some(reach) if !self.whole => {
                let window = hit.end.saturating_sub(reach)..hit.start.saturating_add(reach);
                // Most hits come in the order of their places.
                match self.ranges.last_mut() {
                    Some(last) if last.start <= window.start && window.start <= last.end => last.end = last.end.max(window.end),
                    _ => self.ranges.push(window),
                }
                self.whole = self.ranges.len() > MAX_WINDOWS;
            }
            _ => self.whole = true,
        }
    }

    /// The windows in order, apart from each other, within a value of this length; none when the whole is searched.
    fn ranges(&mut self, regex: &Regex, length: usize) -> Option<&[Range<usize>]> {
        if !regex.gated || self.whole {
            return None;
        }
        self.ranges.sort_unstable_by_key(|range| range.start);
        self.ranges.dedup_by(|next, kept| {
            let joined = next.start <= kept.end;
            if joined {
                kept.end = kept.end.max(next.end);
            }
            joined
        });
        for range in &mut self.ranges {
            range.end = range.end.min(length);
        }
        Some(&self.ranges)
    }

    fn clear(&mut self) {
        self.ranges.clear();
        self.whole = false;
    }
}

/// Counts the matches that do not overlap, up to [`MAX_COUNT`]; one match of a pattern without a longest match, since each
/// search for it may read to the end.
fn search(regex: &Regex, value: &[u8], ranges: &[Range<usize>], mut report: impl FnMut(Range<usize>)) -> u32 {
    let most = if regex.bounded { MAX_COUNT } else { 1 };
    let mut count = 0;
    for range in ranges {
        let mut start = range.start;
        while start <= range.end && count < most {
            let Some(hit) = regex.regex.search(&Input::new(value).range(start..range.end)) else { break };
            report(hit.range());
            count += 1;
            start = if hit.is_empty() { hit.end() + 1 } else { hit.end() };
        }
    }
    count
}

/// Whether letters or digits on neither side continue the word.
pub(super) fn stands_alone(text: &str, span: &Range<usize>) -> bool {
    let joined = |a: Option<char>, b: Option<char>| a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric);
    // Literals begin and end at characters, so these are never cut.
    let (Some(before), Some(word), Some(after)) = (text.get(..span.start), text.get(span.clone()), text.get(span.end..)) else {
        return false;
    };
    !joined(before.chars().next_back(), word.chars().next()) && !joined(word.chars().next_back(), after.chars().next())
}

#[derive(Default)]
struct Builder {
    /// Every literal once, with what it is used for; kept sorted by the map.
    literals: std::collections::BTreeMap<Vec<u8>, Vec<Use>>,
    regexes: Vec<Regex>,
    bits: usize,
    states: usize,
}

impl Builder {
    fn literals(&mut self, slot: usize, texts: &[String], word: bool) {
        for text in texts {
            let bit = self.bits;
            self.bits += 1;
            let literal = text.to_ascii_lowercase().into_bytes();
            self.literals.entry(literal).or_default().push(Use::Literal { slot, bit, word });
        }
    }

    fn regex(&mut self, slot: usize, hir: &Hir) -> Result<(), String> {
        use regex_automata::nfa::thompson;
        // The automaton is compiled once more by the engine; this one is for its size, which is what a byte can cost.
        let config = thompson::Config::new().utf8(false).nfa_size_limit(Some(NFA_BYTES));
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).map_err(|_| {
            format!("the pattern needs an automaton of more than {NFA_BYTES} bytes; shorten its counted repetitions")
        })?;
        self.states += nfa.states().len();
        let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(NFA_BYTES)).hybrid_cache_capacity(CACHE_BYTES);
        let regex = meta::Builder::new().configure(config).build_from_hir(hir).map_err(|error| error.to_string())?;
        let literals = literal::required(hir);
        let reach = hir.properties().maximum_len().filter(|&length| length <= MAX_WINDOW);
        let index = self.regexes.len();
        let bounded = hir.properties().maximum_len().is_some();
        self.regexes.push(Regex { regex, slot, gated: literals.is_some(), bounded, reach, needs: Needs::of(hir) });
        for literal in literals.into_iter().flatten() {
            self.literals.entry(literal).or_default().push(Use::Gate(index));
        }
        Ok(())
    }

    fn finish(self, shape: Shape, slots: usize) -> Result<Scanner, PatternError> {
        let (literals, uses): (Vec<_>, Vec<Vec<Use>>) = self.literals.into_iter().unzip();
        let ends = uses.iter().scan(0_u32, |end, uses| {
            *end += uses.len() as u32;
            Some(*end)
        });
        let (use_ends, uses) = (ends.collect(), uses.concat().into_boxed_slice());
        let literals = Finder::try_new(literals).map_err(|message| PatternError { slot: 0, message })?;
        let ungated = (0..self.regexes.len()).filter(|&index| !self.regexes[index].gated).collect();
        let Self { regexes, bits, states, .. } = self;
        Ok(Scanner { shape, literals, uses, use_ends, regexes, ungated, slots, bits, states })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(shape: Shape, patterns: &[Pattern], values: &[&str]) -> Vec<Found> {
        let values: Vec<_> = values.iter().map(|&value| Cow::Borrowed(value)).collect();
        let mut found = Vec::new();
        Scanner::compile(shape, patterns).unwrap().scan(&values, &mut Scratch::default(), &mut found);
        found
    }

    fn words(texts: &[&str]) -> Pattern {
        Pattern::Words(texts.iter().map(|&text| text.to_owned()).collect())
    }

    fn regex(pattern: &str) -> Pattern {
        Pattern::Regex(parse_regex(pattern).unwrap())
    }

    #[test]
    fn words_stand_alone() {
        let counts = |text| scan(Shape::NormalText, &[words(&["cash", "free money", "$"])], &[text])[0].count;
        assert_eq!(counts("cash"), 1);
        assert_eq!(counts("cashmere and mocash"), 0);
        assert_eq!(counts("cash, cash and free money!"), 2);
        assert_eq!(counts("5$a"), 1);
        assert_eq!(counts("cashé"), 0);
        assert_eq!(counts("💰cash•"), 1);
    }

    #[test]
    fn a_literal_inside_another_is_found() {
        let found = scan(
            Shape::Normal,
            &[words(&["free money"]), Pattern::Contains(vec!["money".into()]), words(&["free"])],
            &["free money"],
        );
        assert_eq!(found.iter().map(|f| f.count).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn readings_of_a_text_are_not_added_up() {
        let values = ["win now, win today", "win now"];
        assert_eq!(scan(Shape::NormalText, &[regex(r"\bwin (?:now|today)")], &values)[0].count, 2);
        assert_eq!(scan(Shape::Normal, &[regex(r"\bwin (?:now|today)")], &values)[0].count, 3);
    }

    #[test]
    fn case_is_ignored_by_gates_of_original_text() {
        let found = scan(Shape::OriginalText, &[regex("FREE Money"), regex("(?i)free money")], &["x FREE Money x"]);
        assert_eq!((found[0].count, found[1].count), (1, 1));
        assert_eq!(scan(Shape::OriginalText, &[regex("FREE Money")], &["free money"])[0].count, 0);
    }

    #[test]
    fn the_first_place_is_told() {
        let found = scan(Shape::Normal, &[regex("abcc?")], &["nothing", "xx abcc abc"]);
        assert_eq!(found[0].first, Some((1, 3..7)));
        assert_eq!(found[0].count, 2);
    }

    #[test]
    fn a_pattern_without_a_longest_match_is_met_once() {
        assert_eq!(scan(Shape::NormalText, &[regex("abc(?:.*xyz)?")], &[&"abc ".repeat(100)])[0].count, 1);
    }

    #[test]
    fn too_large_a_pattern_is_refused() {
        let error =
            Scanner::compile(Shape::Normal, &[regex("abc[a-z]{1,1000}[0-9]{1,1000}(?:x[a-z]{1,100}){1,100}")]).unwrap_err();
        assert!(error.message.contains("automaton"), "{}", error.message);
    }

    proptest! {
        /// Gates and windows change nothing: counts equal those of a plain search over the whole text. With many other
        /// literals beside it they are found by another way, with the same results.
        #[test]
        fn windows_agree_with_a_whole_search(
            text in "[ab c\n.x]{0,200}",
            repeats in prop::sample::select(vec![1, 300]),
            others in prop::sample::select(vec![0, 150]),
            pattern in prop::sample::select(vec![
                r"abc", r"\babc\b", r"^abc", r"abc$", r"abc.{0,5}cab", r"(?:abc|bca)[ab]?", r"abc+", r"[abc]{3} ?abc",
                r"a(?:bcx|b c)", r"cab.*abc",
            ]),
        ) {
            let text = text.repeat(repeats);
            let others: Vec<String> = (0..others).map(|n| format!("other {n:03}")).collect();
            let hir = parse_regex(pattern).unwrap();
            let found = scan(Shape::Normal, &[regex(pattern), Pattern::Words(others)], &[&text]);
            let plain = meta::Builder::new().build_from_hir(&hir).unwrap();
            let most = if hir.properties().maximum_len().is_some() { MAX_COUNT as usize } else { 1 };
            let expected: Vec<_> = plain.find_iter(text.as_bytes()).take(most).collect();
            prop_assert_eq!(found[0].count as usize, expected.len());
            prop_assert_eq!(found[0].first.clone(), expected.first().map(|hit| (0, hit.range())));
        }
    }
}
