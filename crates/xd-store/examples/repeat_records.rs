//! Repeats the records of one directory of capsules in another until there are so many: for measuring `xd replay` on a month of mail.
//!
//! `cargo run --release -p xd-store --example repeat_records -- FROM TO 10000000`, then copy `FROM/engines` beside them.

use std::error::Error;
use std::path::Path;

use xd_store::{Entry, OsFileSystem, RecordType, SegmentDir, SegmentDirOptions, SegmentKind, SegmentReader, segment_files};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, wanted] = arguments.as_slice() else {
        // Run without arguments, as checks do, it says how it is meant.
        println!("usage: repeat_records FROM TO COUNT");
        return Ok(());
    };
    let records = read(Path::new(from))?;
    let (mut directory, _) = SegmentDir::open(&OsFileSystem, to, SegmentDirOptions::new(SegmentKind::CAPSULES))?;
    for (record_type, payload) in records.iter().cycle().take(wanted.parse()?) {
        directory.append(*record_type, payload)?;
    }
    directory.sync()?;
    Ok(())
}

fn read(from: &Path) -> Result<Vec<(RecordType, Vec<u8>)>, Box<dyn Error>> {
    let mut records = Vec::new();
    for path in segment_files(&OsFileSystem, from, SegmentKind::CAPSULES)? {
        let mut reader = SegmentReader::open(path)?;
        while let Some(entry) = reader.next_entry()? {
            if let Entry::Record(record) = entry {
                records.push((record.record_type(), record.payload().to_vec()));
            }
        }
    }
    Ok(records)
}
