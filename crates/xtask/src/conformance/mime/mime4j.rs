//! mime4j: `X_decoded.xml` beside `X.msg` is the tree; it names the files that hold the decoded bodies. Names it does not tell.

use std::fs;

use super::super::VectorFile;
use super::facts::{Facts, folded, node};

/// Whether a file is a decoded body that such a tree names.
pub(super) fn is_body(file: &VectorFile) -> bool {
    let name = file.name();
    name.split_once("_decoded").is_some_and(|(stem, rest)| {
        (rest.starts_with('_') || rest.starts_with('.')) && file.path.with_file_name(format!("{stem}_decoded.xml")).exists()
    })
}

/// The facts of the tree beside a message.
pub(super) fn written(file: &VectorFile) -> Option<Facts> {
    let stem = file.path.file_stem()?.to_string_lossy().into_owned();
    let bytes = fs::read(file.path.with_file_name(format!("{stem}_decoded.xml"))).ok()?;
    let (tree, bodies) = tree(&String::from_utf8_lossy(&bytes));
    let texts = bodies.iter().filter_map(|name| fs::read(file.path.with_file_name(name)).ok());
    let texts = texts.map(|bytes| match String::from_utf8(bytes) {
        Ok(text) => folded(&text),
        Err(error) => error.as_bytes().iter().map(|&byte| char::from(byte)).filter(|c| !c.is_whitespace()).collect(),
    });
    Some(Facts { tree, texts: texts.collect(), names: None })
}

/// An entity that is open.
struct Entity {
    /// Its line in the tree.
    line: usize,
    depth: usize,
    media_type: Option<String>,
    in_digest: bool,
}

/// The tree, and the files of the texts in order.
fn tree(xml: &str) -> (Vec<String>, Vec<String>) {
    let mut lines: Vec<String> = Vec::new();
    let mut texts = Vec::new();
    let mut open: Vec<Entity> = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let tail = &rest[start + 1..];
        let end = tail.find('>').unwrap_or(tail.len());
        let tag = &tail[..end];
        rest = tail.get(end + 1..).unwrap_or_default();
        match tag.split_whitespace().next().unwrap_or_default() {
            "message" | "body-part" => {
                let in_digest = tag == "body-part"
                    && open.last().is_some_and(|entity| entity.media_type.as_deref() == Some("multipart/digest"));
                open.push(Entity { line: lines.len(), depth: open.len(), media_type: None, in_digest });
                lines.push(String::new());
            }
            "/message" | "/body-part" => {
                if let Some(entity) = open.pop() {
                    let default = if entity.in_digest { "message/rfc822" } else { "text/plain" };
                    lines[entity.line] = node(entity.depth, entity.media_type.as_deref().unwrap_or(default));
                }
            }
            "field" => {
                let field = rest.split('<').next().unwrap_or_default().trim_start();
                if let Some((name, value)) = field.split_once(':')
                    && name.trim().eq_ignore_ascii_case("content-type")
                    && let Some(entity) = open.last_mut()
                {
                    let value = value.replace("&quot;", "\"");
                    let value = value.split([';', '(']).next().unwrap_or_default().trim().to_lowercase();
                    // A type without a subtype is none (RFC 2045 §5.2).
                    entity.media_type = Some(if value.contains('/') { value } else { "text/plain".to_owned() });
                }
            }
            "text-body" | "text-body/" => {
                texts.extend(tag.split_once("name=\"").and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned));
            }
            _ => {}
        }
    }
    (lines, texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_and_their_texts() {
        let xml = "<message>\n<header>\n<field>\nContent-Type: multipart/digest; boundary=\"a\n b\"</field>\n</header>\n<multipart>\n\
            <body-part><header></header><message><header><field>Content-type: text</field></header>\
            <text-body name=\"x_decoded_1.txt\"/></message></body-part></multipart></message>";
        let (tree, texts) = tree(xml);
        assert_eq!(tree, ["0:multipart/digest", "1:message/rfc822", "2:text/plain"]);
        assert_eq!(texts, ["x_decoded_1.txt"]);
    }
}
