//! One part of a message: declared and sniffed type, name, and where its bytes are (RFC 2045, RFC 2183).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use xd_container::Signs;

use super::transfer::Transfer;
use crate::Defects;

/// A media type in lower case: `text/html`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaType {
    /// `text` of `text/html`.
    pub kind: Box<str>,
    /// `html` of `text/html`.
    pub subtype: Box<str>,
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)
    }
}

/// How a part asks to be shown (RFC 2183 §2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 2183 §2.8 maps every other value to attachment")]
pub enum Disposition {
    /// As a file.
    Attachment,
    /// In the text.
    Inline,
}

/// One part of a message.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The index of the part it stands in; none for the message's own body.
    pub parent: Option<usize>,
    /// How many parts stand around it.
    pub depth: usize,
    /// How many nested messages stand around it.
    pub nested: usize,
    /// The type it declares; `text/plain` when it declares none (RFC 2045 §5.2).
    pub declared: MediaType,
    /// The type that its first bytes show, when they are characteristic.
    pub sniffed: Option<&'a str>,
    /// The charset that a text names, as it stands.
    pub charset: Option<Box<str>>,
    /// How it asks to be shown.
    pub disposition: Option<Disposition>,
    /// The file name, from `filename` or else `name`, decoded.
    pub file_name: Option<String>,
    /// Other names it could have in other readings (plain and RFC 2231 form, both fields); empty in ordinary mail.
    pub other_names: Vec<String>,
    /// The body's span in the message's bytes, or in the decoded bytes of the nested message around it.
    pub span: Range<usize>,
    /// The body decoded from its transfer encoding, as far as limits allow. Containers have none; attachments that no one
    /// reads hold only their first 4 KiB.
    pub content: Cow<'a, [u8]>,
    /// What is worth knowing of it as a file: its true type, what hides in it, how far it could be read. For attachments.
    pub signs: Signs,
    /// Whether it stands in a file: an archive, a document, TNEF.
    pub in_file: bool,
    pub(super) attachment: bool,
    /// Where its header section begins, in the same bytes as `span`.
    pub(super) header_start: usize,
    /// Whether header section and body stand in the message's own bytes.
    pub(super) in_message: bool,
    /// How the body is encoded, when `span` is one of the message's own bytes.
    pub(super) transfer: Option<Transfer>,
}

impl Part<'_> {
    /// Whether a mail program offers it as a file.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.attachment
    }

    /// Whether it is a text or file whose bytes can be taken from those of the whole message, as nearly every one can: not
    /// one inside a nested message that is itself encoded. All of its body, decoded; `raw` are the bytes of the message.
    pub(crate) fn decode_whole(&self, raw: &[u8]) -> Option<Vec<u8>> {
        let mut decoded = Vec::new();
        self.transfer?.decode(raw.get(self.span.clone())?, usize::MAX, &mut decoded, &mut Defects::default());
        Some(decoded)
    }

    /// Whether it is a message inside the message (RFC 2046 §5.2.1, RFC 6532 §3.7).
    #[must_use]
    pub fn is_nested_message(&self) -> bool {
        &*self.declared.kind == "message" && matches!(&*self.declared.subtype, "rfc822" | "global")
    }
}
