//! What must hold of segments: whatever the bytes, they are read to their end without gaps; what was appended is read; and one
//! changed byte costs one record.

use xd_store::simulated::Disk;
use xd_store::{
    Damage, DamageKind, Entry, Erasure, Offset, PAYLOAD_MAX, RecordType, SegmentHeader, SegmentKind, SegmentReader,
    SegmentWriter, erase,
};

const PATH: &str = "/s";
const HEADER_BYTES: usize = 128;

/// What a reader said of a segment.
#[derive(Debug, Default, PartialEq)]
struct Found {
    records: Vec<(Offset, Vec<u8>)>,
    erased: Vec<Offset>,
    damages: Vec<Damage>,
}

/// Any bytes behind a whole header, as they are and as the stored payload of a record whose checksum is right; and alone.
pub fn bytes(bytes: &[u8]) {
    if let Ok(reader) = SegmentReader::new(PATH, bytes) {
        read_all(reader, bytes.len());
    }
    let (header, salt) = header();
    reopened(&[header.as_slice(), bytes].concat());

    let [record_type, flags, stored @ ..] = bytes else { return };
    let mut segment = header;
    record(&mut segment, salt, *record_type, *flags, stored);
    let begin = segment.len();
    record(&mut segment, salt, 1, 0, b"behind it");
    let found = reopened(&segment);
    assert_eq!(found.records.last(), Some(&(Offset::new(begin as u64), b"behind it".to_vec())));
}

/// Records appended, compressed, erased and gone on with in the order that the bytes give; then one byte is changed.
pub fn operations(mut bytes: &[u8]) {
    let disk = Disk::new();
    let header = SegmentHeader::new(SegmentKind::CAPSULES, 1, b"").expect("the label is short");
    let mut writer = SegmentWriter::create(&disk, PATH, &header).expect("the disk works");
    let mut expected = Found::default();
    while let [operation, length, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        bytes = rest;
        match operation % 8 {
            0..4 => {
                let offset = writer.append(RecordType::new(1), payload).expect("the disk works");
                expected.records.push((offset, payload.to_vec()));
            }
            4 | 5 => {
                let payload = payload.repeat(4);
                let offset = writer.append_compressed(RecordType::new(2), &payload).expect("the disk works");
                expected.records.push((offset, payload));
            }
            6 if !expected.records.is_empty() => {
                writer.sync().expect("the disk works");
                let (offset, _) = expected.records.remove(usize::from(*length) % expected.records.len());
                expected.erased.push(offset);
                assert_eq!(erase(&disk, PATH, offset).expect("the disk works"), Erasure::Done);
                assert_eq!(erase(&disk, PATH, offset).expect("the disk works"), Erasure::Already);
            }
            _ => {
                writer.sync().expect("the disk works");
                let (opened, recovery) = SegmentWriter::open(&disk, PATH).expect("the disk works");
                assert_eq!(recovery.records, (expected.records.len() + expected.erased.len()) as u64);
                writer = opened;
            }
        }
    }
    writer.sync().expect("the disk works");
    expected.erased.sort_unstable();
    let mut segment = disk.content(PATH).expect("the segment is there");
    assert_eq!(read(&segment), expected);

    let at = bytes.first().map_or(HEADER_BYTES, |&byte| usize::from(byte) * 7) % segment.len();
    segment[at] ^= 1 << (at % 8);
    let changed = read(&segment);
    let records = |found: &Found| found.records.len() + found.erased.len();
    assert_eq!(changed.damages.len(), 1, "one changed byte is noticed");
    assert_eq!(records(&changed) + usize::from(at >= HEADER_BYTES), records(&expected), "and costs one record");
    assert!(changed.records.iter().all(|record| expected.records.contains(record)));
}

/// Reads a segment, opens it to go on, and reads it again: what was read is still there, and what was not is somewhere.
fn reopened(segment: &[u8]) -> Found {
    let found = read(segment);
    let disk = Disk::new();
    disk.put(PATH, segment).expect("there is a root");
    let (writer, recovery) = SegmentWriter::open(&disk, PATH).expect("the header is whole");
    let now = disk.content(PATH).expect("the segment is there");
    let kept = recovery.kept.map(|path| disk.content(path).expect("what is kept is there")).unwrap_or_default();
    assert_eq!(writer.offset().bytes(), now.len() as u64);
    assert_eq!(now.len() + kept.len(), segment.len());
    let again = read(&now);
    assert_eq!(again.records, found.records);
    assert!(again.damages.iter().all(|damage| matches!(damage.kind, DamageKind::Content | DamageKind::Records)));
    found
}

fn read(segment: &[u8]) -> Found {
    read_all(SegmentReader::new(PATH, segment).expect("this version"), segment.len())
}

fn read_all(mut reader: SegmentReader<&[u8]>, bytes: usize) -> Found {
    let mut found = Found::default();
    let mut end = if reader.header().is_some() { HEADER_BYTES as u64 } else { 0 };
    while let Some(entry) = reader.next_entry().expect("memory is read") {
        let offset = match entry {
            Entry::Record(record) => {
                assert!(record.payload().len() <= PAYLOAD_MAX);
                found.records.push((record.offset(), record.payload().to_vec()));
                record.offset()
            }
            Entry::Erased(record) => {
                found.erased.push(record.offset());
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
    assert_eq!(end, bytes as u64, "nothing is passed over");
    found
}

/// A header and its checksum, by the description of the format rather than by its code.
fn header() -> (Vec<u8>, u32) {
    let mut header = b"\x89XDSEG\r\n\x01\0\x01\0\x01".to_vec();
    header.resize(HEADER_BYTES - 4, 0);
    let checksum = crc32c::crc32c(&header);
    header.extend_from_slice(&checksum.to_le_bytes());
    (header, checksum)
}

/// Appends a record with whatever flags and stored bytes, and the checksum that belongs to them.
fn record(segment: &mut Vec<u8>, salt: u32, record_type: u8, flags: u8, stored: &[u8]) {
    let offset = segment.len() as u64;
    let length = u32::try_from(stored.len()).expect("inputs are short").to_le_bytes();
    let fields = [[record_type, flags].as_slice(), &length].concat();
    let checksum = crc32c::crc32c(&[offset.to_le_bytes().as_slice(), &fields, stored].concat()) ^ salt;
    segment.extend_from_slice(&[b"\xfe\xfd", fields.as_slice(), stored, &checksum.to_le_bytes()].concat());
}
