//! The labelled messages that models are trained on, with the features of each: read from manifests and unpacked archives.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use xd_core::classify::Features;
use xd_core::{Engine, Limits, Message, evidence, judge};
use xd_train::Example;

use crate::corpus::Corpus;
use crate::report::Shortfall;
use crate::shared::SharedData;

/// Ham sources of bulk mail that people asked for: the hardest to tell from spam, and the worst to lose.
const BULK: [&str; 2] = ["sa_hard_ham", "unspy_newsletters"];
/// What a message counts of bulk ham, of everyday ham, and of other ham; spam counts 1. A receipt or newsletter marked as spam is the worst error.
const BULK_HAM: f32 = 6.0;
const EVERYDAY_HAM: f32 = 4.0;
const HAM: f32 = 2.0;

/// A labelled message.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) path: PathBuf,
    pub(super) example: Example,
    pub(super) label: String,
    pub(super) source: String,
    /// Whether it stands in the part that shipped models learn from.
    pub(super) is_train: bool,
    pub(super) is_everyday: bool,
    pub(super) is_synthetic: bool,
    /// The rules that hold for it, as [`Scores`](super::scores::Scores) names them.
    pub(super) held: Vec<usize>,
}

/// What may teach where a source counts as never seen: nothing of it, and nothing of a group that it has a message of, so that no near-duplicate
/// from elsewhere vouches for it.
#[derive(Debug)]
pub(super) struct Unseen<'l> {
    source: &'l str,
    groups: BTreeSet<&'l str>,
}

impl<'l> Unseen<'l> {
    pub(super) fn of(source: &'l str, labelled: &'l [Labelled]) -> Self {
        let of_source = labelled.iter().filter(|one| one.source == source);
        Self { source, groups: of_source.map(|one| one.example.group.as_str()).collect() }
    }

    pub(super) fn may_teach(&self, one: &Labelled) -> bool {
        one.source != self.source && !self.groups.contains(one.example.group.as_str())
    }
}

struct Row {
    path: PathBuf,
    label: String,
    source: String,
    group: String,
    is_train: bool,
    is_everyday: bool,
    is_synthetic: bool,
}

/// Reads all labelled messages.
///
/// # Errors
/// A manifest lacks a column, a message cannot be read.
pub(super) fn read(shared: &SharedData, corpus: &Corpus, engine: &Engine) -> Result<Vec<Labelled>, Shortfall> {
    let mut rows = rows(shared, corpus, false)?;
    rows.extend(rows_of_everyday(shared, corpus)?);
    let next = AtomicUsize::new(0);
    let read: Mutex<Vec<(usize, Labelled)>> = Mutex::default();
    let failed: Mutex<Option<Shortfall>> = Mutex::default();
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(row) = rows.get(at) else { return };
            match labelled(row, engine) {
                Ok(labelled) => lock(&read).push((at, labelled)),
                Err(error) => *lock(&failed) = Some(error),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    if let Some(error) = lock(&failed).take() {
        return Err(error);
    }
    let mut read = read.into_inner().unwrap_or_default();
    read.sort_by_key(|(at, _)| *at);
    Ok(read.into_iter().map(|(_, labelled)| labelled).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn rows_of_everyday(shared: &SharedData, corpus: &Corpus) -> Result<Vec<Row>, Shortfall> {
    rows(shared, corpus, true)
}

fn rows(shared: &SharedData, corpus: &Corpus, is_everyday: bool) -> Result<Vec<Row>, Shortfall> {
    let manifest = shared.path(if is_everyday { "corpus/everyday-manifest.tsv" } else { "corpus/manifest.tsv" });
    let text = fs::read_to_string(&manifest)?;
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| heading.iter().position(|title| *title == name);
    let missing = |name: &str| Shortfall::Failed(format!("{}: no column {name:?}", manifest.display()));
    let need = |name: &str| column(name).ok_or_else(|| missing(name));
    let (path, label, source) = (need("path")?, need("label")?, need("source")?);
    let group = need(if is_everyday { "family" } else { "cluster" })?;
    let synthetic = column("synthetic");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let is_train = cell(path).starts_with("train/");
        Row {
            path: corpus.message(is_everyday, is_train, cell(path)),
            label: cell(label).to_owned(),
            source: cell(source).to_owned(),
            group: cell(group).to_owned(),
            is_train,
            is_everyday,
            is_synthetic: synthetic.is_some_and(|at| cell(at) == "yes"),
        }
    };
    Ok(lines.filter(|line| !line.is_empty()).map(row).collect())
}

/// The rules of an engine that hold for a message in a file.
///
/// # Errors
/// It cannot be read.
pub(super) fn held(path: &Path, engine: &Engine) -> Result<Vec<usize>, Shortfall> {
    Ok(held_by(&Message::parse(&bytes(path)?, &Limits::default()), engine))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Shortfall> {
    fs::read(path).map_err(|error| Shortfall::Failed(format!("{}: {error}", path.display())))
}

fn held_by(message: &Message<'_>, engine: &Engine) -> Vec<usize> {
    let (envelope, evidence) = evidence::derive(message);
    let judgement = judge(engine, &envelope, message, &evidence);
    let rules = engine.rules().rules();
    let place = |id: &str| rules.binary_search_by(|rule| rule.id().cmp(id)).ok();
    let mut held: Vec<usize> = judgement.verdict().findings.iter().filter_map(|finding| place(finding.rule)).collect();
    held.sort_unstable();
    held
}

fn labelled(row: &Row, engine: &Engine) -> Result<Labelled, Shortfall> {
    let bytes = bytes(&row.path)?;
    let message = Message::parse(&bytes, &Limits::default());
    let is_spam = matches!(row.label.as_str(), "spam" | "phish");
    let weight = match is_spam {
        true => 1.0,
        false if row.is_everyday => EVERYDAY_HAM,
        false if BULK.contains(&row.source.as_str()) => BULK_HAM,
        false => HAM,
    };
    Ok(Labelled {
        path: row.path.clone(),
        example: Example { features: Features::of(&message), is_spam, weight, group: row.group.clone() },
        label: row.label.clone(),
        source: row.source.clone(),
        is_train: row.is_train,
        is_everyday: row.is_everyday,
        is_synthetic: row.is_synthetic,
        held: held_by(&message, engine),
    })
}
