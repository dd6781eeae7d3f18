//! The public suffix list: `checkPublicSuffix('input', 'registrable domain' | null);` on each line.

use xd_core::Domain;

use super::{Case, Reading, VectorFile, same};

pub(super) fn read(file: &VectorFile) -> Reading {
    let Some(text) = file.text() else { return Reading::Unknown };
    if text.contains("===BEGIN ICANN DOMAINS===") {
        // The list itself.
        return Reading::Companion;
    }
    let cases: Vec<Case> = text.lines().filter_map(case).collect();
    if cases.is_empty() { Reading::Unknown } else { Reading::Cases(cases) }
}

fn case(line: &str) -> Option<Case> {
    let arguments = line.trim().strip_prefix("checkPublicSuffix(")?.strip_suffix(");")?;
    let (input, expected) = arguments.split_once(',')?;
    let found = argument(input).and_then(|input| registrable(&input));
    // A registrable domain is kept in one spelling, whichever it was written in.
    let expected = argument(expected).map(|text| Domain::parse(&text).map_or(text, |domain| domain.to_string()));
    Some(Case::new(input.trim(), same(&found, &expected)))
}

/// The text between quotes; none for `null`.
fn argument(text: &str) -> Option<String> {
    text.trim().strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"']).map(str::to_owned)
}

fn registrable(input: &str) -> Option<String> {
    let domain = Domain::parse(input).ok()?;
    // A bare suffix is returned whole.
    (domain.suffix() != domain.as_str()).then(|| domain.registered().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn lines_are_read() {
        let outcome = |line| case(line).unwrap().outcome;
        for line in [
            "checkPublicSuffix('WwW.example.COM', 'example.com');",
            "checkPublicSuffix('com', null);",
            "checkPublicSuffix(null, null);",
            "checkPublicSuffix('.example.com', null);",
            "checkPublicSuffix('www.bücher.example', 'bücher.example');",
        ] {
            assert_eq!(outcome(line), Outcome::Passed, "{line}");
        }
        assert!(matches!(outcome("checkPublicSuffix('a.example.com', 'a.example.com');"), Outcome::Missed(_)));
        assert!(case("// a comment").is_none());
    }
}
