//! Finds links in plain text, as mail programs do that make them clickable, and a little more boldly.
//!
//! A link begins with a scheme and slashes (`https://`, also defanged: `hxxp://`), or is a bare host: `www.` and a name, or a
//! name under a public suffix. Bare hosts without a path are taken with care: file names, code and sentences without a
//! space after the period look like them. Addresses of mail are no links.

use std::borrow::Cow;

use super::host::defanged_dot;
use super::url::refanged_scheme;
use crate::Domain;
use crate::message::is_blank;

/// A link in a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Found<'t> {
    /// The link as it stands.
    pub(super) text: &'t str,
    /// The scheme and slashes that it lacks; empty when it has its own.
    pub(super) prefix: &'static str,
}

/// The links of a text in order.
#[derive(Clone, Debug)]
pub(super) struct Finder<'t> {
    text: &'t str,
    /// Up to here the text is done.
    at: usize,
    /// No link reaches back beyond here.
    floor: usize,
}

/// Bytes of the longest bare host: 253 of a domain, and room for its spelling outside ASCII.
const HOST_BYTES: usize = 512;

/// The schemes of links in text.
const SCHEMES: [&str; 9] = ["https", "http", "ftps", "sftp", "ftp", "wss", "ws", "file", "gopher"];

impl<'t> Finder<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, floor: 0 }
    }

    /// A link whose colon stands at `colon`.
    fn with_scheme(&self, colon: usize) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let bracketed = colon > 0 && bytes.get(colon - 1) == Some(&b'[') && bytes.get(colon + 1) == Some(&b']');
        let (name_end, after) = if bracketed { (colon - 1, colon + 2) } else { (colon, colon + 1) };
        if !bytes.get(after..after + 2).is_some_and(|slashes| slashes.iter().all(|byte| matches!(byte, b'/' | b'\\'))) {
            return None;
        }
        let name = bytes.get(self.floor.max(name_end.saturating_sub(6))..name_end)?;
        let letters = name.iter().rev().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'*').count();
        let name = self.text.get(name_end - letters..name_end)?;
        // The longest that fits, whatever letters stand before it: a reader's eye finds it too.
        let scheme = (0..letters)
            .filter_map(|from| name.get(from..))
            .find(|name| SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(name)) || refanged_scheme(name).is_some())?;
        let host = after + bytes.get(after..)?.iter().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
        let end = self.end_of_link(host);
        let first = self.text.get(host..end)?.chars().next()?;
        (first.is_alphanumeric() || !first.is_ascii() || matches!(first, '[' | '%' | '_'))
            .then_some((name_end - scheme.len(), end))
    }

    /// A bare host with a dot at `dot`, with its path; or how far the text can be skipped.
    fn bare(&self, dot: usize) -> Result<(usize, usize, &'static str), usize> {
        let start = self.host_start(dot);
        let end = self.host_end(dot);
        if end - start > HOST_BYTES {
            return Err(end);
        }
        let run = self.text.get(start..end).unwrap_or_default();
        let host = run.trim_matches(['.', '-', '_']);
        let start = start + (run.len() - run.trim_start_matches(['.', '-', '_']).len());
        let host_end = start + host.len();
        let before = self.text.get(self.floor..start).and_then(|text| text.chars().next_back());
        let after = self.text.get(host_end..).and_then(|text| text.chars().next());
        if matches!(before, Some('@' | '/' | '\\' | '$' | '~' | '%'))
            || matches!(after, Some('@' | '(' | '='))
            || !host.contains(['.', ']'])
        {
            return Err(end);
        }
        let with_path = match after {
            Some('/') => true,
            Some(':') => self.text.as_bytes().get(host_end + 1).is_some_and(u8::is_ascii_digit),
            Some('?' | '#') => self.text.as_bytes().get(host_end + 1).is_some_and(u8::is_ascii_alphanumeric),
            _ => false,
        };
        let plain = if host.contains('[') { Cow::Owned(host.replace("[.]", ".")) } else { Cow::Borrowed(host) };
        if !is_link_host(&plain, with_path) {
            return Err(end);
        }
        let prefix = if starts_with(&plain, "ftp.") { "ftp://" } else { "http://" };
        let link_end = if with_path { self.end_of_link(host_end).max(host_end) } else { host_end };
        Ok((start, link_end, prefix))
    }

    /// Where the host around `dot` begins, at most [`HOST_BYTES`] before.
    fn host_start(&self, dot: usize) -> usize {
        let from = self.text.ceil_char_boundary(self.floor.max(dot.saturating_sub(HOST_BYTES)));
        let before = self.text.get(from..dot).unwrap_or_default();
        let trimmed = before.trim_end_matches(|c| is_host_char(c) || matches!(c, '[' | ']'));
        // A bracket belongs to the host only around a dot.
        let host = before.get(trimmed.len()..).unwrap_or_default();
        let cut = host.rmatch_indices(['[', ']']).find(|&(at, bracket)| {
            let rest = host.get(at..).unwrap_or_default();
            !(bracket == "[" && (rest.starts_with("[.]") || rest == "["))
                && !(bracket == "]" && host.get(..=at).is_some_and(|h| h.ends_with("[.]")))
        });
        dot - host.len() + cut.map_or(0, |(at, _)| at + 1)
    }

    /// Where the host around `dot` ends; looks at most a little further than [`HOST_BYTES`].
    fn host_end(&self, dot: usize) -> usize {
        let mut end = dot;
        while let Some(rest) = self.text.get(end..)
            && end - dot <= 2 * HOST_BYTES
        {
            match rest.chars().next() {
                Some(c) if is_host_char(c) => end += c.len_utf8(),
                Some(']') if end == dot + 1 && self.text.get(..dot).is_some_and(|before| before.ends_with('[')) => end += 1,
                Some('[') if defanged_dot(rest) == Some(3) => end += 3,
                _ => break,
            }
        }
        end
    }

    /// Where the link that has begun before `from` ends: at a blank, a quote, a closing bracket that it did not open;
    /// and not with punctuation.
    fn end_of_link(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        let (mut round, mut square, mut curly) = (0u32, 0u32, 0u32);
        let mut end = rest.len();
        let mut dotted = false;
        for (at, c) in rest.char_indices() {
            dotted |= matches!(c, '.' | '/' | '?' | '#');
            let stops = match c {
                '(' => {
                    round += 1;
                    false
                }
                '[' => {
                    square += 1;
                    false
                }
                '{' => {
                    curly += 1;
                    false
                }
                ')' => close(&mut round),
                ']' => close(&mut square),
                '}' => close(&mut curly),
                '\0'..=' ' | '\u{7f}' | '"' | '<' | '>' | '`' | '|' => true,
                '\0'..='~' => false,
                // An ideographic full stop ends a sentence, unless the host has no other dot (`http://example。com`).
                '\u{3002}' | '\u{ff0e}' | '\u{ff61}' if !dotted => false,
                _ => is_blank(c) || is_stop(c),
            };
            if stops {
                end = at;
                break;
            }
        }
        let link = rest.get(..end).unwrap_or_default();
        let link = link.trim_end_matches(|c| {
            matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '~' | '(' | '[' | '{' | '\\' | '\u{2026}')
                || (!c.is_ascii() && crate::message::is_invisible(c))
        });
        from + link.len()
    }
}

impl<'t> Iterator for Finder<'t> {
    type Item = Found<'t>;

    fn next(&mut self) -> Option<Found<'t>> {
        let bytes = self.text.as_bytes();
        loop {
            let at = self.at + memchr::memchr2(b':', b'.', bytes.get(self.at..)?)?;
            self.at = at + 1;
            let (start, end, prefix) = if bytes.get(at) == Some(&b':') {
                let Some((start, end)) = self.with_scheme(at) else { continue };
                (start, end, "")
            } else {
                let glued = |byte: Option<&u8>| {
                    byte.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'[' | b']'))
                };
                if at == 0 || !glued(bytes.get(at - 1)) || !glued(bytes.get(at + 1)) {
                    continue;
                }
                match self.bare(at) {
                    Ok(found) => found,
                    Err(skip) => {
                        self.at = self.at.max(skip);
                        continue;
                    }
                }
            };
            self.at = end.max(self.at);
            self.floor = self.at;
            let text = self.text.get(start..end)?;
            return Some(Found { text, prefix });
        }
    }
}

/// Closes a bracket; true when none was open.
fn close(open: &mut u32) -> bool {
    if *open == 0 {
        return true;
    }
    *open -= 1;
    false
}

/// Quotes and punctuation outside ASCII that no link holds unescaped.
fn is_stop(c: char) -> bool {
    matches!(
        c,
        '«' | '»' | '\u{2018}'..='\u{201f}' | '‹' | '›' | '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{ff01}'
            | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}' | '\u{ff5c}' | '\u{fffc}' | '\u{fffd}'
    )
}

/// Whether a character can stand in a bare host. Scripts written without spaces are left out: a host stands glued to its
/// sentence in them.
fn is_host_char(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => true,
        '\0'..='\u{bf}' => false,
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7ff}' => false,
        '\u{f900}'..='\u{ffff}' | '\u{20000}'.. => false,
        c => c.is_alphanumeric(),
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether a bare host is meant as a link.
fn is_link_host(host: &str, with_path: bool) -> bool {
    let Some((rest, top)) = host.rsplit_once('.') else { return false };
    // An address of four numbers is a link only with a scheme: version numbers look the same.
    if top.len() < 2 || top.bytes().all(|byte| byte.is_ascii_digit()) || rest.is_empty() {
        return false;
    }
    let Ok(domain) = Domain::parse(host) else { return false };
    let www = starts_with(host, "www.") && rest.len() > 4;
    if www && top.chars().all(char::is_alphabetic) {
        return true;
    }
    let name = domain.as_str();
    let suffix = domain.suffix();
    let chosen = domain.name();
    // No registry takes underscores; names of files and variables hold them.
    if suffix.len() >= name.len() || !has_known_suffix(&domain) || chosen.contains('_') {
        return false;
    }
    if with_path {
        return true;
    }
    // "e.g", "p.m", "P.O.Box": initials.
    if chosen.len() < 2 && !matches!(suffix, "com" | "net" | "org" | "co" | "example") {
        return false;
    }
    let capitalised = top.starts_with(|c: char| c.is_uppercase()) && !top.chars().all(char::is_uppercase);
    // "the end.It was", "Node.JS": a sentence that lacks a space, or a name.
    let two_labels = !rest.contains('.');
    let prose = chosen.bytes().all(|byte| byte.is_ascii_alphabetic());
    !(two_labels && (capitalised || is_extension(suffix) || (prose && is_word(suffix))))
}

/// Whether a domain lies under a public suffix that is listed, or reserved for examples (RFC 6761), which our own are.
fn has_known_suffix(domain: &Domain) -> bool {
    psl::suffix(domain.as_str().as_bytes()).is_some_and(|suffix| suffix.is_known())
        || matches!(domain.suffix(), "example" | "test" | "invalid")
}

/// Top-level domains that are also English words, which stand after a period where a space is missing.
fn is_word(suffix: &str) -> bool {
    matches!(
        suffix,
        "am" | "any"
            | "as"
            | "at"
            | "be"
            | "best"
            | "buy"
            | "call"
            | "data"
            | "date"
            | "day"
            | "do"
            | "free"
            | "gift"
            | "help"
            | "here"
            | "how"
            | "in"
            | "is"
            | "it"
            | "life"
            | "link"
            | "map"
            | "me"
            | "my"
            | "name"
            | "new"
            | "next"
            | "no"
            | "now"
            | "one"
            | "open"
            | "page"
            | "post"
            | "read"
            | "red"
            | "safe"
            | "save"
            | "show"
            | "so"
            | "to"
            | "top"
            | "us"
            | "we"
            | "win"
            | "work"
            | "yes"
            | "you"
            | "zone"
    )
}

/// Top-level domains that are also extensions of files.
fn is_extension(suffix: &str) -> bool {
    matches!(
        suffix,
        "ai" | "app"
            | "bat"
            | "bz"
            | "cab"
            | "cc"
            | "cf"
            | "cpp"
            | "csv"
            | "dev"
            | "gz"
            | "inc"
            | "la"
            | "md"
            | "ml"
            | "mm"
            | "mo"
            | "mov"
            | "ms"
            | "pa"
            | "pl"
            | "pm"
            | "prod"
            | "ps"
            | "pub"
            | "py"
            | "rs"
            | "sc"
            | "sh"
            | "st"
            | "tf"
            | "vi"
            | "zip"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find(text: &str) -> Vec<String> {
        Finder::new(text).map(|found| format!("{}{}", found.prefix, found.text)).collect()
    }

    #[test]
    fn links() {
        for (text, links) in [
            ("See http://example.com.", &["http://example.com"][..]),
            ("<http://example.com/a>", &["http://example.com/a"]),
            ("(see http://example.com/a_(b))", &["http://example.com/a_(b)"]),
            ("[x](https://example.com/a)", &["https://example.com/a"]),
            ("\"https://example.com/a\",", &["https://example.com/a"]),
            ("“https://example.com/a”", &["https://example.com/a"]),
            ("http://a.example/?a=b&c=d#e!", &["http://a.example/?a=b&c=d#e"]),
            ("http://user@a.example:81/", &["http://user@a.example:81/"]),
            ("HTTP://1.2.3.4/x", &["HTTP://1.2.3.4/x"]),
            ("http://[::1]/x", &["http://[::1]/x"]),
            ("http:\\\\a.example\\x", &["http:\\\\a.example\\x"]),
            ("hxxps://evil[.]example/x", &["hxxps://evil[.]example/x"]),
            ("hxxp[:]//evil.example", &["hxxp[:]//evil.example"]),
            ("go to www.example.com/a, now", &["http://www.example.com/a"]),
            ("WWW.bank.example!", &["http://WWW.bank.example"]),
            ("at example.com.", &["http://example.com"]),
            ("at evil[.]com now", &["http://evil[.]com"]),
            ("bit.ly/abc", &["http://bit.ly/abc"]),
            ("example.co.uk:8080/x", &["http://example.co.uk:8080/x"]),
            ("请访问example.com。谢谢", &["http://example.com"]),
            ("сайт пример.рф тут", &["http://пример.рф"]),
            ("ftp.example.org", &["ftp://ftp.example.org"]),
            ("http://a.example http://b.example", &["http://a.example", "http://b.example"]),
            ("a.example,b.example", &["http://a.example", "http://b.example"]),
            (">>example.com", &["http://example.com"]),
            ("http://example。com/x", &["http://example。com/x"]),
            ("https://example.com。然后", &["https://example.com"]),
            ("LI4JAIZI.name", &["http://LI4JAIZI.name"]),
        ] {
            assert_eq!(find(text), links, "{text}");
        }
    }

    #[test]
    fn no_links() {
        for text in [
            "",
            "alice@example.com",
            "mailto:john.doe@mail.example.com",
            "readme.md and foo.py, main.rs",
            "version 1.2.3, at 10.1.1.1",
            "foo.call() and window.open(x)",
            "the end.It was late.He went",
            "e.g. this, i.e. that, 5 p.m. U.S.",
            "a:b::c http: // x",
            "http:// and ://x and https://",
            "...",
            "Node.js",
            "wait..com",
            "$user.name",
            "/path/example.com",
            "x.unknownsuffix",
            "P.O.Box 12",
            "my_file.site",
            "a%2Fexample.com",
        ] {
            assert_eq!(find(text), [""; 0], "{text}");
        }
    }

    proptest! {
        #[test]
        fn found_links_stand_in_the_text(text in "(\\PC|[a-c.:/\\[\\]@]|http://|www\\.|\\.com){0,40}") {
            let mut from = 0;
            for found in Finder::new(&text) {
                let at = text[from..].find(found.text);
                prop_assert!(at.is_some());
                from += at.unwrap() + found.text.len();
            }
        }
    }
}
