//! Turns html5gum's tokens into what a page is told: text, start tags, end tags, comments.
//!
//! Nothing is allocated per token: text is handed on as slices of the page, names are compared where they stand, and
//! attribute values go into one buffer that every tag reuses.

use std::convert::Infallible;

use html5gum::{Emitter, Error, State};

use super::attributes::Attributes;
use super::element::{Kind, Raw, Tag};
use super::page::Page;

/// Bytes of an attribute value that are kept at least; 16 KiB. Style attributes of real mail stay below 2 KiB.
const VALUE_BYTES: usize = 16 << 10;

/// Receives html5gum's calls for one page.
pub(super) struct Tokens<'h, 's> {
    html: &'h str,
    page: Page<'s>,
    attributes: Attributes,
    /// Bytes of the page read so far.
    position: usize,
    name: Name,
    token: Token,
    /// The element whose raw text is being read.
    raw: Option<Tag>,
    /// The beginning of a character whose other bytes come with the next piece of text.
    partial: Vec<u8>,
    comment: Comment,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token {
    Comment,
    EndTag,
    None,
    StartTag,
}

/// The name of the current tag; longer ones are no known elements.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    bytes: [u8; 24],
    len: usize,
}

impl Name {
    fn push(&mut self, more: &[u8]) {
        for (to, &byte) in self.bytes.iter_mut().skip(self.len).zip(more) {
            *to = byte;
        }
        self.len = (self.len + more.len()).min(self.bytes.len());
    }

    fn tag(&self) -> Tag {
        Tag::from_name(self.bytes.get(..self.len).unwrap_or_default())
    }
}

/// The length of the current comment, and its first bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Comment {
    start: [u8; 4],
    len: usize,
}

impl<'h, 's> Tokens<'h, 's> {
    pub(super) fn new(html: &'h str, page: Page<'s>, link_bytes: usize) -> Self {
        Self {
            html,
            page,
            // One byte more than is kept of a link shows that it is longer.
            attributes: Attributes::new(VALUE_BYTES.max(link_bytes.saturating_add(1))),
            position: 0,
            name: Name::default(),
            token: Token::None,
            raw: None,
            partial: Vec::new(),
            comment: Comment::default(),
        }
    }

    /// Hands on text whose characters may be cut between two calls.
    fn text(&mut self, bytes: &[u8]) {
        if self.partial.is_empty() {
            match str::from_utf8(bytes) {
                Ok(text) => self.page.text(text),
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    if let Ok(text) = str::from_utf8(valid) {
                        self.page.text(text);
                    }
                    self.partial.extend_from_slice(rest);
                }
            }
            return;
        }
        self.partial.extend_from_slice(bytes);
        let whole = std::mem::take(&mut self.partial);
        match str::from_utf8(&whole) {
            Ok(text) => self.page.text(text),
            // Still the beginning of a character; anything longer is no character and can't come from a string.
            Err(error) if error.error_len().is_none() && whole.len() < 4 => self.partial = whole,
            Err(_) => self.page.text(&String::from_utf8_lossy(&whole)),
        }
    }

    fn flush(&mut self) {
        if !self.partial.is_empty() {
            let rest = std::mem::take(&mut self.partial);
            self.page.text(&String::from_utf8_lossy(&rest));
        }
    }
}

impl Emitter for Tokens<'_, '_> {
    type Token = Infallible;

    fn set_last_start_tag(&mut self, _: Option<&[u8]>) {}

    fn emit_eof(&mut self) {
        self.flush();
        self.page.end_of_page();
    }

    fn emit_error(&mut self, _: Error) {}

    #[inline]
    fn should_emit_errors(&mut self) -> bool {
        false
    }

    #[inline]
    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    #[inline]
    fn emit_string(&mut self, text: &[u8]) {
        self.text(text);
    }

    #[inline]
    fn init_start_tag(&mut self) {
        self.token = Token::StartTag;
        self.name.len = 0;
        self.attributes.clear();
    }

    #[inline]
    fn init_end_tag(&mut self) {
        self.token = Token::EndTag;
        self.name.len = 0;
        self.attributes.clear();
    }

    fn init_comment(&mut self) {
        self.token = Token::Comment;
        self.comment = Comment::default();
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.flush();
        self.attributes.end(self.position.saturating_sub(1));
        let tag = self.name.tag();
        if self.token == Token::EndTag {
            self.raw = None;
            self.page.end(tag);
            return None;
        }
        self.page.start(tag, &self.attributes, self.html);
        let Kind::Raw(raw) = tag.kind() else { return None };
        self.raw = Some(tag);
        // HTML §13.2.6.4: elements whose content is no markup. `noscript` is not among them: mail programs run no scripts.
        Some(match raw {
            Raw::Title | Raw::TextArea => State::RcData,
            Raw::Listing if tag == Tag::Plaintext => State::PlainText,
            Raw::Dropped if tag == Tag::Script => State::ScriptData,
            Raw::Dropped | Raw::Listing | Raw::Style => State::RawText,
        })
    }

    fn emit_current_comment(&mut self) {
        self.flush();
        self.page.comment(self.comment.len, self.comment.start == *b"[if " || self.comment.start.starts_with(b"[if"));
    }

    fn emit_current_doctype(&mut self) {}

    fn set_self_closing(&mut self) {}

    fn set_force_quirks(&mut self) {}

    #[inline]
    fn push_tag_name(&mut self, name: &[u8]) {
        self.name.push(name);
    }

    fn push_comment(&mut self, text: &[u8]) {
        for (to, &byte) in self.comment.start.iter_mut().skip(self.comment.len).zip(text) {
            *to = byte;
        }
        self.comment.len += text.len();
    }

    fn push_doctype_name(&mut self, _: &[u8]) {}

    fn init_doctype(&mut self) {}

    #[inline]
    fn init_attribute(&mut self) {
        self.attributes.begin(self.position.saturating_sub(1));
    }

    #[inline]
    fn init_attribute_value(&mut self) {
        self.attributes.begin_value(self.position);
    }

    #[inline]
    fn push_attribute_name(&mut self, name: &[u8]) {
        self.attributes.push_name(name);
    }

    #[inline]
    fn push_attribute_value(&mut self, value: &[u8]) {
        self.attributes.push_value(value);
    }

    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.token == Token::EndTag && self.raw == Some(self.name.tag())
    }

    #[inline]
    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }
}
