//! The samples and the rest: messages judged now, capsules of messages judged before, all by one engine.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use xd_core::Engine;
use xd_core::capsule::{Capsule, Recording, Standing};

use super::Tune;
use crate::arguments::{JudgeArguments, jobs_or_all};
use crate::capsules::{Engines, Named, Records};
use crate::failure::Failure;
use crate::input::Argument;
use crate::judging::Judge;
use crate::messages::Messages;
use crate::output::complain;
use crate::progress::Progress;
use crate::stop;

/// What a message is here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Ham,
    Sample,
    Spam,
}

const PARTS: [Part; 3] = [Part::Sample, Part::Ham, Part::Spam];

/// One verdict, with as much of it as edits ask for.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) name: String,
    pub(super) part: Part,
    pub(super) sha256: [u8; 32],
    pub(super) standing: Standing,
}

/// Reads all that the arguments name, and calls `then` with it and the engine that is tuned. Says whether something could not be read.
pub(super) fn all(arguments: &Tune, then: impl FnOnce(&Engine, &[Gathered]) -> Result<(), Failure>) -> Result<bool, Failure> {
    let judge = Judge::try_new(&arguments.judge)?;
    let samples = if arguments.free.is_empty() { &arguments.catch } else { &arguments.free };
    let (mut messages, mut capsules) = (Vec::new(), Vec::new());
    for (tag, paths) in [samples, &arguments.ham, &arguments.spam].into_iter().enumerate() {
        for path in paths {
            match Named::parse(path)? {
                Some(named) => capsules.push((PARTS[tag], named)),
                None => messages.push(Argument { path: path.clone(), tag }),
            }
        }
    }
    let places: Vec<PathBuf> = capsules.iter().map(|(_, named)| named.place.clone()).collect();
    let engines = Engines::of(&Records::try_new(&places)?, &arguments.engines)?;
    stop::listen()?;
    let engine = match capsules.first() {
        Some((Part::Sample, named)) if !names_engine(&arguments.judge) => recorded_engine(named, &engines)?,
        _ => judge.engine(),
    };
    let mut all = Vec::new();
    let mut unread = read(&judge, engine, messages, arguments, &mut all)? > 0;
    for (part, named) in capsules {
        let verdict = named.verdict;
        for found in named.capsules()? {
            if stop::asked() {
                return Ok(unread);
            }
            let (name, standing) = match found {
                Ok((name, capsule)) => (name, stands(&capsule, verdict, engine, &judge).map(|standing| (capsule, standing))),
                Err(trouble) => (trouble.path(), Err(trouble.why)),
            };
            match standing {
                Ok((capsule, standing)) => all.push(Gathered { name, part, sha256: *capsule.message_sha256(), standing }),
                Err(why) => {
                    complain(&name, &why);
                    unread = true;
                }
            }
        }
    }
    then(engine, &all)?;
    Ok(unread)
}

/// Whether the command line says what judges.
fn names_engine(arguments: &JudgeArguments) -> bool {
    !arguments.rules.is_empty() || arguments.config.is_some() || arguments.model.is_some()
}

/// The engine that judged the first sample.
fn recorded_engine<'e>(named: &Named, engines: &'e Engines) -> Result<&'e Engine, Failure> {
    let (name, capsule) = match named.clone().capsules()?.next() {
        Some(Ok(found)) => found,
        Some(Err(trouble)) => return Err(Failure::operator(format!("{}: {}", trouble.path(), trouble.why))),
        None => return Err(Failure::operator(format!("{}: no capsules", Path::display(&named.place)))),
    };
    engines.engine(capsule.engine()).map_err(|why| Failure::operator(format!("{name}: {why}")))
}

/// Where a recorded verdict stands with the engine that is tuned.
fn stands(capsule: &Capsule, verdict: usize, engine: &Engine, judge: &Judge) -> Result<Standing, String> {
    let standing = if capsule.engine() == engine.hash() {
        Standing::of(capsule, verdict, engine)
    } else {
        let other = || format!("is of engine {}, not of {}, and does not hold its message", capsule.engine(), engine.hash());
        let again = capsule.afresh(engine, judge.limits()).ok_or_else(other)?;
        Standing::of(&again, verdict, engine)
    };
    standing.map_err(|error| error.to_string())?.ok_or_else(|| format!("it has {} recipients", capsule.verdicts().len()))
}

/// Judges the messages; says how many could not be read.
fn read(
    judge: &Judge,
    engine: &Engine,
    messages: Vec<Argument>,
    arguments: &Tune,
    all: &mut Vec<Gathered>,
) -> Result<u64, Failure> {
    let paths: Vec<PathBuf> = messages.iter().map(|argument| argument.path.clone()).collect();
    let progress = Progress::of_files(true, &paths);
    let messages = Messages::new(judge.tagged_inputs(messages), jobs_or_all(arguments.jobs), progress);
    let work = |_: &str, bytes: &[u8]| {
        let sha256: [u8; 32] = Sha256::digest(bytes).into();
        let capsule = judge.recorded_by(engine, bytes, sha256, &Recording::default());
        (sha256, Standing::of(&capsule, 0, engine))
    };
    let mut failed = 0;
    let gaps = messages.each(work, |done, progress| {
        let (sha256, standing) = done.gave;
        match standing {
            Ok(Some(standing)) => all.push(Gathered { name: done.path, part: PARTS[done.tag], sha256, standing }),
            // It was recorded by this engine, and has a first verdict.
            other => {
                failed += 1;
                progress.aside(|| complain(&done.path, &format!("cannot be derived from its record: {other:?}")));
            }
        }
        ControlFlow::Continue(())
    });
    Ok(gaps.unread + failed)
}
