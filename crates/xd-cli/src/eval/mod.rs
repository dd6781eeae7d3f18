//! `xd eval`: how well the rules tell spam from ham, on messages whose labels are known.

mod compare;
mod figures;
mod html;
mod manifest;
mod object;
mod report;
mod resample;
mod tally;

use std::ops::{ControlFlow, RangeInclusive};
use std::path::PathBuf;
use std::process::ExitCode;

use xd_core::Score;

use crate::arguments::{Eval, Format, jobs_or_all};
use crate::aside::{Aside, Readers};
use crate::failure::{Failure, INTERRUPTED, UNREAD};
use crate::judging::Judge;
use crate::messages::{Gaps, Messages};
use crate::output::Output;
use crate::progress::Progress;
use crate::stop;
use crate::terminal::Terminal;
use compare::Comparison;
pub(crate) use figures::Share;
use figures::{Counts, Point};
use manifest::Samples;
use resample::Intervals;
use tally::{Judged, Tally};

/// Judges all messages and prints the figures.
pub(crate) fn run(arguments: &Eval) -> Result<ExitCode, Failure> {
    let (judge, other) = compare::judges(arguments)?;
    let html = arguments.html.as_deref().map(|html| Aside::create(html, Readers::Umask)).transpose()?;
    let Samples { samples, arguments: named } = Samples::of(arguments)?;
    stop::listen()?;
    let paths: Vec<PathBuf> = named.iter().map(|argument| argument.path.clone()).collect();
    let terminal = Terminal::of_output();
    let progress = Progress::of_files(true, &paths);
    let inputs = judge.tagged_inputs(named);
    let mut tally = Tally::new(&judge, arguments.by);

    let messages = Messages::new(inputs, jobs_or_all(arguments.jobs), progress).missing_apart(arguments.manifest.is_some());
    let Gaps { unread, missing } = messages.each(
        |_, bytes| (Judged::of(&judge, bytes), other.as_ref().map(|other| Judged::of(other, bytes))),
        |done, _| {
            let (judged, other) = done.gave;
            tally.add(&samples[done.tag], done.path, judged, other);
            ControlFlow::Continue(())
        },
    );
    if stop::asked() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if tally.messages() == 0 {
        return Err(Failure::operator(match (&arguments.manifest, &arguments.root) {
            (Some(manifest), Some(root)) if missing > 0 => {
                format!("none of the {missing} messages of {} is below {}", manifest.display(), root.display())
            }
            _ => "there is no message to judge".to_owned(),
        }));
    }
    if missing > 0 {
        let are = if missing == 1 { "message of the manifest is" } else { "messages of the manifest are" };
        eprintln!("xd: {missing} {are} not there; the figures are about the other {}", tally.messages());
    }
    let intervals = Intervals::of(&tally, arguments.resamples);
    let comparison = other.as_ref().and_then(|other| Comparison::of(&tally, other, &intervals));
    let results = Results { tally: &tally, judge: &judge, intervals: &intervals, comparison: comparison.as_ref() };
    if let Some(html) = html {
        html.finish(html::write(&results).as_bytes())?;
    }
    let mut output = Output::new(terminal);
    match arguments.format {
        Format::Text => output.lines(report::write(&results, terminal))?,
        Format::Json => output.lines(object::write(&results)?)?,
    }
    output.finish()?;
    Ok(if unread > 0 { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

/// How many of the worst errors of each kind are shown.
const WORST: usize = 25;

/// Scores of histograms in half points: from the first to the one before the last, with all beyond at both ends.
const BINS: RangeInclusive<i64> = -20..=40;

/// What lies at or above each half point from 0.00 to 15.00.
fn sweep(tally: &Tally) -> Vec<Point> {
    (0..=30).map(|halves| tally.scores.at(Score::from_hundredths(halves * 50))).collect()
}

/// How many ham and spam messages lie in each of [`BINS`].
fn histogram(tally: &Tally) -> Vec<(u64, u64)> {
    let edge = |halves: i64| match halves {
        halves if halves <= *BINS.start() => Score::from_hundredths(i64::MIN),
        halves => Score::from_hundredths(halves * 50),
    };
    let above = |halves: i64| match halves {
        halves if halves > *BINS.end() => Counts::default(),
        halves => tally.scores.at(edge(halves)).flagged,
    };
    let within = |halves: i64| {
        let (from, to) = (above(halves), above(halves + 1));
        (from.ham - to.ham, from.spam - to.spam)
    };
    BINS.map(within).collect()
}

/// All that is reported, in whatever format.
#[derive(Clone, Copy, Debug)]
struct Results<'a> {
    tally: &'a Tally,
    judge: &'a Judge,
    intervals: &'a Intervals,
    comparison: Option<&'a Comparison>,
}
