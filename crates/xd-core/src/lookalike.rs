//! Names that look like other names: what a hasty reader sees, and which brand it resembles.
//!
//! UTS #39 gives the prototypes of confusable characters. The rest is ours: digits that stand for letters, pairs of letters
//! that look like one, and names one slip away from a brand.

mod slip;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_security::confusable_detection::skeleton as prototypes;

use crate::message::normalize;

use slip::{Spelling, is_near};

/// How many bytes of a name are compared; 253, the longest domain (RFC 1035 §2.3.4). A longer name shows no one a brand.
const NAME_BYTES: usize = 253;

/// What a hasty reader sees: the text in normal spelling, accents dropped, letters of other scripts replaced by the ASCII
/// letters they look like. Characters that look like none stay.
///
/// # Example: what does "раураӏ", written in Cyrillic letters, look like?
/// ```
/// assert_eq!(xd_core::lookalike::skeleton("раураӏ"), "paypal");
/// assert_eq!(xd_core::lookalike::skeleton("Crédit"), "credit");
/// ```
#[must_use]
pub fn skeleton(text: &str) -> String {
    if text.is_ascii() { normalize(text) } else { skeleton_of_normal(normalize(&with_prototypes(text))) }
}

/// The text with each character replaced by what UTS #39 says it looks like, before normal spelling takes apart or drops what
/// shows it: a turned letter by its own, an overline by a macron. Those that normal spelling makes plain letters stay.
fn with_prototypes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut utf8 = [0; 4];
    for c in text.nfd() {
        let one: &str = c.encode_utf8(&mut utf8);
        let is_plain = |text: String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if c.is_ascii() || seen_as(c).is_some() || is_plain(normalize(one)) {
            out.push(c);
        } else {
            out.extend(prototypes(one));
        }
    }
    out
}

fn skeleton_of_normal(normal: String) -> String {
    if normal.is_ascii() {
        return normal;
    }
    let mut out = String::with_capacity(normal.len());
    for c in normal.nfd() {
        match seen_as(c) {
            Some(letter) => out.push(letter),
            None if c.is_ascii() => out.push(c),
            None if is_combining_mark(c) => {}
            None => push_prototype(c, &mut out),
        }
    }
    out
}

/// The skeleton with everything folded that is swapped to deceive: digits and signs for letters (`0` o, `1` `!` `|` l,
/// `3` e, `4` `@` a, `5` `$` s, `7` t, `8` b, `9` g), `i` and `l`, and pairs that look like one letter (`rn` m, `vv` w,
/// `cl` d). Blanks and punctuation are dropped.
///
/// It is no spelling for people: two names are compared by it.
///
/// # Example: are these the same at a glance?
/// ```
/// use xd_core::lookalike::folded;
///
/// assert_eq!(folded("rnicros0ft"), folded("Microsoft"));
/// assert_eq!(folded("pay-paI"), folded("PayPal"));
/// ```
#[must_use]
pub fn folded(text: &str) -> String {
    folded_skeleton(&skeleton(text))
}

fn folded_skeleton(skeleton: &str) -> String {
    let mut out = String::with_capacity(skeleton.len());
    for c in skeleton.chars() {
        let letter = match c {
            '0' => 'o',
            '1' | '!' | '|' | 'i' => 'l',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            '8' => 'b',
            '9' => 'g',
            c if c.is_alphanumeric() => c,
            _ => continue,
        };
        let pair = match (out.as_bytes().last(), letter) {
            (Some(b'r'), 'n') => 'm',
            (Some(b'v'), 'v') => 'w',
            (Some(b'c'), 'l') => 'd',
            _ => {
                out.push(letter);
                continue;
            }
        };
        out.pop();
        out.push(pair);
    }
    out
}

/// Whether the letters of a word come from scripts that look alike, such as Latin and Cyrillic.
///
/// Scripts that ordinary words combine (Han, kana and Latin; Hangul and Latin) do not count.
#[must_use]
pub fn mixes_scripts(word: &str) -> bool {
    word.chars().fold(Scripts::default(), Scripts::with).mixed()
}

/// Whether a name is not the brand but looks like it: a domain label or a word of a display name, or a piece of one
/// between hyphens, dots and blanks.
///
/// It looks like the brand when it is the same [`folded`], or, for brands of at least six letters, one slip away: a letter
/// inserted, left out, replaced, or swapped with its neighbour. A piece that *is* the brand does not resemble it.
///
/// # Example: which of these pose as someone else?
/// ```
/// use xd_core::lookalike::resembles;
///
/// assert!(resembles("paypa1", "paypal"));
/// assert!(resembles("micros0ft-support", "microsoft"));
/// assert!(!resembles("microsoft-support", "microsoft"));
/// assert!(!resembles("phase", "chase"));
/// ```
#[must_use]
pub fn resembles(name: &str, brand: &str) -> bool {
    Suspect::of(name).resembles(&Likeness::of(brand))
}

/// A name in the spellings by which names are compared, computed once for many comparisons.
#[derive(Clone, Debug)]
pub(crate) struct Likeness {
    name: String,
    /// The skeleton.
    plain: Spelling,
    /// The name folded.
    seen: Spelling,
}

impl Likeness {
    pub(crate) fn of(name: &str) -> Self {
        Self::of_normal(normalize(name.get(..name.floor_char_boundary(NAME_BYTES)).unwrap_or(name)))
    }

    fn of_normal(name: String) -> Self {
        let plain = skeleton(&name);
        Self { seen: Spelling::new(folded_skeleton(&plain)), plain: Spelling::new(plain), name }
    }

    /// The characters of the longer of its spellings.
    pub(crate) fn longest(&self) -> usize {
        self.plain.chars.max(self.seen.chars)
    }

    /// The characters of the shorter.
    fn shortest(&self) -> usize {
        self.plain.chars.min(self.seen.chars)
    }

    /// Numbers of which two names that look alike share one. Names that share one need not look alike.
    pub(crate) fn signs(&self) -> impl Iterator<Item = u64> {
        self.plain.signs().chain(self.seen.signs())
    }

    /// Whether this is another name that looks like the brand.
    fn poses_as(&self, brand: &Self) -> bool {
        // Folding brings names together and can also part them ("cl" d), so a slip is sought in both spellings.
        let near = is_near(&self.seen, &brand.seen) || is_near(&self.plain, &brand.plain);
        near && !brand.seen.text.is_empty() && self.name != brand.name
    }
}

/// A name that may pose as a brand: the whole, and its pieces between hyphens, dots and blanks.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    whole: Likeness,
    /// Empty when the name is one piece.
    pieces: Vec<Likeness>,
}

impl Suspect {
    pub(crate) fn of(name: &str) -> Self {
        let whole = Likeness::of(name);
        let parts =
            whole.name.split(|c: char| c.is_whitespace() || matches!(c, '-' | '.' | '_')).filter(|piece| !piece.is_empty());
        let pieces = if parts.clone().nth(1).is_some() {
            parts.map(|piece| Likeness::of_normal(piece.to_owned())).collect()
        } else {
            Vec::new()
        };
        Self { whole, pieces }
    }

    /// Numbers of which a brand that the name resembles has one, if no brand has more characters than this.
    pub(crate) fn signs(&self, longest_brand: usize) -> impl Iterator<Item = u64> {
        let names = self.pieces.iter().chain([&self.whole]);
        names.filter(move |name| name.shortest() <= longest_brand + 1).flat_map(Likeness::signs)
    }

    pub(crate) fn resembles(&self, brand: &Likeness) -> bool {
        // The whole too: "pay-pal". But not when a piece is the brand itself: "paypal-x" is not one slip away.
        self.pieces.iter().any(|piece| piece.poses_as(brand))
            || (self.pieces.iter().all(|piece| piece.name != brand.name) && self.whole.poses_as(brand))
    }
}

/// Whether a word is written in letters that are not the ASCII letters they all look like.
///
/// Accented letters and the letters of European Latin alphabets are what they look like, so "bücher" is none.
pub(crate) fn is_lookalike(word: &str) -> bool {
    if word.is_ascii() || word.chars().any(|c| ('\u{aa}'..='\u{17f}').contains(&c)) {
        return false;
    }
    let mut seen = String::new();
    word.chars().all(|c| {
        if c.is_ascii() {
            return true;
        }
        seen.clear();
        push_prototype(c, &mut seen);
        !seen.is_empty() && seen.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The look-alike scripts of some letters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scripts(u8);

impl Scripts {
    const LATIN: u8 = 1;
    const GREEK: u8 = 2;
    const CYRILLIC: u8 = 4;
    const OTHER: u8 = 8;

    /// The scripts with that of one more character.
    #[inline]
    pub(crate) fn with(self, c: char) -> Self {
        let script = match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}' => Self::LATIN,
            '\u{400}'..='\u{482}' | '\u{48a}'..='\u{52f}' => Self::CYRILLIC,
            // Nothing below looks like a letter of another script, and it is what much mail is written in.
            '\0'..='\u{bf}' | '\u{d7}' | '\u{f7}' | '\u{5d0}'..='\u{6ff}' | '\u{e00}'..='\u{e7f}' | '\u{2000}'..='\u{206f}' => 0,
            '\u{3000}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{1f000}'..='\u{1faff}' => 0,
            _ => match c.script() {
                Script::Latin => Self::LATIN,
                Script::Greek => Self::GREEK,
                Script::Cyrillic => Self::CYRILLIC,
                Script::Armenian | Script::Cherokee | Script::Coptic | Script::Lisu | Script::Deseret => Self::OTHER,
                _ => 0,
            },
        };
        Self(self.0 | script)
    }

    /// The scripts of both.
    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether letters of more than one script are among them.
    pub(crate) fn mixed(self) -> bool {
        self.0 & self.0.wrapping_sub(1) != 0
    }

    /// Whether letters of a script other than Latin are among them.
    pub(crate) fn foreign(self) -> bool {
        self.0 & !Self::LATIN != 0
    }
}

/// Letters that UTS #39 keeps apart (their prototypes are small capitals) and a hasty reader does not.
fn seen_as(c: char) -> Option<char> {
    Some(match c {
        'в' | 'ь' | 'β' | 'ʙ' | 'ƅ' => 'b',
        'ε' | 'є' | 'ꞓ' => 'e',
        'н' | 'ʜ' => 'h',
        'к' | 'κ' | 'ᴋ' => 'k',
        'м' | 'ᴍ' => 'm',
        'п' | 'η' => 'n',
        'г' => 'r',
        'т' | 'τ' | 'ᴛ' => 't',
        'и' | 'μ' => 'u',
        'ω' | 'ш' => 'w',
        'ı' => 'i',
        _ => return None,
    })
}

/// Appends what UTS #39 says a character looks like, in lower case, marks dropped.
fn push_prototype(c: char, out: &mut String) {
    let mut utf8 = [0; 4];
    for prototype in prototypes(c.encode_utf8(&mut utf8)).filter(|&c| !is_combining_mark(c)) {
        out.extend(prototype.to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn skeletons() {
        for (text, seen) in [
            ("PayPal", "paypal"),
            ("pаypаl", "paypal"),
            ("раураӏ", "paypal"),
            ("𝗽𝗮𝘆𝗽𝗮𝗹", "paypal"),
            ("ｐａｙｐａｌ", "paypal"),
            ("аррӏе", "apple"),
            ("αmazοn", "amazon"),
            ("ɡoogle", "google"),
            ("мicrosoft", "microsoft"),
            ("Ünïcödé", "unicode"),
            ("日本", "日本"),
            ("ᏞᏚ", "ls"),
            ("ᴍᴛ", "mt"),
            ("ᒮ", "·y"),
        ] {
            assert_eq!(skeleton(text), seen, "{text}");
        }
    }

    #[test]
    fn scripts_that_look_alike_do_not_mix_in_words() {
        for word in ["pаypal", "Αmazon", "mіcrosoft", "кοт"] {
            assert!(mixes_scripts(word), "{word}");
        }
        for word in ["paypal", "привет", "café", "Tシャツ", "ｶﾅ漢字", "한국IT", "", "123", "λόγος"] {
            assert!(!mixes_scripts(word), "{word}");
        }
    }

    #[test]
    fn lookalike_words_are_ascii_only_to_the_eye() {
        for word in ["аррӏе", "pаypal", "ѕсоре", "ɡoogle"] {
            assert!(is_lookalike(word), "{word}");
        }
        for word in ["apple", "bücher", "привет", "café", "日本", "yapı", "smørrebrød", ""] {
            assert!(!is_lookalike(word), "{word}");
        }
    }

    #[test]
    fn resemblance() {
        for (name, brand) in [
            ("paypa1", "paypal"),
            ("PayPaI", "PayPal"),
            ("rnicrosoft", "microsoft"),
            ("micros0ft-support", "microsoft"),
            ("pay-pal", "paypal"),
            ("secure.paypaI.login", "paypal"),
            ("pаypal", "paypal"),
            ("microsft", "microsoft"),
            ("micrsooft", "microsoft"),
            ("microsofft", "microsoft"),
            ("mikrosoft", "microsoft"),
            ("app1e", "apple"),
            ("bankofamerlca", "bankofamerica"),
        ] {
            assert!(resembles(name, brand), "{name} {brand}");
        }
        for (name, brand) in [
            ("paypal", "paypal"),
            ("PAYPAL", "paypal"),
            ("paypal-support", "paypal"),
            ("phase", "chase"),
            ("apples", "apple"),
            ("mircosotf", "microsoft"),
            ("", "paypal"),
            ("paypal", ""),
            ("completely different", "microsoft"),
        ] {
            assert!(!resembles(name, brand), "{name} {brand}");
        }
    }

    proptest! {
        #[test]
        fn one_slip_is_enough(at in 0usize..9, letter in "[a-z]") {
            let brand = "microsoft";
            let mut slipped = brand.to_owned();
            slipped.insert_str(at, &letter);
            prop_assert!(resembles(&slipped, brand));
            slipped.replace_range(at..at + 2, &letter);
            prop_assert!(slipped == brand || resembles(&slipped, brand));
        }

        #[test]
        fn any_text_folds(text in "\\PC{0,60}", brand in "\\PC{0,20}") {
            let _ = (folded(&text), mixes_scripts(&text), is_lookalike(&text), resembles(&text, &brand));
        }
    }
}
