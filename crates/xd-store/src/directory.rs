//! A directory of numbered segments: `000001.xdc`, `000002.xdc`, … One process at a time writes to it, any number read.
//!
//! A new segment begins when the present one has reached its size, when its label is another, or when its header is damaged. Where it
//! cannot, for want of descriptors or room, the present one grows beyond its size until it can.
//! Names follow from the order of writing alone.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{SYNC, SegmentError};
use crate::file_system::{FileSystem, OsFileSystem, StoredDirectory, create_dirs};
use crate::segment::{
    self, Damage, DamageKind, Erasure, HEADER_BYTES, LABEL_MAX, Offset, RecordType, Recovery, SegmentHeader, SegmentKind,
    SegmentWriter,
};

/// What the segments of a directory are like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SegmentDirOptions {
    /// What the records are about.
    pub kind: SegmentKind,
    /// What is written into the header of each new segment; at most [`LABEL_MAX`] bytes.
    pub label: Vec<u8>,
    /// After how many bytes the next segment begins; 64 MiB. A single record may be longer.
    pub roll_bytes: u64,
}

/// Writes to a directory of segments, and holds its lock.
///
/// # Example: which files are written?
/// ```
/// use xd_store::{FileSystem, RecordType, SegmentDir, SegmentDirOptions, SegmentKind, simulated::Disk};
///
/// let disk = Disk::new();
/// let options = SegmentDirOptions { roll_bytes: 1_000, ..SegmentDirOptions::new(SegmentKind::CAPSULES) };
/// let (mut directory, _) = SegmentDir::open(&disk, "/capsules", options)?;
/// for _ in 0..5 {
///     directory.append(RecordType::new(1), &[7; 400])?;
/// }
/// directory.sync()?;
/// assert_eq!(disk.list("/capsules".as_ref()).unwrap(), ["000001.xdc", "000002.xdc", "000003.xdc", "lock"]);
/// # Ok::<(), xd_store::SegmentError>(())
/// ```
#[derive(Debug)]
pub struct SegmentDir<F: FileSystem = OsFileSystem> {
    files: F,
    path: PathBuf,
    options: SegmentDirOptions,
    /// Kept open: a new name must be made durable however few descriptors are left.
    directory: F::Directory,
    active: Option<SegmentWriter<F>>,
    /// The number of the next segment.
    next: u64,
    _lock: F::Lock,
}

/// Where a record stands in a directory of segments.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The number of its segment, in name and header alike.
    pub segment: u64,
    /// Where it begins there.
    pub offset: Offset,
}

impl SegmentDirOptions {
    /// Segments of this kind, without label, of the usual size.
    #[must_use]
    pub fn new(kind: SegmentKind) -> Self {
        Self { kind, label: Vec::new(), roll_bytes: 64 << 20 }
    }
}

impl<F: FileSystem> SegmentDir<F> {
    /// Opens a directory, which is created where it is missing, to go on behind the last record of its last segment. Says
    /// what was found there if it was not all in order.
    ///
    /// # Errors
    /// Another process holds its lock, it cannot be read or written, or its last segment is of another kind or version, or by
    /// its header another one than by its name.
    pub fn open(
        files: &F,
        path: impl Into<PathBuf>,
        options: SegmentDirOptions,
    ) -> Result<(Self, Option<Recovery>), SegmentError> {
        let path = path.into();
        if options.label.len() > LABEL_MAX {
            return Err(SegmentError::Label { bytes: options.label.len() });
        }
        create_dirs(files, &path).map_err(|error| SegmentError::io("create", &path, error))?;
        let lock = path.join(LOCK);
        let locked = files.lock(&lock).map_err(|error| SegmentError::io("lock", &lock, error))?;
        let locked = locked.ok_or(SegmentError::Locked { path: lock })?;

        let last = numbers(files, &path, options.kind).map_err(|error| SegmentError::io("read", &path, error))?.pop();
        let next = last.map_or(1, |last| last + 1);
        let handle = files.open_dir(&path).map_err(|error| SegmentError::io("open", &path, error))?;
        let mut directory = Self { files: files.clone(), path, options, directory: handle, active: None, next, _lock: locked };
        let Some(last) = last else { return Ok((directory, None)) };
        let name = directory.path_of(last);
        // Before anything of it is changed.
        match SegmentWriter::open_if(files, &name, |header| directory.belongs(last, header)) {
            Ok((writer, recovery)) => {
                directory.active = Some(writer);
                let told = !recovery.damages.is_empty() || recovery.erased > 0;
                Ok((directory, told.then_some(recovery)))
            }
            // It stays as it is, for readers, and the next one begins.
            Err(SegmentError::Header { .. }) => {
                let damage = Damage { offset: Offset::new(0), bytes: HEADER_BYTES as u64, kind: DamageKind::Header };
                Ok((directory, Some(Recovery { path: name, damages: vec![damage], ..Recovery::default() })))
            }
            Err(error) => Err(error),
        }
    }

    /// Adds a record, as it is. It is durable after the next [`SegmentDir::sync`].
    ///
    /// # Errors
    /// The payload is longer than [`PAYLOAD_MAX`](crate::PAYLOAD_MAX), or the disk failed.
    pub fn append(&mut self, record_type: RecordType, payload: &[u8]) -> Result<Place, SegmentError> {
        let writer = self.writer(payload.len())?;
        Ok(Place { segment: writer.header().number(), offset: writer.append(record_type, payload)? })
    }

    /// Adds a record, compressed if that makes it shorter.
    ///
    /// # Errors
    /// As [`SegmentDir::append`].
    pub fn append_compressed(&mut self, record_type: RecordType, payload: &[u8]) -> Result<Place, SegmentError> {
        // Its length is not known yet; a segment may end a little early.
        let writer = self.writer(payload.len())?;
        Ok(Place { segment: writer.header().number(), offset: writer.append_compressed(record_type, payload)? })
    }

    /// Adds a record whose payload is these parts, one after another, to the present segment, however full it is: where
    /// the next one begins is up to [`SegmentDir::prepare`].
    ///
    /// # Errors
    /// As [`SegmentDir::append`].
    pub fn append_parts(&mut self, record_type: RecordType, parts: &[&[u8]]) -> Result<Place, SegmentError> {
        let writer = match &mut self.active {
            Some(writer) => writer,
            None => self.writer(0)?,
        };
        Ok(Place { segment: writer.header().number(), offset: writer.append_parts(record_type, parts)? })
    }

    /// Begins the next segment if the present one has no room for a payload of this length. Whether it did: the next record
    /// is the first in its segment. Where the next cannot begin now, since no descriptor is left or no room, the present one goes on.
    ///
    /// # Errors
    /// The disk failed; or something is used up and there is no present one, or it has grown for as long as offsets last.
    pub fn prepare(&mut self, payload: usize) -> Result<bool, SegmentError> {
        self.writer(payload).map(|writer| writer.is_empty())
    }

    /// Makes all records durable.
    ///
    /// # Errors
    /// The disk failed. What was appended since the last sync may or may not be there when the directory is opened anew.
    pub fn sync(&mut self) -> Result<(), SegmentError> {
        self.active.as_mut().map_or(Ok(()), SegmentWriter::sync)
    }

    /// Erases a record, durably, in whichever segment it stands.
    ///
    /// # Errors
    /// As [`erase`](crate::erase), or the segment is by its header another one than by its name.
    pub fn erase(&mut self, place: Place) -> Result<Erasure, SegmentError> {
        // The record may still wait to be written.
        self.sync()?;
        let path = self.path_of(place.segment);
        segment::erase_if(&self.files, &path, place.offset, |header| self.belongs(place.segment, header))
    }

    /// Removes a segment, durably. The one that is written to stays.
    ///
    /// # Errors
    /// It is the last, or the disk failed.
    pub fn remove(&mut self, segment: u64) -> Result<(), SegmentError> {
        let path = self.closed(segment)?;
        self.files.remove_file(&path).map_err(|error| SegmentError::io("remove", &path, error))?;
        self.directory.sync().map_err(|error| SegmentError::io(SYNC, &self.path, error))
    }

    /// Gives a segment a name by which no reader takes it for one, durably, so that its damage can be looked at.
    ///
    /// # Errors
    /// It is the last, or the disk failed.
    pub fn set_aside(&mut self, segment: u64) -> Result<PathBuf, SegmentError> {
        let path = self.closed(segment)?;
        let aside = path.with_extension(format!("{}.damaged", self.options.kind.extension()));
        self.files.rename(&path, &aside).map_err(|error| SegmentError::io("rename", &path, error))?;
        self.directory.sync().map_err(|error| SegmentError::io(SYNC, &self.path, error))?;
        Ok(aside)
    }

    /// The number of the segment that is written to, and its bytes, those that wait included.
    #[must_use]
    pub fn active(&self) -> Option<(u64, u64)> {
        self.active.as_ref().map(|writer| (writer.header().number(), writer.offset().bytes()))
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next record will stand in the present segment.
    pub(crate) fn position(&self) -> Option<Place> {
        self.active.as_ref().map(|writer| Place { segment: writer.header().number(), offset: writer.offset() })
    }

    /// Takes back what was added behind a position since the last sync.
    ///
    /// # Errors
    /// Another segment has begun since, or the file cannot be cut; nothing can be added then.
    pub(crate) fn take_back(&mut self, to: Option<Place>) -> Result<(), SegmentError> {
        match (&mut self.active, to) {
            (Some(writer), Some(to)) if writer.header().number() == to.segment => writer.take_back(to.offset),
            (None, None) => Ok(()),
            _ => Err(SegmentError::Broken { path: self.path.clone() }),
        }
    }

    /// The segment to write a payload of this length to.
    fn writer(&mut self, payload: usize) -> Result<&mut SegmentWriter<F>, SegmentError> {
        let bytes = |writer: &SegmentWriter<F>| writer.offset().bytes().saturating_add(payload as u64);
        let fits = match &mut self.active {
            Some(writer) if writer.header().label() != self.options.label => Some(false),
            Some(writer) => Some(bytes(writer) <= self.options.roll_bytes || writer.is_empty()),
            None => None,
        };
        if fits != Some(true) {
            if let Some(writer) = &mut self.active {
                // Segments are durable in their order. A writer that failed stays, and refuses.
                writer.sync()?;
            }
            match self.begin_next() {
                Ok(writer) => self.active = Some(writer),
                // It is tried again with the next record.
                Err(error) if error.is_shortage() => match &self.active {
                    Some(writer) if writer.header().label() == self.options.label && bytes(writer) <= GROWN_MAX => {}
                    _ => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
        // There is one by now.
        self.active.as_mut().ok_or_else(|| SegmentError::Broken { path: self.path.clone() })
    }

    fn begin_next(&mut self) -> Result<SegmentWriter<F>, SegmentError> {
        let header = SegmentHeader::new(self.options.kind, self.next, &self.options.label);
        let header = header.ok_or(SegmentError::Label { bytes: self.options.label.len() })?;
        let path = self.path_of(self.next);
        let writer = SegmentWriter::create_in(&self.files, &mut self.directory, path, &header)?;
        self.next += 1;
        Ok(writer)
    }

    /// Whether the segment with this number in its name is of this directory, and has it in its header too.
    fn belongs(&self, number: u64, header: &SegmentHeader) -> Result<(), SegmentError> {
        let path = || self.path_of(number);
        if header.kind() != self.options.kind {
            return Err(SegmentError::Kind { path: path(), found: header.kind() });
        }
        if header.number() != number {
            return Err(SegmentError::Number { path: path(), found: header.number() });
        }
        Ok(())
    }

    /// The path of a segment that nothing is added to any more.
    fn closed(&self, segment: u64) -> Result<PathBuf, SegmentError> {
        let path = self.path_of(segment);
        match self.active() {
            Some((active, _)) if active == segment => Err(SegmentError::io("remove", &path, io::ErrorKind::ResourceBusy.into())),
            _ => Ok(path),
        }
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.path.join(segment::file_name(number, self.options.kind))
    }
}

/// The segments to read: those of a directory in order, or the one file that the path names.
///
/// # Errors
/// The directory cannot be read. Whether a file can be is seen when it is opened.
pub fn segment_files<F: FileSystem>(files: &F, path: impl AsRef<Path>, kind: SegmentKind) -> Result<Vec<PathBuf>, SegmentError> {
    let path = path.as_ref();
    let list = || match files.is_dir(path)? {
        true => Ok(numbers(files, path, kind)?.into_iter().map(|number| path.join(segment::file_name(number, kind))).collect()),
        false => Ok(vec![path.to_owned()]),
    };
    list().map_err(|error| SegmentError::io("read", path, error))
}

const LOCK: &str = "lock";
/// How far a segment grows at most while the next cannot begin. Whoever keeps offsets in 32 bits has room for a long commit behind it.
const GROWN_MAX: u64 = 2 << 30;

/// The numbers of the segments in a directory, in order.
pub(crate) fn numbers<F: FileSystem>(files: &F, path: &Path, kind: SegmentKind) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = files.list(path)?.iter().filter_map(|name| segment::number_in(name, kind)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
