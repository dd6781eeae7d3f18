//! Messages as Outlook and Exchange keep them: properties with numbers instead of fields with names, [MS-OXPROPS].
//!
//! TNEF and `.msg` files write the same properties differently. Both are read into a [`message::Message`], and [`mime`] writes
//! that as a message of RFC 5322, which the rest of xd reads.

mod date;
pub(crate) mod message;
pub(crate) mod mime;

use std::borrow::Cow;

use crate::bytes::Bytes;
use crate::text;

/// Types of values, [MS-OXCDATA] 2.11.1.
pub(crate) mod kind {
    pub(crate) const INTEGER: u16 = 0x03;
    pub(crate) const OBJECT: u16 = 0x0D;
    pub(crate) const STRING_8: u16 = 0x1E;
    pub(crate) const STRING: u16 = 0x1F;
    pub(crate) const TIME: u16 = 0x40;
    pub(crate) const BINARY: u16 = 0x102;
}

/// The properties that are read, [MS-OXPROPS], by their older names without `PR_`.
pub(crate) mod id {
    pub(crate) const SUBJECT: u16 = 0x0037;
    pub(crate) const CLIENT_SUBMIT_TIME: u16 = 0x0039;
    pub(crate) const SENT_REPRESENTING_NAME: u16 = 0x0042;
    pub(crate) const SENT_REPRESENTING_EMAIL: u16 = 0x0065;
    pub(crate) const TRANSPORT_HEADERS: u16 = 0x007D;
    pub(crate) const RECIPIENT_TYPE: u16 = 0x0C15;
    pub(crate) const SENDER_NAME: u16 = 0x0C1A;
    pub(crate) const SENDER_EMAIL: u16 = 0x0C1F;
    pub(crate) const DISPLAY_CC: u16 = 0x0E03;
    pub(crate) const DISPLAY_TO: u16 = 0x0E04;
    pub(crate) const DELIVERY_TIME: u16 = 0x0E06;
    pub(crate) const BODY: u16 = 0x1000;
    pub(crate) const RTF_COMPRESSED: u16 = 0x1009;
    pub(crate) const HTML: u16 = 0x1013;
    pub(crate) const INTERNET_MESSAGE_ID: u16 = 0x1035;
    pub(crate) const DISPLAY_NAME: u16 = 0x3001;
    pub(crate) const EMAIL_ADDRESS: u16 = 0x3003;
    pub(crate) const ATTACH_DATA: u16 = 0x3701;
    pub(crate) const ATTACH_FILENAME: u16 = 0x3704;
    pub(crate) const ATTACH_LONG_FILENAME: u16 = 0x3707;
    pub(crate) const ATTACH_PATHNAME: u16 = 0x3708;
    pub(crate) const ATTACH_LONG_PATHNAME: u16 = 0x370D;
    pub(crate) const ATTACH_MIME_TAG: u16 = 0x370E;
    pub(crate) const ATTACH_CONTENT_ID: u16 = 0x3712;
    pub(crate) const SMTP_ADDRESS: u16 = 0x39FE;
    pub(crate) const INTERNET_CODE_PAGE: u16 = 0x3FDE;
    pub(crate) const MESSAGE_CODE_PAGE: u16 = 0x3FFD;
    pub(crate) const SENDER_SMTP: u16 = 0x5D01;
    pub(crate) const SENT_REPRESENTING_SMTP: u16 = 0x5D02;

    /// All of them, sorted.
    pub(crate) const ALL: &[u16] = &[
        SUBJECT,
        CLIENT_SUBMIT_TIME,
        SENT_REPRESENTING_NAME,
        SENT_REPRESENTING_EMAIL,
        TRANSPORT_HEADERS,
        RECIPIENT_TYPE,
        SENDER_NAME,
        SENDER_EMAIL,
        DISPLAY_CC,
        DISPLAY_TO,
        DELIVERY_TIME,
        BODY,
        RTF_COMPRESSED,
        HTML,
        INTERNET_MESSAGE_ID,
        DISPLAY_NAME,
        EMAIL_ADDRESS,
        ATTACH_DATA,
        ATTACH_FILENAME,
        ATTACH_LONG_FILENAME,
        ATTACH_PATHNAME,
        ATTACH_LONG_PATHNAME,
        ATTACH_MIME_TAG,
        ATTACH_CONTENT_ID,
        SMTP_ADDRESS,
        INTERNET_CODE_PAGE,
        MESSAGE_CODE_PAGE,
        SENDER_SMTP,
        SENT_REPRESENTING_SMTP,
    ];
}

/// One property and its value.
#[derive(Clone, Debug)]
pub(crate) struct Property<'a> {
    pub(crate) id: u16,
    pub(crate) kind: u16,
    pub(crate) value: Cow<'a, [u8]>,
}

/// Properties that are kept of one object; 256. Each of those that are read stands once, or in two types.
const MAX_PROPERTIES: usize = 256;

/// Bytes that are read of names, addresses and subjects; 8 KiB. Bodies are read whole.
const MAX_TEXT: usize = 8 << 10;

/// Those properties of a message, recipient or attachment that are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Properties<'a> {
    list: Vec<Property<'a>>,
    /// The code page of its 8-bit strings.
    pub(crate) page: Option<u32>,
}

impl<'a> Properties<'a> {
    /// No properties yet; strings are of this code page.
    pub(crate) fn of_page(page: Option<u32>) -> Self {
        Self { list: Vec::new(), page }
    }

    /// Keeps a property when it is one that is read.
    pub(crate) fn add(&mut self, property: Property<'a>) {
        if id::ALL.binary_search(&property.id).is_ok() && self.list.len() < MAX_PROPERTIES {
            self.list.push(property);
        }
    }

    /// Every text that the property has: it may stand in Unicode and in 8 bits, and they may differ.
    pub(crate) fn texts(&self, id: u16) -> impl Iterator<Item = String> {
        self.all(id).filter_map(|property| {
            let value = property.value.get(..MAX_TEXT).unwrap_or(&property.value);
            self.decode_as(property.kind, value)
        })
    }

    /// A text of any length.
    pub(crate) fn decode(&self, property: &Property<'_>) -> Option<String> {
        self.decode_as(property.kind, &property.value)
    }

    fn decode_as(&self, kind: u16, value: &[u8]) -> Option<String> {
        match kind {
            kind::STRING => Some(text::utf16_until_nul(value)),
            kind::STRING_8 => Some(text::by_code_page_until_nul(value, self.page())),
            _ => None,
        }
    }

    /// The first text that is not empty.
    pub(crate) fn text(&self, id: u16) -> Option<String> {
        self.texts(id).find(|text| !text.is_empty())
    }

    /// Bytes, or a string's bytes.
    pub(crate) fn property(&self, id: u16) -> Option<&Property<'a>> {
        self.all(id).find(|property| !property.value.is_empty())
    }

    /// Takes the bytes of an attachment out.
    pub(crate) fn take(&mut self, id: u16, kinds: &[u16]) -> Option<Property<'a>> {
        let place = self.list.iter().position(|property| property.id == id && kinds.contains(&property.kind))?;
        Some(self.list.swap_remove(place))
    }

    pub(crate) fn integer(&self, id: u16) -> Option<u32> {
        self.all(id).find(|property| property.kind == kind::INTEGER).and_then(|property| Bytes::new(&property.value).u32_le())
    }

    /// A moment: tenths of microseconds since 1601.
    pub(crate) fn time(&self, id: u16) -> Option<u64> {
        self.all(id).find(|property| property.kind == kind::TIME).and_then(|property| Bytes::new(&property.value).u64_le())
    }

    /// The code page of strings: as the message says, or western.
    pub(crate) fn page(&self) -> u32 {
        self.page.or_else(|| self.integer(id::MESSAGE_CODE_PAGE)).unwrap_or(text::WESTERN)
    }

    fn all(&self, id: u16) -> impl Iterator<Item = &Property<'a>> {
        self.list.iter().filter(move |property| property.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_properties_that_are_read_are_sorted() {
        assert!(id::ALL.is_sorted());
    }
}
