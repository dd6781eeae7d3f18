//! The tree of parts (RFC 2046), read in one pass and within limits.
//!
//! A multipart gives its parts up to a delimiter of its own or of one around it. Where a header section allows two readings
//! that both may find parts, both are followed.

use std::borrow::Cow;

use super::body::Bodies;
use super::boundary::{Boundaries, Delimiter};
use super::part::{MediaType, Part};
use super::part_header::{ContentType, PartHeader};
use super::section::{Item, Section};
use super::transfer::Transfer;
use crate::Defect;

/// Where a part stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    parent: Option<usize>,
    depth: usize,
    nested: usize,
    /// What a part without a type is: a message inside `multipart/digest` (RFC 2046 §5.1.5).
    in_digest: bool,
}

impl Place {
    fn inside(self, parent: usize) -> Self {
        Self { parent: Some(parent), depth: self.depth + 1, nested: self.nested, in_digest: false }
    }
}

/// Second readings that are followed in one message. Each costs another pass over its region; one is already an attack.
pub(super) const SECOND_READINGS: usize = 16;

/// A walk over the parts in one run of bytes: the message itself, or what a nested encoded message decodes to.
#[derive(Debug)]
pub(super) struct Walk<'w, 'a, 'l, 'b> {
    bodies: &'w mut Bodies<'a, 'l>,
    bytes: &'b [u8],
    /// The same bytes when they are the message's own: bodies can be borrowed from them.
    original: Option<&'a [u8]>,
    boundaries: Boundaries,
}

impl<'w, 'a, 'l> Walk<'w, 'a, 'l, 'a> {
    /// A walk over the message's own bytes.
    pub(super) fn new(bodies: &'w mut Bodies<'a, 'l>, raw: &'a [u8]) -> Self {
        Self { bodies, bytes: raw, original: Some(raw), boundaries: Boundaries::default() }
    }
}

impl<'a, 'l> Walk<'_, 'a, 'l, '_> {
    /// Reads the body that begins at `start`, and all parts in it.
    pub(super) fn message_body(&mut self, header: PartHeader, start: usize) {
        self.body(Place::default(), header, start);
    }

    /// Reads a nested message or a part of a multipart: its header section, then its body.
    fn entity(&mut self, place: Place, start: usize) -> Delimiter {
        let mut section = Section::new(self.bytes, start);
        let mut header = PartHeader::default();
        let mut fields = 0;
        let defects = &mut self.bodies.defects;
        while let Some(item) = section.next(|line| self.boundaries.stops(line)) {
            match item {
                // A body without a header section (RFC 2046 §5.1 wants an empty line before it).
                Item::Malformed(_) if fields == 0 => {
                    defects.record(Defect::MalformedField);
                    return self.body(place, header, start);
                }
                Item::Malformed(_) => defects.record(Defect::MalformedField),
                Item::Field(field) => {
                    fields += 1;
                    if fields > self.bodies.limits.fields {
                        defects.record(Defect::FieldLimit);
                        continue;
                    }
                    let limit = self.bodies.limits.field_bytes;
                    header.field(field.name, field.value.get(..limit).unwrap_or(field.value), defects);
                }
            }
        }
        let (_, body) = section.end();
        self.body(place, header.finish(), body)
    }

    /// Reads a body of any kind; gives the delimiter that ends it.
    fn body(&mut self, place: Place, header: PartHeader, start: usize) -> Delimiter {
        let limits = self.bodies.limits;
        if place.depth > limits.depth {
            self.bodies.defects.record(Defect::DepthLimit);
            return self.boundaries.next(self.bytes, start);
        }
        if self.bodies.parts.len() >= limits.parts {
            self.bodies.defects.record(Defect::PartLimit);
            return self.boundaries.next(self.bytes, start);
        }
        let index = self.push(place, &header, start);
        let end = self.content(place, index, &header, start);
        if let Some(part) = self.bodies.parts.get_mut(index) {
            part.span = start..end.body_end.max(start);
        }
        end
    }

    fn content(&mut self, place: Place, index: usize, header: &PartHeader, start: usize) -> Delimiter {
        let multiparts: Vec<(&ContentType, &[u8])> = header
            .types
            .iter()
            .flat_map(|reading| reading.boundaries.iter().map(move |boundary| (reading, boundary.as_slice())))
            .collect();
        let transfer = header.transfers.first().copied().unwrap_or_default();
        if let Some(&(reading, boundary)) = multiparts.first() {
            let (end, mut found) = self.multipart(place, index, reading, boundary, start);
            for (reading, boundary) in multiparts.iter().skip(1).filter(|(_, other)| *other != boundary) {
                found |= self.second_reading(place, index, reading, boundary, start, end.body_end);
            }
            if transfer != Transfer::Identity {
                // RFC 2045 §6.4 forbids it; most programs read the parts as they stand.
                self.bodies.defects.record(Defect::EncodedMultipart);
                if !found {
                    found = self.decoded(index, transfer, start..end.body_end, |walk| {
                        walk.multipart(place, index, reading, boundary, 0).1
                    });
                }
            }
            if !found {
                self.bodies.defects.record(Defect::BoundaryNotFound);
                self.leaf(index, header, start..end.body_end);
            }
            return end;
        }
        let is_message = self.bodies.parts.get(index).is_some_and(|part| part.declared.is_message());
        if is_message {
            let inside = Place { nested: place.nested + 1, ..place.inside(index) };
            let encoded = transfer != Transfer::Identity;
            if encoded {
                self.bodies.defects.record(Defect::EncodedMessage);
            }
            if let Some(part) = self.bodies.parts.get_mut(index) {
                part.attachment = true;
            }
            // Some programs only name an encoding and do not use it.
            if !encoded || begins_with_field(self.bytes.get(start..).unwrap_or_default()) {
                return self.entity(inside, start);
            }
            let end = self.boundaries.next(self.bytes, start);
            self.decoded(index, transfer, start..end.body_end, |walk| {
                walk.entity(inside, 0);
                true
            });
            return end;
        }
        let end = self.boundaries.next(self.bytes, start);
        self.leaf(index, header, start..end.body_end);
        end
    }

    /// Reads a multipart; gives the delimiter that ends it and whether it has any part.
    fn multipart(
        &mut self,
        place: Place,
        index: usize,
        reading: &ContentType,
        boundary: &[u8],
        start: usize,
    ) -> (Delimiter, bool) {
        let (number, duplicate) = self.boundaries.open(boundary);
        if duplicate {
            self.bodies.defects.record(Defect::DuplicateBoundary);
        }
        let inside = Place { in_digest: &*reading.media.subtype == "digest", ..place.inside(index) };
        let mut found = false;
        let mut closed = false;
        let mut delimiter = self.boundaries.next(self.bytes, start);
        while delimiter.owner == Some(number) {
            if delimiter.loose {
                self.bodies.defects.record(Defect::LooseBoundary);
            }
            if delimiter.closing {
                closed = true;
                if duplicate {
                    // What follows belongs to the multipart around this one.
                    self.boundaries.close(number);
                }
                delimiter = self.boundaries.next(self.bytes, delimiter.next);
            } else {
                if closed {
                    // The closing delimiter should be the last (RFC 2046 §5.1.1); not all programs stop at it.
                    self.bodies.defects.record(Defect::PartAfterEnd);
                }
                found = true;
                delimiter = self.entity(inside, delimiter.next);
            }
        }
        self.boundaries.close(number);
        if found && !closed {
            self.bodies.defects.record(Defect::UnterminatedMultipart);
        }
        (delimiter, found)
    }

    /// Walks the region of a multipart once more by another boundary.
    fn second_reading(
        &mut self,
        place: Place,
        index: usize,
        reading: &ContentType,
        boundary: &[u8],
        start: usize,
        end: usize,
    ) -> bool {
        let Some(left) = self.bodies.second_readings.checked_sub(1) else { return false };
        self.bodies.second_readings = left;
        let bytes = self.bytes;
        let around = std::mem::take(&mut self.boundaries);
        self.bytes = bytes.get(..end).unwrap_or(bytes);
        let (_, found) = self.multipart(place, index, reading, boundary, start);
        self.bytes = bytes;
        self.boundaries = around;
        found
    }

    /// Decodes a region and walks what comes out.
    fn decoded(
        &mut self,
        index: usize,
        transfer: Transfer,
        region: std::ops::Range<usize>,
        read: impl FnOnce(&mut Walk<'_, 'a, 'l, '_>) -> bool,
    ) -> bool {
        let encoded = self.bytes.get(region).unwrap_or_default();
        let decoded = self.bodies.decode(encoded, transfer, usize::MAX);
        let mut walk = Walk { bodies: self.bodies, bytes: &decoded, original: None, boundaries: Boundaries::default() };
        let found = read(&mut walk);
        debug_assert!(self.bodies.parts.len() > index, "the part itself was pushed before its content");
        found
    }

    fn leaf(&mut self, index: usize, header: &PartHeader, region: std::ops::Range<usize>) {
        let bytes = self.bytes.get(region.clone()).unwrap_or_default();
        let original = self.original.and_then(|original| original.get(region));
        self.bodies.read(index, header, bytes, original);
    }

    /// Adds a part of which only the header section is known.
    fn push(&mut self, place: Place, header: &PartHeader, start: usize) -> usize {
        let declared = match header.types.first() {
            Some(reading) => reading.media.clone(),
            None if place.in_digest => MediaType::new("message", "rfc822"),
            None => MediaType::new("text", "plain"),
        };
        let mut names = header.names.iter().cloned();
        self.bodies.parts.push(Part {
            parent: place.parent,
            depth: place.depth,
            nested: place.nested,
            declared,
            sniffed: None,
            charset: header.types.iter().find_map(|reading| reading.charset.clone()),
            disposition: header.disposition,
            file_name: names.next(),
            other_names: names.collect(),
            span: start..start,
            content: Cow::Borrowed(&[]),
            attachment: false,
        });
        self.bodies.parts.len() - 1
    }
}

impl MediaType {
    /// Whether the body is a message with a header section of its own.
    fn is_message(&self) -> bool {
        &*self.kind == "message" && matches!(&*self.subtype, "rfc822" | "global" | "news")
    }
}

/// Whether the first line is a header field.
fn begins_with_field(bytes: &[u8]) -> bool {
    matches!(Section::new(bytes, 0).next(|_| false), Some(Item::Field(_)))
}
