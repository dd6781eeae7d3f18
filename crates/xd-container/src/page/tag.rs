//! Tags of a page, in order: enough of the rules of HTML to see what a browser would act on (WHATWG HTML §13.2.5).

use std::borrow::Cow;

use crate::xml;

/// Attributes of one tag that are looked at.
const MAX_ATTRIBUTES: usize = 64;

/// One start tag.
#[derive(Clone, Debug)]
pub(super) struct Tag<'a> {
    /// In lower case, without a prefix; one of those that are looked for, or empty.
    pub(super) name: &'static str,
    attributes: &'a str,
    /// What stands in an element whose content is no markup.
    pub(super) content: &'a str,
}

/// The tags that matter; all others are looked at for their attributes alone.
const NAMES: &[&str] = &[
    "a",
    "area",
    "base",
    "body",
    "embed",
    "foreignobject",
    "form",
    "frame",
    "html",
    "iframe",
    "image",
    "img",
    "input",
    "link",
    "meta",
    "object",
    "param",
    "script",
    "style",
    "svg",
    "textarea",
    "title",
    "use",
    "xmp",
    "noembed",
    "noframes",
];

/// Elements whose content is no markup.
const RAW: &[&str] = &["script", "style", "textarea", "title", "xmp", "noembed", "noframes"];

/// The start tags of a page.
pub(super) fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = memchr::memchr(b'<', rest.as_bytes())?;
            rest = rest.get(at + 1..)?;
            if let Some(comment) = rest.strip_prefix("!--") {
                // `<!-->` and `<!--->` are whole comments.
                let from = if comment.starts_with('>') || comment.starts_with("->") { rest.get(1..)? } else { comment };
                // A comment without an end goes to the end of the page.
                rest = from.get(memchr::memmem::find(from.as_bytes(), b"-->")? + 3..)?;
                continue;
            }
            if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            let end = rest.bytes().position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/')).unwrap_or(rest.len());
            let (name, behind) = rest.split_at_checked(end)?;
            let name = name.rsplit(':').next().unwrap_or(name);
            let name = NAMES.iter().copied().find(|known| known.eq_ignore_ascii_case(name)).unwrap_or("");
            let length = end_of_attributes(behind.as_bytes());
            let (attributes, behind) = behind.split_at_checked(length)?;
            rest = behind.strip_prefix('>').unwrap_or(behind);
            let mut content = "";
            if RAW.contains(&name) && !attributes.ends_with('/') {
                let end = end_of_raw(rest.as_bytes(), name);
                (content, rest) = rest.split_at_checked(end)?;
            }
            return Some(Tag { name, attributes, content });
        }
    })
}

/// Where `</name` stands.
fn end_of_raw(text: &[u8], name: &str) -> usize {
    let is_end = |at: &usize| {
        let close = text.get(at + 1..).unwrap_or_default();
        close.first() == Some(&b'/') && close.get(1..=name.len()).is_some_and(|close| close.eq_ignore_ascii_case(name.as_bytes()))
    };
    memchr::memchr_iter(b'<', text).find(is_end).unwrap_or(text.len())
}

/// Where the `>` stands that ends the tag. Quotes count only behind `=`.
fn end_of_attributes(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'>', b'=', rest)) {
        at += found;
        if text.get(at) == Some(&b'>') {
            return at;
        }
        at += 1;
        at += text.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count();
        if let Some(quote @ (b'"' | b'\'')) = text.get(at) {
            match text.get(at + 1..).and_then(|rest| memchr::memchr(*quote, rest)) {
                Some(length) => at += length + 2,
                None => return text.len(),
            }
        }
    }
    text.len()
}

impl<'a> Tag<'a> {
    /// Names in lower case without prefixes, and values with their entities resolved.
    pub(super) fn attributes(&self) -> Vec<(String, Cow<'a, str>)> {
        let mut attributes = Vec::new();
        let mut rest = self.attributes;
        while attributes.len() < MAX_ATTRIBUTES {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                break;
            }
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '=' | '/'))
                .map_or(rest.len(), |(at, _)| at);
            let Some((name, behind)) = rest.split_at_checked(end) else { break };
            let name = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
            let trimmed = behind.trim_start();
            let Some(value) = trimmed.strip_prefix('=') else {
                attributes.push((name, Cow::Borrowed("")));
                rest = behind;
                continue;
            };
            let value = value.trim_start();
            let (value, behind) = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    let inner = value.get(1..).unwrap_or_default();
                    inner.split_once(quote).unwrap_or((inner, ""))
                }
                _ => value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, "")),
            };
            attributes.push((name, xml::unescape(value)));
            rest = behind;
        }
        attributes
    }
}
