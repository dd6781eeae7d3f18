//! What a capsule at the level of facts holds of a message: header fields, links and parts, in bytes and as a message again.

mod link;
mod names;
mod signature;

use xd_container::{Sign, Signs};

use super::wire::{DecodeError, Reader, Wire, Writer};
use crate::message::{MediaType, Recalled, RecalledPart};
use crate::{Defects, Limits, Link, Mailbox, Message};

type Read<T> = Result<T, DecodeError>;

/// Header fields, links and parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    pub(super) fields: Vec<FieldFact>,
    pub(super) links: Vec<Link>,
    pub(super) parts: Vec<PartFact>,
}

/// A header field as a capsule holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldFact {
    /// The name as it stands.
    pub name: String,
    /// The value.
    pub value: FieldValue,
}

/// The value of a header field.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum FieldValue {
    /// A signature without the values of its tags `b` and `bh`.
    Cut {
        /// The bytes after the colon, folded as they stand, but for these values.
        rest: Vec<u8>,
        /// The first bytes of the SHA-256 of all bytes after the colon: it tells whether a signature is this one.
        hash: [u8; 8],
    },
    /// The keyed hash of a value that may identify people.
    Pseudonym([u8; 8]),
    /// The bytes after the colon, folded as they stand.
    Raw(Vec<u8>),
}

/// A part as a capsule holds it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PartFact {
    /// `text` of the declared type `text/html`.
    pub kind: String,
    /// `html` of it.
    pub subtype: String,
    /// The type that the first bytes show.
    pub sniffed: Option<String>,
    /// The charset that a text names.
    pub charset: Option<String>,
    /// Whether a mail program offers it as a file.
    pub attachment: bool,
    /// The file name.
    pub file_name: Option<String>,
    /// Names it could have in other readings.
    pub other_names: Vec<String>,
    /// The SHA-256 of an attachment, decoded; none where its bytes cannot be told from those of the message.
    pub sha256: Option<[u8; 32]>,
    /// Whether it stands in a file.
    pub in_file: bool,
    /// What is worth knowing of it as a file.
    pub signs: Signs,
}

impl Facts {
    pub(super) fn of(message: &Message<'_>) -> Self {
        use sha2::{Digest, Sha256};
        let field = |field: &crate::message::Field<'_>| FieldFact {
            name: field.name().to_owned(),
            value: FieldValue::Raw(field.raw_value().to_vec()),
        };
        let part = |part: &crate::message::Part<'_>| PartFact {
            kind: part.declared.kind.to_string(),
            subtype: part.declared.subtype.to_string(),
            sniffed: part.sniffed.map(str::to_owned),
            charset: part.charset.as_deref().map(str::to_owned),
            attachment: part.is_attachment(),
            file_name: part.file_name.clone(),
            other_names: part.other_names.clone(),
            sha256: Some(part)
                .filter(|part| part.is_attachment())
                .and_then(|part| part.decode_whole(message.raw()))
                .map(|content| Sha256::digest(content).into()),
            in_file: part.in_file,
            signs: part.signs,
        };
        Self {
            fields: message.header().fields().iter().map(field).collect(),
            links: message.links().to_vec(),
            parts: message.parts().iter().map(part).collect(),
        }
    }

    /// Takes the values of signatures out, see [`signature`].
    pub(super) fn cut_signatures(&mut self) {
        for field in &mut self.fields {
            if let FieldValue::Raw(value) = &field.value
                && let Some(cut) = signature::cut(&field.name, value)
            {
                field.value = cut;
            }
        }
    }

    /// The message as these facts tell of it; `from` are the addresses of From where the fields do not tell them.
    pub(super) fn message(&self, from: Option<Vec<Mailbox>>, defects: Defects, limits: &Limits) -> Message<'_> {
        let fields = self.fields.iter().map(|field| (field.name.as_str(), field.value.told())).collect();
        let parts = self.parts.iter().map(PartFact::recalled).collect();
        Message::recalled(Recalled { fields, from, links: self.links.clone(), parts, defects }, limits)
    }
}

impl FieldValue {
    /// The value, as far as it is told.
    #[must_use]
    pub fn told(&self) -> &[u8] {
        match self {
            Self::Cut { rest, .. } => rest,
            Self::Pseudonym(_) => &[],
            Self::Raw(value) => value,
        }
    }
}

impl PartFact {
    fn recalled(&self) -> RecalledPart<'_> {
        RecalledPart {
            declared: MediaType { kind: self.kind.as_str().into(), subtype: self.subtype.as_str().into() },
            sniffed: self.sniffed.as_deref(),
            charset: self.charset.as_deref(),
            file_name: self.file_name.as_deref(),
            other_names: &self.other_names,
            attachment: self.attachment,
            in_file: self.in_file,
            signs: self.signs,
        }
    }
}

impl Wire for Facts {
    /// Like beside like, so that a compressor finds what repeats: names of fields, their values, links, parts.
    fn write(&self, out: &mut Writer) {
        out.count(self.fields.len());
        for field in &self.fields {
            names::write(&field.name, out);
        }
        for field in &self.fields {
            match &field.value {
                // No lengths: that of a whole value is two more than it is.
                FieldValue::Pseudonym(hash) => {
                    out.byte(0);
                    out.bytes.extend_from_slice(hash);
                }
                FieldValue::Cut { rest, hash } => {
                    out.byte(1);
                    out.bytes(rest);
                    out.bytes.extend_from_slice(hash);
                }
                FieldValue::Raw(value) => {
                    out.number(value.len() as u64 + 2);
                    out.bytes.extend_from_slice(value);
                }
            }
        }
        self.parts.write(out);
        self.links.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let count = from.count()?;
        let names: Vec<String> = (0..count).map(|_| names::read(from)).collect::<Read<_>>()?;
        let field = |name: String| {
            let at = from.at();
            let value = match from.number()? {
                0 => FieldValue::Pseudonym(from.array()?),
                1 => match (from.bytes()?, from.array()?) {
                    (rest, hash) if signature::is_rest(&name, rest) => FieldValue::Cut { rest: rest.to_vec(), hash },
                    _ => return Reader::wrong(at, "there is no such rest of a signature"),
                },
                length => {
                    let length = usize::try_from(length - 2).unwrap_or(usize::MAX);
                    FieldValue::Raw(from.take(length)?.to_vec())
                }
            };
            Ok(FieldFact { name, value })
        };
        let fields = names.into_iter().map(field).collect::<Read<_>>()?;
        let parts = Wire::read(from)?;
        Ok(Self { fields, parts, links: Wire::read(from)? })
    }
}

impl Wire for PartFact {
    fn write(&self, out: &mut Writer) {
        let Self { kind, subtype, sniffed, charset, attachment, file_name, other_names, sha256, in_file, signs } = self;
        let parts = [
            *attachment,
            sniffed.is_some(),
            charset.is_some(),
            file_name.is_some(),
            !other_names.is_empty(),
            sha256.is_some(),
            *in_file,
            !signs.is_empty(),
        ];
        out.byte(parts.iter().rev().fold(0, |bits, &part| bits << 1 | u8::from(part)));
        out.text(kind);
        out.text(subtype);
        for text in [sniffed, charset, file_name].into_iter().flatten() {
            out.text(text);
        }
        if !other_names.is_empty() {
            other_names.write(out);
        }
        if let Some(hash) = sha256 {
            out.bytes.extend_from_slice(hash);
        }
        if !signs.is_empty() {
            signs.iter().map(|sign| sign.id().to_owned()).collect::<Vec<_>>().write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let at = from.at();
        let bits = from.byte()?;
        let has = |bit: u32| bits & 1 << bit != 0;
        let (kind, subtype) = (String::read(from)?, String::read(from)?);
        let mut text = |present: bool| if present { String::read(from).map(Some) } else { Ok(None) };
        let (sniffed, charset, file_name) = (text(has(1))?, text(has(2))?, text(has(3))?);
        let other_names: Vec<String> = if has(4) { Wire::read(from)? } else { Vec::new() };
        let sha256 = if has(5) { Some(from.array()?) } else { None };
        let ids: Vec<String> = if has(7) { Wire::read(from)? } else { Vec::new() };
        let known: Option<Signs> = ids.iter().map(|id| Sign::from_id(id)).collect();
        let signs = match known {
            Some(signs) if signs.iter().map(Sign::id).eq(ids.iter().map(String::as_str)) && signs.is_empty() != has(7) => signs,
            _ => return Reader::wrong(at, "there are no such signs"),
        };
        if has(4) && other_names.is_empty() {
            return Reader::wrong(at, "there is no such part");
        }
        let (attachment, in_file) = (has(0), has(6));
        Ok(Self { kind, subtype, sniffed, charset, attachment, file_name, other_names, sha256, in_file, signs })
    }
}
