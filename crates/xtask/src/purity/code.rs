//! Rust source without its comments and literals: what is left is code, on the same lines.

/// Replaces comments and the insides of string and character literals by spaces; line breaks stay.
///
/// Knows nested comments, raw and byte strings, and lifetimes. Text that is not Rust gives some result and no panic.
pub(super) fn without_comments_and_literals(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let literal = comment(rest).or_else(|| string(rest, code.chars().next_back())).or_else(|| character(rest));
        match literal {
            Some(length) => {
                let (blank, after) = rest.split_at(length);
                code.extend(blank.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
                rest = after;
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

/// Length of the comment that starts here.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
    Some(text.len())
}

/// Length of the string that starts here, prefix included. `before` tells `r"` from the end of an identifier.
fn string(text: &str, before: Option<char>) -> Option<usize> {
    let in_identifier = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix = if in_identifier {
        ""
    } else {
        ["br", "cr", "b", "c", "r"].into_iter().find(|prefix| text.starts_with(prefix)).unwrap_or("")
    };
    let is_raw = prefix.ends_with('r');
    let unprefixed = &text[prefix.len()..];
    let hashes = if is_raw { unprefixed.bytes().take_while(|&byte| byte == b'#').count() } else { 0 };
    let inside = unprefixed[hashes..].strip_prefix('"')?;
    let start = text.len() - inside.len();
    if is_raw {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(inside.find(&end).map_or(text.len(), |at| start + at + end.len()));
    }
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(start + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// Length of the character literal that starts here; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    if let Some(escape) = inside.strip_prefix('\\') {
        // The escaped character may itself be a quote.
        let skipped = escape.chars().next()?.len_utf8();
        return escape[skipped..].find('\'').map(|at| 2 + skipped + at + 1);
    }
    let length = inside.chars().next()?.len_utf8();
    inside[length..].starts_with('\'').then_some(1 + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(source: &str) -> String {
        without_comments_and_literals(source).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_vanish() {
        assert_eq!(squeezed("a // std::fs\nb /* std::fs /* nested */ still */ c /// d"), "a b c");
    }

    #[test]
    fn a_slash_pair_in_a_string_hides_nothing() {
        assert_eq!(squeezed(r#"f("http://x"); std::fs::read(p)"#), "f( ); std::fs::read(p)");
    }

    #[test]
    fn strings_of_every_kind_vanish() {
        for literal in [r#""a\"b""#, r##"r#"a"b"#"##, r#"b"a""#, r#"br"a\""#, r#"c"a""#, r#"r"a""#] {
            assert_eq!(squeezed(&format!("x({literal}) std::fs")), "x( ) std::fs", "{literal}");
        }
    }

    #[test]
    fn an_identifier_may_end_like_a_prefix() {
        assert_eq!(squeezed(r#"expr"a" std::fs"#), "expr std::fs");
    }

    #[test]
    fn characters_vanish_and_lifetimes_stay() {
        assert_eq!(squeezed("f('\"', '\\'', '\\u{7f}', 'é') std::fs"), "f( , , , ) std::fs");
        assert_eq!(squeezed("fn f<'a>(x: &'a str) -> &'static str"), "fn f<'a>(x: &'a str) -> &'static str");
    }

    #[test]
    fn lines_keep_their_numbers() {
        assert_eq!(without_comments_and_literals("/*\n*/\"\n\"\nx").lines().count(), 4);
    }

    #[test]
    fn unfinished_text_ends() {
        for source in ["/* a", "\"a", "r#\"a\"", "'", "'\\", "/*/", "r#", "'\\u{"] {
            without_comments_and_literals(source);
        }
    }
}
