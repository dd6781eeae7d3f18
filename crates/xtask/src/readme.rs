//! The README's first command: what a stranger types first must work.

/// The first line inside a code block that calls cargo, cut into words.
pub(crate) fn first_command(readme: &str) -> Option<Vec<&str>> {
    let mut in_block = false;
    for line in readme.lines().map(str::trim) {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let words: Vec<&str> = line.trim_start_matches("$ ").split_whitespace().collect();
            if words.first() == Some(&"cargo") {
                return Some(words);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_cargo_line_in_a_code_block() {
        let readme = "# xd\ncargo in prose\n```\nbytes ─▶ Message\n```\n```sh\n$ cargo run -- scan mail\ncargo xtask test\n```\n";
        assert_eq!(first_command(readme), Some(vec!["cargo", "run", "--", "scan", "mail"]));
    }

    #[test]
    fn prose_is_no_command() {
        assert_eq!(first_command("cargo run\n"), None);
    }
}
