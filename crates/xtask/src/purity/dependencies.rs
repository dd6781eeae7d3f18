//! The dependency tree against its allow-list.

use std::collections::BTreeSet;

/// What is wrong: crates without a line, lines without a crate, lines without a reason.
///
/// `tree` is the output of `cargo tree --prefix none`, `allowed` the text of the allow-list.
pub(super) fn complaints(package: &str, tree: &str, allowed: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut listed = BTreeSet::new();
    for line in allowed.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, reason) = line.split_once(':').unwrap_or((line, ""));
        if reason.trim().is_empty() {
            complaints.push(format!("no reason given for {name}"));
        }
        if !listed.insert(name.trim()) {
            complaints.push(format!("listed twice: {name}"));
        }
    }
    let used: BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).filter(|&name| name != package).collect();
    if used.is_empty() {
        complaints.push(format!("cargo tree names no dependency of {package}"));
    }
    complaints.extend(used.difference(&listed).map(|name| format!("newcomer, not in the list: {name}")));
    complaints.extend(listed.difference(&used).map(|name| format!("stale, no longer a dependency: {name}")));
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "xd-core v0.1.0 (/src/crates/xd-core)\nmemchr v2.8.3\naho-corasick v1.1.5\nmemchr v2.8.3 (*)\n";

    #[test]
    fn every_crate_has_its_line() {
        assert_eq!(complaints("xd-core", TREE, "# finding\nmemchr: bytes\n\naho-corasick: literals\n"), [""; 0]);
    }

    #[test]
    fn a_newcomer_is_named() {
        assert_eq!(complaints("xd-core", TREE, "memchr: bytes\n"), ["newcomer, not in the list: aho-corasick"]);
    }

    #[test]
    fn a_stale_line_is_named() {
        let allowed = "memchr: bytes\naho-corasick: literals\nrand: chance\n";
        assert_eq!(complaints("xd-core", TREE, allowed), ["stale, no longer a dependency: rand"]);
    }

    #[test]
    fn a_line_needs_a_reason() {
        let allowed = "memchr:\naho-corasick: literals\n";
        assert_eq!(complaints("xd-core", TREE, allowed), ["no reason given for memchr"]);
    }

    #[test]
    fn a_crate_is_listed_once() {
        let allowed = "memchr: bytes\nmemchr: bytes\naho-corasick: literals\n";
        assert_eq!(complaints("xd-core", TREE, allowed), ["listed twice: memchr"]);
    }

    #[test]
    fn an_empty_tree_proves_nothing() {
        assert_eq!(complaints("xd-core", "", ""), ["cargo tree names no dependency of xd-core"]);
    }
}
