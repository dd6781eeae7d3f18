//! What to read: arguments become messages, in order.
//!
//! An argument is a file, a directory to walk, or `-` for standard input. A file that begins with `From ` is a mailbox
//! file with messages `PATH#1`, `PATH#2`, …; `PATH#2` as an argument is that message alone. A file of Outlook (`.msg`), told by
//! its bytes, is the message in it.

mod mbox;
mod source;
mod walk;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xd_container::{Budget, msg};

use mbox::{Mbox, Next};
pub(crate) use source::Buffer;
use source::{Pieces, Source};
pub(crate) use walk::{Unreadable, Walk, is_hidden};

use crate::failure::reason;

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
    /// The walk through the last argument that was looked at, and its tag.
    walk: Option<Walk>,
    walk_tag: usize,
    /// Files that were found before their turn.
    ahead: VecDeque<Found>,
    /// The tag of the file that is read.
    tag: usize,
    mailbox: Option<Mailbox>,
    /// What the next mailbox file gives for the buffer that it keeps while it is read.
    spare: Buffer,
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
    /// The buffer holds its first bytes, the rest is here.
    Rest(Source),
    Unread(Unread),
}

/// A file that an argument leads to, with the argument's tag.
#[derive(Debug)]
struct Found {
    tag: usize,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// With the number of the only message wanted, if it is a mailbox file.
    File(PathBuf, Option<u64>),
    Unread(String, Unread),
}

/// How many paths are known before the first is read: enough to see how long they are.
const FIRST_PATHS: usize = 200;

#[derive(Debug)]
struct Mailbox {
    mbox: Mbox<Pieces>,
    path: String,
    number: u64,
    /// The only message wanted.
    only: Option<u64>,
    /// Whether the file gives nothing more: its end, or a failure after which no message begins with certainty.
    finished: bool,
}

impl Inputs {
    /// The messages of these arguments, each at most `limit` bytes.
    pub(crate) fn new(arguments: Vec<Argument>, limit: u64) -> Self {
        Self {
            arguments: arguments.into_iter(),
            walk: None,
            walk_tag: 0,
            ahead: VecDeque::new(),
            tag: 0,
            mailbox: None,
            spare: Buffer::default(),
            limit,
            files: 0,
        }
    }

    /// The paths of the first files, found but not opened yet.
    pub(crate) fn first_paths(&mut self) -> impl Iterator<Item = Cow<'_, str>> {
        while self.ahead.len() < FIRST_PATHS {
            let Some(found) = self.find() else { break };
            self.ahead.push_back(found);
        }
        self.ahead.iter().filter_map(|found| match &found.place {
            Place::File(path, _) => Some(path.to_string_lossy()),
            Place::Unread(..) => None,
        })
    }

    /// The next message. `buffer` takes what was read of it so far.
    pub(crate) fn next(&mut self, buffer: &mut Buffer) -> Option<Input> {
        buffer.clear();
        loop {
            if let Some(mut mailbox) = self.mailbox.take() {
                if let Some((path, content)) = mailbox.next(buffer, self.limit) {
                    self.mailbox = Some(mailbox);
                    return Some(self.input(path, content));
                }
                // The buffer of full length goes to whoever opens the next file.
                self.spare = std::mem::replace(buffer, mailbox.mbox.into_reader().into_buffer());
                self.files += 1;
            }
            let found = match self.ahead.pop_front() {
                Some(found) => found,
                None => self.find()?,
            };
            self.tag = found.tag;
            let (path, only) = match found.place {
                Place::File(path, only) => (path, only),
                Place::Unread(path, unread) => return Some(self.input(path, Content::Unread(unread))),
            };
            let opened = Source::open(&path).and_then(|mut source| {
                buffer.begin(&mut source, mbox::SEPARATOR.len())?;
                Ok(source)
            });
            let name = shown(path);
            match opened {
                Err(error) => return Some(self.input(name, Unread::new(&error).into())),
                Ok(source) if mbox::begins_mbox(buffer.message()) => {
                    let first = std::mem::replace(buffer, std::mem::take(&mut self.spare));
                    let mbox = Mbox::new(Pieces::new(first, source));
                    self.mailbox = Some(Mailbox { mbox, path: name, number: 0, only, finished: false });
                }
                Ok(_) if only.is_some() => return Some(self.input(name, Unread::because("is no mailbox file").into())),
                Ok(source) => {
                    let input = self.input(name, Content::Rest(source));
                    self.files += 1;
                    return Some(input);
                }
            }
        }
    }

    /// The next file.
    fn find(&mut self) -> Option<Found> {
        loop {
            let place = match self.walk.as_mut().map(Iterator::next) {
                Some(Some(Ok(path))) => Place::File(path, None),
                Some(Some(Err(Unreadable { path, error }))) => Place::Unread(shown(path), Unread::new(&error)),
                Some(None) => {
                    self.walk = None;
                    continue;
                }
                None => {
                    let argument = self.arguments.next()?;
                    self.walk_tag = argument.tag;
                    let Some(place) = self.resolve(argument.path) else { continue };
                    place
                }
            };
            return Some(Found { tag: self.walk_tag, place });
        }
    }

    /// The file that an argument names, or none and a walk through a directory.
    fn resolve(&mut self, path: PathBuf) -> Option<Place> {
        if path.as_os_str() == "-" {
            return Some(Place::File(path, None));
        }
        Some(match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => match Walk::try_new(&path, is_hidden) {
                Ok(walk) => {
                    self.walk = Some(walk);
                    return None;
                }
                Err(Unreadable { path, error }) => Place::Unread(shown(path), Unread::new(&error)),
            },
            Ok(_) => Place::File(path, None),
            Err(error) => match message_of_mailbox(&path) {
                Some((mailbox, number)) if mailbox.is_file() => Place::File(mailbox, Some(number)),
                _ => Place::Unread(shown(path), Unread::new(&error)),
            },
        })
    }

    fn input(&self, path: String, content: Content) -> Input {
        Input { path, tag: self.tag, files: self.files, content, limit: self.limit }
    }
}

impl Mailbox {
    fn next(&mut self, buffer: &mut Buffer, limit: u64) -> Option<(String, Content)> {
        while !self.finished {
            let outcome = buffer.fill(|bytes| self.mbox.read(bytes, limit));
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
    pub(crate) fn read(self, buffer: &mut Buffer) -> (String, Result<(), Unread>) {
        let read = match self.content {
            Content::Buffered => Ok(()),
            Content::Unread(unread) => Err(unread),
            Content::Rest(mut source) => buffer.read_rest(&mut source, self.limit),
        };
        // A file of Outlook holds a message, which is judged as it would be written for the Internet.
        if read.is_ok()
            && let Some(message) = msg::to_message(buffer.message(), &mut Budget::default())
        {
            buffer.fill(|bytes| *bytes = message);
        }
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

/// Splits `inbox.mbox#3`.
fn message_of_mailbox(path: &Path) -> Option<(PathBuf, u64)> {
    let (mailbox, number) = path.to_str()?.rsplit_once('#')?;
    let number = number.parse().ok().filter(|&number| number > 0)?;
    Some((PathBuf::from(mailbox), number))
}

fn shown(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap_or_else(|name| name.to_string_lossy().into_owned())
}

/// How many files these paths lead to; unknown with standard input. What cannot be read counts as one.
pub(crate) fn count_files(paths: &[PathBuf]) -> Option<u64> {
    let mut files = 0;
    for path in paths {
        if path.as_os_str() == "-" {
            return None;
        }
        files += Walk::try_new(path, is_hidden).map_or(1, |walk| walk.count() as u64);
    }
    Some(files)
}
