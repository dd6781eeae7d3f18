//! Delivery status notifications (RFC 3464, RFC 3461 §6, RFC 6522), as messages for the spool.

use std::fmt::Write as _;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::{BodyPart, MimePart};
use xd_store::{Ret, SpoolMessage};

/// What a DSN says about one recipient.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// Its place in the envelope.
    pub(super) recipient: u32,
    pub(super) action: Action,
    /// The enhanced status code.
    pub(super) status: [u16; 3],
    /// The next hop's reply, or our reason, in a line.
    pub(super) diagnostic: String,
    /// Whether the diagnostic is a reply of SMTP.
    pub(super) is_reply: bool,
    /// The next hop's name.
    pub(super) remote: Option<String>,
}

/// What became of a recipient (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Delivered,
    Failed,
    Relayed,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Relayed => "relayed",
        }
    }
}

/// What stands around the reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) hostname: &'a str,
    pub(super) brand: &'a str,
    /// The name of the DSN in the spool, which makes its Message-ID.
    pub(super) id: &'a str,
    /// Now, in milliseconds since 1970.
    pub(super) now: u64,
}

/// Bytes of content returned at most. A larger message is returned by its header section (RFC 3461 §6.2 leaves that to us).
pub(super) const MAX_RETURNED: usize = 128 << 10;

/// Writes a DSN about a message, of which `content` begins the content and is all of it when it is not longer than
/// [`MAX_RETURNED`].
pub(super) fn write(frame: Frame<'_>, message: &SpoolMessage, reports: &[Report], content: &[u8]) -> Vec<u8> {
    let failed = reports.iter().any(|report| report.action == Action::Failed);
    let subject = if failed { "Mail could not be delivered" } else { "Mail was delivered" };
    let from = format!("MAILER-DAEMON@{}", frame.hostname);
    let returned = returned(message, content);
    let utf8 = message.smtputf8 && !message.recipients.iter().all(|recipient| recipient.forward_path.is_ascii());
    // RFC 6533 §3: addresses beyond ASCII need the type of their own.
    let status_type = if utf8 { "message/global-delivery-status" } else { "message/delivery-status" };
    let plain = |kind: &'static str, text: String| {
        let encoding = if text.is_ascii() { "7bit" } else { "8bit" };
        MimePart::new(ContentType::new(kind), BodyPart::Text(text.into())).transfer_encoding(encoding)
    };
    let mut parts = vec![plain("text/plain", explanation(frame, message, reports))];
    let mut status = plain(status_type, status_fields(frame, message, reports));
    // A text gets a character set, which this type does not have.
    status.headers[0].1 = ContentType::new(status_type).into();
    parts.push(status);
    let (kind, bytes) = returned;
    let encoding = if bytes.is_ascii() { "7bit" } else { "8bit" };
    let body = BodyPart::Binary(bytes.into());
    parts.push(MimePart::new(ContentType::new(kind), body).transfer_encoding(encoding));
    let report = ContentType::new("multipart/report")
        .attribute("report-type", if utf8 { "global-delivery-status" } else { "delivery-status" })
        .attribute("boundary", boundary(frame, message, content));
    let mut output = Vec::new();
    MessageBuilder::new()
        .from(Address::new_address(Some("Mail Delivery System"), from))
        .to(Address::new_address(None::<&str>, message.reverse_path.as_str()))
        .subject(Text::new(subject))
        // RFC 3834 §5: nothing answers this by itself.
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .message_id(MessageId::new(format!("{}@{}", frame.id, frame.hostname)))
        .date(Date::new((frame.now / 1000) as i64))
        .body(MimePart::new(report, BodyPart::Multipart(parts)))
        .serialize(&mut output);
    output
}

/// What is returned of the message, and as which type.
fn returned(message: &SpoolMessage, content: &[u8]) -> (&'static str, Vec<u8>) {
    let header = header_section(content);
    let is_whole =
        message.ret == Some(Ret::Full) && message.bytes as usize <= MAX_RETURNED && content.len() as u64 == message.bytes;
    // RFC 6533 §3: what holds other characters than ASCII in its header section is of a type of its own.
    match (is_whole, header.is_ascii()) {
        (true, true) => ("message/rfc822", content.to_vec()),
        (true, false) => ("message/global", content.to_vec()),
        (false, true) => ("text/rfc822-headers", header.to_vec()),
        (false, false) => ("message/global-headers", header.to_vec()),
    }
}

/// The header section with the line end of its last field.
pub(super) fn header_section(content: &[u8]) -> &[u8] {
    if content.starts_with(b"\r\n") {
        return &[];
    }
    let end = memchr::memmem::find(content, b"\r\n\r\n").map_or_else(|| content.len().min(MAX_RETURNED), |at| at + 2);
    &content[..end]
}

fn explanation(frame: Frame<'_>, message: &SpoolMessage, reports: &[Report]) -> String {
    let brand = if frame.brand.is_empty() { frame.hostname } else { frame.brand };
    let mut text = format!("This is a report from {brand} about a message that it was given for delivery.\r\n");
    for (action, line) in [
        (Action::Failed, "It could not be delivered to these recipients, and will not be tried again:"),
        (Action::Delivered, "It was delivered to these recipients:"),
        (Action::Relayed, "It was passed on for these recipients, to servers that may not report delivery:"),
    ] {
        let chosen: Vec<&Report> = reports.iter().filter(|report| report.action == action).collect();
        if chosen.is_empty() {
            continue;
        }
        let _ = write!(text, "\r\n{line}\r\n");
        for report in chosen {
            let _ = write!(text, "\r\n  <{}>\r\n", one_line(forward_path(message, report)));
            let said = match &report.remote {
                Some(remote) if report.is_reply => format!("{remote} said: "),
                _ => String::new(),
            };
            let _ = write!(text, "    {said}{}\r\n", one_line(&report.diagnostic));
        }
    }
    text
}

/// The fields of RFC 3464 §2: of the message, and behind an empty line each those of a recipient.
fn status_fields(frame: Frame<'_>, message: &SpoolMessage, reports: &[Report]) -> String {
    let mut text = String::new();
    // A String takes whatever is written to it.
    if let Some(envid) = message.envid.as_deref().and_then(from_xtext) {
        let _ = write!(text, "Original-Envelope-Id: {}\r\n", one_line(&envid));
    }
    let _ = write!(text, "Reporting-MTA: dns; {}\r\n", frame.hostname);
    if !message.ehlo.is_empty() {
        let _ = write!(text, "Received-From-MTA: dns; {}\r\n", one_line(&message.ehlo));
    }
    let _ = write!(text, "Arrival-Date: {}\r\n", Date::new((message.arrived / 1000) as i64).to_rfc822());
    for report in reports {
        text.push_str("\r\n");
        let recipient = message.recipients.get(report.recipient as usize);
        // RFC 3464 §2.3.1: the original recipient is the ORCPT of the client, its xtext decoded.
        let orcpt = recipient.and_then(|recipient| recipient.orcpt.as_deref()).and_then(|orcpt| orcpt.split_once(';'));
        if let Some((kind, address)) = orcpt
            && let Some(address) = from_xtext(address)
        {
            let _ = write!(text, "Original-Recipient: {}; {}\r\n", one_line(kind), one_line(&address));
        }
        let path = forward_path(message, report);
        let kind = if path.is_ascii() { "rfc822" } else { "utf-8" };
        let _ = write!(text, "Final-Recipient: {kind}; {}\r\n", one_line(path));
        let [class, subject, detail] = report.status;
        let _ = write!(text, "Action: {}\r\nStatus: {class}.{subject}.{detail}\r\n", report.action.as_str());
        if let Some(remote) = &report.remote {
            let _ = write!(text, "Remote-MTA: dns; {}\r\n", one_line(remote));
        }
        let kind = if report.is_reply { "smtp" } else { "x-xd" };
        let _ = write!(text, "Diagnostic-Code: {kind}; {}\r\n", folded(&one_line(&report.diagnostic)));
        let _ = write!(text, "Last-Attempt-Date: {}\r\n", Date::new((frame.now / 1000) as i64).to_rfc822());
    }
    text
}

fn forward_path<'a>(message: &'a SpoolMessage, report: &Report) -> &'a str {
    message.recipients.get(report.recipient as usize).map_or("", |recipient| recipient.forward_path.as_str())
}

/// A text without control characters: nothing that a peer said begins a field of its own.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text in lines of about 72 characters, each but the first beginning with a space (RFC 5322 §2.2.3).
fn folded(text: &str) -> String {
    let (mut output, mut width) = (String::with_capacity(text.len() + 16), 24);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if width + word.len() > 72 && width > 24 {
            output.push_str("\r\n");
            width = 0;
        }
        if !output.is_empty() {
            output.push(' ');
        }
        output.push_str(word);
        width += word.len() + 1;
    }
    output
}

/// The text that stands in xtext (RFC 3461 §4), where it is xtext.
fn from_xtext(text: &str) -> Option<String> {
    let mut output = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => {
                let (high, low) = (char::from(bytes.next()?).to_digit(16)?, char::from(bytes.next()?).to_digit(16)?);
                // Two hexadecimal digits fit in a byte.
                (high * 16 + low) as u8
            }
            byte => byte,
        };
        output.push(byte);
    }
    String::from_utf8(output).ok()
}

/// A boundary that no line of the content is: the DSN's own name, and numbers until it is nowhere in it.
fn boundary(frame: Frame<'_>, message: &SpoolMessage, content: &[u8]) -> String {
    let mut number = 0_u32;
    loop {
        let boundary = format!("=_{}_{}_{number}", frame.id, message.id);
        if memchr::memmem::find(content, boundary.as_bytes()).is_none() {
            return boundary;
        }
        number += 1;
    }
}
