//! Reads messages and contents out of the spool, while it is written or not.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::fold::path_of;
use super::index::Entry;
use super::message::{Mark, QueuedMessage};
use super::record::{self, CHUNK, CHUNK_PREFIX_BYTES, MARK, MESSAGE, SpoolRecord, Undecoded};
use super::{QueueId, SpoolError};
use crate::directory::Place;
use crate::error::SegmentError;
use crate::file_system::FileSystem;
use crate::segment::{RecordType, SegmentFile};

/// Reads records at known places. The segment that was read last stays open.
#[derive(Debug)]
pub(crate) struct Records<F: FileSystem> {
    files: F,
    path: PathBuf,
    open: Option<(u64, SegmentFile<F>)>,
}

/// Where the content of a message stands, asked again when its segment is gone.
pub(crate) trait Source: Send + Sync {
    /// The places of its chunks now.
    fn chunks(&self, id: QueueId) -> Result<Vec<Place>, SpoolError>;

    /// Something there could not be read.
    fn damaged(&self, segment: u64);
}

/// Reads the content of a message, chunk by chunk, each checked against its checksum.
///
/// A chunk has at most 256 KiB, and no more is in memory. Reading goes on while the message is copied to another segment, and ends with an error
/// if it is done meanwhile.
pub struct ContentReader<F: FileSystem> {
    id: QueueId,
    records: Records<F>,
    source: Option<Arc<dyn Source>>,
    chunks: Vec<Place>,
    next: usize,
    chunk: Vec<u8>,
    /// How much of the chunk [`io::Read`] gave.
    given: usize,
    bytes: u64,
    /// Bytes of the chunks so far.
    read: u64,
}

/// How often places are asked for anew. Each time all of the message was copied meanwhile.
const MOVES: usize = 8;

impl<F: FileSystem> Records<F> {
    pub(crate) fn new(files: F, path: PathBuf) -> Self {
        Self { files, path, open: None }
    }

    /// A message with all that marks said, and the places of its chunks.
    pub(crate) fn message(&mut self, id: QueueId, entry: &Entry) -> Result<(QueuedMessage, Vec<Place>), SpoolError> {
        let mut payload = Vec::new();
        self.record(id, entry.record(), MESSAGE, &mut payload)?;
        let SpoolRecord::Message { mut queued, chunks } = self.decode(id, entry.record(), MESSAGE, &payload)? else {
            return Err(self.damaged(id, entry.record(), "another record"));
        };
        if queued.message.id != id {
            return Err(self.damaged(id, entry.record(), "another message"));
        }
        if let Some(place) = entry.attempt() {
            self.record(id, place, MARK, &mut payload)?;
            if let SpoolRecord::Mark { id: marked, marks } = self.decode(id, place, MARK, &payload)?
                && marked == id
            {
                let mut attempts = marks.into_iter().filter_map(|mark| match mark {
                    Mark::Attempt(attempt) => Some(attempt),
                    _ => None,
                });
                queued.attempt = attempts.next_back().or(queued.attempt);
            }
        }
        entry.complete(&mut queued);
        Ok((*queued, chunks))
    }

    /// A chunk, behind its prefix.
    pub(crate) fn chunk(&mut self, id: QueueId, index: u32, place: Place, payload: &mut Vec<u8>) -> Result<(), SpoolError> {
        if place.segment == 0 {
            return Err(self.damaged(id, place, "a part that was damaged before it was copied"));
        }
        self.record(id, place, CHUNK, payload)?;
        match payload.get(..CHUNK_PREFIX_BYTES) == Some(&record::chunk_prefix(id, index)) {
            true => Ok(()),
            false => Err(self.damaged(id, place, "a part of another message")),
        }
    }

    fn record(&mut self, id: QueueId, place: Place, wanted: RecordType, payload: &mut Vec<u8>) -> Result<(), SpoolError> {
        let segment = match &mut self.open {
            Some((number, segment)) if *number == place.segment => segment,
            open => &mut open.insert((place.segment, SegmentFile::open(&self.files, path_of(&self.path, place.segment))?)).1,
        };
        match segment.record(place.offset, payload)? {
            Some(found) if found == wanted => Ok(()),
            Some(_) => Err(self.damaged(id, place, "another record")),
            None => Err(self.damaged(id, place, "a damaged record")),
        }
    }

    fn decode(&self, id: QueueId, place: Place, record_type: RecordType, payload: &[u8]) -> Result<SpoolRecord, SpoolError> {
        record::decode(record_type, payload).map_err(|error| match error {
            Undecoded::Malformed => self.damaged(id, place, "a record that says nothing"),
            Undecoded::Version => SpoolError::Version { path: path_of(&self.path, place.segment) },
        })
    }

    fn damaged(&self, id: QueueId, place: Place, what: &'static str) -> SpoolError {
        SpoolError::Damaged { id, path: path_of(&self.path, place.segment), what }
    }
}

impl<F: FileSystem> ContentReader<F> {
    pub(crate) fn new(id: QueueId, records: Records<F>, source: Option<Arc<dyn Source>>, chunks: Vec<Place>, bytes: u64) -> Self {
        Self { id, records, source, chunks, next: 0, chunk: Vec::new(), given: 0, bytes, read: 0 }
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or the message is done.
    pub fn next_chunk(&mut self) -> Result<Option<&[u8]>, SpoolError> {
        let mut moves = 0;
        loop {
            let Some(&place) = self.chunks.get(self.next) else {
                if self.read != self.bytes {
                    return Err(SpoolError::Damaged { id: self.id, path: self.records.path.clone(), what: "a shorter content" });
                }
                return Ok(None);
            };
            match self.records.chunk(self.id, self.next as u32, place, &mut self.chunk) {
                Ok(()) => break,
                Err(SpoolError::Segment(error)) if error.is_missing() && moves < MOVES => match &self.source {
                    Some(source) => self.chunks = source.chunks(self.id)?,
                    None => return Err(error.into()),
                },
                Err(error) => {
                    if let (Some(source), SpoolError::Damaged { .. }) = (&self.source, &error) {
                        source.damaged(place.segment);
                    }
                    return Err(error);
                }
            }
            moves += 1;
        }
        self.next += 1;
        let content = self.chunk.get(CHUNK_PREFIX_BYTES..).unwrap_or_default();
        self.given = self.chunk.len() - content.len();
        self.read += content.len() as u64;
        Ok(Some(content))
    }

    /// All that was not read yet.
    ///
    /// # Errors
    /// As [`ContentReader::next_chunk`].
    pub fn read_all(&mut self) -> Result<Vec<u8>, SpoolError> {
        let mut content = Vec::new();
        while let Some(chunk) = self.next_chunk()? {
            content.extend_from_slice(chunk);
        }
        Ok(content)
    }

    /// Bytes of the whole content.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<F: FileSystem> io::Read for ContentReader<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.given == self.chunk.len() && self.next_chunk().map_err(io::Error::other)?.is_none() {
            return Ok(0);
        }
        let rest = self.chunk.get(self.given..).unwrap_or_default();
        let now = rest.len().min(bytes.len());
        bytes[..now].copy_from_slice(&rest[..now]);
        self.given += now;
        Ok(now)
    }
}

impl<F: FileSystem> std::fmt::Debug for ContentReader<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentReader").field("id", &self.id).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl SegmentError {
    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
