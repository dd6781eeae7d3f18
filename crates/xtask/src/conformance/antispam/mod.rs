//! What other filters notice: their own cases, as far as a rule or fact here says the same.
//!
//! `equivalents.toml` says what says the same. What has no equivalent is counted apart, by symbol: that is a catalogue, not a
//! debt. A message nobody wrote anything of must be judged, and that is all. Cases whose mail must be looked up in the DNS of
//! the program that wrote them are no cases here: the core is given such answers and does not ask.

mod rspamd;
mod seen;
mod spamassassin;
mod stalwart;

use std::sync::OnceLock;

use toml::Table;
use xd_core::{Engine, Limits, Message};

use super::{Case, Reading, VectorFile};
use seen::Seen;

pub(super) fn read(file: &VectorFile) -> Reading {
    if file.has_extension(&["spam", "ham"]) {
        // Samples that another program learns from.
        return Reading::Companion;
    }
    if let Some(value) = file.json() {
        return rspamd::read(file, &value).or_else(|| spamassassin::read(file, &value)).unwrap_or(Reading::Unknown);
    }
    if file.has_extension(&["test"]) {
        return file.text().map_or(Reading::Unknown, |text| stalwart::read(text, &file.name()));
    }
    Seen::of(&Message::parse(&file.bytes, &Limits::default()), |_, _| {});
    Reading::Cases(vec![Case::new("judged", Ok(()))])
}

/// The rules that come with xd.
fn engine() -> Result<&'static Engine, String> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::builtin().map_err(|errors| errors.to_string())).as_ref().map_err(Clone::clone)
}

/// What says the same as a symbol of a program; none when nothing does.
fn equivalents(program: &str, symbol: &str) -> Option<Vec<&'static str>> {
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| include_str!("equivalents.toml").parse().unwrap_or_default());
    let words = table.get(program)?.get(symbol)?.as_array()?;
    Some(words.iter().filter_map(|word| word.as_str()).collect())
}

/// One symbol that a program expects of a message, or expects not.
fn symbol_case(program: &str, case: &str, symbol: &str, expected: bool, seen: &Seen) -> Case {
    let name = format!("{symbol} in {case}");
    let Some(equivalents) = equivalents(program, symbol) else {
        return Case::apart(case, format!("no equivalent of {symbol}"));
    };
    if equivalents.iter().any(|word| seen.holds(word)) == expected {
        return Case::new(name, Ok(()));
    }
    let word = if expected { "none" } else { "one" };
    Case::new(name, Err(format!("{word} of {equivalents:?} is among {seen}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_what_there_is() {
        let table: Table = include_str!("equivalents.toml").parse().unwrap();
        let engine = engine().unwrap();
        for (program, symbols) in &table {
            for (symbol, words) in symbols.as_table().unwrap() {
                for word in words.as_array().unwrap() {
                    let word = word.as_str().unwrap();
                    assert!(Seen::knows(word, engine), "{program} {symbol}: {word}");
                }
            }
        }
    }
}
