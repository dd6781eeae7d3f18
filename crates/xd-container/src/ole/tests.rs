//! Whole compound files.

use super::sample::{compressed, dir, file, file_of_class};
use super::{Compound, document, vba};
use crate::{Bounds, Budget, Opened, Passwords, Sign};

const SOURCE: &[u8] = b"Attribute VB_Name = \"ThisDocument\"\r\nSub Document_Open()\r\nShell \"calc\"\r\nEnd Sub\r\n";

fn opened(bytes: &[u8]) -> Opened<'_> {
    document::open(bytes, &Passwords::default(), &mut Budget::default())
}

fn signs(bytes: &[u8]) -> Vec<Sign> {
    opened(bytes).signs.iter().collect()
}

fn project(module: &[u8], dir: &[u8]) -> Vec<u8> {
    let names = b"\xCC\x61\x88\0\0junk\x01Document_Open\0Shell\0more";
    file(&[("Macros/VBA/dir", dir), ("Macros/VBA/ThisDocument", module), ("Macros/VBA/_VBA_PROJECT", names)])
}

#[test]
fn streams_are_read_by_path_short_and_long() {
    let long: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let bytes = file(&[("a/short", b"short"), ("a/long", &long), ("b", b"")]);
    let mut budget = Budget::default();
    let compound = Compound::open(&bytes, &mut budget).unwrap();
    assert!(compound.signs.is_empty());
    let (storage, _) = compound.directory.child(0, "A").unwrap();
    for (name, expected) in [("short", &b"short"[..]), ("LONG", &long)] {
        let (_, entry) = compound.directory.child(storage, name).unwrap();
        assert_eq!(compound.read(entry, &mut budget).as_ref(), expected);
    }
    assert_eq!(budget.decoded_left(), Bounds::default().decoded_bytes, "runs of sectors are borrowed");
}

#[test]
fn macros_that_run_by_themselves() {
    let module = [b"compiled code".to_vec(), compressed(SOURCE)].concat();
    let expected = [Sign::Macros, Sign::AutoRun, Sign::SuspiciousMacros];
    assert_eq!(signs(&project(&module, &dir(&[("ThisDocument", 13)]))), expected);
    // A list that names another place, or none.
    assert_eq!(signs(&project(&module, &dir(&[("ThisDocument", 5)]))), expected);
    assert_eq!(signs(&project(&module, b"\x01")), expected);
    assert_eq!(vba(&module, &mut Budget::default()).iter().collect::<Vec<_>>(), expected);
}

#[test]
fn streams_of_a_message_hide_no_document() {
    let module = [b"compiled code".to_vec(), compressed(SOURCE)].concat();
    let dir = dir(&[("ThisDocument", 13)]);
    let streams: [(&str, &[u8]); 4] =
        [("__properties_version1.0", b""), ("WordDocument", b""), ("Macros/VBA/dir", &dir), ("Macros/VBA/ThisDocument", &module)];
    let expected = [Sign::Disagreement, Sign::Macros, Sign::AutoRun, Sign::SuspiciousMacros];
    let bytes = file(&streams);
    let document = opened(&bytes);
    assert_eq!(document.signs.iter().collect::<Vec<_>>(), expected);
    assert_eq!(document.members[0].name, "message.eml");
    assert_eq!(signs(&file(&[streams[0], ("__nameid_version1.0/__substg1.0_00020102", b"")])), []);
}

#[test]
fn sources_that_are_gone_leave_names() {
    let expected = [Sign::Macros, Sign::AutoRun, Sign::SuspiciousMacros];
    assert_eq!(signs(&project(b"compiled code", &dir(&[("ThisDocument", 13)]))), expected);
}

#[test]
fn a_stream_called_dir_is_no_project() {
    assert_eq!(signs(&file(&[("dir", b"a list"), ("other", b"AutoOpen")])), []);
}

#[test]
fn embedded_files_objects_and_links() {
    let package = b"\x30\0\0\0\x02\0a.txt\0C:\\run.exe\0\0\0\x03\0\x01\0\0\0\0\x02\0\0\0MZ";
    let mut link = b"\x01\0\0\x02\xE0\xC9\xEA\x79\xF9\xBA\xCE\x11\x8C\x82\0\xAA\0\x4B\xA9\x0B\x30\0\0\0".to_vec();
    link.extend("http://example.com/x\0".encode_utf16().flat_map(u16::to_le_bytes));
    let bytes = file(&[
        ("ObjectPool/_1/\u{1}Ole10Native", package),
        ("ObjectPool/_1/\u{1}Ole", &link),
        ("ObjectPool/_2/Equation Native", b"x"),
        ("ObjectPool/_3/Package", b"PK\x03\x04"),
    ]);
    let opened = opened(&bytes);
    let expected = [Sign::RemoteTemplate, Sign::EmbeddedObject, Sign::EquationObject];
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), expected);
    assert_eq!(opened.links, ["http://example.com/x"]);
    let members: Vec<_> = opened.members.iter().map(|member| (member.name.as_str(), member.bytes())).collect();
    assert_eq!(members, [("run.exe", &b"MZ"[..]), ("Package", b"PK\x03\x04")]);
    assert_eq!(opened.members[0].other_names, ["a.txt"]);
}

#[test]
fn encrypted_files_and_installers() {
    assert_eq!(signs(&file(&[("EncryptionInfo", b"x"), ("EncryptedPackage", b"x")])), [Sign::Encrypted, Sign::Unsupported]);
    assert_eq!(signs(&file(&[("WordDocument", b"\xEC\xA5\xC1\0\0\0\0\0\0\0\0\x01"), ("1Table", b"")])), [Sign::Encrypted]);
    assert_eq!(signs(&file(&[("Workbook", b"\x09\x08\x04\0\0\x06\x05\0\x2F\0\0\0")])), [Sign::Encrypted]);
    let class = *b"\x84\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0F";
    let bytes = file_of_class(&[("cabinet", b"MSCF\0\0\0\0"), ("table", b"text")], class);
    let installer = opened(&bytes);
    assert_eq!(installer.signs.iter().collect::<Vec<_>>(), [Sign::Installer]);
    assert_eq!(installer.members.len(), 1);
}

#[test]
fn the_text_of_a_word_document() {
    let mut document = vec![0; 0x200];
    document[..2].copy_from_slice(b"\xEC\xA5");
    document[11] = 2;
    document.extend(b"Hello \x13 HYPERLINK \"https://example.com/\" \x14there\x15\r");
    let narrow = document.len() - 0x200;
    let wide = document.len();
    document.extend("grüße".encode_utf16().flat_map(u16::to_le_bytes));
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    let piece = |at: usize, bit: u32| [&[0; 2], &(u32::try_from(at).unwrap() | bit).to_le_bytes()[..], &[0; 2]].concat();
    let places = [number(0), number(narrow), number(narrow + 5)].concat();
    let pieces = [places, piece(0x400, 0x4000_0000), piece(wide, 0)].concat();
    let table = [b"\x02", &number(pieces.len())[..], &pieces].concat();
    let bytes = file(&[("WordDocument", &document), ("1Table", &table)]);
    let opened = opened(&bytes);
    assert_eq!(opened.text, "Hello there\ngrüße");
    assert_eq!(opened.links, ["https://example.com/"]);
}

#[test]
fn directories_and_chains_in_circles_end() {
    let good = file(&[("a/b", b"x"), ("c", &[7; 5000])]);
    // Every number that leads somewhere leads to the beginning.
    for place in (512..good.len() - 4).step_by(4) {
        let mut bytes = good.clone();
        bytes[place..place + 4].fill(0);
        let _ = opened(&bytes);
    }
    let mut header_only = good;
    header_only.truncate(100);
    assert_eq!(signs(&header_only), [Sign::Truncated]);
}
