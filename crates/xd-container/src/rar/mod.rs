//! RAR archives of both formats (technote.txt of RAR 4.20; the RAR 5.0 archive format): names, sizes, encryption and volumes.
//!
//! Contents are read where they are stored as they are. RAR's own compression has no decoder that is permissive and kept, so
//! that compressed members carry [`Sign::Unsupported`].

mod five;
mod four;

use std::borrow::Cow;

use memchr::memmem;

use crate::{Budget, Content, Member, Opened, Sign, unpack};

/// What both formats begin with.
pub(crate) const SIGNATURE: &[u8] = b"Rar!\x1A\x07";
/// What reading a block costs, in steps.
const BLOCK_STEPS: u64 = 300;

/// Lists the members.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut list = List { opened: Opened::new(), sizes: (0, 0) };
    let is_start = |at: &usize| matches!(bytes.get(at + SIGNATURE.len()..), Some([0, ..] | [1, 0, ..]));
    // A program that unpacks itself stands before it.
    match memmem::find_iter(bytes, SIGNATURE).take(16).find(is_start) {
        None => list.opened.signs.add(Sign::Damaged),
        Some(start) => {
            if start > 0 {
                list.opened.signs.add(Sign::Prefixed);
            }
            let rest = bytes.get(start..).unwrap_or_default();
            if rest.get(SIGNATURE.len()) == Some(&0) {
                four::read(rest, &mut list, budget);
            } else {
                five::read(rest, &mut list, budget);
            }
        }
    }
    list.finish()
}

/// One file, as a header of either format says it.
struct File {
    name: String,
    other_name: Option<String>,
    size: Option<u64>,
    packed: u64,
    is_stored: bool,
    is_encrypted: bool,
    is_split: bool,
    is_directory: bool,
}

struct List<'a> {
    opened: Opened<'a>,
    /// What all members hold by their own word, and in how many bytes.
    sizes: (u64, u64),
}

impl<'a> List<'a> {
    /// Lists a file whose packed bytes begin `rest`. False at a bound.
    fn take(&mut self, file: File, rest: &'a [u8], budget: &mut Budget) -> bool {
        if file.is_directory {
            return true;
        }
        if !budget.charge_member() {
            self.opened.signs.add(Sign::Limit);
            return false;
        }
        let mut member = Member::new(file.name);
        member.other_names.extend(file.other_name);
        member.size = file.size;
        self.sizes.0 = self.sizes.0.saturating_add(file.size.unwrap_or(0));
        self.sizes.1 = self.sizes.1.saturating_add(file.packed);
        let packed = rest.get(..usize::try_from(file.packed).unwrap_or(usize::MAX)).unwrap_or_else(|| {
            member.signs.add(Sign::Truncated);
            self.opened.signs.add(Sign::Truncated);
            rest
        });
        if file.is_split {
            member.signs.add(Sign::Split);
        }
        if unpack::is_bomb(file.size.unwrap_or(0), file.packed) {
            member.signs.add(Sign::Bomb);
        }
        if file.is_encrypted {
            member.signs.add(Sign::Encrypted);
        } else if file.is_stored {
            member.content = Content::Whole(Cow::Borrowed(packed));
        } else {
            member.signs.add(Sign::Unsupported);
        }
        self.opened.members.push(member);
        true
    }

    fn finish(mut self) -> Opened<'a> {
        let members = &self.opened.members;
        if !members.is_empty() && members.iter().all(|member| member.signs.contains(Sign::Encrypted)) {
            self.opened.signs.add(Sign::Encrypted);
        }
        if unpack::is_bomb(self.sizes.0, self.sizes.1) {
            self.opened.signs.add(Sign::Bomb);
        }
        self.opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate;

    fn block_four(kind: u8, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, kind];
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(body.len() + 7).unwrap().to_le_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    fn file_four(name: &[u8], flags: u16, method: u8, data: &[u8], size: u32) -> Vec<u8> {
        let mut body = u32::try_from(data.len()).unwrap().to_le_bytes().to_vec();
        body.extend_from_slice(&size.to_le_bytes());
        body.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 29, method]);
        body.extend_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        body.extend_from_slice(&[0; 4]);
        body.extend_from_slice(name);
        [block_four(0x74, flags | 0x8000, &body), data.to_vec()].concat()
    }

    fn archive_four(main_flags: u16, files: &[Vec<u8>]) -> Vec<u8> {
        [b"Rar!\x1A\x07\0".to_vec(), block_four(0x73, main_flags, &[0; 6]), files.concat(), block_four(0x7B, 0x4000, b"")]
            .concat()
    }

    fn block_five(kind: u8, flags: u8, body: &[u8], extra: &[u8], data: &[u8]) -> Vec<u8> {
        let mut header = vec![kind, flags | u8::from(!extra.is_empty()) | (u8::from(!data.is_empty()) << 1)];
        if !extra.is_empty() {
            header.push(u8::try_from(extra.len()).unwrap());
        }
        if !data.is_empty() {
            header.push(u8::try_from(data.len()).unwrap());
        }
        header.extend_from_slice(body);
        header.extend_from_slice(extra);
        [vec![0, 0, 0, 0, u8::try_from(header.len()).unwrap()], header, data.to_vec()].concat()
    }

    fn file_five(name: &str, flags: u8, method: u8, extra: &[u8], data: &[u8]) -> Vec<u8> {
        let method = [method << 7 | 0x80, method >> 1 & 3];
        let mut body = vec![0, u8::try_from(data.len()).unwrap(), 0x20];
        body.extend_from_slice(&method);
        body.extend_from_slice(&[1, u8::try_from(name.len()).unwrap()]);
        body.extend_from_slice(name.as_bytes());
        block_five(2, flags, &body, extra, data)
    }

    fn archive_five(blocks: &[Vec<u8>]) -> Vec<u8> {
        [b"Rar!\x1A\x07\x01\0".to_vec(), block_five(1, 0, &[0], b"", b""), blocks.concat(), block_five(5, 0, &[0], b"", b"")]
            .concat()
    }

    fn opened(bytes: &[u8]) -> Opened<'_> {
        open(bytes, &mut Budget::default())
    }

    fn names<'o>(opened: &'o Opened<'_>) -> Vec<&'o str> {
        opened.members.iter().map(|member| member.name.as_str()).collect()
    }

    #[test]
    fn members_of_the_older_format() {
        let bytes = archive_four(
            0,
            &[
                file_four(b"stored.txt", 0, 0x30, b"one", 3),
                file_four(b"dir", 0xE0, 0x30, b"", 0),
                file_four(b"packed.exe", 0, 0x33, b"\x01\x02", 700),
                file_four(b"secret.doc", 4, 0x33, b"\x01\x02", 700),
                // "t?r" in the old name, and its letters in Unicode behind the null.
                file_four(b"t?r\0\0\x24t\xFC\0r", 0x200, 0x30, b"", 0),
            ],
        );
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["stored.txt", "packed.exe", "secret.doc", "tür"]);
        assert_eq!(opened.members[0].bytes(), b"one");
        assert!(opened.members[1].signs.contains(Sign::Unsupported));
        assert!(opened.members[2].signs.contains(Sign::Encrypted) && !opened.signs.contains(Sign::Encrypted));
    }

    #[test]
    fn members_of_the_newer_format() {
        let encryption = [33, 1, 0, 0, 15].iter().copied().chain([7; 30]).collect::<Vec<u8>>();
        let bytes = archive_five(&[
            file_five("stored.txt", 0, 0, b"", b"one"),
            file_five("packed.exe", 0, 3, b"", b"\x01\x02"),
            file_five("secret.doc", 0, 0, &encryption, b"\x01\x02"),
            file_five("part.bin", 0x10, 0, b"", b"x"),
        ]);
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["stored.txt", "packed.exe", "secret.doc", "part.bin"]);
        assert_eq!(opened.members[0].bytes(), b"one");
        assert!(opened.members[1].signs.contains(Sign::Unsupported));
        assert!(opened.members[2].signs.contains(Sign::Encrypted));
        assert!(opened.members[3].signs.contains(Sign::Split));
        assert!(!opened.signs.contains(Sign::Damaged));
    }

    #[test]
    fn encrypted_headers_and_volumes_say_so() {
        assert!(opened(&archive_four(0x80, &[])).signs.contains(Sign::Encrypted));
        assert!(opened(&archive_four(1, &[])).signs.contains(Sign::Split));
        let five = archive_five(&[block_five(4, 0, &[0, 0, 15], b"", b"")]);
        assert!(opened(&five).signs.contains(Sign::Encrypted));
    }

    #[test]
    fn a_program_before_it_is_a_prefix() {
        let bytes = [b"MZ Rar!\x1A\x07 stub".to_vec(), archive_four(0, &[file_four(b"a", 0, 0x30, b"one", 3)])].concat();
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["a"]);
        assert!(opened.signs.contains(Sign::Prefixed));
    }

    #[test]
    fn nothing_panics_and_what_stands_before_the_damage_survives() {
        let four = archive_four(0, &[file_four(b"first", 0, 0x30, b"one", 3), file_four(b"second", 4, 0x33, b"two", 3)]);
        let five = archive_five(&[file_five("first", 0, 0, b"", b"one"), file_five("second", 0, 3, b"", b"two")]);
        for sample in [four, five] {
            mutate::check(&sample, |bytes, damage_at| {
                let opened = opened(bytes);
                if damage_at > 65 {
                    assert_eq!((opened.members[0].name.as_str(), opened.members[0].bytes()), ("first", &b"one"[..]));
                }
            });
        }
    }
}
