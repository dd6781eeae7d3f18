//! The engines that capsules name: loaded where they are kept, compiled once, and shared by all threads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use xd_core::{Engine, EngineHash, SEMANTICS};
use xd_store::{EngineError, EngineInputs, EngineStore, OsFileSystem};

use super::{Records, Trouble};
use crate::failure::{Failure, reason};
use crate::output::complain;

/// The directory of engines beside capsules.
pub(crate) const BESIDE: &str = "engines";

/// Engines by their hash. What was found is kept as long as this is; why nothing was, for the first [`FAILURES_MAX`].
#[derive(Debug)]
pub(crate) struct Engines {
    places: Vec<PathBuf>,
    known: Mutex<Known>,
    /// Twice as many in each as in the one before. None ever moves, so that each engine can be lent for as long as this is there.
    shelves: [OnceLock<Box<[OnceLock<Engine>]>>; SHELVES],
}

/// What came of asking for an engine.
#[derive(Debug, Default)]
struct Known {
    /// The numbers of engines, in the order in which they were loaded.
    loaded: BTreeMap<EngineHash, usize>,
    failed: BTreeMap<EngineHash, NoEngine>,
}

/// Why an engine is not to be had.
#[derive(Clone, Debug)]
struct NoEngine {
    why: Arc<str>,
    /// Whether it is kept, and something is wrong with it; else it is nowhere, or of another semantics version.
    is_broken: bool,
}

impl NoEngine {
    fn broken(why: impl Into<Arc<str>>) -> Self {
        Self { why: why.into(), is_broken: true }
    }

    fn elsewhere(why: impl Into<Arc<str>>) -> Self {
        Self { why: why.into(), is_broken: false }
    }
}

/// Enough for as many engines as a directory can hold.
const SHELVES: usize = 32;

/// How many engines that are not to be had are remembered. Damaged capsules may name a new one each.
const FAILURES_MAX: usize = 4_096;

impl Engines {
    /// The engines beside these capsules, then those of further directories: of engines, or of capsules with engines beside them.
    /// What is no directory is a slip of the pen, and told.
    pub(crate) fn of(records: &Records, further: &[PathBuf]) -> Result<Self, Failure> {
        for place in further {
            let told = |why: &str| Failure::operator(format!("{}: {why}", place.display()));
            let found = place.metadata().map_err(|error| told(&reason(&error)))?;
            if !found.is_dir() {
                return Err(told("is not a directory"));
            }
        }
        let beside = records.files().iter().map(|file| file.parent().map_or_else(|| BESIDE.into(), |parent| parent.join(BESIDE)));
        let further = further
            .iter()
            .map(|place| Some(place.join(BESIDE)).filter(|beside| beside.is_dir()).unwrap_or_else(|| place.clone()));
        Ok(Self::new(beside.chain(further)))
    }

    /// The engines of these directories; the first that has one is asked for it.
    pub(crate) fn new(places: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut distinct: Vec<PathBuf> = Vec::new();
        for place in places {
            // Files of one directory follow one another.
            if distinct.last() != Some(&place) && !distinct.contains(&place) {
                distinct.push(place);
            }
        }
        Self { places: distinct, known: Mutex::default(), shelves: std::array::from_fn(|_| OnceLock::new()) }
    }

    /// An engine, ready to judge; or why there is none.
    pub(crate) fn engine(&self, hash: EngineHash) -> Result<&Engine, Arc<str>> {
        // Threads that want the same engine wait for whoever loads it.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failed) = known.failed.get(&hash) {
            return Err(Arc::clone(&failed.why));
        }
        if let Some(engine) = known.loaded.get(&hash).and_then(|&number| self.slot(number)?.get()) {
            return Ok(engine);
        }
        let number = known.loaded.len();
        let loaded = self.load(hash).and_then(|engine| match self.slot(number) {
            Some(slot) => Ok(slot.get_or_init(|| engine)),
            None => Err(NoEngine::broken("there are too many engines")),
        });
        match loaded {
            Ok(engine) => {
                known.loaded.insert(hash, number);
                Ok(engine)
            }
            Err(failed) => {
                let why = Arc::clone(&failed.why);
                if known.failed.len() < FAILURES_MAX {
                    known.failed.insert(hash, failed);
                }
                Err(why)
            }
        }
    }

    /// Says on standard error, once, that an engine is kept and cannot be had. For whoever does without it: that it is damaged
    /// should be known all the same.
    pub(crate) fn tell_if_broken(&self, hash: EngineHash) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failed) = known.failed.get_mut(&hash)
            && std::mem::take(&mut failed.is_broken)
        {
            complain(&format!("engine {hash}"), &failed.why);
        }
    }

    /// Where the engine of a number stands.
    fn slot(&self, number: usize) -> Option<&OnceLock<Engine>> {
        let shelf = (number + 1).ilog2();
        let first = (1 << shelf) - 1;
        let slots = self.shelves.get(shelf as usize)?.get_or_init(|| (0..1_usize << shelf).map(|_| OnceLock::new()).collect());
        slots.get(number - first)
    }

    /// The directories, in the order in which they are asked.
    pub(crate) fn places(&self) -> &[PathBuf] {
        &self.places
    }

    fn load(&self, hash: EngineHash) -> Result<Engine, NoEngine> {
        let mut trouble = None;
        for place in &self.places {
            match EngineStore::new(OsFileSystem, place).load(hash) {
                Ok(inputs) => return compile(hash, inputs),
                Err(EngineError::Missing { .. }) => {}
                Err(error) => trouble = trouble.or_else(|| Some(told(&error))),
            }
        }
        Err(trouble.map(NoEngine::broken).unwrap_or_else(|| {
            let places: Vec<String> = self.places.iter().map(|place| place.display().to_string()).collect();
            NoEngine::elsewhere(format!("its engine {hash} is not kept in {}", places.join(", ")))
        }))
    }
}

fn compile(hash: EngineHash, inputs: EngineInputs) -> Result<Engine, NoEngine> {
    if inputs.semantics != SEMANTICS {
        return Err(NoEngine::elsewhere(format!(
            "its engine {hash} is of semantics version {:?}, this program of {SEMANTICS:?}; replay it with the program that made it",
            inputs.semantics
        )));
    }
    // They did compile, for this semantics version.
    inputs.compile().map_err(|errors| NoEngine::broken(format!("its engine {hash} does not compile: {errors}")))
}

/// Engines that are not to be had, each told once: a thousand capsules may name it.
#[derive(Debug, Default)]
pub(crate) struct Absent {
    /// By engine, how many further capsules name it.
    further: BTreeMap<EngineHash, u64>,
}

impl Absent {
    /// Says what is wrong with a capsule; where it is that its engine is not to be had, only of the first of that engine.
    pub(crate) fn tell(&mut self, absent: Option<EngineHash>, trouble: &Trouble) {
        if let Some(hash) = absent {
            if let Some(further) = self.further.get_mut(&hash) {
                *further += 1;
                return;
            }
            if self.further.len() < FAILURES_MAX {
                self.further.insert(hash, 0);
            }
        }
        complain(&trouble.path(), &trouble.why);
    }

    /// Says how many followed.
    pub(crate) fn finish(self) {
        for (hash, further) in self.further {
            if further > 0 {
                eprintln!("xd: engine {hash}: the same of {further} more capsule{}", if further == 1 { "" } else { "s" });
            }
        }
    }
}

/// What an error of the store says, in the words that other commands use.
pub(crate) fn told(error: &EngineError) -> String {
    match error {
        EngineError::Io { operation, path, source } => format!("cannot {operation} {}: {}", path.display(), reason(source)),
        _ => error.to_string(),
    }
}
