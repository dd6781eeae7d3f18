//! Bytes of files and pipes in few system calls, into memory that is used again.
//!
//! A message costs `open`, two `read` and `close`: the first read takes all of ordinary mail, the second meets the end.
//! Only the end says that all was read. A size asked for beforehand would cost as much as the second read and say less:
//! files grow and shrink, and those of `/proc` have none.

use std::fs::File;
use std::io::{self, BufRead, Read, Stdin};
use std::path::Path;

use super::Unread;
use crate::stop;

/// The bytes of one message, in memory that is used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// Keeps its length from message to message, so that it is cleared only when it grows.
    bytes: Vec<u8>,
    /// How many of them belong to the message.
    filled: usize,
}

/// A file or standard input while it is read.
#[derive(Debug)]
pub(super) struct Source {
    bytes: Bytes,
    /// Whether its end was met; a terminal that is read again would ask for more.
    ended: bool,
}

#[derive(Debug)]
enum Bytes {
    File(File),
    Standard(Stdin),
}

/// What the first read takes at most: nearly all messages, and little enough to hold beside each mailbox file.
pub(super) const FIRST_BYTES: usize = 256 << 10;

/// A buffer beyond this is given back after its message; ordinary mail fits.
const KEPT_BYTES: usize = 4 << 20;

impl Buffer {
    /// The bytes of the message.
    pub(crate) fn message(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Forgets the message.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes.truncate(KEPT_BYTES);
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }

    /// Reads from the beginning until at least `least` bytes are there or the source ends.
    pub(super) fn begin(&mut self, source: &mut Source, least: usize) -> io::Result<()> {
        self.filled = 0;
        if self.bytes.is_empty() {
            // Zeroed by the system, page by page as they are used.
            self.bytes = vec![0; FIRST_BYTES];
        } else if self.bytes.len() < FIRST_BYTES {
            self.bytes.resize(FIRST_BYTES, 0);
        }
        while self.filled < least && !source.ended {
            self.filled += source.read(&mut self.bytes[self.filled..FIRST_BYTES])?;
        }
        Ok(())
    }

    /// Reads what is left of a message of at most `limit` bytes.
    pub(super) fn read_rest(&mut self, source: &mut Source, limit: u64) -> Result<(), Unread> {
        let failed = |error: io::Error| Unread::new(&error);
        // One byte over the limit tells that it is passed.
        let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
        while self.filled < most && !source.ended {
            if self.filled == self.bytes.len() {
                let size = source.size().map_err(failed)?;
                if size > limit {
                    return Err(Unread::oversize(size, limit));
                }
                // One byte more than there should be, so that the end is seen without growing. A pipe has no size.
                let expected = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1);
                let wanted = if expected > self.filled { expected } else { self.filled.saturating_mul(2) };
                self.bytes.resize(wanted.min(most), 0);
            }
            let end = self.bytes.len().min(most);
            self.filled += source.read(&mut self.bytes[self.filled..end]).map_err(failed)?;
        }
        if self.filled < most {
            return Ok(());
        }
        let read = self.filled as u64;
        let size = source.size().map_err(failed)?;
        // Without a size, all must be read to know how much it is.
        let size = if size > read { size } else { read + io::copy(source, &mut io::sink()).map_err(failed)? };
        Err(Unread::oversize(size, limit))
    }

    /// Takes a message from what `read` appends to an empty vector.
    pub(super) fn fill<T>(&mut self, read: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let outcome = read(&mut self.bytes);
        self.filled = self.bytes.len();
        outcome
    }
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let bytes = if path.as_os_str() == "-" {
            Bytes::Standard(io::stdin())
        } else {
            // Opening a FIFO waits for its writer.
            Bytes::File(stop::while_reading(|| File::open(path))?)
        };
        Ok(Self { bytes, ended: false })
    }

    /// The size as far as it is known; 0 is unknown, too.
    fn size(&self) -> io::Result<u64> {
        match &self.bytes {
            Bytes::File(file) => Ok(file.metadata()?.len()),
            Bytes::Standard(_) => Ok(0),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let count = stop::while_reading(|| {
            loop {
                let read = match &mut self.bytes {
                    Bytes::File(file) => file.read(buffer),
                    Bytes::Standard(input) => input.read(buffer),
                };
                match read {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    _ => return read,
                }
            }
        })?;
        self.ended = count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

/// A source whose first bytes were read already, piece by piece.
#[derive(Debug)]
pub(super) struct Pieces {
    buffer: Buffer,
    /// How many bytes of the buffer were consumed.
    consumed: usize,
    source: Source,
}

impl Pieces {
    /// The bytes in `buffer`, then those of `source`.
    pub(super) fn new(buffer: Buffer, source: Source) -> Self {
        Self { buffer, consumed: 0, source }
    }

    /// The buffer, for the next use.
    pub(super) fn into_buffer(self) -> Buffer {
        self.buffer
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.consumed == self.buffer.filled {
            self.consumed = 0;
            self.buffer.begin(&mut self.source, 1)?;
        }
        Ok(&self.buffer.message()[self.consumed..])
    }

    fn consume(&mut self, count: usize) {
        self.consumed += count;
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of so many bytes, as it is read by way of this buffer.
    fn read(buffer: &mut Buffer, length: usize, limit: u64) -> Result<(), String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/tmp/source-{length}-{limit}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let mut source = Source::open(&path).unwrap();
        buffer.clear();
        buffer.begin(&mut source, 5).unwrap();
        let outcome = buffer.read_rest(&mut source, limit).map_err(|unread| unread.why);
        std::fs::remove_file(&path).unwrap();
        if outcome.is_ok() {
            assert!(buffer.message() == content, "{length} bytes");
        }
        outcome
    }

    #[test]
    fn any_length_is_read_whole_after_any_other() {
        let mut buffer = Buffer::default();
        let lengths = [9, 0, FIRST_BYTES, 3, FIRST_BYTES - 1, FIRST_BYTES + 1, 1, KEPT_BYTES + 9, 5, 3 * FIRST_BYTES, 4];
        for length in lengths {
            read(&mut buffer, length, 64 << 20).unwrap();
        }
    }

    #[test]
    fn the_limit_is_exact_on_both_sides_of_the_first_read() {
        let mut buffer = Buffer::default();
        for limit in [0, 1, 7, FIRST_BYTES - 1, FIRST_BYTES, FIRST_BYTES + 1, 2 * FIRST_BYTES + 7] {
            assert_eq!(read(&mut buffer, limit, limit as u64), Ok(()), "{limit}");
            for over in [1, 2, FIRST_BYTES] {
                let why = read(&mut buffer, limit + over, limit as u64).unwrap_err();
                let expected = format!("{} bytes are over the limit of {limit} ", limit + over);
                assert!(why.starts_with(&expected), "{why}");
            }
        }
    }

    #[test]
    fn large_memory_is_given_back() {
        let mut buffer = Buffer::default();
        read(&mut buffer, 3 * KEPT_BYTES, 64 << 20).unwrap();
        assert_eq!(buffer.bytes.len(), 3 * KEPT_BYTES + 1);
        buffer.clear();
        assert_eq!(buffer.bytes.len(), KEPT_BYTES);
    }
}
