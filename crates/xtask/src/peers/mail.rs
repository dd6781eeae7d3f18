//! What is sent, and whether it arrives as it was.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::PATIENCE;
use crate::report::Shortfall;

/// A domain whose mail goes into a Maildir.
pub(super) const MAILDIR: &str = "maildir.example.com";
/// A domain whose mail goes to smtp-sink.
pub(super) const SINK: &str = "sink.example.com";
/// A domain whose mail goes through Postfix.
pub(super) const VIA_POSTFIX: &str = "postfix.example.com";

/// Postfix adds these where they are missing.
const COMPLETE: &str = "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <letter@example.org>\r\n";

/// A message of exactly so many bytes, with what is easily changed on the way: 8-bit bytes that are no UTF-8, lines of dots, trailing
/// blanks, a line as long as may be, empty lines at the end.
pub(super) fn letter(name: &str, bytes: usize) -> Vec<u8> {
    let mut content =
        format!("From: a@example.org\r\nTo: b@example.com\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n{COMPLETE}").into_bytes();
    content.extend(b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    content.extend(b".\r\n..\r\n.a line\r\nGr\xfc\xdfe \xff\xfe \t \r\n\r\nFrom here on\r\n");
    let end = b"\r\n\r\n";
    let mut number = 0_u32;
    while content.len() + end.len() < bytes {
        number += 1;
        // RFC 5321 §4.5.3.1.6: a line has 1,000 octets at most, its end included.
        let most = if number == 3 { 1_000 } else { 78 };
        let room = (bytes - end.len() - content.len()).min(most);
        let mut line = format!("{number} {}", "word ".repeat(most / 5)).into_bytes();
        line.truncate(room.saturating_sub(2));
        content.extend(line);
        content.extend(b"\r\n");
    }
    content.truncate(bytes.saturating_sub(end.len()));
    content.extend(end);
    content
}

/// Waits until a Maildir holds this content below the fields that were put before it.
pub(super) fn arrives_whole(mailbox: &Path, content: &[u8]) -> Result<(), Shortfall> {
    let until = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while Instant::now() < until {
        seen = match fs::read_dir(mailbox.join("new")) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            // It is made with the first message.
            Err(_) => Vec::new(),
        };
        for path in &seen {
            if fs::read(path)?.ends_with(content) {
                return Ok(());
            }
        }
        sleep(Duration::from_millis(50));
    }
    let sizes: Vec<u64> = seen.iter().filter_map(|path| Some(fs::metadata(path).ok()?.len())).collect();
    Err(Shortfall::Failed(format!("{} bytes were sent; {} holds messages of {sizes:?}", content.len(), mailbox.display())))
}
