//! Reads a segment from beginning to end: every whole record, and a note of whatever is not one.
//!
//! Memory is flat: a window over the file, as large as the longest record met. A length that claims more than there is
//! costs nothing, since the window grows only up to the next marker.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::codec::Unpacker;
use super::frame::{self, Codec, FIELDS_BYTES, Fields, MARKER};
use super::header::{HEADER_BYTES, HeaderRead, number_in};
use super::{Offset, RecordType, SegmentHeader};
use crate::error::SegmentError;

/// Reads entries one after another.
///
/// # Example: what does a segment hold?
/// ```
/// use xd_store::{Entry, RecordType, SegmentHeader, SegmentKind, SegmentReader, SegmentWriter, simulated::Disk};
///
/// let disk = Disk::new();
/// let header = SegmentHeader::new(SegmentKind::CAPSULES, 1, b"").unwrap();
/// let mut writer = SegmentWriter::create(&disk, "/000001.xdc", &header)?;
/// writer.append(RecordType::new(1), b"first")?;
/// let second = writer.append(RecordType::new(1), b"second")?;
/// writer.append(RecordType::new(1), b"third")?;
/// writer.sync()?;
///
/// // A disk turns one bit.
/// let mut bytes = disk.content("/000001.xdc").unwrap();
/// bytes[second.bytes() as usize + 9] ^= 1;
///
/// let mut reader = SegmentReader::new("000001.xdc", bytes.as_slice())?;
/// let (mut read, mut damaged) = (Vec::new(), Vec::new());
/// while let Some(entry) = reader.next_entry()? {
///     match entry {
///         Entry::Record(record) => read.push(record.payload().to_vec()),
///         Entry::Erased(_) => {}
///         Entry::Damage(damage) => damaged.push(damage.offset),
///     }
/// }
/// assert_eq!(read, [b"first", b"third"]);
/// assert_eq!(damaged, [second]);
/// # Ok::<(), xd_store::SegmentError>(())
/// ```
#[derive(Debug)]
pub struct SegmentReader<R> {
    path: PathBuf,
    window: Window<R>,
    header: Option<SegmentHeader>,
    salt: Salt,
    /// Damage that is to be told before anything else.
    damage: Option<Damage>,
    unescaped: Vec<u8>,
    unpacked: Vec<u8>,
    unpacker: Unpacker,
}

/// What stands at one place of a segment. The complete set.
#[derive(Debug)]
pub enum Entry<'r> {
    /// Bytes that are no record.
    Damage(Damage),
    /// A record whose payload was erased; its type is left.
    Erased(Record<'r>),
    /// A record as it was written.
    Record(Record<'r>),
}

/// A record whose checksum matches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record<'r> {
    offset: Offset,
    record_type: RecordType,
    payload: Cow<'r, [u8]>,
}

/// A run of bytes that holds no record that can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Damage {
    /// Where it begins.
    pub offset: Offset,
    /// How many bytes are affected: up to the next record, or to the end of the file.
    pub bytes: u64,
    /// What it looks like.
    pub kind: DamageKind,
}

/// What damage looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DamageKind {
    /// The checksum matches, but what was packed or escaped does not unpack.
    Content,
    /// The header is cut, changed, or none.
    Header,
    /// The name has another number than the header, which is whole: the file is a copy, or was renamed. Its records are not
    /// read, for they may stand in the directory twice.
    Misnamed {
        /// The number in the header.
        number: u64,
    },
    /// Records were changed, moved, or overwritten.
    Records,
    /// Nothing readable follows up to the end: a write that was cut off, or damage to the last record.
    Tail,
    /// An erasure that was begun and not finished; [`erase`](super::erase) finishes it.
    UnfinishedErasure,
}

/// The header's checksum, which is mixed into those of records.
#[derive(Debug)]
enum Salt {
    Known(u32),
    /// The header is damaged. What it may be: the checksum as stored, as computed, and the one by which the record before
    /// would have been right. Two that agree settle it.
    Sought([Option<u32>; 3]),
}

/// What one look at the current place found.
enum Look {
    /// No record begins here; the next look is to be taken so many bytes on.
    Nothing(usize),
    Unfinished(Fields),
    Whole(Fields),
}

impl SegmentReader<File> {
    /// Opens a file. If its name is that of a segment in a directory (`000001.xdc`) and has another number than the header,
    /// it is told as [`DamageKind::Misnamed`] and not read.
    ///
    /// # Errors
    /// It cannot be read, or is a segment of another version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SegmentError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| SegmentError::io("open", path, source))?;
        let bytes = file.metadata().map_err(|source| SegmentError::io("read", path, source))?.len();
        let mut reader = Self::new(path, file)?;
        if let Some(header) = &reader.header
            && let Some(named) = path.file_name().and_then(|name| number_in(name.to_str()?, header.kind()))
            && named != header.number()
        {
            let kind = DamageKind::Misnamed { number: header.number() };
            reader.damage = Some(Damage { offset: Offset::new(0), bytes, kind });
            reader.window.end_here();
        }
        Ok(reader)
    }
}

impl<R: Read> SegmentReader<R> {
    /// Reads from anything; the path is for messages alone. Bytes are read in large pieces, no buffer is needed around it.
    ///
    /// # Errors
    /// The header cannot be read, or is that of another version.
    pub fn new(path: impl Into<PathBuf>, source: R) -> Result<Self, SegmentError> {
        let mut reader = Self {
            path: path.into(),
            window: Window { source, bytes: Vec::new(), begin: 0, end: 0, offset: 0, ended: false },
            header: None,
            salt: Salt::Sought([None; 3]),
            damage: None,
            unescaped: Vec::new(),
            unpacked: Vec::new(),
            unpacker: Unpacker::default(),
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// Goes on in a segment whose header was read before: the source stands at this offset, where a record begins or will.
    pub(crate) fn resume(path: impl Into<PathBuf>, source: R, header: SegmentHeader, offset: Offset) -> Self {
        let (_, salt) = header.encode();
        let window = Window { source, bytes: Vec::new(), begin: 0, end: 0, offset: offset.bytes(), ended: false };
        let (unescaped, unpacked, unpacker) = (Vec::new(), Vec::new(), Unpacker::default());
        let (path, header, salt) = (path.into(), Some(header), Salt::Known(salt));
        Self { path, window, header, salt, damage: None, unescaped, unpacked, unpacker }
    }

    /// The next record or the next stretch of damage; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read. Damage is no error: it is an entry, and reading goes on behind it.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, SegmentError> {
        if let Some(damage) = self.damage.take() {
            return Ok(Some(Entry::Damage(damage)));
        }
        let begin = self.window.offset;
        let fields = loop {
            if !self.fill(1)? {
                // The end: nothing readable since `begin`.
                return Ok(self.run_of_damage(begin, DamageKind::Tail));
            }
            match self.look()? {
                Look::Nothing(bytes) => self.window.skip(bytes),
                // What comes before is told first; the next call looks here again.
                _ if self.window.offset > begin => return Ok(self.run_of_damage(begin, DamageKind::Records)),
                Look::Unfinished(fields) => {
                    self.window.skip(fields.record_bytes());
                    return Ok(self.run_of_damage(begin, DamageKind::UnfinishedErasure));
                }
                Look::Whole(fields) => break fields,
            }
        };
        self.record(&fields).map(Some)
    }

    /// What the segment says of itself; `None` when that is damaged.
    #[must_use]
    pub fn header(&self) -> Option<&SegmentHeader> {
        self.header.as_ref()
    }

    /// The path given for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next entry begins.
    #[must_use]
    pub fn offset(&self) -> Offset {
        Offset::new(self.window.offset)
    }

    pub(crate) fn salt(&self) -> Option<u32> {
        match self.salt {
            Salt::Known(salt) => Some(salt),
            Salt::Sought(_) => None,
        }
    }

    fn read_header(&mut self) -> Result<(), SegmentError> {
        let whole = self.fill(HEADER_BYTES)?;
        let Some(bytes) = self.window.bytes().first_chunk::<HEADER_BYTES>().filter(|_| whole) else {
            let bytes = self.window.bytes().len();
            self.damage = Some(Damage { offset: Offset::new(0), bytes: bytes as u64, kind: DamageKind::Header });
            self.window.skip(bytes);
            return Ok(());
        };
        match SegmentHeader::decode(bytes) {
            HeaderRead::Whole(header, salt) => {
                self.header = Some(header);
                self.salt = Salt::Known(salt);
            }
            HeaderRead::Version(version) => return Err(SegmentError::Version { path: self.path.clone(), version }),
            HeaderRead::Damaged { stored, computed } => {
                self.salt = Salt::Sought([Some(stored), Some(computed), None]);
                self.damage = Some(Damage { offset: Offset::new(0), bytes: HEADER_BYTES as u64, kind: DamageKind::Header });
            }
        }
        self.window.skip(HEADER_BYTES);
        Ok(())
    }

    /// What stands at the beginning of the window, which holds at least a byte.
    fn look(&mut self) -> Result<Look, SegmentError> {
        if !self.fill(FIELDS_BYTES)? {
            return Ok(Look::Nothing(self.to_marker(1)));
        }
        let Some(fields) = self.window.bytes().first_chunk().and_then(Fields::decode) else {
            return Ok(Look::Nothing(self.to_marker(1)));
        };
        // No payload holds a marker: a length that reaches over one is wrong, and whatever it claims is not even read.
        let mut seen = FIELDS_BYTES;
        let payload_end = FIELDS_BYTES + fields.stored;
        while seen < payload_end {
            self.fill((seen + READ_BYTES).min(payload_end))?;
            let bytes = self.window.bytes();
            let until = bytes.len().min(payload_end);
            if let Some(at) = frame::find_marker(&bytes[seen..until]) {
                return Ok(Look::Nothing(seen + at));
            }
            if until < payload_end && self.window.ended {
                return Ok(Look::Nothing(bytes.len()));
            }
            // The last byte may be the first half of a marker.
            seen = if until == payload_end { until } else { until - 1 };
        }
        if !self.fill(fields.record_bytes())? {
            return Ok(Look::Nothing(self.to_marker(payload_end - 1)));
        }
        Ok(self.check(fields))
    }

    /// Whether the record in the window is what its checksum says.
    fn check(&mut self, fields: Fields) -> Look {
        let offset = Offset::new(self.window.offset);
        let (payload, rest) = self.window.bytes()[FIELDS_BYTES..].split_at(fields.stored);
        let stored = rest.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let unsalted = fields.checksum(offset, payload) ^ stored;
        let sound = !fields.erased || (fields == fields.erased() && payload.iter().all(|&byte| byte == 0));
        if sound && self.salt.opens(unsalted) {
            return Look::Whole(fields);
        }
        if self.salt.opens(fields.checksum_erased(offset) ^ stored) {
            return Look::Unfinished(fields);
        }
        self.salt.suspect(unsalted);
        // There is no marker in the payload. If its length is wrong, the next one may begin with its last byte.
        Look::Nothing(self.to_marker(FIELDS_BYTES + fields.stored - 1))
    }

    /// The record in the window, and the window beyond it.
    fn record(&mut self, fields: &Fields) -> Result<Entry<'_>, SegmentError> {
        let offset = Offset::new(self.window.offset);
        let range = self.window.begin + FIELDS_BYTES..self.window.begin + FIELDS_BYTES + fields.stored;
        self.window.skip(fields.record_bytes());
        let record = |payload| Record { offset, record_type: fields.record_type, payload };
        if fields.erased {
            return Ok(Entry::Erased(record(Cow::Borrowed(&[]))));
        }
        let mut payload = &self.window.bytes[range];
        let mut sound = Some(());
        if fields.escaped {
            self.unescaped.clear();
            sound = frame::unescape(payload, &mut self.unescaped);
            payload = &self.unescaped;
        }
        if fields.codec == Codec::Zstd {
            sound = sound.and_then(|()| self.unpacker.unpack(payload, &mut self.unpacked));
            payload = &self.unpacked;
        }
        Ok(match sound {
            Some(()) => Entry::Record(record(Cow::Borrowed(payload))),
            None => Entry::Damage(Damage { offset, bytes: fields.record_bytes() as u64, kind: DamageKind::Content }),
        })
    }

    /// How far it is to the next marker at or behind `from`, as far as the window reaches.
    fn to_marker(&self, from: usize) -> usize {
        let bytes = self.window.bytes();
        match frame::find_marker(&bytes[from.min(bytes.len())..]) {
            Some(at) => from + at,
            // The last byte may be the first half of one.
            None if bytes.last() == Some(&MARKER[0]) && bytes.len() > 1 => bytes.len() - 1,
            None => bytes.len(),
        }
    }

    fn run_of_damage<'e>(&self, begin: u64, kind: DamageKind) -> Option<Entry<'e>> {
        let bytes = self.window.offset - begin;
        (bytes > 0).then(|| Entry::Damage(Damage { offset: Offset::new(begin), bytes, kind }))
    }

    fn fill(&mut self, bytes: usize) -> Result<bool, SegmentError> {
        self.window.fill(bytes).map_err(|source| SegmentError::io("read", &self.path, source))
    }
}

impl Record<'_> {
    /// Where it begins.
    #[must_use]
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// What it is.
    #[must_use]
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// What was appended; empty if it was erased.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The same, kept beyond the next entry.
    #[must_use]
    pub fn into_owned(self) -> Record<'static> {
        Record { payload: Cow::Owned(self.payload.into_owned()), ..self }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DamageKind::Content => "a record that does not unpack",
            DamageKind::Header => "a header that is damaged or none",
            DamageKind::Misnamed { number } => {
                return write!(
                    f,
                    "by its header this is segment {number}, not the one that it is named after: none of it is read"
                );
            }
            DamageKind::Records => "damaged records",
            DamageKind::Tail => "a torn or damaged end",
            DamageKind::UnfinishedErasure => "an unfinished erasure",
        };
        write!(f, "{what} at offset {}, {} bytes", self.offset, self.bytes)
    }
}

impl Salt {
    /// Whether this value, by which a checksum and its record differ, is the header's checksum.
    fn opens(&mut self, value: u32) -> bool {
        match self {
            Self::Known(salt) => *salt == value,
            Self::Sought(candidates) => {
                let found = candidates.contains(&Some(value));
                if found {
                    *self = Self::Known(value);
                }
                found
            }
        }
    }

    /// A record that would be right by this value.
    fn suspect(&mut self, value: u32) {
        if let Self::Sought([_, _, before]) = self {
            *before = Some(value);
        }
    }
}

/// How much is read at once.
const READ_BYTES: usize = 256 << 10;

/// The part of the file that is being looked at.
#[derive(Debug)]
struct Window<R> {
    source: R,
    /// Only `begin..end` counts.
    bytes: Vec<u8>,
    begin: usize,
    end: usize,
    /// Where `begin` lies in the file.
    offset: u64,
    ended: bool,
}

impl<R> Window<R> {
    fn bytes(&self) -> &[u8] {
        &self.bytes[self.begin..self.end]
    }

    /// Makes this the end of the file.
    fn end_here(&mut self) {
        self.end = self.begin;
        self.ended = true;
    }

    fn skip(&mut self, bytes: usize) {
        self.begin += bytes;
        self.offset += bytes as u64;
    }
}

impl<R: Read> Window<R> {
    /// Reads until the window holds so many bytes; `false` if the file ends before.
    fn fill(&mut self, bytes: usize) -> io::Result<bool> {
        while self.end - self.begin < bytes && !self.ended {
            if self.begin > 0 {
                self.bytes.copy_within(self.begin..self.end, 0);
                self.end -= self.begin;
                self.begin = 0;
            }
            if self.bytes.len() < self.end + READ_BYTES {
                self.bytes.resize(self.end + READ_BYTES, 0);
            }
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - self.begin >= bytes)
    }
}
