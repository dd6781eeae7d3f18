//! The text and the links of HTML that was put into RTF. No more than rules need: what such a body is as a page, those see who
//! get it as a part of its own.

use crate::text;

/// The text between tags, with the commonest references decoded; nothing of styles and scripts.
pub(super) fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        decode_into(before, &mut out);
        let name: String = tag.chars().take(8).take_while(|c| c.is_ascii_alphabetic()).collect();
        let end = match name.to_ascii_lowercase().as_str() {
            "style" => find_end(tag, "</style"),
            "script" => find_end(tag, "</script"),
            _ if tag.starts_with("!--") => tag.find("-->").unwrap_or(tag.len()),
            _ => 0,
        };
        rest = tag.get(end..).unwrap_or_default();
        rest = rest.get(rest.find('>').map_or(rest.len(), |end| end + 1)..).unwrap_or_default();
        if !matches!(name.as_str(), "b" | "i" | "u" | "a" | "span" | "font") && !out.ends_with('\n') {
            out.push('\n');
        }
    }
    decode_into(rest, &mut out);
    out
}

/// The addresses in attributes that lead elsewhere.
pub(super) fn links(html: &str) -> impl Iterator<Item = String> {
    let places = memchr::memmem::find_iter(html.as_bytes(), "=").filter_map(|place| {
        let (before, after) = (html.get(..place)?, html.get(place + 1..)?);
        let name = before.trim_ascii_end();
        let name = name.get(name.len().checked_sub(4)?..)?;
        let name = name.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\''));
        matches!(name.to_ascii_lowercase().as_str(), "href" | "src").then_some(after)
    });
    places.take(MAX_LINKS).filter_map(|after| {
        let after = text::cut(after.trim_ascii_start(), 4096);
        let value = match after.chars().next()? {
            quote @ ('"' | '\'') => after.get(1..)?.split(quote).next()?,
            _ => after.split(|c: char| c.is_whitespace() || c == '>').next()?,
        };
        let mut link = String::new();
        decode_into(value, &mut link);
        link.contains(':').then_some(link)
    })
}

/// Attributes that are looked at; 5000.
const MAX_LINKS: usize = 5000;

fn find_end(tag: &str, end: &str) -> usize {
    // The text is searched as it is: such elements stand in few bodies, and few of those write their end in capitals.
    tag.find(end).unwrap_or(tag.len())
}

fn decode_into(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        out.push_str(before);
        rest = reference;
        let Some((name, _)) = text::cut(reference, 9).split_once(';') else {
            out.push('&');
            continue;
        };
        let after = reference.get(name.len() + 1..).unwrap_or_default();
        let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        });
        let character = match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" => Some('\u{A0}'),
            _ => number.and_then(char::from_u32),
        };
        match character {
            Some(character) => {
                out.push(character);
                rest = after;
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_links() {
        let html = "<html><style>p { a<b }</style><p>5 &lt; 6 &amp;c; &#252;<!-- <b> --><a HREF='https://example.com/?a&amp;b'>x</a><img src=cid:1>";
        assert_eq!(text(html).split_whitespace().collect::<Vec<_>>(), ["5", "<", "6", "&c;", "ü", "x"]);
        assert_eq!(links(html).collect::<Vec<_>>(), ["https://example.com/?a&b", "cid:1"]);
    }
}
