//! Reads XML as far as documents need it: tags, attributes and text, in order. No tree, no entity but the five and numbers.
//!
//! Nothing is expanded, so nothing grows; what is not well-formed is passed over up to the next `<`. Prefixes of names are
//! dropped: files choose them freely, and the local names of interest are distinct.

use std::borrow::Cow;

/// One thing in the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event<'a> {
    /// The beginning of an element, its local name, what stands behind the name, and whether it ends at once.
    Start {
        name: &'a str,
        attributes: &'a str,
        is_empty: bool,
    },
    End {
        name: &'a str,
    },
    /// Text with its entities as they stand.
    Text(&'a str),
}

/// The events of a text, in order.
#[derive(Clone, Debug)]
pub(crate) struct Events<'a> {
    rest: &'a str,
}

pub(crate) fn events(text: &str) -> Events<'_> {
    Events { rest: text }
}

/// The text of a file: UTF-8, or UTF-16 where a mark says so.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> String {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes).into(),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes).into(),
        [b'<', 0, ..] => wide(bytes, u16::from_le_bytes).into(),
        [0, b'<', ..] => wide(bytes, u16::from_be_bytes).into(),
        _ => String::from_utf8_lossy(bytes),
    }
}

impl<'a> Events<'a> {
    /// Passes over everything up to and with `end`; to the end of the text where it is missing.
    fn skip(&mut self, end: &str) -> &'a str {
        let (skipped, rest) = match memchr::memmem::find(self.rest.as_bytes(), end.as_bytes()) {
            Some(at) => (self.rest.get(..at), self.rest.get(at + end.len()..)),
            None => (Some(self.rest), Some("")),
        };
        self.rest = rest.unwrap_or_default();
        skipped.unwrap_or_default()
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        loop {
            let first = self.rest.bytes().next()?;
            if first != b'<' {
                let at = memchr::memchr(b'<', self.rest.as_bytes()).unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at_checked(at)?;
                self.rest = rest;
                return Some(Event::Text(text));
            }
            self.rest = self.rest.get(1..)?;
            if let Some(rest) = self.rest.strip_prefix("!--") {
                self.rest = rest;
                self.skip("-->");
            } else if let Some(rest) = self.rest.strip_prefix("![CDATA[") {
                self.rest = rest;
                return Some(Event::Text(self.skip("]]>")));
            } else if self.rest.starts_with('?') {
                self.skip("?>");
            } else if self.rest.starts_with('!') {
                // A document type, whose declarations stand in brackets. What it defines is not used.
                let end = self.rest.bytes().position(|b| matches!(b, b'[' | b'>'));
                let is_long = end.is_some_and(|end| self.rest.as_bytes().get(end) == Some(&b'['));
                if is_long {
                    self.skip("]");
                }
                self.skip(">");
            } else {
                let end = end_of_tag(self.rest.as_bytes());
                let (tag, rest) = self.rest.split_at_checked(end)?;
                self.rest = rest.get(1..).unwrap_or_default();
                if let Some(name) = tag.strip_prefix('/') {
                    return Some(Event::End { name: local(name.trim_end()) });
                }
                let is_empty = tag.ends_with('/');
                let tag = tag.strip_suffix('/').unwrap_or(tag);
                let (name, attributes) = tag.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((tag, ""));
                return Some(Event::Start { name: local(name), attributes, is_empty });
            }
        }
    }
}

/// Where the `>` of a tag stands, or its text ends. Quoted values may hold `>`.
fn end_of_tag(tag: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = tag.get(at..).and_then(|rest| memchr::memchr3(b'>', b'"', b'\'', rest)) {
        at += found;
        match tag.get(at) {
            Some(b'>') => return at,
            Some(&quote) => match tag.get(at + 1..).and_then(|rest| memchr::memchr(quote, rest)) {
                Some(length) => at += length + 2,
                // No end of the value: the tag ends at the first `>`.
                None => return tag.get(at..).and_then(|rest| memchr::memchr(b'>', rest)).map_or(tag.len(), |more| at + more),
            },
            None => break,
        }
    }
    tag.len()
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Local names and values of attributes, the values with their entities resolved.
pub(crate) fn attributes(text: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.chars().next()? {
            quote @ ('"' | '\'') => after.get(1..)?.split_once(quote).unwrap_or((after.get(1..)?, "")),
            _ => after.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((after, "")),
        };
        rest = next;
        Some((local(name.trim().rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or(name)), unescape(value)))
    })
}

/// The value of one attribute.
pub(crate) fn attribute<'a>(text: &'a str, name: &str) -> Option<Cow<'a, str>> {
    attributes(text).find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Text with its entities resolved. Those that a document defines itself stay as they are.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let entity = after.get(..after.floor_char_boundary(10)).and_then(|start| start.split_once(';')).map(|(entity, _)| entity);
        let character = entity.and_then(|entity| match entity {
            "amp" => Some('&'),
            "apos" => Some('\''),
            "gt" => Some('>'),
            "lt" => Some('<'),
            "nbsp" => Some(' '),
            "quot" => Some('"'),
            _ => {
                let number = entity.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)
            }
        });
        match (character, entity) {
            (Some(character), Some(entity)) => {
                plain.push(character);
                rest = after.get(entity.len() + 1..).unwrap_or_default();
            }
            _ => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_attributes_and_text_in_order() {
        let text = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><w:a x:k=\"1 > 0\" l='&#65;&amp;'><!-- <b> --><c/>t&lt;<![CDATA[<d>]]></w:a>";
        let events: Vec<_> = events(text).collect();
        assert_eq!(
            events,
            [
                Event::Start { name: "a", attributes: "x:k=\"1 > 0\" l='&#65;&amp;'", is_empty: false },
                Event::Start { name: "c", attributes: "", is_empty: true },
                Event::Text("t&lt;"),
                Event::Text("<d>"),
                Event::End { name: "a" },
            ]
        );
        let pairs: Vec<_> = attributes("x:k=\"1 > 0\" l='&#65;&amp;'").collect();
        assert_eq!(pairs, [("k", "1 > 0".into()), ("l", "A&".into())]);
        assert_eq!(unescape("a&b;c&#x41;&&nbsp;&#99999999;"), "a&b;cA& &#99999999;");
    }

    #[test]
    fn what_is_broken_ends() {
        for text in ["<", "<a", "<a b='", "<!--", "<![CDATA[", "<!", "<?", "</", "<a b='c>d", "a&", "<ä"] {
            assert!(events(text).count() <= 3, "{text}");
            let _ = attributes(text).count();
        }
    }
}
