//! A message as a record tells of it: what stands in the header section, links and parts, and no text.

use std::borrow::Cow;

use super::header::Header;
use super::parse::mailboxes;
use super::trace::Hops;
use xd_container::Signs;

use super::{MediaType, Message, Part, date};
use crate::{Defects, HtmlFacts, Limits, Link, Mailbox};

/// What is told of a message. What is not told looks as if it were not there: whoever asks must know what was told.
#[derive(Debug, Default)]
pub(crate) struct Recalled<'a> {
    /// The header fields in order: names, and values as the bytes stood.
    pub(crate) fields: Vec<(&'a str, &'a [u8])>,
    /// The addresses of From, where the fields do not tell them.
    pub(crate) from: Option<Vec<Mailbox>>,
    pub(crate) links: Vec<Link>,
    pub(crate) parts: Vec<RecalledPart<'a>>,
    pub(crate) defects: Defects,
}

/// What is told of a part.
#[derive(Debug)]
pub(crate) struct RecalledPart<'a> {
    pub(crate) declared: MediaType,
    pub(crate) sniffed: Option<&'a str>,
    pub(crate) charset: Option<&'a str>,
    pub(crate) file_name: Option<&'a str>,
    pub(crate) other_names: &'a [String],
    pub(crate) attachment: bool,
    pub(crate) in_file: bool,
    pub(crate) signs: Signs,
}

impl<'a> Message<'a> {
    /// The message that a record tells of.
    pub(crate) fn recalled(told: Recalled<'a>, limits: &Limits) -> Self {
        let header = Header::of(told.fields.into_iter(), limits);
        let of = |name: &str| mailboxes(&header, name, limits, &mut Defects::default());
        let from = told.from.unwrap_or_else(|| of("from"));
        let (sender, reply_to, to, cc) = (of("sender"), of("reply-to"), of("to"), of("cc"));
        let hops = Hops::new(&header, limits, &mut Defects::default());
        let subject = header.first("subject").map(|field| field.decoded().to_owned());
        let sent = header.all("date").find_map(|field| date::read(field.raw_value()));
        Self {
            raw: &[],
            header,
            parts: told.parts.into_iter().map(RecalledPart::part).collect(),
            views: Default::default(),
            html: HtmlFacts::default(),
            links: told.links,
            hops,
            from,
            sender,
            reply_to,
            to,
            cc,
            subject,
            date: sent.map(|date| date.moment),
            defects: told.defects,
            files: Vec::new(),
        }
    }
}

impl<'a> RecalledPart<'a> {
    fn part(self) -> Part<'a> {
        Part {
            parent: None,
            depth: 0,
            nested: 0,
            declared: self.declared,
            sniffed: self.sniffed,
            charset: self.charset.map(Into::into),
            disposition: None,
            file_name: self.file_name.map(str::to_owned),
            other_names: self.other_names.to_vec(),
            span: 0..0,
            content: Cow::Borrowed(&[]),
            signs: self.signs,
            in_file: self.in_file,
            attachment: self.attachment,
            header_start: 0,
            in_message: false,
            transfer: None,
        }
    }
}
