//! Collects the links of one message: bounded, each once, in the order in which they stand.

use super::find::Finder;
use super::{Link, LinkOrigin, LinkTrick, url};
use crate::message::{is_blank, is_invisible};
use crate::{Defect, Defects, Limits};

/// Bytes kept of what a link shows; 256. Longer texts name no host.
pub(crate) const SHOWN_BYTES: usize = 256;

/// How many links are looked at for each that is kept; 10. Then even equal ones are no longer read, and the limit counts as
/// reached.
const LOOKS_PER_LINK: usize = 10;

/// The links of a message.
///
/// Links are equal when they lead to the same place, show the same host and are of the same kind: those that people follow
/// (anchors and text), forms, images, resources. The first of them stays and learns what the others add.
#[derive(Clone, Debug)]
pub(crate) struct LinkCollector {
    links: Vec<(Place, Link)>,
    /// Indices of `links` in the order of their keys.
    sorted: Vec<u32>,
    most: usize,
    bytes: usize,
    looks: usize,
    places: u32,
    cut: bool,
    dropped: bool,
}

/// Where a link stands among the others.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place(u32);

/// A link as a page holds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) origin: LinkOrigin,
    /// The link with its entities decoded.
    pub(crate) href: &'a str,
    /// What stands in the anchor; empty for none.
    pub(crate) shown: &'a str,
    /// Whether a person cannot see it.
    pub(crate) hidden: bool,
    /// Whether plain characters of scheme or host stand as entities.
    pub(crate) escaped: bool,
}

impl LinkCollector {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            links: Vec::new(),
            sorted: Vec::new(),
            most: limits.links,
            bytes: limits.link_bytes,
            looks: limits.links.saturating_mul(LOOKS_PER_LINK),
            places: 0,
            cut: false,
            dropped: false,
        }
    }

    /// Takes the next place in the order of links.
    pub(crate) fn place(&mut self) -> Place {
        self.places = self.places.saturating_add(1);
        Place(self.places)
    }

    /// Adds every link of a plain text.
    pub(crate) fn find_in_text(&mut self, text: &str) {
        for found in Finder::new(text) {
            if !self.may_look() {
                return;
            }
            let place = self.place();
            let seen = Seen { origin: LinkOrigin::Text, href: found.text, shown: "", hidden: false, escaped: false };
            if found.prefix.is_empty() {
                self.read(place, &seen);
            } else {
                let href = format!("{}{}", found.prefix, self.shortened(found.text));
                self.read(place, &Seen { href: &href, ..seen });
            }
        }
    }

    /// Adds a link of a page.
    pub(crate) fn add(&mut self, place: Place, seen: &Seen<'_>) {
        if self.may_look() {
            self.read(place, seen);
        }
    }

    /// The links in order, and whether a limit was reached.
    pub(crate) fn finish(mut self, defects: &mut Defects) -> Vec<Link> {
        if self.dropped {
            defects.record(Defect::LinkLimit);
        }
        if self.cut {
            defects.record(Defect::LinkBytesLimit);
        }
        self.links.sort_by_key(|(place, _)| *place);
        self.links.into_iter().map(|(_, link)| link).collect()
    }

    /// Whether another link may be read. Reading costs time even when the link is known.
    fn may_look(&mut self) -> bool {
        match self.looks.checked_sub(1) {
            Some(left) if !self.dropped => {
                self.looks = left;
                true
            }
            _ => {
                self.dropped = true;
                false
            }
        }
    }

    fn shortened<'t>(&mut self, text: &'t str) -> &'t str {
        if text.len() <= self.bytes {
            return text;
        }
        // What follows `data:` is content, not a place.
        self.cut |= !text.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        text.get(..text.floor_char_boundary(self.bytes)).unwrap_or(text)
    }

    fn read(&mut self, place: Place, seen: &Seen<'_>) {
        let Some(reading) = url::read(self.shortened(seen.href)) else { return };
        let shown = folded_shown(seen.shown);
        let shown_host = if shown.is_empty() { None } else { shown_host(&shown) };
        let mut tricks = reading.tricks;
        if seen.escaped {
            tricks.record(LinkTrick::EscapedHost);
        }
        let link = Link {
            origin: seen.origin,
            url: reading.url,
            scheme: reading.scheme,
            host: reading.host,
            inner_host: reading.inner_host,
            shown: (!shown.is_empty()).then_some(shown),
            shown_host,
            tricks,
            hidden: seen.hidden,
        };
        self.keep(place, link);
    }

    fn keep(&mut self, place: Place, link: Link) {
        let known =
            self.sorted.binary_search_by(|&at| self.links.get(at as usize).map(|(_, other)| key(other)).cmp(&Some(key(&link))));
        match known {
            Ok(at) => {
                let Some((first, other)) = self.sorted.get(at).and_then(|&at| self.links.get_mut(at as usize)) else { return };
                *first = place.min(*first);
                other.origin = other.origin.min(link.origin);
                other.hidden &= link.hidden;
                other.tricks.record_all(link.tricks);
                if other.shown.is_none() {
                    other.shown = link.shown;
                }
            }
            Err(_) if self.links.len() >= self.most => self.dropped = true,
            Err(at) => {
                let index = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
                self.sorted.insert(at, index);
                self.links.push((place, link));
            }
        }
    }
}

/// What makes links equal.
fn key(link: &Link) -> (&str, u8, Option<&crate::Host>) {
    let kind = match link.origin {
        LinkOrigin::Anchor | LinkOrigin::Text => 0,
        LinkOrigin::Form => 1,
        LinkOrigin::Image => 2,
        LinkOrigin::Resource => 3,
        LinkOrigin::File => 4,
    };
    (&link.url, kind, link.shown_host.as_ref())
}

/// What a link shows: trimmed, blanks folded, invisible characters dropped, at most [`SHOWN_BYTES`].
fn folded_shown(text: &str) -> String {
    let text = text.trim_ascii();
    let folded = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) && !bytes.windows(2).any(|two| two == b"  ");
    if text.len() <= SHOWN_BYTES && folded(text.as_bytes()) {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut gap = false;
    for c in text.chars() {
        if c.is_ascii_whitespace() || is_blank(c) {
            gap = !out.is_empty();
        } else if !is_invisible(c) {
            if out.len() + usize::from(gap) + c.len_utf8() > SHOWN_BYTES {
                break;
            }
            if gap {
                out.push(' ');
                gap = false;
            }
            out.push(c);
        }
    }
    out
}

/// The host of the first link in what an anchor shows. An address of mail names none.
fn shown_host(shown: &str) -> Option<crate::Host> {
    let found = Finder::new(shown).next()?;
    url::read(&format!("{}{}", found.prefix, found.text))?.host
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(limits: &Limits, text: &str) -> (Vec<Link>, Defects) {
        let mut collector = LinkCollector::new(limits);
        collector.find_in_text(text);
        let mut defects = Defects::default();
        let links = collector.finish(&mut defects);
        (links, defects)
    }

    fn anchor(href: &str, shown: &str) -> Link {
        let mut collector = LinkCollector::new(&Limits::default());
        let place = collector.place();
        collector.add(place, &Seen { origin: LinkOrigin::Anchor, href, shown, hidden: false, escaped: false });
        collector.finish(&mut Defects::default()).remove(0)
    }

    #[test]
    fn text_and_anchor_tell_apart_where_they_lead() {
        for (href, shown, host, misleads) in [
            ("https://evil.example/", "www.bank.example/login", Some("www.bank.example"), true),
            ("https://evil.example/", "bank.example", Some("bank.example"), true),
            ("https://evil.example/", "Log in at https://bank.example now", Some("bank.example"), true),
            ("https://www.bank.example/x", "bank.example", Some("bank.example"), false),
            ("http://1.2.3.4/", "bank.example", Some("bank.example"), true),
            ("https://evil.example/", "Log in", None, false),
            ("https://evil.example/", "help@bank.example", None, false),
            ("mailto:help@bank.example", "bank.example", Some("bank.example"), false),
        ] {
            let link = anchor(href, shown);
            assert_eq!(link.shown_host.as_ref().map(ToString::to_string).as_deref(), host, "{shown}");
            assert_eq!(link.misleads(), misleads, "{href} {shown}");
        }
    }

    #[test]
    fn shown_text_is_folded_and_bounded() {
        assert_eq!(anchor("x:y", " a\r\n\u{a0} b\u{200b}c ").shown.as_deref(), Some("a bc"));
        assert_eq!(anchor("x:y", " \n").shown, None);
        assert_eq!(anchor("x:y", &"é".repeat(999)).shown.unwrap().len(), SHOWN_BYTES);
    }

    #[test]
    fn equal_links_stand_once() {
        let mut collector = LinkCollector::new(&Limits::default());
        collector.find_in_text("http://b.example http://a.example/ http://B.example/");
        for (origin, href, shown, hidden) in [
            (LinkOrigin::Anchor, "http://a.example", "Offer", false),
            (LinkOrigin::Anchor, "http://a.example", "www.bank.example", false),
            (LinkOrigin::Image, "http://a.example", "", true),
        ] {
            let place = collector.place();
            collector.add(place, &Seen { origin, href, shown, hidden, escaped: false });
        }
        let links = collector.finish(&mut Defects::default());
        let summary: Vec<_> = links.iter().map(|link| (link.origin, link.url.as_str(), link.shown.as_deref())).collect();
        assert_eq!(
            summary,
            [
                (LinkOrigin::Text, "http://b.example/", None),
                (LinkOrigin::Anchor, "http://a.example/", Some("Offer")),
                (LinkOrigin::Anchor, "http://a.example/", Some("www.bank.example")),
                (LinkOrigin::Image, "http://a.example/", None),
            ]
        );
    }

    #[test]
    fn the_number_of_links_is_bounded() {
        let limits = Limits { links: 3, ..Limits::default() };
        let (found, defects) = links(&limits, "http://a.example http://b.example http://c.example http://a.example");
        assert_eq!((found.len(), defects.contains(Defect::LinkLimit)), (3, false));
        let (found, defects) = links(&limits, "http://a.example http://b.example http://c.example http://d.example");
        assert_eq!((found.len(), defects.contains(Defect::LinkLimit)), (3, true));
        let (found, defects) = links(&limits, &"http://a.example ".repeat(31));
        assert_eq!((found.len(), defects.contains(Defect::LinkLimit)), (1, true));
    }

    #[test]
    fn the_length_of_links_is_bounded() {
        let limits = Limits { link_bytes: 20, ..Limits::default() };
        let (found, defects) = links(&limits, "http://a.example/abc");
        assert_eq!((found[0].url.as_str(), defects.is_empty()), ("http://a.example/abc", true));
        let (found, defects) = links(&limits, "http://a.example/abcd");
        assert_eq!((found[0].url.as_str(), defects.contains(Defect::LinkBytesLimit)), ("http://a.example/abc", true));
    }

    proptest! {
        #[test]
        fn limits_hold(text in "(http://[a-c.]{1,9}[/ ]|\\PC){0,50}") {
            let limits = Limits { links: 4, link_bytes: 12, ..Limits::default() };
            let (found, _) = links(&limits, &text);
            prop_assert!(found.len() <= 4);
        }
    }
}
