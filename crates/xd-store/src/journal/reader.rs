//! Reads the journal from its beginning to the last whole record, and goes on from there when there is more; beside a writer in another
//! process or none.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use super::record::{JournalRecord, sequence};
use crate::directory::{self, Place};
use crate::error::SegmentError;
use crate::file_system::{FileSystem, StoredFile};
use crate::segment::{Damage, DamageKind, Entry, HEADER_BYTES, Offset, SegmentKind, SegmentReader, file_name};
use crate::spool::SpoolError;

/// Reads records in their order.
///
/// What it reads is a prefix of what was appended: whole records up to some number. It may include records that are not durable yet. Where
/// such are taken back for want of room, those that come in their place follow, with the same numbers.
#[derive(Debug)]
pub struct JournalReader<F: FileSystem> {
    files: F,
    path: PathBuf,
    /// The segment that is read, how far, and its reader.
    segment: u64,
    offset: Offset,
    open: Option<SegmentReader<Owned<F::File>>>,
    last: u64,
    /// The last before the present segment.
    before: u64,
    /// Records that were read of the present segment, the latest of them.
    read: VecDeque<Read>,
    /// Whether the file was opened anew since something looked damaged: it may have been cut and written to while it was read. What looks so
    /// behind that is taken for what it is, until the end was reached.
    again: bool,
}

/// A record that was read, as much as it takes to see whether it still stands there.
#[derive(Clone, Copy, Debug)]
struct Read {
    sequence: u64,
    offset: Offset,
    checksum: u32,
}

/// How many records are remembered: more than a commit has.
const READ_MAX: usize = 1 << 16;

/// What a journal has at one place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "almost every entry is a record, and is looked at one by one")]
pub enum JournalEntry {
    /// Bytes that are no record.
    Damage(PathBuf, Damage),
    /// A record that was erased.
    Erased(Place),
    /// Records between the last one and the next are not there: they went with their segments, or with damage.
    Missing {
        /// The first number that is missing.
        from: u64,
        /// The number of the next record.
        to: u64,
    },
    /// A record.
    Record {
        /// Its number.
        sequence: u64,
        /// Where it stands, to erase it.
        place: Place,
        /// What it says.
        record: JournalRecord,
    },
    /// A record of a later version of the program, as it is.
    Unknown {
        /// Its number.
        sequence: u64,
        /// Where it stands.
        place: Place,
    },
}

impl<F: FileSystem> JournalReader<F> {
    /// Begins with the oldest record. Takes no lock and needs no permission to write.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open(files: &F, path: impl Into<PathBuf>) -> Result<Self, SpoolError> {
        let path = path.into();
        let segment = numbers(files, &path)?.first().copied().unwrap_or_default();
        let offset = Offset::new(0);
        let files = files.clone();
        Ok(Self { files, path, segment, offset, open: None, last: 0, before: 0, read: VecDeque::new(), again: false })
    }

    /// The next entry; `None` at the end, behind which there may be more later.
    ///
    /// # Errors
    /// It cannot be read. Damage is no error.
    pub fn next_entry(&mut self) -> Result<Option<JournalEntry>, SpoolError> {
        loop {
            if let Some(entry) = self.next_here()? {
                return Ok(Some(entry));
            }
            // Whatever stands in the present segment was there before the next one began: look once more, then leave it.
            let numbers = numbers(&self.files, &self.path)?;
            let Some(&next) = numbers.iter().find(|&&number| number > self.segment) else { return Ok(None) };
            if let Some(entry) = self.next_here()? {
                return Ok(Some(entry));
            }
            let rest = self.rest()?;
            let path = self.path_of(self.segment);
            (self.segment, self.offset, self.open, self.before) = (next, Offset::new(0), None, self.last);
            self.read.clear();
            if let Some(damage) = rest {
                return Ok(Some(JournalEntry::Damage(path, damage)));
            }
        }
    }

    /// The number of the last record that was read; 0 before the first. All before it were read too, but for those told as
    /// missing.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.last
    }

    /// The next entry of the present segment. A torn end is none: it may be about to be written.
    fn next_here(&mut self) -> Result<Option<JournalEntry>, SpoolError> {
        if self.open.is_none() {
            match self.reopen() {
                Ok(()) => {}
                // It is gone for its age, or there is none yet.
                Err(error) if error.is_missing() => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        let Some(reader) = &mut self.open else { return Ok(None) };
        let entry = match reader.next_entry()? {
            // A reader that came to the end stays there.
            None => None,
            Some(Entry::Damage(damage)) if damage.kind == DamageKind::Tail => None,
            Some(Entry::Damage(_)) if !self.again => {
                (self.open, self.again) = (None, true);
                return self.next_here();
            }
            Some(Entry::Damage(damage)) => Some(JournalEntry::Damage(reader.path().to_owned(), damage)),
            Some(Entry::Erased(record)) => Some(JournalEntry::Erased(Place { segment: self.segment, offset: record.offset() })),
            Some(Entry::Record(record)) => {
                let place = Place { segment: self.segment, offset: record.offset() };
                let Some(sequence) = sequence(record.payload()) else {
                    let bytes = record.payload().len() as u64;
                    let damage = Damage { offset: place.offset, bytes, kind: DamageKind::Content };
                    self.offset = reader.offset();
                    return Ok(Some(JournalEntry::Damage(self.path_of(self.segment), damage)));
                };
                if self.last > 0 && sequence > self.last + 1 {
                    // It is told again at the next call.
                    let from = self.last + 1;
                    self.last = sequence - 1;
                    self.offset = place.offset;
                    self.open = None;
                    return Ok(Some(JournalEntry::Missing { from, to: sequence }));
                }
                let known = JournalRecord::decode(record.record_type(), record.payload());
                let later = known.is_none() && JournalRecord::is_later(record.record_type(), record.payload());
                let bytes = record.payload().len() as u64;
                self.last = self.last.max(sequence);
                let checksum = crc32c::crc32c(record.payload());
                if self.read.len() == READ_MAX {
                    self.read.pop_front();
                }
                self.read.push_back(Read { sequence, offset: place.offset, checksum });
                Some(match known {
                    Some((_, record)) => JournalEntry::Record { sequence, place, record },
                    None if later => JournalEntry::Unknown { sequence, place },
                    None => {
                        let damage = Damage { offset: place.offset, bytes, kind: DamageKind::Content };
                        JournalEntry::Damage(self.path_of(self.segment), damage)
                    }
                })
            }
        };
        match (&entry, &self.open) {
            (Some(_), Some(reader)) => self.offset = reader.offset(),
            // What comes behind it is read anew.
            _ => (self.open, self.again) = (None, false),
        }
        Ok(entry)
    }

    /// Opens the present segment where its last entry ended; where that was taken back, behind the last that still stands.
    fn reopen(&mut self) -> Result<(), SegmentError> {
        let path = self.path_of(self.segment);
        if let Some(last) = self.read.back()
            && self.end_of(&path, last)?.is_none()
        {
            self.go_back(&path)?;
        }
        let file = self.files.open_read(&path).map_err(|error| SegmentError::io("open", &path, error))?;
        let mut reader = SegmentReader::new(&path, Owned { file, offset: 0 })?;
        if self.offset.bytes() > HEADER_BYTES as u64
            && let Some(header) = reader.header().cloned()
        {
            let file = self.files.open_read(&path).map_err(|error| SegmentError::io("open", &path, error))?;
            reader = SegmentReader::resume(&path, Owned { file, offset: self.offset.bytes() }, header, self.offset);
        } else if self.offset.bytes() > 0 {
            // Its header is damaged: what was read is read again.
            while reader.offset() < self.offset && reader.next_entry()?.is_some() {}
        }
        self.open = Some(reader);
        Ok(())
    }

    /// Goes back behind the last record that still stands.
    fn go_back(&mut self, path: &Path) -> Result<(), SegmentError> {
        let (mut stand, mut gone) = (0, self.read.len());
        // What is taken back is the end: all before it stand.
        while stand < gone {
            let middle = stand + (gone - stand) / 2;
            match self.read.get(middle).map(|read| self.end_of(path, read)).transpose()?.flatten() {
                Some(_) => stand = middle + 1,
                None => gone = middle,
            }
        }
        self.read.truncate(stand);
        (self.offset, self.last) = match self.read.back() {
            Some(last) => (self.end_of(path, last)?.unwrap_or(Offset::new(0)), last.sequence),
            None => (Offset::new(0), self.before),
        };
        Ok(())
    }

    /// Where a record that was read ends, if it still stands where it stood. Being erased is no difference.
    fn end_of(&self, path: &Path, read: &Read) -> Result<Option<Offset>, SegmentError> {
        let open = || self.files.open_read(path).map_err(|error| SegmentError::io("open", path, error));
        let Some(header) = SegmentReader::new(path, Owned { file: open()?, offset: 0 })?.header().cloned() else {
            return Ok(Some(self.offset));
        };
        let mut reader = SegmentReader::resume(path, Owned { file: open()?, offset: read.offset.bytes() }, header, read.offset);
        let stands = match reader.next_entry()? {
            Some(Entry::Record(record)) => record.offset() == read.offset && crc32c::crc32c(record.payload()) == read.checksum,
            Some(Entry::Erased(record)) => record.offset() == read.offset,
            Some(Entry::Damage(_)) | None => false,
        };
        Ok(stands.then(|| reader.offset()))
    }

    /// What is left of a segment that nothing is added to any more.
    fn rest(&self) -> Result<Option<Damage>, SegmentError> {
        let path = self.path_of(self.segment);
        let size = match self.files.open_read(&path).and_then(|file| file.bytes()) {
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SegmentError::io("read", &path, error)),
        };
        let offset = Offset::new(self.offset.bytes().max(HEADER_BYTES as u64));
        let bytes = size.saturating_sub(offset.bytes());
        Ok((bytes > 0).then_some(Damage { offset, bytes, kind: DamageKind::Tail }))
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.path.join(file_name(number, SegmentKind::JOURNAL))
    }
}

/// Where a journal ends, and how old it is.
pub(super) struct Survey {
    /// The last sequence number.
    pub(super) last: u64,
    /// The newest time.
    pub(super) newest: u64,
    /// Each segment with the time of its first record.
    pub(super) segments: VecDeque<(u64, u64)>,
}

/// Finds out where a journal ends and how old its segments are.
pub(super) fn survey<F: FileSystem>(files: &F, path: &Path) -> Result<Survey, SpoolError> {
    let (mut last, mut newest, mut segments) = (0, 0, VecDeque::new());
    let numbers = numbers(files, path)?;
    for (index, &number) in numbers.iter().enumerate() {
        let path = path.join(file_name(number, SegmentKind::JOURNAL));
        let file = files.open_read(&path).map_err(|error| SegmentError::io("open", &path, error))?;
        let mut reader = SegmentReader::new(&path, Owned { file, offset: 0 })?;
        // Of the last two all is read, of others the first record that can be: there is the time.
        let whole = index + 2 >= numbers.len();
        let mut first = None;
        while let Some(entry) = reader.next_entry()? {
            let Entry::Record(record) = entry else { continue };
            last = last.max(sequence(record.payload()).unwrap_or_default());
            if first.is_none() || whole {
                let time = JournalRecord::decode(record.record_type(), record.payload()).map(|(_, record)| record.time);
                newest = newest.max(time.unwrap_or_default());
                first = first.or(time);
            }
            if first.is_some() && !whole {
                break;
            }
        }
        // One of which no time is known stays as long as the one behind it.
        segments.push_back((number, first.unwrap_or(newest)));
    }
    Ok(Survey { last, newest, segments })
}

fn numbers<F: FileSystem>(files: &F, path: &Path) -> Result<Vec<u64>, SegmentError> {
    directory::numbers(files, path, SegmentKind::JOURNAL).map_err(|error| SegmentError::io("read", path, error))
}

/// A file, read from some place on.
#[derive(Debug)]
struct Owned<S> {
    file: S,
    offset: u64,
}

impl<S: StoredFile> io::Read for Owned<S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.offset, bytes)?;
        self.offset += read as u64;
        Ok(read)
    }
}
