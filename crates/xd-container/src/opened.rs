//! What comes out of a container.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::Signs;

/// What one container holds.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Opened<'a> {
    /// What stands in it, in order.
    pub members: Vec<Member<'a>>,
    /// The type it turned out to be, where that says more than its first bytes: which document a zip archive is.
    pub media_type: Option<&'static str>,
    /// What is worth knowing of the container itself.
    pub signs: Signs,
    /// The text that people see in it, where it is a document: for rules, not for display.
    pub text: String,
    /// The addresses it leads to, each once.
    pub links: Vec<String>,
    /// The same addresses, to know them again: hostile pages repeat them without end.
    pub(crate) known_links: BTreeSet<String>,
}

/// One file in a container.
#[derive(Debug)]
#[non_exhaustive]
pub struct Member<'a> {
    /// The name, path included, as the container says it. Never to be used as a path on disk.
    pub name: String,
    /// Other names it has in other readings: in a zip archive's other directory, as a short name.
    pub other_names: Vec<String>,
    /// The media type that the container declares for it.
    pub declared: Option<String>,
    /// The size that the container declares, in bytes.
    pub size: Option<u64>,
    /// What is worth knowing of this member.
    pub signs: Signs,
    /// Its bytes.
    pub content: Content<'a>,
}

/// The bytes of a member, as far as they were read.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Content<'a> {
    /// Only the beginning: nothing opens what it is, so that the rest was not decoded.
    Beginning(Cow<'a, [u8]>),
    /// None: encrypted, compressed by a method that is not known, damaged, or beyond a bound. The signs say which.
    Unread,
    /// All of it.
    Whole(Cow<'a, [u8]>),
}

/// Bytes of a member that are decoded when nothing opens what they show.
pub(crate) const BEGINNING: usize = 4 << 10;

impl<'a> Opened<'a> {
    /// A container in which nothing was found yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}

impl<'a> Member<'a> {
    /// A member of this name whose bytes are not read yet.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            other_names: Vec::new(),
            declared: None,
            size: None,
            signs: Signs::default(),
            content: Content::Unread,
        }
    }

    /// A member whose bytes are all at hand.
    pub(crate) fn of_bytes(name: impl Into<String>, bytes: Cow<'a, [u8]>) -> Self {
        let mut member = Self::new(name);
        member.size = Some(bytes.len() as u64);
        member.content = Content::Whole(bytes);
        member
    }

    /// Adds a name of another reading, unless it is empty or known.
    pub(crate) fn add_name(&mut self, name: String) {
        if self.name.is_empty() {
            self.name = name;
        } else if !name.is_empty() && name != self.name && !self.other_names.contains(&name) {
            self.other_names.push(name);
        }
    }

    /// Its bytes as far as they were read.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Beginning(bytes) | Content::Whole(bytes) => bytes,
            Content::Unread => &[],
        }
    }
}
