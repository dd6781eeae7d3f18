//! mail-parser: what it wrote of a message as JSON, and what it makes of one now.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use serde_json::Value;

use super::facts::{Facts, folded, node};

/// The facts of a tree that it wrote; none when it is none.
pub(super) fn written(json: &str) -> Option<Facts> {
    let value: Value = serde_json::from_str(json).ok()?;
    let mut facts = Facts { names: Some(Vec::new()), ..Facts::default() };
    written_part(&value, 0, 0, "text/plain", &mut facts)?;
    Some(facts)
}

fn written_part(message: &Value, index: usize, depth: usize, default: &str, facts: &mut Facts) -> Option<()> {
    let part = message.get("parts")?.get(index)?;
    let body = part.get("body")?;
    let kind = body.as_object()?.keys().next()?.as_str();
    let value = body.get(kind)?;
    let header = |name: &str| {
        let fields = part.get("headers").and_then(Value::as_array).into_iter().flatten();
        fields
            .filter(|field| field.get("name").and_then(Value::as_str) == Some(name))
            .filter_map(|field| field.get("value")?.get("ContentType"))
            .next_back()
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_lowercase);
    let declared = header("content_type");
    let media_type =
        match (text(declared.and_then(|field| field.get("c_type"))), text(declared.and_then(|field| field.get("c_subtype")))) {
            (Some(kind), Some(subtype)) => format!("{kind}/{subtype}"),
            _ if kind == "Message" => "message/rfc822".to_owned(),
            _ => default.to_owned(),
        };
    facts.tree.push(node(depth, &media_type));
    let parameter = |field: &str, name: &str| -> Option<String> {
        let attributes = header(field)?.get("attributes")?.as_array()?;
        attributes
            .iter()
            .find(|one| one.get("name").and_then(Value::as_str) == Some(name))?
            .get("value")?
            .as_str()
            .map(str::to_owned)
    };
    if let Some(name) = parameter("content_disposition", "filename").or_else(|| parameter("content_type", "name")) {
        facts.names.get_or_insert_default().push(name);
    }
    match kind {
        "Text" | "Html" => facts.texts.push(folded(value.as_str()?)),
        "Multipart" => {
            for child in value.as_array()? {
                written_part(message, usize::try_from(child.as_u64()?).ok()?, depth + 1, "text/plain", facts)?;
            }
        }
        "Message" => written_part(value, 0, depth + 1, "text/plain", facts)?,
        _ => {}
    }
    Some(())
}

/// What it makes of a message.
pub(super) fn read(raw: &[u8]) -> Option<Facts> {
    let message = MessageParser::default().parse(raw)?;
    let mut facts = Facts { names: Some(Vec::new()), ..Facts::default() };
    part(&message, 0, 0, &mut facts);
    Some(facts)
}

fn part(message: &Message<'_>, index: u32, depth: usize, facts: &mut Facts) {
    let Some(one) = message.parts.get(index as usize) else { return };
    let media_type = match one.content_type().map(|declared| (declared.ctype(), declared.subtype())) {
        Some((kind, Some(subtype))) => format!("{kind}/{subtype}"),
        _ if matches!(one.body, PartType::Message(_)) => "message/rfc822".to_owned(),
        _ => "text/plain".to_owned(),
    };
    facts.tree.push(node(depth, &media_type));
    if let Some(name) = one.attachment_name() {
        facts.names.get_or_insert_default().push(name.to_owned());
    }
    match &one.body {
        PartType::Text(text) | PartType::Html(text) => facts.texts.push(folded(text)),
        PartType::Multipart(children) => children.iter().for_each(|&child| part(message, child, depth + 1, facts)),
        PartType::Message(nested) => part(nested, 0, depth + 1, facts),
        PartType::Binary(_) | PartType::InlineBinary(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_wrote_is_read_as_what_it_makes() {
        let json = r#"{"parts": [
            {"headers": [{"name": "content_type", "value": {"ContentType": {"c_type": "multipart", "c_subtype": "mixed", "attributes": null}}}], "body": {"Multipart": [1]}},
            {"headers": [{"name": "content_disposition", "value": {"ContentType": {"c_type": "attachment", "c_subtype": null, "attributes": [{"name": "filename", "value": "a.txt"}]}}}], "body": {"Text": "one two"}}
        ]}"#;
        let written = written(json).unwrap();
        let raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename=a.txt\n\none two\n--b--\n";
        let read = read(raw).unwrap();
        assert_eq!((&written.tree, &written.texts, &written.names), (&read.tree, &read.texts, &read.names));
        assert_eq!(written.tree, ["0:multipart/mixed", "1:text/plain"]);
    }
}
