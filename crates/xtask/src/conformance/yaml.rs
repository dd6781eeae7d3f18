//! YAML as suites are written in it: documents as trees that keep the order of the file, keys that stand twice, and octets that are
//! no text.
//!
//! Every octet of a file is read as the character of its number, so that a `"\x80"` and the octet itself are the same, and both come
//! out as that octet.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// A part of a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Node {
    List(Vec<Self>),
    /// Keys and what they stand for, in the order of the file.
    Map(Vec<(String, Self)>),
    Scalar(Vec<u8>),
}

/// All documents of a file.
pub(super) fn documents(bytes: &[u8]) -> Result<Vec<Node>, String> {
    let text: String = bytes.iter().copied().map(char::from).collect();
    let mut events = Parser::new_from_str(&text);
    let (mut documents, mut anchors) = (Vec::new(), BTreeMap::new());
    while let Some(event) = events.next() {
        if matches!(event.map_err(|error| error.to_string())?.0, Event::DocumentStart(_)) {
            anchors.clear();
            documents.push(node(&mut events, &mut anchors, 0)?.ok_or("an empty document")?);
        }
    }
    Ok(documents)
}

/// The next node; none at the end of what holds it.
fn node<'t>(events: &mut Events<'t>, anchors: &mut BTreeMap<usize, Node>, depth: usize) -> Result<Option<Node>, String> {
    if depth > MAX_DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let (event, _) = events.next().ok_or("the text ends early")?.map_err(|error| error.to_string())?;
    let (node, anchor) = match event {
        Event::Alias(anchor) => return Ok(anchors.get(&anchor).cloned()),
        Event::Scalar(text, _, anchor, _) => (Node::Scalar(octets(&text)), anchor),
        Event::SequenceStart(anchor, _) => {
            let mut list = Vec::new();
            while let Some(next) = node(events, anchors, depth + 1)? {
                list.push(next);
            }
            (Node::List(list), anchor)
        }
        Event::MappingStart(anchor, _) => {
            let mut map = Vec::new();
            while let Some(key) = node(events, anchors, depth + 1)? {
                map.push((key.text(), node(events, anchors, depth + 1)?.ok_or("a key stands for nothing")?));
            }
            (Node::Map(map), anchor)
        }
        _ => return Ok(None),
    };
    if anchor > 0 {
        anchors.insert(anchor, node.clone());
    }
    Ok(Some(node))
}

type Events<'t> = Parser<'t, saphyr_parser::StrInput<'t>>;

/// Deeper than any suite.
const MAX_DEPTH: usize = 32;

/// Characters as the octets of their numbers; those that have none in UTF-8.
fn octets(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(octet) => octets.push(octet),
            Err(_) => octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    octets
}

impl Node {
    /// What a key stands for, the first time.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// Keys and what they stand for; none when this is no map.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(map) = self { map } else { &[] }
    }

    /// The items of a list; anything else is its own only item.
    pub(super) fn items(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { std::slice::from_ref(self) }
    }

    /// The octets of a scalar; those of a list one after another.
    pub(super) fn octets(&self) -> Vec<u8> {
        match self {
            Self::Scalar(octets) => octets.clone(),
            Self::List(list) => list.iter().flat_map(Self::octets).collect(),
            Self::Map(_) => Vec::new(),
        }
    }

    /// The octets as text, what is none as replacement characters.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.octets()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_order_and_repetition_are_kept() {
        let text = b"b: \"\\x80\"\na: [1, x y]\nb: \x80\nc: \"\\0\"\n---\n- d: ''\n";
        let scalar = |octets: &[u8]| Node::Scalar(octets.to_vec());
        let map = [
            ("b", scalar(b"\x80")),
            ("a", Node::List(vec![scalar(b"1"), scalar(b"x y")])),
            ("b", scalar(b"\x80")),
            ("c", scalar(b"\0")),
        ];
        let map = Node::Map(map.map(|(key, node)| (key.to_owned(), node)).to_vec());
        let list = Node::List(vec![Node::Map(vec![("d".to_owned(), scalar(b""))])]);
        assert_eq!(documents(text), Ok(vec![map, list]));
        assert!(documents(b"a: [").is_err());
    }
}
