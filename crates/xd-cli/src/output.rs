//! Standard output by whole lines, and standard error in step with it.

use std::io::{self, BufWriter, Stdout, Write};

use crate::escape::Plain;
use crate::stop;
use crate::terminal::Terminal;

/// Standard output. Only whole lines are handed to it, so that an interrupt cuts none.
#[derive(Debug)]
pub(crate) struct Output {
    writer: BufWriter<Stdout>,
    /// Whether a person watches: then each line is shown at once.
    prompt: bool,
}

/// Lines are gathered up to this size.
const BUFFER_BYTES: usize = 64 << 10;

impl Output {
    pub(crate) fn new(terminal: Terminal) -> Self {
        Self { writer: BufWriter::with_capacity(BUFFER_BYTES, io::stdout()), prompt: terminal.is_terminal }
    }

    /// Writes one or more whole lines.
    pub(crate) fn lines(&mut self, lines: impl AsRef<[u8]>) -> io::Result<()> {
        stop::while_writing(|| {
            self.writer.write_all(lines.as_ref())?;
            if self.prompt { self.writer.flush() } else { Ok(()) }
        })
    }

    /// Writes out what was gathered so far.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        stop::while_writing(|| self.writer.flush())
    }

    /// Writes out all that was gathered.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        stop::while_writing(|| self.writer.flush())
    }
}

/// Names on standard error what could not be read.
pub(crate) fn complain(path: &str, why: &str) {
    eprintln!("xd: {}: {}", Plain(path), Plain(why));
}
