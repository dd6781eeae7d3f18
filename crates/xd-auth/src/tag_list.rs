//! Lists of tags in TXT records: `v=DMARC1; p=none` (RFC 6376 §3.2, RFC 9989 §4.8).

/// The tags of a record in their order: name and value, without the blanks around them. What has no `=` comes with no value. Empty
/// parts, such as that after a last semicolon, are left out.
pub(crate) fn tags(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split(';').map(trimmed).filter(|part| !part.is_empty()).map(|part| match part.split_once('=') {
        Some((name, value)) => (trimmed(name), Some(trimmed(value))),
        None => (part, None),
    })
}

/// Whether a record is of a version: its first tag is `v`, and the value exactly this (RFC 9989 §4.7, RFC 8461 §3.1, RFC 8460 §3).
/// Nothing stands before the tag.
pub(crate) fn is_version(text: &str, version: &str) -> bool {
    // ABNF: the name of the tag is in either case, its value is not.
    text.starts_with(['v', 'V']) && tags(text).next().is_some_and(|(name, value)| name.len() == 1 && value == Some(version))
}

/// Without blanks at both ends: `WSP` of RFC 5234 alone.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for text in ["v=DMARC1", "v=DMARC1;", "v = DMARC1 ;p=none", "V=DMARC1; p=none"] {
            assert!(is_version(text, "DMARC1"), "{text}");
        }
        for text in
            ["", "v=dmarc1", "v=DMARC10", "v=DMARC1 p=none", "p=none; v=DMARC1", ";v=DMARC1", " v=DMARC1", "vv=DMARC1", "v"]
        {
            assert!(!is_version(text, "DMARC1"), "{text}");
        }
    }
}
