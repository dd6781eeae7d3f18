//! Reads a page token by token: text, start tags, end tags, comments.
//!
//! Text and tags of the usual shape are found by search, see [`tag`](super::tag) and [`reference`](super::reference). Everything
//! whose reading takes more than that (rarer character references, raw text, comments, tags of any other shape) is read by html5gum,
//! see [`standard`](super::standard), which also says in tests that both read alike. Nothing is allocated per token.

use html5gum::State;

use super::attributes::Attributes;
use super::element::{Kind, Raw, Tag};
use super::page::Page;
use super::{reference, tag};

/// Bytes of an attribute value that are kept at least; 16 KiB. Style attributes of real mail stay below 2 KiB.
const VALUE_BYTES: usize = 16 << 10;

/// What is read of one page.
pub(super) struct Tokens<'h, 's> {
    /// The page; its line ends are LF.
    pub(super) html: &'h str,
    pub(super) page: Page<'s>,
    pub(super) attributes: Attributes<'h>,
    /// Bytes of the page read so far.
    pub(super) position: usize,
    pub(super) name: Name,
    /// The element whose raw text is being read.
    pub(super) raw: Option<Tag>,
    /// Whether SVG or MathML is open.
    foreign: bool,
    /// Text whose character references were decoded.
    decoded: String,
}

/// The name of the current tag; longer ones are no known elements.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Name {
    bytes: [u8; 24],
    len: usize,
}

impl Name {
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends letters in any case.
    pub(super) fn push(&mut self, more: &[u8]) {
        for (to, &byte) in self.bytes.iter_mut().skip(self.len).zip(more) {
            *to = byte.to_ascii_lowercase();
        }
        self.len = (self.len + more.len()).min(self.bytes.len());
    }

    pub(super) fn tag(&self) -> Tag {
        Tag::from_name(self.bytes.get(..self.len).unwrap_or_default())
    }
}

impl<'h, 's> Tokens<'h, 's> {
    pub(super) fn new(html: &'h str, page: Page<'s>, link_bytes: usize) -> Self {
        Self {
            html,
            page,
            // One byte more than is kept of a link shows that it is longer.
            attributes: Attributes::new(html, VALUE_BYTES.max(link_bytes.saturating_add(1))),
            position: 0,
            name: Name::default(),
            raw: None,
            foreign: false,
            decoded: String::new(),
        }
    }

    /// Reads the whole page.
    pub(super) fn read(mut self) {
        while let Some(rest) = self.html.get(self.position..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with('<') {
                self.markup();
            } else {
                self.text(rest);
            }
        }
        self.page.end_of_page();
    }

    /// Text up to the next markup, or to the end.
    fn text(&mut self, rest: &str) {
        let bytes = rest.as_bytes();
        let first = memchr::memchr2(b'<', b'&', bytes).unwrap_or(rest.len());
        if bytes.get(first) == Some(&b'&') {
            let length = first + memchr::memchr(b'<', bytes.get(first..).unwrap_or_default()).unwrap_or(rest.len() - first);
            let end = self.position + length;
            let mut decoded = std::mem::take(&mut self.decoded);
            if reference::decode(rest.get(..length).unwrap_or_default(), &mut decoded) {
                self.page.text(&decoded);
            } else {
                self.by_standard(State::Data, end);
            }
            decoded.clear();
            self.decoded = decoded;
            self.position = end;
        } else {
            self.page.text(rest.get(..first).unwrap_or_default());
            self.position += first;
        }
    }

    /// Whatever begins with `<`.
    fn markup(&mut self) {
        self.name.clear();
        self.attributes.clear();
        match tag::read(self.html, self.position, &mut self.name, &mut self.attributes) {
            Some(tag::Usual::End(end)) => {
                self.position = end;
                self.end();
            }
            Some(tag::Usual::Start(end)) => {
                self.position = end;
                if let Some(state) = self.start() {
                    self.by_standard(state, self.html.len());
                }
            }
            None => self.by_standard(State::Data, self.html.len()),
        }
    }

    /// Tells the page of an end tag.
    pub(super) fn end(&mut self) {
        let tag = self.name.tag();
        self.foreign &= !matches!(tag, Tag::Math | Tag::Svg);
        self.page.end(tag);
    }

    /// Tells the page of a start tag and returns how its content is read, if that is raw text.
    pub(super) fn start(&mut self) -> Option<State> {
        let tag = self.name.tag();
        self.foreign = (self.foreign && !tag.leaves_foreign_content()) || matches!(tag, Tag::Math | Tag::Svg);
        let Kind::Raw(raw) = tag.kind() else {
            self.page.start(tag, &self.attributes);
            return None;
        };
        if self.foreign {
            // No element of SVG or MathML holds raw text: what begins in one of this name may end all foreign content, and be seen.
            self.page.start(Tag::Svg, &self.attributes);
            return None;
        }
        self.page.start(tag, &self.attributes);
        self.raw = Some(tag);
        // HTML §13.2.6.4: elements whose content is no markup. `noscript` is not among them: mail programs run no scripts.
        Some(match raw {
            Raw::Title | Raw::TextArea => State::RcData,
            Raw::Listing if tag == Tag::Plaintext => State::PlainText,
            Raw::Dropped if tag == Tag::Script => State::ScriptData,
            Raw::Dropped | Raw::Listing | Raw::Style => State::RawText,
        })
    }
}
