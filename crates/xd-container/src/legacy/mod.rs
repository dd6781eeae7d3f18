//! Archives of older programs that malware still comes in: ARJ, ACE and LZH. Names, sizes, encryption, and the contents of
//! members that are stored as they are.
//!
//! Windows programs open all three by content, whatever the name says.

mod ace;
mod arj;
mod lzh;

use std::borrow::Cow;

use crate::{Budget, Content, Member, Opened, Sign};

/// What reading a header costs, in steps.
const HEADER_STEPS: u64 = 300;

pub(crate) fn open_ace<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    walk(bytes, budget, 0, ace::read)
}

pub(crate) fn open_arj<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    walk(bytes, budget, 0, arj::read)
}

pub(crate) fn open_lzh<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    walk(bytes, budget, 0, lzh::read)
}

/// What stands at one place.
enum Item {
    /// A file, and where its bytes stand.
    File {
        name: String,
        size: u64,
        packed: u64,
        data_at: usize,
        is_stored: bool,
        is_encrypted: bool,
        is_split: bool,
    },
    /// Something else, and where the next header stands.
    Other {
        next: usize,
        is_split: bool,
    },
    End,
}

/// One header after the other. The reader gives none where the bytes are no header.
fn walk<'a>(bytes: &'a [u8], budget: &mut Budget, start: usize, read: fn(&[u8], usize) -> Option<Item>) -> Opened<'a> {
    let mut opened = Opened::new();
    let mut at = start;
    while at < bytes.len() {
        if !budget.charge_steps(HEADER_STEPS) {
            opened.signs.add(Sign::Limit);
            break;
        }
        let next = match read(bytes, at) {
            None => {
                opened.signs.add(Sign::Damaged);
                break;
            }
            Some(Item::End) => break,
            Some(Item::Other { next, is_split }) => {
                if is_split {
                    opened.signs.add(Sign::Split);
                }
                next
            }
            Some(Item::File { name, size, packed, data_at, is_stored, is_encrypted, is_split }) => {
                if !budget.charge_member() {
                    opened.signs.add(Sign::Limit);
                    break;
                }
                let mut member = Member::new(name);
                member.size = Some(size);
                let rest = bytes.get(data_at..).unwrap_or_default();
                let packed = usize::try_from(packed).unwrap_or(usize::MAX);
                let data = rest.get(..packed).unwrap_or_else(|| {
                    member.signs.add(Sign::Truncated);
                    opened.signs.add(Sign::Truncated);
                    rest
                });
                if is_split {
                    member.signs.add(Sign::Split);
                }
                if is_encrypted {
                    member.signs.add(Sign::Encrypted);
                } else if is_stored {
                    member.content = Content::Whole(Cow::Borrowed(data));
                } else {
                    member.signs.add(Sign::Unsupported);
                }
                opened.members.push(member);
                data_at.saturating_add(packed)
            }
        };
        if next <= at {
            opened.signs.add(Sign::Damaged);
            break;
        }
        at = next;
    }
    if !opened.members.is_empty() && opened.members.iter().all(|member| member.signs.contains(Sign::Encrypted)) {
        opened.signs.add(Sign::Encrypted);
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate;

    fn names<'o>(opened: &'o Opened<'_>) -> Vec<&'o str> {
        opened.members.iter().map(|member| member.name.as_str()).collect()
    }

    fn arj_header(kind: u8, flags: u8, method: u8, name: &str, packed: u32, size: u32) -> Vec<u8> {
        let mut basic = vec![30, 11, 1, 0, flags, method, kind, 0, 0, 0, 0, 0];
        basic.extend_from_slice(&[packed.to_le_bytes(), size.to_le_bytes()].concat());
        basic.resize(30, 0);
        basic.extend_from_slice(name.as_bytes());
        basic.extend_from_slice(&[0, 0]);
        let length = u16::try_from(basic.len()).unwrap();
        [&[0x60, 0xEA][..], &length.to_le_bytes(), &basic, &[0; 6]].concat()
    }

    fn arj() -> Vec<u8> {
        [
            arj_header(2, 0, 0, "archive.arj", 0, 0),
            arj_header(0, 0, 0, "stored.txt", 3, 3),
            b"one".to_vec(),
            arj_header(0, 0, 1, "packed.exe", 2, 9),
            b"xy".to_vec(),
            arj_header(0, 1, 0, "secret.doc", 2, 2),
            b"xy".to_vec(),
            vec![0x60, 0xEA, 0, 0],
        ]
        .concat()
    }

    fn lzh() -> Vec<u8> {
        let zero = [&[22 + 10, 0][..], b"-lh0-\x03\0\0\0\x03\0\0\0\0\0\0\0\x20\0\x0Astored.txt\0\0", b"one"].concat();
        let two =
            [&[38, 0][..], b"-lh5-\x02\0\0\0\x09\0\0\0\0\0\0\0\x20\x02\0\0M", b"\x0C\0\x01b.exefile", b"\x00\0", b"xy"].concat();
        [zero, two, vec![0]].concat()
    }

    fn ace() -> Vec<u8> {
        let main = [&[0, 0, 28, 0, 0, 0, 0][..], b"**ACE**", &[0; 18]].concat();
        let mut file = vec![1, 1, 0];
        file.extend_from_slice(&[3_u32, 3].map(u32::to_le_bytes).concat());
        file.extend_from_slice(&[0; 12]);
        file.extend_from_slice(&[0, 0, 0, 0, 0, 0, 5, 0]);
        file.extend_from_slice(b"a.exe");
        let length = u16::try_from(file.len()).unwrap();
        [main, vec![0, 0], length.to_le_bytes().to_vec(), file, b"one".to_vec()].concat()
    }

    #[test]
    fn members_of_all_three() {
        let arj = arj();
        let opened = open_arj(&arj, &mut Budget::default());
        assert_eq!(names(&opened), ["stored.txt", "packed.exe", "secret.doc"]);
        assert_eq!(opened.members[0].bytes(), b"one");
        assert!(opened.members[2].signs.contains(Sign::Encrypted));

        let lzh = lzh();
        let opened = open_lzh(&lzh, &mut Budget::default());
        assert_eq!(names(&opened), ["stored.txt", "b.exefile"]);
        assert_eq!(opened.members[0].bytes(), b"one");
        assert!(opened.signs.is_empty(), "{:?}", opened.signs.iter().collect::<Vec<_>>());

        let ace = ace();
        let opened = open_ace(&ace, &mut Budget::default());
        assert_eq!(names(&opened), ["a.exe"]);
        assert_eq!(opened.members[0].bytes(), b"one");
    }

    #[test]
    fn nothing_panics_and_what_stands_before_the_damage_survives() {
        mutate::check(&arj(), |bytes, damage_at| {
            let opened = open_arj(bytes, &mut Budget::default());
            if damage_at > 115 {
                assert_eq!(opened.members[0].name, "stored.txt");
            }
        });
        mutate::check(&lzh(), |bytes, damage_at| {
            let opened = open_lzh(bytes, &mut Budget::default());
            if damage_at > 40 {
                assert_eq!(opened.members[0].name, "stored.txt");
            }
        });
        mutate::check(&ace(), |bytes, _| {
            let _ = open_ace(bytes, &mut Budget::default());
        });
    }
}
