//! What to read: arguments become messages, in order.
//!
//! An argument is a file, a directory to walk, or `-` for standard input. A file that begins with `From ` is a mailbox
//! file with messages `PATH#1`, `PATH#2`, …; `PATH#2` as an argument is that message alone.

mod mbox;
mod walk;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read, Stdin};
use std::path::{Path, PathBuf};

use mbox::{Mbox, Next};
pub(crate) use walk::{Unreadable, Walk};

use crate::failure::reason;
use crate::stop;

/// The largest message read unless configured otherwise.
pub(crate) const MESSAGE_BYTES: u64 = 64 << 20;

/// One argument, and a number by which the caller knows its messages again.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) path: PathBuf,
    pub(crate) tag: usize,
}

/// The messages that arguments name, one after the other.
#[derive(Debug)]
pub(crate) struct Inputs {
    arguments: std::vec::IntoIter<Argument>,
    tag: usize,
    walk: Option<Walk>,
    mailbox: Option<Mailbox>,
    limit: u64,
    files: u64,
}

/// One message, or what stands in its place.
#[derive(Debug)]
pub(crate) struct Input {
    /// The path as reports name it: the argument joined with the walk, and `#n` in mailbox files.
    pub(crate) path: String,
    /// The tag of its argument.
    pub(crate) tag: usize,
    /// How many files were finished before it.
    pub(crate) files: u64,
    content: Content,
    limit: u64,
}

/// Why a message is not judged.
#[derive(Debug)]
pub(crate) struct Unread {
    pub(crate) why: String,
    /// Whether there is no file of that name.
    pub(crate) is_missing: bool,
}

#[derive(Debug)]
enum Content {
    /// All of it is in the buffer.
    Buffered,
    /// The buffer holds its first bytes, the rest is here; so large it seems.
    Rest(Bytes, u64),
    Unread(Unread),
}

#[derive(Debug)]
struct Mailbox {
    mbox: Mbox<BufReader<io::Chain<Cursor<Vec<u8>>, Bytes>>>,
    path: String,
    number: u64,
    /// The only message wanted.
    only: Option<u64>,
    /// Whether the file gives nothing more: its end, or a failure after which no message begins with certainty.
    finished: bool,
}

#[derive(Debug)]
enum Bytes {
    File(File),
    Standard(Stdin),
}

/// Enough of a file to know a mailbox by.
const PEEK_BYTES: u64 = 5;

/// A buffer beyond this is given back after its message; ordinary mail fits.
const BUFFER_KEPT_BYTES: usize = 4 << 20;

impl Inputs {
    /// The messages of these arguments, each at most `limit` bytes.
    pub(crate) fn new(arguments: Vec<Argument>, limit: u64) -> Self {
        Self { arguments: arguments.into_iter(), tag: 0, walk: None, mailbox: None, limit, files: 0 }
    }

    /// The next message. `buffer` takes what was read of it so far.
    pub(crate) fn next(&mut self, buffer: &mut Vec<u8>) -> Option<Input> {
        buffer.clear();
        if buffer.capacity() > BUFFER_KEPT_BYTES {
            buffer.shrink_to(BUFFER_KEPT_BYTES);
        }
        loop {
            if let Some(mailbox) = &mut self.mailbox {
                if let Some((path, content)) = mailbox.next(buffer, self.limit) {
                    return Some(self.input(path, content));
                }
                self.mailbox = None;
                self.files += 1;
            }
            let (path, only) = match self.walk.as_mut().map(Iterator::next) {
                Some(Some(Ok(path))) => (path, None),
                Some(Some(Err(unreadable))) => {
                    return Some(self.input(shown(&unreadable.path), Unread::new(&unreadable.error).into()));
                }
                Some(None) => {
                    self.walk = None;
                    continue;
                }
                None => {
                    let argument = self.arguments.next()?;
                    self.tag = argument.tag;
                    match self.resolve(argument.path) {
                        Resolved::File(path, only) => (path, only),
                        Resolved::Directory => continue,
                        Resolved::Unread(path, unread) => return Some(self.input(path, Content::Unread(unread))),
                    }
                }
            };
            let name = shown(&path);
            match open(&path, buffer) {
                Err(error) => return Some(self.input(name, Unread::new(&error).into())),
                Ok((bytes, _)) if mbox::begins_mbox(buffer) => {
                    let reader = BufReader::with_capacity(64 << 10, Cursor::new(buffer.clone()).chain(bytes));
                    self.mailbox = Some(Mailbox { mbox: Mbox::new(reader), path: name, number: 0, only, finished: false });
                }
                Ok(_) if only.is_some() => return Some(self.input(name, Unread::because("is no mailbox file").into())),
                Ok((bytes, size)) => {
                    let input = self.input(name, Content::Rest(bytes, size));
                    self.files += 1;
                    return Some(input);
                }
            }
        }
    }

    fn resolve(&mut self, path: PathBuf) -> Resolved {
        if path.as_os_str() == "-" {
            return Resolved::File(path, None);
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => match Walk::try_new(&path, walk::is_no_message) {
                Ok(walk) => {
                    self.walk = Some(walk);
                    Resolved::Directory
                }
                Err(unreadable) => Resolved::Unread(shown(&unreadable.path), Unread::new(&unreadable.error)),
            },
            Ok(_) => Resolved::File(path, None),
            Err(error) => match message_of_mailbox(&path) {
                Some((mailbox, number)) if mailbox.is_file() => Resolved::File(mailbox, Some(number)),
                _ => Resolved::Unread(shown(&path), Unread::new(&error)),
            },
        }
    }

    fn input(&self, path: String, content: Content) -> Input {
        Input { path, tag: self.tag, files: self.files, content, limit: self.limit }
    }
}

enum Resolved {
    Directory,
    File(PathBuf, Option<u64>),
    Unread(String, Unread),
}

impl Mailbox {
    fn next(&mut self, buffer: &mut Vec<u8>, limit: u64) -> Option<(String, Content)> {
        while !self.finished {
            let outcome = self.mbox.read(buffer, limit);
            self.number += 1;
            let content = match outcome {
                Err(error) => {
                    self.finished = true;
                    return Some((self.name(self.number), Unread::new(&error).into()));
                }
                Ok(Next::End) => {
                    self.finished = true;
                    let only = self.only?;
                    let why = format!("there are only {} messages in it", self.number - 1);
                    return Some((self.name(only), Unread { why, is_missing: true }.into()));
                }
                Ok(_) if self.only.is_some_and(|only| only != self.number) => continue,
                Ok(Next::Message) => Content::Buffered,
                Ok(Next::Oversize(bytes)) => Unread::oversize(bytes, limit).into(),
            };
            self.finished = self.only.is_some();
            return Some((self.name(self.number), content));
        }
        None
    }

    fn name(&self, number: u64) -> String {
        format!("{}#{number}", self.path)
    }
}

impl Input {
    /// Reads the whole message into `buffer`, which holds what [`Inputs::next`] left there; gives the path back.
    pub(crate) fn read(self, buffer: &mut Vec<u8>) -> (String, Result<(), Unread>) {
        let read = match self.content {
            Content::Buffered => Ok(()),
            Content::Unread(unread) => Err(unread),
            Content::Rest(bytes, size) => bytes.read_rest(size, self.limit, buffer),
        };
        (self.path, read)
    }
}

impl Unread {
    fn new(error: &io::Error) -> Self {
        Self { why: reason(error), is_missing: error.kind() == io::ErrorKind::NotFound }
    }

    fn because(why: &str) -> Self {
        Self { why: why.to_owned(), is_missing: false }
    }

    fn oversize(bytes: u64, limit: u64) -> Self {
        let why = format!("{bytes} bytes are over the limit of {limit} (message_bytes in [limits] of the configuration)");
        Self { why, is_missing: false }
    }
}

impl From<Unread> for Content {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl Bytes {
    fn read_rest(mut self, size: u64, limit: u64, buffer: &mut Vec<u8>) -> Result<(), Unread> {
        if size > limit {
            return Err(Unread::oversize(size, limit));
        }
        // One byte more than there should be, so that the end is seen without growing the buffer.
        buffer.reserve(usize::try_from(size).unwrap_or(0).saturating_add(1).saturating_sub(buffer.len()));
        let room = (limit + 1).saturating_sub(buffer.len() as u64);
        self.by_ref().take(room).read_to_end(buffer).map_err(|error| Unread::new(&error))?;
        if buffer.len() as u64 > limit {
            // A pipe has no size until it was read.
            let rest = io::copy(&mut self, &mut io::sink()).map_err(|error| Unread::new(&error))?;
            return Err(Unread::oversize(buffer.len() as u64 + rest, limit));
        }
        Ok(())
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        stop::while_reading(|| match self {
            Self::File(file) => file.read(buffer),
            Self::Standard(input) => input.read(buffer),
        })
    }
}

/// Opens a file, reads enough to know a mailbox by, and gives what is left to read and the size as far as it is known.
fn open(path: &Path, buffer: &mut Vec<u8>) -> io::Result<(Bytes, u64)> {
    let (mut bytes, size) = if path.as_os_str() == "-" {
        (Bytes::Standard(io::stdin()), 0)
    } else {
        // Opening a FIFO waits for its writer.
        let file = stop::while_reading(|| File::open(path))?;
        let size = file.metadata()?.len();
        (Bytes::File(file), size)
    };
    bytes.by_ref().take(PEEK_BYTES).read_to_end(buffer)?;
    Ok((bytes, size))
}

/// Splits `inbox.mbox#3`.
fn message_of_mailbox(path: &Path) -> Option<(PathBuf, u64)> {
    let (mailbox, number) = path.to_str()?.rsplit_once('#')?;
    let number = number.parse().ok().filter(|&number| number > 0)?;
    Some((PathBuf::from(mailbox), number))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Whether a name in a directory of rule files is passed over: hidden ones.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// How many files these paths lead to; unknown with standard input. What cannot be read counts as one.
pub(crate) fn count_files(paths: &[PathBuf]) -> Option<u64> {
    let mut files = 0;
    for path in paths {
        if path.as_os_str() == "-" {
            return None;
        }
        files += Walk::try_new(path, walk::is_no_message).map_or(1, |walk| walk.count() as u64);
    }
    Some(files)
}
