//! The rules that come with xd, as files that are part of the program.

use super::RuleSource;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../rules/", $name)))),*]
    };
}

#[rustfmt::skip]
const RULES: &[(&str, &str)] = files![
    "bounces.toml",
    "bulk.toml",
    "combinations.toml",
    "files.toml",
    "fraud.toml",
    "gtube.toml",
    "headers.toml",
    "html.toml",
    "identity.toml",
    "links.toml",
    "lists.toml",
    "senders.toml",
    "text.toml",
];

#[rustfmt::skip]
const CASES: &[(&str, &str)] = files![
    "cases/bounces.toml",
    "cases/bulk.toml",
    "cases/combinations.toml",
    "cases/files.toml",
    "cases/fraud.toml",
    "cases/gtube.toml",
    "cases/headers.toml",
    "cases/html.toml",
    "cases/identity.toml",
    "cases/links.toml",
    "cases/senders.toml",
    "cases/text.toml",
];

fn sources_of(files: &[(&str, &str)]) -> Vec<RuleSource> {
    files.iter().map(|(name, text)| RuleSource::new(*name, *text)).collect()
}

/// The rule files, by family, lists included.
#[must_use]
pub fn sources() -> Vec<RuleSource> {
    sources_of(RULES)
}

/// The case files: for each rule where it holds, where it must not, and its edge.
#[must_use]
pub fn case_sources() -> Vec<RuleSource> {
    sources_of(CASES)
}
