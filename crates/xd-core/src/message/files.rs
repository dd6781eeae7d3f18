//! Files: what a message offers beside its text, and what stands in them, to the bottom.
//!
//! They are opened when everything else was read: the text may tell the password of an archive. What stands in a file becomes a
//! part of the message like any other, a message in a file is walked like a nested one, and a file in a file is opened again, all
//! within one budget.

use std::borrow::Cow;

use xd_container::{Content, Member, Opened, Passwords, Sign, Signs, open, opens, signs_of, sniff, sniff_named, takes_passwords};

use super::body::{ATTACHMENT_HEAD, Bodies, TextKind};
use super::part::{Disposition, MediaType, Part};
use super::passwords;
use super::structure;
use super::transfer::Transfer;
use crate::link::Seen;
use crate::{Defect, Defects, LinkOrigin};

/// A file of a message with its bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct File {
    /// The index of its part.
    pub part: usize,
    /// What could be read of it, from its beginning on.
    pub bytes: Vec<u8>,
    /// Whether that is all of it. Of what stands in another file it is not where the rest is encrypted, packed in a way that nothing
    /// reads, damaged, or beyond a bound. An attachment is what its transfer encoding yields, whatever is wrong with that encoding.
    pub is_whole: bool,
}

/// A file that waits to be opened.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    /// The part it is.
    part: usize,
    source: Source<'a>,
    /// The type that its first bytes show in this reading.
    sniffed: Option<&'static str>,
}

/// Where its bytes are.
#[derive(Debug)]
enum Source<'a> {
    /// In the message, encoded so. Decoding it costs no more than the message itself.
    Encoded(&'a [u8], Transfer),
    /// Decoded from something that is gone by then; taken from the budget of decoding.
    Decoded(Vec<u8>),
}

impl<'a> Bodies<'a, '_> {
    /// Notes what names, types and first bytes tell of an attachment, and whether it is to be opened. `bytes` are its body, encoded
    /// so; `original` the same, if they stand in the message itself.
    pub(super) fn file(&mut self, index: usize, head: &[u8], bytes: &[u8], transfer: Transfer, original: Option<&'a [u8]>) {
        let Some(part) = self.parts.get_mut(index) else { return };
        let declared = part.declared.to_string();
        let names: Vec<&str> = part.file_name.iter().chain(&part.other_names).map(String::as_str).collect();
        let sniffed = sniff_by_names(head, &names);
        let opens = names.iter().any(|name| opens(sniffed, name)) || opens(sniffed, "");
        part.signs.add_all(signs_of(&names, Some(&declared), sniffed, head));
        if let Some(kept) = &mut self.kept {
            // What is wrong with the encoding is recorded when the body is read.
            let mut whole = Vec::new();
            let is_whole = transfer.decode(bytes, usize::MAX, &mut whole, &mut Defects::default());
            kept.push(File { part: index, bytes: whole, is_whole });
        }
        // An archive may stand behind anything; what is no longer than its beginning has been seen.
        let is_long = original.is_some() && head.len() >= ATTACHMENT_HEAD;
        let is_known = sniffed == Some(LETTERS) && self.waiting.back().is_some_and(|last| last.part == index);
        if !is_long && !opens || is_known {
            return;
        }
        let source = match original {
            Some(original) => Source::Encoded(original, transfer),
            None => Source::Decoded(self.decode(index, bytes, transfer)),
        };
        self.waiting.push_back(Waiting { part: index, source, sniffed });
    }

    /// Lets a text wait in which files are written as letters. What begins with one is a file by itself.
    pub(super) fn letters(&mut self, index: usize, bytes: &[u8], transfer: Transfer, original: Option<&'a [u8]>) {
        let source = match original {
            Some(original) => Source::Encoded(original, transfer),
            None => Source::Decoded(self.decode(index, bytes, transfer)),
        };
        self.waiting.push_back(Waiting { part: index, source, sniffed: Some(LETTERS) });
    }

    /// Opens all files that wait, and those that come out of them.
    pub(super) fn open_files(&mut self) {
        while let Some(Waiting { part, source, sniffed }) = self.next_waiting() {
            let mut decoded = Vec::new();
            let bytes: &[u8] = match &source {
                Source::Encoded(bytes, Transfer::Identity) => bytes,
                Source::Encoded(bytes, transfer) => {
                    // What is wrong with the encoding was recorded when the body was read.
                    transfer.decode(bytes, usize::MAX, &mut decoded, &mut Defects::default());
                    &decoded
                }
                Source::Decoded(bytes) => bytes,
            };
            self.open_file(part, sniffed, bytes, 1);
        }
    }

    /// Pictures come last: they are many and large, and seldom hold anything.
    fn next_waiting(&mut self) -> Option<Waiting<'a>> {
        let is_picture = |file: &Waiting<'_>| file.sniffed.is_some_and(|sniffed| sniffed.starts_with("image/"));
        let at = self.waiting.iter().position(|file| !is_picture(file)).unwrap_or(0);
        self.waiting.remove(at)
    }

    /// Opens a file inside `level - 1` others.
    fn open_file(&mut self, index: usize, sniffed: Option<&'static str>, bytes: &[u8], level: usize) {
        let Some(part) = self.parts.get(index) else { return };
        let names: Vec<String> = part.file_name.iter().chain(&part.other_names).cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // Some show what they are far behind their beginning.
        let sniffed = sniffed.or_else(|| sniff_by_names(bytes, &names));
        // A message shows itself by one of the names only; by another one the file may be something else.
        let sniffed = sniffed.filter(|sniffed| *sniffed != "message/rfc822");
        let (readings, is_limited) = readings(&names, sniffed);
        if let Some(part) = self.parts.get_mut(index).filter(|_| is_limited) {
            part.signs.add(Sign::Limit);
        }
        for name in readings {
            self.open_as(index, sniffed, name, bytes, level);
        }
    }

    /// Opens a file as the one that this name makes of it.
    fn open_as(&mut self, index: usize, sniffed: Option<&'static str>, name: &str, bytes: &[u8], level: usize) {
        let Some(mut opened) = open(bytes, sniffed, name, &Passwords::default(), &mut self.budget) else { return };
        let may_open = takes_passwords(sniffed) || opened.signs.contains(Sign::Prefixed);
        if may_open && has(&opened, Sign::Encrypted) {
            let (texts, subject) = ([&self.texts.plain, &self.texts.html, &self.texts.attached], self.subject);
            let passwords = self.passwords.get_or_insert_with(|| passwords::stated(subject, texts)).clone();
            // Where none fits, the first answer stands: the second may be cut short by the budget.
            opened = match open(bytes, sniffed, name, &passwords, &mut self.budget) {
                Some(unlocked) if has(&unlocked, Sign::Decrypted) => unlocked,
                _ => opened,
            };
        }
        let Opened { members, media_type, signs, text, links, .. } = opened;
        if let Some(part) = self.parts.get_mut(index) {
            part.signs.add_all(signs);
            part.sniffed = media_type.or(sniffed).or(part.sniffed);
        }
        if media_type == Some("message/rfc822") {
            return structure::message_in_file(self, index, bytes);
        }
        self.texts.attached.push(&text);
        self.texts.attached.separate();
        for link in links {
            let place = self.links.place();
            let seen = Seen { origin: LinkOrigin::File, href: &link, shown: "", hidden: false, escaped: false };
            self.links.add(place, &seen);
        }
        for member in members {
            self.member(index, member, level);
        }
    }

    /// Takes a file that stands in another one as a part of the message.
    fn member(&mut self, parent: usize, member: Member<'_>, level: usize) {
        let Member { name, other_names, declared, mut signs, content, .. } = member;
        let (bytes, is_whole) = match content {
            Content::Beginning(bytes) => (bytes, false),
            Content::Unread => (Cow::Borrowed(&[][..]), false),
            Content::Whole(bytes) => (bytes, true),
        };
        let names: Vec<&str> = [&name].into_iter().chain(&other_names).map(String::as_str).collect();
        let sniffed = sniff_by_names(&bytes, &names);
        let head = bytes.get(..ATTACHMENT_HEAD).unwrap_or(&bytes);
        signs.add_all(signs_of(&names, declared.as_deref(), sniffed, head));
        let opens = is_whole && names.iter().any(|name| opens(sniffed, name));
        if opens && level >= self.budget.depth() {
            signs.add(Sign::Limit);
        }
        let Some(index) = self.push_member(parent, &name, other_names, declared, sniffed, signs, head) else { return };
        if let Some(kept) = &mut self.kept {
            kept.push(File { part: index, bytes: bytes.to_vec(), is_whole });
        }
        if !is_whole {
            return;
        }
        if self.parts.get(index).is_some_and(Part::is_nested_message) {
            return structure::message_in_file(self, index, &bytes);
        }
        if sniffed == Some("text/html") {
            self.page(&bytes);
        }
        if level < self.budget.depth() {
            self.open_file(index, sniffed, &bytes, level + 1);
        }
    }

    /// Gives the text of a page in a file to those who read attached texts, as much as may still be decoded.
    fn page(&mut self, bytes: &[u8]) {
        let bytes = self.take_decoded(bytes);
        self.text(TextKind::Html, bytes, None, true, bytes.len());
    }

    #[allow(clippy::too_many_arguments, reason = "the pieces of one part, taken apart by the only caller")]
    fn push_member(
        &mut self,
        parent: usize,
        name: &str,
        other_names: Vec<String>,
        declared: Option<String>,
        sniffed: Option<&'static str>,
        signs: Signs,
        head: &[u8],
    ) -> Option<usize> {
        let count = self.parts.len();
        let around = self.parts.get_mut(parent)?;
        let (depth, nested) = (around.depth + 1, around.nested);
        let limit = if depth > self.limits.depth {
            Some(Defect::DepthLimit)
        } else {
            (count >= self.limits.parts).then_some(Defect::PartLimit)
        };
        if let Some(limit) = limit {
            // What is worth knowing of it stays known, and that it was not looked into.
            around.signs.add_all(signs);
            around.signs.add(Sign::Limit);
            self.defects.record(limit);
            return None;
        }
        let declared = declared
            .as_deref()
            .and_then(|text| MediaType::parse(text.as_bytes()))
            .unwrap_or_else(|| MediaType::new("application", "octet-stream"));
        self.parts.push(Part {
            parent: Some(parent),
            depth,
            nested,
            declared,
            sniffed,
            charset: None,
            disposition: Some(Disposition::Attachment),
            file_name: Some(name.to_owned()),
            other_names,
            span: 0..0,
            content: Cow::Owned(head.to_vec()),
            signs,
            in_file: true,
            attachment: true,
            header_start: 0,
            in_message: false,
            transfer: None,
        });
        Some(count)
    }
}

/// The type of text that begins with a file written as letters.
const LETTERS: &str = "text/x-uuencode";
/// Names of one file that are looked at for what opens it; 16.
const MAX_NAMES: usize = 16;
/// Ways in which one file is opened; 4. A file of two names is opened as either.
const MAX_READINGS: usize = 4;

/// The type that the bytes show, or that any of the names shows with them.
fn sniff_by_names(bytes: &[u8], names: &[&str]) -> Option<&'static str> {
    if names.is_empty() {
        return sniff(bytes);
    }
    names.iter().take(MAX_NAMES).find_map(|name| sniff_named(bytes, name))
}

/// The names by which a file is opened: where its bytes do not tell what it is, those of every ending that something opens. Also
/// whether some were left out.
fn readings<'n>(names: &[&'n str], sniffed: Option<&str>) -> (Vec<&'n str>, bool) {
    let first = names.first().copied().unwrap_or_default();
    if sniffed.is_some_and(|sniffed| sniffed != "text/xml") {
        return (vec![first], false);
    }
    let mut found: Vec<&str> = Vec::new();
    let mut is_limited = names.len() > MAX_NAMES;
    for name in names.iter().copied().take(MAX_NAMES).filter(|name| opens(sniffed, name)) {
        if found.iter().any(|other| ending(other).eq_ignore_ascii_case(ending(name))) {
            continue;
        }
        is_limited |= found.len() >= MAX_READINGS;
        if found.len() < MAX_READINGS {
            found.push(name);
        }
    }
    // An archive may stand behind anything.
    if found.is_empty() {
        found.push(first);
    }
    (found, is_limited)
}

fn ending(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// Whether the file or something in it has this sign.
fn has(opened: &Opened<'_>, sign: Sign) -> bool {
    opened.signs.contains(sign) || opened.members.iter().any(|member| member.signs.contains(sign))
}

#[cfg(test)]
mod tests {
    use xd_container::Sign;

    use crate::{Limits, Message};

    /// A message with one attachment that has these names.
    fn attached([first, second]: [&str; 2], bytes: &[u8]) -> Vec<u8> {
        let header = format!(
            "Content-Type: application/octet-stream; name=\"{second}\"\nContent-Disposition: attachment; filename=\"{first}\"\n\n"
        );
        [header.as_bytes(), bytes].concat()
    }

    /// A tar archive of empty files.
    fn tar(names: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in names {
            let mut block = vec![0; 512];
            block[..name.len()].copy_from_slice(name.as_bytes());
            block[124..135].copy_from_slice(b"00000000000");
            block[148..156].fill(b' ');
            block[156] = b'0';
            block[257..265].copy_from_slice(b"ustar\x0000");
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
            block[154] = 0;
            bytes.extend(block);
        }
        bytes.resize(bytes.len() + 1_024, 0);
        bytes
    }

    #[test]
    fn files_are_opened_by_any_of_their_names() {
        let page = b"Please sign in: <form action='https://www.example.com/'><input type=password name=p></form>";
        let fields = [&b"Subject: page\n\n"[..], page].concat();
        let raw = attached(["a.html", "a.eml"], &fields);
        let message = Message::parse(&raw, &Limits::default());
        assert!(message.parts[0].signs.contains(Sign::PasswordForm));
        assert!(message.parts.iter().any(|part| part.nested > 0), "and a message");
        for (names, expected) in
            [(["a.txt", "b.txt"], false), (["a.html", "a.txt"], true), (["a.txt", "a.html"], true), (["a.csv", "a.html"], true)]
        {
            let raw = attached(names, page);
            let message = Message::parse(&raw, &Limits::default());
            assert_eq!(message.parts[0].signs.contains(Sign::PasswordForm), expected, "{names:?}");
        }
    }

    #[test]
    fn no_more_readings_than_the_bound() {
        let names = ["a.csv", "b.csv", "a.html", "a.txt", "a.ics", "a.url"];
        assert_eq!(super::readings(&names, None), (vec!["a.csv", "a.html", "a.ics", "a.url"], false));
        let names = [&names[..], &["a.js"]].concat();
        assert_eq!(super::readings(&names, None), (vec!["a.csv", "a.html", "a.ics", "a.url"], true));
        assert_eq!(super::readings(&names, Some("application/zip")), (vec!["a.csv"], false));
        assert_eq!(super::readings(&["a.txt"], None), (vec!["a.txt"], false));
    }

    #[test]
    fn members_beyond_the_bound_on_parts_are_said() {
        let raw = attached(["a.tar", "a.tar"], &tar(&["one.txt", "two.txt"]));
        for (parts, expected) in [(3, false), (2, true)] {
            let message = Message::parse(&raw, &Limits { parts, ..Limits::default() });
            assert_eq!(message.parts.len(), parts);
            assert_eq!(message.parts[0].signs.contains(Sign::Limit), expected);
        }
    }
    #[test]
    fn files_in_letters_are_parts() {
        let file = "begin 644 run.exe\n#35J0\n`\nend\n";
        for (header, body) in [
            ("", format!("Hello,\n\n{file}bye\n")),
            ("Content-Type: text/plain; name=a.txt\n", format!("Hello,\n\n{file}")),
            ("Content-Type: text/plain; name=a.uue\nContent-Disposition: attachment\n", file.to_owned()),
            ("Content-Type: application/octet-stream; name=a.uue\n", file.to_owned()),
            ("Content-Type: application/octet-stream; name=a.bin\n", file.to_owned()),
        ] {
            let raw = format!("{header}\n{body}");
            let message = Message::parse(raw.as_bytes(), &Limits::default());
            let names: Vec<_> = message.parts.iter().filter_map(|part| part.file_name.as_deref()).collect();
            assert_eq!(names.iter().filter(|name| **name == "run.exe").count(), 1, "{raw}: {names:?}");
            let part = message.parts.last().unwrap();
            assert!(part.signs.contains(Sign::DangerousName) && part.parent == Some(0), "{raw}");
        }
        let raw = b"Content-Type: application/octet-stream; name=run.exe\nContent-Transfer-Encoding: x-uuencode\n\n\
            begin 644 other.txt\n#35J0\n`\nend\n";
        let message = Message::parse(raw, &Limits::default());
        assert_eq!(&*message.parts[0].content, b"MZ\x90");
    }

    #[test]
    fn messages_within_signatures_are_walked() {
        let entity = b"Content-Type: application/octet-stream; name=run.exe\n\nMZ\x90\0\x03\0";
        let element = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()][..], content].concat();
        let oid = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07";
        let data = [&oid[..], b"\x01", &element(0xA0, &element(4, entity))].concat();
        let body = [&b"\x02\x01\x01\x31\0"[..], &element(0x30, &data)].concat();
        let signed = element(0x30, &[&oid[..], b"\x02", &element(0xA0, &element(0x30, &body))].concat());
        let raw = [&b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n\n"[..], &signed].concat();
        let message = Message::parse(&raw, &Limits::default());
        assert!(message.parts[0].signs.contains(Sign::Smime));
        let program = message.parts.iter().find(|part| part.file_name.as_deref() == Some("run.exe")).unwrap();
        assert!(program.signs.contains(Sign::Executable) && program.nested > 0);
    }

    #[test]
    fn pictures_wait_for_archives() {
        // The PNG pays for its size before anything is decoded: half of the steps is more than it may take.
        let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0\0\0\0\0".to_vec();
        png.resize(png.len() + 5_000, 0);
        let mut raw = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
        for _ in 0..3 {
            raw.extend(b"\n--b\nContent-Type: image/png\n\n");
            raw.extend(&png);
        }
        raw.extend(b"\n--b\nContent-Type: application/x-tar; name=a.tar\n\n");
        raw.extend(tar(&["one.txt"]));
        raw.extend(b"\n--b--\n");
        let mut limits = Limits::default();
        limits.files.steps = 4_000_000;
        let message = Message::parse(&raw, &limits);
        let limited: Vec<_> = message.parts.iter().map(|part| part.signs.contains(Sign::Limit)).collect();
        assert_eq!(limited, [false, false, true, true, false, false]);
        assert_eq!(message.parts[5].file_name.as_deref(), Some("one.txt"));
    }

    #[test]
    fn locked_files_are_opened_once_where_no_password_is_tried() {
        // The same file with and without the mark of encryption takes the same steps.
        let pdf = |trailer: &str| {
            let body = "1 0 obj <</Type /Catalog>> endobj\n".repeat(40);
            attached(["a.pdf", "a.pdf"], format!("%PDF-1.7\n{body}trailer <</Root 1 0 R {trailer}>>\n").as_bytes())
        };
        let opens = |raw: &[u8], steps: u64| {
            let mut limits = Limits::default();
            limits.files.steps = steps;
            !Message::parse(raw, &limits).parts[0].signs.contains(Sign::Limit)
        };
        let (open, locked) = (pdf("/Size 2        "), pdf("/Encrypt 9 0 R"));
        let message = Message::parse(&locked, &Limits::default());
        assert!(message.parts[0].signs.contains(Sign::Encrypted));
        let needed = (0..).map(|number| number * 1_000).find(|steps| opens(&open, *steps)).unwrap();
        assert!(opens(&locked, needed + 10_000));
    }
}
