//! The attributes of one start tag that say what is seen, where it leads, or what it asks for.

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
pub(super) struct Attributes<'h> {
    html: &'h str,
    /// Which attributes stand in the tag, one bit each.
    present: u32,
    values: [Value; KEPT],
    /// Values that do not stand in the page as they are.
    bytes: Vec<u8>,
    name: [u8; NAME_BYTES],
    name_len: usize,
    current: Option<Attribute>,
    /// Event handlers (`onclick` and all others).
    pub(super) handlers: u32,
    most: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Value {
    /// Whether it is a slice of the page, or else of the bytes.
    in_page: bool,
    from: usize,
    to: usize,
    /// Where it stands in the page, entities undecoded; the beginning of the page for one that does not.
    source: (usize, usize),
}

impl<'h> Attributes<'h> {
    /// Attributes of a page's tags, whose values are cut at `most` bytes.
    pub(super) fn new(html: &'h str, most: usize) -> Self {
        Self {
            html,
            present: 0,
            values: [Value::default(); KEPT],
            bytes: Vec::new(),
            name: [0; NAME_BYTES],
            name_len: 0,
            current: None,
            handlers: 0,
            most,
        }
    }

    /// Forgets all attributes.
    pub(super) fn clear(&mut self) {
        self.present = 0;
        self.bytes.clear();
        self.name_len = 0;
        self.current = None;
        self.handlers = 0;
    }

    /// Begins the next attribute's name.
    pub(super) fn begin(&mut self, position: usize) {
        self.end(position);
        self.name_len = 0;
    }

    /// Appends to the name letters in any case.
    pub(super) fn push_name(&mut self, name: &[u8]) {
        if let Some(to) = self.name.get_mut(self.name_len..self.name_len + name.len()) {
            for (to, byte) in to.iter_mut().zip(name) {
                *to = byte.to_ascii_lowercase();
            }
            self.name_len += name.len();
        } else {
            self.name_len = NAME_BYTES + 1;
        }
    }

    /// Begins the value of the attribute whose name was pushed.
    pub(super) fn begin_value(&mut self, position: usize) {
        self.identify();
        if let Some(value) = self.current() {
            value.source = (position, position);
        }
    }

    /// Whether the value that was begun is kept.
    pub(super) fn keeps_value(&self) -> bool {
        self.current.is_some()
    }

    /// Sets the value that was begun to what stands in the page.
    pub(super) fn set_value(&mut self, from: usize, to: usize) {
        let to = self.html.floor_char_boundary(to.min(from.saturating_add(self.most)));
        if let Some(value) = self.current() {
            *value = Value { in_page: true, from, to, ..*value };
        }
    }

    pub(super) fn push_value(&mut self, more: &[u8]) {
        let (most, end) = (self.most, self.bytes.len());
        let Some(value) = self.current() else { return };
        let room = most.saturating_sub(value.to - value.from);
        let more = more.get(..room).unwrap_or(more);
        value.to = end + more.len();
        self.bytes.extend_from_slice(more);
    }

    /// Ends the attribute before `position`.
    pub(super) fn end(&mut self, position: usize) {
        if self.name_len > 0 {
            self.identify();
        }
        // Of an attribute without a value there is no beginning.
        if let Some(value) = self.current().filter(|value| value.source.0 > 0) {
            value.source.1 = position;
        }
        self.current = None;
    }

    /// The value of an attribute, if it stands in the tag; empty if it has none. It is cut where it stops being text.
    pub(super) fn get(&self, attribute: Attribute) -> Option<&str> {
        if !self.has(attribute) {
            return None;
        }
        let &Value { in_page, from, to, .. } = self.values.get(attribute as usize)?;
        if in_page {
            return self.html.get(from..to);
        }
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
        self.present & 1 << attribute as u32 != 0
    }

    /// How the value stands in the page, a quote at its end perhaps included.
    pub(super) fn source(&self, attribute: Attribute) -> &str {
        let value = self.values.get(attribute as usize).filter(|_| self.has(attribute));
        value.and_then(|value| self.html.get(value.source.0..value.source.1)).unwrap_or_default()
    }

    fn current(&mut self) -> Option<&mut Value> {
        self.values.get_mut(self.current? as usize)
    }

    /// Finds out which attribute the name is of. Of several with one name the first counts (HTML §13.2.5.33).
    fn identify(&mut self) {
        let name = self.name.get(..self.name_len).unwrap_or_default();
        self.handlers += u32::from(name.starts_with(b"on") && name.len() > 3);
        self.current = Attribute::from_name(name).filter(|&attribute| !self.has(attribute));
        self.name_len = 0;
        if let Some(attribute) = self.current {
            self.present |= 1 << attribute as u32;
            let end = self.bytes.len();
            if let Some(value) = self.current() {
                *value = Value { in_page: false, from: end, to: end, source: (0, 0) };
            }
        }
    }
}
