//! Cases of SpamAssassin's: links found in texts, registrable domains, canonical forms.

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use serde_json::Value;
use xd_core::{Host, Link};

use super::{Case, MAIL_ADDRESS, found_in_page, found_in_text, host_text, read_target};
use crate::conformance::same;

/// `{"text" | "html", "must_match": [regex…], "must_not_match": [regex…]}` over the list of links found.
pub(super) fn found(case: &Value) -> Option<Case> {
    let (text, links) = match (case.get("text"), case.get("html")) {
        (Some(text), _) => (text.as_str()?, found_in_text(text.as_str()?)),
        (None, html) => (html?.as_str()?, found_in_page(html?.as_str()?)),
    };
    let patterns = |key: &str| -> Vec<&str> {
        case.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let (wanted, unwanted) = (patterns("must_match"), patterns("must_not_match"));
    let is_address = |pattern: &&str| pattern.contains("mailto") || pattern.contains('@') && !pattern.contains("//");
    if wanted.iter().any(is_address) {
        return Some(Case::apart(text, MAIL_ADDRESS));
    }
    let list = as_listed(&links);
    let mut outcome = Ok(());
    for (patterns, is_wanted) in [(wanted, true), (unwanted, false)] {
        for pattern in patterns {
            let Some(regex) = regex(pattern) else {
                return Some(Case::apart(text, "the expectation is a regular expression that is not read here"));
            };
            if regex.is_match(&list) != is_wanted {
                let word = if is_wanted { "not found" } else { "found" };
                let why = format!("{pattern} is {word} in {list:?}");
                // What stands without a scheme is a link to one program and none to another, and so is a file.
                if !text.contains("://") || pattern.contains("file:") {
                    return Some(Case::opinion(text, why));
                }
                outcome = Err(why);
            }
        }
    }
    Some(Case::new(text, outcome))
}

/// Lower and upper case are alike: hosts are kept in lower case.
fn regex(pattern: &str) -> Option<Regex> {
    Regex::builder().syntax(syntax::Config::new().case_insensitive(true).multi_line(true)).build(pattern).ok()
}

/// The links as SpamAssassin lists them: also without the slash that a bare host was given, and as they stood.
fn as_listed(links: &[Link]) -> String {
    let mut list = Vec::new();
    // A link without a host is kept as it stands, and leads nowhere.
    for link in links.iter().filter(|link| link.host.is_some()) {
        // Its own port is dropped here.
        let host = link.host.as_ref().map(ToString::to_string).unwrap_or_default();
        list.extend(link.url.find(&host).map(|at| {
            let (start, end) = link.url.split_at(at + host.len());
            let port = if link.scheme == "https" { 443 } else { 80 };
            format!("{start}:{port}{end}\n{start}:{port}\n{host}:{port}{end}")
        }));
        let bare = link.url.strip_suffix('/').unwrap_or(&link.url);
        let without_scheme = |url: &str| url.strip_prefix("http://").map(str::to_owned);
        list.extend([link.url.clone(), bare.to_owned()]);
        if !link.url.starts_with("http://ftp.") {
            list.extend(without_scheme(&link.url));
            list.extend(without_scheme(bare));
        }
    }
    list.join("\n")
}

/// `{"uri", "registrable_domain": text | null}`
pub(super) fn domain(case: &Value) -> Option<Case> {
    let uri = case.get("uri")?.as_str()?;
    let expected = case.get("registrable_domain")?.as_str().map(str::to_owned);
    if uri.starts_with("mailto:") {
        return Some(Case::apart(uri, MAIL_ADDRESS));
    }
    let link = if uri.contains(':') && !uri.contains('@') || uri.contains("//") {
        read_target(uri)
    } else if uri.contains('@') {
        read_target(&format!("http://{uri}"))
    } else {
        // As it would stand in a text.
        found_in_text(uri).into_iter().next()
    };
    let registered = |host: &Host| host.domain().filter(|domain| domain.suffix() != domain.as_str()).map(registered_listed);
    let found = link.as_ref().and_then(|link| link.host.as_ref()).and_then(registered);
    if let (Some(found), Some(expected)) = (&found, &expected)
        && expected.ends_with(&format!(".{found}"))
    {
        return Some(Case::opinion(uri, format!("{expected} by that program's own list of suffixes, {found} by the public one")));
    }
    if let (Some(found), None, true) = (&found, &expected, uri.contains('%')) {
        return Some(Case::opinion(uri, format!("{found} where that program undoes no escapes, as browsers do")));
    }
    Some(Case::new(uri, same(&found, &expected)))
}

fn registered_listed(domain: &xd_core::Domain) -> String {
    domain.registered().to_owned()
}

/// `{"input": [link…], "canonical_list": [link…]}`: the hosts of the list are those a link leads to, also behind a redirect.
pub(super) fn canonical(case: &Value) -> Option<Case> {
    let texts = |key: &str| -> Option<Vec<&str>> { Some(case.get(key)?.as_array()?.iter().filter_map(Value::as_str).collect()) };
    let (input, expected) = (texts("input")?, texts("canonical_list")?);
    let mut found = Vec::new();
    for text in &input {
        // Notation: `\r` is a carriage return, `\\` one backslash.
        let link = read_target(&text.replace("\\\\", "\\").replace("\\r", "\r"));
        found.extend(link.iter().flat_map(|link| [&link.host, &link.inner_host]).flatten().map(host_text));
    }
    let name = input.join(" ");
    for link in &expected {
        let whole = link.starts_with("http://") || link.starts_with("https://");
        let Some(host) = read_target(link).filter(|_| whole).and_then(|link| link.host).map(|host| host_text(&host)) else {
            continue;
        };
        if !found.contains(&host) {
            let stands_there =
                input.iter().any(|text| text.contains(&format!("//{host}")) || text.contains(&format!("%2F{host}")));
            let why = format!("{host} is not among {found:?}");
            if stands_there {
                return Some(Case::new(name, Err(why)));
            }
            return Some(Case::opinion(
                name,
                format!("{why}: no link stands there, a redirector is known by that program's list"),
            ));
        }
    }
    Some(Case::new(name, Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Outcome;

    #[test]
    fn cases_are_read() {
        let case = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let one = found(&case(
            r#"{"text": "see www.Example.com/a", "must_match": ["^www.EXAMPLE.com/a$"], "must_not_match": ["ftp"]}"#,
        ));
        assert_eq!(one.unwrap().outcome, Outcome::Passed);
        let one = found(&case(r#"{"text": "http://a.example/", "must_match": ["b.example"], "must_not_match": []}"#));
        assert!(matches!(one.unwrap().outcome, Outcome::Missed(_)));
        let one = domain(&case(r#"{"uri": "http://a.b.example.com:1/", "registrable_domain": "example.com"}"#));
        assert_eq!(one.unwrap().outcome, Outcome::Passed);
        let one = canonical(&case(r#"{"input": ["http:/a.example"], "canonical_list": ["http://a.example"]}"#));
        assert_eq!(one.unwrap().outcome, Outcome::Passed);
    }
}
