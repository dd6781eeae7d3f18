//! A header section as an ordered list of fields, each with its raw span and its decoded value (RFC 5322 §2.2).

use std::ops::Range;

/// One header field.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    name: &'a str,
    raw_value: &'a [u8],
    decoded: Box<str>,
    span: Range<usize>,
}

impl<'a> Field<'a> {
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

    /// The value unfolded, trimmed, encoded words (RFC 2047) and raw 8-bit text decoded.
    #[must_use]
    pub fn decoded(&self) -> &str {
        &self.decoded
    }

    /// Where the whole field stands in the message's bytes, final line end included.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// The fields of one header section in order.
#[derive(Clone, Debug, Default)]
pub struct Header<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Header<'a> {
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
