//! Reads single records of a segment, each at a place that is known.

use std::path::{Path, PathBuf};

use super::codec::Unpacker;
use super::frame::{self, CHECKSUM_BYTES, Codec, FIELDS_BYTES, Fields};
use super::header::{HEADER_BYTES, HeaderRead};
use super::{Offset, RecordType, SegmentHeader, SegmentReader};
use crate::error::SegmentError;
use crate::file_system::{FileSystem, Sequential, StoredFile};

/// How much is read at once, at first.
const BEGIN_BYTES: usize = 1 << 10;

/// A segment that is open for reading.
#[derive(Debug)]
pub(crate) struct SegmentFile<F: FileSystem> {
    path: PathBuf,
    file: F::File,
    salt: u32,
    /// `None` when it is damaged.
    header: Option<SegmentHeader>,
    stored: Vec<u8>,
}

impl<F: FileSystem> SegmentFile<F> {
    /// Opens it. Where its header is damaged, its records are read until they tell what they are checked with.
    ///
    /// # Errors
    /// It cannot be read, is of another version, or its header is damaged and no record is whole.
    pub(crate) fn open(files: &F, path: impl Into<PathBuf>) -> Result<Self, SegmentError> {
        let path = path.into();
        let file = files.open_read(&path).map_err(|error| SegmentError::io("open", &path, error))?;
        let mut bytes = [0; HEADER_BYTES];
        read_exact(&file, &path, 0, &mut bytes)?;
        let (header, salt) = match SegmentHeader::decode(&bytes) {
            HeaderRead::Whole(header, salt) => (Some(header), salt),
            HeaderRead::Version(version) => return Err(SegmentError::Version { path, version }),
            HeaderRead::Damaged { .. } => {
                let mut reader = SegmentReader::new(&path, Sequential { file: &file, offset: 0 })?;
                while reader.salt().is_none() && reader.next_entry()?.is_some() {}
                (None, reader.salt().ok_or_else(|| SegmentError::Header { path: path.clone() })?)
            }
        };
        Ok(Self { path, file, salt, header, stored: Vec::new() })
    }

    /// Replaces `payload` by that of the record at an offset, and says what it is; `None` if there is no whole record.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn record(&mut self, offset: Offset, payload: &mut Vec<u8>) -> Result<Option<RecordType>, SegmentError> {
        payload.clear();
        // Most records are read by this.
        let mut begin = [0; BEGIN_BYTES];
        let read = read_some(&self.file, &self.path, offset.bytes(), &mut begin)?;
        let Some((bytes, begin)) = begin.get(..read).and_then(|begin| begin.split_first_chunk()) else { return Ok(None) };
        let Some(fields) = Fields::decode(bytes).filter(|fields| !fields.erased) else { return Ok(None) };
        let wanted = fields.stored + CHECKSUM_BYTES;
        self.stored.clear();
        self.stored.extend_from_slice(&begin[..begin.len().min(wanted)]);
        if self.stored.len() < wanted {
            // A length that is wrong asks for no more memory than the file has bytes.
            let size = self.file.bytes().map_err(|error| SegmentError::io("read", &self.path, error))?;
            if offset.bytes().saturating_add(fields.record_bytes() as u64) > size {
                return Ok(None);
            }
            let (have, behind) = (self.stored.len(), offset.bytes() + (FIELDS_BYTES + self.stored.len()) as u64);
            self.stored.resize(wanted, 0);
            if !read_exact(&self.file, &self.path, behind, &mut self.stored[have..])? {
                return Ok(None);
            }
        }
        Ok(open_record(&fields, offset, self.salt, &self.stored, payload).map(|()| fields.record_type))
    }

    /// What the segment says of itself; `None` when that is damaged.
    pub(crate) fn header(&self) -> Option<&SegmentHeader> {
        self.header.as_ref()
    }

    pub(crate) fn file(&self) -> &F::File {
        &self.file
    }

    pub(crate) fn salt(&self) -> u32 {
        self.salt
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Puts the payload of a record into `payload`, given its stored bytes and checksum; `None` if it is not whole.
pub(super) fn open_record(fields: &Fields, offset: Offset, salt: u32, stored: &[u8], payload: &mut Vec<u8>) -> Option<()> {
    let (stored, checksum) = stored.split_at_checked(fields.stored)?;
    let checksum = u32::from_le_bytes(*checksum.first_chunk()?);
    if fields.erased || fields.checksum(offset, stored) ^ salt != checksum {
        return None;
    }
    payload.clear();
    match (fields.codec, fields.escaped) {
        (Codec::Plain, false) => payload.extend_from_slice(stored),
        (Codec::Plain, true) => frame::unescape(stored, payload)?,
        (Codec::Zstd, false) => Unpacker::default().unpack(stored, payload)?,
        (Codec::Zstd, true) => {
            let mut packed = Vec::new();
            frame::unescape(stored, &mut packed)?;
            Unpacker::default().unpack(&packed, payload)?;
        }
    }
    Some(())
}

/// Reads so many bytes; `false` if the file ends before.
pub(super) fn read_exact<F: StoredFile>(file: &F, path: &Path, offset: u64, bytes: &mut [u8]) -> Result<bool, SegmentError> {
    Ok(read_some(file, path, offset, bytes)? == bytes.len())
}

/// Reads so many bytes, or up to the end of the file. How many it read.
fn read_some<F: StoredFile>(file: &F, path: &Path, offset: u64, bytes: &mut [u8]) -> Result<usize, SegmentError> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(offset + filled as u64, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(SegmentError::io("read", path, error)),
        }
    }
    Ok(filled)
}
