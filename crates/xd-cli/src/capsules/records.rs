//! The records of capsule files, one after another, in flat memory.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xd_core::capsule::Capsule;
use xd_store::{Damage, Entry, Offset, OsFileSystem, SegmentError, SegmentHeader, SegmentKind, SegmentReader, segment_files};

use super::CAPSULE;
use crate::failure::{Failure, reason};
use crate::stop;

/// The capsules that arguments name: files, and directories of `NNNNNN.xdc`, in their order.
///
/// As an iterator it gives them decoded. Damage is an item too; reading goes on behind it.
#[derive(Debug)]
pub(crate) struct Records {
    files: Vec<Arc<Path>>,
    waiting: VecDeque<Arc<Path>>,
    current: Option<(Arc<Path>, SegmentReader<File>)>,
    /// The bytes of the files that were read to their end.
    behind: u64,
    sample: Option<Sample>,
    buffer: Vec<u8>,
}

/// What stands at one place.
#[derive(Debug)]
pub(crate) enum Found {
    Capsule(Origin, Box<Capsule>),
    /// A capsule that was erased.
    Erased(Origin),
    Trouble(Trouble),
}

/// Where a capsule stands.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Origin {
    pub(crate) file: Arc<Path>,
    pub(crate) offset: Offset,
}

/// What could not be read: the file, and what is wrong in it at which offset.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) file: Arc<Path>,
    pub(crate) why: String,
    /// What the store says of it, where the bytes are no record.
    pub(crate) damage: Option<Damage>,
}

/// What a step forward found; the bytes of a capsule are in the buffer.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Record(Origin),
    Erased(Origin),
    Trouble(Trouble),
}

/// So many of all capsules, spread evenly: always the same ones.
#[derive(Clone, Copy, Debug)]
struct Sample {
    wanted: u64,
    all: u64,
    seen: u64,
}

impl Records {
    /// The capsules of these files and directories. Whether a file can be read is seen when its turn comes.
    pub(crate) fn try_new(arguments: &[PathBuf]) -> Result<Self, Failure> {
        let mut files: Vec<Arc<Path>> = Vec::new();
        for argument in arguments {
            // A path that is not there is a slip of the pen: better said before a long run than behind it.
            argument.metadata().map_err(|error| Failure::operator(format!("{}: {}", argument.display(), reason(&error))))?;
            let found = segment_files(&OsFileSystem, argument, SegmentKind::CAPSULES);
            let found = found.map_err(|error| Failure::operator(told(&error)))?;
            if found.is_empty() {
                return Err(Failure::operator(format!("{}: no capsules (NNNNNN.xdc) in this directory", argument.display())));
            }
            files.extend(found.into_iter().map(Arc::from));
        }
        Ok(Self::of(files))
    }

    /// Only so many of them, spread evenly over all. Counts them first, unless an interrupt comes: then there are none.
    pub(crate) fn sampled(mut self, wanted: u64) -> Self {
        let mut all = Self::of(self.files.clone());
        let (mut count, mut buffer) = (0, Vec::new());
        while let Some(step) = all.step(&mut buffer) {
            count += u64::from(matches!(step, Step::Record(_)));
            buffer.clear();
            if stop::asked() {
                self.waiting.clear();
                break;
            }
        }
        self.sample = Some(Sample { wanted, all: count, seen: 0 });
        self
    }

    fn of(files: Vec<Arc<Path>>) -> Self {
        Self { waiting: files.iter().cloned().collect(), files, current: None, behind: 0, sample: None, buffer: Vec::new() }
    }

    /// The files, in their order.
    pub(crate) fn files(&self) -> &[Arc<Path>] {
        &self.files
    }

    /// The bytes of all files, as long as they are now.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
    }

    /// How many of these were read.
    pub(super) fn reached(&self) -> u64 {
        self.behind + self.current.as_ref().map_or(0, |(_, reader)| reader.offset().bytes())
    }

    /// The label of the segment in which the last item stands: by what the key of its pseudonyms is known.
    pub(super) fn label(&self) -> Option<&[u8]> {
        self.current.as_ref()?.1.header().map(SegmentHeader::label)
    }

    /// Goes to the next record or the next trouble. The bytes of a capsule are added to the buffer.
    pub(super) fn step(&mut self, buffer: &mut Vec<u8>) -> Option<Step> {
        loop {
            let Some((file, reader)) = &mut self.current else {
                let file = self.waiting.pop_front()?;
                match open(&file) {
                    Ok(reader) => self.current = Some((file, reader)),
                    Err(why) => return Some(Step::Trouble(Trouble { file, why, damage: None })),
                }
                continue;
            };
            let origin = |offset| Origin { file: Arc::clone(file), offset };
            let trouble = |why| Some(Step::Trouble(Trouble { file: Arc::clone(file), why, damage: None }));
            match reader.next_entry() {
                Ok(Some(Entry::Record(record))) if record.record_type() == CAPSULE => {
                    if self.sample.as_mut().is_none_or(Sample::takes) {
                        buffer.extend_from_slice(record.payload());
                        return Some(Step::Record(origin(record.offset())));
                    }
                }
                Ok(Some(Entry::Record(record))) => {
                    let code = record.record_type().code();
                    return trouble(format!("a record of the unknown type {code} at offset {}", record.offset()));
                }
                Ok(Some(Entry::Erased(record))) => return Some(Step::Erased(origin(record.offset()))),
                Ok(Some(Entry::Damage(damage))) => {
                    let (file, why) = (Arc::clone(file), damage.to_string());
                    return Some(Step::Trouble(Trouble { file, why, damage: Some(damage) }));
                }
                Ok(None) => {
                    self.behind += reader.offset().bytes();
                    self.current = None;
                }
                Err(error) => {
                    let step = trouble(format!("{} at offset {}", told_of_file(&error), reader.offset()));
                    self.behind += reader.offset().bytes();
                    self.current = None;
                    return step;
                }
            }
        }
    }
}

impl Iterator for Records {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let found = self.step(&mut buffer).map(|step| step.found(&buffer));
        self.buffer = buffer;
        found
    }
}

impl Step {
    /// What was found, with the capsule that these bytes are.
    pub(super) fn found(self, bytes: &[u8]) -> Found {
        match self {
            Self::Erased(origin) => Found::Erased(origin),
            Self::Record(origin) => match Capsule::decode(bytes) {
                Ok(capsule) => Found::Capsule(origin, Box::new(capsule)),
                Err(error) => Found::Trouble(origin.trouble(&error)),
            },
            Self::Trouble(trouble) => Found::Trouble(trouble),
        }
    }
}

impl Origin {
    /// What is wrong with the capsule there.
    pub(crate) fn trouble(&self, why: &dyn fmt::Display) -> Trouble {
        Trouble { file: Arc::clone(&self.file), why: format!("the capsule at offset {}: {why}", self.offset), damage: None }
    }
}

impl Trouble {
    /// The file, as it is shown.
    pub(crate) fn path(&self) -> String {
        self.file.display().to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.file.display(), self.offset)
    }
}

impl Sample {
    /// Whether the next one is taken.
    fn takes(&mut self) -> bool {
        let taken = |seen: u64| u128::from(seen) * u128::from(self.wanted.min(self.all)) / u128::from(self.all.max(1));
        let takes = taken(self.seen + 1) > taken(self.seen);
        self.seen += 1;
        takes
    }
}

fn open(file: &Path) -> Result<SegmentReader<File>, String> {
    let reader = SegmentReader::open(file).map_err(|error| told_of_file(&error))?;
    match reader.header().map(|header| header.kind()) {
        Some(kind) if kind != SegmentKind::CAPSULES => Err(format!("expected capsules, found another segment: {kind}")),
        // Of a damaged header, the reader tells.
        _ => Ok(reader),
    }
}

/// What an error of the store says, in the words that other commands use.
pub(crate) fn told(error: &SegmentError) -> String {
    match error {
        SegmentError::Io { operation, path, source } => format!("cannot {operation} {}: {}", path.display(), reason(source)),
        _ => error.to_string(),
    }
}

/// The same where the file is named before.
fn told_of_file(error: &SegmentError) -> String {
    match error {
        SegmentError::Io { operation, source, .. } => format!("cannot {operation} it: {}", reason(source)),
        SegmentError::Version { version, .. } => {
            format!("version {version} of the segment format, this program reads {}", xd_store::FORMAT_VERSION)
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_evenly_and_as_many_as_wanted() {
        let taken = |wanted, all| {
            let mut sample = Sample { wanted, all, seen: 0 };
            (0..all).filter(|_| sample.takes()).collect::<Vec<_>>()
        };
        assert_eq!(taken(2, 10), [4, 9]);
        assert_eq!(taken(3, 10), [3, 6, 9]);
        assert_eq!(taken(20, 3), [0, 1, 2]);
        assert_eq!(taken(0, 3), [0; 0]);
        assert_eq!(taken(5, 0), [0; 0]);
    }
}
