//! Mailbox files: many messages in one, read one at a time.
//!
//! The `mboxrd` form (RFC 4155 describes the family): a message begins with a `From ` line at the start of the file or
//! after an empty line, and lines of content that look like one have a `>` more than they should.

use std::io::{self, BufRead, Read};

/// Reads the messages of a mailbox file in order.
#[derive(Debug)]
pub(crate) struct Mbox<R> {
    reader: R,
    /// Whether the `From ` line of the next message was read.
    begun: bool,
}

/// What the reader found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// The buffer holds a message.
    Message,
    /// A message of so many bytes is over the limit; its bytes were skipped.
    Oversize(u64),
    /// There are no more.
    End,
}

/// The longest piece of a line read at once; lines may be longer than memory.
const PIECE_BYTES: u64 = 64 << 10;

/// What a mailbox file, and each message in it, begins with.
pub(crate) const SEPARATOR: &[u8] = b"From ";

/// Whether a file that begins with these bytes is a mailbox file.
pub(crate) fn begins_mbox(bytes: &[u8]) -> bool {
    bytes.starts_with(SEPARATOR)
}

impl<R: BufRead> Mbox<R> {
    /// A mailbox whose bytes come from `reader`.
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, begun: false }
    }

    /// The reader, for what it holds.
    pub(crate) fn into_reader(self) -> R {
        self.reader
    }

    /// Reads the next message into `buffer`, at most `limit` bytes of it.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>, limit: u64) -> io::Result<Next> {
        buffer.clear();
        if !self.begun {
            if !self.skip_line()? {
                return Ok(Next::End);
            }
            self.begun = true;
        }
        let mut at_line_start = true;
        // The bytes of the line before, if it is empty: the line that belongs to the separator, not to the message.
        let mut empty_line = 0;
        // Bytes of the message that are not in the buffer any more.
        let mut skipped = 0;
        loop {
            let start = buffer.len();
            if self.reader.by_ref().take(PIECE_BYTES).read_until(b'\n', buffer)? == 0 {
                self.begun = false;
                break;
            }
            let piece = &buffer[start..];
            let ends_line = piece.ends_with(b"\n");
            if empty_line > 0 && piece.starts_with(SEPARATOR) {
                buffer.truncate(start);
                if !ends_line {
                    self.skip_line()?;
                }
                break;
            }
            empty_line = if at_line_start && matches!(piece, b"\n" | b"\r\n") { piece.len() } else { 0 };
            if at_line_start && is_quoted(piece) {
                buffer.remove(start);
            }
            at_line_start = ends_line;
            if skipped > 0 || buffer.len() as u64 > limit.saturating_add(LINE_END_BYTES) {
                skipped += buffer.len() as u64;
                buffer.clear();
            }
        }
        let size = skipped + buffer.len() as u64 - empty_line as u64;
        if size > limit {
            return Ok(Next::Oversize(size));
        }
        buffer.truncate(buffer.len() - empty_line);
        Ok(Next::Message)
    }

    /// Skips to the next line; says whether there was any byte.
    fn skip_line(&mut self) -> io::Result<bool> {
        Ok(self.reader.skip_until(b'\n')? > 0)
    }
}

/// The longest empty line: it stands before a separator and does not count towards the limit.
const LINE_END_BYTES: u64 = 2;

fn is_quoted(line: &[u8]) -> bool {
    let quotes = line.iter().take_while(|&&b| b == b'>').count();
    quotes > 0 && line[quotes..].starts_with(SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(bytes: &[u8], limit: u64) -> Vec<Result<String, u64>> {
        // A tiny buffer, so that every boundary falls somewhere.
        let mut mbox = Mbox::new(io::BufReader::with_capacity(3, bytes));
        let mut buffer = Vec::new();
        let mut all = Vec::new();
        loop {
            match mbox.read(&mut buffer, limit).unwrap() {
                Next::Message => all.push(Ok(String::from_utf8(buffer.clone()).unwrap())),
                Next::Oversize(bytes) => all.push(Err(bytes)),
                Next::End => return all,
            }
        }
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        messages(bytes, 1 << 20).into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn messages_end_at_separators_after_empty_lines() {
        let file = b"From a\nX: 1\n\none\nFrom here\n\nFrom b\nX: 2\n\ntwo\n";
        assert_eq!(texts(file), ["X: 1\n\none\nFrom here\n", "X: 2\n\ntwo\n"]);
    }

    #[test]
    fn line_ends_may_be_crlf() {
        assert_eq!(texts(b"From a\r\nX: 1\r\n\r\none\r\n\r\nFrom b\r\n\r\ntwo\r\n\r\n"), ["X: 1\r\n\r\none\r\n", "\r\ntwo\r\n"]);
    }

    #[test]
    fn quoting_is_undone_by_one_level() {
        assert_eq!(texts(b"From a\n\n>From x\n>>From y\n>Fromage\n"), ["\nFrom x\n>From y\n>Fromage\n"]);
    }

    #[test]
    fn empty_messages_are_messages() {
        assert_eq!(texts(b"From a\n\nFrom b\n"), ["", ""]);
        assert_eq!(texts(b"From a"), [""]);
        assert_eq!(texts(b""), [""; 0]);
    }

    #[test]
    fn an_oversize_message_is_skipped_with_its_size() {
        let file = b"From a\nX: 1\n\n0123456789\n\nFrom b\nX: 2\n";
        let (one, two) = ("X: 1\n\n0123456789\n".to_owned(), "X: 2\n".to_owned());
        assert_eq!(messages(file, 17), [Ok(one), Ok(two.clone())]);
        for limit in [16, 10, 5] {
            assert_eq!(messages(file, limit), [Err(17), Ok(two.clone())], "limit {limit}");
        }
    }

    #[test]
    fn a_line_longer_than_a_piece_is_one_line() {
        let long = format!("From a\n\n{}From b\n\nend\n", "x".repeat(PIECE_BYTES as usize));
        assert_eq!(texts(long.as_bytes()), [long["From a\n".len()..].to_owned()]);
    }
}
