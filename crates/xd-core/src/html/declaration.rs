//! Declarations as browsers take them apart (CSS Syntax 3 §5.4): where one ends, and whether it counts.
//!
//! What a browser throws away must not hide text here: a semicolon inside a string, a comment or brackets ends nothing, and a
//! declaration with anything but `important` behind its exclamation mark is none.

use std::borrow::Cow;

/// One declaration that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Declaration<'t> {
    pub(super) name: Cow<'t, str>,
    pub(super) value: Cow<'t, str>,
    pub(super) important: bool,
}

/// The declarations of a `style` attribute or of the block of a rule, in order.
pub(super) fn declarations(text: &str) -> impl Iterator<Item = Declaration<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let bounds = Bounds::of(rest.as_bytes());
            let (declaration, after) = rest.split_at(bounds.end);
            rest = after.get(1..).unwrap_or_default();
            if let Some(found) = bounds.read(declaration) {
                return Some(found);
            }
        }
        None
    })
}

/// Where a block ends whose opening brace has been read: the place of the closing one, or the end of the text.
pub(super) fn end_of_block(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = next_special(bytes, 0);
    while bytes.get(at).is_some_and(|&byte| byte != b'}') {
        at = next_special(bytes, skip(bytes, at));
    }
    at
}

/// Where a block opens, or an at-rule without one ends: the place of the first `{`, or in an at-rule `;`, outside strings and
/// brackets.
pub(super) fn end_of_prelude(text: &str, is_at_rule: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = next_special(bytes, 0);
    loop {
        match bytes.get(at)? {
            b'{' => return Some(at),
            b';' if is_at_rule => return Some(at),
            _ => at = next_special(bytes, skip(bytes, at)),
        }
    }
}

/// The text with comments as blanks, since they part what stands around them, and with escapes decoded (CSS Syntax 3 §4.3.7):
/// `d\69splay`.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let special = |at: usize| bytes.get(at) == Some(&b'\\') || bytes.get(at + 1) == Some(&b'*');
    if !memchr::memchr2_iter(b'\\', b'/', bytes).any(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '/']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("/*") {
            out.push(' ');
            rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
        } else if let Some(escape) = rest.strip_prefix('\\') {
            let digits = escape.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
            let code = u32::from_str_radix(&escape[..digits], 16).ok();
            if digits > 0 {
                out.push(code.and_then(char::from_u32).unwrap_or('\u{fffd}'));
                rest = &escape[digits..];
                let blank = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix([' ', '\n', '\t', '\r', '\x0c']));
                rest = blank.unwrap_or(rest);
            } else {
                rest = escape;
            }
        } else {
            out.push('/');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The places that matter in a declaration, none of them inside strings, comments or brackets.
struct Bounds {
    colon: Option<usize>,
    mark: Option<usize>,
    /// Whether no escape or comment stands in it; without brackets, in which one may.
    is_plain: bool,
    end: usize,
}

/// The bytes that may end a declaration, part it, or begin what is skipped.
const MATTERS: [bool; 256] = table(b";:!\\\"'/([{");

/// The bytes that may open or end a block or brackets, end a statement, or begin what is skipped.
const SPECIAL: [bool; 256] = table(b";\\\"'/()[]{}");

const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

/// The first byte of a table at or after a place, or the end.
#[inline]
fn next_of(table: &[bool; 256], bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|&byte| table[usize::from(byte)]).map_or(bytes.len(), |length| at + length)
}

fn next_special(bytes: &[u8], at: usize) -> usize {
    next_of(&SPECIAL, bytes, at)
}

impl Bounds {
    fn of(bytes: &[u8]) -> Self {
        let (mut colon, mut mark, mut is_plain, mut at) = (None, None, true, 0);
        loop {
            // An escape at the end would reach beyond it.
            at = next_of(&MATTERS, bytes, at);
            let Some(&byte) = bytes.get(at) else { break };
            is_plain &= !matches!(byte, b'\\' | b'/' | b'(' | b'[' | b'{');
            match byte {
                b';' => break,
                b':' => {
                    colon.get_or_insert(at);
                    at += 1;
                }
                b'!' => {
                    mark.get_or_insert(at);
                    at += 1;
                }
                _ => at = skip(bytes, at),
            }
        }
        Self { colon, mark, is_plain, end: at }
    }

    fn read<'t>(&self, text: &'t str) -> Option<Declaration<'t>> {
        let (name, value) = text.split_at_checked(self.colon?)?;
        let value = value.get(1..)?;
        let (value, important) = match self.mark {
            None => (value, false),
            Some(mark) => {
                let (_, word) = text.split_at_checked(mark)?;
                let (value, _) = value.split_at_checked(mark.checked_sub(text.len() - value.len())?)?;
                if !plain(word.get(1..)?).trim_ascii().eq_ignore_ascii_case("important") {
                    return None;
                }
                (value, true)
            }
        };
        let read = |text: &'t str| if self.is_plain { Cow::Borrowed(text.trim_ascii()) } else { trimmed(plain(text)) };
        Some(Declaration { name: read(name), value: read(value), important })
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_owned()),
    }
}

/// The place behind the string, comment, escape or block that begins here, or behind a single byte.
fn skip(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'(' | b'[' | b'{') => end_of_brackets(bytes, at),
        _ => skip_flat(bytes, at),
    }
}

/// The same for anything but a block.
fn skip_flat(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    match bytes.get(at) {
        Some(b'\\') => at + 2,
        Some(&quote @ (b'"' | b'\'')) => {
            let mut end = at + 1;
            let special = |&byte: &u8| byte == quote || matches!(byte, b'\\' | b'\n' | b'\r' | b'\x0c');
            while let Some(length) = bytes.get(end..).and_then(|rest| rest.iter().position(special)) {
                end += length;
                match bytes.get(end..).unwrap_or_default() {
                    [b'\\', b'\r', b'\n', ..] => end += 3,
                    [b'\\', ..] => end += 2,
                    [byte, ..] if *byte == quote => return end + 1,
                    // A line end cuts a string short; CR and FF are line ends too (CSS Syntax 3 §3.3).
                    _ => return end,
                }
            }
            bytes.len()
        }
        Some(b'/') if rest.first() == Some(&b'*') => {
            memchr::memmem::find(rest.get(1..).unwrap_or_default(), b"*/").map_or(bytes.len(), |end| at + 2 + end + 2)
        }
        _ => at + 1,
    }
}

/// The place behind the bracket that closes the one here; one never closed runs to the end of the text.
fn end_of_brackets(bytes: &[u8], at: usize) -> usize {
    let mut expected = Vec::new();
    let mut at = at;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'(' if is_bare_url(bytes, at) => match memchr::memchr(b')', bytes.get(at..).unwrap_or_default()) {
                Some(length) => at + length + 1,
                None => bytes.len(),
            },
            b'(' | b'[' | b'{' => {
                expected.push(if byte == b'(' { b')' } else { byte + 2 });
                at + 1
            }
            _ if expected.last() == Some(&byte) => {
                expected.pop();
                at + 1
            }
            _ => skip_flat(bytes, at),
        };
        if expected.is_empty() {
            return at.min(bytes.len());
        }
        at = next_special(bytes, at);
    }
    bytes.len()
}

/// Whether `url(` begins an address without quotes, in which nothing but the closing bracket has a meaning.
fn is_bare_url(bytes: &[u8], open: usize) -> bool {
    let name = open.checked_sub(3).and_then(|start| bytes.get(start..open));
    let first = bytes.get(open + 1..).unwrap_or_default().iter().find(|byte| !byte.is_ascii_whitespace());
    name.is_some_and(|name| name.eq_ignore_ascii_case(b"url")) && !matches!(first, Some(b'"' | b'\''))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String, bool)> {
        declarations(text).map(|found| (found.name.into_owned(), found.value.into_owned(), found.important)).collect()
    }

    fn names(text: &str) -> Vec<String> {
        read(text).into_iter().map(|(name, ..)| name).collect()
    }

    #[test]
    fn a_declaration_ends_where_a_browser_ends_it() {
        for (text, expected) in [
            ("a:b;c:d", ["a", "c"].as_slice()),
            ("a:'\r;c:d", &["a", "c"]),
            ("a:'\x0c;c:d", &["a", "c"]),
            ("a:'\\\r\n;c:d';e:f", &["a", "e"]),
            ("a:(;display:none", &["a"]),
            ("x:';display:none;'", &["x"]),
            ("x:{;display:none;}", &["x"]),
            ("x:[;display:none;]", &["x"]),
            ("x:\"(\";display:none;y:)", &["x", "display", "y"]),
            ("a:\\(;display:none;b:)", &["a", "display", "b"]),
            ("background:url(data:image/png;base64,AA==);color:red", &["background", "color"]),
            ("background:url(it's);color:red", &["background", "color"]),
            ("background:url( 'a;)b' );color:red", &["background", "color"]),
            ("a:/*;display:none;*/b;c:d", &["a", "c"]),
            ("x:'\n;color:red", &["x", "color"]),
            ("x{a:b}color:red", &["x{a:b}color"]),
            ("display", &[]),
            (";;", &[]),
        ] {
            assert_eq!(names(text), expected, "{text}");
        }
    }

    #[test]
    fn only_important_may_follow_the_mark() {
        let found = |text: &str| read(text).first().map(|(_, value, important)| (value.clone(), *important));
        for text in ["a:b!important", "a:b ! IMPORTANT ", "a:b!im\\portant", "a:b!/**/important"] {
            assert_eq!(found(text), Some(("b".to_owned(), true)), "{text}");
        }
        for text in ["a:b!x", "a:b!", "a:b!important x", "a:!b!important", "!a:b"] {
            assert_eq!(found(text), None, "{text}");
        }
        assert_eq!(found("a:'b!c'"), Some(("'b!c'".to_owned(), false)));
    }

    #[test]
    fn comments_part_words_and_escapes_join_them() {
        assert_eq!(read("dis/**/play:none")[0].0, "dis play");
        assert_eq!(read("d\\69splay/**/:/**/no\\6e e"), [("display".to_owned(), "none".to_owned(), false)]);
    }

    #[test]
    fn blocks_end_at_their_brace() {
        assert_eq!(end_of_block("a:'}';b:c}d"), 9);
        assert_eq!(end_of_block("a:{}}b"), 4);
        assert_eq!(end_of_block("a:("), 3);
        assert_eq!(end_of_prelude("a[b=';']{", false), Some(8));
        assert_eq!(end_of_prelude("a,b", false), None);
        assert_eq!(end_of_prelude("a;b{", false), Some(3));
        assert_eq!(end_of_prelude("@a;b{", true), Some(2));
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart(text in "(\\PC|[:;(){}\\[\\]'\"!/*\\\\\n]|url\\(){0,40}") {
            let parts = read(&text);
            prop_assert!(parts.len() <= text.len());
            prop_assert!(text.is_char_boundary(end_of_block(&text)));
            for is_at_rule in [false, true] {
                prop_assert!(end_of_prelude(&text, is_at_rule).is_none_or(|at| text.is_char_boundary(at)));
            }
        }
    }
}
