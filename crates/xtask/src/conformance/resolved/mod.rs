//! The vectors of SPF, DKIM, ARC and DMARC once more, as mail has them: through the resolver and over the wire.
//!
//! For each case a name server on loopback serves the case's world. What a check comes to with answers of the resolver must be, word
//! for word, what it comes to with answers straight from that world. Then all again with 30 % of all packets lost: no answer may be
//! other than the world's or unknown, and no result other than the full one or `temperror`. NSD serves some of the worlds too, where it
//! is at hand: a server that others wrote must lead to the same results.

pub(super) mod job;
mod nsd;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use xd_auth::{Answer, Answers, Record, Unknown};
use xd_lookup::{Resolver, ResolverOptions, Rounds, RoundsOptions, Servers};

use super::dkim::SignedMessage;
use super::{Case, Outcome, VectorFile, arc, dkim, dmarc, is_about_the_data, sorted, spf};
use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::workspace::Workspace;
use job::{Job, Keys, Verdict, answer, straight};
pub(super) use nsd::every_kind;
use server::{Loss, Server, on_wire};

const WIRE: &str = "vectors through the resolver";
const LOSS: &str = "vectors through a resolver that loses 30 % of all packets";
const NSD: &str = "vectors through the resolver, from NSD";
const STEPS: [&str; 3] = [WIRE, LOSS, NSD];

/// What reads the cases of a file.
type Reader = fn(&VectorFile) -> Vec<Job>;

const TOPICS: [(&str, Reader); 4] = [("arc", arc::jobs), ("dkim", dkim::jobs), ("dmarc", dmarc::jobs), ("spf", spf::jobs)];

/// The steps.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    let jobs = match SharedData::locate(workspace).and_then(|shared| Ok(all_jobs(&shared.path("vectors"))?)) {
        Ok(jobs) => jobs,
        Err(Shortfall::Skipped(why)) => return report.skip(&STEPS, &why),
        Err(failed) => {
            report.step(WIRE, || Err(failed));
            return;
        }
    };
    report.step(WIRE, || told(&mut over_all(&jobs, through_resolver)?));
    report.step(LOSS, || {
        let mut ran = over_all(&jobs, with_loss)?;
        let lost: usize = ran.iter().map(|ran| ran.unknown).sum();
        // Otherwise nothing was tried.
        if lost == 0 {
            return Err(Shortfall::Failed("no answer was lost".to_owned()));
        }
        Ok(format!("{}; {lost} answers lost for good", told(&mut ran)?))
    });
    report.step(NSD, || nsd::run(workspace, &jobs));
}

/// A case of a topic.
struct Placed {
    topic: &'static str,
    job: Job,
}

fn all_jobs(vectors: &Path) -> std::io::Result<Vec<Arc<Placed>>> {
    let mut all = Vec::new();
    for (topic, read) in TOPICS {
        for path in files(&vectors.join(topic))? {
            let file = VectorFile { bytes: fs::read(&path)?, path };
            let named = |job: Job| Placed { topic, job: Job { name: format!("{topic}/{}: {}", file.name(), job.name), ..job } };
            all.extend(read(&file).into_iter().map(named).map(Arc::new));
        }
    }
    Ok(all)
}

/// The signed messages among the vectors, with their keys.
pub(crate) fn signed_messages(vectors: &Path) -> std::io::Result<Vec<SignedMessage>> {
    let mut messages = Vec::new();
    for path in files(&vectors.join("dkim"))? {
        let file = VectorFile { bytes: fs::read(&path)?, path };
        let named = |message: SignedMessage| SignedMessage { name: format!("{} {}", file.name(), message.name), ..message };
        messages.extend(dkim::signed_messages(&file).into_iter().map(named));
    }
    Ok(messages)
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for path in sorted(folder)? {
        match path.is_dir() {
            true => files.extend(self::files(&path)?),
            false if !is_about_the_data(&path) => files.push(path),
            false => {}
        }
    }
    Ok(files)
}

/// A case that was run.
struct Ran {
    topic: &'static str,
    case: Case,
    /// Answers that are not known.
    unknown: usize,
}

/// Runs all cases, some at a time, each as a task.
fn over_all<F>(jobs: &[Arc<Placed>], run: fn(Arc<Placed>, u64) -> F) -> Result<Vec<Ran>, Shortfall>
where
    F: Future<Output = (Outcome, usize)> + Send + 'static,
{
    Runtime::new()?.block_on(async {
        let (places, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for (seed, placed) in (1..).zip(jobs) {
            let (places, placed) = (places.clone(), placed.clone());
            tasks.spawn(async move {
                // It is never closed.
                let _place = places.acquire().await;
                let (topic, name) = (placed.topic, placed.job.name.clone());
                let (outcome, unknown) = run(placed, seed).await;
                Ran { topic, case: Case { name, outcome }, unknown }
            });
        }
        let mut all = Vec::with_capacity(jobs.len());
        while let Some(ran) = tasks.join_next().await {
            all.push(ran.map_err(|error| Shortfall::Failed(error.to_string()))?);
        }
        Ok(all)
    })
}

/// Cases that run at the same time: most of their time they wait.
const AT_ONCE: usize = 48;

/// Counts by topic; misses fail, and what stands apart is listed with its reason.
fn told(all: &mut [Ran]) -> Result<String, Shortfall> {
    all.sort_by(|one, other| one.case.name.cmp(&other.case.name));
    let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let (mut missed, mut apart) = (Vec::new(), 0);
    for Ran { topic, case: Case { name, outcome }, .. } in all {
        let [same, total] = counts.entry(topic).or_default();
        match outcome {
            Outcome::Passed => (*same, *total) = (*same + 1, *total + 1),
            Outcome::Missed(why) | Outcome::Opinion(why) => {
                *total += 1;
                missed.push(format!("{name}: {why}"));
            }
            Outcome::Apart(why) => {
                apart += 1;
                println!("apart: {name}: {why}");
            }
        }
    }
    let counts: Vec<String> = counts.iter().map(|(topic, [same, total])| format!("{topic} {same} of {total}")).collect();
    let counts = format!("{}; {apart} apart", counts.join(", "));
    if missed.is_empty() { Ok(counts) } else { Err(Shortfall::Failed(format!("{counts}\n{}", missed.join("\n")))) }
}

/// The same outcome, word for word.
async fn through_resolver(placed: Arc<Placed>, seed: u64) -> (Outcome, usize) {
    let job = &placed.job;
    let (expected, known) = match straight(job) {
        Ok(told) => told,
        Err(why) => return (Outcome::Missed(why), 0),
    };
    let loss = Loss { percent: 0, seed };
    let is_silent = known.all_records().any(|(_, answer)| *answer == Answer::Unknown(Unknown::Timeout));
    let deadlines = if is_silent { [SILENCE, PATIENCE] } else { [PATIENCE; 2] };
    let mut found = Err("not run".to_owned());
    // Once more with time to spare: what shares the processor may have been slow.
    for deadline in deadlines {
        found = resolved(job, loss, deadline, deadline * 10).await;
        if found.as_ref().is_ok_and(|(found, _)| *found == expected) {
            return (Outcome::Passed, 0);
        }
    }
    let outcome = match found {
        Ok((found, answers)) => otherwise(job, &answers, &expected, &found),
        Err(why) => Outcome::Missed(why),
    };
    (outcome, 0)
}

/// How long a question to silent servers takes, and any other at most.
const SILENCE: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(6);

/// Another outcome: one that was to be, or a miss.
fn otherwise(job: &Job, answers: &Answers, expected: &Verdict, found: &Verdict) -> Outcome {
    let differing = answers.all_records().find(|(question, got)| answer(&*job.world, question) != **got);
    match differing {
        Some((question, _)) if on_wire(&question.name).is_none() => {
            Outcome::Apart(format!("{:?} cannot be put on the wire", question.name.as_str()))
        }
        Some((question, _)) if has_blanks(&answer(&*job.world, question)) => {
            Outcome::Apart(format!("the answer to {:?} holds a name with blanks, which is none", question.name.as_str()))
        }
        Some((question, Answer::Unknown(Unknown::NotAsked))) => {
            Outcome::Apart(format!("{:?} is not for the public DNS, and nobody is asked for it", question.name.as_str()))
        }
        Some((question, got)) => Outcome::Missed(format!("{question:?} gave {got:?}")),
        None => Outcome::Missed(format!("{} where it is {} without a resolver", found.text, expected.text)),
    }
}

/// Whether a record names a host with blanks in its name: suites do, and no resolver takes it.
fn has_blanks(answer: &Answer<Record>) -> bool {
    let Answer::Found(records) = answer else { return false };
    records.iter().any(|record| match record {
        Record::Mx { host: name, .. } | Record::Ptr(name) => name.as_str().contains(' '),
        _ => false,
    })
}

/// What comes of it with a third of all packets lost: what is known is right, and what is not is no result.
async fn with_loss(placed: Arc<Placed>, seed: u64) -> (Outcome, usize) {
    let job = &placed.job;
    let (expected, known) = match straight(job) {
        Ok(told) => told,
        Err(why) => return (Outcome::Missed(why), 0),
    };
    let (found, answers) = match resolved(job, Loss { percent: 30, seed }, LOSSY, LOSSY * 3).await {
        Ok(told) => told,
        Err(why) => return (Outcome::Missed(why), 0),
    };
    let is_lost = |question| known.records(question).is_none_or(|answer| !matches!(answer, Answer::Unknown(_)));
    let timeout = Answer::Unknown(Unknown::Timeout);
    let lost = answers.all_records().filter(|(question, got)| **got == timeout && is_lost(question)).count();
    let wrong = answers.all_records().find(|(question, got)| {
        let truth = answer(&*job.world, question);
        !matches!(got, Answer::Unknown(_)) && truth != **got && !has_blanks(&truth) && on_wire(&question.name).is_some()
    });
    let outcome = match wrong {
        Some((question, got)) => Outcome::Missed(format!("{question:?} gave {got:?}")),
        None if found.is_or_awaits(&expected) => Outcome::Passed,
        None => Outcome::Missed(format!("{} where it is {} with all packets", found.text, expected.text)),
    };
    (outcome, lost)
}

/// So short that some answers are lost for good.
const LOSSY: Duration = Duration::from_millis(500);

/// Runs a check through a resolver that asks a server of its world.
async fn resolved(job: &Job, loss: Loss, question: Duration, all: Duration) -> Result<(Verdict, Answers), String> {
    let server = Server::start(job.world.clone(), loss).await.map_err(|error| error.to_string())?;
    ask(job, server.address, question, all).await
}

async fn ask(job: &Job, server: std::net::SocketAddr, question: Duration, all: Duration) -> Result<(Verdict, Answers), String> {
    let options = ResolverOptions { servers: Servers::Listed(vec![server]), deadline: question, ..ResolverOptions::default() };
    let resolver = Resolver::try_new(&options).map_err(|error| error.to_string())?;
    let mut rounds = Rounds::new(resolver, RoundsOptions { deadline: all, ..RoundsOptions::default() });
    let verdict = rounds.run(&Keys, |answers| (job.check)(answers)).await.map_err(|error| error.to_string())?;
    Ok((verdict, rounds.into_answers()))
}
