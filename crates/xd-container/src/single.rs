//! Files that hold one compressed file: gzip (RFC 1952), bzip2, xz, Zstandard (RFC 8878) and LZMA alone.
//!
//! Archives in them (`.tar.gz`) are one member, which whoever walks the tree opens in turn.

use crate::bytes::Bytes;
use crate::unpack::{self, End, Method, Unpacker, Wanted};
use crate::{Budget, Content, Member, Opened, Sign, names};

/// Flag bits of gzip.
const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;

/// The CRC and the size behind a member of gzip.
const TRAILER: usize = 8;

/// Members of one gzip file that are read; 1,000. Programs put them together into one file.
const MAX_MEMBERS: usize = 1_000;
/// Other names that one file may have.
const MAX_NAMES: usize = 8;

/// A file that one method compresses.
pub(crate) fn open<'a>(bytes: &'a [u8], method: &Method, name: &str, budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_member() {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    let mut member = Member::new(inner_name(name));
    let (bytes, method) = match method {
        // LZMA alone begins with its properties and its size, or ones where none is known.
        Method::Lzma { .. } => match lzma_alone(bytes) {
            Some((rest, method)) => (rest, method),
            None => (bytes, Method::Unknown),
        },
        method => (bytes, method.clone()),
    };
    let taken = unpack::fill(&mut member, bytes, &method, Wanted::AsOpened, budget);
    if let Content::Whole(content) = &mut member.content {
        if matches!(method, Method::Bzip2) {
            let mut whole = std::mem::take(content).into_owned();
            join(bytes, taken, &BZIP2, &mut whole, &mut member, &mut opened, budget);
            member.content = Content::Whole(whole.into());
        } else if bytes.get(taken..).unwrap_or_default().iter().any(|byte| *byte != 0) {
            opened.signs.add(Sign::Trailing);
        }
    }
    carry_up(&mut opened, &member);
    opened.members.push(member);
    opened
}

/// A gzip file: all of its members together are one file.
pub(crate) fn open_gzip<'a>(bytes: &'a [u8], name: &str, budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_member() {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    let outer = inner_name(name);
    let Some(first) = Header::read(bytes) else {
        opened.signs.add(Sign::Damaged);
        return opened;
    };
    let mut member = Member::new(first.name.clone().unwrap_or_else(|| outer.clone()));
    if member.name != outer && !outer.is_empty() {
        member.other_names.push(outer);
    }
    let rest = bytes.get(first.data_at..).unwrap_or_default();
    // The first member's beginning shows what it is; most files have no second.
    let taken = unpack::fill(&mut member, rest, &Method::Deflate, Wanted::AsOpened, budget);
    if let Content::Whole(content) = &mut member.content {
        let mut whole = std::mem::take(content).into_owned();
        let behind = first.data_at.saturating_add(taken).saturating_add(TRAILER);
        join(bytes, behind, &GZIP, &mut whole, &mut member, &mut opened, budget);
        member.size = Some(whole.len() as u64);
        member.content = Content::Whole(whole.into());
    } else {
        // ISIZE, where there is but one member.
        member.size = bytes.last_chunk().map(|size| u64::from(u32::from_le_bytes(*size)));
        if member.size.is_some_and(|size| unpack::is_bomb(size, bytes.len() as u64)) {
            member.signs.add(Sign::Bomb);
        }
    }
    carry_up(&mut opened, &member);
    opened.members.push(member);
    opened
}

/// How members of one kind stand behind one another.
struct Kind {
    header: fn(&[u8]) -> Option<Header>,
    method: Method,
    trailer: usize,
}

const GZIP: Kind = Kind { header: Header::read, method: Method::Deflate, trailer: TRAILER };

/// Streams of bzip2 hold their trailers. Programs that pack with several threads write many, and all programs join them.
const BZIP2: Kind = Kind {
    header: |bytes| bytes.starts_with(b"BZh").then_some(Header { name: None, data_at: 0 }),
    method: Method::Bzip2,
    trailer: 0,
};

/// The members behind the first one, from `at` on.
fn join(
    bytes: &[u8],
    mut at: usize,
    kind: &Kind,
    whole: &mut Vec<u8>,
    member: &mut Member<'_>,
    opened: &mut Opened<'_>,
    budget: &mut Budget,
) {
    for _ in 0..MAX_MEMBERS {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.iter().all(|byte| *byte == 0) {
            return;
        }
        let Some(header) = (kind.header)(rest) else {
            opened.signs.add(Sign::Trailing);
            return;
        };
        if let Some(name) = header.name.filter(|_| member.other_names.len() < MAX_NAMES) {
            member.add_name(name);
        }
        let mut unpacker = Unpacker::new(&kind.method, rest.get(header.data_at..).unwrap_or_default(), budget);
        let end = unpacker.advance(usize::MAX, budget);
        at = at.saturating_add(header.data_at).saturating_add(unpacker.taken()).saturating_add(kind.trailer);
        whole.extend_from_slice(unpacker.output());
        match end {
            End::Complete => {}
            End::Limit => return member.signs.add(Sign::Limit),
            End::Truncated => return member.signs.add(Sign::Truncated),
            _ => return member.signs.add(Sign::Damaged),
        }
        if unpack::is_bomb(whole.len() as u64, bytes.len() as u64) {
            return member.signs.add(Sign::Bomb);
        }
    }
    opened.signs.add(Sign::Limit);
}

struct Header {
    name: Option<String>,
    data_at: usize,
}

impl Header {
    fn read(all: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::new(all);
        if bytes.array::<2>()? != [0x1F, 0x8B] {
            return None;
        }
        let _method = bytes.u8()?;
        let flags = bytes.u8()?;
        bytes.take(6)?;
        if flags & EXTRA != 0 {
            let length = bytes.u16_le()?;
            bytes.take(length.into())?;
        }
        let mut text = |flag: u8| {
            if flags & flag == 0 {
                return Some(None);
            }
            let length = memchr::memchr(0, bytes.rest())?;
            let text = bytes.take(length)?;
            bytes.take(1)?;
            Some(Some(names::decode(text)))
        };
        let name = text(NAME)?.filter(|name| !name.is_empty());
        text(COMMENT)?;
        if flags & HEADER_CRC != 0 {
            bytes.take(2)?;
        }
        Some(Self { name, data_at: bytes.at() })
    }
}

fn lzma_alone(bytes: &[u8]) -> Option<(&[u8], Method)> {
    let mut header = Bytes::new(bytes);
    let properties = header.array()?;
    let size = header.u64_le()?;
    Some((header.rest(), Method::Lzma { properties, size: (size != u64::MAX).then_some(size) }))
}

/// What is wrong with the only member is wrong with the file.
fn carry_up(opened: &mut Opened<'_>, member: &Member<'_>) {
    for sign in [Sign::Bomb, Sign::Damaged, Sign::Limit, Sign::Truncated] {
        if member.signs.contains(sign) {
            opened.signs.add(sign);
        }
    }
}

/// The name of what is in a file of this name.
fn inner_name(name: &str) -> String {
    let name = names::base(name);
    let endings = [
        (".tgz", ".tar"),
        (".tbz2", ".tar"),
        (".tbz", ".tar"),
        (".txz", ".tar"),
        (".tzst", ".tar"),
        (".gz", ""),
        (".bz2", ""),
        (".xz", ""),
        (".zst", ""),
        (".lzma", ""),
    ];
    for (ending, inner) in endings {
        let parts = name.len().checked_sub(ending.len()).and_then(|at| name.split_at_checked(at));
        if let Some((start, _)) = parts.filter(|(_, end)| end.eq_ignore_ascii_case(ending)) {
            return format!("{start}{inner}");
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate;

    /// Deflate without compression: a stored block (RFC 1951 3.2.4).
    fn gzip(name: Option<&str>, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap();
        let mut bytes = vec![0x1F, 0x8B, 8, if name.is_some() { NAME } else { 0 }, 0, 0, 0, 0, 0, 3];
        if let Some(name) = name {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
        }
        bytes.push(1);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&(!length).to_le_bytes());
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(&crate::crypt::crc32(data).to_le_bytes());
        bytes.extend_from_slice(&u32::from(length).to_le_bytes());
        bytes
    }

    #[test]
    fn the_header_names_it() {
        let bytes = gzip(Some("inner.exe"), b"MZ");
        let opened = open_gzip(&bytes, "outer.txt.gz", &mut Budget::default());
        assert_eq!(opened.members[0].name, "inner.exe");
        assert_eq!(opened.members[0].other_names, ["outer.txt"]);
        assert_eq!(opened.members[0].bytes(), b"MZ");
        assert!(opened.signs.is_empty());
    }

    #[test]
    fn members_are_one_file() {
        let bytes = [gzip(None, b"one "), gzip(Some("b"), b"two"), b"junk".to_vec()].concat();
        let opened = open_gzip(&bytes, "a.tgz", &mut Budget::default());
        assert_eq!((opened.members[0].name.as_str(), opened.members[0].bytes()), ("a.tar", &b"one two"[..]));
        assert!(opened.signs.contains(Sign::Trailing));
    }

    /// "one " and "two" by Python's `bz2.compress(…, 1)`.
    const ONE: &[u8] = b"\x42\x5a\x68\x31\x31\x41\x59\x26\x53\x59\xcf\xba\xa0\xb4\x00\x00\x01\x91\x00\x40\x00\x02\x01\xa0\x00\x21\x9a\x68\x33\x4d\x0c\xbc\x5d\xc9\x14\xe1\x42\x43\x3e\xea\x82\xd0";
    const TWO: &[u8] = b"\x42\x5a\x68\x31\x31\x41\x59\x26\x53\x59\xcd\xdc\x8d\x9a\x00\x00\x00\x81\x80\x00\x00\x84\x80\x20\x00\x21\x98\x19\x84\x61\x77\x24\x53\x85\x09\x0c\xdd\xc8\xd9\xa0";

    #[test]
    fn streams_of_bzip2_are_one_file() {
        for (behind, sign) in [(&b""[..], None), (b"junk", Some(Sign::Trailing)), (b"BZh1junk", Some(Sign::Damaged))] {
            let bytes = [ONE, TWO, behind].concat();
            let opened = open(&bytes, &Method::Bzip2, "a.bz2", &mut Budget::default());
            assert_eq!(opened.members[0].bytes(), b"one two");
            assert_eq!(opened.signs.iter().next(), sign);
        }
    }

    #[test]
    fn bytes_behind_lzma_are_said() {
        // "one" by Python's `lzma.compress(…, FORMAT_ALONE)`.
        let alone: &[u8] =
            b"\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x37\x9b\x88\xde\x58\x23\xff\xff\xf7\x3c\x40\x00";
        let method = Method::Lzma { properties: [0; 5], size: None };
        // A few bytes behind the end are read ahead, and with them the mark that may follow a known size.
        for (behind, expected) in [(&b""[..], false), (&[b'x'; 100], true)] {
            let bytes = [alone, behind].concat();
            let opened = open(&bytes, &method, "a.lzma", &mut Budget::default());
            assert_eq!(opened.members[0].bytes(), b"one");
            assert_eq!(opened.signs.contains(Sign::Trailing), expected);
        }
    }

    #[test]
    fn cut_files_keep_their_beginning() {
        let bytes = gzip(Some("a"), b"some text");
        let opened = open_gzip(&bytes[..bytes.len() - 12], "a.gz", &mut Budget::default());
        assert_eq!(opened.members[0].bytes(), b"some ");
        assert!(opened.signs.contains(Sign::Truncated));
    }

    #[test]
    fn nothing_panics_and_names_before_the_damage_survive() {
        let sample = [gzip(Some("name.txt"), &[b'a'; 100]), gzip(None, &[b'b'; 50])].concat();
        mutate::check(&sample, |bytes, damage_at| {
            let opened = open_gzip(bytes, "a.gz", &mut Budget::default());
            if damage_at > 60 {
                assert_eq!(opened.members[0].name, "name.txt");
                assert!(opened.members[0].bytes().starts_with(b"aaaaaaaa"));
            }
        });
    }
}
