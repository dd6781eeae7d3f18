//! Strings in scripts, and the files that are written as strings: in base64, as `%xx`, as `\xNN`, in hexadecimal.

/// A string with what is joined to it by `+`, quotes and escapes as they stand removed.
pub(super) struct Literals<'a> {
    rest: &'a str,
}

/// The strings of a script, in order.
pub(super) fn literals(script: &str) -> Literals<'_> {
    Literals { rest: script }
}

impl Iterator for Literals<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut joined = self.one()?;
        // `'UEsD' + 'BBQA' +` a line end and more.
        while let Some(next) = self.rest.trim_start().strip_prefix('+') {
            let next = next.trim_start();
            if !next.starts_with(['"', '\'', '`']) {
                break;
            }
            self.rest = next;
            match self.one() {
                Some(more) => joined.push_str(&more),
                None => break,
            }
        }
        Some(joined)
    }
}

impl Literals<'_> {
    /// The next string by itself, its escapes kept but for those of quotes and line ends.
    fn one(&mut self) -> Option<String> {
        let at = self.rest.find(['"', '\'', '`'])?;
        let quote = *self.rest.as_bytes().get(at)?;
        let text = self.rest.get(at + 1..)?;
        let mut from = 0;
        let end = loop {
            let Some(found) = text.as_bytes().get(from..).and_then(|rest| memchr::memchr3(quote, b'\\', b'\n', rest)) else {
                break text.len();
            };
            from += found;
            match text.as_bytes().get(from) {
                Some(b'\\') => from += 2,
                // Only templates go over lines: an apostrophe in a comment is no string.
                Some(b'\n') if quote != b'`' => break from,
                Some(b'\n') => from += 1,
                _ => break from,
            }
        };
        let end = end.min(text.len());
        let literal = text.get(..end).unwrap_or(text);
        self.rest = text.get(end + 1..).unwrap_or_default();
        Some(if literal.contains("\\\n") || literal.contains("\\n") {
            literal.replace("\\\r\n", "").replace("\\\n", "").replace("\\n", "")
        } else {
            literal.to_owned()
        })
    }
}

/// Whether a string may be a file in base64: long enough, and of its letters alone.
pub(super) fn is_base64(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=') || b.is_ascii_whitespace();
    text.len() >= 64 && text.bytes().all(letter)
}

/// Decodes base64 of either alphabet, passing over what is none of its letters, up to so many bytes. What stands behind padding is
/// decoded as well: some write every line by itself.
pub(crate) fn base64(text: &[u8], limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for &b in text {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                (held, bits) = (0, 0);
                continue;
            }
            _ => continue,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            if bytes.len() >= limit {
                break;
            }
            bytes.push((held >> bits).to_le_bytes()[0]);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

/// Decodes `%xx`, up to so many bytes.
pub(super) fn percent(text: &str, limit: usize) -> Vec<u8> {
    escaped(text, b"%", limit)
}

/// Decodes `\xNN`, up to so many bytes.
pub(super) fn backslashes(text: &str, limit: usize) -> Vec<u8> {
    escaped(text, b"\\x", limit)
}

fn escaped(text: &str, mark: &[u8], limit: usize) -> Vec<u8> {
    let text = text.as_bytes();
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(&b) = text.get(at) {
        if bytes.len() >= limit {
            break;
        }
        let code = text.get(at..).and_then(|rest| rest.strip_prefix(mark)).and_then(pair);
        match code {
            Some(code) => {
                bytes.push(code);
                at += mark.len() + 2;
            }
            None => {
                bytes.push(b);
                at += 1;
            }
        }
    }
    bytes
}

/// Decodes pairs of hexadecimal digits; none when something else stands among them.
pub(super) fn hexadecimal(text: &str, limit: usize) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().as_chunks::<2>().0.iter().take(limit);
    (text.len() >= 128 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| pairs.filter_map(|digits| pair(digits)).collect())
}

fn pair(digits: &[u8]) -> Option<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(digits.first()?)? << 4 | digit(digits.get(1)?)?)
}
