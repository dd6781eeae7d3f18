//! Where links lead and how they are spelled, without the names of those who registered the hosts.

use super::{Family, Gather};
use crate::{Host, Link, LinkOrigin, Message};

/// Links that are looked at.
const LINKS: usize = 200;

pub(super) fn gather(message: &Message<'_>, to: &mut impl Gather) {
    let family = Family::Links;
    let links = || message.links().iter().filter(|link| link.is_followable()).take(LINKS);
    to.size(family, "links", links().count());
    to.size(family, "hidden links", links().filter(|link| link.hidden).count());
    let mut hosts: Vec<&str> = links().filter_map(registered).collect();
    hosts.sort_unstable();
    hosts.dedup();
    to.size(family, "hosts", hosts.len());
    for link in links() {
        spelling(link, to);
    }
    for link in message.links().iter().filter(|link| link.origin == LinkOrigin::Image).take(LINKS) {
        if let Some(Host::Domain(domain)) = &link.host {
            to.shape(family, "image under", domain.suffix());
        }
        to.fact(family, "image over http", link.scheme == "http");
    }
}

/// The domain that someone registered for a link's host.
pub(super) fn registered(link: &Link) -> Option<&str> {
    link.host.as_ref().and_then(Host::domain).map(|domain| domain.registered())
}

fn spelling(link: &Link, to: &mut impl Gather) {
    let family = Family::Links;
    let scheme: String = link.scheme.chars().take(10).collect();
    to.shape(family, "scheme", &scheme);
    for trick in link.tricks.iter() {
        to.shape(family, "trick", trick_name(trick));
    }
    to.fact(family, "form", link.origin == LinkOrigin::Form);
    to.fact(family, "shows another host", link.misleads());
    match &link.host {
        None => {}
        Some(Host::Address(_)) => to.shape(family, "address", ""),
        Some(Host::Domain(domain)) => {
            to.shape(family, "under", domain.suffix());
            to.size(family, "labels", domain.as_str().split('.').count());
            let name = domain.name();
            to.shape(family, "name", name_form(name));
        }
    }
    if matches!(&*link.scheme, "http" | "https") {
        address(&link.url, to);
    }
    if let Some(shown) = &link.shown {
        let shown = crate::normalize(shown);
        if !shown.is_empty() && shown.len() <= 60 {
            super::words::each(&shown, |word| {
                if let Some(word) = word {
                    to.feature(family, super::hash::Hash::of_kind(32).with(word.hash).value(), || {
                        format!("link shows {}", word.text)
                    });
                }
            });
        }
    }
}

/// Path and query: words of letters, endings, lengths.
fn address(url: &str, to: &mut impl Gather) {
    let family = Family::Links;
    let Some((_, rest)) = url.split_once("://") else { return };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.split_once('/').map_or("", |(_, path)| path);
    to.size(family, "path bytes", path.len());
    to.size(family, "query bytes", query.len());
    to.fact(family, "fragment with an address", rest.split_once('#').is_some_and(|(_, fragment)| fragment.contains('@')));
    to.fact(family, "query with an address", query.contains('@') || query.contains("%40"));
    if let Some((_, ending)) = path.rsplit('/').next().and_then(|last| last.rsplit_once('.')) {
        to.shape(family, "ending", &ending.chars().take(6).collect::<String>().to_lowercase());
    }
    for word in path.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| (3..=14).contains(&word.len())).take(8) {
        to.shape(family, "path", &word.to_ascii_lowercase());
    }
    for key in query.split('&').take(8) {
        let key = key.split('=').next().unwrap_or_default();
        if (1..=16).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
            to.shape(family, "query", &key.to_ascii_lowercase());
        }
    }
}

/// How a registered name looks: long, with digits or hyphens, hard to pronounce.
pub(super) fn name_form(name: &str) -> &'static str {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let hyphens = name.bytes().filter(|&byte| byte == b'-').count();
    let mut run = 0;
    let mut longest = 0;
    for byte in name.bytes() {
        run = if byte.is_ascii_alphabetic() && !matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y') { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    match (name.len(), digits, hyphens, longest) {
        (_, _, _, 5..) => "hard to pronounce",
        (_, 4.., _, _) => "many digits",
        (_, 1.., 1.., _) => "digits and hyphens",
        (_, 1.., _, _) => "digits",
        (_, _, 2.., _) => "hyphens",
        (_, _, 1, _) => "hyphen",
        (0..=4, _, _, _) => "short",
        (18.., _, _, _) => "long",
        _ => "plain",
    }
}

fn trick_name(trick: crate::LinkTrick) -> &'static str {
    use crate::LinkTrick as T;
    match trick {
        T::Defanged => "defanged",
        T::Userinfo => "userinfo",
        T::NumericHost => "numeric host",
        T::EscapedHost => "escaped host",
        T::International => "international",
        T::Confusable => "confusable",
        T::InnerBlank => "inner blank",
        T::Backslash => "backslash",
        T::Port => "port",
        T::Redirect => "redirect",
    }
}
