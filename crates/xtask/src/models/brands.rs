//! What the table of brands is worth: how much phishing mail is lost when any ten brands are missing from it.
//!
//! New brands are impersonated every week, so what is caught may not hang on the table. The ten that most phishing mail names are taken out, and tens by lot.

use std::collections::BTreeMap;

use xd_core::{Engine, Limits, Message, RuleSource, evidence, judge};

use super::SHIPPED;
use super::labelled::{Labelled, held};
use super::together::Judged;
use crate::report::Shortfall;

/// How many brands are taken out at once.
const TEN: usize = 10;
/// How often by lot.
const LOTS: u64 = 12;
/// The most recall that it may cost, in hundredths of a percent.
const MOST: usize = 200;

/// Takes brands out and says what it costs; `judged` is what all messages get with all brands.
///
/// # Errors
/// Ten brands cost more than two points of phish recall beside a model or alone, or a message cannot be read.
pub(super) fn check(engine: &Engine, labelled: &[Labelled], judged: &Judged) -> Result<String, Shortfall> {
    let phish: Vec<usize> = (0..labelled.len()).filter(|&at| labelled[at].label == "phish").collect();
    let names: Vec<Vec<String>> = brands(engine.sources());
    let mut tens = vec![most_named(engine, labelled, &phish, &names)?];
    let mut state = 0x5eed_u64;
    for _ in 0..LOTS {
        let mut lot: Vec<usize> = (0..names.len()).collect();
        for first in 0..TEN.min(lot.len()) {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let other = first + ((state >> 33) % (lot.len() - first) as u64) as usize;
            lot.swap(first, other);
        }
        lot.truncate(TEN);
        tens.push(lot);
    }
    let mut lines =
        vec![format!("\n{:<10}{:>10}{:>12}{:>10}   brands taken out", "phish lost", "default", "permissive", "rules")];
    let mut worst = 0;
    for ten in tens {
        let fewer = Engine::compile(without(engine.sources(), &ten)).map_err(|errors| Shortfall::Failed(errors.to_string()))?;
        let mut lost = [0_usize; SHIPPED.len() + 1];
        for &at in &phish {
            let (one, all) = (&labelled[at], judged.rules[at]);
            let fewer = judged.of_rules(one, &held(&one.path, &fewer)?);
            for (situation, lost) in lost.iter_mut().enumerate() {
                let beside = judged.both.get(situation).map_or(0.0, |both| both[at] - all);
                *lost += usize::from(beside + all >= SPAM && beside + fewer < SPAM);
            }
        }
        let share = lost.map(|lost| lost * 10_000 / phish.len().max(1));
        worst = share.into_iter().fold(worst, usize::max);
        let shown = share.map(|share| format!("{}.{:02} %", share / 100, share % 100));
        let which: Vec<&str> = ten.iter().map(|&brand| names[brand][0].as_str()).collect();
        lines.push(format!("{:<10}{:>10}{:>12}{:>10}   {}", "", shown[0], shown[1], shown[2], which.join(", ")));
    }
    println!("{}", lines.join("\n"));
    let note = format!("{} brands; ten missing cost at most {}.{:02} % of phishing mail", names.len(), worst / 100, worst % 100);
    if worst <= MOST { Ok(note) } else { Err(Shortfall::Failed(note)) }
}

/// Where spam begins by default, in points, less what rounding of sums may do.
const SPAM: f32 = 5.0 - 0.001;

/// The brands that most phishing mail is told by: for each message, those named where a rule about brands found its proof.
fn most_named(engine: &Engine, labelled: &[Labelled], phish: &[usize], names: &[Vec<String>]) -> Result<Vec<usize>, Shortfall> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for &at in phish {
        let bytes = std::fs::read(&labelled[at].path)?;
        let message = Message::parse(&bytes, &Limits::default());
        let (envelope, evidence) = evidence::derive(&message);
        let judgement = judge(engine, &envelope, &message, &evidence);
        let is_about_brands = |id: &str| engine.rules().rule(id).is_some_and(|rule| rule.condition_text().contains("brand"));
        let proofs = judgement
            .verdict()
            .findings
            .iter()
            .filter(|finding| is_about_brands(finding.rule))
            .flat_map(|finding| &finding.proofs);
        let quoted: String = proofs.map(|proof| proof.quote.to_lowercase() + "\n").collect();
        for (brand, _) in names.iter().enumerate().filter(|(_, names)| names.iter().any(|name| is_named(&quoted, name))) {
            *counts.entry(brand).or_default() += 1;
        }
    }
    let mut most: Vec<(usize, usize)> = counts.into_iter().map(|(brand, count)| (count, brand)).collect();
    most.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(most.into_iter().take(TEN).map(|(_, brand)| brand).collect())
}

/// Whether a text has a name as a word: "ups" does not stand in "groups".
fn is_named(text: &str, name: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + name.len()..).unwrap_or_default());
        !is_letter(before.chars().next_back()) && !is_letter(after.chars().next())
    })
}

/// The names of each brand, in the order of files.
fn brands(sources: &[RuleSource]) -> Vec<Vec<String>> {
    let blocks = sources.iter().flat_map(|source| blocks(&source.text).into_iter().filter(|block| is_brand(block)));
    blocks.map(names).collect()
}

fn names(block: &str) -> Vec<String> {
    let table: toml::Table = toml::from_str(block).unwrap_or_default();
    let brand = table.get("brand").and_then(toml::Value::as_array).and_then(|brands| brands.first());
    let names = brand.and_then(|brand| brand.get("names")).and_then(toml::Value::as_array);
    names.into_iter().flatten().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// The rule files without those brands.
fn without(sources: &[RuleSource], brands: &[usize]) -> Vec<RuleSource> {
    let mut number = 0;
    let mut rest = |source: &RuleSource| {
        let stays = |block: &&str| {
            let is_out = is_brand(block) && brands.contains(&number);
            number += usize::from(is_brand(block));
            !is_out
        };
        RuleSource::new(source.name.as_str(), blocks(&source.text).into_iter().filter(stays).collect::<String>())
    };
    sources.iter().map(&mut rest).collect()
}

fn is_brand(block: &str) -> bool {
    block.starts_with("[[brand]]")
}

/// A file cut before each of its tables.
fn blocks(text: &str) -> Vec<&str> {
    let starts = text.match_indices("\n[[").map(|(at, _)| at + 1);
    let ends: Vec<usize> = starts.chain([text.len()]).collect();
    let begins = [0].into_iter().chain(ends.iter().copied());
    begins.zip(&ends).map(|(begin, &end)| &text[begin..end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_are_taken_out_and_nothing_else() {
        let text = "family = \"a\"\n[[brand]]\nnames = [\"one\"]\ndomains = [\"one.example\"]\n\n[[list]]\nid = \"x\"\nentries = [\"y\"]\n\
                    [[brand]]\nnames = [\"two\", \"zwei\"]\ndomains = [\"two.example\"]\n";
        let sources = [RuleSource::new("a.toml", text)];
        assert_eq!(brands(&sources), [vec!["one".to_owned()], vec!["two".to_owned(), "zwei".to_owned()]]);
        assert_eq!(without(&sources, &[])[0].text, text);
        let one_out = &without(&sources, &[0])[0].text;
        assert_eq!(brands(&[RuleSource::new("a.toml", one_out.as_str())]), [["two", "zwei"]]);
        assert!(one_out.contains("[[list]]") && !one_out.contains("one.example"));
    }
}
