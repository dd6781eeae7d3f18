//! Reads all segments of a spool and finds out which messages are not done: at the start, and for whoever looks at one from
//! outside.
//!
//! Contents are passed over by their length, unread. If a length were wrong, records would be missing; they are numbered, so
//! that is noticed, and the segment is read byte by byte from the last record that was right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::index::{self, Index, Located, States};
use super::record::{self, BEGIN, CHUNK, MARK, MESSAGE, SpoolRecord, Undecoded};
use super::{QueueId, SpoolError};
use crate::error::SegmentError;
use crate::file_system::{FileSystem, Sequential, StoredFile};
use crate::segment::{
    Damage, DamageKind, Entry, HEADER_BYTES, Offset, RecordType, SegmentFile, SegmentKind, SegmentReader, Skim, Skimmer,
    file_name,
};
use crate::{Place, directory};

/// What the records of a spool add up to.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    pub(crate) index: Index,
    /// The number of the next record.
    pub(crate) next: u64,
    pub(crate) last_id: u64,
    pub(crate) missing: u64,
    pub(crate) damages: Vec<(PathBuf, Damage)>,
    /// The messages written by the last commit, and where they stood before.
    pub(crate) last: BTreeMap<QueueId, Option<index::Entry>>,
    /// The number of its first record.
    commit: u64,
    /// Whether any record was taken: the first may have any number.
    begun: bool,
    /// The segment before the present one, if it was skimmed, and where its last record ends.
    before: Option<(u64, Offset)>,
}

/// How a segment is to be read. The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trust {
    /// Byte by byte; another process may be writing at its end.
    Growing,
    /// Byte by byte.
    Nothing,
    /// By its lengths.
    Lengths,
}

enum Taken {
    /// Its number is not the next.
    Gap,
    Whole,
    /// It says nothing that is known.
    Unreadable,
}

/// How many damages are listed; the rest is the same story.
const DAMAGES_MAX: usize = 1_000;

impl Fold {
    /// All segments of a directory, in order.
    pub(crate) fn read<F: FileSystem>(files: &F, path: &Path, trust: impl Fn(u64, bool) -> Trust) -> Result<Self, SpoolError> {
        let numbers =
            directory::numbers(files, path, SegmentKind::SPOOL).map_err(|error| SegmentError::io("read", path, error))?;
        let mut fold = Self::default();
        for &number in &numbers {
            fold.segment(files, path, number, trust(number, numbers.last() == Some(&number)))?;
        }
        Ok(fold)
    }

    fn segment<F: FileSystem>(&mut self, files: &F, above: &Path, number: u64, trust: Trust) -> Result<(), SpoolError> {
        let path = path_of(above, number);
        let before = self.before.take();
        let segment = match SegmentFile::open(files, &path) {
            Ok(segment) => segment,
            Err(SegmentError::Header { .. }) => return self.hopeless(files, &path, number, DamageKind::Header),
            Err(error) => return Err(error.into()),
        };
        match segment.header() {
            Some(header) if header.kind() != SegmentKind::SPOOL => {
                return Err(SegmentError::Kind { path, found: header.kind() }.into());
            }
            Some(header) if header.number() != number => {
                let kind = DamageKind::Misnamed { number: header.number() };
                return self.hopeless(files, &path, number, kind);
            }
            _ => {}
        }
        self.index.set_bytes(number, segment.file().bytes().map_err(|error| SegmentError::io("read", &path, error))?);
        let mut sure = Offset::new(HEADER_BYTES as u64);
        if trust == Trust::Lengths && segment.header().is_some() {
            let mut skimmer = Skimmer::new(&segment)?;
            loop {
                match skimmer.next(|record_type| record_type != CHUNK)? {
                    Skim::End => {
                        self.before = Some((number, sure));
                        return Ok(());
                    }
                    Skim::Doubt => break,
                    Skim::Record(offset, record_type) => {
                        let place = Place { segment: number, offset };
                        let mut taken = self.take(&path, place, record_type, skimmer.payload(), true)?;
                        if let (Taken::Gap, Some((before, sure)), true) = (&taken, before, sure.bytes() == HEADER_BYTES as u64) {
                            // Its last records may have been passed over.
                            self.carefully(files, above, before, sure, false)?;
                            taken = self.take(&path, place, record_type, skimmer.payload(), true)?;
                        }
                        match taken {
                            Taken::Whole => sure = skimmer.offset(),
                            Taken::Gap | Taken::Unreadable => break,
                        }
                    }
                }
            }
        }
        self.carefully(files, above, number, sure, trust == Trust::Growing)
    }

    /// Reads a segment byte by byte, and takes what stands from an offset on.
    fn carefully<F: FileSystem>(
        &mut self,
        files: &F,
        above: &Path,
        number: u64,
        from: Offset,
        growing: bool,
    ) -> Result<(), SpoolError> {
        let path = path_of(above, number);
        let file = files.open_read(&path).map_err(|error| SegmentError::io("open", &path, error))?;
        let mut reader = SegmentReader::new(&path, Sequential { file: &file, offset: 0 })?;
        while let Some(entry) = reader.next_entry()? {
            match entry {
                Entry::Record(record) if record.record_type() == CHUNK || record.offset() < from => {}
                Entry::Record(record) => {
                    let place = Place { segment: number, offset: record.offset() };
                    if let Taken::Unreadable = self.take(&path, place, record.record_type(), record.payload(), false)? {
                        let bytes = record.payload().len() as u64;
                        self.note(&path, number, Damage { offset: record.offset(), bytes, kind: DamageKind::Content });
                    }
                }
                Entry::Erased(_) => {}
                // It has not been written yet.
                Entry::Damage(damage) if damage.kind == DamageKind::Tail && growing => {}
                Entry::Damage(damage) => self.note(&path, number, damage),
            }
        }
        Ok(())
    }

    /// What a record says. A `strict` one is taken only if its number is the next.
    fn take(
        &mut self,
        path: &Path,
        place: Place,
        record_type: RecordType,
        payload: &[u8],
        strict: bool,
    ) -> Result<Taken, SpoolError> {
        let (number, commit) = match record::numbers(payload) {
            Ok(numbers) if [BEGIN, MESSAGE, MARK].contains(&record_type) => numbers,
            Err(Undecoded::Malformed) => return Ok(Taken::Unreadable),
            _ => return Err(SpoolError::Version { path: path.to_owned() }),
        };
        if self.begun && number != self.next {
            if strict {
                return Ok(Taken::Gap);
            }
            // What is older than what was read stands there twice.
            if number < self.next {
                return Ok(Taken::Whole);
            }
            self.missing += number - self.next;
        }
        let said = record::decode(record_type, payload);
        if strict && said.is_err() {
            return Ok(Taken::Unreadable);
        }
        self.begun = true;
        self.next = number.saturating_add(1);
        if commit > self.commit {
            self.commit = commit;
            self.last.clear();
        }
        match said {
            Ok(SpoolRecord::Begin { last_id }) => self.last_id = self.last_id.max(last_id),
            Ok(SpoolRecord::Message { queued, chunks }) => {
                let id = queued.message.id;
                self.last_id = self.last_id.max(id.number());
                if queued.message.is_live() {
                    let first = chunks.iter().map(|chunk| chunk.segment).find(|&segment| segment > 0).unwrap_or(place.segment);
                    let bytes = message_bytes(queued.message.bytes, payload.len(), chunks.len());
                    let before = self.index.get(id).cloned();
                    self.last.entry(id).or_insert(before);
                    self.index.insert(id, &Located { record: place, first, bytes }, States::of(&queued.message));
                } else {
                    self.index.remove(id);
                }
            }
            Ok(SpoolRecord::Mark { id, marks }) => {
                // It may be about a message that is done and gone.
                self.index.mark(id, &marks, place);
                if let Some(Some(before)) = self.last.get_mut(&id) {
                    marks.iter().for_each(|mark| before.apply(mark, place));
                }
            }
            Err(Undecoded::Malformed) => return Ok(Taken::Unreadable),
            Err(Undecoded::Version) => return Err(SpoolError::Version { path: path.to_owned() }),
        }
        Ok(Taken::Whole)
    }

    /// A segment of which nothing is read.
    fn hopeless<F: FileSystem>(&mut self, files: &F, path: &Path, number: u64, kind: DamageKind) -> Result<(), SpoolError> {
        let bytes = files.open_read(path).and_then(|file| file.bytes());
        let bytes = bytes.map_err(|error| SegmentError::io("read", path, error))?;
        self.index.set_bytes(number, bytes);
        self.note(path, number, Damage { offset: Offset::new(0), bytes, kind });
        Ok(())
    }

    fn note(&mut self, path: &Path, number: u64, damage: Damage) {
        self.index.set_damaged(number);
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push((path.to_owned(), damage));
        }
    }
}

/// About how many bytes of disk a message takes.
pub(crate) fn message_bytes(content: u64, record: usize, chunks: usize) -> u64 {
    content + record as u64 + 24 * (chunks as u64 + 1)
}

pub(crate) fn path_of(above: &Path, number: u64) -> PathBuf {
    above.join(file_name(number, SegmentKind::SPOOL))
}
