//! `xd replay`: past verdicts derived again from their capsules, or what other rules and settings would have decided.
//!
//! Capsules are read in batches, worked on by several threads, and told in their order. Memory is flat: what grows with the
//! number of changes goes to standard output, or waits in a file until it can.

mod csv;
mod json;
mod question;
mod spill;
mod summary;
mod tally;

use std::ops::ControlFlow;
use std::process::ExitCode;

use xd_core::capsule::RuleShift;
use xd_core::{Class, EngineHash, Score};

use crate::arguments::{Replay, ReplayFormat, jobs_or_all};
use crate::capsules::{self, Absent, Batch, Engines, Found, Origin, Records, Trouble};
use crate::failure::{FAILED, Failure, INTERRUPTED, UNREAD};
use crate::ordered::in_order;
use crate::output::Output;
use crate::progress::Progress;
use crate::stop;
use crate::terminal::Terminal;

use question::{Asker, Question, Unanswered};
use spill::Spill;
use summary::Example;
use tally::Tally;

/// Replays all capsules that the arguments name.
pub(crate) fn run(arguments: &Replay) -> Result<ExitCode, Failure> {
    let question = Question::try_new(arguments)?;
    stop::listen()?;
    let mut records = Records::try_new(&arguments.capsules)?;
    let engines = Engines::of(&records, &arguments.engines)?;
    if let Some(wanted) = arguments.sample {
        records = records.sampled(wanted.get());
    }
    let terminal = Terminal::of_output();
    let lister = Lister { format: arguments.format, only_changed: arguments.only_changed, terminal };
    let mut output = Output::new(terminal);
    // Standard output may be the same terminal.
    let mut progress = Progress::of_bytes(arguments.format == ReplayFormat::Text || !terminal.is_terminal, records.bytes());
    let mut spill = Spill::default();
    let mut tally = Tally::default();
    let mut absent = Absent::default();
    let mut examples: Vec<Example<'_>> = Vec::new();
    let mut result: Result<(), Failure> = Ok(());
    if arguments.format == ReplayFormat::Csv {
        output.lines(csv::HEADING)?;
    }

    in_order(
        jobs_or_all(arguments.jobs),
        |worker: &mut Worker<'_>| (!stop::asked() && worker.batch.fill(&mut records)).then_some(()),
        |worker, ()| worker.work(&question, &engines, &lister),
        |part| {
            result = part.and_then(|part| {
                progress.reached(part.reached);
                if !part.troubles.is_empty() {
                    progress.aside(|| part.troubles.iter().for_each(|(trouble, engine)| absent.tell(*engine, trouble)));
                }
                tally.add(part.tally);
                let room = EXAMPLES - examples.len();
                examples.extend(part.examples.into_iter().take(room));
                match arguments.format {
                    _ if part.lines.is_empty() => Ok(()),
                    ReplayFormat::Json => spill.add(&part.lines),
                    ReplayFormat::Csv | ReplayFormat::Text => Ok(progress.aside(|| output.lines(&part.lines))?),
                }
            });
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    );
    progress.finish();
    absent.finish();
    result?;
    match arguments.format {
        // Sums over a part would look like those of the whole.
        _ if stop::asked() => {}
        ReplayFormat::Csv => {}
        ReplayFormat::Json => json::write(&mut output, &question, &tally, spill)?,
        ReplayFormat::Text => output.lines(summary::text(&question, &tally, &examples, terminal))?,
    }
    output.finish()?;
    Ok(ExitCode::from(match &tally {
        _ if stop::asked() => INTERRUPTED,
        tally if tally.damaged > 0 => UNREAD,
        tally if tally.changed > 0 && !question.is_what_if() => FAILED,
        _ => 0,
    }))
}

/// How many changed verdicts the summary shows.
const EXAMPLES: usize = 5;

/// What became of one verdict.
#[derive(Debug)]
struct Answer<'e> {
    outcome: Outcome,
    from: Class,
    /// None where it is undecided.
    to: Option<Class>,
    score_from: Score,
    /// None where the capsule does not tell.
    score_to: Option<Score>,
    /// The bounds as recorded and as derived, where an exact replay differs.
    bounds: Option<[Bounds; 2]>,
    /// The rules whose points differ, the largest difference first.
    rules: Vec<RuleShift<'e>>,
    /// The tests that the capsule does not answer, where it is undecided.
    tests: Vec<&'e str>,
    /// Whether the message was judged anew because its engine is not to be had; which rules moved points is not told then.
    afresh: bool,
}

/// The least and the most that a score can become.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Bounds {
    low: Score,
    high: Score,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Changed,
    Identical,
    Undecided,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Identical => "identical",
            Self::Undecided => "undecided",
        }
    }
}

/// How verdicts are listed.
#[derive(Clone, Copy, Debug)]
struct Lister {
    format: ReplayFormat,
    only_changed: bool,
    terminal: Terminal,
}

impl Lister {
    /// Whether a verdict has a line of its own.
    fn lists(&self, outcome: Outcome) -> bool {
        match self.format {
            ReplayFormat::Csv => outcome == Outcome::Changed || !self.only_changed,
            ReplayFormat::Json => outcome == Outcome::Changed,
            ReplayFormat::Text => outcome == Outcome::Changed && self.only_changed,
        }
    }

    fn list(&self, id: &str, answer: &Answer<'_>, lines: &mut Vec<u8>) -> Result<(), Failure> {
        match self.format {
            ReplayFormat::Csv => csv::row(id, answer, lines),
            ReplayFormat::Json => json::change(id, answer, lines)?,
            ReplayFormat::Text => lines.extend_from_slice(summary::row(id, answer, self.terminal).as_bytes()),
        }
        Ok(())
    }
}

/// What one thread keeps from batch to batch.
#[derive(Debug, Default)]
struct Worker<'e> {
    batch: Batch,
    asker: Asker<'e>,
}

/// What a batch came to.
#[derive(Debug, Default)]
struct Part<'e> {
    /// How many bytes of files were read with it, in all.
    reached: u64,
    tally: Tally<'e>,
    lines: Vec<u8>,
    examples: Vec<Example<'e>>,
    /// With the engine whose absence it is.
    troubles: Vec<(Trouble, Option<EngineHash>)>,
}

impl<'e> Worker<'e> {
    fn work(&mut self, question: &'e Question, engines: &'e Engines, lister: &Lister) -> Result<Part<'e>, Failure> {
        let mut part = Part { reached: self.batch.reached(), ..Part::default() };
        for found in self.batch.found() {
            let (origin, capsule): (Origin, _) = match found {
                Found::Capsule(origin, capsule) => (origin, capsule),
                Found::Erased(_) => {
                    part.tally.erased += 1;
                    continue;
                }
                Found::Trouble(trouble) => {
                    part.trouble(trouble, None);
                    continue;
                }
            };
            let answers = match self.asker.ask(question, engines, &capsule) {
                Ok(answers) => answers,
                Err(Unanswered::Capsule(why)) => {
                    part.trouble(origin.trouble(&why), None);
                    continue;
                }
                Err(Unanswered::Engine(hash, why)) => {
                    part.trouble(origin.trouble(&why), Some(hash));
                    continue;
                }
                Err(Unanswered::Question(failure)) => return Err(failure),
            };
            part.tally.capsules += 1;
            for (verdict, answer) in answers.into_iter().enumerate() {
                part.tally.count(&answer);
                let shown = answer.outcome == Outcome::Changed && part.examples.len() < EXAMPLES;
                if shown || lister.lists(answer.outcome) {
                    let id = capsules::id(&capsule, verdict);
                    if lister.lists(answer.outcome) {
                        lister.list(&id, &answer, &mut part.lines)?;
                    }
                    if shown {
                        part.examples.push(Example { id, answer });
                    }
                }
            }
        }
        Ok(part)
    }
}

impl Part<'_> {
    fn trouble(&mut self, trouble: Trouble, engine: Option<EngineHash>) {
        self.tally.damaged += 1;
        self.troubles.push((trouble, engine));
    }
}
