//! What must hold of segments, whatever is in them and whatever happens to their bytes.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use proptest::prelude::*;
use support::{header, read, segment};
use xd_store::simulated::Disk;
use xd_store::{
    DamageKind, Erasure, FileSystem, Offset, RecordType, SegmentError, SegmentHeader, SegmentKind, SegmentReader, SegmentWriter,
    StoredFile, erase,
};

/// Payloads of all lengths, rich in markers, escapes, zeros and what compresses.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => any::<u8>(), 1 => Just(0xfe), 1 => Just(0xfd), 1 => Just(0xfc), 1 => Just(0)];
    prop_oneof![
        4 => proptest::collection::vec(byte, 0..200),
        1 => (any::<u8>(), 0..2_000usize).prop_map(|(byte, times)| vec![byte; times]),
        // A segment within a record.
        1 => proptest::collection::vec(any::<u8>(), 0..50).prop_map(|inner| segment(&[inner.clone(), inner]).0),
    ]
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(payload(), 1..8)
}

proptest! {
    #[test]
    fn what_is_written_is_read(payloads in payloads()) {
        let (bytes, offsets) = segment(&payloads);
        let found = read(&bytes);
        let expected: Vec<_> = (0..).zip(offsets).zip(&payloads).map(|((t, o), p)| (o, t, p.clone())).collect();
        prop_assert_eq!(found.records, expected);
        prop_assert_eq!(found.damages, []);
        prop_assert_eq!(segment(&payloads).0, bytes, "the same calls write the same bytes");
    }

    #[test]
    fn one_changed_byte_is_noticed_and_costs_one_record(payloads in payloads(), at: prop::sample::Index, by in 1..=255u8) {
        let (mut bytes, offsets) = segment(&payloads);
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let found = read(&bytes);
        let hit = offsets.iter().rposition(|offset| offset.bytes() <= at as u64);
        let mut expected = payloads.clone();
        if let Some(hit) = hit {
            expected.remove(hit);
            prop_assert_eq!(found.damages.len(), 1);
            prop_assert_eq!(found.damages[0].offset, offsets[hit]);
            let end = offsets.get(hit + 1).map_or(bytes.len() as u64, |next| next.bytes());
            prop_assert_eq!(found.damages[0].bytes, end - offsets[hit].bytes());
            let last = hit + 1 == payloads.len();
            prop_assert_eq!(found.damages[0].kind, if last { DamageKind::Tail } else { DamageKind::Records });
        } else {
            prop_assert_eq!(found.kinds(), [DamageKind::Header]);
        }
        prop_assert_eq!(found.payloads(), expected);
    }

    #[test]
    fn cut_anywhere_all_whole_records_are_read(payloads in payloads(), at: prop::sample::Index) {
        let (bytes, offsets) = segment(&payloads);
        let cut = at.index(bytes.len());
        let found = read(&bytes[..cut]);
        let ends = offsets.iter().skip(1).map(|offset| offset.bytes()).chain([bytes.len() as u64]);
        let whole = ends.filter(|&end| end <= cut as u64).count();
        prop_assert_eq!(found.payloads(), &payloads[..whole]);
        let end = offsets.get(whole).map_or(0, |offset| offset.bytes()) as usize;
        match found.kinds()[..] {
            [DamageKind::Header] => prop_assert!(cut < 128),
            [DamageKind::Tail] => prop_assert!(cut > end),
            [] => prop_assert_eq!(cut, end),
            _ => prop_assert!(false, "{:?}", found.damages),
        }
    }

    #[test]
    fn erasing_keeps_the_others_and_their_places(payloads in payloads(), at: prop::sample::Index) {
        let (bytes, offsets) = segment(&payloads);
        let at = at.index(payloads.len());
        let disk = Disk::new();
        disk.put("/s", &bytes).unwrap();
        prop_assert_eq!(erase(&disk, "/s", offsets[at]).unwrap(), Erasure::Done);
        let erased = disk.content("/s").unwrap();
        prop_assert_eq!(erased.len(), bytes.len());
        let (from, to) = (offsets[at].bytes() as usize + 8, offsets.get(at + 1).map_or(bytes.len(), |o| o.bytes() as usize) - 4);
        prop_assert!(erased[from..to].iter().all(|&byte| byte == 0), "nothing of the payload is left");
        let found = read(&erased);
        prop_assert_eq!(found.damages.len(), 0);
        prop_assert_eq!(&found.erased, &[(offsets[at], at as u8)]);
        let mut expected = payloads.clone();
        expected.remove(at);
        prop_assert_eq!(found.payloads(), expected);
        prop_assert_eq!(erase(&disk, "/s", offsets[at]).unwrap(), Erasure::Already);
        prop_assert_eq!(disk.content("/s").unwrap(), erased);
    }

    #[test]
    fn any_bytes_are_read_to_their_end(noise in proptest::collection::vec(any::<u8>(), 0..400), within in payloads()) {
        prop_assert_eq!(read(&noise).records.len(), 0);
        // Segments in noise are none of this segment's.
        let bytes = [segment(&[]).0, noise, within.concat()].concat();
        prop_assert_eq!(read(&bytes).records.len(), 0);
    }

    #[test]
    fn a_record_that_was_moved_or_doubled_is_noticed(payloads in proptest::collection::vec(payload(), 3..6)) {
        let (bytes, offsets) = segment(&payloads);
        let second = offsets[1].bytes() as usize..offsets[2].bytes() as usize;
        let doubled = [&bytes[..second.end], &bytes[second.clone()], &bytes[second.end..]].concat();
        prop_assert_eq!(read(&doubled).payloads(), &payloads[..2]);
        let removed = [&bytes[..second.start], &bytes[second.end..]].concat();
        prop_assert_eq!(read(&removed).payloads(), &payloads[..1]);
        let swapped = [&bytes[..128], &bytes[second.clone()], &bytes[128..second.start], &bytes[second.end..]].concat();
        let found = read(&swapped);
        if second.start - 128 == second.len() {
            prop_assert_eq!(found.payloads(), &payloads[2..]);
        }
        prop_assert!(!found.damages.is_empty());
    }

    #[test]
    fn a_writer_goes_on_where_it_was(first in payloads(), then in payloads()) {
        let (disk, all) = (Disk::new(), [first.clone(), then.clone()].concat());
        disk.put("/s", &segment(&first).0).unwrap();
        let (mut writer, recovery) = SegmentWriter::open(&disk, "/s").unwrap();
        prop_assert_eq!((recovery.records, recovery.damages.len(), recovery.kept), (first.len() as u64, 0, None));
        for payload in &then {
            writer.append(RecordType::new(1), payload).unwrap();
        }
        writer.sync().unwrap();
        prop_assert_eq!(read(&disk.content("/s").unwrap()).payloads(), all);
    }

    #[test]
    fn a_torn_end_is_told_and_kept_aside(payloads in payloads(), at: prop::sample::Index) {
        let (bytes, offsets) = segment(&payloads);
        let last = offsets[payloads.len() - 1].bytes() as usize;
        let cut = last + 1 + at.index(bytes.len() - last - 1);
        let disk = Disk::new();
        disk.put("/s", &bytes[..cut]).unwrap();
        let (mut writer, recovery) = SegmentWriter::open(&disk, "/s").unwrap();
        let kept = recovery.kept.unwrap();
        prop_assert_eq!(recovery.damages[0].kind, DamageKind::Tail);
        prop_assert_eq!(kept.to_str().unwrap(), format!("/s.torn-{last}"));
        prop_assert_eq!(disk.content(kept).unwrap(), &bytes[last..cut]);
        writer.append(RecordType::new(1), b"after").unwrap();
        writer.sync().unwrap();
        let mut expected = payloads.clone();
        *expected.last_mut().unwrap() = b"after".to_vec();
        let found = read(&disk.content("/s").unwrap());
        prop_assert_eq!((found.payloads(), found.damages.len()), (expected, 0));
    }
}

#[test]
fn torn_ends_at_one_place_are_all_kept() {
    let (bytes, offsets) = segment(&[b"first".to_vec(), vec![7; 9_000]]);
    let torn_at = offsets[1].bytes() as usize;
    let disk = Disk::new();
    let long = &bytes[torn_at..bytes.len() - 1];
    let mut other = long.to_vec();
    other[8_000] ^= 1;
    let ends = [(long, ""), (&long[..1_000], "-2"), (&other, "-3"), (long, ""), (&long[..1_000], "-2"), (b"\xfe", "-4")];
    for (end, again) in ends {
        disk.put("/s", &[&bytes[..torn_at], end].concat()).unwrap();
        let (_, recovery) = SegmentWriter::open(&disk, "/s").unwrap();
        let kept = recovery.kept.unwrap();
        assert_eq!(kept.to_str().unwrap(), format!("/s.torn-{torn_at}{again}"));
        assert_eq!(disk.content("/s").unwrap(), bytes[..torn_at]);
        assert_eq!(disk.content(kept).unwrap(), end);
    }
    let names = ["s".to_owned()].into_iter().chain(["", "-2", "-3", "-4"].map(|again| format!("s.torn-{torn_at}{again}")));
    assert_eq!(disk.list("/".as_ref()).unwrap(), names.collect::<Vec<_>>());
}

#[test]
fn without_any_header_all_but_one_record_are_read() {
    let payloads: Vec<_> = (0..20u8).map(|n| vec![n; 30]).collect();
    let (mut bytes, _) = segment(&payloads);
    bytes[..128].fill(0);
    assert_eq!(read(&bytes).payloads(), payloads[1..]);
}

#[test]
fn a_record_of_another_segment_is_noticed() {
    let (mut bytes, offsets) = segment(&[b"first".to_vec(), b"second".to_vec(), b"third".to_vec()]);
    let disk = Disk::new();
    let other = SegmentHeader::new(SegmentKind::CAPSULES, 2, b"label").unwrap();
    let mut writer = SegmentWriter::create(&disk, "/other", &other).unwrap();
    for payload in [b"FIRST".as_slice(), b"SECOND", b"THIRD"] {
        writer.append(RecordType::new(1), payload).unwrap();
    }
    writer.sync().unwrap();
    let range = offsets[1].bytes() as usize..offsets[2].bytes() as usize;
    bytes[range.clone()].copy_from_slice(&disk.content("/other").unwrap()[range]);
    assert_eq!(read(&bytes).payloads(), [b"first".as_slice(), b"third"]);
}

#[test]
fn damage_in_the_middle_stays_where_it_is() {
    let (mut bytes, offsets) = segment(&[b"first".to_vec(), b"second".to_vec(), b"third".to_vec()]);
    bytes[offsets[1].bytes() as usize + 9] ^= 1;
    let disk = Disk::new();
    disk.put("/s", &bytes).unwrap();
    let (_, recovery) = SegmentWriter::open(&disk, "/s").unwrap();
    assert_eq!((recovery.records, recovery.kept), (2, None));
    assert_eq!((recovery.damages[0].offset, recovery.damages[0].kind), (offsets[1], DamageKind::Records));
    assert_eq!(disk.content("/s").unwrap(), bytes);
}

#[test]
fn a_segment_with_a_damaged_header_is_read_and_not_written() {
    let (mut bytes, offsets) = segment(&[b"first".to_vec()]);
    bytes[9] ^= 1;
    let disk = Disk::new();
    disk.put("/s", &bytes).unwrap();
    assert!(matches!(SegmentWriter::open(&disk, "/s"), Err(SegmentError::Header { .. })));
    assert!(matches!(erase(&disk, "/s", offsets[0]), Err(SegmentError::Header { .. })));
    assert_eq!(read(&bytes).payloads(), [b"first"]);
}

#[test]
fn another_version_is_told_by_all() {
    let (mut bytes, offsets) = segment(&[b"first".to_vec()]);
    bytes[8] = 9;
    let checksum = crc32c::crc32c(&bytes[..124]);
    bytes[124..128].copy_from_slice(&checksum.to_le_bytes());
    let disk = Disk::new();
    disk.put("/s", &bytes).unwrap();
    let told = |error| matches!(error, SegmentError::Version { version: 9, .. });
    assert!(told(SegmentReader::new("s", bytes.as_slice()).unwrap_err()));
    assert!(told(SegmentWriter::open(&disk, "/s").unwrap_err()));
    assert!(told(erase(&disk, "/s", offsets[0]).unwrap_err()));
}

#[test]
fn only_records_are_erased() {
    let (bytes, offsets) = segment(&[b"first".to_vec(), b"second".to_vec()]);
    let disk = Disk::new();
    disk.put("/s", &bytes).unwrap();
    let between = Offset::new(offsets[0].bytes() + 1);
    for wrong in [Offset::new(0), between, Offset::new(bytes.len() as u64), Offset::new(u64::MAX)] {
        assert!(matches!(erase(&disk, "/s", wrong), Err(SegmentError::NoRecord { .. })), "{wrong}");
    }
    assert_eq!(disk.content("/s").unwrap(), bytes);
}

#[test]
fn a_length_that_claims_too_much_costs_no_memory() {
    // Each of these claims the 96 MiB that a record may have at most.
    let (mut bytes, _) = segment(&[]);
    for _ in 0..100_000 {
        bytes.extend_from_slice(&[0xfe, 0xfd, 1, 0, 0, 0, 0, 6]);
    }
    let mut reader = SegmentReader::new("s", bytes.as_slice()).unwrap();
    let Ok(Some(xd_store::Entry::Damage(damage))) = reader.next_entry() else { panic!("no damage") };
    assert_eq!((damage.kind, damage.bytes), (DamageKind::Tail, 800_000));
}

#[test]
fn a_length_that_grew_by_little_hides_no_record() {
    // Claimed ends on, within and behind the next marker.
    for more in 1..20u8 {
        let (mut bytes, offsets) = segment(&[b"first".to_vec(), b"second".to_vec(), b"third".to_vec()]);
        bytes[offsets[0].bytes() as usize + 4] += more;
        assert_eq!(read(&bytes).payloads(), [b"second".as_slice(), b"third"], "{more} more");
    }
}

#[test]
fn a_length_that_grew_by_much_hides_no_record() {
    // The next marker stands where one piece that is read ends and the next begins.
    for length in (256 << 10) - 20..(256 << 10) + 60 {
        let (mut bytes, offsets) = segment(&[vec![b'x'; length], b"second".to_vec()]);
        bytes[offsets[0].bytes() as usize + 7] = 5;
        assert_eq!(read(&bytes).payloads(), [b"second"], "{length} bytes");
    }
}

#[test]
fn a_payload_beyond_the_limit_is_refused_and_the_longest_is_not() {
    let disk = Disk::new();
    let mut writer = SegmentWriter::create(&disk, "/s", &header()).unwrap();
    let mut payload = vec![b'x'; xd_store::PAYLOAD_MAX + 1];
    let refused = |result| matches!(result, Err(SegmentError::PayloadTooLong { .. }));
    assert!(refused(writer.append(RecordType::new(1), &payload)));
    assert!(refused(writer.append_compressed(RecordType::new(1), &payload)));
    payload.pop();
    writer.append_compressed(RecordType::new(2), &payload).unwrap();
    writer.sync().unwrap();
    let bytes = disk.content("/s").unwrap();
    let mut reader = SegmentReader::new("s", bytes.as_slice()).unwrap();
    assert!(matches!(reader.next_entry(), Ok(Some(xd_store::Entry::Record(record))) if record.payload() == payload));
}

#[test]
fn a_segment_is_not_begun_where_a_file_is() {
    let disk = Disk::new();
    disk.put("/s", b"a letter").unwrap();
    assert!(matches!(SegmentWriter::create(&disk, "/s", &header()), Err(SegmentError::Io { .. })));
    assert_eq!(disk.content("/s").unwrap(), b"a letter");
}

#[test]
fn a_small_record_costs_twelve_bytes() {
    let (bytes, offsets) = segment(&[vec![7; 300], vec![7; 300]]);
    assert_eq!(offsets[1].bytes() - offsets[0].bytes(), 312);
    assert_eq!(bytes.len(), 128 + 2 * 312);
}

#[test]
fn real_files_work_like_simulated_ones() {
    let dir = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("segment-real");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let (path, files) = (dir.join("000001.xdc"), xd_store::OsFileSystem);
    let payloads = [b"first".to_vec(), b"second".to_vec(), b"third".to_vec()];
    let mut writer = SegmentWriter::create(&files, &path, &header()).unwrap();
    let offsets: Vec<_> = (0..).zip(&payloads).map(|(t, p)| writer.append(RecordType::new(t), p).unwrap()).collect();
    writer.sync().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), segment(&payloads).0);
    assert_eq!(erase(&files, &path, offsets[1]).unwrap(), Erasure::Done);
    let mut file = files.open(&path).unwrap();
    let size = file.bytes().unwrap();
    file.write_at(size, b"torn").unwrap();
    let (writer, recovery) = SegmentWriter::open(&files, &path).unwrap();
    assert_eq!((writer.offset().bytes(), recovery.records), (size, 3));
    assert_eq!(std::fs::read(recovery.kept.unwrap()).unwrap(), b"torn");
    let mut reader = SegmentReader::open(&path).unwrap();
    let mut read = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        if let xd_store::Entry::Record(record) = entry {
            read.push(record.payload().to_vec());
        }
    }
    assert_eq!(read, [b"first".as_slice(), b"third"]);
}

/// A record that finds no room is not there when its call is made again, nor is what was written of it.
#[test]
fn a_record_that_found_no_room_is_added_once() {
    let disk = Disk::new();
    let mut writer = SegmentWriter::create(&disk, "/a.xdseg", &header()).unwrap();
    let large = vec![7; 300 << 10];
    writer.append(RecordType::new(1), b"before").unwrap();
    disk.limit(100 << 10);
    for _ in 0..2 {
        assert!(writer.append(RecordType::new(2), &large).unwrap_err().is_shortage());
    }
    disk.make_room();
    writer.append(RecordType::new(3), b"short").unwrap();
    writer.sync().unwrap();
    writer.append(RecordType::new(2), &large).unwrap();
    writer.sync().unwrap();
    let found = read(&disk.content("/a.xdseg").unwrap());
    let types: Vec<_> = found.records.iter().map(|(_, record_type, _)| *record_type).collect();
    assert_eq!((types.len(), found.damages.len()), (3, 0), "{types:?}, {:?}", found.damages);
}
