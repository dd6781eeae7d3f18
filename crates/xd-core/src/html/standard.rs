//! What is read of a page by html5gum, which follows the standard's tokenizer state by state (HTML §13.2.5).

use html5gum::{Emitter, Error, State, Tokenizer};

use super::tokens::Tokens;

impl Tokens<'_, '_> {
    /// Reads from the current position in the given state, at most up to `end`: one tag with the raw text that it begins, or one
    /// comment, with the text before it.
    pub(super) fn by_standard(&mut self, state: State, end: usize) {
        let Some(text) = self.html.get(self.position..end) else { return };
        let mut tokenizer = Tokenizer::new_with_emitter(text, Standard::new(self));
        tokenizer.set_state(state);
        if tokenizer.next().is_none() {
            self.position = end;
        }
    }

    /// Reads the whole page so.
    #[cfg(test)]
    pub(super) fn read_by_standard(mut self) {
        let html = self.html;
        for token in Tokenizer::new_with_emitter(html, Standard::new(&mut self)) {
            let Ok(()) = token;
        }
        self.page.end_of_page();
    }
}

/// Receives html5gum's calls.
struct Standard<'t, 'h, 's> {
    tokens: &'t mut Tokens<'h, 's>,
    kind: Token,
    /// A tag or comment was read whole.
    done: bool,
    /// The beginning of a character whose other bytes come with the next piece of text.
    partial: Vec<u8>,
    comment: Comment,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token {
    EndTag,
    Other,
    StartTag,
}

/// The length of the current comment, and its first bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Comment {
    start: [u8; 4],
    len: usize,
}

impl<'t, 'h, 's> Standard<'t, 'h, 's> {
    fn new(tokens: &'t mut Tokens<'h, 's>) -> Self {
        Self { tokens, kind: Token::Other, done: false, partial: Vec::new(), comment: Comment::default() }
    }

    /// Hands on text whose characters may be cut between two calls.
    fn text(&mut self, bytes: &[u8]) {
        if self.partial.is_empty() {
            match str::from_utf8(bytes) {
                Ok(text) => self.tokens.page.text(text),
                Err(error) => {
                    let (valid, rest) = bytes.split_at(error.valid_up_to());
                    if let Ok(text) = str::from_utf8(valid) {
                        self.tokens.page.text(text);
                    }
                    self.partial.extend_from_slice(rest);
                }
            }
            return;
        }
        self.partial.extend_from_slice(bytes);
        let whole = std::mem::take(&mut self.partial);
        match str::from_utf8(&whole) {
            Ok(text) => self.tokens.page.text(text),
            // Still the beginning of a character; anything longer is no character and can't come from a string.
            Err(error) if error.error_len().is_none() && whole.len() < 4 => self.partial = whole,
            Err(_) => self.tokens.page.text(&String::from_utf8_lossy(&whole)),
        }
    }

    fn flush(&mut self) {
        if !self.partial.is_empty() {
            let rest = std::mem::take(&mut self.partial);
            self.tokens.page.text(&String::from_utf8_lossy(&rest));
        }
    }

    fn init_tag(&mut self, kind: Token) {
        self.kind = kind;
        self.tokens.name.clear();
        self.tokens.attributes.clear();
    }
}

impl Emitter for Standard<'_, '_, '_> {
    type Token = ();

    fn set_last_start_tag(&mut self, _: Option<&[u8]>) {}

    fn emit_eof(&mut self) {
        self.flush();
    }

    fn emit_error(&mut self, _: Error) {}

    #[inline]
    fn should_emit_errors(&mut self) -> bool {
        false
    }

    #[inline]
    fn pop_token(&mut self) -> Option<()> {
        std::mem::take(&mut self.done).then_some(())
    }

    #[inline]
    fn emit_string(&mut self, text: &[u8]) {
        self.text(text);
    }

    #[inline]
    fn init_start_tag(&mut self) {
        self.init_tag(Token::StartTag);
    }

    #[inline]
    fn init_end_tag(&mut self) {
        self.init_tag(Token::EndTag);
    }

    fn init_comment(&mut self) {
        self.kind = Token::Other;
        self.comment = Comment::default();
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.flush();
        let tokens = &mut *self.tokens;
        tokens.attributes.end(tokens.position.saturating_sub(1));
        if self.kind == Token::EndTag {
            tokens.raw = None;
            tokens.end();
            self.done = true;
            return None;
        }
        let state = tokens.start();
        self.done = state.is_none();
        state
    }

    fn emit_current_comment(&mut self) {
        self.flush();
        self.tokens.page.comment(self.comment.len, self.comment.start.starts_with(b"[if"));
        self.done = true;
    }

    fn emit_current_doctype(&mut self) {
        self.done = true;
    }

    fn set_self_closing(&mut self) {}

    fn set_force_quirks(&mut self) {}

    #[inline]
    fn push_tag_name(&mut self, name: &[u8]) {
        self.tokens.name.push(name);
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
        self.tokens.attributes.begin(self.tokens.position.saturating_sub(1));
    }

    #[inline]
    fn init_attribute_value(&mut self) {
        self.tokens.attributes.begin_value(self.tokens.position);
    }

    #[inline]
    fn push_attribute_name(&mut self, name: &[u8]) {
        self.tokens.attributes.push_name(name);
    }

    #[inline]
    fn push_attribute_value(&mut self, value: &[u8]) {
        self.tokens.attributes.push_value(value);
    }

    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}

    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.kind == Token::EndTag && self.tokens.raw == Some(self.tokens.name.tag())
    }

    #[inline]
    fn move_position(&mut self, offset: isize) {
        self.tokens.position = self.tokens.position.saturating_add_signed(offset);
    }
}
