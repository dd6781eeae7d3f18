//! What is compared of a message: the tree of parts, the texts, the file names.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use xd_core::message::Part;
use xd_core::{Limits, Message, View};

/// What a reader makes of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Each part as `depth:type`, each before its children.
    pub(super) tree: Vec<String>,
    /// The decoded texts of the text parts, blanks folded.
    pub(super) texts: Vec<String>,
    /// The file names; none when that is not told.
    pub(super) names: Option<Vec<String>>,
}

/// A line of a tree.
pub(super) fn node(depth: usize, media_type: &str) -> String {
    format!("{depth}:{}", media_type.to_lowercase())
}

/// A text without its blanks and line ends, which readers treat unlike.
pub(super) fn folded(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect()
}

/// Limits of which no message of a test meets one.
pub(super) fn limits() -> Limits {
    Limits { text_head: 64 << 20, text_tail: 64 << 20, decoded_bytes: 256 << 20, ..Limits::default() }
}

/// What this project makes of it, without what stands in files. The texts are all there are, in every view and part.
pub(super) fn ours(raw: &[u8]) -> Facts {
    let limits = limits();
    let message = Message::parse(raw, &limits);
    let parts = message.parts();
    let in_message = |part: &&Part<'_>| {
        let mut at = Some(*part);
        while let Some(part) = at {
            if part.in_file {
                return false;
            }
            at = part.parent.and_then(|parent| parts.get(parent));
        }
        true
    };
    let own: Vec<&Part<'_>> = parts.iter().filter(in_message).collect();
    let views = View::ALL.into_iter().map(|view| folded(message.view(view).original()));
    let contents = own.iter().flat_map(|part| decoded(&part.content, part.charset.as_deref()));
    Facts {
        tree: own.iter().map(|part| node(part.depth, &part.declared.to_string())).collect(),
        texts: views.chain(contents).collect(),
        names: Some(own.iter().filter_map(|part| part.file_name.clone()).collect()),
    }
}

/// A body in the charset it names, and in the two that are guessed.
pub(super) fn decoded(bytes: &[u8], charset: Option<&str>) -> Vec<String> {
    let named = charset.and_then(|charset| Encoding::for_label(charset.trim().as_bytes()));
    let charsets = [named.unwrap_or(UTF_8), UTF_8, WINDOWS_1252];
    charsets.iter().map(|charset| folded(&charset.decode_without_bom_handling(bytes).0)).collect()
}

impl Facts {
    /// Whether all texts are among these.
    pub(super) fn hold_texts(&self, expected: &[String]) -> Result<(), String> {
        match expected.iter().find(|text| !self.texts.iter().any(|found| found.contains(text.as_str()))) {
            None => Ok(()),
            Some(text) => Err(format!("not found: {:?}", text.chars().take(80).collect::<String>())),
        }
    }
}
