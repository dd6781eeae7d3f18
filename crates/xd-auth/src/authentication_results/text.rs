//! Values of the field: tokens, addresses and quoted strings (RFC 8601 §2.2, RFC 2045 §5.1, RFC 5322 §3.2.4), and folding.

/// Octets of a value; the rest is cut. Longer than any domain name, and short enough that no line comes near 998 (RFC 5322 §2.1.1).
pub const MAX_VALUE: usize = 256;

/// Characters of a line after which it is folded (RFC 5322 §2.1.1).
const LINE: usize = 78;

/// Whether all octets are those of a token of RFC 2045, at least one.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !TSPECIALS.contains(&byte))
}

const TSPECIALS: &[u8] = b"()<>@,;:\\\"/[]?=";

/// Whether a value of a property may stand there as it is: a token, or `local-part@domain`, either part of which may be missing.
fn is_plain(text: &str) -> bool {
    match text.rsplit_once('@') {
        None => is_token(text),
        Some((local, domain)) => (local.is_empty() || is_dot_atom(local)) && is_domain(domain),
    }
}

fn is_dot_atom(text: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn is_domain(text: &str) -> bool {
    text.split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
}

/// A value as it is written: quoted where it must be and cut to [`MAX_VALUE`]. Control characters become spaces, and what is not
/// ASCII a question mark: the field must not depend on whether all who carry it take UTF-8 (RFC 6532).
pub(super) fn value(text: &str) -> String {
    if text.len() <= MAX_VALUE && is_plain(text) {
        return text.to_owned();
    }
    quoted(text)
}

/// A value that may not be an address: an identifier, or a reason.
pub(super) fn word(text: &str) -> String {
    if text.len() <= MAX_VALUE && is_token(text) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().min(MAX_VALUE) + 2);
    quoted.push('"');
    for character in text.chars().take(MAX_VALUE) {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ if character.is_ascii_control() => quoted.push(' '),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted
}

/// Text in lines: before any word put here, it is folded where the line would be too long.
#[derive(Debug)]
pub(super) struct Lines {
    text: String,
    /// Octets of the last line.
    used: usize,
}

impl Lines {
    /// Begins with a word after so many octets that are not part of the text.
    pub(super) fn begin(before: usize, word: &str) -> Self {
        let mut lines = Self { text: String::with_capacity(512), used: before };
        lines.append(word);
        lines
    }

    /// Puts a word after a space, or on the next line.
    pub(super) fn put(&mut self, word: &str) {
        // One more, for a semicolon after it.
        if self.used + 1 + word.len() + 1 > LINE {
            self.fold();
        } else {
            self.append(" ");
        }
        self.append(word);
    }

    /// Puts a word on the next line.
    pub(super) fn put_below(&mut self, word: &str) {
        self.fold();
        self.append(word);
    }

    /// Puts something right after the last word.
    pub(super) fn append(&mut self, text: &str) {
        self.text.push_str(text);
        self.used += text.len();
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n\t");
        self.used = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        for (text, written) in [
            ("example.com", "example.com"),
            ("ann@example.com", "ann@example.com"),
            ("@example.com", "@example.com"),
            ("a+b=c@example.com", "a+b=c@example.com"),
            ("a b@example.com", "\"a b@example.com\""),
            ("\"a\"@example.com", "\"\\\"a\\\"@example.com\""),
            ("2001:db8::1", "\"2001:db8::1\""),
            ("abc/d+e=", "\"abc/d+e=\""),
            ("", "\"\""),
            ("a;\r\n\tspf=pass", "\"a;   spf=pass\""),
            ("b\u{fc}cher", "\"b?cher\""),
            ("back\\slash", "\"back\\\\slash\""),
        ] {
            assert_eq!(value(text), written, "{text:?}");
        }
        assert_eq!(word("ann@example.com"), "\"ann@example.com\"");
    }

    #[test]
    fn values_are_cut_at_their_edge() {
        assert_eq!(value(&"a".repeat(MAX_VALUE)).len(), MAX_VALUE);
        assert_eq!(value(&"a".repeat(MAX_VALUE + 1)).len(), MAX_VALUE + 2);
    }
}
