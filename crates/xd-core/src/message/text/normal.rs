//! One spelling for many: the form in which phrases are sought.
//!
//! Unicode normalisation (UAX #15, NFKC) runs only where characters outside ASCII stand; the rest is folded in blocks.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// How many bytes the normal spelling can take for each byte of text: U+FDFA, three bytes, becomes four Arabic words of
/// 33 bytes.
pub const MAX_EXPANSION: usize = 11;

/// The text in normal spelling: compatibility forms composed (NFKC), lower case, every run of blanks and line ends one
/// space, none at the ends, invisible characters dropped, typographic quotes and dashes straightened.
///
/// The result holds at most [`MAX_EXPANSION`] times the bytes of `text`, and is its own normal spelling.
///
/// # Example: how do different spellings of a word compare?
/// ```
/// use xd_core::message::normalize;
///
/// assert_eq!(normalize("  Vi\u{200b}ag\u{ad}ra\r\n NOW "), "viagra now");
/// assert_eq!(normalize("𝐕𝐢𝐚𝐠𝐫𝐚 ｎｏｗ"), "viagra now");
/// ```
#[must_use]
pub fn normalize(text: &str) -> String {
    let mut builder = Builder::new(text.len());
    builder.push(text);
    builder.finish()
}

/// The text in normal spelling, borrowed when that is how it stands, as addresses and names of hosts mostly do.
pub(crate) fn in_normal_spelling(text: &str) -> Cow<'_, str> {
    let (mut is_simple, mut is_lower) = (true, true);
    for byte in text.bytes() {
        is_simple &= byte.is_ascii_graphic();
        is_lower &= !byte.is_ascii_uppercase();
    }
    match (is_simple, is_lower) {
        (true, true) => Cow::Borrowed(text),
        // Without blanks and controls, nothing but case is folded.
        (true, false) => Cow::Owned(text.to_ascii_lowercase()),
        (false, _) => Cow::Owned(normalize(text)),
    }
}

/// Builds a normal text piece by piece.
///
/// Nothing composes across what [`Self::separate`] puts between pieces. Without it blanks fold as if the pieces were one, and a mark
/// that begins a piece joins the ASCII letter before it, but no other: text outside ASCII is settled piece by piece.
pub(super) struct Builder {
    out: Vec<u8>,
}

/// Bytes folded at once: enough for the compiler to use vector instructions, few enough that most hold no double blank.
const BLOCK: usize = 32;

impl Builder {
    pub(super) fn new(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity + BLOCK) }
    }

    /// Puts a line end between what was pushed and what will be.
    pub(super) fn separate(&mut self) {
        self.trim_end();
        if self.out.last().is_some_and(|&last| last != b'\n') {
            self.out.push(b'\n');
        }
    }

    pub(super) fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = match rest.first_chunk::<BLOCK>() {
                Some(block) => self.push_block(block),
                None => self.push_bytes(rest),
            };
            at += plain;
            if plain < BLOCK && at < bytes.len() {
                let run = run_len(bytes.get(at..).unwrap_or_default());
                self.push_run(text.get(at..at + run).unwrap_or_default());
                at += run;
            }
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.trim_end();
        if self.out.last() == Some(&b'\n') {
            self.out.pop();
        }
        // Only whole characters were pushed; were it otherwise, a replacement character would be better than a panic.
        String::from_utf8(self.out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Pushes the bytes of a block up to the first that is not plain ASCII and returns how many that were.
    fn push_block(&mut self, block: &[u8; BLOCK]) -> usize {
        let Folded { bytes, special, blanks } = fold_block(block);
        // Blanks after others are left out.
        let mut doubled = blanks & (blanks << 1 | u32::from(self.after_blank()));
        if special | doubled == 0 {
            self.out.extend_from_slice(&bytes);
            return BLOCK;
        }
        let plain = special.trailing_zeros() as usize;
        let mut from = 0;
        while doubled != 0 {
            let blank = doubled.trailing_zeros() as usize;
            if blank >= plain {
                break;
            }
            self.out.extend_from_slice(bytes.get(from..blank).unwrap_or_default());
            from = blank + 1;
            doubled &= doubled - 1;
        }
        self.out.extend_from_slice(bytes.get(from..plain).unwrap_or_default());
        plain
    }

    /// Pushes bytes up to the first that is not plain ASCII and returns how many that were.
    fn push_bytes(&mut self, bytes: &[u8]) -> usize {
        for (at, &byte) in bytes.iter().enumerate() {
            match FOLDED[usize::from(byte)] {
                SPECIAL => return at,
                b' ' => self.push_blank(),
                folded => self.out.push(folded),
            }
        }
        bytes.len()
    }

    /// Pushes a run of characters outside ASCII, or controls that are dropped.
    fn push_run(&mut self, run: &str) {
        let before = self.out.len();
        if self.push_inert_run(run) {
            return;
        }
        self.out.truncate(before);
        // A combining mark joins the letter before it.
        let base = self.out.pop_if(|last| *last > b' ' && last.is_ascii());
        let visible = base.map(char::from).into_iter().chain(run.chars()).filter(|&c| !is_invisible(c));
        let once: String = visible.flat_map(char::to_lowercase).nfkc().flat_map(char::to_lowercase).collect();
        // Composing can make a capital letter (𝐉 + U+030C), and its small form can compose once more (ǰ).
        if is_nfkc_quick(once.chars()) == IsNormalized::Yes {
            once.chars().for_each(|c| self.push_char(c));
        } else {
            once.nfkc().for_each(|c| self.push_char(c));
        }
    }

    /// Pushes characters as long as they compose with no others; whether all were such.
    fn push_inert_run(&mut self, run: &str) -> bool {
        let mut from = 0;
        for (at, c) in run.char_indices() {
            if is_settled(c) {
                continue;
            }
            self.out.extend_from_slice(run.as_bytes().get(from..at).unwrap_or_default());
            from = at + c.len_utf8();
            if !self.push_inert(c) {
                return false;
            }
        }
        self.out.extend_from_slice(run.as_bytes().get(from..).unwrap_or_default());
        true
    }

    /// Pushes a character that composes with no other; whether it is such a one.
    fn push_inert(&mut self, c: char) -> bool {
        match c {
            _ if is_settled(c) => self.push_as_is(c),
            '\u{410}'..='\u{42f}' => self.push_as_is(char::from_u32(u32::from(c) + 0x20).unwrap_or(c)),
            // Full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => self.push_char(char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)),
            _ if is_blank(c) || is_invisible(c) || is_inert(c) => self.push_char(c),
            _ => return false,
        }
        true
    }

    fn push_as_is(&mut self, c: char) {
        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn push_char(&mut self, c: char) {
        if is_blank(c) || c == ' ' {
            self.push_blank();
        } else if !is_invisible(c) {
            for c in c.to_lowercase() {
                self.push_as_is(straighten(c));
            }
        }
    }

    fn push_blank(&mut self) {
        if !self.after_blank() {
            self.out.push(b' ');
        }
    }

    /// Whether a blank here would be the second one, or the first of the text.
    fn after_blank(&self) -> bool {
        self.out.last().is_none_or(|&last| last == b' ' || last == b'\n')
    }

    fn trim_end(&mut self) {
        if self.out.last() == Some(&b' ') {
            self.out.pop();
        }
    }
}

/// A block folded byte by byte, and which of its bytes are not so simple: one bit each, the first byte lowest.
struct Folded {
    bytes: [u8; BLOCK],
    /// Not folded byte by byte.
    special: u32,
    blanks: u32,
}

/// Folds a block; the compiler makes vector code of each of the loops.
#[inline]
fn fold_block(block: &[u8; BLOCK]) -> Folded {
    let is_blank = |byte: u8| byte.wrapping_sub(b'\t') < 5;
    let (mut bytes, mut special, mut blanks) = ([0; BLOCK], [0; BLOCK], [0; BLOCK]);
    for (to, &byte) in bytes.iter_mut().zip(block) {
        let lower = byte | (u8::from(byte.wrapping_sub(b'A') < 26) << 5);
        *to = if is_blank(byte) { b' ' } else { lower };
    }
    for (to, &byte) in special.iter_mut().zip(block) {
        *to = u8::from(byte.wrapping_sub(b' ') > b'~' - b' ') & u8::from(!is_blank(byte));
    }
    for (to, &byte) in blanks.iter_mut().zip(&bytes) {
        *to = u8::from(byte == b' ');
    }
    let any = special.iter().fold(0, |all, mark| all | mark) != 0;
    Folded { bytes, special: if any { bits(&special) } else { 0 }, blanks: bits(&blanks) }
}

/// One bit for each byte that is 1 and none for each that is 0, the first byte lowest.
///
/// Never inlined: what the compiler makes of it together with the loops before it takes three times as many instructions.
#[inline(never)]
fn bits(marks: &[u8; BLOCK]) -> u32 {
    let (words, _) = marks.as_chunks::<8>();
    // The product gathers the lowest bits of the eight bytes in the highest byte.
    let byte = |word: &[u8; 8]| u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080).to_be_bytes()[0];
    words.iter().rev().fold(0, |bits, word| bits << 8 | u32::from(byte(word)))
}

/// How many bytes from the beginning are outside ASCII, or controls that are dropped.
fn run_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| FOLDED[usize::from(byte)] != SPECIAL).unwrap_or(bytes.len())
}

/// Marks a byte in [`FOLDED`] that needs a closer look.
const SPECIAL: u8 = 0;

/// What each byte becomes.
const FOLDED: [u8; 256] = {
    let mut table = [SPECIAL; 256];
    let mut byte = 0u8;
    while byte < 0x7f {
        table[byte as usize] = match byte {
            b'\t'..=b'\r' | b' ' => b' ',
            0x21.. => byte.to_ascii_lowercase(),
            _ => SPECIAL,
        };
        byte += 1;
    }
    table
};

/// Whether a character outside ASCII is a blank or a line end.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(
        c,
        // U+2800, the braille pattern without dots, is drawn as a blank and used as one.
        '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{2800}' | '\u{3000}'
    )
}

/// Whether a character takes no room and shows nothing: controls, joiners, marks of direction, selectors, fillers, tags.
pub(crate) fn is_invisible(c: char) -> bool {
    match c {
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{ad}' => true,
        '\u{ae}'..='\u{34e}' => false,
        _ => matches!(
            c,
            '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        ),
    }
}

/// Whether a character is one of those that most text outside ASCII is made of, and stays as it is: letters without case, and small
/// letters.
fn is_settled(c: char) -> bool {
    matches!(
        c,
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{5d0}'..='\u{5ea}' | '\u{430}'..='\u{45f}' | '\u{df}'..='\u{f6}' | '\u{f8}'..='\u{ff}'
    )
}

/// Whether a character is its own NFKC form and composes with nothing before or after it that is inert too.
///
/// The ranges are those that ordinary mail is made of; others take the slower way to the same result.
fn is_inert(c: char) -> bool {
    matches!(
        c,
        '\u{a1}'..='\u{a7}' | '\u{a9}' | '\u{ab}' | '\u{ac}' | '\u{ae}' | '\u{b0}' | '\u{b1}' | '\u{b6}' | '\u{b7}' | '\u{bb}'
            | '\u{bf}'..='\u{131}' | '\u{134}'..='\u{13e}' | '\u{141}'..='\u{148}' | '\u{14a}'..='\u{17e}'
            | '\u{391}'..='\u{3a1}' | '\u{3a3}'..='\u{3ce}' | '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}'
            | '\u{5d0}'..='\u{5ea}' | '\u{621}'..='\u{64a}' | '\u{e01}'..='\u{e30}'
            | '\u{2012}'..='\u{2015}' | '\u{2018}'..='\u{2022}' | '\u{2039}' | '\u{203a}' | '\u{20ac}'
            | '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{27bf}' | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}'
            | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{30fc}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{fffd}' | '\u{1f300}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6c5}' | '\u{1f900}'..='\u{1f9ff}'
    )
}

/// Typographic quotes and dashes as the keyboard has them, so that "don’t" is sought as it is typed.
fn straighten(c: char) -> char {
    match c {
        '\u{2018}'..='\u{201b}' | '\u{2032}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling() {
        for (text, normal) in [
            ("", ""),
            ("Hello,\r\n\tWorld ", "hello, world"),
            ("a\u{a0}\u{2003}\u{3000}\n b", "a b"),
            ("Vi\u{200b}a\u{ad}gr\u{200d}a\u{2060}", "viagra"),
            ("vi\0ag\u{7f}ra", "viagra"),
            ("\u{202e}abc\u{202c}", "abc"),
            ("Cafe\u{301} CAFÉ café", "café café café"),
            ("e\u{200b}\u{301}", "é"),
            ("ﬁnance ² ½ …", "finance 2 1⁄2 ..."),
            ("ＰａｙＰａｌ 𝓹𝓪𝔂𝓹𝓪𝓵 ⓟⓐⓨ", "paypal paypal pay"),
            ("don’t “quote” – this", "don't \"quote\" - this"),
            ("ПРИВЕТ", "привет"),
            ("漢字 かな ｶﾅ", "漢字 かな カナ"),
            (
                "A long line of plain text without two blanks side by side in it",
                "a long line of plain text without two blanks side by side in it",
            ),
            (
                "A long line of plain text with  two blanks  and\r\na line end",
                "a long line of plain text with two blanks and a line end",
            ),
        ] {
            assert_eq!(normalize(text), normal, "{text:?}");
        }
    }

    #[test]
    fn inert_characters_are_their_own_form() {
        for c in (char::MIN..=char::MAX).filter(|&c| is_inert(c)) {
            assert_eq!(is_nfkc_quick([c].into_iter()), IsNormalized::Yes, "{c:?}");
            let lower: String = c.to_lowercase().collect();
            assert_eq!(lower.nfkc().collect::<String>(), lower, "{c:?}");
        }
    }

    #[test]
    fn inert_characters_are_pushed_as_all_are() {
        for c in (char::MIN..=char::MAX).filter(|c| !c.is_ascii()) {
            let (mut quick, mut slow) = (Builder::new(0), Builder::new(0));
            let inert = quick.push_inert(c);
            let wide = ('\u{ff01}'..='\u{ff5e}').contains(&c);
            assert_eq!(inert, is_blank(c) || is_invisible(c) || is_inert(c) || wide, "{c:?}");
            if inert {
                c.nfkc().filter(|_| wide).for_each(|c| slow.push_char(c));
                slow.push_char(if wide { '\0' } else { c });
                assert_eq!(quick.out, slow.out, "{c:?}");
            }
        }
    }

    #[test]
    fn expansion_is_bounded_and_every_character_settles() {
        // Beyond the third plane nothing has another form.
        for c in char::MIN..'\u{40000}' {
            let normal = normalize(c.encode_utf8(&mut [0; 4]));
            assert!(normal.len() <= c.len_utf8() * MAX_EXPANSION, "{c:?}");
            assert_eq!(normalize(&normal), normal, "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_borrowed_is_normal(text in "[ -~\t\n\x7fÉé\u{200b}]{0,12}") {
            prop_assert_eq!(in_normal_spelling(&text), normalize(&text));
        }

        #[test]
        fn is_its_own_normal_spelling(text in "(\\PC|[a-jA-J \n\u{0}\u{200b}\u{300}-\u{310}\u{1100}-\u{11ff}]){0,80}") {
            let normal = normalize(&text);
            prop_assert!(normal.len() <= text.len() * MAX_EXPANSION);
            prop_assert!(!normal.contains("  ") && !normal.starts_with(' ') && !normal.ends_with(' '));
            prop_assert_eq!(normalize(&normal), normal);
        }

        #[test]
        fn blocks_fold_as_single_bytes_do(text in "[ -~\t\r\n]{0,200}") {
            let expected = text.to_ascii_lowercase().split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(normalize(&text), expected);
        }
    }
}
