//! Cases of the WHATWG URL standard: `{"input", "base", "href", "hostname", …}` or `{"input", "base", "failure": true}`.
//!
//! What is compared: scheme, host, port, and the path, query and fragment with all escapes undone, since a link is kept in a
//! spelling of its own. User information is kept as it stands.

use std::net::Ipv6Addr;

use serde_json::Value;
use xd_core::{Link, LinkTrick};

use super::{Case, host_text, read_target};
use crate::conformance::same;

/// The schemes whose links all name a host.
const SPECIAL: [&str; 5] = ["http", "https", "ftp", "ws", "wss"];

pub(super) fn case(case: &Value) -> Option<Case> {
    let input = case.get("input")?.as_str()?;
    let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default();
    let base = text("base");
    let name = if base.is_empty() { format!("{input:?}") } else { format!("{input:?} on {base:?}") };
    let stripped: String = input.trim_matches(|c: char| c <= ' ').chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
    let Some((scheme, rest)) = stripped.split_once(':') else {
        return Some(Case::apart(name, "relative to a page, which no mail has"));
    };
    let scheme = scheme.to_ascii_lowercase();
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    {
        return Some(Case::apart(name, "relative to a page, which no mail has"));
    }
    if !SPECIAL.contains(&scheme.as_str()) {
        return Some(Case::apart(name, "of another scheme than http, https, ftp, ws and wss: kept as it stands"));
    }
    let slashes = rest.chars().take_while(|c| matches!(c, '/' | '\\')).count();
    if slashes < 2 && base.split(':').next() == Some(scheme.as_str()) {
        return Some(Case::apart(name, "relative to a page, which no mail has"));
    }
    if input.contains('\0') {
        return Some(Case::apart(name, "HTML replaces NUL before a link is read"));
    }
    let outcome = compare(input, &scheme, case);
    if let (Err(why), Some(true)) = (&outcome, case.get("failure").and_then(Value::as_bool))
        && read_target(input).is_some_and(|link| is_judged_anyway(&link))
    {
        return Some(Case::apart(name, format!("browsers open nothing; what others may open is judged all the same: {why}")));
    }
    Some(Case::new(name, outcome))
}

/// Whether its host is a name that is no IDN though it looks encoded, or has blanks that are dropped.
fn is_judged_anyway(link: &Link) -> bool {
    let host = link.host.as_ref().map(host_text).unwrap_or_default();
    link.tricks.contains(LinkTrick::InnerBlank) || host.split('.').any(|label| label.starts_with("xn--"))
}

fn compare(input: &str, scheme: &str, case: &Value) -> Result<(), String> {
    let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default();
    let link = read_target(input);
    if case.get("failure").and_then(Value::as_bool) == Some(true) {
        return match link.and_then(|link| link.host) {
            None => Ok(()),
            Some(host) => Err(format!("leads to {host} where nothing is to be opened")),
        };
    }
    let link = link.ok_or("no link")?;
    same(link.scheme.as_str(), scheme)?;
    let hostname = text("hostname").trim_matches(['[', ']']);
    // An address in IPv6 that stands for one in IPv4 is kept as the latter.
    let expected = match hostname.parse::<Ipv6Addr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => hostname.to_owned(),
    };
    same(&link.host.as_ref().map(host_text).unwrap_or_default(), &expected)?;
    let (port, rest) = port_and_rest(&link.url);
    same(&port, &text("port").to_owned())?;
    same(&unescaped(&rest), &unescaped(&format!("{}{}{}", text("pathname"), text("search"), text("hash"))))
}

/// The port, and what follows it, of a link as it is kept.
fn port_and_rest(url: &str) -> (String, String) {
    let authority = url.split_once("//").map_or(url, |(_, rest)| rest);
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let (authority, rest) = authority.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = host.rsplit_once(':').map_or("", |(_, port)| if port.contains(']') { "" } else { port });
    (port.to_owned(), rest.to_owned())
}

/// All escapes undone; an empty query or fragment is none.
fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escape = digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(escape.unwrap_or(byte));
        rest = if escape.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&out).trim_end_matches(['?', '#']).to_owned()
}
