//! A message as a value: whatever the bytes, they parse, and what is wrong with them is recorded.
//!
//! RFC 5322 for the header section, RFC 2045–2047, 2183 and 2231 for MIME, RFC 6532 for UTF-8 in headers.
//!
//! The road through the files: `section` (lines to raw fields) → `header` (fields decoded by `value` and `encoded_word`) →
//! `mailbox_list`, `date`, `trace` (fields that mean something to everyone) → `part_header` and `content_type` (what a header
//! section says about its body) → `structure` and `boundary` (the tree of parts) → `body` (leaves decoded by `transfer` and
//! `charset`, sniffed, given to the texts) →
//! `files` (what attachments hold, opened by `xd-container`). `parse` walks it.

mod body;
mod boundary;
mod charset;
mod content_type;
mod date;
mod encoded_word;
mod files;
mod header;
mod mailbox_list;
mod parse;
mod part;
mod part_header;
mod passwords;
mod recalled;
mod section;
mod strip;
mod structure;
mod text;
mod trace;
mod transfer;
mod utf7;
mod value;

pub use files::File;
pub use header::{Field, Header};
pub use part::{Disposition, MediaType, Part};
pub(crate) use recalled::{Recalled, RecalledPart};
pub use strip::{Edit, Notice, Stripped, Stripping};
pub(crate) use text::in_normal_spelling;
pub use text::{MAX_EXPANSION, TextFacts, TextView, View, normalize};
pub(crate) use text::{TextCollector, is_blank, is_invisible};
pub use trace::Hop;
use trace::Hops;

use xd_container::Signs;

use crate::{Defects, HtmlFacts, Limits, Link, Mailbox, ReversePath, Timestamp};

/// A parsed message, borrowing from its bytes.
///
/// # Example: what does a message say, and what is wrong with it?
/// ```
/// use xd_core::{Defect, Limits, Message, View};
///
/// let raw = b"From: Alice <alice@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello!\r\n";
/// let message = Message::parse(raw, &Limits::default());
/// assert_eq!(message.from()[0].address, "alice@example.com");
/// assert_eq!(message.subject(), Some("Grüße"));
/// assert_eq!(message.view(View::Plain).normal(), "hello!");
/// assert!(message.defects().contains(Defect::NoDate));
/// ```
#[derive(Debug)]
pub struct Message<'a> {
    raw: &'a [u8],
    header: Header<'a>,
    parts: Vec<Part<'a>>,
    views: [TextView; View::ALL.len()],
    html: HtmlFacts,
    links: Vec<Link>,
    hops: Hops,
    from: Vec<Mailbox>,
    sender: Vec<Mailbox>,
    reply_to: Vec<Mailbox>,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    subject: Option<String>,
    date: Option<Timestamp>,
    defects: Defects,
    files: Vec<File>,
}

impl<'a> Message<'a> {
    /// Reads a message within limits. Never fails: whatever is wrong with the bytes is a [`Defect`](crate::Defect).
    #[must_use]
    pub fn parse(raw: &'a [u8], limits: &Limits) -> Self {
        parse::message(raw, limits)
    }

    /// The bytes that were parsed.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The header section of the message itself.
    #[must_use]
    pub fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// All parts, containers included, each before its children; the first is the message's own body.
    #[must_use]
    pub fn parts(&self) -> &[Part<'a>] {
        &self.parts
    }

    /// The leaf parts that a mail program offers as files: those with a file name, or marked as attachments, or of no
    /// type that is shown as text. Nested messages are included, their parts too.
    pub fn attachments(&self) -> impl Iterator<Item = &Part<'a>> {
        self.parts.iter().filter(|part| part.is_attachment())
    }

    /// The files in it with their bytes, as far as they could be read. Empty unless [`Limits::files`](crate::Limits::files) asks to keep all.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// What is worth knowing of all files in it, whatever they stand in.
    #[must_use]
    pub fn signs(&self) -> Signs {
        let mut all = Signs::default();
        self.parts.iter().for_each(|part| all.add_all(part.signs));
        all
    }

    /// One of the texts that rules read.
    #[must_use]
    pub fn view(&self, view: View) -> &TextView {
        &self.views[view as usize]
    }

    /// What was found in the HTML parts.
    #[must_use]
    pub fn html(&self) -> &HtmlFacts {
        &self.html
    }

    /// The links, in the order in which they stand; equal ones once.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The trace fields, newest (topmost) first.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        self.hops.of(&self.header)
    }

    /// The newest of them, for whoever needs no other.
    pub(crate) fn newest_hop(&self) -> Option<Hop> {
        self.hops.newest_of(&self.header)
    }

    /// The addresses of all `From` fields, in order.
    #[must_use]
    pub fn from(&self) -> &[Mailbox] {
        &self.from
    }

    /// The addresses of all `Sender` fields.
    #[must_use]
    pub fn sender(&self) -> &[Mailbox] {
        &self.sender
    }

    /// The addresses of all `Reply-To` fields.
    #[must_use]
    pub fn reply_to(&self) -> &[Mailbox] {
        &self.reply_to
    }

    /// The addresses of all `To` fields.
    #[must_use]
    pub fn to(&self) -> &[Mailbox] {
        &self.to
    }

    /// The addresses of all `Cc` fields.
    #[must_use]
    pub fn cc(&self) -> &[Mailbox] {
        &self.cc
    }

    /// The first `Subject`, decoded.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The first `Date` that can be read.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        self.date
    }

    /// The topmost `Return-Path`, if there is one.
    #[must_use]
    pub fn return_path(&self) -> Option<ReversePath> {
        self.header.first("return-path").map(|field| ReversePath::parse(field.decoded()))
    }

    /// What is wrong with the message.
    #[must_use]
    pub fn defects(&self) -> Defects {
        self.defects
    }
}
