//! What is counted in a text as it stands: how it is written, not what it says.

use super::{is_blank, is_invisible};
use crate::lookalike::{Scripts, is_lookalike};

/// Counts of one text view, taken from [`TextView::original`](super::TextView::original).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TextFacts {
    /// Characters, blanks and line ends not counted.
    pub chars: u32,
    /// Characters outside ASCII, blanks not counted.
    pub non_ascii_chars: u32,
    /// Letters of any script.
    pub letters: u32,
    /// Capital letters.
    pub upper_letters: u32,
    /// ASCII digits.
    pub digits: u32,
    /// Words: runs of letters, digits and marks.
    pub words: u32,
    /// Characters of the longest run without a blank. Encoded data and hashes make it long.
    pub longest_run: u32,
    /// Lines with anything but blanks on them.
    pub lines: u32,
    /// Exclamation marks.
    pub exclamation_marks: u32,
    /// Question marks.
    pub question_marks: u32,
    /// Signs of money: `$`, `€`, `£`, `¥` and the other currency symbols of Unicode.
    pub currency_signs: u32,
    /// Characters of no width between others: zero-width spaces and joiners, word joiners, soft hyphens, byte-order marks.
    /// Joiners of emoji and of scripts that need them are among them.
    pub zero_width_chars: u32,
    /// Marks that change the direction of text (overrides, embeddings, isolates).
    pub bidi_controls: u32,
    /// Tag characters (U+E0000 block), which show nothing and can spell anything.
    pub tag_chars: u32,
    /// Combining marks beyond the second on one letter ("zalgo").
    pub stacked_marks: u32,
    /// Words of at least three letters from scripts that look alike, such as Latin and Cyrillic.
    pub mixed_words: u32,
    /// Words of at least three letters that look like ASCII and are not: they mix scripts, or stand whole in a
    /// foreign script though the text is mainly Latin.
    pub lookalike_words: u32,
    /// Letters and digits from the mathematical, full-width, circled and squared alphabets, small capitals, and other
    /// forms that NFKC or the eye turns into ASCII.
    pub styled_chars: u32,
}

impl TextFacts {
    pub(super) fn count(text: &str) -> Self {
        Counter::new(text).count(Counter::ascii)
    }
}

#[derive(Debug, Default)]
struct Counter<'t> {
    text: &'t str,
    facts: TextFacts,
    /// Sums of ASCII classes, one in each byte, see [`CLASSES`], and how many bytes they are of.
    sums: u64,
    summed: u8,
    latin_letters: u32,
    foreign_letters: u32,
    /// Words that look like ASCII and stand whole in a foreign script.
    whole_lookalikes: u32,
    word: Word,
    marks: u32,
    /// Characters since the last blank.
    run: u32,
    /// Whether the line holds anything but blanks so far.
    filled: bool,
}

/// The word that is being read.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    start: usize,
    letters: u32,
    foreign: u32,
    open: bool,
    non_ascii: bool,
    scripts: Scripts,
}

impl Word {
    fn at(start: usize) -> Self {
        Self { start, open: true, ..Self::default() }
    }
}

impl<'t> Counter<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, ..Self::default() }
    }

    /// Counts everything; `ascii` is told each run of ASCII and where it begins.
    fn count(mut self, ascii: impl Fn(&mut Self, usize, &[u8])) -> TextFacts {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let plain = ascii_len(rest);
            if plain > 0 {
                self.marks = 0;
                ascii(&mut self, at, rest.get(..plain).unwrap_or_default());
                at += plain;
            }
            for c in self.text.get(at..).unwrap_or_default().chars().take_while(|c| !c.is_ascii()) {
                self.non_ascii(at, c);
                at += c.len_utf8();
            }
        }
        self.close_word(bytes.len());
        self.flush();
        self.close_run();
        self.facts.lines += u32::from(self.filled);
        // In a text of its own script such words are ordinary ("хор", "сера").
        if self.foreign_letters < self.latin_letters {
            self.facts.lookalike_words += self.whole_lookalikes;
        }
        self.facts
    }

    fn ascii(&mut self, start: usize, bytes: &[u8]) {
        if bytes.len() < BLOCK { self.ascii_by_byte(start, bytes) } else { self.ascii_by_block(start, bytes) }
    }

    /// A run of ASCII too short for blocks.
    fn ascii_by_byte(&mut self, start: usize, bytes: &[u8]) {
        for (at, &byte) in (start..).zip(bytes) {
            let class = CLASSES.get(usize::from(byte)).copied().unwrap_or_default();
            self.sums = self.sums.wrapping_add(class);
            self.summed += 1;
            if self.summed == u8::MAX {
                self.flush();
            }
            if class & WORD == 0 {
                self.close_word(at);
            } else if !self.word.open {
                self.word = Word::at(at);
            }
            if class & SEEN != 0 {
                self.run += 1;
                self.filled = true;
                continue;
            }
            self.close_run();
            if byte == b'\n' {
                self.facts.lines += u32::from(self.filled);
                self.filled = false;
            }
        }
    }

    /// As [`Self::ascii_by_byte`], each kind of fact by the way that looks at the fewest bytes.
    fn ascii_by_block(&mut self, start: usize, bytes: &[u8]) {
        self.block_sums(bytes);
        self.block_words(start, bytes);
        self.block_runs(bytes);
        self.block_lines(bytes);
    }

    /// Sums of classes over whole blocks: the compiler makes vector code of them.
    fn block_sums(&mut self, bytes: &[u8]) {
        let facts = &mut self.facts;
        for_each_block(bytes, |block| {
            facts.chars += tally(block, is_seen);
            let letters = tally(block, |byte| (byte | 0x20).wrapping_sub(b'a') < 26);
            facts.letters += letters;
            self.latin_letters += letters;
            facts.upper_letters += tally(block, |byte| byte.wrapping_sub(b'A') < 26);
            facts.digits += tally(block, |byte| byte.wrapping_sub(b'0') < 10);
            facts.exclamation_marks += tally(block, |byte| byte == b'!');
            facts.question_marks += tally(block, |byte| byte == b'?');
            facts.currency_signs += tally(block, |byte| byte == b'$');
        });
    }

    /// Words that end inside are counted by their beginnings; the one before and the one behind may reach out.
    fn block_words(&mut self, start: usize, bytes: &[u8]) {
        let mut from = 0;
        if self.word.open {
            let Some(end) = bytes.iter().position(|&byte| !is_word(byte)) else { return };
            self.close_word(start + end);
            from = end;
        }
        let to = bytes.iter().rposition(|&byte| !is_word(byte)).map_or(0, |at| at + 1);
        let mut before = 0;
        for_each_block(bytes.get(from..to).unwrap_or_default(), |block| {
            let in_word = block.map(|byte| u8::from(is_word(byte)));
            let mut previous = [before; BLOCK];
            previous[1..].copy_from_slice(&in_word[..BLOCK - 1]);
            let begun = previous.iter().zip(&in_word).map(|(a, b)| !a & b).fold(0, u8::wrapping_add);
            self.facts.words += u32::from(begun);
            before = in_word[BLOCK - 1];
        });
        if to < bytes.len() {
            self.word = Word::at(start + to);
        }
    }

    /// The longest run: a longer one than is known has no blank where the known one would end, nor before it.
    fn block_runs(&mut self, bytes: &[u8]) {
        let blank = |&byte: &u8| !is_seen(byte);
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let Some(first) = bytes.iter().position(blank) else {
            self.run += length(bytes.len());
            return;
        };
        self.run += length(first);
        self.close_run();
        let mut from = first + 1;
        while let Some(candidate) = bytes.get(from..=from + self.facts.longest_run as usize) {
            if let Some(last) = candidate.iter().rposition(blank) {
                from += last + 1;
                continue;
            }
            let rest = bytes.get(from..).unwrap_or_default();
            let run = rest.iter().position(blank).unwrap_or(rest.len());
            self.facts.longest_run = length(run);
            from += run + 1;
        }
        self.run = length(bytes.iter().rev().take_while(|byte| !blank(byte)).count());
    }

    fn block_lines(&mut self, bytes: &[u8]) {
        let holds_any = |line: Option<&[u8]>| line.is_some_and(|line| line.iter().any(|&byte| is_seen(byte)));
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            self.facts.lines += u32::from(self.filled || holds_any(bytes.get(from..end)));
            self.filled = false;
            from = end + 1;
        }
        self.filled |= holds_any(bytes.get(from..));
    }

    fn close_run(&mut self) {
        self.facts.longest_run = self.facts.longest_run.max(self.run);
        self.run = 0;
    }

    /// Adds the ASCII sums to the facts before a byte of them can overflow.
    fn flush(&mut self) {
        let [seen, letters, upper, digits, exclamation, question, dollar, _] = self.sums.to_le_bytes().map(u32::from);
        (self.sums, self.summed) = (0, 0);
        self.facts.chars += seen;
        self.facts.letters += letters;
        self.latin_letters += letters;
        self.facts.upper_letters += upper;
        self.facts.digits += digits;
        self.facts.exclamation_marks += exclamation;
        self.facts.question_marks += question;
        self.facts.currency_signs += dollar;
    }

    fn non_ascii(&mut self, at: usize, c: char) {
        let facts = &mut self.facts;
        if is_settled_letter(c) {
            facts.chars += 1;
            facts.non_ascii_chars += 1;
            self.run += 1;
            self.filled = true;
            self.marks = 0;
            self.letter(at, c);
            return;
        }
        if is_blank(c) {
            self.close_word(at);
            self.close_run();
            return;
        }
        facts.chars += 1;
        facts.non_ascii_chars += 1;
        self.run += 1;
        self.filled = true;
        if is_invisible(c) {
            match c {
                '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => facts.zero_width_chars += 1,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    facts.bidi_controls += 1;
                }
                '\u{e0000}'..='\u{e007f}' => facts.tag_chars += 1,
                _ => {}
            }
            // A word goes on: it looks whole.
            return;
        }
        if is_styled(c) {
            facts.styled_chars += 1;
        }
        if unicode_normalization::char::is_combining_mark(c) {
            self.marks += 1;
            facts.stacked_marks += u32::from(self.marks > 2);
            return;
        }
        self.marks = 0;
        match c {
            '！' | '¡' => facts.exclamation_marks += 1,
            '？' | '¿' => facts.question_marks += 1,
            '¢'..='¥' | '\u{20a0}'..='\u{20cf}' | '＄' | '￡' | '￥' => facts.currency_signs += 1,
            _ => {}
        }
        // General punctuation, ideographic punctuation and full-width commas hold no letters and save the search in tables.
        if matches!(c, '\u{2010}'..='\u{2060}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{ff0c}') {
            self.close_word(at);
        } else if c.is_alphabetic() {
            self.letter(at, c);
        } else if c.is_numeric() {
            self.foreign_word(at);
        } else {
            self.close_word(at);
        }
    }

    /// A letter outside ASCII.
    fn letter(&mut self, at: usize, c: char) {
        self.foreign_word(at);
        self.facts.letters += 1;
        self.word.letters += 1;
        if is_cased(c) {
            self.facts.upper_letters += u32::from(c.is_uppercase());
        }
        let scripts = Scripts::default().with(c);
        if scripts.foreign() {
            self.foreign_letters += 1;
            self.word.foreign += 1;
        }
        self.word.scripts = self.word.scripts.union(scripts);
    }

    /// The word that is open, or begins here, holds more than ASCII.
    fn foreign_word(&mut self, at: usize) {
        if !self.word.open {
            self.word = Word::at(at);
        }
        self.word.non_ascii = true;
    }

    fn close_word(&mut self, end: usize) {
        if !self.word.open {
            return;
        }
        self.word.open = false;
        self.facts.words += 1;
        if self.word.non_ascii {
            self.examine_word(end);
        }
    }

    /// Looks closer at a word with letters outside ASCII.
    fn examine_word(&mut self, end: usize) {
        let word = self.text.get(self.word.start..end).unwrap_or_default();
        let ascii = word.bytes().filter(u8::is_ascii_alphabetic).count();
        let letters = self.word.letters as usize + ascii;
        let scripts = if ascii > 0 { self.word.scripts.with('a') } else { self.word.scripts };
        if !(3..=MAX_WORD).contains(&letters) {
            return;
        }
        if scripts.mixed() {
            self.facts.mixed_words += 1;
        }
        if is_lookalike(word) {
            if ascii > 0 || scripts.mixed() {
                self.facts.lookalike_words += 1;
            } else if letters > 3 {
                self.whole_lookalikes += 1;
            }
        }
    }
}

/// Bytes counted at once; sums of a byte each hold up to 255.
const BLOCK: usize = 64;

/// Shows all bytes in whole blocks, the last filled up with zeros, which are of no class.
fn for_each_block(bytes: &[u8], mut see: impl FnMut(&[u8; BLOCK])) {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    blocks.iter().for_each(&mut see);
    if !rest.is_empty() {
        let mut last = [0; BLOCK];
        if let Some(to) = last.get_mut(..rest.len()) {
            to.copy_from_slice(rest);
        }
        see(&last);
    }
}

/// How many bytes of a block are of a class.
#[inline(always)]
fn tally(block: &[u8; BLOCK], class: impl Fn(u8) -> bool) -> u32 {
    u32::from(block.iter().map(|&byte| u8::from(class(byte))).fold(0, u8::wrapping_add))
}

/// How many bytes from the beginning are ASCII.
fn ascii_len(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let whole = blocks.iter().take_while(|block| block.is_ascii()).count() * BLOCK;
    let rest = bytes.get(whole..).unwrap_or_default();
    if rest.is_ascii() {
        return bytes.len();
    }
    whole + rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len())
}

/// Whether an ASCII byte shows something.
#[inline]
fn is_seen(byte: u8) -> bool {
    byte.wrapping_sub(b'!') < 94
}

/// Whether an ASCII byte is a letter or digit.
#[inline]
fn is_word(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26 || byte.wrapping_sub(b'0') < 10
}

/// Letters of the scripts that most mail outside ASCII is written in: neither marks, nor signs, nor in another's dress.
fn is_settled_letter(c: char) -> bool {
    matches!(
        c,
        '\u{df}'..='\u{f6}' | '\u{f8}'..='\u{17e}' | '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' | '\u{5d0}'..='\u{5ea}'
            | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
    )
}

/// Whether a letter may be a capital; those of East Asia are none, full-width forms aside.
fn is_cased(c: char) -> bool {
    !matches!(c, '\u{3041}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}')
}

/// Letters of a word that is examined for scripts; 64. Longer runs are no words.
const MAX_WORD: usize = 64;

/// The counts that an ASCII byte adds to, one in each byte; the last byte marks characters of words.
const CLASSES: [u64; 128] = {
    let mut classes = [0; 128];
    let mut byte = 0x21u8;
    while byte < 0x7f {
        classes[byte as usize] = SEEN
            | match byte {
                b'a'..=b'z' => LETTER | WORD,
                b'A'..=b'Z' => LETTER | UPPER | WORD,
                b'0'..=b'9' => DIGIT | WORD,
                b'!' => EXCLAMATION,
                b'?' => QUESTION,
                b'$' => DOLLAR,
                _ => 0,
            };
        byte += 1;
    }
    classes
};
const SEEN: u64 = 1;
const LETTER: u64 = 1 << 8;
const UPPER: u64 = 1 << 16;
const DIGIT: u64 = 1 << 24;
const EXCLAMATION: u64 = 1 << 32;
const QUESTION: u64 = 1 << 40;
const DOLLAR: u64 = 1 << 48;
const WORD: u64 = 1 << 56;

/// Whether a character is an ASCII letter or digit in another dress.
fn is_styled(c: char) -> bool {
    matches!(
        c,
        // Small capitals and phonetic modifiers, letter-like symbols (not ℃, №, ℠, ™, Ω, K, Å, ℮), circled, squared,
        // full-width and mathematical alphabets. Regional indicators, which make flags, are none.
        '\u{1d00}'..='\u{1d2b}' | '\u{2102}' | '\u{210a}'..='\u{2113}' | '\u{2115}' | '\u{2119}'..='\u{211d}' | '\u{2124}' | '\u{2128}'
            | '\u{212c}' | '\u{212d}' | '\u{212f}'..='\u{2134}' | '\u{249c}'..='\u{24e9}' | '\u{ff10}'..='\u{ff19}'
            | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}' | '\u{1f110}'..='\u{1f189}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(text: &str) -> TextFacts {
        TextFacts::count(text)
    }

    #[test]
    fn plain_text() {
        let facts = count("Hello World! Win $5,000 now?\r\n\r\nBye 2 all\n");
        let expected = TextFacts {
            chars: 31,
            letters: 22,
            upper_letters: 4,
            digits: 5,
            words: 9,
            longest_run: 6,
            lines: 2,
            exclamation_marks: 1,
            question_marks: 1,
            currency_signs: 1,
            ..TextFacts::default()
        };
        assert_eq!(facts, expected);
        assert_eq!(count(""), TextFacts::default());
    }

    #[test]
    fn sums_do_not_overflow() {
        let facts = count(&"aB1!".repeat(5_000));
        assert_eq!((facts.chars, facts.letters, facts.upper_letters), (20_000, 10_000, 5_000));
        assert_eq!((facts.digits, facts.exclamation_marks, facts.longest_run), (5_000, 5_000, 20_000));
    }

    #[test]
    fn both_ways_of_counting_agree() {
        for text in ["", "a", "Hello, World! 1+1 = $2?\r\n\n  end\n.", " \n ", &"ab1 ".repeat(300)] {
            let mixed = count(&format!("{text} é"));
            let plain = count(text);
            let expected = TextFacts {
                chars: plain.chars + 1,
                non_ascii_chars: 1,
                letters: plain.letters + 1,
                words: plain.words + 1,
                longest_run: plain.longest_run.max(1),
                lines: mixed.lines,
                ..plain
            };
            assert_eq!(mixed, expected, "{text}");
        }
    }

    #[test]
    fn settled_letters_are_what_the_tables_say() {
        for c in (char::MIN..=char::MAX).filter(|&c| is_settled_letter(c)) {
            assert!(c.is_alphabetic() && !is_styled(c) && !is_blank(c) && !is_invisible(c), "{c:?}");
            assert!(!unicode_normalization::char::is_combining_mark(c), "{c:?}");
        }
        assert!((char::MIN..=char::MAX).all(|c| is_cased(c) || !c.is_uppercase()));
    }

    proptest! {
        #[test]
        fn blocks_count_as_single_bytes_do(text in "([a-zA-Z0-9!?$ .\n\t\u{7f}]{0,200}|[éдд\u{200b}\u{a0}1]{0,3}|[a ]{60,70}|[ж]{2}){0,8}") {
            let by_byte = Counter::new(&text).count(Counter::ascii_by_byte);
            prop_assert_eq!(count(&text), by_byte);
        }
    }

    #[test]
    fn invisible_characters() {
        let facts = count("Vi\u{200b}ag\u{ad}ra \u{202e}txet\u{202c} a\u{e0061}\u{e007f}");
        assert_eq!((facts.zero_width_chars, facts.bidi_controls, facts.tag_chars, facts.words), (2, 2, 2, 3));
        let facts = count("z\u{300}\u{301}\u{302}\u{303}a\u{300}");
        assert_eq!(facts.stacked_marks, 2);
    }

    #[test]
    fn words_in_foreign_letters() {
        for (text, mixed, lookalike) in [
            ("your pаypаl account", 1, 1),
            ("your аррӏе account is locked", 0, 1),
            ("Ваш аррӏе счёт закрыт", 0, 0),
            ("сера и хор", 0, 0),
            ("café in München, 5 μm, Δt", 0, 0),
            ("Tシャツ ＣＤ 日本語mail", 0, 0),
            ("Привeт", 1, 0),
        ] {
            let facts = count(text);
            assert_eq!((facts.mixed_words, facts.lookalike_words), (mixed, lookalike), "{text}");
        }
    }

    #[test]
    fn styled_letters_and_money() {
        let facts = count("𝐅𝐑𝐄𝐄 ⓜⓞⓝⓔⓨ ＷＩＮ €5 £6 ¥7 ™ 🇩🇪");
        assert_eq!((facts.styled_chars, facts.currency_signs), (12, 3));
    }
}
