//! Erases one record in place: the rest of the segment keeps its offsets, and the place where it stood stays recognisable.
//!
//! Steps: 1. the checksum of the erased record is written; 2. the file is synced; 3. flags and payload are overwritten with
//! zeros, but for the flag that says so; 4. the file is synced. From 2 on the record is refused by readers, and any state
//! between 2 and 4 has that checksum, so that it is recognised and finished. One changed bit elsewhere never looks like it. A crash
//! within 1 leaves the old checksum, the new one, or some of both; the last is a damaged record, which erasing again erases.
//!
//! What was overwritten may survive in copies that the file system or the disk made; whoever must be sure of those
//! encrypts the disk.

use std::path::Path;

use super::frame::{self, CHECKSUM_BYTES, FIELDS_BYTES, Fields};
use super::header::{HEADER_BYTES, HeaderRead};
use super::{Offset, SegmentHeader};
use crate::error::{SYNC, SegmentError};
use crate::file_system::{FileSystem, StoredFile};

/// What erasing a record did. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Erasure {
    /// It had been erased before.
    Already,
    /// It is erased, durably.
    Done,
}

/// Erases the record at an offset, durably: its payload is zeros when this returns. Erasing again does nothing.
///
/// The directory's lock is the caller's affair; [`SegmentDir::erase`](crate::SegmentDir::erase) holds it.
///
/// # Errors
/// No record begins there, the header is damaged, or the disk failed; then the record is as before, or damaged, or erased in
/// part, and erasing again finishes it.
pub fn erase<F: FileSystem>(files: &F, path: impl AsRef<Path>, offset: Offset) -> Result<Erasure, SegmentError> {
    erase_if(files, path.as_ref(), offset, |_| Ok(()))
}

/// The same in a segment that the caller accepts by its header.
pub(crate) fn erase_if<F: FileSystem>(
    files: &F,
    path: &Path,
    offset: Offset,
    accept: impl FnOnce(&SegmentHeader) -> Result<(), SegmentError>,
) -> Result<Erasure, SegmentError> {
    let mut file = files.open(path).map_err(|error| SegmentError::io("open", path, error))?;
    let mut header = [0; HEADER_BYTES];
    read_exact(&file, path, 0, &mut header)?;
    match SegmentHeader::decode(&header) {
        HeaderRead::Whole(header, salt) => {
            accept(&header)?;
            finish(&mut file, path, salt, offset)
        }
        HeaderRead::Version(version) => Err(SegmentError::Version { path: path.to_owned(), version }),
        HeaderRead::Damaged { .. } => Err(SegmentError::Header { path: path.to_owned() }),
    }
}

/// Erases a record, or goes on where erasing it was interrupted.
pub(crate) fn finish<F: StoredFile>(file: &mut F, path: &Path, salt: u32, offset: Offset) -> Result<Erasure, SegmentError> {
    let no_record = || SegmentError::NoRecord { path: path.to_owned(), offset };
    let begin = offset.bytes();
    let size = file.bytes().map_err(|error| SegmentError::io("read", path, error))?;
    let room = size.checked_sub(begin).filter(|_| begin >= HEADER_BYTES as u64).ok_or_else(no_record)?;
    let mut bytes = [0; FIELDS_BYTES];
    read_exact(file, path, begin, &mut bytes)?;
    let fields = Fields::decode(&bytes).filter(|fields| room >= fields.record_bytes() as u64).ok_or_else(no_record)?;

    let mut payload = vec![0; fields.stored];
    let mut checksum = [0; CHECKSUM_BYTES];
    let payload_at = begin + FIELDS_BYTES as u64;
    let checksum_at = payload_at + fields.stored as u64;
    read_exact(file, path, payload_at, &mut payload)?;
    read_exact(file, path, checksum_at, &mut checksum)?;
    let goal = (fields.checksum_erased(offset) ^ salt).to_le_bytes();
    if fields == fields.erased() && payload.iter().all(|&byte| byte == 0) && checksum == goal {
        return Ok(Erasure::Already);
    }
    // The checksum may be neither the old nor the new one. That this is a record is then seen from where it ends.
    let whole = u32::from_le_bytes(checksum) == fields.checksum(offset, &payload) ^ salt || checksum == goal;
    if !whole && !stands_alone(file, path, &payload, begin + fields.record_bytes() as u64, size)? {
        return Err(no_record());
    }

    let io = |operation| move |error| SegmentError::io(operation, path, error);
    // 1, 2.
    if checksum != goal {
        file.write_at(checksum_at, &goal).map_err(io("write"))?;
        file.sync().map_err(io(SYNC))?;
    }
    // 3, 4.
    payload.fill(0);
    let erased = [fields.erased().encode().as_slice(), &payload].concat();
    file.write_at(begin, &erased).map_err(io("write"))?;
    file.sync().map_err(io(SYNC))?;
    Ok(Erasure::Done)
}

/// Whether this payload holds no marker and one stands behind its record, unless that is the last.
fn stands_alone<F: StoredFile>(file: &F, path: &Path, payload: &[u8], end: u64, size: u64) -> Result<bool, SegmentError> {
    if frame::find_marker(payload).is_some() || end == size {
        return Ok(end == size && frame::find_marker(payload).is_none());
    }
    let mut next = [0; frame::MARKER.len()];
    if size - end < next.len() as u64 {
        return Ok(false);
    }
    read_exact(file, path, end, &mut next)?;
    Ok(next == frame::MARKER)
}

/// Reads so many bytes; what lies beyond the end reads as zeros, which are no record.
fn read_exact<F: StoredFile>(file: &F, path: &Path, offset: u64, bytes: &mut [u8]) -> Result<(), SegmentError> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(offset + filled as u64, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(SegmentError::io("read", path, error)),
        }
    }
    Ok(())
}
