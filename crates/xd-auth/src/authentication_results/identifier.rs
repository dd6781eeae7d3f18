//! Who a field says has checked: its authserv-id (RFC 8601 §2.5).
//!
//! Read as loosely as any program downstream may: a field that names us to one of them must be found, whatever is wrong with it.

use crate::Name;

/// Octets of a field that are looked at for its authserv-id: more than any name with comments before it. Forged fields may be padded
/// beyond this; see [`is_ours`].
const MAX_LOOKED: usize = 64 * 1024;

/// The authserv-id of a field: what stands after its name and colon, comments, folding and quotes undone, in lower case, U-labels as
/// A-labels, without a final dot. None when nothing stands where it belongs.
///
/// # Example: who checked?
/// ```
/// use xd_auth::authentication_results::authserv_id;
///
/// let value = b" (by us) \"MX.Example.org\" 1;\r\n\tspf=pass";
/// assert_eq!(authserv_id(value).as_deref(), Some("mx.example.org"));
/// assert_eq!(authserv_id(b"; spf=pass"), None);
/// ```
#[must_use]
pub fn authserv_id(value: &[u8]) -> Option<String> {
    let value = String::from_utf8_lossy(value.get(..MAX_LOOKED).unwrap_or(value));
    let id = words(&value, Comments::Nested).words.into_iter().next()?;
    Some(settled(&id))
}

/// Whether a field names us as the one who checked, and so must be removed from mail that comes from outside (RFC 8601 §5).
///
/// Rather too many than too few: an identifier that is ours by one reading only is ours. So are a field whose identifier does not
/// begin within its first 64 KiB, and one that ends inside a comment or quotes and names us there.
///
/// # Example: which spellings are ours?
/// ```
/// use xd_auth::authentication_results::is_ours;
///
/// for value in ["mx.example.org; spf=pass", "\"mx.example.org\"/1; spf=pass", "MX.example.org.", "mx(a).example.org;"] {
///     assert!(is_ours(value.as_bytes(), "mx.example.org"), "{value}");
/// }
/// assert!(!is_ours(b"mx.example.com; spf=pass smtp.helo=mx.example.org", "mx.example.org"));
/// ```
#[must_use]
pub fn is_ours(value: &[u8], authserv_id: &str) -> bool {
    let ours = settled(authserv_id);
    let looked = value.get(..MAX_LOOKED).unwrap_or(value);
    let text = String::from_utf8_lossy(looked);
    let nested = words(&text, Comments::Nested);
    let flat = words(&text, Comments::Flat);
    if [&nested, &flat].into_iter().any(|read| names(&read.words).any(|name| name == ours)) {
        return true;
    }
    if nested.is_ended && flat.is_ended {
        return false;
    }
    // Who takes the parenthesis or quote that opens for a blank reads on after it.
    let is_ours = |word: &String| settled(word) == ours;
    words(&text, Comments::Blanks).words.iter().any(is_ours) || (value.len() > looked.len() && nested.words.is_empty())
}

/// How parentheses are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Comments {
    /// As comments within comments (RFC 5322 §3.2.2).
    Nested,
    /// As comments that end at the first closing parenthesis.
    Flat,
    /// As blanks, and what they enclose as words.
    Blanks,
}

/// What the words before the first semicolon may name: the first of them, what stands before a slash or `=` in it, and all that dots
/// bind together over comments and blanks.
fn names(words: &[String]) -> impl Iterator<Item = String> {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let mut joined = first.to_owned();
    for word in words.iter().skip(1) {
        if !joined.ends_with('.') && !word.starts_with('.') {
            break;
        }
        joined.push_str(word);
    }
    let cut = |text: &str| text.split(['/', '=', ',']).next().unwrap_or_default().to_owned();
    let (first_cut, joined_cut) = (cut(first), cut(&joined));
    [first.to_owned(), first_cut, joined_cut, joined].into_iter().map(|name| settled(&name))
}

/// What stands before the first semicolon.
struct Words {
    /// The words, at most [`MAX_WORDS`].
    words: Vec<String>,
    /// Whether no comment and no quotes were left open.
    is_ended: bool,
}

/// The words before the first semicolon. Quotes are undone and may stand amid a word.
fn words(text: &str, comments: Comments) -> Words {
    let mut read = Words { words: Vec::new(), is_ended: true };
    let mut word = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ';' => break,
            '(' if comments == Comments::Blanks => read.take(&mut word),
            '(' => {
                read.take(&mut word);
                read.is_ended &= skip_comment(&mut characters, comments);
            }
            ')' => read.take(&mut word),
            '"' if comments == Comments::Blanks => read.take(&mut word),
            '"' => read.is_ended &= take_quoted(&mut characters, &mut word),
            '\\' => word.extend(characters.next()),
            _ if character.is_whitespace() => read.take(&mut word),
            // Other control characters are gone for some readers.
            _ if character.is_control() => {}
            _ => word.push(character),
        }
        if read.words.len() == MAX_WORDS {
            return read;
        }
    }
    read.take(&mut word);
    read
}

impl Words {
    fn take(&mut self, word: &mut String) {
        if !word.is_empty() {
            self.words.push(std::mem::take(word));
        }
    }
}

/// Words that are looked at: labels of a name with a comment after each dot, and the dots.
const MAX_WORDS: usize = 256;

/// Skips the rest of a comment. Whether it ended.
fn skip_comment(characters: &mut std::str::Chars<'_>, comments: Comments) -> bool {
    let mut depth = 1_usize;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '(' if comments == Comments::Nested => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Takes the rest of a quoted string. Whether it ended.
fn take_quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> bool {
    while let Some(character) = characters.next() {
        match character {
            '"' => return true,
            '\\' => word.extend(characters.next()),
            _ if character.is_control() => {}
            _ => word.push(character),
        }
    }
    false
}

/// An identifier in one spelling: as a name if it is one, else in lower case.
fn settled(id: &str) -> String {
    let id = id.trim();
    Name::parse_unicode(id).map_or_else(|_| id.trim_end_matches('.').to_lowercase(), |name| name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Field};
    use super::*;
    use crate::SpfResult;

    const OURS: &str = "mx.example.org";

    #[test]
    fn identifiers() {
        for (value, id) in [
            (" mx.example.org; none", Some("mx.example.org")),
            ("\r\n\tmx.example.org\r\n 1; spf=pass", Some("mx.example.org")),
            ("(a (nested) \\) one) MX.Example.ORG(x);", Some("mx.example.org")),
            ("\"mx.example.org\";", Some("mx.example.org")),
            ("\"a \\\"b\\\"\";", Some("a \"b\"")),
            ("b\u{fc}cher.example; none", Some("xn--bcher-kva.example")),
            ("", None),
            (" ; spf=pass", None),
            ("(only a comment)", None),
        ] {
            assert_eq!(authserv_id(value.as_bytes()).as_deref(), id, "{value:?}");
        }
        assert_eq!(authserv_id(b"mx\0.example.org; none").as_deref(), Some(OURS));
    }

    #[test]
    fn forged_fields_are_found() {
        for value in [
            "mx.example.org; spf=pass",
            "mx.example.org",
            "mx.example.org.;",
            "mx.example.org/1;",
            "mx.example.org 1; spf=pass",
            "mx.example.org=1; spf=pass",
            "mx . example . org; spf=pass",
            "mx(a).(b)example(c).org; spf=pass",
            "\"mx\".example.\"org\"; spf=pass",
            "\"mx.example.org; spf=pass",
            "\"mx.exam\\ple.org\"; spf=pass",
            "(unended mx.example.org; spf=pass",
            "(a (b) mx.example.org; spf=pass",
            "((a) mx.example.org; spf=pass",
            "\u{ff4d}x.example\u{3002}org; spf=pass",
            "mx\u{0}.example.org; spf=pass",
        ] {
            assert!(is_ours(value.as_bytes(), OURS), "{value:?}");
        }
        assert!(is_ours(format!("({}) {OURS}; spf=pass", "x".repeat(2 * MAX_LOOKED)).as_bytes(), OURS));
        let mut field = Field::new(OURS);
        field.push(Entry::spf(SpfResult::Pass));
        assert!(is_ours(field.payload().as_bytes(), OURS));
    }

    #[test]
    fn fields_of_others_are_not_ours() {
        for value in [
            "mx.example.com; spf=pass smtp.helo=mx.example.org",
            "mail.mx.example.org; none",
            "mx.example.org.uk; none",
            "example.org; none",
            "(mx.example.org) mx.example.com; none",
            "; none",
            "",
        ] {
            assert!(!is_ours(value.as_bytes(), OURS), "{value:?}");
        }
    }

    #[test]
    fn an_identifier_that_is_no_name() {
        assert!(is_ours(b"\"Our Filter\"; none", "our filter"));
        assert!(is_ours(Field::new("Our Filter").payload().as_bytes(), "Our Filter"));
    }
}
