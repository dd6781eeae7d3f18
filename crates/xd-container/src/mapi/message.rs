//! A message of Outlook or Exchange, whichever format it came in.

use std::borrow::Cow;

use super::{Properties, id, kind};
use crate::rtf::compressed;
use crate::{Budget, Signs, text};

/// A message, with what hangs on it.
#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) properties: Properties<'a>,
    pub(crate) recipients: Vec<Properties<'a>>,
    pub(crate) attachments: Vec<Attachment<'a>>,
    /// What is wrong with the file, or what was left out of it.
    pub(crate) signs: Signs,
}

/// A file that hangs on a message.
#[derive(Debug, Default)]
pub(crate) struct Attachment<'a> {
    pub(crate) name: String,
    pub(crate) other_names: Vec<String>,
    pub(crate) declared: Option<String>,
    pub(crate) content_id: Option<String>,
    pub(crate) data: Data<'a>,
}

#[derive(Debug, Default)]
pub(crate) enum Data<'a> {
    Bytes(Cow<'a, [u8]>),
    Message(Box<Message<'a>>),
    /// There is none: a link, or an attachment that was lost.
    #[default]
    None,
}

/// Messages in messages that are read; 10. The innermost of more are left as they are.
pub(crate) const MAX_DEPTH: usize = 10;

impl<'a> Attachment<'a> {
    /// Names and type of an attachment. `title` is a name that stands outside of the properties.
    pub(crate) fn named(title: Option<String>, properties: &Properties<'_>) -> Self {
        let mut names: Vec<String> = Vec::new();
        let texts = |id| properties.texts(id);
        let paths = texts(id::ATTACH_LONG_PATHNAME).chain(texts(id::ATTACH_PATHNAME)).map(|path| last_of_path(&path).to_owned());
        let all = texts(id::ATTACH_LONG_FILENAME)
            .chain(title)
            .chain(texts(id::ATTACH_FILENAME))
            .chain(texts(id::DISPLAY_NAME))
            .chain(paths);
        for name in all.filter(|name| !name.is_empty()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut names = names.into_iter();
        Self {
            name: names.next().unwrap_or_default(),
            other_names: names.collect(),
            declared: properties.text(id::ATTACH_MIME_TAG),
            content_id: properties.text(id::ATTACH_CONTENT_ID),
            data: Data::None,
        }
    }
}

impl Message<'_> {
    /// The text without formats.
    pub(crate) fn text(&self, budget: &mut Budget) -> Option<String> {
        self.long_text(id::BODY, budget)
    }

    /// The fields it had on the Internet.
    pub(crate) fn headers(&self, budget: &mut Budget) -> String {
        self.long_text(id::TRANSPORT_HEADERS, budget).unwrap_or_default()
    }

    /// Several messages may share the bytes of one text, so that decoding is paid for.
    fn long_text(&self, id: u16, budget: &mut Budget) -> Option<String> {
        let property = self.properties.property(id)?;
        if !budget.charge_steps(property.value.len() as u64 * 4) || property.value.len() > budget.decoded_left() {
            return None;
        }
        budget.charge_decoded(property.value.len());
        self.properties.decode(property)
    }

    /// The HTML body, decoded.
    pub(crate) fn html(&self, budget: &mut Budget) -> Option<String> {
        let property = self.properties.property(id::HTML)?;
        if property.kind == kind::STRING {
            return self.long_text(id::HTML, budget);
        }
        if !budget.charge_steps(property.value.len() as u64 * 4) || property.value.len() > budget.decoded_left() {
            return None;
        }
        budget.charge_decoded(property.value.len());
        let page = self.properties.integer(id::INTERNET_CODE_PAGE).unwrap_or_else(|| self.properties.page());
        Some(text::by_code_page(&property.value, page))
    }

    /// The RTF body, decompressed.
    pub(crate) fn rtf(&self, budget: &mut Budget) -> Option<Vec<u8>> {
        let compressed = self.properties.property(id::RTF_COMPRESSED)?;
        Some(compressed::decompress(&compressed.value, budget)).filter(|rtf| !rtf.is_empty())
    }
}

fn last_of_path(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}
