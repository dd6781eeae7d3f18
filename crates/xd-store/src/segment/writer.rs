//! Appends records to one segment.
//!
//! Steps by which a segment begins:
//! 1. a file beside it, its name ending in `.new`, is written: the header; 2. it is synced; 3. it gets its name; 4. the
//!    directory is synced. A crash before 3 leaves a `.new` without records, which the next attempt replaces.
//!
//! Steps by which records are added: 1. they gather in memory; 2. they are written, when 256 KiB are full or at
//! [`SegmentWriter::sync`]; 3. the file is synced. Only after 3 are they durable.
//!
//! Steps by which a segment is opened again: 1. all of it is read; 2. erasures that were begun are finished; 3. if its end is
//! torn, those bytes are written to a file beside it, its name ending in `.torn.new`, 4. which is synced, 5. gets the first
//! free name that says where they stood, and the directory is synced; 6. then they are cut off, 7. and the file is synced. A
//! crash between any two leaves what the next opening starts from again; one behind 5 is known from equal bytes under such
//! a name, which are not kept twice. Damage with readable records behind it stays where it is.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::codec::Packer;
use super::frame::{self, Codec};
use super::header::HEADER_BYTES;
use super::reader::{Damage, DamageKind, Entry, SegmentReader};
use super::{Offset, PAYLOAD_MAX, RecordType, SegmentHeader, erase};
use crate::error::{SYNC, SegmentError};
use crate::file_system::{FileSystem, Sequential, StoredDirectory, StoredFile};

/// Appends records to a segment and makes them durable when told to.
///
/// What was not synced may be lost, even when the writer is dropped in good order. After a failed call nobody knows what is on
/// disk, so all further calls fail as well, until the segment is opened anew. Only where something was used up
/// ([`SegmentError::is_shortage`]) they may be made again: earlier records that could not be written wait, the one whose call failed is not among them.
#[derive(Debug)]
pub struct SegmentWriter<F: FileSystem> {
    path: PathBuf,
    file: F::File,
    header: SegmentHeader,
    salt: u32,
    /// Bytes of the file.
    written: u64,
    /// Records that follow them.
    waiting: Vec<u8>,
    /// Whether anything was written since the file was synced.
    unsynced: bool,
    /// Whether there may be more in the file than is written: a part of what waits.
    ragged: bool,
    broken: bool,
    packer: Packer,
}

/// What was found when a segment was opened for appending.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovery {
    /// The segment.
    pub path: PathBuf,
    /// Records that can be read, erased ones included.
    pub records: u64,
    /// Damage, in order; a torn end is the last. At most [`Recovery::DAMAGES_MAX`] of them are kept.
    pub damages: Vec<Damage>,
    /// Where the bytes of a torn end are kept now.
    pub kept: Option<PathBuf>,
    /// Erasures that had been begun, and are finished now.
    pub erased: u64,
}

impl<F: FileSystem> SegmentWriter<F> {
    /// Begins a segment. Its header is durable when this returns.
    ///
    /// # Errors
    /// The file exists already, or cannot be written.
    pub fn create(files: &F, path: impl Into<PathBuf>, header: &SegmentHeader) -> Result<Self, SegmentError> {
        let path = path.into();
        let above = path.parent().unwrap_or_else(|| Path::new(""));
        let mut directory = files.open_dir(above).map_err(|error| SegmentError::io("open", above, error))?;
        Self::create_in(files, &mut directory, path, header)
    }

    /// The same in a directory that is open. Where it fails for a shortage, no segment has begun.
    pub(crate) fn create_in(
        files: &F,
        directory: &mut F::Directory,
        path: PathBuf,
        header: &SegmentHeader,
    ) -> Result<Self, SegmentError> {
        // Renaming would replace it.
        match files.open_read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(SegmentError::io("create", &path, error)),
            Ok(_) => return Err(SegmentError::io("create", &path, io::ErrorKind::AlreadyExists.into())),
        }
        let (bytes, salt) = header.encode();
        // 1, 2.
        let new = beside(&path, ".new");
        let file = write_file(files, &new, |file| file.write_at(0, &bytes))?;
        // 3.
        files.rename(&new, &path).map_err(|error| SegmentError::io("rename", &new, error))?;
        // 4.
        directory.sync().map_err(|error| SegmentError::io(SYNC, &path, error))?;
        let written = HEADER_BYTES as u64;
        Ok(Self::new(path, file, header.clone(), salt, written))
    }

    /// Opens a segment to go on behind its last record, and says what was found on the way.
    ///
    /// # Errors
    /// It cannot be read or written, is of another version, or its header is damaged. Then it can still be read.
    pub fn open(files: &F, path: impl Into<PathBuf>) -> Result<(Self, Recovery), SegmentError> {
        Self::open_if(files, path, |_| Ok(()))
    }

    /// The same for a segment that the caller accepts by its header; of another, nothing is changed.
    pub(crate) fn open_if(
        files: &F,
        path: impl Into<PathBuf>,
        accept: impl FnOnce(&SegmentHeader) -> Result<(), SegmentError>,
    ) -> Result<(Self, Recovery), SegmentError> {
        let path = path.into();
        let io = |operation| move |error| (operation, error);
        let mut file = files.open(&path).map_err(|error| SegmentError::io("open", &path, error))?;
        let mut recovery = Recovery { path: path.clone(), ..Recovery::default() };
        let mut unfinished = Vec::new();
        // 1.
        let mut reader = SegmentReader::new(&path, Sequential { file: &file, offset: 0 })?;
        reader.header().map_or(Ok(()), accept)?;
        let mut torn = None;
        while let Some(entry) = reader.next_entry()? {
            match entry {
                Entry::Record(_) | Entry::Erased(_) => recovery.records += 1,
                Entry::Damage(damage) => match damage.kind {
                    DamageKind::UnfinishedErasure => unfinished.push(damage.offset),
                    kind => {
                        torn = (kind == DamageKind::Tail).then_some(damage);
                        recovery.note(damage);
                    }
                },
            }
        }
        let mut end = reader.offset().bytes();
        let (Some(header), Some(salt)) = (reader.header().cloned(), reader.salt()) else {
            return Err(SegmentError::Header { path });
        };
        // 2.
        for offset in unfinished {
            erase::finish(&mut file, &path, salt, offset)?;
            recovery.erased += 1;
            recovery.records += 1;
        }
        if let Some(damage) = torn {
            end = damage.offset.bytes();
            // 3, 4, 5.
            recovery.kept = Some(keep(files, &file, damage, &path)?);
            // 6, 7.
            file.cut(end)
                .map_err(io("cut"))
                .and_then(|()| file.sync().map_err(io(SYNC)))
                .map_err(|(operation, error)| SegmentError::io(operation, &path, error))?;
        }
        // What was just read may be in memory alone, left by a process that was killed. The next sync makes it durable.
        Ok((Self { unsynced: true, ..Self::new(path, file, header, salt, end) }, recovery))
    }

    /// Adds a record, as it is. It is durable after the next [`SegmentWriter::sync`].
    ///
    /// # Errors
    /// The payload is longer than [`PAYLOAD_MAX`], or the disk failed.
    pub fn append(&mut self, record_type: RecordType, payload: &[u8]) -> Result<Offset, SegmentError> {
        self.add(record_type, Codec::Plain, &[payload])
    }

    /// Adds a record whose payload is these parts, one after another.
    ///
    /// # Errors
    /// As [`SegmentWriter::append`].
    pub fn append_parts(&mut self, record_type: RecordType, parts: &[&[u8]]) -> Result<Offset, SegmentError> {
        self.add(record_type, Codec::Plain, parts)
    }

    /// Adds a record, compressed if that makes it shorter. Worth its time for header fields, links and content; readers see
    /// no difference.
    ///
    /// # Errors
    /// As [`SegmentWriter::append`].
    pub fn append_compressed(&mut self, record_type: RecordType, payload: &[u8]) -> Result<Offset, SegmentError> {
        self.check(payload.len())?;
        let packed = self.packer.pack(payload).map_err(|error| SegmentError::io("compress for", &self.path, error))?;
        match packed {
            Some(packed) => self.add(record_type, Codec::Zstd, &[&packed]),
            None => self.add(record_type, Codec::Plain, &[payload]),
        }
    }

    /// Makes all records durable.
    ///
    /// # Errors
    /// The disk failed. What was appended since the last sync may or may not be there when the segment is opened anew.
    pub fn sync(&mut self) -> Result<(), SegmentError> {
        self.flush()?;
        if self.unsynced {
            let result = self.file.sync();
            self.settle(SYNC, result)?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Takes back the records behind an offset, none of which was synced.
    ///
    /// # Errors
    /// The file cannot be cut; then nothing can be added.
    pub(crate) fn take_back(&mut self, to: Offset) -> Result<(), SegmentError> {
        self.check(0)?;
        let to = to.bytes();
        // What a failed write left would be read as records behind a shorter one that is written over its beginning.
        if self.ragged || to < self.written {
            let end = to.min(self.written);
            // Without the sync, a power cut could bring back what its sender was told to send again.
            if let Err(error) = self.file.cut(end).and_then(|()| self.file.sync()) {
                self.broken = true;
                return Err(SegmentError::io("cut", &self.path, error));
            }
            self.ragged = false;
            if to < self.written {
                self.written = to;
                self.waiting.clear();
            }
        }
        self.waiting.truncate(usize::try_from(to - self.written).unwrap_or(usize::MAX));
        Ok(())
    }

    /// What the segment says of itself.
    #[must_use]
    pub fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next record will begin: the bytes of the segment, those that wait included.
    #[must_use]
    pub fn offset(&self) -> Offset {
        Offset::new(self.written + self.waiting.len() as u64)
    }

    /// Whether it holds no record and no damage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offset().bytes() == HEADER_BYTES as u64
    }

    fn new(path: PathBuf, file: F::File, header: SegmentHeader, salt: u32, written: u64) -> Self {
        let (waiting, packer) = (Vec::new(), Packer::default());
        Self { path, file, header, salt, written, waiting, unsynced: false, ragged: false, broken: false, packer }
    }

    fn add(&mut self, record_type: RecordType, codec: Codec, parts: &[&[u8]]) -> Result<Offset, SegmentError> {
        self.check(parts.iter().map(|part| part.len()).sum())?;
        let offset = self.offset();
        let before = self.waiting.len();
        frame::append(&mut self.waiting, offset, self.salt, record_type, codec, parts);
        if self.waiting.len() >= WAITING_BYTES
            && let Err(error) = self.flush()
        {
            // Whoever adds it again must not find it twice.
            self.waiting.truncate(before);
            return Err(error);
        }
        Ok(offset)
    }

    fn check(&self, payload: usize) -> Result<(), SegmentError> {
        if self.broken {
            return Err(SegmentError::Broken { path: self.path.clone() });
        }
        if payload > PAYLOAD_MAX {
            return Err(SegmentError::PayloadTooLong { path: self.path.clone(), bytes: payload });
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SegmentError> {
        self.check(0)?;
        if !self.waiting.is_empty() {
            if self.ragged {
                // What a failed write left may reach beyond what is written now.
                let result = self.file.cut(self.written);
                self.settle("cut", result)?;
            }
            let result = self.file.write_at(self.written, &self.waiting);
            self.ragged = true;
            self.settle("write", result)?;
            (self.unsynced, self.ragged) = (true, false);
            self.written += self.waiting.len() as u64;
            self.waiting.clear();
            // One long record must not hold its memory forever.
            self.waiting.shrink_to(2 * WAITING_BYTES);
        }
        Ok(())
    }

    fn settle(&mut self, operation: &'static str, result: io::Result<()>) -> Result<(), SegmentError> {
        result.map_err(|error| {
            let error = SegmentError::io(operation, &self.path, error);
            self.broken = !error.is_shortage();
            error
        })
    }
}

impl Recovery {
    /// How many damages are listed; the rest is the same story.
    pub const DAMAGES_MAX: usize = 1_000;

    fn note(&mut self, damage: Damage) {
        // A torn end is told in any case.
        if self.damages.len() < Self::DAMAGES_MAX || damage.kind == DamageKind::Tail {
            self.damages.push(damage);
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} records", self.path.display(), self.records)?;
        if self.erased > 0 {
            write!(f, ", {} erasures finished", self.erased)?;
        }
        for damage in &self.damages {
            write!(f, "; {damage}")?;
        }
        match &self.kept {
            Some(kept) => write!(f, ", kept as {}", kept.display()),
            None => Ok(()),
        }
    }
}

/// How many bytes gather before they are written.
const WAITING_BYTES: usize = 256 << 10;
/// How much of a torn end is copied at once.
const COPY_BYTES: usize = 64 << 10;

/// The path with something added to its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(ending);
    name.into()
}

/// A file with this content, synced; what an earlier attempt left under its name is replaced.
fn write_file<F: FileSystem>(
    files: &F,
    path: &Path,
    write: impl FnOnce(&mut F::File) -> io::Result<()>,
) -> Result<F::File, SegmentError> {
    let created = match files.create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            files.remove_file(path).and_then(|()| files.create_new(path))
        }
        other => other,
    };
    let mut file = created.map_err(|error| SegmentError::io("create", path, error))?;
    write(&mut file).map_err(|error| SegmentError::io("write", path, error))?;
    file.sync().map_err(|error| SegmentError::io(SYNC, path, error))?;
    Ok(file)
}

/// Copies a torn end to a file of its own and says which. What was kept before is never written to: a segment can tear at
/// the same place again.
fn keep<F: FileSystem>(files: &F, file: &F::File, damage: Damage, path: &Path) -> Result<PathBuf, SegmentError> {
    let torn = || Sequential { file, offset: damage.offset.bytes() }.take(damage.bytes);
    let new = beside(path, ".torn.new");
    // 3, 4.
    let write = |copy: &mut F::File| {
        let (mut rest, mut piece, mut offset) = (torn(), vec![0; COPY_BYTES], 0);
        loop {
            match rest.read(&mut piece)? {
                0 => return Ok(()),
                read => copy.write_at(offset, &piece[..read])?,
            }
            offset = damage.bytes - rest.limit();
        }
    };
    write_file(files, &new, write)?;
    // 5. There are fewer files than numbers.
    for number in 1_u64.. {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let kept = beside(path, &format!(".torn-{}{again}", damage.offset));
        let taken = Taken::of(files, &kept, torn(), damage.bytes).map_err(|error| SegmentError::io("read", &kept, error))?;
        match taken {
            Taken::ByOther => continue,
            Taken::BySame => files.remove_file(&new).map_err(|error| SegmentError::io("remove", &new, error))?,
            Taken::No => files.rename(&new, &kept).map_err(|error| SegmentError::io("rename", &new, error))?,
        }
        let above = kept.parent().unwrap_or_else(|| Path::new(""));
        files.sync_dir(above).map_err(|error| SegmentError::io(SYNC, above, error))?;
        return Ok(kept);
    }
    Err(SegmentError::io("name", &new, io::ErrorKind::AlreadyExists.into()))
}

/// Whether a name for a torn end is free. The complete set.
enum Taken {
    ByOther,
    /// The same bytes were kept under it, by an attempt that was interrupted.
    BySame,
    No,
}

impl Taken {
    fn of<F: FileSystem>(files: &F, path: &Path, mut torn: impl Read, bytes: u64) -> io::Result<Self> {
        if files.is_dir(path)? {
            return Ok(Self::ByOther);
        }
        let mut file = match files.open_read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::No),
            other => other?,
        };
        if file.bytes()? != bytes {
            return Ok(Self::ByOther);
        }
        let mut kept = Sequential { file: &file, offset: 0 };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        loop {
            left.clear();
            right.clear();
            torn.by_ref().take(COPY_BYTES as u64).read_to_end(&mut left)?;
            kept.by_ref().take(COPY_BYTES as u64).read_to_end(&mut right)?;
            if left != right {
                return Ok(Self::ByOther);
            }
            if left.is_empty() {
                // Whoever wrote it may not have come so far.
                file.sync()?;
                return Ok(Self::BySame);
            }
        }
    }
}
