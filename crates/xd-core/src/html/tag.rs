//! Start and end tags of the usual shape, read by search (HTML §13.2.5.6 to §13.2.5.40).
//!
//! A tag is usual when reading it takes no state of the standard's tokenizer beyond where names, blanks and quotes stand. All
//! others are left to the tokenizer: those that the page ends in, with NUL, with quotes or `<` in names, with character references
//! other than `&amp;` in values that are kept, end tags with attributes.

use super::attributes::Attributes;
use super::tokens::Name;

/// A tag that was read, and where it ends in the page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Usual {
    End(usize),
    Start(usize),
}

/// Reads the tag that begins at `start` into an empty name and empty attributes; none when it is not of the usual shape, and
/// then both may hold some of it.
pub(super) fn read(html: &str, start: usize, name: &mut Name, attributes: &mut Attributes<'_>) -> Option<Usual> {
    let bytes = html.as_bytes();
    let is_end = *bytes.get(start + 1)? == b'/';
    let from = start + 1 + usize::from(is_end);
    if !bytes.get(from)?.is_ascii_alphabetic() {
        return None;
    }
    let to = find(bytes, from, |byte| is_blank(byte) || matches!(byte, b'/' | b'>' | 0))?;
    name.push(bytes.get(from..to)?);
    if is_end {
        return (bytes.get(to) == Some(&b'>')).then_some(Usual::End(to + 1));
    }
    read_attributes(bytes, to, attributes).map(Usual::Start)
}

/// Reads attributes up to the end of their tag, and returns where that is.
fn read_attributes(bytes: &[u8], from: usize, attributes: &mut Attributes<'_>) -> Option<usize> {
    let mut at = from;
    loop {
        match *bytes.get(at)? {
            // A solidus that does not close the tag counts as a blank (§13.2.5.40).
            byte if is_blank(byte) || byte == b'/' => at += 1,
            b'>' => {
                attributes.end(at);
                return Some(at + 1);
            }
            _ => at = read_attribute(bytes, at, attributes)?,
        }
    }
}

/// Reads one attribute and returns where it ends.
fn read_attribute(bytes: &[u8], from: usize, attributes: &mut Attributes<'_>) -> Option<usize> {
    let ends_name = |byte| is_blank(byte) || matches!(byte, b'=' | b'>' | b'/' | b'"' | b'\'' | b'<' | 0);
    let to = find(bytes, from, ends_name)?;
    if to == from || matches!(bytes.get(to)?, b'"' | b'\'' | b'<' | 0) {
        return None;
    }
    attributes.begin(from);
    attributes.push_name(bytes.get(from..to)?);
    let sign = find(bytes, to, |byte| !is_blank(byte))?;
    if bytes.get(sign) != Some(&b'=') {
        return Some(to);
    }
    let from = find(bytes, sign + 1, |byte| !is_blank(byte))?;
    match *bytes.get(from)? {
        quote @ (b'"' | b'\'') => read_value(bytes, from + 1, attributes, Some(quote)),
        b'>' => None,
        _ => read_value(bytes, from, attributes, None),
    }
}

/// Reads a value up to its quote, or without one up to a blank or the tag's end, and returns where the attribute ends.
fn read_value(bytes: &[u8], from: usize, attributes: &mut Attributes<'_>, quote: Option<u8>) -> Option<usize> {
    attributes.begin_value(from);
    let rest = bytes.get(from..)?;
    let kept = attributes.keeps_value();
    // Most values end without a sign that takes a closer look, and then one search is enough.
    let first = match quote {
        Some(quote) if kept => memchr::memchr3(quote, b'&', 0, rest)?,
        Some(quote) => memchr::memchr(quote, rest)?,
        None => rest.iter().position(|&byte| is_blank(byte) || matches!(byte, b'>' | b'&' | 0))?,
    };
    let ends = |byte: u8| quote.map_or_else(|| is_blank(byte) || byte == b'>', |quote| byte == quote);
    let length = if ends(*rest.get(first)?) {
        attributes.set_value(from, from + first);
        first
    } else {
        let length = match quote {
            Some(quote) => memchr::memchr(quote, rest)?,
            None => rest.iter().position(|&byte| ends(byte))?,
        };
        if kept {
            push_decoded(rest.get(..length)?, attributes)?;
        }
        length
    };
    attributes.end(from + length);
    Some(from + length + usize::from(quote.is_some()))
}

/// Decodes a value whose only character references are `&amp;`. An ampersand before anything but a letter, a digit or `#` stands
/// for itself, and so does one before letters and digits up to `=`, whatever they spell (§13.2.5.73).
fn push_decoded(value: &[u8], attributes: &mut Attributes<'_>) -> Option<()> {
    if memchr::memchr(0, value).is_some() {
        return None;
    }
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'&', rest) {
        let (before, from) = rest.split_at(at);
        attributes.push_value(before);
        attributes.push_value(b"&");
        rest = from.get(1..)?;
        if let Some(after) = rest.strip_prefix(b"amp;") {
            rest = after;
            continue;
        }
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let next = rest.get(word);
        let stands_for_itself = if word == 0 { next != Some(&b'#') } else { next == Some(&b'=') };
        if !stands_for_itself {
            return None;
        }
    }
    attributes.push_value(rest);
    Some(())
}

/// The first byte from `from` on that is sought.
#[inline]
fn find(bytes: &[u8], from: usize, sought: impl Fn(u8) -> bool) -> Option<usize> {
    Some(from + bytes.get(from..)?.iter().position(|&byte| sought(byte))?)
}

/// The blanks that stand between attributes; a page has no CR any more.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::attributes::Attribute;

    /// The attributes `href`, `alt` and `hidden` of a tag, when it is of the usual shape.
    fn usual(html: &str) -> Option<[Option<String>; 3]> {
        let mut attributes = Attributes::new(html, 99);
        read(html, 0, &mut Name::default(), &mut attributes)?;
        Some([Attribute::Href, Attribute::Alt, Attribute::Hidden].map(|name| attributes.get(name).map(str::to_owned)))
    }

    #[test]
    fn usual_shapes() {
        for (html, href, alt) in [
            ("<a>", None, None),
            ("<A HREF=\"x y\" Alt='\"z\"'>", Some("x y"), Some("\"z\"")),
            ("<a href = x/y alt>", Some("x/y"), Some("")),
            ("<a\nhref=x href=y/>", Some("x"), None),
            ("<a href=\"x\"alt=\"y\"/ >", Some("x"), Some("y")),
            ("<a href='?a=1&amp;b=2&copy=3& #'>", Some("?a=1&b=2&copy=3& #"), None),
            ("<a title='&copy;\0' alt=x>", None, Some("x")),
        ] {
            let [found_href, found_alt, _] = usual(html).unwrap();
            assert_eq!((found_href.as_deref(), found_alt.as_deref()), (href, alt), "{html}");
        }
        assert_eq!(usual("<p hidden>").unwrap()[2].as_deref(), Some(""));
        assert!(usual("</p>").is_some());
    }

    #[test]
    fn other_shapes() {
        for html in [
            "<",
            "<a",
            "<a href",
            "<a href=",
            "<a href=x",
            "<a href='x>",
            "<1>",
            "<!-- -->",
            "<?x>",
            "</>",
            "</a x>",
            "<a\0>",
            "<a =x>",
            "<a b\"c>",
            "<a href=>",
            "<a href='&copy;'>",
            "<a href='&#65;'>",
            "<a href='&lt'>",
            "<a alt='\0'>",
        ] {
            assert_eq!(usual(html), None, "{html:?}");
        }
    }
}
