//! A header section as an ordered list of fields, each with its raw span and its decoded value (RFC 5322 §2.2).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use memchr::memchr;

use super::charset;
use super::content_type::charset_of;
use super::encoded_word;
use super::part_header::PartHeader;
use super::section::{End, Item, RawField, Section, without_line_end};
use super::value;
use crate::{Defect, Defects, Limits};

/// One header field.
#[derive(Clone)]
pub struct Field<'a> {
    name: &'a str,
    raw_value: &'a [u8],
    /// The value decoded, but for its folds.
    text: Cow<'a, str>,
    /// Whether folds are left in it.
    folded: bool,
    /// The value without its folds, once someone asks: of most fields nobody does.
    unfolded: OnceLock<String>,
    span: Range<usize>,
}

impl<'a> Field<'a> {
    /// A field whose value is still to be decoded.
    fn new(name: &'a str, raw_value: &'a [u8], span: Range<usize>) -> Self {
        Self { name, raw_value, text: Cow::Borrowed(""), folded: false, unfolded: OnceLock::new(), span }
    }

    /// The name as it stands, without blanks before the colon. Bytes outside ASCII end a name's readable part.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The bytes after the colon, folded as they stand, without the final line end.
    #[must_use]
    pub fn raw_value(&self) -> &'a [u8] {
        self.raw_value
    }

    /// The value trimmed, encoded words (RFC 2047) and raw 8-bit text decoded, each fold one space.
    ///
    /// Only as many bytes are decoded as [`Limits::field_bytes`] says.
    #[must_use]
    pub fn decoded(&self) -> &str {
        if self.folded { self.unfolded.get_or_init(|| value::unfold(&self.text).into_owned()) } else { &self.text }
    }

    /// Sets the value to what this text says; `encoded` is whether encoded words may be in it. They are decoded at once, since
    /// they can have defects.
    fn decode(&mut self, text: &'a str, encoded: bool, defects: &mut Defects) {
        let text = text.trim_ascii();
        if encoded && encoded_word::may_be_in(text) {
            self.text = Cow::Owned(value::decode(text, defects).into_owned());
        } else {
            self.text = Cow::Borrowed(text);
            self.folded = memchr(b'\n', text.as_bytes()).is_some();
        }
    }

    /// Where the whole field stands in the message's bytes, final line end included.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl fmt::Debug for Field<'_> {
    /// The same before and after someone asked for the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Field");
        shown.field("name", &self.name).field("raw_value", &self.raw_value);
        shown.field("decoded", &self.decoded()).field("span", &self.span).finish()
    }
}

/// The fields of one header section in order.
#[derive(Clone, Debug, Default)]
pub struct Header<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Header<'a> {
    /// A header section of fields read before: names, and values as the bytes stood.
    pub(super) fn of(fields: impl Iterator<Item = (&'a str, &'a [u8])>, limits: &Limits) -> Self {
        let mut fields: Vec<_> = fields.map(|(name, raw_value)| Field::new(name, raw_value, 0..0)).collect();
        let texts: Option<Vec<&str>> = fields.iter().map(|field| std::str::from_utf8(field.raw_value).ok()).collect();
        match texts {
            // As where the whole header section is text.
            Some(texts) => {
                for (field, text) in fields.iter_mut().zip(texts) {
                    let text = text.get(..text.floor_char_boundary(limits.field_bytes)).unwrap_or(text);
                    field.decode(text, true, &mut Defects::default());
                }
            }
            None => {
                decode(&mut fields, &Whole { raw: &[], start: 0, text: None, encoded: true }, limits, &mut Defects::default());
            }
        }
        Self { fields }
    }

    /// All fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The fields of this name, in order; case does not matter.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Field<'a>> {
        self.fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// The first field of this name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

/// The header section of a message, and where its body begins.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) header: Header<'a>,
    /// What the fields say about the body.
    pub(super) part: PartHeader,
    /// Where the body begins.
    pub(super) body: usize,
    /// What stands between the first line that is no field and the body. Servers that end the header section at such a
    /// line (Postfix does) make it a part of the text.
    pub(super) disputed: Range<usize>,
    /// What the fields above that line say about the body.
    pub(super) above: PartHeader,
}

impl<'a> Head<'a> {
    /// Reads the header section at the beginning of a message, whose line ends are checked already.
    pub(super) fn read(raw: &'a [u8], limits: &Limits, defects: &mut Defects) -> Self {
        let start = beginning(raw, defects);
        let mut section = Section::new(raw, start);
        let mut fields = Vec::with_capacity(32);
        let has_plain_lines = !defects.contains(Defect::BareCarriageReturn);
        let mut part = PartHeader::new(has_plain_lines);
        let mut malformed: Option<usize> = None;
        let mut above = PartHeader::default();
        while let Some(item) = section.next(|line| part.opens(line)) {
            match item {
                // Nothing above it says that this is a header section at all.
                Item::Malformed(_) if fields.is_empty() && malformed.is_none() => {
                    defects.record(Defect::NoHeaderSection);
                    let mut part = PartHeader::default();
                    let mut count = 0;
                    while let Some(item) = section.next(|_| false) {
                        let Item::Field(field) = item else { continue };
                        if count == limits.fields {
                            defects.record(Defect::FieldLimit);
                            break;
                        }
                        count += 1;
                        if field.value.len() > limits.field_bytes {
                            defects.record(Defect::FieldBytesLimit);
                        }
                        let value = field.value.get(..limits.field_bytes).unwrap_or(field.value);
                        part.field(field.name, value, &mut Defects::default());
                    }
                    let part = part.behind_stray_line();
                    return Self { header: Header::default(), part, body: start, disputed: start..start, above };
                }
                Item::Malformed(span) => {
                    defects.record(Defect::MalformedField);
                    if malformed.is_none() {
                        malformed = Some(span.start);
                        above = part.clone().finish(&mut Defects::default());
                    }
                }
                Item::Field(field) if fields.len() < limits.fields => {
                    part.field(field.name, field.value.get(..limits.field_bytes).unwrap_or(field.value), defects);
                    if let Some(field) = named(&field, defects) {
                        fields.push(field);
                    }
                }
                Item::Field(_) => defects.record(Defect::FieldLimit),
            }
        }
        let (end, mut body) = section.end();
        let text = std::str::from_utf8(raw.get(start..body).unwrap_or_default()).ok();
        match end {
            End::EmptyLine if fields.is_empty() => defects.record(Defect::NoHeaderSection),
            End::EmptyLine => {}
            End::Stop | End::Bytes => {
                defects.record(Defect::NoBody);
                body = malformed.unwrap_or(body);
            }
        }
        if memchr(0, raw.get(start..body).unwrap_or_default()).is_some() {
            defects.record(Defect::NulByte);
        }
        let whole = Whole { raw, start, text, encoded: text.is_some_and(encoded_word::may_be_in) };
        decode(&mut fields, &whole, limits, defects);
        let disputed = malformed.unwrap_or(body).min(body)..body;
        Self { header: Header { fields }, part: part.finish(defects), body, disputed, above }
    }
}

/// Where the first field is to stand: past a byte order mark and past the separator line of an mbox file.
fn beginning(raw: &[u8], defects: &mut Defects) -> usize {
    let mut start = 0;
    if raw.starts_with(b"\xEF\xBB\xBF") {
        // The first name would hold the mark.
        defects.record(Defect::BadFieldName);
        start = 3;
    }
    while let Some(rest) = raw.get(start..)
        && (rest.starts_with(b"From ") || rest.starts_with(b">From "))
    {
        start += super::section::first_line(rest).len();
    }
    start
}

/// The field with its readable name, not decoded yet.
fn named<'a>(field: &RawField<'a>, defects: &mut Defects) -> Option<Field<'a>> {
    if field.space_before_colon {
        defects.record(Defect::SpaceBeforeColon);
    }
    if field.blank_fold {
        defects.record(Defect::BlankFold);
    }
    // RFC 5322 §2.2: a name holds printable characters of ASCII.
    let mut readable = field.name.len();
    if !field.name.iter().all(u8::is_ascii_graphic) {
        defects.record(Defect::BadFieldName);
        readable = field.name.iter().position(|b| !b.is_ascii()).unwrap_or(readable);
    }
    let name = std::str::from_utf8(field.name.get(..readable)?).ok()?;
    Some(Field::new(name, field.value, field.span.clone()))
}

/// A header section, and its text if all its bytes are UTF-8: to validate it once takes less than to validate each value.
struct Whole<'a> {
    raw: &'a [u8],
    start: usize,
    text: Option<&'a str>,
    /// Whether encoded words may be in the text.
    encoded: bool,
}

impl<'a> Whole<'a> {
    /// The value of a field as text, at most so many bytes of it.
    fn value(&self, field: &Field<'a>, most: usize) -> Option<&'a str> {
        let line = without_line_end(self.raw.get(field.span.clone())?);
        let from = (field.span.start + line.len()).checked_sub(field.raw_value.len() + self.start)?;
        let value = self.text?.get(from..from + field.raw_value.len())?;
        value.get(..value.floor_char_boundary(most))
    }
}

/// Decodes the values of fields, all together: the charset of one is that of another.
fn decode<'a>(fields: &mut [Field<'a>], whole: &Whole<'a>, limits: &Limits, defects: &mut Defects) {
    let mut foreign = false;
    for field in &mut *fields {
        if field.raw_value.len() > limits.field_bytes {
            defects.record(Defect::FieldBytesLimit);
        }
        if let Some(text) = whole.value(field, limits.field_bytes) {
            field.decode(text, whole.encoded, defects);
            continue;
        }
        let value = field.raw_value.get(..limits.field_bytes).unwrap_or(field.raw_value);
        match value::utf8(value) {
            Some(text) => field.decode(text, true, defects),
            None => foreign = true,
        }
    }
    if !foreign {
        return;
    }
    // Programs that write raw 8-bit fields mostly write them in the charset of the text.
    let declared = fields.iter().find(|field| field.name.eq_ignore_ascii_case("content-type"));
    let encoding = declared.and_then(|field| charset_of(field.raw_value)).and_then(|label| charset::find(&label));
    for field in fields {
        let value = field.raw_value.get(..limits.field_bytes).unwrap_or(field.raw_value);
        if field.text.is_empty() && !value.is_ascii() {
            field.text = Cow::Owned(value::decode_foreign(value, encoding, defects));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(raw: &[u8]) -> (Vec<(String, String)>, usize, Defects) {
        let mut defects = Defects::default();
        let head = Head::read(raw, &Limits::default(), &mut defects);
        let fields = head.header.fields().iter().map(|field| (field.name().to_owned(), field.decoded().to_owned()));
        (fields.collect(), head.body, defects)
    }

    #[test]
    fn raw_8bit_text_is_utf8_or_in_the_charset_of_the_text() {
        let cases: &[(&[u8], &str, bool)] = &[
            ("Subject: Grüße\n\n".as_bytes(), "Grüße", false),
            (b"Subject: Gr\xFC\xDFe\n\n", "Grüße", true),
            (b"Subject: \xF0\xD2\xC9\nContent-Type: text/plain; charset=koi8-r\n\n", "При", true),
        ];
        for (raw, subject, defect) in cases {
            let (fields, _, defects) = head(raw);
            assert_eq!(fields[0].1, *subject);
            assert_eq!(defects.contains(Defect::EightBitHeader), *defect, "{subject}");
        }
    }

    #[test]
    fn separator_lines_and_byte_order_marks_are_no_fields() {
        for raw in ["From a@b Mon Jan  1 00:00:00 2024\nA: b\n\n", ">From a@b Mon\nA: b\n\n", "\u{feff}A: b\n\n"] {
            assert_eq!(head(raw.as_bytes()).0, [("A".to_owned(), "b".to_owned())], "{raw:?}");
        }
    }

    #[test]
    fn text_after_a_line_that_is_no_field_is_disputed() {
        let mut defects = Defects::default();
        let raw = b"A: b\nhello you\nC: d\n\nbody";
        let head = Head::read(raw, &Limits::default(), &mut defects);
        assert_eq!(&raw[head.disputed], b"hello you\nC: d\n\n");
        assert_eq!(&raw[head.body..], b"body");
    }

    #[test]
    fn without_an_empty_line_the_body_begins_at_the_first_line_that_is_no_field() {
        let (fields, body, defects) = head(b"A: b\nhello you\nC: d\n");
        assert_eq!((fields.len(), body), (2, 5));
        assert!(defects.contains(Defect::NoBody) && defects.contains(Defect::MalformedField));
    }

    #[test]
    fn field_limits_hold_on_both_sides() {
        let limits = Limits { fields: 2, field_bytes: 4, ..Limits::default() };
        for (raw, count, decoded, over) in [
            ("A: 123\nB: c\n\n", 2, "123", Vec::new()),
            ("A: 1234\nB: c\nC: d\n\n", 2, "123", vec![Defect::FieldLimit, Defect::FieldBytesLimit]),
        ] {
            let mut defects = Defects::default();
            let head = Head::read(raw.as_bytes(), &limits, &mut defects);
            assert_eq!(head.header.fields().len(), count);
            assert_eq!(head.header.fields()[0].decoded(), decoded);
            assert_eq!(defects.iter().collect::<Vec<_>>(), over, "{raw:?}");
        }
    }
}
