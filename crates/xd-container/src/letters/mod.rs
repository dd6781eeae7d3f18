//! Files that are written as letters within plain text: uuencode (POSIX `uuencode`), yEnc 1.3, BinHex 4.0 (RFC 1741).
//!
//! Older mail programs attach files so, and newer ones still offer such runs of lines as attachments, whatever is declared. What
//! stands around them is left to those who read the text.

mod binhex;
mod uu;
mod yenc;

use std::sync::LazyLock;

use memchr::memmem::Finder;

pub use self::uu::decode_uuencoded;
use crate::{Budget, Member, Opened, Sign};

/// Work for each byte of text, in steps.
const BYTE_STEPS: u64 = 4;

/// Bytes of a first line that show what follows.
const MAX_FIRST: usize = 128;

/// A file as it was found in a text.
#[derive(Debug, Default)]
struct Written {
    name: String,
    bytes: Vec<u8>,
    /// Where its lines end.
    end: usize,
    /// Lines in it are no lines of such a file, or its end is missing.
    is_damaged: bool,
    /// One of several parts.
    is_part: bool,
    /// No more was decoded than was left.
    is_cut: bool,
}

/// Whether a file may begin somewhere in the text. Costs a search.
///
/// # Example: does this letter carry something?
/// ```
/// assert!(xd_container::holds_letters(b"Hello\n\nbegin 644 a.txt\n#0V%T\n`\nend\n"));
/// assert!(!xd_container::holds_letters(b"We begin 644 new lives"));
/// ```
#[must_use]
pub fn holds_letters(text: &[u8]) -> bool {
    beginnings(text).next().is_some()
}

/// Whether a text begins with a file.
pub(crate) fn begins(text: &[u8]) -> bool {
    let line = text.get(..MAX_FIRST).unwrap_or(text);
    beginnings(line)
        .next()
        .is_some_and(|(at, kind)| at == 0 && (!matches!(kind, Kind::Base64 | Kind::Uu) || uu::name(line).is_some()))
}

/// Opens all files that stand in a text.
pub(crate) fn open<'a>(text: &[u8], budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(text.len() as u64 * BYTE_STEPS) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    let mut ends = [0; KINDS];
    for (at, kind) in beginnings(text) {
        // What looks like the beginning of a file within one of its kind is its content. Within those of other kinds it is not: who
        // looks for one kind alone finds it.
        let Some(end) = ends.get_mut(kind as usize).filter(|end| at >= **end) else { continue };
        let Some(lines) = text.get(at..) else { break };
        let read = match kind {
            Kind::BinHex => binhex::read,
            Kind::Base64 | Kind::Uu => uu::read,
            Kind::YEnc => yenc::read,
        };
        let Some(written) = read(lines, budget.decoded_left()) else {
            // No other one has its mark, either.
            if kind == Kind::BinHex {
                *end = text.len();
            }
            continue;
        };
        // Behind the first line of one that is damaged others may begin, so that the same lines are read again.
        let work = if written.is_damaged { written.end as u64 * BYTE_STEPS } else { 0 };
        if !budget.charge_steps(work) || !budget.charge_member() {
            opened.signs.add(Sign::Limit);
            break;
        }
        budget.charge_decoded(written.bytes.len());
        if !written.is_damaged {
            *end = at + written.end;
        }
        let mut member = Member::of_bytes(written.name, written.bytes.into());
        let signs = [(written.is_damaged, Sign::Damaged), (written.is_part, Sign::Split), (written.is_cut, Sign::Limit)];
        signs.into_iter().filter(|(is, _)| *is).for_each(|(_, sign)| member.signs.add(sign));
        opened.members.push(member);
    }
    opened
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Base64,
    BinHex,
    Uu,
    YEnc,
}

/// How many kinds there are.
const KINDS: usize = 4;

/// What `begin` may be at the beginning of a line, and what stands before it in that line.
const BEGINNINGS: [(&[u8], &[u8], Kind); 3] =
    [(b"", b"begin ", Kind::Uu), (b"", b"begin-base64 ", Kind::Base64), (b"=y", b"begin ", Kind::YEnc)];
/// The line that every file in BinHex begins with (RFC 1741 §4).
const BINHEX: &[u8] = b"(This file must be converted with BinHex";

/// Every text is searched, so that what searching prepares is kept.
static BEGIN_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"begin"));
static BINHEX_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BINHEX));

/// Where files may begin, in order.
fn beginnings(text: &[u8]) -> impl Iterator<Item = (usize, Kind)> {
    let is_line = |at: usize| at == 0 || matches!(text.get(at - 1), Some(b'\n' | b'\r'));
    let begin = move |at: usize| {
        BEGINNINGS.iter().find_map(|(before, word, kind)| {
            let line = at.checked_sub(before.len())?;
            let stands = text.get(line..at)? == *before && text.get(at..)?.starts_with(word);
            (stands && is_line(line)).then_some((line, *kind))
        })
    };
    let mut begins = BEGIN_FINDER.find_iter(text).filter_map(begin).peekable();
    let mut binhex = BINHEX_FINDER.find_iter(text).filter(move |at| is_line(*at)).map(|at| (at, Kind::BinHex)).peekable();
    std::iter::from_fn(move || match (begins.peek(), binhex.peek()) {
        (Some((one, _)), Some((other, _))) if other < one => binhex.next(),
        (None, _) => binhex.next(),
        _ => begins.next(),
    })
}

/// The lines of a text without what ends them, and where the next one begins.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let line = rest.get(..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()))?;
        let tail = rest.get(line.len()..)?;
        at += line.len() + if tail.starts_with(b"\r\n") { 2 } else { 1 };
        Some((line, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Cat" by each of the ways; the first two by Python's `binascii`, the others by hand.
    const FILES: [(&str, &[u8]); 4] = [
        ("a.exe", b"begin 644 a.exe\n#0V%T\n`\nend\n"),
        ("a.exe", b"begin-base64 644 a.exe\nQ2F0\n====\n"),
        ("a.exe", b"=ybegin line=128 size=3 name=a.exe\r\nm\x8b\x9e\r\n=yend size=3\r\n"),
        ("a.exe", BINHEX_FILE),
    ];
    const BINHEX_FILE: &[u8] =
        b"(This file must be converted with BinHex 4.0)\n\n:\"@%ZCAKP!&4&@&406e06!!!!!!!$!!!!!1pZ3f&de\"3!!!:\n";

    #[test]
    fn files_are_read_wherever_they_stand() {
        for (name, lines) in FILES {
            for before in ["", "Hello,\nlet us begin 644 times\n\n", "begin 644 of them\nand no more\r\n"] {
                let text = [before.as_bytes(), lines, b"Regards\n"].concat();
                assert!(holds_letters(&text));
                let opened = open(&text, &mut Budget::default());
                let [member] = &opened.members[..] else { panic!("{}", String::from_utf8_lossy(&text)) };
                assert_eq!((&*member.name, member.bytes()), (name, &b"Cat"[..]));
                assert!(member.signs.is_empty(), "{:?}", member.signs);
            }
        }
        let all = FILES.map(|(_, lines)| lines).concat();
        assert_eq!(open(&all, &mut Budget::default()).members.len(), 4);
    }

    #[test]
    fn plain_words_are_no_files() {
        for text in
            ["", "begin 644 new lives\nand go on", "begin\n", "begin 9 x\n#0V%T\n", "=ybegin of\nm", "I begin 644 a\n#0V%T\n"]
        {
            assert!(open(text.as_bytes(), &mut Budget::default()).members.is_empty(), "{text}");
        }
    }

    fn names(text: &[u8]) -> Vec<String> {
        open(text, &mut Budget::default()).members.into_iter().map(|member| member.name).collect()
    }

    #[test]
    fn files_within_files_are_found() {
        let wrappers: [(&[u8], &[u8]); 4] = [
            (b"begin 644 b.txt\n#0V%T\n", b"`\nend\n"),
            (b"begin-base64 644 b.txt\nQ2F0\n", b"====\n"),
            (b"=ybegin line=128 size=3 name=b.txt\r\n", b"=yend size=3\r\n"),
            (b"(This file must be converted with BinHex 4.0)\n\n:\"@%ZCAKP\n", b"!4&@&4:\n"),
        ];
        for (before, behind) in wrappers {
            for (name, file) in FILES {
                for behind in [behind, b""] {
                    let text = [before, file, behind].concat();
                    assert!(names(&text).iter().any(|found| found == name), "{}", String::from_utf8_lossy(&text));
                }
            }
        }
    }

    #[test]
    fn odd_bytes_and_padding_hide_nothing_in_base64() {
        let member = |text: &[u8], limit: usize| {
            let mut budget = Budget::new(crate::Bounds { decoded_bytes: limit, ..crate::Bounds::default() });
            let opened = open(text, &mut budget);
            (opened.members[0].bytes().to_vec(), opened.members[0].signs.contains(Sign::Limit))
        };
        assert_eq!(member(b"begin-base64 644 a\nQ2F0\xFF\n====\n", 100), (b"Cat".to_vec(), false));
        let padded = b"begin-base64 644 a\nQ2E=\ndA==\n====\n";
        for (limit, expected) in [(4, (&b"Cat"[..], false)), (3, (b"Cat", false)), (2, (b"Ca", true))] {
            assert_eq!(member(padded, limit), (expected.0.to_vec(), expected.1), "{limit}");
        }
    }

    #[test]
    fn beginnings_without_ends_are_tried_as_far_as_is_paid() {
        // Each beginning read to the end would take minutes.
        for (first, last, most) in [
            (&b"begin-base64 644 a\n"[..], &b"\xFF"[..], 50),
            (b"begin-base64 644 a\n", b"\n====", 50),
            (b"begin 644 a\n#0V%T\n", b"", 10_000),
            (b"=ybegin size=3 name=a\n", b"", 10_000),
            (b"(This file must be converted with BinHex\n", b"", 0),
            (b"(This file must be converted with BinHex\n", b":", 50),
        ] {
            let text = [&first.repeat(100_000)[..], last].concat();
            let opened = open(&text, &mut Budget::default());
            let _ = decode_uuencoded(&text, 10_000_000);
            assert!(opened.members.len() <= most, "{} {}", opened.members.len(), String::from_utf8_lossy(first));
            assert_eq!(opened.signs.contains(Sign::Limit), most > 0, "{}", String::from_utf8_lossy(first));
        }
    }
}
