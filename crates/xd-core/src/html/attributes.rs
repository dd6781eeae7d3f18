//! The attributes of one start tag that say what is seen, where it leads, or what it asks for.

use std::ops::Range;

/// An attribute that is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Attribute {
    Action,
    Alt,
    Background,
    BgColor,
    Class,
    Color,
    Content,
    Data,
    FormAction,
    Height,
    Hidden,
    Href,
    HttpEquiv,
    Id,
    Media,
    Name,
    Placeholder,
    Src,
    Style,
    Text,
    Type,
    Value,
    Width,
}

const KEPT: usize = Attribute::Width as usize + 1;

impl Attribute {
    fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"action" => Self::Action,
            b"alt" => Self::Alt,
            b"background" => Self::Background,
            b"bgcolor" => Self::BgColor,
            b"class" => Self::Class,
            b"color" => Self::Color,
            b"content" => Self::Content,
            b"data" => Self::Data,
            b"formaction" => Self::FormAction,
            b"height" => Self::Height,
            b"hidden" => Self::Hidden,
            b"href" => Self::Href,
            b"http-equiv" => Self::HttpEquiv,
            b"id" => Self::Id,
            b"media" => Self::Media,
            b"name" => Self::Name,
            b"placeholder" => Self::Placeholder,
            b"src" => Self::Src,
            b"style" => Self::Style,
            b"text" => Self::Text,
            b"type" => Self::Type,
            b"value" => Self::Value,
            b"width" => Self::Width,
            _ => return None,
        })
    }
}

/// Bytes of an attribute's name that are compared; no kept name is longer.
const NAME_BYTES: usize = 16;

/// The attributes of a start tag. Values are cut at a bound, so that megabytes in one are passed over, not copied.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    bytes: Vec<u8>,
    values: [Option<(usize, usize)>; KEPT],
    /// Where the values stand in the page, entities undecoded.
    sources: [(usize, usize); KEPT],
    name: [u8; NAME_BYTES],
    name_len: usize,
    current: Option<Attribute>,
    /// Event handlers (`onclick` and all others).
    pub(super) handlers: u32,
    most: usize,
}

impl Attributes {
    /// Attributes whose values are cut at `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            values: [None; KEPT],
            sources: [(0, 0); KEPT],
            name: [0; NAME_BYTES],
            name_len: 0,
            current: None,
            handlers: 0,
            most,
        }
    }

    /// Forgets all attributes.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.values = [None; KEPT];
        self.name_len = 0;
        self.current = None;
        self.handlers = 0;
    }

    /// Begins the next attribute's name.
    pub(super) fn begin(&mut self, position: usize) {
        self.end(position);
        self.name_len = 0;
    }

    pub(super) fn push_name(&mut self, name: &[u8]) {
        if let Some(to) = self.name.get_mut(self.name_len..self.name_len + name.len()) {
            to.copy_from_slice(name);
            self.name_len += name.len();
        } else {
            self.name_len = NAME_BYTES + 1;
        }
    }

    /// Begins the value of the attribute whose name was pushed.
    pub(super) fn begin_value(&mut self, position: usize) {
        self.identify();
        if let Some(source) = self.current.and_then(|attribute| self.sources.get_mut(attribute as usize)) {
            *source = (position, position);
        }
    }

    pub(super) fn push_value(&mut self, value: &[u8]) {
        let Some(Some((from, to))) = self.current.and_then(|attribute| self.values.get_mut(attribute as usize)) else { return };
        let room = self.most.saturating_sub(*to - *from);
        self.bytes.extend_from_slice(value.get(..room).unwrap_or(value));
        *to = self.bytes.len();
    }

    /// Ends the attribute before `position`.
    pub(super) fn end(&mut self, position: usize) {
        if self.name_len > 0 {
            self.identify();
        }
        if let Some(source) = self.current.take().and_then(|attribute| self.sources.get_mut(attribute as usize)) {
            source.1 = position;
        }
    }

    /// The value of an attribute, if it stands in the tag; empty if it has none. It is cut where it stops being text.
    pub(super) fn get(&self, attribute: Attribute) -> Option<&str> {
        let (from, to) = (*self.values.get(attribute as usize)?)?;
        let bytes = self.bytes.get(from..to)?;
        Some(match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => bytes.get(..error.valid_up_to()).and_then(|valid| str::from_utf8(valid).ok()).unwrap_or_default(),
        })
    }

    /// The value of an attribute without blanks around it; empty for none.
    pub(super) fn trimmed(&self, attribute: Attribute) -> &str {
        self.get(attribute).unwrap_or_default().trim_ascii()
    }

    pub(super) fn has(&self, attribute: Attribute) -> bool {
        self.values.get(attribute as usize).is_some_and(Option::is_some)
    }

    /// Where the value stands in the page, a quote at its end perhaps included.
    pub(super) fn source(&self, attribute: Attribute) -> Range<usize> {
        self.sources.get(attribute as usize).map_or(0..0, |&(from, to)| from..to)
    }

    /// Finds out which attribute the name is of. Of several with one name the first counts (HTML §13.2.5.33).
    fn identify(&mut self) {
        let name = self.name.get(..self.name_len).unwrap_or_default();
        self.handlers += u32::from(name.starts_with(b"on") && name.len() > 3);
        self.current = Attribute::from_name(name);
        self.name_len = 0;
        if let Some(attribute) = self.current
            && let Some(value) = self.values.get_mut(attribute as usize)
        {
            if value.is_some() {
                self.current = None;
            } else {
                *value = Some((self.bytes.len(), self.bytes.len()));
            }
        }
    }
}
