//! Edits of words: appended, respelled, cut apart. In HTML only what is between tags is touched.

/// Who wants words changed, by the word in small letters.
pub(super) type Wants<'a> = &'a dyn Fn(&str) -> bool;

/// Applies `edit` to every run of text outside tags, comments, entities, styles and scripts.
pub(super) fn outside_tags(page: &str, mut edit: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(page.len());
    let mut rest = page;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&edit(&rest[..at]));
        rest = &rest[at..];
        let lower: String = rest.chars().take(8).collect::<String>().to_ascii_lowercase();
        let end = match &lower {
            mark if mark.starts_with("<!--") => after(rest, "-->"),
            mark if mark.starts_with("<style") => after(rest, "</style>"),
            mark if mark.starts_with("<script") => after(rest, "</script>"),
            mark if mark.starts_with("<title") => after(rest, "</title>"),
            mark if mark.starts_with('<') => after(rest, ">"),
            // An entity, or an ampersand alone.
            _ => rest.bytes().take(10).position(|byte| byte == b';').map_or(1, |at| at + 1),
        };
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    out.push_str(&edit(rest));
    out
}

fn after(text: &str, mark: &str) -> usize {
    let found = text.as_bytes().windows(mark.len()).position(|window| window.eq_ignore_ascii_case(mark.as_bytes()));
    found.map_or(text.len(), |at| at + mark.len())
}

/// Applies `edit` to every word of ASCII letters that `wants` wants; a host or an address is no word.
pub(super) fn each_word(text: &str, wants: Wants<'_>, mut edit: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(char::is_whitespace) {
        if piece.contains("://") || piece.contains('@') || piece.starts_with("www.") {
            out.push_str(piece);
            continue;
        }
        let mut rest = piece;
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic()) {
            let end = rest[start..].find(|c: char| !c.is_ascii_alphabetic()).map_or(rest.len(), |length| start + length);
            let word = &rest[start..end];
            out.push_str(&rest[..start]);
            if wants(&word.to_ascii_lowercase()) {
                out.push_str(&edit(word));
            } else {
                out.push_str(word);
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
    }
    out
}

/// The word in Cyrillic letters that look like its own.
pub(super) fn in_lookalikes(word: &str) -> String {
    let looks = |c| match c {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'i' => 'і',
        'o' => 'о',
        'p' => 'р',
        's' => 'ѕ',
        'x' => 'х',
        'y' => 'у',
        'A' => 'А',
        'B' => 'В',
        'C' => 'С',
        'E' => 'Е',
        'H' => 'Н',
        'M' => 'М',
        'O' => 'О',
        'P' => 'Р',
        'T' => 'Т',
        other => other,
    };
    word.chars().map(looks).collect()
}

/// The word with one letter in the middle replaced by a Cyrillic one, where there is one that looks the same.
pub(super) fn with_one_lookalike(word: &str) -> String {
    let changed = word.char_indices().skip(1).find(|(_, c)| in_lookalikes(&c.to_string()) != c.to_string());
    changed.map_or_else(
        || word.to_owned(),
        |(at, c)| format!("{}{}{}", &word[..at], in_lookalikes(&c.to_string()), &word[at + c.len_utf8()..]),
    )
}

/// The word with accents that a reader overlooks.
pub(super) fn with_accents(word: &str) -> String {
    let accented = |c| match c {
        'a' => 'á',
        'e' => 'é',
        'i' => 'í',
        'o' => 'ó',
        'u' => 'ú',
        other => other,
    };
    word.chars().map(accented).collect()
}

/// The word with digits and signs for letters.
pub(super) fn with_digits(word: &str) -> String {
    let digit = |c| match c {
        'a' => '@',
        'e' => '3',
        'i' | 'l' => '1',
        'o' => '0',
        's' => '5',
        other => other,
    };
    word.chars().map(digit).collect()
}

/// The word in mathematical letters.
pub(super) fn styled(word: &str) -> String {
    let letter = |c: char| match c {
        'a'..='z' => char::from_u32(0x1D5BA + u32::from(c) - u32::from('a')),
        'A'..='Z' => char::from_u32(0x1D5A0 + u32::from(c) - u32::from('A')),
        _ => None,
    };
    word.chars().map(|c| letter(c).unwrap_or(c)).collect()
}

/// The word with something between its halves.
pub(super) fn cut(word: &str, by: &str) -> String {
    let middle = word.len() / 2;
    format!("{}{by}{}", &word[..middle], &word[middle..])
}

/// The word with blanks between its letters.
pub(super) fn spaced(word: &str) -> String {
    word.chars().map(String::from).collect::<Vec<_>>().join(" ")
}

/// The word with two letters in its middle exchanged.
pub(super) fn with_slip(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() >= 4 {
        letters.swap(1, 2);
    }
    letters.into_iter().collect()
}

/// Words of spam with others that say the same.
const SYNONYMS: [(&str, &str); 56] = [
    ("free", "complimentary"),
    ("click", "press"),
    ("money", "funds"),
    ("offer", "proposal"),
    ("buy", "acquire"),
    ("cheap", "inexpensive"),
    ("price", "cost"),
    ("prices", "costs"),
    ("save", "keep"),
    ("discount", "reduction"),
    ("guarantee", "assurance"),
    ("guaranteed", "assured"),
    ("winner", "recipient"),
    ("won", "received"),
    ("win", "receive"),
    ("prize", "award"),
    ("lottery", "draw"),
    ("urgent", "pressing"),
    ("immediately", "promptly"),
    ("now", "presently"),
    ("account", "profile"),
    ("verify", "check"),
    ("confirm", "check"),
    ("password", "credentials"),
    ("login", "entry"),
    ("bank", "institution"),
    ("transfer", "movement"),
    ("million", "large"),
    ("dollars", "currency"),
    ("investment", "placement"),
    ("loan", "advance"),
    ("mortgage", "financing"),
    ("credit", "balance"),
    ("insurance", "coverage"),
    ("income", "earnings"),
    ("cash", "notes"),
    ("business", "enterprise"),
    ("opportunity", "chance"),
    ("work", "labour"),
    ("home", "house"),
    ("order", "request"),
    ("email", "message"),
    ("mail", "post"),
    ("remove", "delete"),
    ("unsubscribe", "leave"),
    ("list", "register"),
    ("viagra", "pills"),
    ("sex", "intimacy"),
    ("women", "ladies"),
    ("girls", "ladies"),
    ("bitcoin", "coins"),
    ("wallet", "purse"),
    ("suspended", "paused"),
    ("security", "safety"),
    ("update", "renew"),
    ("expire", "lapse"),
];

/// A word that says the same, if one is known.
pub(super) fn synonym(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    SYNONYMS.iter().find(|(known, _)| *known == lower).map(|(_, other)| *other)
}

/// Numbers that look random and are the same each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The upper bits are the good ones; bounds are small.
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound.max(1)
    }

    /// A run of letters that is no word.
    pub(super) fn letters(&mut self) -> String {
        let length = 5 + self.below(7);
        (0..length).map(|_| char::from(b'a' + u8::try_from(self.below(26)).unwrap_or_default())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_entities_and_styles_stay() {
        let page = "<style>free</style><a href='free'>free &free; free</a><!-- free -->free";
        let edited = outside_tags(page, |text| text.replace("free", "X"));
        assert_eq!(edited, "<style>free</style><a href='free'>X &free; X</a><!-- free -->X");
        assert_eq!(outside_tags("a & b <unclosed", str::to_uppercase), "A & B <unclosed");
    }

    #[test]
    fn words_are_edited_and_addresses_are_not() {
        let edited = each_word("Money, a@example.com http://example.com/x money!", &|word| word == "money", |_| "X".to_owned());
        assert_eq!(edited, "X, a@example.com http://example.com/x X!");
    }
}
