//! The messages that arguments name, worked on by several threads, with what comes of it in the order of the arguments.
//!
//! What all commands over many messages share: an interrupt ends the reading, a bar shows how far it is, and what cannot be
//! read is named on standard error while the rest goes on.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use crate::input::{Buffer, Input, Inputs, Unread};
use crate::ordered::in_order;
use crate::output::complain;
use crate::progress::Progress;
use crate::stop;

/// Messages to be read.
#[derive(Debug)]
pub(crate) struct Messages {
    inputs: Inputs,
    jobs: NonZeroUsize,
    progress: Progress,
    missing_apart: bool,
}

/// A message that was read, and what the work on it gave.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) path: String,
    /// Of the argument that named it.
    pub(crate) tag: usize,
    pub(crate) gave: T,
}

/// How many messages were not read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Gaps {
    /// Named on standard error.
    pub(crate) unread: u64,
    /// Not there, and not named, where that was asked for.
    pub(crate) missing: u64,
}

/// What became of an input.
struct Outcome<T> {
    path: String,
    tag: usize,
    /// Files finished before it.
    files: u64,
    gave: Result<T, Unread>,
}

impl Messages {
    pub(crate) fn new(inputs: Inputs, jobs: NonZeroUsize, progress: Progress) -> Self {
        Self { inputs, jobs, progress, missing_apart: false }
    }

    /// Files that are not there are counted, and not named.
    pub(crate) fn missing_apart(self, missing_apart: bool) -> Self {
        Self { missing_apart, ..self }
    }

    /// Works on each message by its path and bytes, and delivers what comes of it in the order of the arguments, until there are
    /// no more, an interrupt comes, or `deliver` breaks. What it prints it prints aside of the bar.
    pub(crate) fn each<T: Send>(
        self,
        work: impl Fn(&str, &[u8]) -> T + Sync,
        mut deliver: impl FnMut(Done<T>, &Progress) -> ControlFlow<()> + Send,
    ) -> Gaps {
        let Self { mut inputs, jobs, mut progress, missing_apart } = self;
        let mut gaps = Gaps::default();
        in_order(
            jobs,
            |buffer: &mut Buffer| if stop::asked() { None } else { inputs.next(buffer) },
            |buffer, input| Outcome::of(input, buffer, &work),
            |Outcome { path, tag, files, gave }| {
                progress.reached(files);
                match gave {
                    Ok(gave) => return deliver(Done { path, tag, gave }, &progress),
                    Err(unread) if unread.is_missing && missing_apart => gaps.missing += 1,
                    Err(unread) => {
                        gaps.unread += 1;
                        progress.aside(|| complain(&path, &unread.why));
                    }
                }
                ControlFlow::Continue(())
            },
        );
        progress.finish();
        gaps
    }
}

impl<T> Outcome<T> {
    fn of(input: Input, buffer: &mut Buffer, work: impl FnOnce(&str, &[u8]) -> T) -> Self {
        let (tag, files) = (input.tag, input.files);
        let (path, read) = input.read(buffer);
        let gave = read.map(|()| work(&path, buffer.message()));
        Self { path, tag, files, gave }
    }
}
