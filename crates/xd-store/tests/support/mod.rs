//! What the tests share: segments in memory, and what a reader makes of bytes.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

pub mod spooled;

use std::io;
use std::path::Path;

use xd_store::simulated::{Disk, DiskDirectory, DiskFile, DiskLock};
use xd_store::{
    Damage, DamageKind, Entry, FileSystem, Offset, RecordType, SegmentHeader, SegmentKind, SegmentReader, SegmentWriter,
};

/// What a reader said of a segment.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    pub records: Vec<(Offset, u8, Vec<u8>)>,
    pub erased: Vec<(Offset, u8)>,
    pub damages: Vec<Damage>,
}

impl Found {
    pub fn payloads(&self) -> Vec<Vec<u8>> {
        self.records.iter().map(|(.., payload)| payload.clone()).collect()
    }

    pub fn kinds(&self) -> Vec<DamageKind> {
        self.damages.iter().map(|damage| damage.kind).collect()
    }
}

/// The bytes of a segment with these payloads, and where each begins. Every third is to be compressed.
pub fn segment(payloads: &[Vec<u8>]) -> (Vec<u8>, Vec<Offset>) {
    let disk = Disk::new();
    let mut writer = SegmentWriter::create(&disk, "/s", &header()).unwrap();
    let append = |(index, payload): (usize, &Vec<u8>)| match index % 3 {
        2 => writer.append_compressed(RecordType::new(index as u8), payload).unwrap(),
        _ => writer.append(RecordType::new(index as u8), payload).unwrap(),
    };
    let offsets = payloads.iter().enumerate().map(append).collect();
    writer.sync().unwrap();
    (disk.content("/s").unwrap(), offsets)
}

pub fn header() -> SegmentHeader {
    SegmentHeader::new(SegmentKind::CAPSULES, 1, b"label").unwrap()
}

pub fn read(bytes: &[u8]) -> Found {
    let mut reader = SegmentReader::new("s", Stingy(bytes)).unwrap();
    let mut found = Found::default();
    let mut end = if reader.header().is_some() { 128 } else { 0 };
    while let Some(entry) = reader.next_entry().unwrap() {
        let offset = match entry {
            Entry::Record(record) => {
                found.records.push((record.offset(), record.record_type().code(), record.payload().to_vec()));
                record.offset()
            }
            Entry::Erased(record) => {
                found.erased.push((record.offset(), record.record_type().code()));
                record.offset()
            }
            Entry::Damage(damage) => {
                found.damages.push(damage);
                damage.offset
            }
        };
        assert_eq!(offset.bytes(), end, "entries follow each other without gaps");
        end = reader.offset().bytes();
    }
    assert_eq!(end, bytes.len() as u64, "nothing is passed over");
    assert!(reader.next_entry().unwrap().is_none());
    found
}

/// Gives few bytes at a time, so that records straddle reads.
struct Stingy<'b>(&'b [u8]);

impl io::Read for Stingy<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let now = self.0.len().min(bytes.len()).min(41);
        bytes[..now].copy_from_slice(&self.0[..now]);
        self.0 = &self.0[now..];
        Ok(now)
    }
}

/// A disk to whoever may only read it.
#[derive(Clone, Debug)]
pub struct ReadOnly(pub Disk);

impl FileSystem for ReadOnly {
    type File = DiskFile;
    type Directory = DiskDirectory;
    type Lock = DiskLock;

    fn create_new(&self, _: &Path) -> io::Result<DiskFile> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn open(&self, _: &Path) -> io::Result<DiskFile> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn open_read(&self, path: &Path) -> io::Result<DiskFile> {
        self.0.open_read(path)
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn remove_file(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn open_dir(&self, path: &Path) -> io::Result<DiskDirectory> {
        self.0.open_dir(path)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.list(path)
    }

    fn is_dir(&self, path: &Path) -> io::Result<bool> {
        self.0.is_dir(path)
    }

    fn lock(&self, _: &Path) -> io::Result<Option<DiskLock>> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}
