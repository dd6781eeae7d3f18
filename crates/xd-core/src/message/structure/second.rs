//! Readings besides the first: what other programs make of the same bytes.
//!
//! Each that is followed costs another pass over its region, so that there are few in one message. What was left out for that has the
//! sign of a limit.

use std::ops::Range;

use memchr::memmem;
use xd_container::{holds_letters, may_name_message, sniff};

use super::{Place, Walk, begins_with_field};
use crate::Defect;
use crate::message::boundary::{Boundaries, Delimiter};
use crate::message::part::Disposition;
use crate::message::part_header::{ContentType, PartHeader};
use crate::message::section::first_line;
use crate::message::transfer::Transfer;

/// Lines of what an encoded message decodes to that are looked at for a field.
const MAX_LINES: usize = 50;

impl<'a, 'l> Walk<'_, 'a, 'l, '_> {
    /// Reads a body that begins at the first line which is no field, as some programs do. `above` are the fields before it, `index`
    /// is the part that the first reading made. Its text is known already, and so are the parts of a multipart.
    pub(in crate::message) fn disputed_body(&mut self, place: Place, index: usize, above: &PartHeader, region: Range<usize>) {
        let bytes = self.bytes.get(region.clone()).unwrap_or_default();
        let is_multipart = above.types.iter().any(|reading| &*reading.media.kind == "multipart");
        let is_plain = above.transfers.iter().all(|transfer| *transfer == Transfer::Identity);
        let is_file = above.disposition == Some(Disposition::Attachment) || !above.names.is_empty();
        if is_multipart || is_plain && !(is_file && begins_as_file(bytes)) {
            return;
        }
        self.again(index, region.clone(), |walk| walk.body(place, above, region.start));
    }

    /// Reads a multipart again with a bare CR for a line end, as some programs do, where a delimiter stands behind one.
    pub(super) fn bare_lines(
        &mut self,
        place: Place,
        index: usize,
        header: &PartHeader,
        reading: &ContentType,
        multiparts: &[(&ContentType, &[u8])],
        region: Range<usize>,
    ) {
        let bytes = self.bytes.get(region).unwrap_or_default();
        let is_delimiter = |at: usize| {
            let line = bytes.get(at + 3..).unwrap_or_default();
            multiparts.iter().any(|(_, boundary)| !boundary.is_empty() && line.starts_with(boundary))
        };
        if !memmem::find_iter(bytes, b"\r--").any(is_delimiter) || !self.bodies.takes_second_reading(index) {
            return;
        }
        let mut mended = Vec::with_capacity(bytes.len());
        let mut bytes = bytes.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            mended.push(byte);
            if byte == b'\r' && bytes.peek() != Some(&b'\n') {
                mended.push(b'\n');
            }
        }
        let mut walk = Walk { bodies: self.bodies, bytes: &mended, original: None, boundaries: Boundaries::default() };
        walk.multiparts(place, index, header, reading, multiparts, 0);
    }

    /// Reads a message in the message by every encoding that is named, and as it stands: some programs name one and do not use it.
    pub(super) fn nested_message(&mut self, place: Place, index: usize, header: &PartHeader, start: usize) -> Delimiter {
        let inside = Place { nested: place.nested + 1, ..place.inside(index) };
        let encoded = |transfer: &&Transfer| **transfer != Transfer::Identity;
        if header.transfers.iter().any(|transfer| encoded(&transfer)) {
            self.bodies.defects.record(Defect::EncodedMessage);
        }
        if let Some(part) = self.bodies.parts.get_mut(index) {
            part.attachment = true;
        }
        let stands = header.transfers.is_empty()
            || header.transfers.contains(&Transfer::Identity)
            || begins_with_field(self.bytes.get(start..).unwrap_or_default());
        let end = if stands { self.entity(inside, start) } else { self.boundaries.next(self.bytes, start) };
        let region = start..end.body_end;
        for (number, transfer) in header.transfers.iter().filter(encoded).enumerate() {
            if !stands && number == 0 {
                self.decoded(index, *transfer, region.clone(), |walk| walk.entity(inside, 0));
                continue;
            }
            let raw = self.bytes.get(region.clone()).unwrap_or_default();
            let is_message = |decoded: &[u8]| decoded.trim_ascii() != raw.trim_ascii() && has_field(decoded);
            if self.bodies.peek(index, raw, *transfer, is_message) && self.bodies.takes_second_reading(index) {
                self.decoded(index, *transfer, region.clone(), |walk| walk.entity(inside, 0));
            }
        }
        end
    }

    /// Reads the parts that a transfer encoding hides from those who take a multipart as it stands.
    pub(super) fn hidden_parts(&mut self, index: usize, transfer: Transfer, boundary: &[u8], region: Range<usize>) -> bool {
        let raw = self.bytes.get(region).unwrap_or_default();
        let delimiter = [b"\n--", boundary].concat();
        let count = |bytes: &[u8]| {
            memmem::find_iter(bytes, &delimiter).count() + usize::from(bytes.starts_with(delimiter.get(1..).unwrap_or_default()))
        };
        let mut known = 0;
        let hides = |decoded: &[u8]| {
            known = count(raw);
            // Quoted-printable leaves those alone that stand in the clear.
            count(decoded) >= if transfer == Transfer::QuotedPrintable { known + 1 } else { 1 }
        };
        self.bodies.peek(index, raw, transfer, hides) && (known == 0 || self.bodies.takes_second_reading(index))
    }

    /// Whether a part that is declared a message may be another file as well: by a name of it, or by how it begins.
    pub(super) fn is_file_as_well(&mut self, index: usize, header: &PartHeader, region: Range<usize>) -> bool {
        let bytes = self.bytes.get(region).unwrap_or_default();
        header.names.iter().any(|name| !may_name_message(name))
            || header.transfers.iter().any(|transfer| self.bodies.peek(index, bytes, *transfer, begins_as_file))
            || header.transfers.is_empty() && begins_as_file(bytes)
    }

    /// Decodes a region and walks what comes out.
    pub(super) fn decoded<T>(
        &mut self,
        index: usize,
        transfer: Transfer,
        region: Range<usize>,
        read: impl FnOnce(&mut Walk<'_, 'a, 'l, '_>) -> T,
    ) -> T {
        let encoded = self.bytes.get(region).unwrap_or_default();
        let decoded = self.bodies.decode(index, encoded, transfer);
        read(&mut Walk { bodies: self.bodies, bytes: &decoded, original: None, boundaries: Boundaries::default() })
    }

    /// Walks a region once more by itself; nothing where too much was walked again. `index` is the part it is about.
    pub(super) fn again<T>(&mut self, index: usize, region: Range<usize>, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if !self.bodies.takes_second_reading(index) {
            return None;
        }
        let bytes = self.bytes;
        let around = std::mem::take(&mut self.boundaries);
        self.bytes = bytes.get(..region.end).unwrap_or(bytes);
        let read = read(self);
        self.bytes = bytes;
        self.boundaries = around;
        Some(read)
    }
}

/// Whether bytes are known to be a file, rather than a message or plain text.
fn begins_as_file(bytes: &[u8]) -> bool {
    // The encoding's own line ends may stand before them.
    !begins_with_field(bytes) && (sniff(bytes).is_some_and(|sniffed| sniffed != "message/rfc822") || holds_letters(bytes))
}

/// Whether a header field stands near the beginning.
fn has_field(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for _ in 0..MAX_LINES {
        if rest.is_empty() {
            return false;
        }
        if begins_with_field(rest) {
            return true;
        }
        rest = rest.get(first_line(rest).len()..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use xd_container::Sign;

    use crate::message::Part;
    use crate::{Limits, Message, View};

    /// A program in base64: `MZ` and binary bytes.
    const PROGRAM: &str = "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn is_program(part: &Part<'_>) -> bool {
        part.sniffed == Some("application/x-dosexec")
    }

    fn holds_program(raw: &str) -> bool {
        Message::parse(raw.as_bytes(), &Limits::default()).parts().iter().any(is_program)
    }

    fn part(text: &str) -> String {
        format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n{text}\n--b--\n")
    }

    fn base64(text: &str) -> String {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digit = |bits: u32| char::from(DIGITS[usize::try_from(bits & 63).unwrap()]);
        let mut out = String::new();
        for (number, group) in text.as_bytes().chunks(3).enumerate() {
            let at = |place: usize| group.get(place).map_or(0, |byte| u32::from(*byte));
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            let digits = [digit(bits >> 18), digit(bits >> 12), digit(bits >> 6), digit(bits)];
            out.extend(&digits[..=group.len()]);
            out.push_str(if number % 19 == 18 { "\n" } else { "" });
        }
        out
    }

    #[test]
    fn parts_that_say_they_are_messages_are_files_by_name_and_bytes() {
        let message = |header: &str, body: &str| part(&format!("Content-Type: message/rfc822{header}\n\n{body}"));
        let encoded = "Content-Transfer-Encoding: base64";
        assert!(holds_program(&message(&format!("; name=\"invoice.exe\"\n{encoded}"), PROGRAM)));
        assert!(holds_program(&message(&format!("\n{encoded}"), PROGRAM)));
        let raw = message("; name=\"run.js\"", "var a: 1\n\ninner");
        let parsed = Message::parse(raw.as_bytes(), &Limits::default());
        assert!(parsed.parts()[1].signs.contains(Sign::DangerousName));
        for name in ["", "; name=\"letter.eml\"", "; name=\"Re: version 2.0\""] {
            let raw = message(name, "Subject: x\n\ninner");
            let parsed = Message::parse(raw.as_bytes(), &Limits::default());
            assert_eq!((parsed.parts().len(), parsed.parts()[1].signs), (3, xd_container::Signs::default()), "{name}");
        }
    }

    #[test]
    fn bodies_that_begin_at_a_stray_line_are_files() {
        let fields = "Content-Type: application/octet-stream; name=a.bin\nContent-Transfer-Encoding: base64\n";
        assert!(holds_program(&part(&format!("{fields}{PROGRAM}\n"))), "in a part");
        assert!(holds_program(&format!("{fields}{PROGRAM}\n\n")), "in the message itself");
        let nested = base64(&format!("{fields}\n{PROGRAM}\n"));
        assert!(holds_program(&part(&format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n{nested}\n\n"))));
        // Fields behind the stray line are none to those who begin the body there.
        let raw = part("Content-Type: application/octet-stream\nname=a.bin\nContent-Transfer-Encoding: base64\n\nAAAA");
        assert_eq!(Message::parse(raw.as_bytes(), &Limits::default()).parts().len(), 2);
        let raw = part(&format!("Content-Type: text/plain\nthis is no field\n\n{PROGRAM}"));
        assert_eq!(Message::parse(raw.as_bytes(), &Limits::default()).parts().len(), 2, "text is known already");
    }

    // What stands before the encoded lines has as many letters of base64 as whole groups have.
    #[test]
    fn every_encoding_of_a_message_is_followed() {
        let inner =
            base64(&format!("X: y\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n{PROGRAM}\n"));
        for encodings in [&["7bit", "base64"][..], &["base64", "7bit"], &["quoted-printable", "base64"], &["base64"]] {
            let fields: String = encodings.iter().map(|one| format!("Content-Transfer-Encoding: {one}\n")).collect();
            for before in ["", "X-Field: that some take for the messages\n"] {
                assert!(
                    holds_program(&part(&format!("Content-Type: message/rfc822\n{fields}\n{before}{inner}"))),
                    "{fields}{before}"
                );
            }
        }
        let raw = part("Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nSubject: x\n\ninner");
        assert_eq!(Message::parse(raw.as_bytes(), &Limits::default()).parts().len(), 3, "nothing else comes out");
    }

    #[test]
    fn every_encoding_of_a_multipart_is_followed() {
        let parts = base64(&format!("\n--c\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n{PROGRAM}\n--c--\n"));
        for encodings in [&["7bit", "base64"][..], &["base64"], &["quoted-printable", "base64"]] {
            let fields: String = encodings.iter().map(|one| format!("Content-Transfer-Encoding: {one}\n")).collect();
            for before in ["", "--c\n\nplains\n--c--\n"] {
                let raw = format!("Content-Type: multipart/mixed; boundary=c\n{fields}\n{before}{parts}");
                assert!(holds_program(&raw), "{fields}{before}");
            }
        }
        let plain =
            "Content-Type: multipart/mixed; boundary=c\nContent-Transfer-Encoding: quoted-printable\n\n--c\n\na=3Db\n--c--\n";
        assert_eq!(Message::parse(plain.as_bytes(), &Limits::default()).parts().len(), 2, "the same parts are read once");
    }

    #[test]
    fn readings_that_are_left_out_are_said() {
        // Each part is read a second time from its stray line on.
        let one = format!("--b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n{PROGRAM}\n\nx\n");
        for (count, is_limited) in
            [(crate::message::structure::SECOND_READINGS, false), (crate::message::structure::SECOND_READINGS + 1, true)]
        {
            let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", one.repeat(count));
            let message = Message::parse(raw.as_bytes(), &Limits::default());
            assert_eq!(message.parts().iter().any(|part| part.signs.contains(Sign::Limit)), is_limited, "{count}");
        }
    }

    #[test]
    fn what_long_texts_leave_undecoded_is_looked_at_and_said() {
        let text = base64(&"words ".repeat(40));
        let encoded = "Content-Transfer-Encoding: base64";
        let raw = part(&format!(
            "{encoded}\n\n{text}\n--b\nContent-Type: application/octet-stream\n{encoded}\n\n{PROGRAM}\n--b\n\
             Content-Type: message/rfc822\n{encoded}\n\n{}",
            base64("Subject: x\n\ninner words of a message")
        ));
        let limits = |decoded_bytes| Limits { decoded_bytes, ..Limits::default() };
        for (decoded_bytes, is_limited) in [(100, true), (10_000, false)] {
            let message = Message::parse(raw.as_bytes(), &limits(decoded_bytes));
            assert!(is_program(&message.parts()[2]), "{decoded_bytes}");
            for index in [1, 3] {
                assert_eq!(message.parts()[index].signs.contains(Sign::Limit), is_limited, "{decoded_bytes} {index}");
            }
        }
    }

    #[test]
    fn what_is_peeked_into_is_bounded_and_said() {
        // Junk that is more than may be decoded stands before the delimiters.
        let parts = base64(&format!("{}\n--c\n\nwords\n--c--\n", "junk ".repeat(40)));
        let one = format!("Content-Type: multipart/mixed; boundary=c\nContent-Transfer-Encoding: base64\n\n{parts}");
        for (decoded_bytes, is_limited) in [(100, true), (10_000, false)] {
            let message = Message::parse(one.as_bytes(), &Limits { decoded_bytes, ..Limits::default() });
            assert_eq!(message.parts()[0].signs.contains(Sign::Limit), is_limited, "{decoded_bytes}");
            assert_eq!(message.defects().contains(crate::Defect::DecodedLimit), is_limited, "{decoded_bytes}");
        }
        // Letters that are none of the encoding decode to nothing, and are looked at all the same.
        let one = format!(
            "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: x\n\n{}\n",
            "....".repeat(60)
        );
        for (count, is_limited) in [(1, false), (20, true)] {
            let raw = format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", one.repeat(count));
            let message = Message::parse(raw.as_bytes(), &Limits { decoded_bytes: 1_000, ..Limits::default() });
            assert_eq!(message.parts().iter().any(|part| part.signs.contains(Sign::Limit)), is_limited, "{count}");
        }
    }

    #[test]
    fn bare_returns_leave_decoding_to_what_follows() {
        let lines = "x\r--c\r\r".repeat(40);
        let raw = part(&format!(
            "Content-Type: multipart/mixed; boundary=c\n\n--c\n\n{lines}\n--c--\n--b\n\
             Content-Transfer-Encoding: base64\n\n{}",
            base64("the words that follow")
        ));
        let message = Message::parse(raw.as_bytes(), &Limits { decoded_bytes: 100, ..Limits::default() });
        assert!(message.view(View::Plain).original().contains("the words that follow"));
    }
}
