//! The texts that rules read: what stands in the message, and the same in one normal spelling.

mod collector;
mod facts;
mod normal;

pub(crate) use collector::TextCollector;
pub use facts::TextFacts;
pub(crate) use normal::in_normal_spelling;
pub use normal::{MAX_EXPANSION, normalize};
pub(crate) use normal::{is_blank, is_invisible};

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
    facts: TextFacts,
}

impl TextView {
    /// The text as it stands, decoded. A line end separates the texts of different parts, and the beginning from the
    /// end where the middle was skipped.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The text in normal spelling, see [`normalize`]. A line end stands only where the texts of two parts meet, or
    /// where the middle was skipped: no phrase with a space in it matches across.
    #[must_use]
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// What was counted in the text.
    #[must_use]
    pub fn facts(&self) -> &TextFacts {
        &self.facts
    }
}
