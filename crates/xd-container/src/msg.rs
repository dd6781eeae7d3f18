//! Outlook's files of one message (`.msg`), [MS-OXMSG]: a compound file with a storage for the message and for each of its
//! recipients and attachments, and a stream for each long property.

use std::borrow::Cow;

use crate::bytes::Bytes;
use crate::mapi::message::{Attachment, Data, MAX_DEPTH, Message};
use crate::mapi::{Properties, Property, id, kind, mime};
use crate::ole::compound::Compound;
use crate::ole::directory::{Entry, Kind};
use crate::opened::{Content, Member};
use crate::{Budget, Sign, package};

/// The stream of the short properties.
const PROPERTIES: &str = "__properties_version1.0";

/// What the names of streams of long properties begin with: number and type follow, in hexadecimal.
const LONG: &str = "__substg1.0_";

/// What stands before the short properties, in bytes: 32 for a file, 24 for a message in it, 8 for all else.
const FILE_HEADER: usize = 32;
const MESSAGE_HEADER: usize = 24;
const OTHER_HEADER: usize = 8;

/// Recipients that are read; 1000.
const MAX_RECIPIENTS: usize = 1000;

/// The message in a file of Outlook, as RFC 5322 and MIME write it. None when the bytes are no such file.
///
/// The fields that it had on the Internet are kept; where it has none, they are made of sender, recipients, subject and date.
/// Messages attached to it stand in it as `message/rfc822`, ten deep. What `budget` has no room for is left out.
///
/// # Example: is this one of Outlook's files?
/// ```
/// use xd_container::{Budget, msg};
///
/// assert_eq!(msg::to_message(b"From: a@example.com\r\n\r\nHello", &mut Budget::default()), None);
/// ```
#[must_use]
pub fn to_message(bytes: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
    let compound = Compound::open(bytes, budget)?;
    Some(member(&compound, budget)?.bytes().to_vec())
}

/// The message as the one member of its file. None when the compound file holds something else.
pub(crate) fn member<'a>(compound: &Compound<'a>, budget: &mut Budget) -> Option<Member<'a>> {
    compound.directory.child(0, PROPERTIES)?;
    let message = read(compound, 0, FILE_HEADER, MAX_DEPTH, budget);
    let mut signs = message.signs;
    let bytes = mime::write(&message, &mut signs, budget);
    let mut member = Member::new("message.eml");
    member.declared = Some("message/rfc822".to_owned());
    member.size = Some(bytes.len() as u64);
    member.signs = signs;
    member.content = Content::Whole(Cow::Owned(bytes));
    Some(member)
}

/// Reads the message in a storage. `depth` is how many messages may still stand in one another.
fn read<'a>(compound: &Compound<'a>, storage: usize, header: usize, depth: usize, budget: &mut Budget) -> Message<'a> {
    let mut message = Message { properties: properties(compound, storage, header, None, budget), ..Message::default() };
    let page = Some(message.properties.page());
    for (index, entry) in compound.directory.children(storage).filter(|(_, entry)| entry.kind == Kind::Storage) {
        if !budget.charge_steps(500) {
            message.signs.add(Sign::Limit);
            break;
        }
        if begins(entry, "__recip_version1.0_") && message.recipients.len() < MAX_RECIPIENTS {
            message.recipients.push(properties(compound, index, OTHER_HEADER, page, budget));
        } else if begins(entry, "__attach_version1.0_") {
            if !budget.charge_member() {
                message.signs.add(Sign::Limit);
                break;
            }
            attachment(compound, index, page, depth, &mut message, budget);
        }
    }
    message
}

fn attachment<'a>(
    compound: &Compound<'a>,
    storage: usize,
    page: Option<u32>,
    depth: usize,
    message: &mut Message<'a>,
    budget: &mut Budget,
) {
    let mut properties = properties(compound, storage, OTHER_HEADER, page, budget);
    let data = properties.take(id::ATTACH_DATA, &[kind::BINARY]);
    let mut attachment = Attachment::named(None, &properties);
    if let Some(data) = data {
        attachment.data = Data::Bytes(data.value);
    }
    // An object: a message as Outlook keeps it, or what another program keeps.
    if let Some((object, _)) = compound.directory.child(storage, "__substg1.0_3701000D") {
        if compound.directory.child(object, PROPERTIES).is_some() {
            if depth > 0 {
                let inner = read(compound, object, MESSAGE_HEADER, depth - 1, budget);
                attachment.data = Data::Message(Box::new(inner));
            } else {
                message.signs.add(Sign::Limit);
            }
        } else {
            for (_, entry) in compound.directory.children(object).filter(|(_, entry)| entry.kind == Kind::Stream) {
                message.attachments.extend(embedded(compound, entry, budget));
            }
        }
    }
    message.attachments.push(attachment);
}

/// A file in another program's object.
fn embedded<'a>(compound: &Compound<'a>, entry: &Entry, budget: &mut Budget) -> Option<Attachment<'a>> {
    let is_package = entry.is_stream("\u{1}Ole10Native");
    if !is_package && !entry.is_stream("Package") && !entry.is_stream("CONTENTS") || !budget.charge_member() {
        return None;
    }
    let bytes = compound.read(entry, budget);
    let member = if is_package { package::member(bytes, true) } else { Err(bytes) };
    Some(match member {
        Ok(Member { name, other_names, content: Content::Whole(bytes) | Content::Beginning(bytes), .. }) => {
            Attachment { name, other_names, data: Data::Bytes(bytes), ..Attachment::default() }
        }
        Err(bytes) => Attachment { name: entry.name.clone(), data: Data::Bytes(bytes), ..Attachment::default() },
        Ok(_) => return None,
    })
}

fn properties<'a>(
    compound: &Compound<'a>,
    storage: usize,
    header: usize,
    page: Option<u32>,
    budget: &mut Budget,
) -> Properties<'a> {
    let mut properties = Properties::of_page(page);
    if let Some((_, entry)) = compound.directory.child(storage, PROPERTIES) {
        let short = compound.read(entry, budget);
        for property in short.get(header..).unwrap_or_default().as_chunks::<16>().0 {
            let mut bytes = Bytes::new(property);
            let (Some(kind), Some(id)) = (bytes.u16_le(), bytes.u16_le()) else { break };
            // Longer values have their length here.
            if !budget.charge_steps(10) || !matches!(kind, kind::INTEGER | kind::TIME) {
                continue;
            }
            let value = Bytes::from(property, 8).rest();
            properties.add(Property { id, kind, value: Cow::Owned(value.to_vec()) });
        }
    }
    for (_, entry) in compound.directory.children(storage).filter(|(_, entry)| entry.kind == Kind::Stream) {
        if !budget.charge_steps(50) {
            break;
        }
        let tag = entry.name.get(LONG.len()..).filter(|_| begins(entry, LONG)).and_then(|tag| u32::from_str_radix(tag, 16).ok());
        let Some([high, low, kind_high, kind_low]) = tag.map(u32::to_be_bytes) else { continue };
        let (id, kind) = (u16::from_be_bytes([high, low]), u16::from_be_bytes([kind_high, kind_low]));
        if id::ALL.binary_search(&id).is_ok() && matches!(kind, kind::STRING | kind::STRING_8 | kind::BINARY) {
            properties.add(Property { id, kind, value: compound.read(entry, budget) });
        }
    }
    properties
}

fn begins(entry: &Entry, start: &str) -> bool {
    entry.name.get(..start.len()).is_some_and(|name| name.eq_ignore_ascii_case(start))
}
