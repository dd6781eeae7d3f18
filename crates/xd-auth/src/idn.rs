//! Internationalised names: U-labels to the A-labels that DNS holds (RFC 5890 §2.3).

use crate::{Name, NameError};

/// Octets of a name with U-labels that are looked at: four for each character of the longest name. Encoding takes time that grows
/// faster than the text.
const MAX_UNICODE: usize = 4 * 253;

impl Name {
    /// Reads a name in any spelling, U-labels too.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and when a character is none that IDNA allows.
    ///
    /// # Example: under which name does a domain with an umlaut stand?
    /// ```
    /// use xd_auth::Name;
    ///
    /// assert_eq!(Name::parse_unicode("Bücher.example")?.as_str(), "xn--bcher-kva.example");
    /// # Ok::<(), xd_auth::NameError>(())
    /// ```
    pub fn parse_unicode(text: &str) -> Result<Self, NameError> {
        if text.is_ascii() {
            return Self::parse(text);
        }
        if text.len() > MAX_UNICODE {
            return Err(NameError::Long);
        }
        // UTS #46 maps full-width forms, ideographic dots and upper case before it encodes.
        let ascii = idna::domain_to_ascii(text).map_err(|_| NameError::Character)?;
        Self::parse(&ascii)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name() {
        for text in ["b\u{fc}cher.example", "B\u{dc}CHER\u{3002}example.", "xn--bcher-kva.EXAMPLE"] {
            assert_eq!(Name::parse_unicode(text).unwrap().as_str(), "xn--bcher-kva.example", "{text}");
        }
        assert_eq!(Name::parse_unicode(&"\u{fc}".repeat(507)), Err(NameError::Long));
        assert!(Name::parse_unicode("a\u{200b}\u{fffd}.example").is_err());
    }
}
