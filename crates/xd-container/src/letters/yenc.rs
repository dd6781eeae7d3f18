//! yEnc 1.3, of newsgroups: every byte as itself plus 42, a few of them escaped.

use super::{Written, lines};

/// Reads the file, or the part of one, that begins with the first of these lines.
pub(super) fn read(text: &[u8], limit: usize) -> Option<Written> {
    let mut all = lines(text);
    let (first, start) = all.next()?;
    let told = first.strip_prefix(b"=ybegin ")?;
    // The name comes last and may hold blanks.
    let at = memchr::memmem::find(told, b"name=")?;
    let name = String::from_utf8_lossy(told.get(at + 5..)?.trim_ascii()).trim_matches('"').to_owned();
    let before = told.get(..at)?;
    memchr::memmem::find(before, b"size=")?;
    let is_part = before.starts_with(b"part=") || memchr::memmem::find(before, b" part=").is_some();
    let mut written = Written { name, end: start, is_damaged: true, is_part, ..Written::default() };
    for (line, next) in all {
        written.end = next;
        if line.starts_with(b"=yend") {
            written.is_damaged = false;
            break;
        }
        // Data never has `=y`: the end is missing.
        if line.starts_with(b"=ybegin ") {
            break;
        }
        if line.starts_with(b"=ypart ") {
            continue;
        }
        let mut line = line.iter();
        while let Some(&byte) = line.next() {
            let byte = if byte == b'=' { line.next().map_or(byte, |byte| byte.wrapping_sub(64)) } else { byte };
            written.bytes.push(byte.wrapping_sub(42));
        }
        if written.bytes.len() > limit {
            written.bytes.truncate(limit);
            written.is_cut = true;
            break;
        }
    }
    Some(written)
}
