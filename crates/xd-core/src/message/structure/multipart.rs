//! Multiparts: their parts up to a delimiter of their own or of one around them (RFC 2046 §5.1).
//!
//! Where a header section allows two readings that both may find parts, both are followed.

use std::ops::{BitOrAssign, Range};

use memchr::memmem;

use super::{Place, Walk, begins_with_field};
use crate::Defect;
use crate::message::boundary::Delimiter;
use crate::message::part_header::{ContentType, PartHeader};
use crate::message::section::{first_line, without_line_end};
use crate::message::transfer::Transfer;

/// Second readings that are followed in one message. Each costs another pass over its region; one is already an attack.
pub(in crate::message) const SECOND_READINGS: usize = 8;

/// What one reading of a multipart found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Found {
    /// A delimiter, be it only the closing one.
    delimiter: bool,
    part: bool,
}

impl BitOrAssign for Found {
    fn bitor_assign(&mut self, other: Self) {
        self.delimiter |= other.delimiter;
        self.part |= other.part;
    }
}

impl Walk<'_, '_, '_, '_> {
    /// Reads a multipart in all its readings; what no reading finds parts in is text, as it stands.
    pub(super) fn multiparts(
        &mut self,
        place: Place,
        index: usize,
        header: &PartHeader,
        reading: &ContentType,
        multiparts: &[(&ContentType, &[u8])],
        start: usize,
    ) -> Delimiter {
        let first = multiparts.first();
        let (end, mut found) = match first {
            Some((reading, boundary)) => self.multipart(place, index, reading, boundary, start),
            None => (self.boundaries.next(self.bytes, start), Found::default()),
        };
        let region = start..end.body_end;
        for (reading, boundary) in multiparts.iter().skip(1).filter(|(_, other)| first.is_some_and(|(_, first)| first != other)) {
            found |= self.second_reading(place, index, reading, boundary, region.clone());
        }
        let mut encodings = header.transfers.iter().copied().filter(|transfer| *transfer != Transfer::Identity).peekable();
        if encodings.peek().is_some() {
            // RFC 2045 §6.4 forbids it; most programs read the parts as they stand.
            self.bodies.defects.record(Defect::EncodedMultipart);
        }
        for transfer in encodings {
            if let Some((reading, boundary)) = first
                && self.hidden_parts(index, transfer, boundary, region.clone())
            {
                found |=
                    self.decoded(index, transfer, region.clone(), |walk| walk.multipart(place, index, reading, boundary, 0).1);
            }
        }
        if !found.delimiter && first.is_some() {
            self.bodies.defects.record(Defect::BoundaryNotFound);
        }
        if !found.delimiter
            && let Some(boundary) = guess_boundary(self.bytes.get(region.clone()).unwrap_or_default())
        {
            // Programs that are kind to broken senders look for what separates the parts.
            found |= self.second_reading(place, index, reading, boundary, region.clone());
        }
        if !found.part {
            self.leaf(index, header, region);
        }
        end
    }

    /// Reads a multipart; gives the delimiter that ends it and what was found in it.
    fn multipart(
        &mut self,
        place: Place,
        index: usize,
        reading: &ContentType,
        boundary: &[u8],
        start: usize,
    ) -> (Delimiter, Found) {
        let (number, duplicate) = self.boundaries.open(boundary);
        if duplicate {
            self.bodies.defects.record(Defect::DuplicateBoundary);
        }
        let inside = Place { in_digest: &*reading.media.subtype == "digest", ..place.inside(index) };
        let mut found = Found::default();
        let mut closed = false;
        let mut delimiter = self.boundaries.next(self.bytes, start);
        while delimiter.owner == Some(number) {
            found.delimiter = true;
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
                found.part = true;
                delimiter = self.entity(inside, delimiter.next);
            }
        }
        self.boundaries.close(number);
        if found.part && !closed {
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
        region: Range<usize>,
    ) -> Found {
        let start = region.start;
        let read = |walk: &mut Self| walk.multipart(place, index, reading, boundary, start).1;
        self.again(index, region, read).unwrap_or_default()
    }
}

/// The first line that begins with two dashes and that a field about content follows, without the dashes.
fn guess_boundary(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    for _ in 0..MAX_GUESSES {
        let rest = bytes.get(at..)?;
        let line_start = if at == 0 && rest.starts_with(b"--") { 0 } else { at + memmem::find(rest, b"\n--")? + 1 };
        let line = first_line(bytes.get(line_start..)?);
        let next = bytes.get(line_start + line.len()..)?;
        if next.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-")) && begins_with_field(next) {
            return without_line_end(line).trim_ascii_end().get(2..);
        }
        at = line_start + line.len() - 1;
    }
    None
}

/// Lines that are tried as boundaries when the declared one is missing.
const MAX_GUESSES: usize = 100;
