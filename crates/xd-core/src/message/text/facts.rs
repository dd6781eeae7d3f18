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
        let mut counter = Counter { text, ..Counter::default() };
        if text.is_ascii() {
            counter.run_ascii();
        } else {
            counter.run();
        }
        counter.facts
    }
}

#[derive(Debug, Default)]
struct Counter<'t> {
    text: &'t str,
    facts: TextFacts,
    /// Sums of ASCII classes, one in each byte, see [`CLASSES`].
    sums: u64,
    latin_letters: u32,
    foreign_letters: u32,
    /// Words that look like ASCII and stand whole in a foreign script.
    whole_lookalikes: u32,
    word: Word,
    marks: u32,
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

impl Counter<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let (mut at, mut run, mut filled) = (0, 0u32, false);
        let mut until_flush = 0u8;
        while let Some(&byte) = bytes.get(at) {
            if !byte.is_ascii() {
                let Some(c) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                if is_blank(c) {
                    self.close_word(at);
                    self.facts.longest_run = self.facts.longest_run.max(run);
                    run = 0;
                } else {
                    filled = true;
                    run += 1;
                    self.non_ascii(at, c);
                }
                at += c.len_utf8();
                continue;
            }
            self.marks = 0;
            let class = CLASSES[usize::from(byte)];
            self.sums = self.sums.wrapping_add(class);
            until_flush += 1;
            if until_flush == u8::MAX {
                self.flush();
                until_flush = 0;
            }
            if class & WORD != 0 {
                if !self.word.open {
                    self.word = Word { start: at, open: true, ..Word::default() };
                }
            } else {
                self.close_word(at);
            }
            if class & SEEN == 0 {
                self.facts.longest_run = self.facts.longest_run.max(run);
                run = 0;
                if byte == b'\n' {
                    self.facts.lines += u32::from(filled);
                    filled = false;
                }
            } else {
                run += 1;
                filled = true;
            }
            at += 1;
        }
        self.close_word(bytes.len());
        self.flush();
        self.facts.longest_run = self.facts.longest_run.max(run);
        self.facts.lines += u32::from(filled);
        // In a text of its own script such words are ordinary ("хор", "сера").
        if self.foreign_letters < self.latin_letters {
            self.facts.lookalike_words += self.whole_lookalikes;
        }
    }

    /// As [`Self::run`] for texts of ASCII alone, without a branch that depends on where words end.
    fn run_ascii(&mut self) {
        let (mut run, mut in_word, mut filled) = (0u32, 0u32, 0u32);
        // A byte of the sums holds up to 255.
        for block in self.text.as_bytes().chunks(usize::from(u8::MAX)) {
            for &byte in block {
                let class = CLASSES.get(usize::from(byte)).copied().unwrap_or_default();
                self.sums += class & !WORD;
                let word = u32::from(class & WORD != 0);
                self.facts.words += word & !in_word;
                in_word = word;
                let seen = u32::from(class & SEEN != 0);
                run = (run + 1) * seen;
                self.facts.longest_run = self.facts.longest_run.max(run);
                filled |= seen;
                if byte == b'\n' {
                    self.facts.lines += filled;
                    filled = 0;
                }
            }
            self.flush();
        }
        self.facts.lines += filled;
    }

    /// Adds the ASCII sums to the facts before a byte of them can overflow.
    fn flush(&mut self) {
        let [seen, letters, upper, digits, exclamation, question, dollar, _] = self.sums.to_le_bytes().map(u32::from);
        self.sums = 0;
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
        facts.chars += 1;
        facts.non_ascii_chars += 1;
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
        if !c.is_alphanumeric() {
            self.close_word(at);
            return;
        }
        if !self.word.open {
            self.word = Word { start: at, open: true, ..Word::default() };
        }
        self.word.non_ascii = true;
        if c.is_alphabetic() {
            self.facts.letters += 1;
            self.word.letters += 1;
            self.facts.upper_letters += u32::from(c.is_uppercase());
            let scripts = Scripts::default().with(c);
            if scripts.foreign() {
                self.foreign_letters += 1;
                self.word.foreign += 1;
            }
            self.word.scripts = self.word.scripts.union(scripts);
        }
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
