//! Links: where they lead, what they show, and the tricks by which the two differ.
//!
//! Links are read as browsers read them (the WHATWG URL standard), with an eye for what is done to deceive people and
//! programs. They are judged, never fetched.

mod collector;
mod find;
mod host;
mod url;

use std::fmt;

pub(crate) use self::collector::{LinkCollector, Place, SHOWN_BYTES, Seen};
use crate::Host;

/// Where a link stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LinkOrigin {
    /// `a` and `area` elements.
    Anchor,
    /// The action of a `form`.
    Form,
    /// A file: what a document, a shortcut or a code in an image leads to.
    File,
    /// Sources of images.
    Image,
    /// `link`, style sheets, frames, `meta refresh`, and other things a page names.
    Resource,
    /// Plain text, or HTML text outside links.
    Text,
}

/// A trick in the spelling of a link. Each is legal somewhere and all are used to deceive.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[repr(u8)]
pub enum LinkTrick {
    /// `hxxp://`, `example[.]com`: written so that programs do not see it.
    Defanged,
    /// Characters before an `@` that look like the host (`https://bank.example@evil.example`).
    Userinfo,
    /// An address instead of a name, in any notation (`http://0x7f000001/`).
    NumericHost,
    /// A host or scheme written with percent escapes or HTML entities for plain letters.
    EscapedHost,
    /// A host with labels outside ASCII.
    International,
    /// A label that mixes scripts, or whose skeleton is ASCII though it is not.
    Confusable,
    /// Blanks, tabs or line ends inside the link that programs drop.
    InnerBlank,
    /// A backslash where a slash belongs.
    Backslash,
    /// A port other than the scheme's own.
    Port,
    /// Another whole link in the path or query (open redirect).
    Redirect,
}

impl LinkTrick {
    /// Every trick.
    pub const ALL: [Self; 10] = [
        Self::Defanged,
        Self::Userinfo,
        Self::NumericHost,
        Self::EscapedHost,
        Self::International,
        Self::Confusable,
        Self::InnerBlank,
        Self::Backslash,
        Self::Port,
        Self::Redirect,
    ];
}

/// A set of [`LinkTrick`]s.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct LinkTricks(u16);

impl LinkTricks {
    /// Records a trick.
    pub fn record(&mut self, trick: LinkTrick) {
        self.0 |= 1 << trick as u8;
    }

    /// Whether the trick was recorded.
    #[must_use]
    pub fn contains(self, trick: LinkTrick) -> bool {
        self.0 & (1 << trick as u8) != 0
    }

    /// Records all tricks of another set.
    pub fn record_all(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The tricks in the order of [`LinkTrick::ALL`].
    pub fn iter(self) -> impl Iterator<Item = LinkTrick> {
        LinkTrick::ALL.into_iter().filter(move |&trick| self.contains(trick))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for LinkTricks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<LinkTrick> for LinkTricks {
    fn from_iter<I: IntoIterator<Item = LinkTrick>>(tricks: I) -> Self {
        let mut set = Self::default();
        tricks.into_iter().for_each(|trick| set.record(trick));
        set
    }
}

/// One link of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// Where it stands.
    pub origin: LinkOrigin,
    /// The link as a browser would open it: scheme and host in lower case, escapes of plain characters undone.
    pub url: String,
    /// The scheme without its colon, in lower case; empty for a link without one (`//host/path`, `page.html`).
    pub scheme: String,
    /// The host it leads to, if it names one.
    pub host: Option<Host>,
    /// The host of another whole link in its path or query: where an open redirect may lead.
    pub inner_host: Option<Host>,
    /// What the link shows, for anchors with text: trimmed, blanks folded, at most 256 bytes.
    pub shown: Option<String>,
    /// The host that the shown text itself looks like a link to.
    pub shown_host: Option<Host>,
    /// The tricks in its spelling.
    pub tricks: LinkTricks,
    /// Whether a person cannot see it.
    pub hidden: bool,
}

impl Link {
    /// Whether what is shown names another registered domain (or another address) than the one it leads to.
    #[must_use]
    pub fn misleads(&self) -> bool {
        match (&self.host, &self.shown_host) {
            (Some(Host::Domain(to)), Some(Host::Domain(shown))) => to.registered() != shown.registered(),
            (Some(to), Some(shown)) => to != shown,
            _ => false,
        }
    }

    /// Whether a person can follow it: an anchor, a form or an address in text.
    #[must_use]
    pub fn is_followable(&self) -> bool {
        matches!(self.origin, LinkOrigin::Anchor | LinkOrigin::Form | LinkOrigin::Text)
    }
}
