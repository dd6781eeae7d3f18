//! Texts of one set that hold each other: where the longer one is met, so is the shorter one.

use crate::rules::read::Located;
use crate::rules::scanner::stands_alone;

/// Bytes of texts by which others are looked up; of a shorter text all.
const BEGINNING: usize = 4;

/// The texts that hold another one of the set, each with the first it holds, by index. `words` wants it as whole words.
pub(super) fn pairs(texts: &[(String, &Located<String>)], words: bool) -> Vec<(usize, usize)> {
    // What a text holds begins at one of its places with the first bytes of another.
    let mut beginnings: Vec<(u64, usize)> =
        texts.iter().enumerate().map(|(index, (text, _))| (key(&text.as_bytes()[..text.len().min(BEGINNING)]), index)).collect();
    beginnings.sort_unstable();
    let shortest = texts.iter().map(|(text, _)| text.len()).min().unwrap_or(0).clamp(1, BEGINNING);
    // Most places begin nothing: one look at their first two bytes tells.
    let mut begun = vec![0_u64; (1 << 16) / 64];
    let pair = |bytes: &[u8]| bytes.first_chunk::<2>().map(|two| usize::from(u16::from_le_bytes(*two)));
    for pair in texts.iter().filter_map(|(text, _)| pair(text.as_bytes())) {
        begun[pair / 64] |= 1 << (pair % 64);
    }
    let may_begin = |rest: &[u8]| shortest < 2 || pair(rest).is_some_and(|pair| begun[pair / 64] >> (pair % 64) & 1 == 1);
    let starting_with = |bytes: &[u8]| {
        let key = key(bytes);
        let from = beginnings.partition_point(|(other, _)| *other < key);
        beginnings[from..].iter().take_while(move |(other, _)| *other == key).map(|(_, index)| *index)
    };
    let held = |(index, (text, _)): (usize, &(String, &Located<String>))| {
        let other = (0..text.len()).find_map(|at| {
            let rest = &text.as_bytes()[at..];
            if !may_begin(rest) {
                return None;
            }
            let mut others = (shortest..=BEGINNING.min(rest.len())).flat_map(|length| starting_with(&rest[..length]));
            others.find(|&other| {
                let inner = texts[other].0.as_bytes();
                let whole = || !words || stands_alone(text, &(at..at + inner.len()));
                other != index && rest.starts_with(inner) && whole()
            })
        })?;
        Some((index, other))
    };
    texts.iter().enumerate().filter_map(held).collect()
}

/// A number for at most [`BEGINNING`] bytes; others have others.
fn key(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |key, &byte| key << 8 | u64::from(byte))
}
