//! Links: where they lead, what they show, and the tricks by which the two differ.

use crate::Host;

/// Where a link stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LinkOrigin {
    /// `a` and `area` elements.
    Anchor,
    /// The action of a `form`.
    Form,
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

/// A set of [`LinkTrick`]s.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
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

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One link of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// Where it stands.
    pub origin: LinkOrigin,
    /// The link as a browser would open it: scheme and host in lower case, escapes of plain characters undone.
    pub url: String,
    /// The scheme without its colon, in lower case; empty for a link without one.
    pub scheme: String,
    /// The host it leads to, if it names one.
    pub host: Option<Host>,
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
