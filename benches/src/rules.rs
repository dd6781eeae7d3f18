//! Rule files of any number of patterns, in the mixture that written rules have.

use std::fmt::Write;

use xd_core::RuleSource;

use crate::{Random, prose};

/// A rule file with this many patterns: eight in ten are phrases, one is a substring, one a regular expression. They are
/// made of the words that [`prose`] is made of, so that beginnings of them stand everywhere and some are found.
#[must_use]
pub fn file(patterns: usize) -> RuleSource {
    let mut random = Random::new(8);
    let mut text = String::from("family = \"made-up\"\n");
    for index in 0..patterns {
        let test = match index % 10 {
            0 => format!("regex = '{}'", regex(&mut random)),
            1 => format!("contains = [\"{}\"]", prose::phrase(&mut random, 2).to_lowercase()),
            _ => format!("words = [\"{}\"]", prose::phrase(&mut random, 2 + index % 2).to_lowercase()),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "[[rule]]\nid = \"made-up-{index:05}\"\nscore = \"0.01\"\nwhy = \"a made-up pattern is found\"\n\
             when = {{ in = \"text\", {test} }}\n"
        );
    }
    RuleSource::new("made-up.toml", text)
}

/// A short pattern with a gap, as phrases with a few spellings are written. It begins with a word of some length, so that
/// it is not tried everywhere.
fn regex(random: &mut Random) -> String {
    let words = [prose::rare_word(random), prose::rare_word(random), prose::rare_word(random)];
    format!(r"\b{} (?:{}|{}|your) [a-z]{{0,6}}", words[0], words[1], words[2])
}
