//! One spelling for each link: parsed as browsers parse (WHATWG URL §4), tricks noted on the way.
//!
//! It differs from the standard where mail does: a link stands without a page around it, so `http:host` names a host; and
//! the link is not rejected when its host is.

use std::borrow::Cow;

use super::{LinkTrick, LinkTricks, host};
use crate::Host;
use crate::message::is_blank;

/// A link as a browser reads it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Reading {
    pub(super) url: String,
    pub(super) scheme: String,
    pub(super) host: Option<Host>,
    pub(super) inner_host: Option<Host>,
    pub(super) tricks: LinkTricks,
}

/// Bytes kept of a `data:` link: enough for its type. Its content is no address.
const DATA_BYTES: usize = 256;

/// How many links inside a link are looked at.
const INNER_LINKS: usize = 4;

/// Reads a link; nothing for one that is empty.
pub(super) fn read(raw: &str) -> Option<Reading> {
    let mut tricks = LinkTricks::default();
    let text = stripped(raw, &mut tricks);
    let text = unescaped_scheme(text, &mut tricks);
    if text.is_empty() {
        return None;
    }
    let (scheme, rest) = split_scheme(&text, &mut tricks);
    let is_slash = |c: char| c == '/' || c == '\\';
    let (special, authority) = if let Some(port) = default_port(&scheme) {
        (Some(port), Some(rest.trim_start_matches(is_slash)))
    } else if scheme.is_empty() && rest.starts_with(is_slash) && rest[1..].starts_with(is_slash) {
        (Some(443), Some(rest.trim_start_matches(is_slash)))
    } else {
        (None, rest.strip_prefix("//"))
    };
    let Some(authority) = authority else {
        let rest = if scheme == "data" { rest.get(..rest.floor_char_boundary(DATA_BYTES)).unwrap_or(rest) } else { rest };
        let url = if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}:{rest}") };
        return Some(Reading { url, scheme: scheme.into_owned(), tricks, ..Reading::default() });
    };
    if special.is_some() && rest.get(..rest.len() - authority.len()).is_some_and(|slashes| slashes.contains('\\')) {
        tricks.record(LinkTrick::Backslash);
    }
    let end = authority.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#') || (byte == b'\\' && special.is_some()));
    let (authority, path) = authority.split_at(end.unwrap_or(authority.len()));
    let user = memchr::memrchr(b'@', authority.as_bytes());
    let (user, host_port) = user.map_or(("", authority), |at| (&authority[..at], &authority[at + 1..]));
    if !user.is_empty() {
        tricks.record(LinkTrick::Userinfo);
    }
    let (name, port) = split_port(host_port);
    let host = host::read(name, &mut tricks);

    let mut url = String::with_capacity(text.len() + 8);
    if !scheme.is_empty() {
        url.push_str(&scheme);
        url.push(':');
    }
    url.push_str("//");
    if !user.is_empty() {
        url.push_str(user);
        url.push('@');
    }
    match &host {
        Some(Host::Domain(domain)) => url.push_str(domain.as_str()),
        Some(address) => url.push_str(&address.to_string()),
        // As it stands: without its port, what no browser opens could become a link that all do.
        None => url.push_str(host_port),
    }
    let port = port.filter(|&port| host.is_some() && Some(port) != special && !(scheme.is_empty() && port == 80));
    if let Some(port) = port {
        tricks.record(LinkTrick::Port);
        url.push_str(&format!(":{port}"));
    }
    if special.is_some() && !path.starts_with(['/', '\\']) {
        url.push('/');
    }
    let path_start = url.len() - usize::from(special.is_some() && !path.starts_with(['/', '\\']));
    push_path(path, special.is_some(), &mut url, &mut tricks);
    if special.is_some() {
        without_dot_segments(&mut url, path_start);
    }
    let inner_host = inner_host(path);
    if inner_host.is_some() {
        tricks.record(LinkTrick::Redirect);
    }
    Some(Reading { url, scheme: scheme.into_owned(), host, inner_host, tricks })
}

/// The link without blanks at its ends and without tabs and line ends inside (WHATWG URL §4.4, first steps).
fn stripped<'r>(raw: &'r str, tricks: &mut LinkTricks) -> Cow<'r, str> {
    let text = raw.trim_matches(|c: char| c <= ' ' || is_blank(c));
    if memchr::memchr3(b'\t', b'\r', b'\n', text.as_bytes()).is_some() {
        tricks.record(LinkTrick::InnerBlank);
        return Cow::Owned(text.chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect());
    }
    Cow::Borrowed(text)
}

/// The link decoded when its scheme is escaped (`http%3A//host`): browsers would not open it, redirectors do.
fn unescaped_scheme<'t>(text: Cow<'t, str>, tricks: &mut LinkTricks) -> Cow<'t, str> {
    let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if starts("http%3a") || starts("https%3a") {
        tricks.record(LinkTrick::EscapedHost);
        return Cow::Owned(host::percent_decoded(&text));
    }
    text
}

/// The scheme in lower case and what follows its colon; an empty scheme and everything when there is none.
fn split_scheme<'t>(text: &'t str, tricks: &mut LinkTricks) -> (Cow<'t, str>, &'t str) {
    let end = text.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'*')));
    let Some((name, rest)) =
        end.map(|end| text.split_at(end)).filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_alphabetic()))
    else {
        return (Cow::Borrowed(""), text);
    };
    // hxxp[:]//
    let (rest, defanged) = match rest.strip_prefix("[:]") {
        Some(rest) => (rest, true),
        None => match rest.strip_prefix(':') {
            Some(rest) => (rest, false),
            None => return (Cow::Borrowed(""), text),
        },
    };
    // `www.example.com:8080/` is a host with its port to everyone but a standard.
    if name.contains('.') && rest.starts_with(|c: char| c.is_ascii_digit()) {
        return (Cow::Borrowed(""), text);
    }
    if let Some(scheme) = refanged_scheme(name) {
        tricks.record(LinkTrick::Defanged);
        return (Cow::Borrowed(scheme), rest);
    }
    if name.contains('*') {
        return (Cow::Borrowed(""), text);
    }
    if defanged {
        tricks.record(LinkTrick::Defanged);
    }
    let lower = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    };
    (lower, rest)
}

/// The scheme that a defanged one stands for.
pub(super) fn refanged_scheme(name: &str) -> Option<&'static str> {
    // Each of them has one of these where its scheme has another letter.
    if !name.bytes().any(|byte| matches!(byte, b'x' | b'X' | b'*')) {
        return None;
    }
    let is = |names: [&str; 5]| names.iter().any(|other| name.eq_ignore_ascii_case(other));
    if is(["hxxp", "hxtp", "htxp", "h**p", "httx"]) {
        Some("http")
    } else if is(["hxxps", "hxtps", "htxps", "h**ps", "httxs"]) {
        Some("https")
    } else if is(["fxp", "fxp", "fxp", "f**p", "fxtp"]) {
        Some("ftp")
    } else {
        None
    }
}

/// The port of a scheme whose links all name a host (the special schemes of WHATWG URL §4.2).
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        _ => None,
    }
}

/// The host and the port after it. A port that is no number stays with the host, which is none then.
fn split_port(text: &str) -> (&str, Option<u16>) {
    if memchr::memchr(b':', text.as_bytes()).is_none() {
        return (text, None);
    }
    match text.rsplit_once(':') {
        Some((host, "")) => (host, None),
        Some((host, port)) if !port.contains(']') && port.bytes().all(|byte| byte.is_ascii_digit()) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// Appends path, query and fragment: escapes of letters, digits and `-._~` undone, blanks escaped.
fn push_path(path: &str, special: bool, url: &mut String, tricks: &mut LinkTricks) {
    let mut in_path = special;
    let mut rest = path;
    while let Some(at) = rest.bytes().position(|byte| RESPELLED[usize::from(byte)]) {
        let (plain, from) = rest.split_at(at);
        url.push_str(plain);
        let mut taken = 1;
        match from.as_bytes().first() {
            Some(b'\\') if in_path => {
                tricks.record(LinkTrick::Backslash);
                url.push('/');
            }
            Some(b'%') => match host::escape(from.as_bytes()) {
                Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') => {
                    url.push(char::from(byte));
                    taken = 3;
                }
                _ => url.push('%'),
            },
            Some(b' ') => url.push_str("%20"),
            Some(&byte @ (b'?' | b'#')) => {
                in_path = false;
                url.push(char::from(byte));
            }
            Some(&byte) if byte > b' ' => url.push(char::from(byte)),
            Some(&byte) => {
                url.push('%');
                url.extend([byte >> 4, byte & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
            }
            None => {}
        }
        rest = from.get(taken..).unwrap_or_default();
    }
    url.push_str(rest);
}

/// Resolves `.` and `..` in the path that begins at `start` (WHATWG URL §4.4, path state): `/a/../b` is `/b` to everyone.
fn without_dot_segments(url: &mut String, start: usize) {
    let Some(path) = url.get(start..) else { return };
    if memchr::memmem::find(path.as_bytes(), b"/.").is_none() {
        return;
    }
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let (path, rest) = path.split_at(end);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    let resolved = format!("/{}{rest}", kept.join("/"));
    url.truncate(start);
    url.push_str(&resolved);
}

/// The bytes of a path that may stand otherwise in the link that is kept, or that end the path.
const RESPELLED: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        bytes[byte] = true;
        byte += 1;
    }
    bytes[b'%' as usize] = true;
    bytes[b'\\' as usize] = true;
    bytes[b'?' as usize] = true;
    bytes[b'#' as usize] = true;
    bytes
};

/// The host of the first whole link in a path or query, as it stands or escaped up to twice.
fn inner_host(path: &str) -> Option<Host> {
    let bytes = path.as_bytes();
    memchr::memchr2_iter(b'h', b'H', bytes)
        .filter(|&at| bytes.get(at..at + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"http")))
        .take(INNER_LINKS)
        .find_map(|at| {
            let rest = path.get(at..)?;
            let rest = rest.get(..rest.find(['&', ' ', '"', '\'']).unwrap_or(rest.len()))?;
            let mut decoded = host::percent_decoded(rest.get(..rest.floor_char_boundary(512))?);
            if decoded.contains('%') {
                decoded = host::percent_decoded(&decoded);
            }
            let after = decoded.get(4..)?;
            let after = after.strip_prefix(['s', 'S']).unwrap_or(after).strip_prefix(':')?;
            let authority = after.trim_start_matches(['/', '\\']);
            if authority.len() == after.len() {
                return None;
            }
            let end = authority.find(['/', '\\', '?', '#', '&']).unwrap_or(authority.len());
            let authority = authority.get(..end)?;
            let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            host::read(split_port(host_port).0, &mut LinkTricks::default())
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::LinkTrick::{Backslash, Defanged, EscapedHost, InnerBlank, NumericHost, Port, Redirect, Userinfo};
    use super::*;

    /// Link, what a browser would open, the host, the tricks.
    const LINKS: &[(&str, &str, Option<&str>, &[LinkTrick])] = &[
        ("http://example.com", "http://example.com/", Some("example.com"), &[]),
        ("  HTTPS://WWW.Example.com/A?b#c ", "https://www.example.com/A?b#c", Some("www.example.com"), &[]),
        ("http:example.com", "http://example.com/", Some("example.com"), &[]),
        ("http:////example.com/x", "http://example.com/x", Some("example.com"), &[]),
        ("http:\\\\example.com\\x?a\\b", "http://example.com/x?a\\b", Some("example.com"), &[Backslash]),
        ("ht\ntp://exa\tmple.com/", "http://example.com/", Some("example.com"), &[InnerBlank]),
        ("http://bank.example@evil.example/x", "http://bank.example@evil.example/x", Some("evil.example"), &[Userinfo]),
        ("http://a@b@evil.example", "http://a@b@evil.example/", Some("evil.example"), &[Userinfo]),
        ("http://bank.example\\@evil.example", "http://bank.example/@evil.example", Some("bank.example"), &[Backslash]),
        ("http://example.com:80/", "http://example.com/", Some("example.com"), &[]),
        ("http://example.com:8080/", "http://example.com:8080/", Some("example.com"), &[Port]),
        ("https://example.com:80", "https://example.com:80/", Some("example.com"), &[Port]),
        ("http://example.com:/", "http://example.com/", Some("example.com"), &[]),
        ("http://example.com::/", "http://example.com::/", None, &[]),
        ("http://example.com::80/", "http://example.com::80/", None, &[]),
        ("http://0x7f.1:99/", "http://127.0.0.1:99/", Some("127.0.0.1"), &[NumericHost, Port]),
        ("http://[::1]:80/", "http://[::1]/", Some("[::1]"), &[NumericHost]),
        ("http://%65xample.com/", "http://example.com/", Some("example.com"), &[EscapedHost]),
        ("http%3A%2F%2Fexample.com%2Fx", "http://example.com/x", Some("example.com"), &[EscapedHost]),
        ("http://example.com/%7Eus%65r/%2f a", "http://example.com/~user/%2f%20a", Some("example.com"), &[]),
        ("hxxps[:]//evil[.]example/x", "https://evil.example/x", Some("evil.example"), &[Defanged]),
        ("http://example.com/a/./b/../%2e%2E/c?d/../e", "http://example.com/c?d/../e", Some("example.com"), &[]),
        ("http://example.com/a/b/..", "http://example.com/a/", Some("example.com"), &[]),
        ("http://example.com/../../.b", "http://example.com/.b", Some("example.com"), &[]),
        ("x://example.com/a/../b", "x://example.com/a/../b", Some("example.com"), &[]),
        ("http://example.com/\u{8}x", "http://example.com/%08x", Some("example.com"), &[]),
        ("//example.com/x", "//example.com/x", Some("example.com"), &[]),
        ("/\\example.com/x", "//example.com/x", Some("example.com"), &[Backslash]),
        ("page.html", "page.html", None, &[]),
        ("/page?x=1", "/page?x=1", None, &[]),
        ("www.example.com:8080/x", "www.example.com:8080/x", None, &[]),
        ("mailto:a@example.com", "mailto:a@example.com", None, &[]),
        ("JavaScript:alert(1)", "javascript:alert(1)", None, &[]),
        ("cid:part1@example.com", "cid:part1@example.com", None, &[]),
        ("tel:+491234", "tel:+491234", None, &[]),
        ("sftp://example.com/x", "sftp://example.com/x", Some("example.com"), &[]),
        ("http://a/?u=https%3A%2F%2Fevil.example%2Fx", "http://a/?u=https%3A%2F%2Fevil.example%2Fx", Some("a"), &[Redirect]),
        ("http://a/?u=http:/evil.example&b", "http://a/?u=http:/evil.example&b", Some("a"), &[Redirect]),
        ("http://a/?u=https%253A%252F%252Fevil.example", "http://a/?u=https%253A%252F%252Fevil.example", Some("a"), &[Redirect]),
        ("http://a/https/x?http=1", "http://a/https/x?http=1", Some("a"), &[]),
        ("http://", "http:///", None, &[]),
        ("http://a b<>/", "http://a b<>/", None, &[InnerBlank]),
    ];

    #[test]
    fn links_read_as_browsers_do() {
        for &(raw, url, host, tricks) in LINKS {
            let reading = read(raw).unwrap();
            assert_eq!(reading.url, url, "{raw:?}");
            assert_eq!(reading.host.map(|host| host.to_string()).as_deref(), host, "{raw:?}");
            assert_eq!(reading.tricks.iter().collect::<Vec<_>>(), tricks, "{raw:?}");
        }
        assert_eq!(read(" \t "), None);
    }

    #[test]
    fn a_redirect_shows_its_target() {
        let inner = |raw: &str| read(raw).unwrap().inner_host.map(|host| host.to_string());
        assert_eq!(inner("http://a.example/?q=http://user@b.example:81/x"), Some("b.example".to_owned()));
        assert_eq!(inner("http://a.example/http://1.2.3.4/"), Some("1.2.3.4".to_owned()));
        assert_eq!(inner("http://a.example/?q=http://"), None);
    }

    #[test]
    fn data_is_kept_by_its_beginning() {
        assert_eq!(read(&format!("data:text/html,{}", "x".repeat(9_000))).unwrap().url.len(), 5 + DATA_BYTES);
    }

    proptest! {
        #[test]
        fn any_text_is_read(raw in "(\\PC|[htps:/\\\\@.%0-9a-f\\[\\]?# \t]){0,60}") {
            if let Some(reading) = read(&raw) {
                prop_assert!(reading.url.len() <= raw.len() * 8 + 270);
                // Reading again what was read changes nothing, once the host is one.
                if reading.host.is_some() && !reading.tricks.contains(EscapedHost) && !reading.tricks.contains(Userinfo) {
                    let again = read(&reading.url).unwrap();
                    prop_assert_eq!(&again.host, &reading.host);
                }
            }
        }
    }
}
