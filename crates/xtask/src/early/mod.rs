//! How many questions are spared when asking ends as soon as nothing can change what becomes of a message, and that nothing does change.
//!
//! Real messages, the built-in rules with the model, eight DNS lists ([`LISTS`]), and made-up answers at stated rates ([`RATES`]).

mod world;

use std::fs;
use std::path::PathBuf;

use xd_auth::{Answers, Progress, Wanted};
use xd_core::capsule::Recording;
use xd_core::evidence::Inquiry;
use xd_core::routing::{self, Actions, Disposition, Takeable};
use xd_core::{
    Domain, Engine, Envelope, Evidence, Host, Judgement, Known, Limits, Message, ReversePath, RuleSource, Signs, SpamClass,
};

use crate::attacks::{files, in_parallel};
use crate::corpus::Corpus;
use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::workspace::Workspace;
use world::{Rates, World};

pub(crate) const STEP: &str = "early decision: questions are spared, and no message has another class for it";

const LISTS: &str = include_str!("lists.toml");
const RATES: &str = include_str!("rates.toml");
const SEED: &str = "early decision";

/// Of each directory, so many messages at most.
const SAMPLE: [(&str, usize); 4] = [("ham", 200), ("spam", 200), ("phish", 100), ("everyday", 100)];

/// At the stated rates, at least so many of a hundred questions are spared.
const MIN_SAVED_PERCENT: usize = 40;

/// What came of a message.
#[derive(Debug, Eq, PartialEq)]
struct Outcome {
    class: SpamClass,
    disposition: Vec<Disposition>,
}

/// What it took.
#[derive(Clone, Copy, Debug, Default)]
struct Effort {
    asked: usize,
    rounds: usize,
}

/// One message in one world, asked to the end and until it is decided.
#[derive(Debug)]
struct Compared {
    is_spam: bool,
    is_alike: bool,
    /// Whether the capsule replays, where one is made.
    replays: bool,
    all: Effort,
    early: Effort,
}

/// The step alone.
pub(crate) fn command(workspace: &Workspace, report: &mut Report) {
    report.step(STEP, || {
        let shared = SharedData::locate(workspace)?;
        let corpus = Corpus::new(workspace);
        corpus.unpack(workspace, &shared)?;
        step(&corpus)
    });
}

pub(crate) fn step(corpus: &Corpus) -> Result<String, Shortfall> {
    let builtin = Engine::builtin().map_err(|errors| Shortfall::Failed(errors.to_string()))?;
    let mut sources = builtin.sources().to_vec();
    sources.push(RuleSource::new("lists.toml", LISTS));
    let engine = Engine::compile(sources).map_err(|errors| Shortfall::Failed(errors.to_string()))?;
    let engine = engine.with_model(builtin.model().cloned());
    let (ham, spam) = (Rates::read(RATES, "ham")?, Rates::read(RATES, "spam")?);
    let messages = sample(corpus)?;
    let compared = in_parallel(&messages, |(path, is_spam)| {
        let raw = fs::read(path).unwrap_or_default();
        let rates = if *is_spam { &spam } else { &ham };
        let message = Message::parse(&raw, &Limits::default());
        let seed = format!("{SEED} {}", path.file_name().unwrap_or_default().to_string_lossy());
        [2, 1, 4].map(|halves| compare(&engine, &message, *is_spam, &World { rates, halves, seed: &seed }))
    });
    let [stated, half, double] = [0, 1, 2].map(|at| compared.iter().map(|worlds| &worlds[at]).collect::<Vec<_>>());
    let note =
        format!("{} messages; stated rates: {}; half: {}; double: {}", messages.len(), told(&stated), told(&half), told(&double));
    let differ = compared.iter().flatten().filter(|one| !one.is_alike).count();
    let broken = compared.iter().flatten().filter(|one| !one.replays).count();
    if differ > 0 || broken > 0 || saved_percent(&stated) < MIN_SAVED_PERCENT || messages.is_empty() {
        return Err(Shortfall::Failed(format!("{differ} decided otherwise, {broken} capsules do not replay; {note}")));
    }
    Ok(note)
}

/// Messages spread evenly over each directory, and whether they are spam.
fn sample(corpus: &Corpus) -> Result<Vec<(PathBuf, bool)>, Shortfall> {
    let mut taken = Vec::new();
    for (label, most) in SAMPLE {
        let directory = if label == "everyday" { corpus.everyday_ham() } else { corpus.dev().join(label) };
        let paths = files(&directory)?;
        let apart = paths.len().div_ceil(most).max(1);
        taken.extend(paths.into_iter().step_by(apart).map(|path| (path, matches!(label, "spam" | "phish"))));
    }
    Ok(taken)
}

fn compare(engine: &Engine, message: &Message<'_>, is_spam: bool, world: &World<'_>) -> Compared {
    let (derived, _) = xd_core::evidence::derive(message);
    let author = message.from().first().cloned().map_or(ReversePath::Null, ReversePath::Mailbox);
    let envelope = Envelope {
        client_address: Known::Found(world.client().into()),
        ehlo: Domain::parse(World::host()).map_or_else(|_| Known::default(), |host| Known::Found(Host::Domain(host))),
        reverse_path: if derived.reverse_path.is_unknown() { Known::Found(author) } else { derived.reverse_path },
        ..Envelope::default()
    };
    let evidence = Evidence {
        antivirus: Known::Absent,
        now: message.date().map_or_else(Known::default, Known::Found),
        ..Evidence::default()
    };
    let asked = |early: bool| {
        let mut inquiry = Inquiry::new(engine, &envelope, message, evidence.clone());
        let mut answers = Answers::default();
        let mut effort = Effort::default();
        let evidence = loop {
            let progress = if early { inquiry.progress_until(&answers, is_decided) } else { inquiry.progress(&answers) };
            match progress {
                Progress::Done(evidence) => break evidence,
                Progress::Wants(wanted) => effort.add(answer(wanted, world, &mut answers)),
            }
        };
        if early && world.is_replayed() {
            // The record must follow from the few answers it holds.
            let (judgement, capsule) = inquiry.judge_recorded(&evidence, [0; 32], &Recording::default());
            return (outcome(&judgement), effort, capsule.replay(engine).is_ok_and(|replayed| replayed.is_identical()));
        }
        (outcome(&inquiry.judge(&evidence)), effort, true)
    };
    let ((of_all, all, _), (of_early, early, replays)) = (asked(false), asked(true));
    Compared { is_spam, is_alike: of_all == of_early, replays, all, early }
}

/// As the gateway decides it.
fn is_decided(judgement: &Judgement<'_>) -> bool {
    judgement.verdicts().iter().all(|verdict| verdict.decided)
}

/// Answers what is wanted; says how many of it were questions to DNS.
fn answer(wanted: Vec<Wanted>, world: &World<'_>, answers: &mut Answers) -> usize {
    let mut asked = 0;
    for one in wanted {
        match one {
            Wanted::Records(question) => {
                asked += 1;
                let answer = world.answer(&question);
                answers.put(question, answer);
            }
            Wanted::Verified(verification) => {
                let holds = world.holds(&verification.signature);
                answers.put_verified(*verification, Ok(holds));
            }
            Wanted::Signature(signing) => answers.put_signature(*signing, Err(xd_core::Unknown::Refused)),
        }
    }
    asked
}

fn outcome(judgement: &Judgement<'_>) -> Outcome {
    let classes = judgement.verdicts().iter().map(|verdict| verdict.class);
    let disposition = routing::route(&Actions::default(), Signs::default(), Takeable::Nothing, classes, routing::Answers::One);
    Outcome { class: judgement.verdict().spam_class, disposition }
}

impl Effort {
    /// A round of so many questions; one without any is no round.
    fn add(&mut self, asked: usize) {
        self.asked += asked;
        self.rounds += usize::from(asked > 0);
    }
}

fn saved_percent(compared: &[&Compared]) -> usize {
    let (all, early) = sums(compared.iter().copied());
    100 - (early * 100).div_ceil(all.max(1)).min(100)
}

fn sums<'a>(compared: impl Iterator<Item = &'a Compared>) -> (usize, usize) {
    compared.fold((0, 0), |(all, early), one| (all + one.all.asked, early + one.early.asked))
}

/// Questions and rounds, in words.
fn told(compared: &[&Compared]) -> String {
    let (all, early) = sums(compared.iter().copied());
    let of = |is_spam: bool| {
        let (all, early) = sums(compared.iter().copied().filter(|one| one.is_spam == is_spam));
        100 - (early * 100).div_ceil(all.max(1)).min(100)
    };
    let rounds = |effort: fn(&Compared) -> Effort| {
        let mut rounds: Vec<usize> = compared.iter().map(|one| effort(one).rounds).collect();
        rounds.sort_unstable();
        let hundredths = rounds.iter().sum::<usize>() * 100 / rounds.len().max(1);
        let p95 = rounds.get(rounds.len() * 95 / 100).copied().unwrap_or_default();
        format!("{}.{:02} rounds (p95 {p95})", hundredths / 100, hundredths % 100)
    };
    format!(
        "{early} of {all} questions asked, {} % spared (ham {} %, spam {} %), {} instead of {}",
        saved_percent(compared),
        of(false),
        of(true),
        rounds(|one| one.early),
        rounds(|one| one.all)
    )
}
