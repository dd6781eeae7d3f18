//! The host of a link: a domain or an address, out of any spelling that a browser takes (WHATWG URL §3.5).

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{LinkTrick, LinkTricks};
use crate::lookalike::{is_lookalike, mixes_scripts};
use crate::{Domain, Host};

/// Reads a host as it stands in a link, without user information and port, and records the tricks in it.
pub(super) fn read(text: &str, tricks: &mut LinkTricks) -> Option<Host> {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && let Ok(address) = address.parse::<Ipv6Addr>()
    {
        tricks.record(LinkTrick::NumericHost);
        return Some(address.to_ipv4_mapped().map_or_else(|| address.into(), Host::from));
    }
    // Nearly all hosts are letters, digits, hyphens and dots.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
        return read_decoded(text, tricks);
    }
    let text = refanged(text, tricks);
    let text = if text.contains(' ') {
        tricks.record(LinkTrick::InnerBlank);
        Cow::Owned(text.replace(' ', ""))
    } else {
        text
    };
    let text = if text.contains('%') {
        tricks.record(LinkTrick::EscapedHost);
        Cow::Owned(percent_decoded(&text))
    } else {
        text
    };
    read_decoded(&text, tricks)
}

/// Reads a host without escapes.
fn read_decoded(text: &str, tricks: &mut LinkTricks) -> Option<Host> {
    let domain = Domain::parse(text).ok()?;
    if ends_in_number(domain.as_str()) {
        tricks.record(LinkTrick::NumericHost);
        return parse_ipv4(domain.as_str()).map(Host::from);
    }
    note_alphabet(text, &domain, tricks);
    // By WHATWG URL §3.5 a host that UTS #46 refuses is none. It is a name of the DNS nevertheless, and phish has such links.
    Some(Host::Domain(domain))
}

/// Records whether the domain is international, and whether it passes for another.
fn note_alphabet(text: &str, domain: &Domain, tricks: &mut LinkTricks) {
    let encoded = domain.as_str().as_bytes().windows(4).any(|four| four == b"xn--");
    if text.is_ascii() && !encoded {
        return;
    }
    tricks.record(LinkTrick::International);
    let shown = domain.to_unicode();
    // In a top-level domain of its own script a word such as "хор" is ordinary; browsers judge alike.
    let foreign_top = shown.rsplit('.').next().is_some_and(|label| !label.is_ascii());
    let confusable = |label: &str| mixes_scripts(label) || (is_lookalike(label) && !foreign_top);
    // ASCII in the end though not in the link: full-width letters and their like.
    if !encoded || shown.split('.').any(confusable) {
        tricks.record(LinkTrick::Confusable);
    }
}

/// The host with `[.]`, `(.)`, `{.}`, `[dot]` and `(dot)` read as dots.
fn refanged<'t>(text: &'t str, tricks: &mut LinkTricks) -> Cow<'t, str> {
    if !text.contains(['[', '(', '{']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', '(', '{']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(dot) = defanged_dot(from) {
            tricks.record(LinkTrick::Defanged);
            out.push('.');
            rest = &from[dot..];
        } else {
            out.push_str(&from[..1]);
            rest = &from[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// How many bytes a bracketed dot at the beginning of the text takes.
pub(super) fn defanged_dot(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let close = match bytes.first()? {
        b'[' => b']',
        b'(' => b')',
        b'{' => b'}',
        _ => return None,
    };
    if bytes.get(1) == Some(&b'.') && bytes.get(2) == Some(&close) {
        return Some(3);
    }
    (bytes.get(1..4).is_some_and(|word| word.eq_ignore_ascii_case(b"dot")) && bytes.get(4) == Some(&close)).then_some(5)
}

/// WHATWG URL §3.5, "ends in a number": such a host is an address or nothing.
fn ends_in_number(host: &str) -> bool {
    let start = host.bytes().rposition(|byte| byte == b'.').map_or(0, |at| at + 1);
    let last = host.get(start..).unwrap_or_default();
    last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// WHATWG URL §3.5, the IPv4 parser: one to four numbers, decimal, octal or hexadecimal, the last filling what is left.
fn parse_ipv4(host: &str) -> Option<Ipv4Addr> {
    let parts = host.split('.').count();
    if parts > 4 {
        return None;
    }
    let mut address: u64 = 0;
    for (at, part) in host.split('.').enumerate() {
        let number = parse_number(part)?;
        let room = if at + 1 == parts { 8 * (5 - parts) } else { 8 };
        if number >= 1 << room {
            return None;
        }
        address = address << room | number;
    }
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

fn parse_number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    if digits.is_empty() {
        return (radix == 16).then_some(0);
    }
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// The text with percent escapes decoded; what is not UTF-8 then is replaced.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let decoded = if byte == b'%' { escape(rest) } else { None };
        out.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { rest.get(3..).unwrap_or_default() } else { after };
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The byte that a percent escape at the beginning stands for.
pub(super) fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    u8::try_from(digit(1)? << 4 | digit(2)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> (Option<String>, Vec<LinkTrick>) {
        let mut tricks = LinkTricks::default();
        let host = read(text, &mut tricks);
        (host.map(|host| host.to_string()), tricks.iter().collect())
    }

    #[test]
    fn spellings() {
        use LinkTrick::{Confusable, Defanged, EscapedHost, InnerBlank, International, NumericHost};
        for (text, name, tricks) in [
            ("Example.COM.", Some("example.com"), &[][..]),
            ("ex%61mple.com", Some("example.com"), &[EscapedHost]),
            ("example[.]com", Some("example.com"), &[Defanged]),
            ("www(dot)example{.}com", Some("www.example.com"), &[Defanged]),
            ("exa mple.com", Some("example.com"), &[InnerBlank]),
            ("exa%20mple.com", None, &[EscapedHost]),
            ("bücher.example", Some("xn--bcher-kva.example"), &[International]),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example"), &[International]),
            ("аррӏе.com", Some("xn--80ak6aa92e.com"), &[International, Confusable]),
            ("pаypal.com", Some("xn--pypal-4ve.com"), &[International, Confusable]),
            ("хор.рф", Some("xn--n1aen.xn--p1ai"), &[International]),
            ("ｅｘａｍｐｌｅ。com", Some("example.com"), &[International, Confusable]),
            ("127.0.0.1", Some("127.0.0.1"), &[NumericHost]),
            ("0x7f000001", Some("127.0.0.1"), &[NumericHost]),
            ("2130706433", Some("127.0.0.1"), &[NumericHost]),
            ("0177.1", Some("127.0.0.1"), &[NumericHost]),
            ("192.0.0x2.235.", Some("192.0.2.235"), &[NumericHost]),
            ("1.2.3", Some("1.2.0.3"), &[NumericHost]),
            ("0x", Some("0.0.0.0"), &[NumericHost]),
            ("%30x7f.1", Some("127.0.0.1"), &[NumericHost, EscapedHost]),
            ("１２７.1", Some("127.0.0.1"), &[NumericHost]),
            ("[::1]", Some("[::1]"), &[NumericHost]),
            ("[::ffff:10.0.0.1]", Some("10.0.0.1"), &[NumericHost]),
            ("256.1.1.1", None, &[NumericHost]),
            ("1.2.3.4.5", None, &[NumericHost]),
            ("4294967296", None, &[NumericHost]),
            ("a.b.09", None, &[NumericHost]),
            ("", None, &[]),
            ("a..b", None, &[]),
            ("[::1", None, &[]),
            ("a<b", None, &[]),
            ("xn--0.example", Some("xn--0.example"), &[International]),
        ] {
            assert_eq!(host(text), (name.map(str::to_owned), tricks.to_vec()), "{text}");
        }
    }
}
