//! The description of the format, held against what is written.

#![allow(missing_docs)]
#![allow(clippy::expect_used, reason = "a description that cannot be read has failed")]

mod support;

use xd_store::simulated::Disk;
use xd_store::{DamageKind, RecordType, SegmentHeader, SegmentKind, SegmentWriter};

const DESCRIPTION: &str = include_str!("../../../docs/segment-format.md");

/// The bytes of the example: lines of an address and hexadecimal bytes; what is left out is zeros.
fn example() -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in DESCRIPTION.lines() {
        let Some((address, rest)) = line.split_once("  ") else { continue };
        let Ok(address) = usize::from_str_radix(address, 16) else { continue };
        bytes.resize(address, 0);
        let hex = rest.split('|').next().unwrap_or_default().split_whitespace();
        bytes.extend(hex.map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal")));
    }
    bytes
}

#[test]
fn the_example_is_what_is_written() {
    let disk = Disk::new();
    let header = SegmentHeader::new(SegmentKind::CAPSULES, 1, b"").unwrap();
    let mut writer = SegmentWriter::create(&disk, "/s", &header).unwrap();
    writer.append(RecordType::new(1), b"hello").unwrap();
    writer.sync().unwrap();
    let written = disk.content("/s").unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X} ")).collect::<String>();
    assert_eq!(hex(&example()), hex(&written));
}

/// A segment with these flags and stored payloads, written by the description alone.
fn described(records: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89XDSEG\r\n\x01\0\x01\x05\x01".to_vec();
    bytes.resize(20, 0);
    bytes.extend_from_slice(b"label");
    bytes.resize(124, 0);
    let salt = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&salt.to_le_bytes());
    for &(flags, stored) in records {
        let fields = [[7, flags].as_slice(), &(stored.len() as u32).to_le_bytes()].concat();
        let covered = [(bytes.len() as u64).to_le_bytes().as_slice(), &fields, stored].concat();
        let checksum = crc32c::crc32c(&covered) ^ salt;
        bytes.extend_from_slice(&[b"\xfe\xfd", fields.as_slice(), stored, &checksum.to_le_bytes()].concat());
    }
    bytes
}

#[test]
fn the_description_is_enough_to_write_a_segment() {
    // As it is; escaped; a zstd frame of one raw block; erased.
    let bytes = described(&[
        (0x00, b"\xfe and \xfc"),
        (0x10, b"\xfe\xfc\x01\xfe\xfc\x00"),
        (0x01, b"\x28\xb5\x2f\xfd\x20\x05\x29\0\0hello"),
        (0x80, &[0; 9]),
    ]);
    let found = support::read(&bytes);
    assert_eq!(found.payloads(), [b"\xfe and \xfc".as_slice(), b"\xfe\xfd\xfe\xfc", b"hello"]);
    assert_eq!((found.erased.len(), found.damages.len()), (1, 0));
}

#[test]
fn what_no_record_may_be_is_damage_though_its_checksum_matches() {
    let refused: [(u8, &[u8], DamageKind); 7] = [
        (0x80, b"\0\0left\0\0", DamageKind::Records),
        (0x90, &[0; 9], DamageKind::Records),
        (0x02, b"another codec", DamageKind::Records),
        (0x20, b"another flag", DamageKind::Records),
        (0x00, b"a \xfe\xfd marker", DamageKind::Records),
        (0x10, b"\xfe\xfc\x02", DamageKind::Content),
        (0x01, b"no frame", DamageKind::Content),
    ];
    for (flags, stored, kind) in refused {
        let found = support::read(&described(&[(flags, stored), (0, b"behind it")]));
        assert_eq!((found.kinds(), found.payloads()), (vec![kind], vec![b"behind it".to_vec()]), "{flags:x} {stored:?}");
        assert!(found.erased.is_empty());
    }
}
