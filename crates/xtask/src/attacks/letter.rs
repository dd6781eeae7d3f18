//! A message that can be edited: texts are replaced where they stand, fields are set, everything else keeps its bytes.
//!
//! What comes out is as well formed as what went in. mail-parser says where parts begin and end and what their texts are, so that
//! an edit does not rest on the reader that it is to be tried on.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Encoding, MessageParser, MimeHeaders, PartType};

/// A message with the texts that a person is shown.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    raw: Vec<u8>,
    texts: Vec<Text>,
    /// Where the header section ends, its blank line left out.
    header_end: usize,
    eol: &'static str,
}

/// A text of a message, decoded.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) is_html: bool,
    pub(super) content: String,
    /// The header section of its part, or that of the message.
    header: Range<usize>,
    body: Range<usize>,
    encoding: Encoding,
}

/// How a replaced text is written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) charset: String,
    pub(super) transfer: Transfer,
    /// In that charset.
    pub(super) bytes: Vec<u8>,
}

/// A transfer encoding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Transfer {
    Base64,
    EightBit,
    QuotedPrintable,
    SevenBit,
}

/// Fields that say what a content is, and go where it goes.
const CONTENT_FIELDS: [&str; 5] =
    ["content-type", "content-transfer-encoding", "content-disposition", "content-language", "content-id"];

impl Letter {
    /// Reads a message; none without a text to edit.
    pub(super) fn read(raw: &[u8]) -> Option<Self> {
        let parsed = MessageParser::default().parse(raw)?;
        let mut texts = Vec::new();
        for part in &parsed.parts {
            let is_attachment = part.content_disposition().is_some_and(|disposition| disposition.is_attachment());
            let (is_html, content) = match &part.body {
                PartType::Html(text) => (true, text),
                PartType::Text(text) => (false, text),
                _ => continue,
            };
            let subtype = part.content_type().and_then(|kind| kind.subtype()).unwrap_or("plain");
            if is_attachment || !matches!(subtype.to_ascii_lowercase().as_str(), "plain" | "html") {
                continue;
            }
            let (header, body, end) = (part.offset_header as usize, part.offset_body as usize, part.offset_end as usize);
            let content = content.replace("\r\n", "\n");
            texts.push(Text { is_html, content, header: header..body, body: body..end, encoding: part.encoding });
        }
        let first = parsed.parts.first()?.offset_body as usize;
        let sound = texts.iter().all(|text| text.body.start <= text.body.end && text.body.end <= raw.len());
        let eol = if raw.get(..first)?.windows(2).any(|two| two == b"\r\n") { "\r\n" } else { "\n" };
        let says_something = texts.iter().any(|text| text.content.chars().any(char::is_alphabetic));
        (sound && says_something).then(|| Self { raw: raw.to_vec(), texts, header_end: first, eol })
    }

    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(super) fn has_html(&self) -> bool {
        self.texts.iter().any(|text| text.is_html)
    }

    /// The text that says most: the page if there is one.
    pub(super) fn main_text(&self) -> Option<&Text> {
        self.texts.iter().max_by_key(|text| (text.is_html, text.content.len()))
    }

    /// Replaces texts where `edit` gives another; none when it gives none at all.
    pub(super) fn with_texts(&self, edit: impl Fn(&Text) -> Option<String>) -> Option<Self> {
        self.with_written(|text| {
            let edited = edit(text).filter(|edited| *edited != text.content)?;
            let transfer = match text.encoding {
                Encoding::Base64 => Transfer::Base64,
                Encoding::QuotedPrintable => Transfer::QuotedPrintable,
                Encoding::None if edited.lines().any(|line| line.len() > 990) => Transfer::QuotedPrintable,
                Encoding::None if edited.is_ascii() => Transfer::SevenBit,
                Encoding::None => Transfer::EightBit,
            };
            Some(Written { charset: "utf-8".to_owned(), transfer, bytes: edited.into_bytes() })
        })
    }

    /// Replaces texts as `write` says; none when it writes none.
    pub(super) fn with_written(&self, write: impl Fn(&Text) -> Option<Written>) -> Option<Self> {
        let mut raw = self.raw.clone();
        let mut written_any = false;
        let mut texts: Vec<&Text> = self.texts.iter().collect();
        // From the end, so that what is still to be replaced stays where it is.
        texts.sort_by_key(|text| std::cmp::Reverse(text.body.start));
        for text in texts {
            let Some(written) = write(text) else { continue };
            written_any = true;
            let mut body = written.transfer.encode(&written.bytes, self.eol);
            if self.raw[text.body.clone()].ends_with(b"\n") && !body.ends_with(b"\n") {
                body.extend_from_slice(self.eol.as_bytes());
            }
            raw.splice(text.body.clone(), body);
            let kind = if text.is_html { "text/html" } else { "text/plain" };
            let mut header = Fields::read(&self.raw[text.header.clone()], self.eol);
            header.set("Content-Type", &format!("{kind}; charset=\"{}\"", written.charset));
            header.set("Content-Transfer-Encoding", written.transfer.as_str());
            if text.header.start == 0 && !header.has("mime-version") {
                header.set("MIME-Version", "1.0");
            }
            raw.splice(text.header.clone(), header.bytes(true));
        }
        if written_any { Self::read(&raw) } else { None }
    }

    /// The message with a field of the header section replaced, or added.
    pub(super) fn with_field(&self, name: &str, value: &str) -> Option<Self> {
        let mut header = Fields::read(&self.raw[..self.header_end], self.eol);
        header.set(name, value);
        Self::read(&[header.bytes(true).as_slice(), &self.raw[self.header_end..]].concat())
    }

    /// The value of a field, unfolded.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        Fields::read(&self.raw[..self.header_end], self.eol).value(name)
    }

    /// The message with another content: a part, header and all, made by `make` of the part that was the content.
    pub(super) fn with_content(&self, make: impl FnOnce(&str, &str) -> String) -> Vec<u8> {
        let mut header = Fields::read(&self.raw[..self.header_end], self.eol);
        let content = header.take(&CONTENT_FIELDS);
        let was = format!("{}{}{}", as_bytes_in_text(&content), self.eol, as_bytes_in_text(&self.raw[self.header_end..]));
        if !header.has("mime-version") {
            header.set("MIME-Version", "1.0");
        }
        let mut raw = header.bytes(false);
        raw.extend(make(&was, self.eol).chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')));
        raw
    }
}

/// Bytes as a text of as many characters, which goes back without a loss.
fn as_bytes_in_text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

impl Transfer {
    fn as_str(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::EightBit => "8bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::SevenBit => "7bit",
        }
    }

    fn encode(self, bytes: &[u8], eol: &str) -> Vec<u8> {
        match self {
            Self::Base64 => {
                let encoded = STANDARD.encode(bytes);
                // Base64 is ASCII.
                encoded.as_bytes().chunks(76).flat_map(|line| line.iter().copied().chain(eol.bytes())).collect()
            }
            Self::QuotedPrintable => quoted_printable(bytes, eol),
            Self::EightBit | Self::SevenBit => {
                let text = as_bytes_in_text(bytes).replace('\n', eol);
                text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
            }
        }
    }
}

/// RFC 2045 §6.7.
fn quoted_printable(bytes: &[u8], eol: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut column = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'\n' {
            out.extend_from_slice(eol.as_bytes());
            column = 0;
            continue;
        }
        let ends_line = bytes.get(at + 1).is_none_or(|&next| next == b'\n');
        let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !ends_line);
        let piece = if plain { vec![byte] } else { format!("={byte:02X}").into_bytes() };
        if column + piece.len() > 75 {
            out.push(b'=');
            out.extend_from_slice(eol.as_bytes());
            column = 0;
        }
        column += piece.len();
        out.extend(piece);
    }
    out
}

/// The fields of a header section, each with its line ends.
struct Fields {
    fields: Vec<Vec<u8>>,
    eol: &'static str,
}

impl Fields {
    fn read(section: &[u8], eol: &'static str) -> Self {
        let mut fields: Vec<Vec<u8>> = Vec::new();
        for line in section.split_inclusive(|&byte| byte == b'\n') {
            match (line.first(), fields.last_mut()) {
                (Some(b'\r' | b'\n'), _) => {}
                (Some(b' ' | b'\t'), Some(field)) => field.extend_from_slice(line),
                _ => fields.push(line.to_vec()),
            }
        }
        Self { fields, eol }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| is_named(field, name))
    }

    fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn value(&self, name: &str) -> Option<String> {
        let field = String::from_utf8_lossy(&self.fields[self.find(name)?]).into_owned();
        Some(field.split_once(':')?.1.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn set(&mut self, name: &str, value: &str) {
        let field = format!("{name}: {value}{}", self.eol).into_bytes();
        match self.find(name) {
            Some(at) => self.fields[at] = field,
            None => self.fields.push(field),
        }
    }

    /// Takes the fields of these names out.
    fn take(&mut self, names: &[&str]) -> Vec<u8> {
        let (taken, kept) = std::mem::take(&mut self.fields)
            .into_iter()
            .partition(|field: &Vec<u8>| names.iter().any(|name| is_named(field, name)));
        self.fields = kept;
        let taken: Vec<Vec<u8>> = taken;
        taken.concat()
    }

    fn bytes(&self, ended: bool) -> Vec<u8> {
        let mut bytes = self.fields.concat();
        if ended {
            bytes.extend_from_slice(self.eol.as_bytes());
        }
        bytes
    }
}

fn is_named(field: &[u8], name: &str) -> bool {
    let colon = field.iter().position(|&byte| byte == b':').unwrap_or(0);
    field[..colon].trim_ascii().eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &[u8] = b"From: a@example.com\nSubject: Hi\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello there\n--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPHA+SGk8L3A+\n--b--\n";

    #[test]
    fn texts_are_replaced_where_they_stand() {
        let letter = Letter::read(LETTER).unwrap();
        assert_eq!(letter.texts.len(), 2);
        let edited = letter.with_texts(|text| Some(format!("{}!", text.content.trim_end()))).unwrap();
        assert_eq!(edited.texts[0].content.trim_end(), "Hello there!");
        assert_eq!(edited.texts[1].content.trim_end(), "<p>Hi</p>!");
        assert!(edited.raw().starts_with(b"From: a@example.com\nSubject: Hi\n"));
        assert!(letter.with_texts(|_| None).is_none());
    }

    #[test]
    fn fields_are_set_and_read() {
        let letter = Letter::read(LETTER).unwrap().with_field("Subject", "Minutes").unwrap();
        assert_eq!(letter.field("subject").as_deref(), Some("Minutes"));
        assert_eq!(letter.texts.len(), 2);
    }

    #[test]
    fn the_content_moves_into_a_part() {
        let letter = Letter::read(LETTER).unwrap();
        let raw = letter.with_content(|was, eol| {
            format!("Content-Type: multipart/mixed; boundary=outer{eol}{eol}--outer{eol}{was}{eol}--outer--{eol}")
        });
        let edited = Letter::read(&raw).unwrap();
        assert_eq!(edited.texts.len(), 2);
        assert_eq!(edited.field("mime-version").as_deref(), Some("1.0"));
    }

    #[test]
    fn quoted_printable_is_read_back() {
        let text = "a = b ü\nend \n".repeat(20);
        let raw = quoted_printable(text.as_bytes(), "\r\n");
        assert!(raw.split(|&byte| byte == b'\n').all(|line| line.len() <= 77));
        let read =
            [b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".as_slice(), &raw]
                .concat();
        assert_eq!(Letter::read(&read).unwrap().texts[0].content, text);
    }
}
