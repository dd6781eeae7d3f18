//! TNEF, the format behind `winmail.dat`: what Outlook sends to Outlook instead of MIME, [MS-OXTNEF].
//!
//! A file is a row of attributes: those of the message, then those of each attachment. Wrong checksums and unknown attributes
//! change nothing for the rest. Attachments become members, messages among them as `message/rfc822`, and so do the
//! formatted bodies (`body.html`, `body.rtf`), which are opened as any other part is. The plain body is the text.

mod attributes;
mod properties;

use std::borrow::Cow;

use crate::mapi::message::{Attachment, Data, MAX_DEPTH, Message};
use crate::mapi::{Properties, Property, id, kind, mime};
use crate::opened::{Content, Member, Opened};
use crate::{Budget, Sign, bytes::Bytes, text};
use attributes::{Attributes, Level, name};

/// The first bytes of every file.
const SIGNATURE: &[u8] = b"\x78\x9F\x3E\x22";

/// What stands before an embedded object, [MS-OXCMSG]: which interface reads it.
const MESSAGE_INTERFACE: &[u8] = b"\x07\x03\x02\0\0\0\0\0\xC0\0\0\0\0\0\0F";
const OTHER_INTERFACES: [&[u8]; 2] = [b"\x0B\0\0\0\0\0\0\0\xC0\0\0\0\0\0\0F", b"\x0C\0\0\0\0\0\0\0\xC0\0\0\0\0\0\0F"];

/// Opens a file.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut message = read(bytes, MAX_DEPTH, budget);
    let mut opened = Opened::new();
    opened.signs = message.signs;
    for attachment in std::mem::take(&mut message.attachments) {
        let mut member = Member::new(attachment.name);
        member.other_names = attachment.other_names;
        member.declared = attachment.declared;
        member.content = match attachment.data {
            Data::Bytes(bytes) => Content::Whole(bytes),
            Data::Message(inner) => {
                member.declared = Some("message/rfc822".to_owned());
                member.signs = inner.signs;
                Content::Whole(Cow::Owned(mime::write(&inner, &mut member.signs, budget)))
            }
            Data::None => Content::Unread,
        };
        member.size = (!matches!(member.content, Content::Unread)).then(|| member.bytes().len() as u64);
        opened.members.push(member);
    }
    opened.text = message.text(budget).unwrap_or_default();
    let html = match message.properties.take(id::HTML, &[kind::BINARY, kind::STRING_8]) {
        Some(html) => Some(html.value),
        None => message.html(budget).map(|html| Cow::Owned(html.into_bytes())),
    };
    let rtf = message.rtf(budget).map(Cow::Owned);
    for (name, declared, body) in [("body.html", "text/html", html), ("body.rtf", "application/rtf", rtf)] {
        let Some(body) = body.filter(|body| !body.is_empty()) else { continue };
        if !budget.charge_member() {
            opened.signs.add(Sign::Limit);
            break;
        }
        let mut member = Member::new(name);
        member.declared = Some(declared.to_owned());
        member.size = Some(body.len() as u64);
        member.content = Content::Whole(body);
        opened.members.push(member);
    }
    opened
}

/// Reads the attributes of a file. `depth` is how many messages may still stand in one another.
fn read<'a>(bytes: &'a [u8], depth: usize, budget: &mut Budget) -> Message<'a> {
    let mut message = Message::default();
    if !bytes.starts_with(SIGNATURE) {
        message.signs.add(Sign::Damaged);
        return message;
    }
    let mut attachment: Option<Parts<'a>> = None;
    let mut page = None;
    let mut attributes = Attributes::new(bytes);
    for attribute in attributes.by_ref() {
        if !budget.charge_steps(50) {
            message.signs.add(Sign::Limit);
            break;
        }
        if attribute.level == Level::Message {
            match attribute.name {
                name::CODE_PAGE => {
                    page = Bytes::new(attribute.data).u32_le();
                    message.properties.page = page;
                }
                name::BODY => message.properties.add(string(id::BODY, attribute.data)),
                name::SUBJECT => message.properties.add(string(id::SUBJECT, attribute.data)),
                name::PROPERTIES => properties::read(attribute.data, &mut message.properties, &mut message.signs, budget),
                name::RECIPIENTS => message.recipients = properties::read_table(attribute.data, page, &mut message.signs, budget),
                _ => {}
            }
            continue;
        }
        // An attribute that the attachment has already belongs to the next one, even where the one that begins it is lost.
        if attribute.name == name::RENDERING || attachment.as_ref().is_none_or(|parts| parts.has(attribute.name)) {
            if attachment.is_none() || budget.charge_member() {
                finish(attachment.replace(Parts::new(page)), &mut message, depth, budget);
            } else {
                message.signs.add(Sign::Limit);
                break;
            }
        }
        let Some(parts) = &mut attachment else { continue };
        match attribute.name {
            name::TITLE => parts.title = Some(attribute.data),
            name::DATA => parts.data = Some(attribute.data),
            name::ATTACHMENT => {
                parts.has_properties = true;
                properties::read(attribute.data, &mut parts.properties, &mut message.signs, budget);
            }
            _ => {}
        }
    }
    attributes.tell(&mut message.signs);
    finish(attachment, &mut message, depth, budget);
    message
}

/// What was read of an attachment so far.
struct Parts<'a> {
    title: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
    has_properties: bool,
    properties: Properties<'a>,
}

impl Parts<'_> {
    fn new(page: Option<u32>) -> Self {
        Self { title: None, data: None, has_properties: false, properties: Properties::of_page(page) }
    }

    fn has(&self, name: u16) -> bool {
        match name {
            name::TITLE => self.title.is_some(),
            name::DATA => self.data.is_some(),
            name::ATTACHMENT => self.has_properties,
            _ => false,
        }
    }
}

fn finish<'a>(parts: Option<Parts<'a>>, message: &mut Message<'a>, depth: usize, budget: &mut Budget) {
    let Some(mut parts) = parts else { return };
    let title = parts.title.map(|title| text::by_code_page_until_nul(title, parts.properties.page()));
    let mut attachment = Attachment::named(title, &parts.properties);
    let object = parts.properties.take(id::ATTACH_DATA, &[kind::OBJECT]);
    let bytes = parts.properties.take(id::ATTACH_DATA, &[kind::BINARY]);
    attachment.data = match (object, bytes, parts.data) {
        // Beside an object stands a sentence for those who cannot read it, in place of the data.
        (Some(Property { value: Cow::Borrowed(object), .. }), ..) if !object.is_empty() => embedded(object, depth, budget),
        (_, Some(bytes), None) => Data::Bytes(bytes.value),
        (_, Some(bytes), Some(data)) if bytes.value.len() > data.len() => Data::Bytes(bytes.value),
        (_, _, Some(data)) => Data::Bytes(Cow::Borrowed(data)),
        _ => Data::None,
    };
    message.attachments.push(attachment);
}

/// An embedded object: a message as TNEF, or the bytes of a compound file or of another stream.
fn embedded<'a>(object: &'a [u8], depth: usize, budget: &mut Budget) -> Data<'a> {
    match object.strip_prefix(MESSAGE_INTERFACE) {
        Some(inner) if depth > 0 && inner.starts_with(SIGNATURE) => Data::Message(Box::new(read(inner, depth - 1, budget))),
        Some(inner) => Data::Bytes(Cow::Borrowed(inner)),
        None => {
            let inner = OTHER_INTERFACES.iter().find_map(|interface| object.strip_prefix(*interface));
            Data::Bytes(Cow::Borrowed(inner.unwrap_or(object)))
        }
    }
}

fn string(id: u16, data: &[u8]) -> Property<'_> {
    Property { id, kind: kind::STRING_8, value: Cow::Borrowed(data) }
}
