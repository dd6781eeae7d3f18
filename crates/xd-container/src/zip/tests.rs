//! Archives built by hand, record by record.

use super::*;
use crate::{Bounds, Content, mutate};

/// One member as both headers say it; what is changed makes them differ.
#[derive(Clone)]
struct Made {
    name: &'static str,
    local_name: &'static str,
    data: Vec<u8>,
    method: u16,
    local_method: u16,
    flags: u16,
    size: u32,
    local_size: u32,
    extra: Vec<u8>,
    in_directory: bool,
    crc: u32,
}

fn stored(name: &'static str, data: &[u8]) -> Made {
    let size = u32::try_from(data.len()).unwrap();
    let crc = crate::crypt::crc32(data);
    Made {
        name,
        local_name: name,
        data: data.to_vec(),
        method: 0,
        local_method: 0,
        flags: 0,
        size,
        local_size: size,
        extra: Vec::new(),
        in_directory: true,
        crc,
    }
}

/// "hello hello hello hello\n", deflated by zlib.
const HELLO: &[u8] = b"\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00";

fn deflated(name: &'static str, data: &[u8], size: u32) -> Made {
    Made { method: 8, local_method: 8, size, ..stored(name, data) }
}

fn archive(members: &[Made]) -> Vec<u8> {
    archive_at(members, 0)
}

/// With offsets that count from `base` bytes before.
fn archive_at(members: &[Made], base: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    let mut count = 0_u16;
    for made in members {
        let offset = base + u32::try_from(bytes.len()).unwrap();
        let packed = u32::try_from(made.data.len()).unwrap();
        let common = |method: u16, packed: u32, size: u32, name: &str| {
            let mut fields = Vec::new();
            [20, made.flags, method, 0, 0].iter().for_each(|value: &u16| fields.extend_from_slice(&value.to_le_bytes()));
            [made.crc, packed, size].iter().for_each(|value| fields.extend_from_slice(&value.to_le_bytes()));
            fields.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
            fields.extend_from_slice(&u16::try_from(made.extra.len()).unwrap().to_le_bytes());
            fields
        };
        bytes.extend_from_slice(b"PK\x03\x04");
        bytes.extend_from_slice(&common(made.local_method, made.local_size, made.size, made.local_name));
        bytes.extend_from_slice(made.local_name.as_bytes());
        bytes.extend_from_slice(&made.extra);
        bytes.extend_from_slice(&made.data);
        if made.in_directory {
            count += 1;
            directory.extend_from_slice(b"PK\x01\x02\x14\0");
            directory.extend_from_slice(&common(made.method, packed, made.size, made.name));
            directory.extend_from_slice(&[0; 10]);
            directory.extend_from_slice(&offset.to_le_bytes());
            directory.extend_from_slice(made.name.as_bytes());
            directory.extend_from_slice(&made.extra);
        }
    }
    let starts_at = base + u32::try_from(bytes.len()).unwrap();
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    bytes.extend_from_slice(&[count.to_le_bytes(), count.to_le_bytes()].concat());
    bytes.extend_from_slice(&u32::try_from(directory.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(&starts_at.to_le_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

fn opened(bytes: &[u8]) -> Opened<'_> {
    open(bytes, &Passwords::default(), &mut Budget::default())
}

fn names<'o>(opened: &'o Opened<'_>) -> Vec<&'o str> {
    opened.members.iter().map(|member| member.name.as_str()).collect()
}

#[test]
fn an_ordinary_archive_has_its_members_and_no_sign() {
    let bytes = archive(&[stored("a.txt", b"one"), deflated("d/b.txt", HELLO, 24), stored("d/", b"")]);
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["a.txt", "d/b.txt"]);
    assert_eq!(opened.members[0].bytes(), b"one");
    assert_eq!(opened.members[1].bytes(), b"hello hello hello hello\n");
    assert!(matches!(opened.members[1].content, Content::Whole(_)));
    assert!(opened.signs.is_empty(), "{:?}", opened.signs.iter().collect::<Vec<_>>());
}

#[test]
fn headers_that_differ_are_a_sign_and_a_second_name() {
    let bytes = archive(&[Made { local_name: "a.exe", ..stored("a.txt", b"one") }]);
    let opened = opened(&bytes);
    assert_eq!(opened.members[0].name, "a.txt");
    assert_eq!(opened.members[0].other_names, ["a.exe"]);
    assert!(opened.signs.contains(Sign::Disagreement) && opened.members[0].signs.contains(Sign::Disagreement));
}

#[test]
fn a_directory_whose_header_names_a_file_is_a_file() {
    let mut bytes = archive(&[Made { local_name: "evil.exe", ..stored("docs/", b"MZ") }]);
    // The directory says that nothing is in it.
    let entry = memchr::memmem::rfind(&bytes, b"PK\x01\x02").unwrap();
    bytes[entry + 20..entry + 28].fill(0);
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["docs/", "evil.exe"]);
    assert_eq!(opened.members[1].bytes(), b"MZ");
    assert!(opened.signs.contains(Sign::Disagreement));
}

#[test]
fn another_method_is_another_member() {
    let bytes = archive(&[Made { method: 0, ..deflated("a", HELLO, 24) }]);
    let opened = opened(&bytes);
    assert_eq!(opened.members.iter().map(Member::bytes).collect::<Vec<_>>(), [HELLO, b"hello hello hello hello\n"]);
    assert!(opened.signs.contains(Sign::Disagreement));
}

#[test]
fn members_without_a_place_in_the_directory_are_found() {
    let bytes = archive(&[stored("a", b"one"), Made { in_directory: false, ..stored("b.exe", b"MZ") }, stored("c", b"three")]);
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["a", "c", "b.exe"]);
    assert!(opened.signs.contains(Sign::Disagreement));
}

#[test]
fn a_member_within_a_longer_one_is_found() {
    // Those who read headers one after the other find the second where the first ends by its own header.
    let inner = archive(&[stored("hidden.exe", b"MZ")]);
    let inner = &inner[..inner.len() - 22];
    let outer = Made { local_size: 3, ..stored("outer.txt", &[b"abc", inner].concat()) };
    let bytes = archive(&[outer]);
    let opened = opened(&bytes);
    assert!(names(&opened).contains(&"hidden.exe"));
    assert!(opened.signs.contains(Sign::Disagreement));
}

#[test]
fn a_stored_archive_within_is_no_second_directory() {
    let inner = archive(&[stored("inner", b"one")]);
    let bytes = archive(&[stored("inner.zip", &inner), stored("other", b"")]);
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["inner.zip", "other"]);
    assert!(opened.signs.is_empty());
}

#[test]
fn two_archives_in_a_row_are_both_read() {
    let bytes = [archive(&[stored("first.exe", b"MZ")]), archive(&[stored("second.txt", b"text")])].concat();
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["second.txt", "first.exe"]);
    assert!(opened.signs.contains(Sign::Disagreement));
}

#[test]
fn other_bytes_before_and_behind() {
    let stub = b"MZ a program that unpacks itself";
    for base in [0, u32::try_from(stub.len()).unwrap()] {
        let bytes = [&stub[..], &archive_at(&[stored("a", b"one")], base), b"junk behind"].concat();
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["a"]);
        assert_eq!(opened.members[0].bytes(), b"one");
        assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Prefixed, Sign::Trailing]);
        assert!(is_at_end(&bytes));
    }
}

#[test]
fn without_a_directory_the_headers_tell() {
    let bytes = archive(&[stored("a", b"one"), deflated("b", HELLO, 24), stored("c", &[b'x'; 100])]);
    let opened = opened(&bytes[..130]);
    assert_eq!(names(&opened), ["a", "b", "c"]);
    assert_eq!(opened.members[1].bytes(), b"hello hello hello hello\n");
    assert!(opened.signs.contains(Sign::Truncated) && opened.members[2].signs.contains(Sign::Truncated));
}

#[test]
fn sizes_behind_the_bytes_do_not_hide_them() {
    let mut made = deflated("a", &[HELLO, b"PK\x07\x08", &[0; 12]].concat(), 0);
    (made.flags, made.local_size, made.in_directory) = (8, 0, false);
    let bytes = archive(&[made, stored("b", b"two")]);
    let opened = opened(&bytes);
    assert_eq!(names(&opened), ["b", "a"]);
    assert_eq!(opened.members[1].bytes(), b"hello hello hello hello\n");
}

#[test]
fn members_that_share_bytes_are_marked_and_read_once() {
    let mut bytes = archive(&[stored("a", b"some bytes"), stored("b", b"")]);
    // The second entry of the directory points at the first header.
    let second = memchr::memmem::rfind(&bytes, b"PK\x01\x02").unwrap();
    bytes[second + 42..second + 46].fill(0);
    bytes[second + 20] = 10;
    bytes[second + 24] = 10;
    let opened = opened(&bytes);
    assert!(opened.signs.contains(Sign::Overlap));
    assert!(opened.members.iter().take(2).all(|member| member.signs.contains(Sign::Overlap)));
}

/// An archive of one member, whose directory names it so many times, without the extra fields.
fn repeated(made: Made, count: u16) -> Vec<u8> {
    let extra = made.extra.len();
    let mut bytes = archive(&[made]);
    let directory = memchr::memmem::rfind(&bytes, b"PK\x01\x02").unwrap();
    let end = bytes.len() - 22;
    let mut entry = bytes[directory..end - extra].to_vec();
    entry[30..32].fill(0);
    let size = u32::from(count) * u32::try_from(entry.len()).unwrap();
    bytes[end + 8..end + 12].copy_from_slice(&[count.to_le_bytes(), count.to_le_bytes()].concat());
    bytes[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    bytes.splice(directory..end, entry.repeat(count.into()));
    bytes
}

/// A megabyte at most, of which each entry has 64 KiB of extra fields.
#[test]
fn shared_headers_are_paid_for_by_their_length() {
    let bytes = repeated(Made { extra: vec![0; 0xFFFC], ..stored("a", b"bytes") }, 5_000);
    let mut budget = Budget::new(Bounds { steps: 10_000_000, ..Bounds::default() });
    let opened = open(&bytes, &Passwords::default(), &mut budget);
    assert!(opened.signs.contains(Sign::Limit));
    assert!(opened.members.len() < 400, "{}", opened.members.len());
    assert!(opened.members.iter().all(|member| member.name == "a"));
}

/// Ten thousand entries of one name: 50 GB, compared one by one.
#[test]
fn members_that_share_bytes_are_not_compared() {
    let bytes = repeated(stored("a", &vec![b'x'; 5_000_000]), 10_000);
    let opened = opened(&bytes);
    assert_eq!(opened.members.len(), 10_000);
    assert_eq!(opened.signs.iter().collect::<Vec<_>>(), [Sign::Bomb, Sign::Overlap]);
}

#[test]
fn bombs_are_marked_by_their_promise_and_by_their_bytes() {
    let promise = opened_owned(&archive(&[deflated("a", HELLO, 100 << 20)]));
    assert!(promise.0.contains(Sign::Bomb));
    // Deflate of 9 MiB of zeros, built from one code: literal 0 and matches of 258.
    let zeros = zeros(9 << 20);
    let mut made = deflated("bomb.zip", &zeros, 24);
    made.flags = 0;
    let bytes = archive(&[made]);
    let opened = open_with(&bytes, &Passwords::default(), &mut Budget::default(), |_| true);
    assert!(opened.members[0].signs.contains(Sign::Bomb), "{:?}", opened.members[0].signs.iter().collect::<Vec<_>>());
    assert!(opened.members[0].bytes().len() <= 4_096);
}

fn opened_owned(bytes: &[u8]) -> (crate::Signs, usize) {
    let opened = opened(bytes);
    (opened.members[0].signs, opened.members.len())
}

/// Zeros, deflated by fixed codes: a literal 0, then matches of length 258 and distance 1 (RFC 1951 3.2.6).
fn zeros(size: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    let mut code = |value: u32, length: u32| (0..length).rev().for_each(|bit| bits.push(value >> bit & 1 == 1));
    code(0x30, 8);
    for _ in 0..size.div_ceil(258) {
        code(0b1100_0101, 8);
        code(0, 5);
    }
    code(0, 7);
    bits.chunks(8).map(|bits| bits.iter().enumerate().map(|(at, bit)| u8::from(*bit) << at).sum()).collect()
}

#[test]
fn names_in_unicode_fields_and_with_nulls() {
    let name = "a.txt";
    let mut extra = vec![0x75, 0x70];
    let path = "bü.exe";
    extra.extend_from_slice(&u16::try_from(5 + path.len()).unwrap().to_le_bytes());
    extra.push(1);
    extra.extend_from_slice(&crate::crypt::crc32(name.as_bytes()).to_le_bytes());
    extra.extend_from_slice(path.as_bytes());
    let bytes = archive(&[Made { extra, ..stored(name, b"") }, stored("c.exe\0.txt", b"")]);
    let opened = opened(&bytes);
    assert_eq!((opened.members[0].name.as_str(), &opened.members[0].other_names[..]), (path, &[name.to_owned()][..]));
    assert_eq!(opened.members[1].other_names, ["c.exe"]);
    assert!(opened.members.iter().all(|member| member.signs.contains(Sign::Disagreement)));
}

/// `python3`'s zipfile reads it; made with PKWARE's cipher as its appendix says, password "secret".
#[test]
fn encrypted_members_are_opened_by_a_known_password() {
    let plain = b"the plain text";
    let crc = crate::crypt::crc32(plain);
    let mut keys = cipher_for_tests::Keys::new(b"secret");
    let mut header = [7; 12];
    header[11] = crc.to_be_bytes()[0];
    let data: Vec<u8> = header.iter().chain(plain).map(|byte| keys.encrypt(*byte)).collect();
    let made = Made { flags: 1, crc, size: 14, ..stored("a.txt", &data) };
    let bytes = archive(&[made]);
    let closed = opened(&bytes);
    assert!(closed.members[0].signs.contains(Sign::Encrypted) && closed.signs.contains(Sign::Encrypted));
    assert!(matches!(closed.members[0].content, Content::Unread));
    let passwords = Passwords::new(["wrong".to_owned(), "secret".to_owned()]);
    let opened = open(&bytes, &passwords, &mut Budget::default());
    assert_eq!(opened.members[0].bytes(), plain);
    assert!(opened.members[0].signs.contains(Sign::Decrypted) && !opened.members[0].signs.contains(Sign::Encrypted));
}

/// The cipher written anew, the other way round.
mod cipher_for_tests {
    pub(super) struct Keys(u32, u32, u32);

    impl Keys {
        pub(super) fn new(password: &[u8]) -> Self {
            let mut keys = Self(0x1234_5678, 0x2345_6789, 0x3456_7890);
            password.iter().for_each(|byte| keys.update(*byte));
            keys
        }

        fn update(&mut self, byte: u8) {
            self.0 = crate::crypt::crc32_step(self.0, byte);
            self.1 = (self.1.wrapping_add(self.0 & 0xFF)).wrapping_mul(134_775_813).wrapping_add(1);
            self.2 = crate::crypt::crc32_step(self.2, u8::try_from(self.1 >> 24).unwrap());
        }

        pub(super) fn encrypt(&mut self, plain: u8) -> u8 {
            let temporary = self.2 & 0xFFFF | 2;
            let pad = u8::try_from(temporary.wrapping_mul(temporary ^ 1) >> 8 & 0xFF).unwrap();
            self.update(plain);
            plain ^ pad
        }
    }
}

#[test]
fn many_members_end_at_the_bound() {
    let members: Vec<_> = (0..30).map(|_| stored("a", b"")).collect();
    let bytes = archive(&members);
    let mut budget = Budget::new(Bounds { members: 20, ..Bounds::default() });
    let opened = open(&bytes, &Passwords::default(), &mut budget);
    assert_eq!(opened.members.len(), 20);
    assert!(opened.signs.contains(Sign::Limit));
}

#[test]
fn split_archives_say_so() {
    let mut bytes = archive(&[stored("a", b"one")]);
    let end = memchr::memmem::rfind(&bytes, b"PK\x05\x06").unwrap();
    bytes[end + 4] = 2;
    assert!(opened(&bytes).signs.contains(Sign::Split));
}

#[test]
fn nothing_panics_and_what_stands_before_the_damage_survives() {
    let sample = archive(&[
        stored("first.txt", b"some bytes"),
        deflated("second.txt", HELLO, 24),
        Made { flags: 1, ..stored("third", &[9; 40]) },
        Made { method: 14, local_method: 14, ..stored("fourth", &[9, 20, 5, 0, 93, 0, 0, 1, 0, 0, 1, 2, 3]) },
        Made { method: 12, local_method: 12, ..stored("fifth", b"BZh9123456789") },
    ]);
    let passwords = Passwords::new(["secret".to_owned()]);
    mutate::check(&sample, |bytes, damage_at| {
        let opened = open(bytes, &passwords, &mut Budget::default());
        if damage_at > 60 {
            let is_named =
                |member: &Member<'_>| member.name == "first.txt" || member.other_names.iter().any(|name| name == "first.txt");
            let survives = opened.members.iter().any(|member| member.bytes() == b"some bytes" && is_named(member));
            assert!(survives, "damage at {damage_at}: {:?}", opened.members);
        }
    });
}
