//! Character references that mail is full of, decoded without the standard's tokenizer (HTML §13.2.5.72 to §13.2.5.80).
//!
//! Those of the table below and numbers, each closed by its semicolon, and ampersands that begin nothing. The tokenizer reads all
//! others: the two thousand other names, those without a semicolon, numbers of controls.

/// Appends text with its references decoded; false when it holds one that is not read here, and then nothing is appended.
pub(super) fn decode(text: &str, out: &mut String) -> bool {
    let before = out.len();
    let mut rest = text;
    while let Some((plain, from)) = memchr::memchr(b'&', rest.as_bytes()).and_then(|at| rest.split_at_checked(at)) {
        let Some((c, after)) = reference(from) else {
            out.truncate(before);
            return false;
        };
        out.push_str(plain);
        out.push(c);
        rest = after;
    }
    out.push_str(rest);
    true
}

/// The character that a text begins with, which stands as a reference or is an ampersand, and what follows.
fn reference(text: &str) -> Option<(char, &str)> {
    let inside = text.strip_prefix('&')?;
    match inside.as_bytes().first() {
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'#' => {}
        _ => return Some(('&', inside)),
    }
    let end = inside.bytes().take(NAME_BYTES + 1).position(|byte| byte == b';')?;
    let (name, after) = (inside.get(..end)?, inside.get(end + 1..)?);
    let c = match name.strip_prefix('#') {
        Some(number) => numbered(number)?,
        None => named(name)?,
    };
    Some((c, after))
}

/// Bytes of the longest name or number that is read.
const NAME_BYTES: usize = 8;

fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.is_empty() {
        return None;
    }
    let code = digits.chars().try_fold(0u32, |code, digit| Some(code * radix + digit.to_digit(radix)?))?;
    // Controls stand for other characters, or are errors.
    char::from_u32(code).filter(|c| *c >= ' ' && !matches!(c, '\u{7f}'..='\u{9f}'))
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "apos" => '\'',
        "auml" => 'ä',
        "bull" => '•',
        "copy" => '©',
        "eacute" => 'é',
        "egrave" => 'è',
        "euro" => '€',
        "gt" => '>',
        "hellip" => '…',
        "iacute" => 'í',
        "laquo" => '«',
        "ldquo" => '“',
        "lsquo" => '‘',
        "lt" => '<',
        "mdash" => '—',
        "middot" => '·',
        "nbsp" => '\u{a0}',
        "ndash" => '–',
        "ntilde" => 'ñ',
        "oacute" => 'ó',
        "ouml" => 'ö',
        "pound" => '£',
        "quot" => '"',
        "raquo" => '»',
        "rdquo" => '”',
        "reg" => '®',
        "rsquo" => '’',
        "shy" => '\u{ad}',
        "szlig" => 'ß',
        "trade" => '™',
        "uuml" => 'ü',
        "zwj" => '\u{200d}',
        "zwnj" => '\u{200c}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<String> {
        let mut out = "x".to_owned();
        let read = decode(text, &mut out);
        assert!(read || out == "x");
        read.then(|| out.split_off(1))
    }

    #[test]
    fn references_are_decoded_or_left() {
        for (text, expected) in [
            ("a", "a"),
            ("&lt;b&gt; &amp;amp; &nbsp;", "<b> &amp; \u{a0}"),
            ("&#65;&#x1F600;&#X3d;", "A\u{1f600}="),
            // As long as a number is read.
            ("&#0000065;", "A"),
            ("a & b && c&", "a & b && c&"),
            ("&é&;", "&é&;"),
            ("&shy;&zwnj;é", "\u{ad}\u{200c}é"),
        ] {
            assert_eq!(decoded(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "&lt",
            "&lt &gt;",
            "&#00000065;",
            "&unknown;",
            "&NBSP;",
            "&#;",
            "&#x;",
            "&#xg;",
            "&#0;",
            "&#9;",
            "&#128;",
            "&#xd800;",
            "&#1114112;",
            "&#",
        ] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
