//! Prose: sentences of common and less common words, in paragraphs of wrapped lines.

use crate::Random;

/// Every second word of English text is one of a few dozen.
const COMMON: &str = "the of and to a in is you that it he was for on are as with his they at be this have from or one had by \
    not but what all were when we there can an your which their said if do will each about how up out them then she many some \
    so these would other into has more her two like him see time could no make than first been its who now people my made over \
    did down only way find use may water long little very after words called just where most know";

const OTHER: &str = "account address afternoon agenda airport answer apartment article attached autumn balance bicycle boiler \
    booking bottle bridge budget building calendar camera carpet ceiling changes charge chapter children choir coffee colleague \
    committee concert conference contract corner correction cottage cousin customer daughter deadline delivery deposit desk \
    details dinner director discount district document doctor draft drawing driver edition engine evening event example exchange \
    exhibition expenses factory family ferry festival figures flight flowers folder forecast forest forward friend funding \
    garden garage glasses grandmother greetings group guest guide harbour heating history holiday hospital hotel house idea \
    illness information insurance interview invitation invoice island journey keyboard kitchen ladder language laptop lawyer \
    lecture letter library licence lunch luggage machine manager market material measure meeting member message mirror money \
    morning mountain museum music neighbour newspaper notebook notice number office offer opinion option orchard order package \
    painting paper parcel parents parking passport password payment pencil permission picture plan platform police pocket post \
    practice present price printer problem process programme project proposal quarter question railway reason receipt recipe \
    record region reminder repair reply report request reservation rest result return review river roof room route sample \
    schedule school season secretary section security selection seminar service session shelter shipment shop signature sister \
    software solution speaker speech spring station statement storage store storm story street student subject summer supper \
    supplier support survey table tailor teacher telephone theatre ticket timetable tools total tower town train translation \
    transfer travel treatment trial update vacation valley version village visit volunteer waiting wallet weather website \
    wedding weekend welcome window winter witness workshop yesterday";

/// At least `bytes` bytes of prose, ended at a word: CRLF lines of at most 76 characters, paragraphs apart.
#[must_use]
pub fn text(random: &mut Random, bytes: usize) -> String {
    let words = Words::new();
    let mut text = String::with_capacity(bytes + 80);
    let mut column = 0;
    while text.len() < bytes {
        let length = 5 + random.below(16);
        for index in 0..length {
            let mut word = words.next(random);
            if index == 0 {
                capitalize(&mut word);
            }
            match index {
                _ if index + 1 == length => word.push(*random.choose(&['.', '.', '.', '.', '?', '!'])),
                _ if random.below(12) == 0 => word.push(','),
                _ => {}
            }
            if column + 1 + word.len() > 76 {
                text.push_str("\r\n");
                column = 0;
            } else if column > 0 {
                text.push(' ');
                column += 1;
            }
            column += word.len();
            text.push_str(&word);
            if text.len() >= bytes {
                return text;
            }
        }
        if random.below(6) == 0 {
            text.push_str("\r\n\r\n");
            column = 0;
        }
    }
    text
}

/// A few words with blanks between them, the first with a capital.
#[must_use]
pub fn phrase(random: &mut Random, count: usize) -> String {
    let words = Words::new();
    let mut phrase = (0..count).map(|_| words.next(random)).collect::<Vec<_>>().join(" ");
    capitalize(&mut phrase);
    phrase
}

/// A word that is not one of the few dozen most common.
#[must_use]
pub fn rare_word(random: &mut Random) -> &'static str {
    let words = Words::new().other;
    words[random.below(words.len())]
}

/// The words that texts are made of.
struct Words {
    common: Vec<&'static str>,
    other: Vec<&'static str>,
}

impl Words {
    fn new() -> Self {
        Self { common: COMMON.split_whitespace().collect(), other: OTHER.split_whitespace().collect() }
    }

    fn next(&self, random: &mut Random) -> String {
        match random.below(20) {
            0 => invented(random),
            1 => (1 + random.below(2000)).to_string(),
            2..=11 => (*random.choose(&self.common)).to_owned(),
            _ => (*random.choose(&self.other)).to_owned(),
        }
    }
}

/// A name, a term of some trade, a word misspelled: what no dictionary has.
fn invented(random: &mut Random) -> String {
    const SYLLABLES: [&str; 16] =
        ["ka", "lin", "mo", "ter", "sa", "bel", "ro", "ni", "dan", "vi", "gar", "lo", "pe", "sch", "ü", "th"];
    (0..2 + random.below(3)).map(|_| *random.choose(&SYLLABLES)).collect()
}

fn capitalize(word: &mut str) {
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_the_size_asked_for_and_lines_that_mail_allows() {
        for bytes in [1, 100, 10_000] {
            let text = text(&mut Random::new(1), bytes);
            assert!((bytes..bytes + 80).contains(&text.len()), "{}", text.len());
            assert!(text.split("\r\n").all(|line| line.chars().count() <= 76));
        }
    }
}
