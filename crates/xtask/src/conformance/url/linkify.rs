//! Cases of linkify-it: a line of text, below it the link in it unless the line is the link as a whole; `%` begins a comment.

use super::{Case, found_in_text};

/// All cases; none when it is no such file.
pub(super) fn cases(text: &str) -> Vec<Case> {
    if !text.trim_start().starts_with('%') {
        return Vec::new();
    }
    let mut cases = Vec::new();
    let mut block: Vec<String> = Vec::new();
    for line in text.lines().map(without_comment).chain([String::new()]) {
        if !line.is_empty() {
            block.push(line);
            continue;
        }
        if let Some((text, links)) = block.split_first() {
            cases.push(case(text, links));
        }
        block.clear();
    }
    cases
}

fn without_comment(line: &str) -> String {
    let line = if line.starts_with('%') { "" } else { line };
    // A comment follows after a blank; in a link `%` begins an escape.
    line.split(" %").next().unwrap_or(line).trim().to_owned()
}

fn case(text: &str, links: &[String]) -> Case {
    let whole = [text.to_owned()];
    let links = if links.is_empty() { &whole } else { links };
    if links.iter().any(|link| link.contains('@') && !link.contains("//") || link.starts_with("mailto:")) {
        return Case::apart(text, super::MAIL_ADDRESS);
    }
    let found: Vec<String> = found_in_text(text).into_iter().map(|link| link.url).collect();
    for link in links {
        // The same link alone: in the same spelling then.
        let with_scheme = if link.contains("//") { link.clone() } else { format!("http://{link}") };
        let Some(expected) = super::read_target(&with_scheme).map(|link| link.url) else {
            return Case::new(text, Err(format!("{link} cannot be read")));
        };
        let expected_alone = expected.strip_prefix("http:").unwrap_or(&expected);
        if !found.iter().any(|found| *found == expected || found == expected_alone) {
            let why = format!("{expected} is not among {found:?}");
            // What stands without a scheme is a link to one program and none to another.
            return if link.contains("://") { Case::new(text, Err(why)) } else { Case::opinion(text, why) };
        }
    }
    Case::new(text, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Outcome;

    #[test]
    fn blocks_are_read() {
        let cases =
            cases("% links\n\nsee http://a.example/x% now % a comment\nhttp://a.example/x%\n\nhttp://b.example\n\nno link\n");
        assert!(matches!(
            cases.iter().map(|case| &case.outcome).collect::<Vec<_>>()[..],
            [Outcome::Passed, Outcome::Passed, Outcome::Opinion(_)]
        ));
    }
}
