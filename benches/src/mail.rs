//! Whole messages: a header section as a mail server leaves it, and one of a few bodies.

use crate::{Random, page, prose};

/// The length of a line of base64 (RFC 2045 §6.8), line end included.
const BASE64_LINE: usize = 78;

/// A message of plain text: `bytes` bytes of prose.
#[must_use]
pub fn plain(bytes: usize) -> Vec<u8> {
    let text = prose::text(&mut Random::new(1), bytes);
    message("text/plain; charset=utf-8", &text)
}

/// The same text with an attachment beside it, `attached` bytes as they travel.
#[must_use]
pub fn with_attachment(bytes: usize, attached: usize) -> Vec<u8> {
    let text = prose::text(&mut Random::new(1), bytes);
    let file = base64(&mut Random::new(2), attached);
    let body = format!(
        "--outer\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n\
         --outer\r\nContent-Type: application/octet-stream; name=\"data.bin\"\r\n\
         Content-Disposition: attachment; filename=\"data.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{file}--outer--\r\n"
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

/// A message that is one text in base64, `bytes` bytes as it travels.
#[must_use]
pub fn encoded(bytes: usize) -> Vec<u8> {
    let body = base64(&mut Random::new(4), bytes);
    let encoded = message("text/plain; charset=utf-8", &body);
    // The header section says 8bit; the last word counts here.
    String::from_utf8_lossy(&encoded).replacen("Encoding: 8bit", "Encoding: base64", 1).into_bytes()
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

/// Random bytes in base64, `bytes` bytes with line ends, rounded up to a line.
fn base64(random: &mut Random, bytes: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes + BASE64_LINE);
    while text.len() < bytes {
        text.extend((0..BASE64_LINE - 2).map(|_| char::from(*random.choose(ALPHABET))));
        text.push_str("\r\n");
    }
    text
}
