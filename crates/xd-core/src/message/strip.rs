//! Taking files out of a message: the part's fields about its content and its body give way to a notice, and every other byte stays.
//!
//! What is taken out is always a whole MIME part whose bytes stand in the message itself. A program in an archive takes the archive
//! along; one in a message that is encoded inside this one takes that message along.

use std::fmt::Write as _;
use std::ops::Range;

use xd_container::Signs;

use super::Message;
use super::part::Part;
use super::section::{End, Item, Section};
use crate::Defect;

/// What stands where a file was.
///
/// `{file}` is the file's name, `{why}` what is wrong with it, `{sha256}` the hash of its bytes, as far as they are there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice(String);

impl Default for Notice {
    fn default() -> Self {
        Self("The file {file} was taken out of this message: {why}.\nSHA-256 of the file: {sha256}\n".to_owned())
    }
}

impl Notice {
    /// A notice of this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn fill(&self, file: &str, why: &str, sha256: &str) -> String {
        // The name comes last: it may hold what looks like a place of the others.
        self.0.replace("{why}", why).replace("{sha256}", sha256).replace("{file}", file)
    }
}

/// One change of a message's bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Edit {
    /// What goes. Empty where something is only put in.
    pub span: Range<usize>,
    /// What stands there instead.
    pub with: Vec<u8>,
}

/// What taking files out of a message comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Stripping {
    /// There is something to take out, and it cannot be: its bytes have no place of their own, or not all of the message was read.
    Impossible,
    /// There is nothing to take out.
    Nothing,
    /// It is taken out.
    Done(Stripped),
}

impl Stripping {
    /// The message without its files, where some were taken out.
    #[must_use]
    pub fn done(self) -> Option<Stripped> {
        match self {
            Self::Done(stripped) => Some(stripped),
            Self::Impossible | Self::Nothing => None,
        }
    }
}

/// Files taken out of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stripped {
    /// The changes, in order and apart from each other.
    pub edits: Vec<Edit>,
    /// What was done, a line for each file: `strip invoice.zip (executable) sha256:…`.
    pub actions: Vec<String>,
}

impl Stripped {
    /// The message without the files.
    #[must_use]
    pub fn apply(&self, raw: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(raw.len());
        let mut from = 0;
        for Edit { span, with } in &self.edits {
            bytes.extend_from_slice(raw.get(from..span.start).unwrap_or_default());
            bytes.extend_from_slice(with);
            from = span.end;
        }
        bytes.extend_from_slice(raw.get(from..).unwrap_or_default());
        bytes
    }
}

impl Message<'_> {
    /// Takes out every file that has one of these signs, itself or in what stands in it.
    ///
    /// What was not read to its end may hold more of them: then nothing is taken out, and the message is not to be delivered as one
    /// that was cleaned.
    ///
    /// # Example: what is left of a mail with a program?
    /// ```
    /// use xd_core::{Limits, Message, Notice, Sign};
    ///
    /// let raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n\
    ///     Content-Type: application/octet-stream; name=a.exe\r\n\r\nMZ\x90\0\x03\r\n--b--\r\n";
    /// let message = Message::parse(raw, &Limits::default());
    /// let stripped = message.strip([Sign::Executable].into_iter().collect(), &Notice::new("{file} is gone")).done().unwrap();
    /// let left = String::from_utf8(stripped.apply(raw)).unwrap();
    /// assert!(left.contains("a.exe is gone\r\n--b--\r\n") && !left.contains("MZ"));
    /// ```
    #[must_use]
    pub fn strip(&self, signs: Signs, notice: &Notice) -> Stripping {
        const UNREAD: [Defect; 3] = [Defect::DecodedLimit, Defect::DepthLimit, Defect::PartLimit];
        if UNREAD.iter().any(|limit| self.defects().contains(*limit)) {
            return Stripping::Impossible;
        }
        if !self.parts().iter().any(|part| part.signs.iter().any(|sign| signs.contains(sign))) {
            return Stripping::Nothing;
        }
        self.stripped(signs, notice).map_or(Stripping::Impossible, Stripping::Done)
    }

    fn stripped(&self, signs: Signs, notice: &Notice) -> Option<Stripped> {
        let mut taken: Vec<(usize, Signs)> = Vec::new();
        for (index, part) in self.parts().iter().enumerate() {
            let found: Signs = part.signs.iter().filter(|sign| signs.contains(*sign)).collect();
            if found.is_empty() {
                continue;
            }
            let whole = self.whole_part_around(index)?;
            match taken.iter_mut().find(|(other, _)| *other == whole || self.are_readings(*other, whole)) {
                Some((_, all)) => all.add_all(found),
                None => taken.push((whole, found)),
            }
        }
        let outermost: Vec<_> =
            taken.iter().filter(|(index, _)| !taken.iter().any(|(other, _)| self.is_around(*other, *index))).collect();
        let mut stripped = Stripped { edits: Vec::new(), actions: Vec::new() };
        for (index, signs) in outermost {
            let part = self.parts().get(*index)?;
            let span = self.whole_span(*index, part);
            self.strip_part(part, span, *signs, notice, &mut stripped);
        }
        stripped.edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        // Parts of different readings may share bytes.
        let apart = stripped.edits.is_sorted_by(|before, after| before.span.end <= after.span.start);
        apart.then_some(stripped)
    }

    /// The part itself or the nearest one around it whose bytes stand in the message.
    fn whole_part_around(&self, mut index: usize) -> Option<usize> {
        loop {
            let part = self.parts().get(index)?;
            if part.in_message {
                return Some(index);
            }
            index = part.parent?;
        }
    }

    /// Whether two parts are readings of one: they share header section and end, and one begins at a line that the other takes for a
    /// damaged field.
    fn are_readings(&self, one: usize, other: usize) -> bool {
        let (Some(one), Some(other)) = (self.parts().get(one), self.parts().get(other)) else { return false };
        one.in_message && other.in_message && one.header_start == other.header_start && one.span.end == other.span.end
    }

    /// The body of a part in all its readings.
    fn whole_span(&self, index: usize, part: &Part<'_>) -> Range<usize> {
        let readings = self.parts().iter().enumerate().filter(|(other, _)| self.are_readings(index, *other));
        readings.map(|(_, other)| other.span.start).min().unwrap_or(part.span.start)..part.span.end
    }

    fn is_around(&self, outer: usize, inner: usize) -> bool {
        let mut around = self.parts().get(inner).and_then(|part| part.parent);
        while let Some(index) = around {
            if index == outer {
                return true;
            }
            around = self.parts().get(index).and_then(|part| part.parent);
        }
        false
    }

    fn strip_part(&self, part: &Part<'_>, span: Range<usize>, signs: Signs, notice: &Notice, stripped: &mut Stripped) {
        let raw = self.raw();
        let line_end: &str = if memchr::memchr(b'\r', raw).is_some() { "\r\n" } else { "\n" };
        let why: Vec<_> = signs.iter().map(xd_container::Sign::sentence).collect();
        let ids: Vec<_> = signs.iter().map(xd_container::Sign::id).collect();
        let name = printable(part.file_name.as_deref().unwrap_or("without a name"));
        // Of a message in the message, the bytes as they stand.
        let hash =
            part.decode_whole(raw).map_or_else(|| hex(raw.get(part.span.clone()).unwrap_or_default()), |bytes| hex(&bytes));
        let text = notice.fill(&name, &why.join("; "), &hash);
        let fields =
            format!("Content-Type: text/plain; charset=utf-8{line_end}Content-Transfer-Encoding: quoted-printable{line_end}");
        let place = Header::of(raw, part.header_start, span.start);
        stripped.edits.extend(place.about_content.into_iter().map(|span| Edit { span, with: Vec::new() }));
        let separated = if place.has_empty_line { fields } else { format!("{fields}{line_end}") };
        stripped.edits.push(Edit { span: place.end..place.end, with: separated.into_bytes() });
        let mut text = quoted_printable(&text, line_end);
        // The line end before a boundary belongs to it. Behind a part without a body that is the header's own.
        if span.is_empty() && span.end < raw.len() {
            text.push_str(line_end);
        }
        stripped.edits.push(Edit { span, with: text.into_bytes() });
        stripped.actions.push(format!("strip {name} ({}) sha256:{hash}", ids.join(", ")));
    }
}

/// The header section of a part, as far as it matters here.
struct Header {
    /// The fields that say something of the content.
    about_content: Vec<Range<usize>>,
    /// Where further fields can stand.
    end: usize,
    /// Whether an empty line follows there.
    has_empty_line: bool,
}

impl Header {
    fn of(raw: &[u8], start: usize, body: usize) -> Self {
        let mut section = Section::new(raw.get(..body).unwrap_or(raw), start);
        let mut about_content = Vec::new();
        while let Some(item) = section.next(|_| false) {
            if let Item::Field(field) = item
                && field.name.get(..8).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"content-"))
            {
                about_content.push(field.span);
            }
        }
        let (ended, end) = section.end();
        match ended {
            End::EmptyLine if end == body => {
                let line = if raw.get(..end).is_some_and(|raw| raw.ends_with(b"\r\n")) { 2 } else { 1 };
                Self { about_content, end: end - line, has_empty_line: true }
            }
            _ => Self { about_content, end: body, has_empty_line: false },
        }
    }
}

/// A name for a line of text: short, and without what is not seen.
fn printable(name: &str) -> String {
    const LONGEST: usize = 100;
    name.chars().filter(|c| !c.is_control() && !super::is_invisible(*c)).take(LONGEST).collect()
}

fn hex(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Text in quoted-printable (RFC 2045 §6.7). The last line has no end: the boundary brings it.
fn quoted_printable(text: &str, line_end: &str) -> String {
    const LONGEST: usize = 75;
    let mut out = String::new();
    for (number, line) in text.trim_end_matches('\n').split('\n').enumerate() {
        if number > 0 {
            out.push_str(line_end);
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut length = 0;
        let mut rest = line.bytes().peekable();
        while let Some(byte) = rest.next() {
            let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || matches!(byte, b' ' | b'\t') && rest.peek().is_some();
            let starts = length == 0 || length + 1 > LONGEST;
            // No line of it can be taken for a boundary.
            let plain = plain && !(starts && byte == b'-');
            let width = if plain { 1 } else { 3 };
            if length + width > LONGEST {
                out.push('=');
                out.push_str(line_end);
                length = 0;
            }
            length += width;
            if plain {
                out.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(out, "={byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use xd_container::Sign;

    use super::*;
    use crate::Limits;

    fn stripped(raw: &str) -> Option<String> {
        let message = Message::parse(raw.as_bytes(), &Limits::default());
        let notice = Notice::new("gone: {file}");
        let stripped = message.strip([Sign::Executable].into_iter().collect(), &notice).done()?;
        assert!(stripped.actions.iter().all(|action| action.starts_with("strip ")));
        Some(String::from_utf8(stripped.apply(raw.as_bytes())).unwrap())
    }

    const PLACED: &str = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n";

    #[test]
    fn only_the_part_changes() {
        let multipart = |part: &str| {
            format!(
                "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello =\n--b\n{part}\n--b\nX: y\n\nlast\n--b--\nend\n"
            )
        };
        let exe = "X-A: b\nContent-Type: image/png;\n name=a.exe\nX-C: d\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAAEAAAA";
        let expected = multipart(&format!("X-A: b\nX-C: d\n{PLACED}\ngone: a.exe"));
        assert_eq!(stripped(&multipart(exe)), Some(expected));
        assert_eq!(stripped(&multipart("Content-Type: image/png\n\nx")), None);
    }

    #[test]
    fn the_message_itself_may_be_the_file() {
        let raw = "From: a@example.com\nContent-Type: application/octet-stream; name=b.exe\n\nMZ\u{1}";
        assert_eq!(stripped(raw), Some(format!("From: a@example.com\n{PLACED}\ngone: b.exe")));
    }

    #[test]
    fn what_stands_in_an_encoded_message_takes_it_along() {
        // The nested message holds a program named c.exe.
        let inner = "Content-Type: application/octet-stream; name=c.exe\n\nMZ\u{1}\u{2}";
        let mut encoded = String::new();
        for byte in inner.bytes() {
            let _ = write!(encoded, "={byte:02X}");
        }
        let raw = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\nContent-Type: message/rfc822; name=m.eml\n\
             Content-Transfer-Encoding: quoted-printable\n\n{encoded}\n--b--\n"
        );
        let left = stripped(&raw).unwrap();
        assert!(left.contains("gone: m.eml\n--b--") && !left.contains("message/rfc822"), "{left}");
    }

    #[test]
    fn an_empty_part_keeps_its_boundary() {
        let multipart = |part: &str| format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n{part}--b\n\nlast\n--b--\n");
        let left = stripped(&multipart("Content-Type: application/octet-stream; name=a.exe\n\n"));
        assert_eq!(left, Some(multipart(&format!("{PLACED}\ngone: a.exe\n"))));
    }

    #[test]
    fn what_was_not_read_is_not_called_clean() {
        let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n";
        let strip = |parts| {
            let message = Message::parse(raw.as_bytes(), &Limits { parts, ..Limits::default() });
            message.strip([Sign::Executable].into_iter().collect(), &Notice::default())
        };
        assert_eq!(strip(3), Stripping::Nothing);
        assert_eq!(strip(2), Stripping::Impossible);
    }

    #[test]
    fn a_body_that_may_begin_at_a_stray_line_goes_as_a_whole() {
        let fields = "Content-Type: application/octet-stream; name=a.exe\nContent-Transfer-Encoding: base64\n";
        for body in ["TVqQAAMAAAA=\n\n", "TVqQAAMAAAA=\n\nTVqQAAMAAAA=\n", "X-No-Field\n\nTVqQAAMAAAA=\n"] {
            let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n{fields}{body}\n--b--\n");
            let left = stripped(&raw).unwrap();
            assert!(!left.contains("TVqQ") && left.contains("gone: a.exe"), "{left}");
        }
        let left = stripped(&format!("X: y\n{fields}TVqQAAMAAAA=\n\n")).unwrap();
        assert!(!left.contains("TVqQ") && left.starts_with("X: y\n"), "{left}");
    }

    #[test]
    fn readings_that_share_bytes_otherwise_cannot_be_taken_out() {
        let file = "Content-Type: application/octet-stream; name=a.exe\n\nMZ\u{1}\n";
        let raw = format!(
            "Content-Type: multipart/mixed; boundary=b\nContent-Type: multipart/mixed; boundary=c\n\n\
             --b\n{file}--c\n{file}--b\n{file}--c--\n--b--\n"
        );
        let message = Message::parse(raw.as_bytes(), &Limits::default());
        let signs = [Sign::Executable].into_iter().collect();
        assert_eq!(message.strip(signs, &Notice::default()), Stripping::Impossible);
    }

    #[test]
    fn no_line_of_a_notice_is_a_boundary() {
        assert_eq!(quoted_printable("--b--\na--", "\n"), "=2D-b--\na--");
        let text = format!("{}--b", "x".repeat(75));
        assert!(quoted_printable(&text, "\n").lines().all(|line| !line.starts_with('-')));
    }

    #[test]
    fn notices_are_quoted_printable() {
        assert_eq!(quoted_printable("Grüße = x \nb\n", "\n"), "Gr=C3=BC=C3=9Fe =3D x=20\nb");
        assert!(quoted_printable(&"ü".repeat(100), "\n").lines().all(|line| line.len() <= 76));
    }

    #[test]
    fn a_name_cannot_fill_other_places() {
        assert_eq!(Notice::new("{file}: {why}").fill("{why}", "bad", ""), "{why}: bad");
    }
}
