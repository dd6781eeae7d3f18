//! The links of a page: anchors with what they show, and everything else that names a place.

use std::borrow::Cow;

use super::Page;
use crate::LinkOrigin;
use crate::html::attributes::{Attribute, Attributes};
use crate::html::entity_value;
use crate::html::style::{Ground, Style};
use crate::link::{Place, Seen};

/// An open anchor.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) place: Place,
    pub(super) href: String,
    pub(super) shown: String,
    pub(super) escaped: bool,
    pub(super) hidden: bool,
    /// Whether a person sees anything in it.
    pub(super) seen: bool,
}

impl Page<'_> {
    /// An image behind text.
    pub(super) fn background(&mut self, address: &str) {
        self.count_image(address);
        let hidden = self.stack.sight().hides_pictures();
        self.add_link(LinkOrigin::Image, address, hidden, false);
    }

    pub(super) fn begin_anchor(&mut self, attributes: &Attributes<'_>, style: &Style) {
        let href = attributes.trimmed(Attribute::Href);
        if href.is_empty() {
            return;
        }
        self.search_run();
        self.anchor = Some(Anchor {
            place: self.links.place(),
            href: resolved(self.base.as_deref(), href).into_owned(),
            shown: String::new(),
            escaped: is_escaped(attributes.source(Attribute::Href)),
            hidden: self.stack.sight().hides_pictures(),
            // A picture behind nothing can be what people click on.
            seen: style.ground == Some(Ground::Picture),
        });
    }

    pub(super) fn end_anchor(&mut self) {
        let Some(anchor) = self.anchor.take() else { return };
        self.note_scheme(&anchor.href);
        let hidden = anchor.hidden || !anchor.seen;
        let seen = Seen { origin: LinkOrigin::Anchor, href: &anchor.href, shown: &anchor.shown, hidden, escaped: anchor.escaped };
        self.links.add(anchor.place, &seen);
        // No address in text reaches across an anchor.
        if !self.run.is_empty() {
            self.run.push('\n');
        }
    }

    pub(super) fn add_link(&mut self, origin: LinkOrigin, href: &str, hidden: bool, escaped: bool) {
        if href.is_empty() {
            return;
        }
        self.note_scheme(href);
        let place = self.links.place();
        let href = resolved(self.base.as_deref(), href);
        self.links.add(place, &Seen { origin, href: &href, shown: "", hidden, escaped });
    }

    /// Counts links that are programs or documents themselves.
    pub(super) fn note_scheme(&mut self, href: &str) {
        // Most links are none of these, and begin with `h`, `m`, `#` or `/`.
        if !href.starts_with(|c: char| c <= ' ' || matches!(c, 'j' | 'J' | 'v' | 'V' | 'd' | 'D')) {
            return;
        }
        let start: String = href.chars().filter(|c| *c > ' ').take(32).map(|c| c.to_ascii_lowercase()).collect();
        if start.starts_with("javascript:") || start.starts_with("vbscript:") {
            self.facts.scripts = self.facts.scripts.saturating_add(1);
        } else if let Some(kind) = start.strip_prefix("data:")
            && DOCUMENTS.iter().any(|prefix| kind.starts_with(prefix))
        {
            self.facts.data_documents = self.facts.data_documents.saturating_add(1);
        }
    }
}

/// Types of `data:` links that hold a document or a program.
const DOCUMENTS: [&str; 7] =
    ["text/html", "application/xhtml", "image/svg", "text/xml", "application/xml", "text/javascript", "application/javascript"];

/// A relative link put behind the page's base; others as they stand.
fn resolved<'h>(base: Option<&str>, href: &'h str) -> Cow<'h, str> {
    let Some(base) = base else { return Cow::Borrowed(href) };
    let host = base.find("://").map_or(0, |at| at + 3);
    let path = base.get(host..).unwrap_or_default();
    if href.starts_with('/') && !href.starts_with("//") {
        let end = path.find('/').map_or(base.len(), |at| host + at);
        return Cow::Owned(format!("{}{href}", base.get(..end).unwrap_or_default()));
    }
    let start = href.split(['/', '?', '#']).next().unwrap_or_default();
    if href.starts_with(['/', '\\', '#', '?']) || start.contains(':') {
        return Cow::Borrowed(href);
    }
    match path.rfind('/') {
        Some(at) => Cow::Owned(format!("{}{href}", base.get(..=host + at).unwrap_or_default())),
        None => Cow::Owned(format!("{base}/{href}")),
    }
}

/// The address in the content of a refresh: `0; url='http://…'`.
pub(super) fn refresh_target(content: &str) -> Option<&str> {
    let at = content.as_bytes().windows(4).position(|word| word.eq_ignore_ascii_case(b"url="))?;
    Some(content.get(at + 4..)?.trim().trim_matches(['"', '\'']))
}

/// Whether the scheme or host of a link stands with numeric entities for plain characters.
pub(super) fn is_escaped(source: &str) -> bool {
    let start = source.get(..source.floor_char_boundary(512)).unwrap_or(source);
    if memchr::memchr(b'&', start.as_bytes()).is_none() {
        return false;
    }
    let plain = |at: usize| {
        let code = start.as_bytes().get(at..).and_then(entity_value);
        code.is_some_and(|code| {
            u8::try_from(code).is_ok_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'.' | b'@' | b'-'))
        })
    };
    let end = start.match_indices('/').nth(2).map_or(start.len(), |(at, _)| at);
    start.match_indices("&#").any(|(at, _)| at < end && plain(at))
}
