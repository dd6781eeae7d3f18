//! Tar archives: the old format, ustar and pax (POSIX.1-2017, pax), and GNU's long names and numbers.
//!
//! Programs differ over damaged checksums, over the size where pax and the header name different ones, and over what stands
//! behind the end; all of it is read here, and the archive carries the sign.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::{Budget, Content, Member, Opened, Sign, names};

const BLOCK: usize = 512;
/// What reading a header costs, in steps.
const HEADER_STEPS: u64 = 1_000;
/// Names of GNU and fields of pax that are read, in bytes; 64 KiB. Longer ones are no names.
const MAX_FIELDS: usize = 64 << 10;
/// Places where another reading goes on, that are followed; 8.
const MAX_READINGS: usize = 8;

/// Whether a block is a header whose checksum is right: the only mark that the old format has.
pub(crate) fn is_header(block: &[u8]) -> bool {
    let Some(block) = block.get(..BLOCK) else { return false };
    let is_octal = |byte: &u8| matches!(byte, b'0'..=b'7' | b' ' | 0);
    // Most of what is no archive ends here.
    block.first().is_some_and(|first| *first != 0)
        && block.get(148..156).is_some_and(|field| field.iter().all(is_octal) && field.iter().any(u8::is_ascii_digit))
        && checksum_is_right(block)
}

/// Lists the members, which stand in it as they are.
pub(crate) fn open<'a>(bytes: &'a [u8], budget: &mut Budget) -> Opened<'a> {
    let mut reader = Reader { bytes, opened: Opened::new(), places: vec![0], seen: BTreeSet::new(), readings: 0 };
    while let Some(at) = reader.places.pop() {
        reader.read(at, budget);
    }
    if reader.opened.members.is_empty() && reader.opened.signs.is_empty() && !bytes.iter().take(BLOCK).all(|byte| *byte == 0) {
        reader.opened.signs.add(Sign::Damaged);
    }
    reader.opened
}

struct Reader<'a> {
    bytes: &'a [u8],
    opened: Opened<'a>,
    /// Where headers are still to be read.
    places: Vec<usize>,
    seen: BTreeSet<usize>,
    readings: usize,
}

/// What stands before a header and is meant for it.
#[derive(Default)]
struct Ahead {
    long_name: Option<String>,
    pax_name: Option<String>,
    pax_size: Option<u64>,
}

impl<'a> Reader<'a> {
    /// One header after the other, from a place on.
    fn read(&mut self, mut at: usize, budget: &mut Budget) {
        let mut ahead = Ahead::default();
        let mut ended = false;
        while let Some(block) = self.bytes.get(at..at.saturating_add(BLOCK)) {
            if !budget.charge_steps(HEADER_STEPS) {
                self.opened.signs.add(Sign::Limit);
                return;
            }
            if block.iter().all(|byte| *byte == 0) {
                ended = true;
                // A block of zeros ends it. Some programs read on, and find what stands behind.
                let rest = self.bytes.get(at..).unwrap_or_default();
                let Some(behind) = rest.iter().position(|byte| *byte != 0) else { return };
                let _ = budget.charge_steps(behind as u64);
                at += behind / BLOCK * BLOCK;
                continue;
            }
            if !self.seen.insert(at) {
                return;
            }
            let is_right = checksum_is_right(block);
            if ended && !is_right {
                self.opened.signs.add(Sign::Trailing);
                return;
            }
            if ended {
                self.opened.signs.add(Sign::Trailing);
                self.opened.signs.add(Sign::Disagreement);
                ended = false;
            }
            let header = Header::read(block);
            if !is_right {
                self.opened.signs.add(Sign::Damaged);
                if !header.is_plausible() {
                    return;
                }
            }
            let Some(next) = self.take(&header, at + BLOCK, &mut ahead, budget) else { return };
            at = next;
        }
        if at < self.bytes.len() && !ended {
            self.opened.signs.add(Sign::Truncated);
        }
    }

    /// What a header announces, from `at` on. Where the next one stands; none at a bound.
    fn take(&mut self, header: &Header<'_>, at: usize, ahead: &mut Ahead, budget: &mut Budget) -> Option<usize> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let take = |size: u64| rest.get(..usize::try_from(size).unwrap_or(usize::MAX));
        let data = take(header.size).unwrap_or(rest);
        let next = |size: u64| {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            at.saturating_add(size.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX))
        };
        let fields = data.get(..MAX_FIELDS).unwrap_or(data);
        match header.kind {
            b'L' => {
                let end = fields.iter().position(|byte| *byte == 0).unwrap_or(fields.len());
                ahead.long_name = Some(names::decode(fields.get(..end).unwrap_or_default()));
                return Some(next(header.size));
            }
            b'x' | b'X' => {
                let _ = budget.charge_steps(fields.len() as u64);
                pax(fields, ahead);
                return Some(next(header.size));
            }
            // The link of GNU's long names, and what holds for all members.
            b'K' | b'g' => return Some(next(header.size)),
            // A volume's name. Bytes behind it are a file for those who do not know it.
            b'V' if header.size == 0 => return Some(at),
            _ => {}
        }
        let ahead = std::mem::take(ahead);
        // Links, devices and directories hold nothing, whatever size they name. POSIX (pax, ustar interchange format) has all
        // kinds that are not known read as files, which programs do.
        let is_file = !matches!(header.kind, b'1'..=b'6');
        let size = ahead.pax_size.unwrap_or(header.size);
        if size != header.size && header.size != 0o77_777_777_777 {
            self.opened.signs.add(Sign::Disagreement);
            self.readings += 1;
            if self.readings <= MAX_READINGS {
                self.places.push(next(header.size));
            }
        }
        let named = header.name();
        let names = [ahead.pax_name, ahead.long_name, Some(named)];
        let mut names = names.into_iter().flatten();
        let name = names.next().unwrap_or_default();
        if !is_file || (name.ends_with('/') && size == 0) {
            // Directories of old programs say a size and hold nothing; where bytes follow, they belong to a member.
            let is_link = matches!(header.kind, b'1'..=b'6') || name.ends_with('/');
            return Some(if is_link && next(size) > self.bytes.len() { at } else { next(if is_link { 0 } else { size }) });
        }
        if !budget.charge_member() {
            self.opened.signs.add(Sign::Limit);
            return None;
        }
        let mut member = Member::new(name);
        // The name for programs without long names is the beginning of the long one; worth telling only where it ends otherwise.
        member.other_names = names.filter(|other| names::extension(other) != names::extension(&member.name)).collect();
        member.size = Some(size);
        let data = take(size).unwrap_or_else(|| {
            member.signs.add(Sign::Truncated);
            self.opened.signs.add(Sign::Truncated);
            rest
        });
        member.content = Content::Whole(Cow::Borrowed(data));
        self.opened.members.push(member);
        Some(next(size))
    }
}

struct Header<'b> {
    block: &'b [u8],
    kind: u8,
    size: u64,
}

impl<'b> Header<'b> {
    fn read(block: &'b [u8]) -> Self {
        let kind = block.get(156).copied().unwrap_or(0);
        Self { block, kind, size: number(block.get(124..136).unwrap_or_default()) }
    }

    fn text(&self, start: usize, end: usize) -> &'b [u8] {
        let field = self.block.get(start..end).unwrap_or_default();
        let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        field.get(..length).unwrap_or_default()
    }

    fn name(&self) -> String {
        let name = self.text(0, 100);
        let is_ustar = self.block.get(257..263) == Some(b"ustar\0");
        match self.text(345, 500) {
            prefix if is_ustar && !prefix.is_empty() => names::decode(&[prefix, b"/", name].concat()),
            _ => names::decode(name),
        }
    }

    /// Whether a block with a wrong checksum is a header all the same.
    fn is_plausible(&self) -> bool {
        let name = self.text(0, 100);
        let size = self.block.get(124..136).unwrap_or_default();
        let is_octal = |byte: &u8| matches!(byte, b'0'..=b'7' | b' ' | 0);
        !name.is_empty()
            && name.iter().all(|byte| *byte >= b' ')
            && size.iter().all(is_octal)
            && size.iter().any(u8::is_ascii_digit)
    }
}

/// A number in octal digits, or in GNU's binary form, whose first bit is set.
fn number(field: &[u8]) -> u64 {
    if let Some((first, rest)) = field.split_first().filter(|(first, _)| **first & 0x80 != 0) {
        let start = u64::from(*first & 0x3F);
        return rest.iter().fold(start, |all, byte| all.saturating_mul(256).saturating_add(u64::from(*byte)));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| matches!(byte, b'0'..=b'7'));
    digits.fold(0, |all: u64, digit| all.saturating_mul(8).saturating_add(u64::from(digit - b'0')))
}

/// The sum of all bytes, with the field of the sum itself as blanks. Some old programs added signed bytes.
fn checksum_is_right(block: &[u8]) -> bool {
    let said = number(block.get(148..156).unwrap_or_default());
    let others = || block.iter().enumerate().filter(|(at, _)| !(148..156).contains(at)).map(|(_, byte)| *byte);
    let blanks = 8 * u64::from(b' ');
    let unsigned = blanks + others().map(u64::from).sum::<u64>();
    said == unsigned
        || i64::try_from(said).is_ok_and(|said| said == 256 + others().map(|byte| i64::from(byte.cast_signed())).sum::<i64>())
}

/// Fields of pax: their length in decimal digits, a blank, `key=value` and a line end.
fn pax(mut fields: &[u8], ahead: &mut Ahead) {
    // Each field takes a byte at least, so that their length bounds the turns.
    while let Some(blank) = fields.iter().take(20).position(|byte| *byte == b' ') {
        let length = fields.get(..blank).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        let Some(length) = length.filter(|length| *length > blank) else { return };
        let field = fields.get(blank + 1..length).unwrap_or_else(|| fields.get(blank + 1..).unwrap_or_default());
        let field = field.strip_suffix(b"\n").unwrap_or(field);
        let equals = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
        let (key, value) = field.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        match key {
            b"path" | b"GNU.sparse.name" => ahead.pax_name = Some(names::decode(value)),
            b"size" => ahead.pax_size = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()),
            _ => {}
        }
        fields = fields.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate;

    fn header(name: &str, kind: u8, size: usize) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        block[148..156].fill(b' ');
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        block[154] = 0;
        block
    }

    fn file(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = header(name, kind, data.len());
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn names(opened: &Opened<'_>) -> Vec<String> {
        opened.members.iter().map(|member| member.name.clone()).collect()
    }

    fn opened(bytes: &[u8]) -> Opened<'_> {
        open(bytes, &mut Budget::default())
    }

    fn end() -> Vec<u8> {
        vec![0; 2 * BLOCK]
    }

    #[test]
    fn members_of_every_format() {
        let long = "directory/".repeat(15) + "name.txt";
        let pax = format!("{} path=dir/pax.exe\n", 20);
        let bytes = [
            file("a.txt", b'0', b"one"),
            file("d/", b'5', b""),
            file("././@LongLink", b'L', format!("{long}\0").as_bytes()),
            file("directory/", b'0', b"two"),
            file("x", b'x', pax.as_bytes()),
            file("pax", b'0', b"three"),
            end(),
        ]
        .concat();
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["a.txt", &long, "dir/pax.exe"]);
        assert_eq!(opened.members[2].bytes(), b"three");
        assert!(opened.signs.is_empty(), "{:?}", opened.signs);
    }

    #[test]
    fn kinds_that_are_not_known_are_files() {
        let bytes =
            [file("volume", b'V', b""), file("run.exe", b'Z', b"MZ"), file("link", b'2', b""), file("v.exe", b'V', b"MZ"), end()]
                .concat();
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["run.exe", "v.exe"]);
        assert!(opened.members.iter().all(|member| member.bytes() == b"MZ"));
        assert!(opened.signs.is_empty(), "{:?}", opened.signs);
    }

    #[test]
    fn damage_and_cuts_keep_what_came_before() {
        let mut bytes = [file("a", b'0', b"one"), file("b", b'0', b"two"), file("c", b'0', &[1; 600]), end()].concat();
        bytes[2 * BLOCK + 105] ^= 1;
        let whole = opened(&bytes);
        assert_eq!(names(&whole), ["a", "b", "c"]);
        assert!(whole.signs.contains(Sign::Damaged));
        let cut = opened(&bytes[..5 * BLOCK + 10]);
        assert_eq!(names(&cut), ["a", "b", "c"]);
        assert!(cut.signs.contains(Sign::Truncated) && cut.members[2].signs.contains(Sign::Truncated));
        assert_eq!(cut.members[2].bytes().len(), 10);
    }

    #[test]
    fn two_sizes_are_two_readings() {
        let inner = file("hidden.exe", b'0', b"MZ");
        let bytes = [
            file("x", b'x', format!("13 size={:04}\n", inner.len()).as_bytes()),
            header("outer.txt", b'0', 0),
            inner,
            file("last", b'0', b""),
            end(),
        ]
        .concat();
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["outer.txt", "last", "hidden.exe"]);
        assert!(opened.signs.contains(Sign::Disagreement));
    }

    #[test]
    fn a_second_archive_behind_the_end_is_read() {
        let bytes = [file("a", b'0', b"one"), end(), file("b", b'0', b"two"), end()].concat();
        let opened = opened(&bytes);
        assert_eq!(names(&opened), ["a", "b"]);
        assert!(opened.signs.contains(Sign::Disagreement));
    }

    #[test]
    fn a_header_tells_itself_by_its_checksum() {
        assert!(is_header(&header("a", b'0', 3)));
        assert!(!is_header(&[b'a'; BLOCK]));
        assert!(!is_header(&[0; BLOCK]));
    }

    #[test]
    fn nothing_panics_and_what_stands_before_the_damage_survives() {
        let sample = [file("a.txt", b'0', b"one"), file("b", b'L', b"long\0"), file("c", b'0', b"two"), end()].concat();
        mutate::check(&sample, |bytes, damage_at| {
            let opened = opened(bytes);
            if damage_at >= 2 * BLOCK {
                assert_eq!(opened.members[0].name, "a.txt");
            }
        });
    }
}
