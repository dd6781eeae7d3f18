//! Names in DNS, in one spelling.

use std::fmt;

/// A name in DNS in lower case, without a final dot: at most 253 octets, labels of 1 to 63 (RFC 1035 §2.3.4), each octet printable
/// ASCII other than space and `\`. The root is the empty text.
///
/// Any such octet is allowed, not only those of host names: records of SPF, DKIM and DMARC stand under names with underscores, and
/// macros of SPF make names of local parts.
///
/// # Example: names are compared without regard to case
/// ```
/// use xd_auth::Name;
///
/// assert_eq!(Name::parse("_DMARC.Example.COM.")?, Name::parse("_dmarc.example.com")?);
/// assert!(Name::parse("a..example.com").is_err());
/// # Ok::<(), xd_auth::NameError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Box<str>);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A label has no octets.
    #[error("a name has no empty label")]
    Empty,
    /// More than 253 octets, or a label of more than 63.
    #[error("a name has at most 253 octets, and 63 in a label")]
    Long,
    /// An octet that is not printable ASCII, or a space or backslash.
    #[error("a name holds printable ASCII without spaces and backslashes")]
    Character,
}

impl Name {
    /// The root of all names.
    #[must_use]
    pub fn root() -> Self {
        Self("".into())
    }

    /// Reads a name in any case, with or without a final dot.
    ///
    /// # Errors
    /// When a label is empty or too long, or an octet cannot stand in a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = Self::parse_with_spaces(text)?;
        if name.0.contains(' ') { Err(NameError::Character) } else { Ok(name) }
    }

    /// As [`parse`](Self::parse), and spaces may stand in it too: macros of SPF make such names (RFC 7208 §7.1), which exist in
    /// tests at least. Whoever asks DNS must not take the space for an end.
    ///
    /// # Errors
    /// As `parse`.
    pub fn parse_with_spaces(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Ok(Self::root());
        }
        if text.len() > MAX_NAME {
            return Err(NameError::Long);
        }
        for label in text.split('.') {
            match label.len() {
                0 => return Err(NameError::Empty),
                1..=MAX_LABEL => {}
                _ => return Err(NameError::Long),
            }
        }
        if !text.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && byte != b'\\') {
            return Err(NameError::Character);
        }
        Ok(Self(text.to_ascii_lowercase().into_boxed_str()))
    }

    /// The name as text, without a final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// How many labels it has: 0 for the root.
    #[must_use]
    pub fn labels(&self) -> usize {
        if self.is_root() { 0 } else { self.0.split('.').count() }
    }

    /// The name without its first label; none of the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.split_once('.').map_or("", |(_, rest)| rest).into()))
    }

    /// Whether this name is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        ancestor.is_root() || self.0.strip_suffix(ancestor.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// Octets of a name as text, without a final dot (RFC 1035 §2.3.4: 255 on the wire).
const MAX_NAME: usize = 253;
/// Octets of a label (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_held_at_their_edges() {
        let label = "a".repeat(63);
        assert!(Name::parse(&label).is_ok());
        assert_eq!(Name::parse(&"a".repeat(64)), Err(NameError::Long));
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        assert!(Name::parse(&format!("{longest}.")).is_ok());
        assert_eq!(Name::parse(&format!("{longest}a")), Err(NameError::Long));
    }

    #[test]
    fn the_root_has_no_labels_and_no_parent() {
        let root = Name::parse(".").unwrap();
        assert!(root.is_root() && root.labels() == 0 && root.parent().is_none());
        let com = Name::parse("com").unwrap();
        assert_eq!(com.parent(), Some(root.clone()));
        assert!(com.is_within(&root) && !Name::parse("telecom").unwrap().is_within(&com));
    }

    #[test]
    fn octets_that_no_name_holds() {
        for text in ["a b.example", "a\\.example", "a\u{e9}.example", "a\0.example"] {
            assert_eq!(Name::parse(text), Err(NameError::Character), "{text:?}");
        }
    }
}
