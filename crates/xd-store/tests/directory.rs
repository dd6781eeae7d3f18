//! Directories of segments: names, order, one writer.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::path::Path;

use support::read;
use xd_store::simulated::Disk;
use xd_store::{
    DamageKind, Entry, FileSystem, OsFileSystem, RecordType, SegmentDir, SegmentDirOptions, SegmentError, SegmentKind,
    SegmentReader, StoredFile, segment_files,
};

const ONE: RecordType = RecordType::new(1);

fn options() -> SegmentDirOptions {
    SegmentDirOptions { roll_bytes: 1_000, ..SegmentDirOptions::new(SegmentKind::CAPSULES) }
}

fn open(disk: &Disk) -> SegmentDir<Disk> {
    let (directory, recovery) = SegmentDir::open(disk, "/c", options()).unwrap();
    assert_eq!(recovery, None);
    directory
}

fn all(disk: &Disk) -> Vec<Vec<u8>> {
    let files = segment_files(disk, "/c", SegmentKind::CAPSULES).unwrap();
    files.iter().flat_map(|path| read(&disk.content(path).unwrap()).payloads()).collect()
}

#[test]
fn only_one_writes() {
    let disk = Disk::new();
    let first = open(&disk);
    assert!(matches!(SegmentDir::open(&disk, "/c", options()), Err(SegmentError::Locked { .. })));
    drop(first);
    open(&disk);
}

#[test]
fn only_one_writes_to_a_real_directory() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("directory-real/below");
    let _ = std::fs::remove_dir_all(&path);
    let (mut first, _) = SegmentDir::open(&OsFileSystem, &path, options()).unwrap();
    assert!(matches!(SegmentDir::open(&OsFileSystem, &path, options()), Err(SegmentError::Locked { .. })));
    first.append(ONE, b"first").unwrap();
    first.sync().unwrap();
    drop(first);
    let (mut second, _) = SegmentDir::open(&OsFileSystem, &path, options()).unwrap();
    second.append(ONE, b"second").unwrap();
    second.sync().unwrap();
    let files = segment_files(&OsFileSystem, &path, SegmentKind::CAPSULES).unwrap();
    assert_eq!(files, [path.join("000001.xdc")]);
    let mut reader = SegmentReader::open(&files[0]).unwrap();
    assert!(matches!(reader.next_entry(), Ok(Some(Entry::Record(record))) if record.payload() == b"first"));
    assert!(matches!(reader.next_entry(), Ok(Some(Entry::Record(record))) if record.payload() == b"second"));
    assert!(matches!(reader.next_entry(), Ok(None)));
}

#[cfg(unix)]
#[test]
fn what_is_written_is_its_users_alone() {
    use std::os::unix::fs::PermissionsExt;

    let top = Path::new(env!("CARGO_TARGET_TMPDIR")).join("directory-modes");
    let _ = std::fs::remove_dir_all(&top);
    let path = top.join("capsules");
    let (mut directory, _) = SegmentDir::open(&OsFileSystem, &path, options()).unwrap();
    directory.append(ONE, b"first").unwrap();
    directory.sync().unwrap();
    drop(directory);
    let segment = path.join("000001.xdc");
    let mut file = OsFileSystem.open(&segment).unwrap();
    let size = file.bytes().unwrap();
    file.write_at(size, b"torn").unwrap();
    let kept = SegmentDir::open(&OsFileSystem, &path, options()).unwrap().1.unwrap().kept.unwrap();
    let engine = xd_core::Engine::compile(Vec::new()).unwrap();
    xd_store::EngineStore::new(OsFileSystem, path.join("engines")).keep(&engine, None).unwrap();

    let engine_dir = path.join("engines").join(engine.hash().to_string());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for dir in [&top, &path, &path.join("engines"), &engine_dir] {
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
    }
    for file in [&segment, &kept, &path.join("lock"), &engine_dir.join("engine.toml")] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[test]
fn segments_roll_at_their_size_and_the_last_is_gone_on_with() {
    let disk = Disk::new();
    let payloads: Vec<_> = (0..9u8).map(|n| vec![n; 400]).collect();
    for payload in &payloads {
        let mut directory = open(&disk);
        directory.append(ONE, payload).unwrap();
        directory.sync().unwrap();
    }
    assert_eq!(all(&disk), payloads);
    let whole = Disk::new();
    let mut directory = open(&whole);
    for payload in &payloads {
        directory.append(ONE, payload).unwrap();
    }
    directory.sync().unwrap();
    assert_eq!(whole.list(Path::new("/c")).unwrap().len(), 6);
    for name in whole.list(Path::new("/c")).unwrap() {
        let path = Path::new("/c").join(name);
        assert_eq!(whole.content(&path), disk.content(&path), "the same records make the same files");
    }
}

#[test]
fn a_record_longer_than_a_segment_stands_alone() {
    let disk = Disk::new();
    let mut directory = open(&disk);
    let segments = [10, 5_000, 10].map(|bytes| directory.append(ONE, &vec![1; bytes]).unwrap().segment);
    assert_eq!(segments, [1, 2, 3]);
}

#[test]
fn another_label_begins_another_segment() {
    let disk = Disk::new();
    for (label, segment) in [(b"a", 1), (b"a", 1), (b"b", 2), (b"a", 3)] {
        let options = SegmentDirOptions { label: label.to_vec(), ..options() };
        let (mut directory, _) = SegmentDir::open(&disk, "/c", options).unwrap();
        assert_eq!(directory.append(ONE, b"x").unwrap().segment, segment);
        directory.sync().unwrap();
    }
    let options = SegmentDirOptions { label: vec![0; 105], ..options() };
    assert!(matches!(SegmentDir::open(&disk, "/c", options), Err(SegmentError::Label { bytes: 105 })));
}

#[test]
fn behind_a_damaged_header_the_next_segment_begins() {
    let disk = Disk::new();
    let mut directory = open(&disk);
    directory.append(ONE, b"first").unwrap();
    directory.sync().unwrap();
    drop(directory);
    let path = Path::new("/c/000001.xdc");
    disk.open(path).unwrap().write_at(3, b"?").unwrap();
    let (mut directory, recovery) = SegmentDir::open(&disk, "/c", options()).unwrap();
    assert_eq!(recovery.unwrap().damages[0].kind, DamageKind::Header);
    assert_eq!(directory.append(ONE, b"second").unwrap().segment, 2);
    directory.sync().unwrap();
    assert_eq!(all(&disk), [b"first".as_slice(), b"second"]);
}

#[test]
fn what_waits_is_erased_too() {
    let disk = Disk::new();
    let mut directory = open(&disk);
    directory.append(ONE, b"first").unwrap();
    let place = directory.append(ONE, b"second").unwrap();
    directory.erase(place).unwrap();
    directory.append(ONE, b"third").unwrap();
    directory.sync().unwrap();
    assert_eq!(all(&disk), [b"first".as_slice(), b"third"]);
}

#[test]
fn other_files_are_left_alone_and_order_is_by_number() {
    let disk = Disk::new();
    let mut directory = open(&disk);
    directory.append(ONE, b"x").unwrap();
    directory.sync().unwrap();
    let content = disk.content("/c/000001.xdc").unwrap();
    for name in ["999999.xdc", "1000000.xdc", "0000002.xdc", "3.xdc", "000004.xdj", "000005.xdc.torn-128", "README"] {
        disk.put(Path::new("/c").join(name), &content).unwrap();
    }
    let files = segment_files(&disk, "/c", SegmentKind::CAPSULES).unwrap();
    assert_eq!(files, ["/c/000001.xdc", "/c/999999.xdc", "/c/1000000.xdc"].map(Path::new));
    let one = segment_files(&disk, "/c/000001.xdc", SegmentKind::CAPSULES).unwrap();
    assert_eq!(one, [Path::new("/c/000001.xdc")]);
}

#[test]
fn a_segment_of_another_kind_stops_the_start() {
    let disk = Disk::new();
    drop(open(&disk));
    let (mut journal, _) = SegmentDir::open(&disk, "/j", SegmentDirOptions::new(SegmentKind::JOURNAL)).unwrap();
    journal.append(ONE, b"x").unwrap();
    disk.put("/c/000001.xdc", &disk.content("/j/000001.xdj").unwrap()).unwrap();
    let error = SegmentDir::open(&disk, "/c", options()).unwrap_err();
    assert!(matches!(error, SegmentError::Kind { found: SegmentKind::JOURNAL, .. }));
}

#[test]
fn a_last_segment_that_is_named_after_another_stops_the_start_and_stays() {
    let disk = Disk::new();
    let mut directory = open(&disk);
    directory.append(ONE, b"first").unwrap();
    directory.sync().unwrap();
    drop(directory);
    let copy = [disk.content("/c/000001.xdc").unwrap(), b"torn".to_vec()].concat();
    disk.put("/c/000002.xdc", &copy).unwrap();
    let error = SegmentDir::open(&disk, "/c", options()).unwrap_err();
    assert!(matches!(&error, SegmentError::Number { path, found: 1 } if path == Path::new("/c/000002.xdc")), "{error}");
    assert_eq!(disk.content("/c/000002.xdc").unwrap(), copy);
}

#[test]
fn nothing_is_erased_in_a_segment_that_is_named_after_another() {
    let disk = Disk::new();
    let mut directory = open(&disk);
    let places = [0; 3].map(|_| directory.append(ONE, &[7; 900]).unwrap());
    directory.sync().unwrap();
    let first = disk.content("/c/000001.xdc").unwrap();
    disk.put("/c/000002.xdc", &first).unwrap();
    assert!(matches!(directory.erase(places[1]), Err(SegmentError::Number { found: 1, .. })));
    assert_eq!(disk.content("/c/000002.xdc").unwrap(), first);
    directory.erase(places[2]).unwrap();
}

#[test]
fn a_copy_of_a_segment_is_told_and_not_read_twice() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("directory-copy");
    let _ = std::fs::remove_dir_all(&path);
    let (mut directory, _) = SegmentDir::open(&OsFileSystem, &path, options()).unwrap();
    directory.append(ONE, b"first").unwrap();
    directory.sync().unwrap();
    let first = path.join("000001.xdc");
    for copy in ["000002.xdc", "1000001.xdc", "copy.xdc", "1.xdc"] {
        std::fs::copy(&first, path.join(copy)).unwrap();
    }
    let mut told = Vec::new();
    for file in segment_files(&OsFileSystem, &path, SegmentKind::CAPSULES).unwrap() {
        let mut reader = SegmentReader::open(&file).unwrap();
        while let Some(entry) = reader.next_entry().unwrap() {
            told.push(match entry {
                Entry::Record(record) => String::from_utf8(record.payload().to_vec()).unwrap(),
                Entry::Damage(damage) => {
                    assert_eq!(
                        (damage.kind, damage.bytes),
                        (DamageKind::Misnamed { number: 1 }, first.metadata().unwrap().len())
                    );
                    damage.to_string()
                }
                Entry::Erased(_) => panic!("nothing was erased"),
            });
        }
    }
    let copy = "by its header this is segment 1, not the one that it is named after: none of it is read";
    assert_eq!(told, ["first", copy, copy]);
    // By another name it can be read alone.
    for name in ["copy.xdc", "1.xdc"] {
        let mut reader = SegmentReader::open(path.join(name)).unwrap();
        assert!(matches!(reader.next_entry(), Ok(Some(Entry::Record(record))) if record.payload() == b"first"), "{name}");
    }
}
