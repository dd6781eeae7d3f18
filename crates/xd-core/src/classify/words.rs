//! The words of a text in normal spelling, as features: each word, each two that follow one another.
//!
//! Every run of digits is one digit, and an address or host is no word but one that stands for all, so that none is known again. Scripts without blanks between words
//! (Han, kana, Thai and their neighbours) give each two characters that stand side by side.

use super::hash::Hash;

/// The bytes of a text that are read: its beginning and its end.
const HEAD_BYTES: usize = 48 * 1024;
const TAIL_BYTES: usize = 8 * 1024;

/// Bytes of the longest run of letters that is a word. Longer ones are hashes and encoded data, of which only the length says anything.
const WORD_BYTES: usize = 40;

/// A word with what it hashes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Word<'t> {
    /// As it stands in the text.
    pub(super) text: &'t str,
    /// The same for all words that are one feature.
    pub(super) hash: u64,
}

/// Gives each word of a text to `each`, in order; `None` where parts of a message meet.
pub(super) fn each<'t>(text: &'t str, mut each: impl FnMut(Option<Word<'t>>)) {
    if text.len() <= HEAD_BYTES + TAIL_BYTES {
        return words(text, &mut each);
    }
    words(text.get(..text.floor_char_boundary(HEAD_BYTES)).unwrap_or_default(), &mut each);
    each(None);
    words(text.get(text.ceil_char_boundary(text.len() - TAIL_BYTES)..).unwrap_or_default(), &mut each);
}

fn words<'t>(text: &'t str, each: &mut impl FnMut(Option<Word<'t>>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Up to where joined words were looked at: what is no address as a whole holds none.
    let mut joined = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\n' {
            each(None);
        }
        let start = at;
        if byte < 0x80 {
            at += 1;
            if !is_plain(byte) && byte != b'$' {
                continue;
            }
        } else {
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
            at += c.len_utf8();
            if is_unspaced(c) {
                unspaced(text, start, &mut at, each);
                continue;
            }
            if !c.is_alphanumeric() && !matches!(c, '€' | '£' | '¥') {
                continue;
            }
        }
        at = end_of_word(text, at);
        if at > joined {
            let (end, is_address) = end_of_joined(bytes, at);
            joined = end;
            if is_address {
                at = end;
                each(Some(Word { text: text.get(start..at).unwrap_or_default(), hash: Hash::of_kind(2).value() }));
                continue;
            }
        }
        if let Some(word) = text.get(start..at) {
            each(Some(Word { text: word, hash: hash(word) }));
        }
    }
}

/// Whether a byte is a letter or digit of ASCII, by one look: most bytes of a text are asked.
fn is_plain(byte: u8) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte = 0;
        while byte < 128_u8 {
            plain[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        plain
    };
    PLAIN[usize::from(byte)]
}

/// Where the word ends that goes on here.
fn end_of_word(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at) {
            Some(&byte) if is_plain(byte) => at += 1,
            // An apostrophe between letters: "don't", "you're".
            Some(b'\'') if bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => at += 1,
            Some(0x80..) => match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(c) if c.is_alphanumeric() && !is_unspaced(c) => at += c.len_utf8(),
                _ => return at,
            },
            _ => return at,
        }
    }
}

/// Where the joined words end of which the first ends here: words with dots, hyphens, `@` and the like between them and no blank. With
/// whether they are an address or a host: with an `@`, or a dot, between two of them.
fn end_of_joined(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let letters_before = |at: usize| bytes.iter().take(at).rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let letters_from = |at: usize| bytes.iter().skip(at).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let mut is_address = false;
    while let Some(joint @ (b'.' | b'@' | b'-' | b'_' | b'+' | b'=')) = bytes.get(at)
        && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
    {
        // A dot between digits is a number, and one behind a single letter an abbreviation.
        is_address |= *joint == b'@' || (*joint == b'.' && letters_before(at) >= 2 && letters_from(at + 1) >= 2);
        at += 1;
        while bytes.get(at).is_some_and(u8::is_ascii_alphanumeric) {
            at += 1;
        }
    }
    (at, is_address)
}

/// Gives each two characters of a run in a script without blanks, or a single one.
fn unspaced<'t>(text: &'t str, start: usize, at: &mut usize, each: &mut impl FnMut(Option<Word<'t>>)) {
    let mut before = start;
    let mut pairs = 0_usize;
    while let Some(c) = text.get(*at..).and_then(|rest| rest.chars().next()).filter(|&c| is_unspaced(c)) {
        let end = *at + c.len_utf8();
        if let Some(pair) = text.get(before..end) {
            each(Some(Word { text: pair, hash: Hash::of_kind(0).with_bytes(pair.as_bytes()).value() }));
        }
        pairs += 1;
        before = *at;
        *at = end;
    }
    if pairs == 0
        && let Some(single) = text.get(start..*at)
    {
        each(Some(Word { text: single, hash: Hash::of_kind(0).with_bytes(single.as_bytes()).value() }));
    }
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The hash of a word, its runs of digits taken for one digit.
fn hash(word: &str) -> u64 {
    let bytes = word.as_bytes();
    if bytes.len() > WORD_BYTES {
        return Hash::of_kind(1).with(u64::from(bytes.len().ilog2())).value();
    }
    if !bytes.iter().any(u8::is_ascii_digit) {
        return Hash::of_kind(0).with_bytes(bytes).value();
    }
    let mut folded = [0; WORD_BYTES];
    let mut length = 0;
    for &byte in bytes {
        let byte = if byte.is_ascii_digit() { b'0' } else { byte };
        if byte == b'0' && length > 0 && folded[length - 1] == b'0' {
            continue;
        }
        folded[length] = byte;
        length += 1;
    }
    Hash::of_kind(0).with_bytes(&folded[..length]).value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        each(text, |word| found.push(word.map_or("|", |word| word.text)));
        found
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            words_of("you're owed $1,000 by straße-bank!\nok"),
            ["you're", "owed", "$1", "000", "by", "straße", "bank", "|", "ok"]
        );
    }

    #[test]
    fn addresses_and_hosts_are_one_word_and_all_the_same() {
        let found = words_of("see www.example.com, ask joe.bloggs+x@example.org or i.e. version 1.2.3 well-known a.m. end.of");
        let expected = [
            "see",
            "www.example.com",
            "ask",
            "joe.bloggs+x@example.org",
            "or",
            "i",
            "e",
            "version",
            "1",
            "2",
            "3",
            "well",
            "known",
            "a",
            "m",
            "end.of",
        ];
        assert_eq!(found, expected);
        let hash = |text: &str| {
            let mut hashes = Vec::new();
            each(text, |word| hashes.extend(word.map(|word| word.hash)));
            hashes
        };
        assert_eq!(hash("a@example.com"), hash("example.net"));
        assert_ne!(hash("example.net"), hash("example"));
    }

    #[test]
    fn scripts_without_blanks_give_pairs() {
        assert_eq!(words_of("请点击 here 我"), ["请点", "点击", "here", "我"]);
    }

    #[test]
    fn numbers_are_all_the_same() {
        assert_eq!(hash("2024"), hash("7"));
        assert_eq!(hash("abc123"), hash("abc9"));
        assert_ne!(hash("abc1"), hash("abc"));
        assert_eq!(hash(&"x".repeat(41)), hash(&"y".repeat(60)));
    }

    #[test]
    fn the_middle_of_a_long_text_is_not_read() {
        let edge = "ab ".repeat((HEAD_BYTES + TAIL_BYTES) / 3);
        assert!(!words_of(&edge).contains(&"|"));
        assert_eq!(words_of(&(edge.clone() + "cd ")).iter().filter(|word| **word == "|").count(), 1);
        assert!(words_of(&(edge + "cd ")).len() <= (HEAD_BYTES + TAIL_BYTES) / 3 + 2);
    }
}
