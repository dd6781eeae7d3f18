//! Archives that 7-Zip 25.01 wrote of a few lines of text, and what becomes of them when they are damaged.

use super::*;
use crate::mutate;

/// `7z a -mx0`: "first.txt" with "one\n" and "second.exe" with "MZ two\n"; the header is plain.
fn copied() -> Vec<u8> {
    let names: Vec<u8> = "first.txt\0second.exe\0empty\0dir\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut header = vec![0x01, 0x04, 0x06, 0, 1, 0x09, 11, 0, 0x07, 0x0B, 1, 0, 1, 1, 0, 0x0C, 11, 0];
    header.extend_from_slice(&[0x08, 0x0D, 2, 0x09, 4, 0, 0]);
    header.extend_from_slice(&[
        0x05,
        4,
        0x0E,
        1,
        0b0011_0000,
        0x0F,
        1,
        0b1000_0000,
        0x11,
        u8::try_from(names.len() + 1).unwrap(),
        0,
    ]);
    header.extend_from_slice(&names);
    header.extend_from_slice(&[0, 0]);
    wrapped(b"one\nMZ two\n", &header)
}

fn wrapped(packed: &[u8], header: &[u8]) -> Vec<u8> {
    let mut bytes = [SIGNATURE, &[0, 4, 0, 0, 0, 0]].concat();
    bytes.extend_from_slice(&(packed.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(packed);
    bytes.extend_from_slice(header);
    bytes
}

fn names<'o>(opened: &'o Opened<'_>) -> Vec<&'o str> {
    opened.members.iter().map(|member| member.name.as_str()).collect()
}

#[test]
fn files_are_cut_from_their_folder() {
    let bytes = copied();
    let opened = open(&bytes, &Passwords::default(), &mut Budget::default());
    assert_eq!(names(&opened), ["first.txt", "second.exe", "empty"]);
    assert_eq!(opened.members.iter().map(Member::bytes).collect::<Vec<_>>(), [&b"one\n"[..], b"MZ two\n", b""]);
    assert!(opened.signs.is_empty(), "{:?}", opened.signs.iter().collect::<Vec<_>>());
}

#[test]
fn a_program_before_it_is_a_prefix() {
    let bytes = [b"MZ stub".to_vec(), copied()].concat();
    let opened = open(&bytes, &Passwords::default(), &mut Budget::default());
    assert_eq!(opened.members.len(), 3);
    assert!(opened.signs.contains(Sign::Prefixed));
}

/// A header that is packed by a cipher: nobody sees names without the password.
#[test]
fn an_encrypted_header_is_a_sign() {
    let header = [0x17, 0x06, 0, 1, 0x09, 16, 0, 0x07, 0x0B, 1, 0, 1, 0x24, 6, 0xF1, 7, 1, 1, 0x05, 0x0C, 16, 0, 0];
    let bytes = wrapped(&[0x55; 16], &header);
    let passwords = Passwords::new(["secret".to_owned()]);
    let opened = open(&bytes, &passwords, &mut Budget::default());
    assert!(opened.signs.contains(Sign::Encrypted), "{:?}", opened.signs.iter().collect::<Vec<_>>());
}

#[test]
fn what_nobody_decodes_keeps_its_names() {
    let mut bytes = copied();
    // The coder becomes PPMd.
    let at = memchr::memmem::find(&bytes, &[1, 0, 1, 1, 0, 0x0C]).unwrap();
    bytes.splice(at + 3..at + 5, [0x03, 3, 4, 1]);
    let size = bytes.len() as u64 - 43;
    bytes[20..28].copy_from_slice(&size.to_le_bytes());
    let opened = open(&bytes, &Passwords::default(), &mut Budget::default());
    assert_eq!(names(&opened), ["first.txt", "second.exe", "empty"]);
    assert!(opened.members[0].signs.contains(Sign::Unsupported));
}

/// Sixteen coders of which the first, with four streams, reads itself by each: run as said, that is four billion runs.
#[test]
fn coders_that_read_themselves_end() {
    let mut header = vec![0x01, 0x04, 0x06, 0, 1, 0x09, 11, 0, 0x07, 0x0B, 1, 0, 16, 0x14, 3, 3, 1, 0x1B, 4, 1];
    header.extend([1, 0].repeat(15));
    header.extend([0, 0, 1, 0, 2, 0, 3, 0, 4, 0]);
    header.extend((5..15).flat_map(|into| [into, into - 3]));
    header.extend([15, 16, 17, 18, 0x0C]);
    header.extend([11; 16]);
    header.extend([0, 0, 0]);
    let bytes = wrapped(b"one\nMZ two\n", &header);
    let opened = open(&bytes, &Passwords::default(), &mut Budget::default());
    assert!(opened.signs.contains(Sign::Damaged));
}

#[test]
fn nothing_panics() {
    let passwords = Passwords::new(["secret".to_owned()]);
    mutate::check(&copied(), |bytes, _| {
        let _ = open(bytes, &passwords, &mut Budget::default());
    });
}
