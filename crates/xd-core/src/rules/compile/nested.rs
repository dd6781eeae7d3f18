//! Texts of one set that hold each other: where the longer one is met, so is the shorter one.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::rules::read::Located;
use crate::rules::scanner::stands_alone;

/// The texts that hold another one of the set, each with the first it holds, by index. `words` wants it as whole words.
pub(super) fn pairs(texts: &[(String, &Located<String>)], words: bool) -> Vec<(usize, usize)> {
    let builder = AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::ContiguousNFA)).clone();
    // Texts too many for an automaton are told of where they are compiled.
    let Ok(automaton) = builder.build(texts.iter().map(|(text, _)| text)) else { return Vec::new() };
    let held = |(index, (text, _)): (usize, &(String, &Located<String>))| {
        let mut hits = automaton.find_overlapping_iter(text.as_str());
        let hit = hits.find(|hit| hit.pattern().as_usize() != index && (!words || stands_alone(text, &hit.range())))?;
        Some((index, hit.pattern().as_usize()))
    };
    texts.iter().enumerate().filter_map(held).collect()
}
