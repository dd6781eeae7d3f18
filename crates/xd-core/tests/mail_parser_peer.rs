//! On sane mail, two independent readers agree: ours and mail-parser, over messages that a third program writes.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::mime::MimePart;
use mail_parser::{MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;
use xd_core::{Limits, Mailbox, Message, Timestamp, View};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn readers_agree(letter in letter()) {
        let raw = letter.write();
        let shown = String::from_utf8_lossy(&raw);
        let ours = Message::parse(&raw, &Limits::default());
        let theirs = MessageParser::default().parse(&raw).expect("a message");

        prop_assert_eq!(ours.subject().map(folded), theirs.subject().map(folded), "{}", shown);
        prop_assert_eq!(addresses(ours.from()), peer_addresses(theirs.from()), "{}", shown);
        prop_assert_eq!(addresses(ours.to()), peer_addresses(theirs.to()), "{}", shown);
        prop_assert_eq!(ours.date().map(Timestamp::unix), theirs.date().map(mail_parser::DateTime::to_timestamp));

        prop_assert_eq!(ours.parts().len(), theirs.parts.len(), "{}", shown);
        for (part, peer) in ours.parts().iter().zip(&theirs.parts) {
            let peer_type = peer.content_type().map_or_else(
                || "text/plain".to_owned(),
                |ty| format!("{}/{}", ty.ctype(), ty.subtype().unwrap_or_default()).to_ascii_lowercase(),
            );
            prop_assert_eq!(format!("{}/{}", part.declared.kind, part.declared.subtype), peer_type);
            prop_assert_eq!(part.file_name.as_deref(), peer.attachment_name(), "{}", shown);
            match &peer.body {
                PartType::Text(text) | PartType::Html(text) => {
                    prop_assert_eq!(lines(&String::from_utf8_lossy(&part.content)), lines(text), "{}", shown);
                }
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    prop_assert_eq!(&part.content[..], &bytes[..bytes.len().min(4_096)]);
                }
                PartType::Message(_) | PartType::Multipart(_) => prop_assert!(part.content.is_empty()),
            }
        }
        if let Some(text) = &letter.text {
            let shown_text = ours.view(View::Plain).original();
            prop_assert!(words(shown_text).contains(&words(text)), "{:?} in {:?}", text, shown_text);
        }
    }
}

#[derive(Clone, Debug)]
struct Letter {
    from: (String, String),
    to: Vec<(String, String)>,
    subject: String,
    text: Option<String>,
    html: Option<String>,
    files: Vec<(String, Vec<u8>)>,
    /// Multiparts around everything.
    wrapped: usize,
}

impl Letter {
    fn write(&self) -> Vec<u8> {
        let to: Vec<Address<'_>> = self.to.iter().map(|(name, address)| (name.as_str(), address.as_str()).into()).collect();
        let mut message = MessageBuilder::new()
            .from((self.from.0.as_str(), self.from.1.as_str()))
            .to(to)
            .subject(self.subject.as_str())
            .date(1_601_924_757_i64)
            .message_id("1@example.com");
        let mut parts = Vec::new();
        if let Some(text) = &self.text {
            parts.push(MimePart::new("text/plain", text.as_str()));
        }
        if let Some(html) = &self.html {
            parts.push(MimePart::new("text/html", html.as_str()));
        }
        for (name, bytes) in &self.files {
            parts.push(MimePart::new("application/octet-stream", bytes.as_slice()).attachment(name.as_str()));
        }
        let mut body = MimePart::new("multipart/mixed", parts);
        for _ in 0..self.wrapped {
            body = MimePart::new("multipart/mixed", vec![body]);
        }
        message = message.body(body);
        let mut raw = Vec::new();
        message.serialize(&mut raw);
        raw
    }
}

fn letter() -> impl Strategy<Value = Letter> {
    // Names and subjects of letters, digits and what needs encoding; blanks only inside, one at a time.
    let phrase = "[A-Za-z0-9äößéПрж日本][A-Za-z0-9äößéПрж日本,.!-]{0,12}( [A-Za-z0-9äéПрж日本]{1,12}){0,5}";
    let name = "[A-Za-zäöПрж日本]{1,10}( [A-Za-zäöПрж日本]{1,10}){0,2}";
    let address = "[a-z][a-z0-9.]{0,8}[a-z0-9]@[a-z]{1,8}\\.(com|org|example)".prop_filter("dots apart", |a| !a.contains(".."));
    let text = "[A-Za-z0-9äßП日=?<>\". -]{1,90}(\r\n[A-Za-z0-9äßП日=?<>\". -]{0,90}[a-z]){0,6}";
    let file_name = "[A-Za-z0-9äП日]{1,12}( [A-Za-z0-9]{1,8})?\\.(txt|pdf|exe)";
    (
        (name, address.clone()),
        prop::collection::vec((name, address), 1..5),
        phrase,
        prop::option::of(text.prop_filter("a text that is not blank", |text: &String| !text.trim().is_empty())),
        prop::option::of("<p>[A-Za-zäß ]{1,80}</p>"),
        prop::collection::vec((file_name, prop::collection::vec(any::<u8>(), 0..6_000)), 0..3),
        0..4_usize,
    )
        .prop_map(|(from, to, subject, text, html, files, wrapped)| Letter { from, to, subject, text, html, files, wrapped })
        .prop_filter("a part", |letter| letter.text.is_some() || letter.html.is_some() || !letter.files.is_empty())
}

fn addresses(mailboxes: &[Mailbox]) -> Vec<(String, String)> {
    mailboxes.iter().map(|mailbox| (mailbox.name.clone(), mailbox.address.clone())).collect()
}

fn peer_addresses(address: Option<&mail_parser::Address<'_>>) -> Vec<(String, String)> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    address.into_iter().flat_map(mail_parser::Address::iter).map(|a| (text(a.name()), text(a.address()))).collect()
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

/// The text without blanks, which views may fold.
fn words(text: &str) -> String {
    text.split_whitespace().collect()
}
