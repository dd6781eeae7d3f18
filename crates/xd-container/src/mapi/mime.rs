//! Writes a message of Outlook or Exchange as a message of RFC 5322 with MIME parts, for those who read nothing else.
//!
//! The fields it came with over the Internet are kept as they are, but for those that told of its former parts. The same
//! message gives the same bytes each time.

use super::message::{Attachment, Data, Message};
use super::{Properties, id};
use crate::mapi::date;
use crate::rtf;
use crate::{Budget, Sign, Signs, sniff, text};

/// Columns of base64, RFC 2045 §6.8.
const COLUMNS: usize = 76;

/// Bytes of one field that is made of properties: subjects and lists of names are shorter.
const MAX_FIELD: usize = 64 << 10;

/// The message as bytes. Attachments that the budget has no room for are left out, and [`Sign::Limit`] says so.
pub(crate) fn write(message: &Message<'_>, signs: &mut Signs, budget: &mut Budget) -> Vec<u8> {
    let mut writer = Writer { out: Vec::new(), boundaries: 0, signs, budget };
    writer.message(message);
    writer.out
}

struct Writer<'w> {
    out: Vec<u8>,
    boundaries: usize,
    signs: &'w mut Signs,
    budget: &'w mut Budget,
}

impl Writer<'_> {
    fn message(&mut self, message: &Message<'_>) {
        self.header(message);
        let text = message.text(self.budget);
        let mut html = message.html(self.budget);
        let rtf = message.rtf(self.budget);
        let mut body_text = text;
        if let Some(rtf) = &rtf {
            let read = rtf::read(rtf, self.budget);
            match read.html {
                Some(encapsulated) if html.is_none() => html = Some(encapsulated),
                None if body_text.is_none() => body_text = Some(read.text),
                _ => {}
            }
        }
        // Formatted bodies may carry objects, which the parts made of them lack.
        let rtf = rtf.filter(|rtf| html.is_none() || rtf::has_objects(rtf));
        let is_mixed = rtf.is_some() || !message.attachments.is_empty();
        let mixed = is_mixed.then(|| self.begin("multipart/mixed"));
        if let Some(boundary) = &mixed {
            self.next(boundary);
        }
        let both = (body_text.is_some() && html.is_some()).then(|| self.begin("multipart/alternative"));
        for (part, subtype) in [(body_text.or_else(|| html.is_none().then(String::new)), "plain"), (html, "html")] {
            let Some(part) = part else { continue };
            if let Some(boundary) = &both {
                self.next(boundary);
            }
            self.line(&format!("Content-Type: text/{subtype}; charset=utf-8"));
            self.base64(part.as_bytes());
        }
        self.end(both);
        let body = rtf.map(|rtf| Attachment {
            name: "body.rtf".to_owned(),
            declared: Some("application/rtf".to_owned()),
            data: Data::Bytes(rtf.into()),
            ..Attachment::default()
        });
        for attachment in message.attachments.iter().chain(&body) {
            if let Some(boundary) = &mixed {
                self.next(boundary);
            }
            self.attachment(attachment);
        }
        self.end(mixed);
    }

    fn header(&mut self, message: &Message<'_>) {
        let mut there = Vec::new();
        for field in fields(&message.headers(self.budget)) {
            let Some((name, _)) = field.split_once(':') else { continue };
            let name = name.trim_ascii_end().to_ascii_lowercase();
            if !name.starts_with("content-") && name != "mime-version" {
                self.line(field.trim_end());
                there.push(name);
            }
        }
        for (name, value) in made_fields(message) {
            if !there.iter().any(|there| *there == name.to_ascii_lowercase()) && !value.is_empty() {
                self.line(&format!("{name}: {}", text::cut(&value, MAX_FIELD)));
            }
        }
        self.line("MIME-Version: 1.0");
    }

    fn attachment(&mut self, attachment: &Attachment<'_>) {
        let sniffed = match &attachment.data {
            Data::Bytes(bytes) => sniff(bytes),
            Data::Message(_) => Some("message/rfc822"),
            Data::None => None,
        };
        let declared = attachment.declared.as_deref().filter(|declared| is_media_type(declared));
        let declared = if matches!(attachment.data, Data::Message(_)) { sniffed } else { declared.or(sniffed) };
        self.line(&format!("Content-Type: {}", declared.unwrap_or("application/octet-stream")));
        // Parsers look for names in both fields, so that a second name is seen, too.
        if let Some(other) = attachment.other_names.first() {
            self.out.truncate(self.out.len() - 2);
            self.line(&format!(";\r\n\tname*=utf-8''{}", percent(other)));
        }
        if attachment.name.is_empty() {
            self.line("Content-Disposition: attachment");
        } else {
            self.line(&format!("Content-Disposition: attachment;\r\n\tfilename*=utf-8''{}", percent(&attachment.name)));
        }
        if let Some(content_id) = attachment.content_id.as_deref().filter(|content_id| is_content_id(content_id)) {
            self.line(&format!("Content-ID: <{content_id}>"));
        }
        match &attachment.data {
            Data::Bytes(bytes) => self.base64(bytes),
            Data::Message(inner) => {
                self.line("");
                self.message(inner);
            }
            Data::None => self.line(""),
        }
    }

    fn begin(&mut self, multipart: &str) -> String {
        // No line of base64 begins with two hyphens, and no field name does.
        let boundary = format!("=_xd_{}", self.boundaries);
        self.boundaries += 1;
        self.line(&format!("Content-Type: {multipart}; boundary=\"{boundary}\""));
        self.line("");
        boundary
    }

    fn next(&mut self, boundary: &str) {
        self.line(&format!("--{boundary}"));
    }

    fn end(&mut self, boundary: Option<String>) {
        if let Some(boundary) = boundary {
            self.line(&format!("--{boundary}--"));
        }
    }

    fn line(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.budget.charge_decoded(line.len() + 2);
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.line("Content-Transfer-Encoding: base64");
        self.line("");
        let size = bytes.len().div_ceil(3) * 4;
        let size = size + 2 * size.div_ceil(COLUMNS);
        if size > self.budget.decoded_left() || !self.budget.charge_steps(bytes.len() as u64 * 2) {
            self.signs.add(Sign::Limit);
            return;
        }
        self.budget.charge_decoded(size);
        self.out.reserve(size);
        for line in bytes.chunks(COLUMNS / 4 * 3) {
            base64_into(line, &mut self.out);
            self.out.extend_from_slice(b"\r\n");
        }
    }
}

/// The fields of a header as it came, each with its folded lines. Lines that are no field are left out, so that none can end
/// the header early.
fn fields(headers: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in headers.lines() {
        if line.trim_ascii().is_empty() {
            // What follows an empty line was a body; some writers put one before the first field.
            if fields.is_empty() {
                continue;
            }
            break;
        }
        // No field may look like a boundary.
        let is_name = |name: &str| {
            !name.is_empty() && !name.starts_with("--") && name.trim_ascii_end().bytes().all(|byte| byte.is_ascii_graphic())
        };
        if line.starts_with([' ', '\t']) {
            if let Some(field) = fields.last_mut() {
                field.push_str("\r\n");
                field.push_str(&line.replace('\r', " "));
            }
        } else if line.split_once(':').is_some_and(|(name, _)| is_name(name)) {
            fields.push(line.replace('\r', " "));
        }
    }
    fields
}

/// Fields made of properties, for messages that never went over the Internet.
fn made_fields(message: &Message<'_>) -> Vec<(&'static str, String)> {
    let properties = &message.properties;
    let person = |name: u16, addresses: [u16; 2]| {
        let address = addresses.iter().filter_map(|id| properties.text(*id)).find(|address| address.contains('@'));
        mailbox(properties.text(name), address)
    };
    let mut from = person(id::SENT_REPRESENTING_NAME, [id::SENT_REPRESENTING_SMTP, id::SENT_REPRESENTING_EMAIL]);
    let sender = person(id::SENDER_NAME, [id::SENDER_SMTP, id::SENDER_EMAIL]);
    if from.is_empty() {
        from.clone_from(&sender);
    }
    let time = properties.time(id::CLIENT_SUBMIT_TIME).or_else(|| properties.time(id::DELIVERY_TIME));
    vec![
        ("From", from),
        ("To", people(message, 1, id::DISPLAY_TO)),
        ("Cc", people(message, 2, id::DISPLAY_CC)),
        ("Subject", properties.text(id::SUBJECT).map(|subject| encoded(&subject)).unwrap_or_default()),
        ("Date", time.map(date::of_file_time).unwrap_or_default()),
        ("Message-ID", properties.text(id::INTERNET_MESSAGE_ID).filter(|id| is_plain(id)).unwrap_or_default()),
    ]
}

/// The recipients of a kind: 1 for To, 2 for Cc.
fn people(message: &Message<'_>, of: u32, names: u16) -> String {
    let people = message.recipients.iter().filter(|recipient| recipient.integer(id::RECIPIENT_TYPE).unwrap_or(1) & 0xF == of);
    let people: Vec<String> = people.map(recipient).filter(|person| !person.is_empty()).collect();
    if people.is_empty() {
        return message.properties.text(names).map(|names| encoded(&names)).unwrap_or_default();
    }
    people.join(",\r\n\t")
}

fn recipient(recipient: &Properties<'_>) -> String {
    let addresses = [id::SMTP_ADDRESS, id::EMAIL_ADDRESS];
    let address = addresses.iter().filter_map(|id| recipient.text(*id)).find(|address| address.contains('@'));
    mailbox(recipient.text(id::DISPLAY_NAME), address)
}

fn mailbox(name: Option<String>, address: Option<String>) -> String {
    let address = address.map(|address| address.chars().filter(|c| !c.is_control() && !"<> ".contains(*c)).collect::<String>());
    match (name, address) {
        (Some(name), Some(address)) if name != address => format!("{} <{address}>", encoded_word(&name)),
        (_, Some(address)) => format!("<{address}>"),
        (Some(name), None) => encoded_word(&name),
        (None, None) => String::new(),
    }
}

/// A text as it may stand in a field: as encoded words (RFC 2047) unless it is plain.
fn encoded(text: &str) -> String {
    if is_plain(text) && !text.contains("=?") { text.to_owned() } else { encoded_word(text) }
}

fn encoded_word(text: &str) -> String {
    // An encoded word has 75 characters at most: 45 bytes in base64 and what stands around them.
    const BYTES: usize = 45;
    let mut rest = text::cut(text, MAX_FIELD);
    let mut words = Vec::new();
    while !rest.is_empty() {
        let word = text::cut(rest, BYTES);
        rest = rest.get(word.len()..).unwrap_or_default();
        let mut base64 = Vec::new();
        base64_into(word.as_bytes(), &mut base64);
        words.push(format!("=?utf-8?B?{}?=", String::from_utf8_lossy(&base64)));
    }
    words.join("\r\n ")
}

fn is_plain(text: &str) -> bool {
    text.len() <= 900 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_media_type(declared: &str) -> bool {
    let is_token =
        |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.+_!#$&^".contains(&b));
    declared.len() <= 255 && declared.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

fn is_content_id(content_id: &str) -> bool {
    content_id.len() <= 900 && content_id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>')
}

/// A name as RFC 2231 writes it.
fn percent(name: &str) -> String {
    let mut out = String::new();
    for byte in text::cut(name, 4096).bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 0xF].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()),
            );
        }
    }
    out
}

fn base64_into(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            // Six bits are below 64.
            let letter = ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize];
            out.push(if digit <= group.len() { letter } else { b'=' });
        }
    }
}
