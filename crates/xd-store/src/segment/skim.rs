//! Reads the records of some types from a segment and passes over the others by their length, unread and unchecked.
//!
//! A length that is damaged leads astray. Whoever skims must be able to tell that a record is missing, and read the segment
//! with a [`SegmentReader`](super::SegmentReader) then; anything that is not as it should be is told as a doubt.

use super::frame::{FIELDS_BYTES, Fields};
use super::header::HEADER_BYTES;
use super::pick::{self, SegmentFile};
use super::{Offset, RecordType};
use crate::error::SegmentError;
use crate::file_system::{FileSystem, StoredFile};

/// Goes through a segment.
#[derive(Debug)]
pub(crate) struct Skimmer<'s, F: FileSystem> {
    segment: &'s SegmentFile<F>,
    /// Where the next record begins.
    offset: u64,
    /// Bytes of the file when this began.
    size: u64,
    /// Bytes of the file from `window_at` on.
    window: Vec<u8>,
    window_at: u64,
    payload: Vec<u8>,
}

/// What was found next. The complete set.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Skim {
    /// Something that is no whole record.
    Doubt,
    /// Nothing more.
    End,
    /// A record; [`Skimmer::payload`] has what is in it.
    Record(Offset, RecordType),
}

/// How much is read at once: some records with short contents between them. Longer contents are jumped over.
const WINDOW_BYTES: usize = 128 << 10;

impl<'s, F: FileSystem> Skimmer<'s, F> {
    pub(crate) fn new(segment: &'s SegmentFile<F>) -> Result<Self, SegmentError> {
        let size = segment.file().bytes().map_err(|error| SegmentError::io("read", segment.path(), error))?;
        Ok(Self { segment, offset: HEADER_BYTES as u64, size, window: Vec::new(), window_at: 0, payload: Vec::new() })
    }

    /// The next record of a type that is wanted.
    pub(crate) fn next(&mut self, wanted: impl Fn(RecordType) -> bool) -> Result<Skim, SegmentError> {
        loop {
            if self.offset == self.size {
                return Ok(Skim::End);
            }
            let Some(fields) = self.bytes(self.offset, FIELDS_BYTES)?.and_then(|bytes| Fields::decode(bytes.first_chunk()?))
            else {
                return Ok(Skim::Doubt);
            };
            let (begin, bytes) = (self.offset, fields.record_bytes());
            if fields.erased || self.size - begin < bytes as u64 {
                return Ok(Skim::Doubt);
            }
            if wanted(fields.record_type) {
                let (offset, salt) = (Offset::new(begin), self.segment.salt());
                let mut payload = std::mem::take(&mut self.payload);
                let whole = self
                    .bytes(begin, bytes)?
                    .and_then(|bytes| pick::open_record(&fields, offset, salt, bytes.get(FIELDS_BYTES..)?, &mut payload));
                self.payload = payload;
                if whole.is_none() {
                    return Ok(Skim::Doubt);
                }
                self.offset += bytes as u64;
                return Ok(Skim::Record(offset, fields.record_type));
            }
            self.offset += bytes as u64;
        }
    }

    /// The payload of the last record.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Where the next record begins.
    pub(crate) fn offset(&self) -> Offset {
        Offset::new(self.offset)
    }

    /// Bytes of the file, which are there unless it ends before.
    fn bytes(&mut self, at: u64, bytes: usize) -> Result<Option<&[u8]>, SegmentError> {
        let missing = at < self.window_at || at + bytes as u64 > self.window_at + self.window.len() as u64;
        if missing {
            let room = (self.size - at).min(bytes.max(WINDOW_BYTES) as u64);
            self.window.resize(usize::try_from(room).unwrap_or(bytes), 0);
            self.window_at = at;
            if self.window.len() < bytes || !pick::read_exact(self.segment.file(), self.segment.path(), at, &mut self.window)? {
                self.window.clear();
                return Ok(None);
            }
        }
        // It lies within the window, which is in memory.
        let begin = (at - self.window_at) as usize;
        Ok(self.window.get(begin..begin + bytes))
    }
}
