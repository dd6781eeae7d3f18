//! `xd learn`: what people correct, kept beside the model and forgotten again.
//!
//! Messages are read first and the file of lessons is changed at the end, in one step under a lock, so that several who learn into one file
//! lose nothing of each other.

mod arguments;
mod lessons;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use sha2::{Digest, Sha256};
use xd_core::classify::{Delta, Features, Label, MESSAGES_MAX};
use xd_core::{Limits, Message, Timestamp};

use crate::arguments::jobs_or_all;
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::input::{Argument, Inputs};
use crate::json::Hex;
use crate::messages::Messages;
use crate::output::{Output, complain};
use crate::progress::Progress;
use crate::stop;
use crate::terminal::Terminal;

pub(crate) use arguments::{EXAMPLES, Learn};
use arguments::{LearnForget, LearnLabel, LearnMerge};
use lessons::{Lessons, now};

/// `xd learn`.
pub(crate) fn run(arguments: &Learn) -> Result<ExitCode, Failure> {
    match arguments {
        Learn::Forget(arguments) => forget(arguments),
        Learn::Ham(arguments) => learn(arguments, Label::Ham),
        Learn::Merge(arguments) => merge(arguments),
        Learn::Spam(arguments) => learn(arguments, Label::Spam),
    }
}

/// What became of the messages that were learned.
#[derive(Debug, Default)]
struct Told {
    messages: usize,
    /// Known with the same label before.
    again: usize,
    /// Known with the other label before.
    instead: usize,
}

fn learn(arguments: &LearnLabel, label: Label) -> Result<ExitCode, Failure> {
    // Before the messages are read, so that nobody waits for what cannot be read.
    lessons::read_dated(&arguments.delta)?;
    let mut told = Told::default();
    let mut hashes = BTreeSet::new();
    let mut read = Vec::new();
    let work = |bytes: &[u8]| (hash(bytes), Features::of(&Message::parse(bytes, &Limits::default())));
    let unread = messages(&arguments.paths, arguments.jobs, work, |(sha256, features)| {
        told.messages += 1;
        if !hashes.insert(sha256) {
            told.again += 1;
        } else if read.len() < MESSAGES_MAX {
            read.push((sha256, features));
        }
    })?;
    if stop::asked() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if hashes.len() > MESSAGES_MAX {
        let text =
            format!("{} are more than are kept, {MESSAGES_MAX} is the most; nothing was learned", count(hashes.len(), "message"));
        return Err(Failure::operator(text));
    }
    let Some(mut lessons) = Lessons::open_dated(&arguments.delta)? else { return Ok(ExitCode::from(INTERRUPTED)) };
    let expired = lessons::expire(&mut lessons.delta);
    let now = now();
    let mut fell = 0;
    for (sha256, features) in read {
        let before = lessons.delta.label(&sha256);
        let mut moment = now;
        match before {
            Some((known, _)) if known == Some(label) => told.again += 1,
            Some((_, learned)) => {
                told.instead += 1;
                // Whoever corrects a correction means it, whatever the clock says. Later than the last, so that it wins over copies
                // elsewhere; and in place of the last, so that it wins here where later is not possible.
                moment = now.max(Timestamp::from_unix(learned.unix().saturating_add(1))).min(lessons::latest(now));
                lessons.delta.forget(&sha256);
            }
            None => {}
        }
        fell += lessons.delta.learn(sha256, label, moment, &features);
    }
    finish(lessons, &told.text(label), Gone { expired, fell }, unread)
}

fn forget(arguments: &LearnForget) -> Result<ExitCode, Failure> {
    if lessons::read(&arguments.delta)?.is_none() {
        return Err(Failure::operator(format!("{}: no such file, nothing was learned", arguments.delta.display())));
    }
    let mut hashes = Vec::new();
    let unread = messages(&arguments.paths, None, hash, |sha256| hashes.push(sha256))?;
    if stop::asked() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    hashes.extend(&arguments.messages);
    // Whatever the dates: this is how a wrong one is got rid of.
    let Some(mut lessons) = Lessons::open(&arguments.delta)? else { return Ok(ExitCode::from(INTERRUPTED)) };
    let (mut forgotten, mut unknown) = (0, 0);
    for sha256 in hashes {
        if lessons.delta.forget(&sha256) {
            forgotten += 1;
        } else {
            unknown += 1;
            complain(Hex::of(sha256).as_str(), "was not learned");
        }
    }
    let mut text = format!("{} forgotten", count(forgotten, "message"));
    if unknown > 0 {
        let _ = write!(text, ", {} had not been learned", count(unknown, "message"));
    }
    let expired = lessons::expire(&mut lessons.delta);
    finish(lessons, &text, Gone { expired, fell: 0 }, unread)
}

fn merge(arguments: &LearnMerge) -> Result<ExitCode, Failure> {
    // All of them first: nothing changes when one cannot be read.
    let mut others = Vec::new();
    let mut expired = 0;
    for file in &arguments.files {
        let delta = lessons::read_dated(file)?;
        let mut delta = delta.ok_or_else(|| Failure::operator(format!("{}: no such file", file.display())))?;
        // Before it takes the place of what has not.
        expired += lessons::expire(&mut delta);
        others.push(delta);
    }
    let Some(mut lessons) = Lessons::open_dated(&arguments.delta)? else { return Ok(ExitCode::from(INTERRUPTED)) };
    expired += lessons::expire(&mut lessons.delta);
    let known = total(&lessons.delta);
    let fell = lessons.delta.merge(&others);
    let more = total(&lessons.delta) - known;
    let text = format!("{} merged: {} more", count(others.len(), "file"), count(more, "message"));
    finish(lessons, &text, Gone { expired, fell }, 0)
}

/// Lessons that are no longer kept.
#[derive(Clone, Copy, Debug)]
struct Gone {
    /// Learned too long ago.
    expired: usize,
    /// The oldest of more than fit.
    fell: usize,
}

/// Writes the lessons, and says what was done and what is known now.
fn finish(lessons: Lessons<'_>, done: &str, gone: Gone, unread: u64) -> Result<ExitCode, Failure> {
    let path = lessons.path();
    let counts = lessons.delta.counts();
    let full = total(&lessons.delta) == MESSAGES_MAX;
    lessons.write()?;
    let mut text = format!("{done}\n{path}: {} learned as ham, {} as spam", counts.ham, counts.spam);
    if counts.contradictory > 0 {
        let _ = write!(text, "; {} as both at once, which counts for nothing", counts.contradictory);
    }
    if gone.expired > 0 {
        let _ = write!(text, "; {} expired", count(gone.expired, "message"));
    }
    if gone.fell > 0 {
        let _ = write!(text, "; {} gave way, the oldest: {MESSAGES_MAX} is the most", count(gone.fell, "message"));
    } else if full {
        let _ = write!(text, "; {MESSAGES_MAX} is the most, older ones give way");
    }
    text.push('\n');
    let mut output = Output::new(Terminal::of_output());
    output.lines(text)?;
    output.finish()?;
    Ok(if unread > 0 { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

/// Takes what work on the bytes of each message gives; says how many could not be read.
fn messages<T: Send>(
    paths: &[PathBuf],
    jobs: Option<std::num::NonZeroUsize>,
    work: impl Fn(&[u8]) -> T + Sync,
    mut take: impl FnMut(T) + Send,
) -> Result<u64, Failure> {
    let message_bytes = crate::judging::config(None)?.message_bytes();
    stop::listen()?;
    let named = paths.iter().map(|path| Argument { path: path.clone(), tag: 0 }).collect();
    let messages = Messages::new(Inputs::new(named, message_bytes), jobs_or_all(jobs), Progress::of_files(true, paths));
    let gaps = messages.each(
        |_, bytes| work(bytes),
        |done, _| {
            take(done.gave);
            ControlFlow::Continue(())
        },
    );
    Ok(gaps.unread)
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn total(delta: &Delta) -> usize {
    let counts = delta.counts();
    counts.ham + counts.spam + counts.contradictory
}

/// `1 message`, `2 messages`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

impl Told {
    fn text(&self, label: Label) -> String {
        let other = match label {
            Label::Ham => Label::Spam,
            Label::Spam => Label::Ham,
        };
        let mut text = format!("{} learned as {}", count(self.messages, "message"), label.as_str());
        if self.again > 0 {
            let _ = write!(text, ", {} of them known as such", self.again);
        }
        if self.instead > 0 {
            let _ = write!(text, ", {} instead of {}", self.instead, other.as_str());
        }
        text
    }
}
