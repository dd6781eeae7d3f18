//! `xd extract`: the files in messages, and what stands in them, listed or written out for somebody to look at.
//!
//! Nothing of a name from mail becomes a path: each file is written under its number and what is harmless of its name, with an
//! ending that no system runs, and never over a file that is there.

mod name;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use sha2::{Digest, Sha256};
use xd_core::message::Part;
use xd_core::{Defect, Limits, Message, Sign};

use crate::arguments::{Extract, Format};
use crate::escape::Plain;
use crate::failure::{Failure, UNREAD};
use crate::input::{Argument, Buffer, Inputs};
use crate::json::{self, Hex};
use crate::judging;
use crate::output::{Output, complain};
use crate::terminal::Terminal;

/// What leaves files of a message out.
const BOUNDS: [Defect; 3] = [Defect::DecodedLimit, Defect::DepthLimit, Defect::PartLimit];

/// A file in a message.
#[derive(Debug, Serialize)]
struct File<'f> {
    path: &'f str,
    /// Its number in the message, from 1.
    number: usize,
    /// The number of the file it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<usize>,
    name: Option<&'f str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    other_names: &'f [String],
    declared: String,
    sniffed: Option<&'f str>,
    signs: Vec<&'static str>,
    bytes: usize,
    /// Whether these bytes are all of it.
    whole: bool,
    /// Of the whole file.
    sha256: Option<String>,
    /// Where it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<String>,
}

pub(crate) fn run(arguments: &Extract) -> Result<ExitCode, Failure> {
    let config = judging::config(arguments.config.as_deref())?;
    let mut limits = Limits::default();
    limits.files.keep_all = true;
    if let Some(directory) = &arguments.out {
        fs::create_dir_all(directory)?;
    }
    let named = arguments.paths.iter().map(|path| Argument { path: path.clone(), tag: 0 }).collect();
    let mut inputs = Inputs::new(named, config.message_bytes());
    let mut output = Output::new(Terminal::of_output());
    let mut buffer = Buffer::default();
    let mut all = true;
    let mut written = 0;
    while let Some(input) = inputs.next(&mut buffer) {
        let (path, read) = input.read(&mut buffer);
        if let Err(unread) = read {
            complain(&path, &unread.why);
            all = false;
            continue;
        }
        let message = Message::parse(buffer.message(), &limits);
        let files = message.files();
        for (number, found) in files.iter().enumerate() {
            let Some(part) = message.parts().get(found.part) else { continue };
            let around = around(&message, part).and_then(|around| files.iter().position(|file| file.part == around));
            written += 1;
            let place = match &arguments.out {
                Some(directory) => Some(write(directory, written, part, &found.bytes)?.display().to_string()),
                None => None,
            };
            let file = File {
                path: &path,
                number: number + 1,
                inside: around.map(|around| around + 1),
                name: part.file_name.as_deref(),
                other_names: &part.other_names,
                declared: part.declared.to_string(),
                sniffed: part.sniffed,
                signs: part.signs.iter().map(|sign| sign.id()).collect(),
                bytes: found.bytes.len(),
                whole: found.is_whole,
                sha256: found.is_whole.then(|| Hex::of(Sha256::digest(&found.bytes).into()).as_str().to_owned()),
                written: place,
            };
            output.lines(match arguments.format {
                Format::Json => {
                    let mut line = Vec::new();
                    json::write_line(&mut line, &file)?;
                    line
                }
                Format::Text => file.line(depth(&message, part)).into_bytes(),
            })?;
        }
        let reached = BOUNDS.into_iter().filter(|bound| message.defects().contains(*bound)).map(Defect::sentence);
        let has_limit = message.parts().iter().any(|part| part.signs.contains(Sign::Limit));
        let reached = reached.chain(has_limit.then(|| Sign::Limit.sentence())).next();
        if let Some(why) = reached {
            complain(&path, &format!("not all files are listed as a whole: {why}"));
            all = false;
        }
    }
    output.finish()?;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(UNREAD) })
}

impl File<'_> {
    fn line(&self, depth: usize) -> String {
        let mut line = format!("{}{}", "  ".repeat(depth), Plain(self.name.unwrap_or("(without a name)")));
        let extent = if self.whole { "" } else { " read" };
        line.push_str(&format!("  {}, {} bytes{extent}", self.sniffed.unwrap_or(&self.declared), self.bytes));
        if !self.signs.is_empty() {
            line.push_str(&format!("  [{}]", self.signs.join(", ")));
        }
        if let Some(written) = &self.written {
            line.push_str(&format!("  -> {}", Plain(written)));
        }
        line.push('\n');
        line
    }
}

/// The nearest file around a part.
fn around(message: &Message<'_>, part: &Part<'_>) -> Option<usize> {
    let mut around = part.parent;
    while let Some(index) = around {
        let part = message.parts().get(index)?;
        if part.is_attachment() && !part.is_nested_message() {
            return Some(index);
        }
        around = part.parent;
    }
    None
}

/// How many files stand around a part.
fn depth(message: &Message<'_>, part: &Part<'_>) -> usize {
    let next = |index: &usize| message.parts().get(*index).and_then(|part| around(message, part));
    std::iter::successors(around(message, part), next).count()
}

/// Writes a file under a name that is safe and new.
fn write(directory: &Path, number: usize, part: &Part<'_>, bytes: &[u8]) -> io::Result<PathBuf> {
    let safe = name::safe(part.file_name.as_deref().unwrap_or_default());
    for attempt in 0_u32.. {
        let again = if attempt == 0 { String::new() } else { format!("-{attempt}") };
        let path = directory.join(format!("{number:04}{again}-{safe}"));
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
