//! The engines that capsules name: loaded where they are kept, compiled once, and shared by all threads.

use std::path::PathBuf;
use std::sync::OnceLock;

use xd_core::{Engine, EngineHash, SEMANTICS};
use xd_store::{EngineError, EngineInputs, EngineStore, OsFileSystem};

use super::Records;
use crate::failure::reason;

/// The directory of engines beside capsules.
pub(crate) const BESIDE: &str = "engines";

/// Engines by their hash. What was found, or why nothing was, is kept as long as this is.
#[derive(Debug)]
pub(crate) struct Engines {
    places: Vec<PathBuf>,
    first: OnceLock<Box<Link>>,
}

/// One engine of the list. It only ever grows, so that each can be lent for as long as the list is there.
#[derive(Debug)]
struct Link {
    hash: EngineHash,
    engine: Result<Engine, String>,
    next: OnceLock<Box<Self>>,
}

impl Engines {
    /// The engines beside these capsules, then those of further directories: of engines, or of capsules with engines beside them.
    pub(crate) fn of(records: &Records, further: &[PathBuf]) -> Self {
        let beside = records.files().iter().map(|file| file.parent().map_or_else(|| BESIDE.into(), |parent| parent.join(BESIDE)));
        let further = further
            .iter()
            .map(|place| Some(place.join(BESIDE)).filter(|beside| beside.is_dir()).unwrap_or_else(|| place.clone()));
        Self::new(beside.chain(further))
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
        Self { places: distinct, first: OnceLock::new() }
    }

    /// An engine, ready to judge; or why there is none.
    pub(crate) fn engine(&self, hash: EngineHash) -> Result<&Engine, &str> {
        let mut slot = &self.first;
        loop {
            let link = slot.get_or_init(|| Box::new(Link { hash, engine: self.load(hash), next: OnceLock::new() }));
            if link.hash == hash {
                return link.engine.as_ref().map_err(String::as_str);
            }
            slot = &link.next;
        }
    }

    /// The directories, in the order in which they are asked.
    pub(crate) fn places(&self) -> &[PathBuf] {
        &self.places
    }

    fn load(&self, hash: EngineHash) -> Result<Engine, String> {
        let mut trouble = None;
        for place in &self.places {
            match EngineStore::new(OsFileSystem, place).load(hash) {
                Ok(inputs) => return compile(hash, inputs),
                Err(EngineError::Missing { .. }) => {}
                Err(error) => trouble = trouble.or_else(|| Some(told(&error))),
            }
        }
        Err(trouble.unwrap_or_else(|| {
            let places: Vec<String> = self.places.iter().map(|place| place.display().to_string()).collect();
            format!("its engine {hash} is not kept in {}", places.join(", "))
        }))
    }
}

fn compile(hash: EngineHash, inputs: EngineInputs) -> Result<Engine, String> {
    if inputs.semantics != SEMANTICS {
        return Err(format!(
            "its engine {hash} is of semantics version {:?}, this program of {SEMANTICS:?}; replay it with the program that made it",
            inputs.semantics
        ));
    }
    // They did compile, for this semantics version.
    Engine::compile(inputs.rules).map_err(|errors| format!("its engine {hash} does not compile: {errors}"))
}

/// What an error of the store says, in the words that other commands use.
pub(crate) fn told(error: &EngineError) -> String {
    match error {
        EngineError::Io { operation, path, source } => format!("cannot {operation} {}: {}", path.display(), reason(source)),
        _ => error.to_string(),
    }
}
