//! Text that must wait until counts are known: in memory while it is short, then in a file that goes away with us.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};

use crate::failure::{Failure, reason};

/// Waiting text.
#[derive(Debug, Default)]
pub(super) struct Spill {
    bytes: Vec<u8>,
    file: Option<File>,
}

/// This much stays in memory.
const MEMORY_BYTES: usize = 8 << 20;

impl Spill {
    /// Adds text.
    pub(super) fn add(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(text);
        if self.bytes.len() > MEMORY_BYTES {
            self.write_out().map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Hands out all text in pieces.
    pub(super) fn drain(mut self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Failure> {
        if let Some(file) = &mut self.file {
            file.rewind().map_err(|error| failed(&error))?;
            let mut piece = vec![0; 64 << 10];
            loop {
                match file.read(&mut piece) {
                    Ok(0) => break,
                    Ok(read) => take(&piece[..read])?,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(failed(&error)),
                }
            }
        }
        Ok(take(&self.bytes)?)
    }

    fn write_out(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(nameless()?),
        };
        file.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

/// A file that nobody else can open, and that is gone when we are.
fn nameless() -> io::Result<File> {
    let directory = std::env::temp_dir();
    let mut number = 0;
    loop {
        let path = directory.join(format!("xd-replay-{}-{number}", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            opened => {
                let file = opened?;
                fs::remove_file(&path)?;
                return Ok(file);
            }
        }
    }
}

fn failed(error: &io::Error) -> Failure {
    let directory = std::env::temp_dir();
    Failure::operator(format!("cannot keep a file in {} while counting: {}", directory.display(), reason(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_out_as_it_went_in() {
        for pieces in [0, 1, 20] {
            let mut spill = Spill::default();
            let piece: Vec<u8> = (0..1_000_003_u32).map(|n| n as u8).collect();
            (0..pieces).for_each(|_| spill.add(&piece).unwrap());
            assert_eq!(spill.file.is_some(), pieces > 8);
            let mut out = Vec::new();
            spill.drain(|text| out.write_all(text)).unwrap();
            assert!(out == piece.repeat(pieces));
        }
    }
}
