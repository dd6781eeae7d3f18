//! Links: how one is read (the WHATWG standard) and which are found in a text (other programs' tests).
//!
//! Every link is read as mail is: as the target of an anchor in an HTML part, or out of a plain text.

mod linkify;
mod rspamd;
mod spamassassin;
mod standard;

use xd_core::{Host, Limits, Link, LinkOrigin, Message};

use super::{Case, Reading, VectorFile};

/// Why addresses of mail are not asked for.
const MAIL_ADDRESS: &str = "an address of mail is no link: it is read from header fields";

pub(super) fn read(file: &VectorFile) -> Reading {
    let cases = match file.json() {
        Some(value) => {
            let Some(all) = value.as_array() else { return Reading::Unknown };
            let some_have = |keys: &[&str]| all.iter().any(|case| keys.iter().all(|key| case.get(key).is_some()));
            if some_have(&["input", "base"]) {
                all.iter().filter_map(standard::case).collect()
            } else if some_have(&["must_match"]) {
                all.iter().filter_map(spamassassin::found).collect()
            } else if some_have(&["uri", "registrable_domain"]) {
                all.iter().filter_map(spamassassin::domain).collect()
            } else if some_have(&["input", "canonical_list"]) {
                all.iter().filter_map(spamassassin::canonical).collect()
            } else if some_have(&["kind", "text"]) {
                all.iter().filter_map(rspamd::case).collect()
            } else {
                Vec::new()
            }
        }
        None => file.text().map_or_else(Vec::new, linkify::cases),
    };
    if cases.is_empty() { Reading::Unknown } else { Reading::Cases(cases) }
}

/// The link that an anchor with this target is.
fn read_target(target: &str) -> Option<Link> {
    let escaped: String = target
        .chars()
        .map(|c| match c {
            '&' | '"' | '<' | '>' | '\t' | '\r' | '\n' => format!("&#{};", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    links("text/html", &format!("<a href=\"{escaped}\">x</a>")).into_iter().find(|link| link.origin == LinkOrigin::Anchor)
}

/// The links that are found in a plain text.
fn found_in_text(text: &str) -> Vec<Link> {
    links("text/plain", text)
}

/// The links that are found in the text of an HTML part.
fn found_in_page(text: &str) -> Vec<Link> {
    links("text/html", &format!("<html><body>{text}</body></html>"))
}

fn links(media_type: &str, body: &str) -> Vec<Link> {
    let raw = format!(
        "MIME-Version: 1.0\r\nContent-Type: {media_type}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n"
    );
    Message::parse(raw.as_bytes(), &Limits::default()).links().to_vec()
}

/// A host as it is compared: an address without brackets, a domain in one spelling.
fn host_text(host: &Host) -> String {
    match host {
        Host::Address(address) => address.to_string(),
        Host::Domain(domain) => domain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_they_stand() {
        let link = read_target("ht\ntp://a.example/?a=1&amp=2\"<").unwrap();
        assert_eq!(link.url, "http://a.example/?a=1&amp=2\"<");
        assert_eq!(found_in_text("see http://a.example/ and b.example/x").len(), 2);
    }
}
