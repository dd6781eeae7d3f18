//! Whole messages: a header section as a mail server leaves it, and one of a few bodies.

use crate::{Random, page, prose};

/// A message of plain text: `bytes` bytes of prose.
#[must_use]
pub fn plain(bytes: usize) -> Vec<u8> {
    plain_of(1, bytes)
}

/// The same of another sequence of chance: another text.
#[must_use]
pub fn plain_of(sequence: u64, bytes: usize) -> Vec<u8> {
    let text = prose::text(&mut Random::new(sequence), bytes);
    message("text/plain; charset=utf-8", &text)
}

/// The same text with an attachment beside it, `attached` bytes as they travel.
#[must_use]
pub fn with_attachment(bytes: usize, attached: usize) -> Vec<u8> {
    with_attachment_of(1, bytes, attached)
}

/// The same of another sequence of chance: another text, the same attachment.
#[must_use]
pub fn with_attachment_of(sequence: u64, bytes: usize, attached: usize) -> Vec<u8> {
    let text = prose::text(&mut Random::new(sequence), bytes);
    beside(&text, "data.bin", &noise(attached / 4 * 3))
}

/// A line of text, and this file beside it.
#[must_use]
pub fn with_file(name: &str, bytes: &[u8]) -> Vec<u8> {
    beside("Please see the file.", name, bytes)
}

fn beside(text: &str, name: &str, file: &[u8]) -> Vec<u8> {
    let file = base64(file);
    let body = format!(
        "--outer\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n\
         --outer\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}--outer--\r\n"
    );
    message("multipart/mixed; boundary=\"outer\"", &body)
}

/// A newsletter in both forms: about `bytes` bytes of HTML, and a fifth of that as plain text.
#[must_use]
pub fn newsletter(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(3);
    let (page, text) = (page::newsletter(&mut random, bytes), prose::text(&mut random, bytes / 5));
    let body = format!(
        "--alt\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n\
         --alt\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{page}\r\n--alt--\r\n"
    );
    message("multipart/alternative; boundary=\"alt\"", &body)
}

/// A message that is one text in base64.
#[must_use]
pub fn encoded(text: &[u8]) -> Vec<u8> {
    let message = message("text/plain; charset=utf-8", &base64(text));
    String::from_utf8_lossy(&message).replacen("Encoding: 8bit", "Encoding: base64", 1).into_bytes()
}

/// Bytes of no meaning.
#[must_use]
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(2);
    (0..bytes.div_ceil(8)).flat_map(|_| random.number().to_le_bytes()).take(bytes).collect()
}

/// A message with this type and body, behind an ordinary header section.
#[must_use]
pub fn message(content_type: &str, body: &str) -> Vec<u8> {
    with_fields("", content_type, body)
}

/// The same with further header fields, each with its line end.
#[must_use]
pub fn with_fields(fields: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "Return-Path: <anna@example.net>\r\n\
         Received: from mail.example.net (mail.example.net [192.0.2.7])\r\n\tby mx.example.com (Postfix) with ESMTPS id 4F1xPw3cTgz8kN\r\n\
         \tfor <bob@example.com>; Sun, 22 Nov 2026 01:00:02 +0000 (UTC)\r\n\
         Received: from desk.example.net (unknown [203.0.113.9])\r\n\tby mail.example.net (Postfix) with ESMTPSA id 4F1xPv0mBcz2aB;\r\n\
         \tSun, 22 Nov 2026 01:00:00 +0000 (UTC)\r\n\
         From: \"Anna Example\" <anna@example.net>\r\nTo: Bob <bob@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from the harbour\r\n\
         Date: Sun, 22 Nov 2026 00:59:58 +0000\r\nMessage-ID: <20261122005958.7731@example.net>\r\n{fields}\
         MIME-Version: 1.0\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Bytes in base64, in lines (RFC 2045 §6.8).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / LINE * 2 + 8);
    for line in bytes.chunks(LINE) {
        for group in line.chunks(3) {
            let byte = |at: usize| group.get(at).map_or(0, |&byte| usize::from(byte));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for (at, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                text.push(if at <= group.len() { char::from(ALPHABET[bits >> shift & 63]) } else { '=' });
            }
        }
        text.push_str("\r\n");
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes that make a line of 76 characters.
const LINE: usize = 57;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_the_standard_gives_it() {
        // RFC 4648 §10.
        for (bytes, text) in [("f", "Zg==\r\n"), ("fo", "Zm8=\r\n"), ("foo", "Zm9v\r\n"), ("foob", "Zm9vYg==\r\n")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
