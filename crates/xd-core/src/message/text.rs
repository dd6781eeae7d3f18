//! The texts that rules read: what stands in the message, and the same in one normal spelling.

/// Which text.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "rules name each of them; a new one is a new semantics version")]
#[repr(u8)]
pub enum View {
    /// The text of `text/plain` parts that are shown.
    Plain,
    /// What a person sees of `text/html` parts.
    Html,
    /// What HTML parts hold and a person does not see.
    Hidden,
    /// All text, plain and seen, of nested messages.
    Attached,
}

impl View {
    /// Every view.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Html, Self::Hidden, Self::Attached];
}

/// One text: its beginning and end as far as rules read it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TextView {
    original: String,
    normal: String,
}

impl TextView {
    /// The text as it stands, decoded.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The text in normal spelling: compatibility forms composed (NFKC), lower case, every run of blanks one space, invisible
    /// characters dropped.
    #[must_use]
    pub fn normal(&self) -> &str {
        &self.normal
    }
}
