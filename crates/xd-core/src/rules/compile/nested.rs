//! Texts of one set that hold each other: where the longer one is met, so is the shorter one.

use std::collections::BTreeMap;

use crate::rules::read::Located;
use crate::rules::scanner::stands_alone;

/// The texts that hold another one of the set, each with the first it holds, by index. `words` wants it as whole words.
pub(super) fn pairs(texts: &[(String, &Located<String>)], words: bool) -> Vec<(usize, usize)> {
    // What a text holds begins at one of its places with the first bytes of another.
    let mut by_beginning: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (index, (text, _)) in texts.iter().enumerate() {
        by_beginning.entry(beginning(text.as_bytes())).or_default().push(index);
    }
    let held = |(index, (text, _)): (usize, &(String, &Located<String>))| {
        let other = (0..text.len()).find_map(|at| {
            let rest = &text.as_bytes()[at..];
            let others = (1..=BEGINNING.min(rest.len())).filter_map(|length| by_beginning.get(&rest[..length])).flatten();
            others.copied().find(|&other| {
                let inner = texts[other].0.as_bytes();
                let whole = || !words || stands_alone(text, &(at..at + inner.len()));
                other != index && rest.starts_with(inner) && whole()
            })
        })?;
        Some((index, other))
    };
    texts.iter().enumerate().filter_map(held).collect()
}

/// Bytes of texts by which others are looked up.
const BEGINNING: usize = 4;

fn beginning(text: &[u8]) -> &[u8] {
    &text[..text.len().min(BEGINNING)]
}
