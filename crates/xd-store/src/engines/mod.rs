//! Engines, kept so that a verdict can be replayed when its rules are gone: `engines/<hash>/`, readable by people.
//!
//! ```text
//! engines/lock
//! engines/<hash>/engine.toml      semantics version, model, and the rule files in their order
//! engines/<hash>/rules/<NAME>     each rule file as it was
//! engines/<hash>/model            the model, where there is one
//! ```
//!
//! The name of a directory is the hash of what is in it, so whatever is read is checked by computing it again. Steps by which
//! an engine is written: 1. its files are written below `engines/.new` and each is synced; 2. `.new/rules` and `.new` are
//! synced; 3. `.new` gets its name; 4. `engines` is synced. A crash before 3 leaves a `.new`, which the next attempt empties.
//! An engine found damaged is never overwritten: it is set aside under a name that says so, and written anew.

mod manifest;

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use xd_core::classify::{Model, ModelError};
use xd_core::{Engine, EngineHash, RuleErrors, RuleSource, SEMANTICS, Timestamp};

use crate::file_system::{FileSystem, OsFileSystem, Sequential, StoredFile, create_dirs};
use manifest::Manifest;

/// What an engine is compiled from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EngineInputs {
    /// The semantics version by which it judges.
    pub semantics: String,
    /// The model.
    pub model: Option<Model>,
    /// The rule files.
    pub rules: Vec<RuleSource>,
}

impl EngineInputs {
    /// The engine made of them.
    ///
    /// # Errors
    /// When the rules do not compile in this version of the program.
    pub fn compile(self) -> Result<Engine, RuleErrors> {
        Ok(Engine::compile(self.rules)?.with_model(self.model))
    }
}

/// The engines below one directory, usually `engines` beside capsules.
///
/// # Example: can a verdict be replayed when its rules are gone?
/// ```
/// use xd_core::{Engine, RuleSource};
/// use xd_store::{EngineStore, simulated::Disk};
///
/// let disk = Disk::new();
/// let rules = RuleSource::new("rules/mine.toml", "family = \"mine\"\n");
/// let hash = {
///     let engine = Engine::compile(vec![rules])?;
///     EngineStore::new(disk.clone(), "/capsules/engines").keep(&engine, None)?;
///     engine.hash()
/// };
///
/// let inputs = EngineStore::new(disk, "/capsules/engines").load(hash)?;
/// assert_eq!(inputs.compile()?.hash(), hash);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EngineStore<F = OsFileSystem> {
    files: F,
    path: PathBuf,
}

/// What keeping an engine did. The complete set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kept {
    /// It was there.
    Already,
    /// It is there now.
    New,
    /// What was there under its name was damaged and is set aside; it is there now.
    Restored {
        /// Where the damaged one is.
        aside: PathBuf,
        /// What was wrong with it.
        why: String,
    },
}

/// An engine of a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EngineEntry {
    /// Its name.
    pub hash: EngineHash,
    /// Its place in the order in which engines were first kept here, from 1.
    pub sequence: u64,
    /// When it was first kept, if whoever kept it said so.
    pub kept: Option<Timestamp>,
}

/// The engines of a store, and what could not be read.
#[derive(Debug, Default)]
pub struct EngineList {
    /// In the order in which they were first kept.
    pub engines: Vec<EngineEntry>,
    /// Directories that bear the name of an engine, and why they could not be read.
    pub unread: Vec<EngineError>,
}

/// Why an engine could not be kept or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The disk: a call failed.
    #[error("cannot {operation} {path}: {source}", path = path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk or the operator: the list of files cannot be understood.
    #[error("{path} is damaged: {why}", path = path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        why: String,
    },
    /// The disk or the operator: a rule file or a model is not what it was.
    #[error("{path} is not the file that was kept: its SHA-256 is {found}, that of the kept file {expected}", path = path.display())]
    RuleFile {
        /// The file.
        path: PathBuf,
        /// The hash that it had.
        expected: String,
        /// The hash that it has.
        found: String,
    },
    /// The operator: another version of the program kept it, whose models this one does not read.
    #[error("{path}: {error}", path = path.display())]
    Model {
        /// The model's file.
        path: PathBuf,
        /// Why.
        error: ModelError,
    },
    /// The disk or the operator: files and their list agree with each other, not with the directory's name.
    #[error("{path} holds another engine, {found}", path = path.display())]
    Hash {
        /// The directory.
        path: PathBuf,
        /// The hash of what is in it.
        found: EngineHash,
    },
    /// The caller: no engine of this name was kept here.
    #[error("no engine {hash} in {path}", path = path.display())]
    Missing {
        /// The directory of engines.
        path: PathBuf,
        /// The engine.
        hash: EngineHash,
    },
    /// The operator: another process keeps an engine at this moment, or hangs while doing so.
    #[error("{path} is locked: another process keeps an engine", path = path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
}

impl<F: FileSystem> EngineStore<F> {
    /// The store in this directory, which is created when the first engine is kept.
    #[must_use]
    pub fn new(files: F, path: impl Into<PathBuf>) -> Self {
        Self { files, path: path.into() }
    }

    /// Keeps what an engine was compiled from, durably. Costs little when it is there already. A time is kept with it if
    /// one is given; without, the same engines in the same order make the same files.
    ///
    /// # Errors
    /// It cannot be written, or another process is at it.
    pub fn keep(&self, engine: &Engine, now: Option<Timestamp>) -> Result<Kept, EngineError> {
        let inputs =
            EngineInputs { semantics: SEMANTICS.to_owned(), model: engine.model().cloned(), rules: engine.sources().to_vec() };
        self.keep_inputs(engine.hash(), &inputs, now)
    }

    /// Loads what an engine was compiled from, checked against its hash. Whether this program can judge with it is seen from
    /// [`EngineInputs::semantics`].
    ///
    /// # Errors
    /// It is not there, cannot be read, or is not what was kept; says which file differs.
    pub fn load(&self, hash: EngineHash) -> Result<EngineInputs, EngineError> {
        let path = self.path_of(hash);
        if !self.files.is_dir(&path).map_err(|error| EngineError::io("read", &path, error))? {
            return Err(EngineError::Missing { path: self.path.clone(), hash });
        }
        let manifest = self.manifest(&path)?;
        let mut rules = Vec::new();
        for file in manifest.rules {
            let path = path.join(RULES).join(&file.file);
            let bytes = self.read(&path)?;
            let found = sha256(&bytes);
            let text = String::from_utf8(bytes).ok().filter(|_| found == file.sha256);
            let text = text.ok_or(EngineError::RuleFile { path, expected: file.sha256, found })?;
            // Not by `new`: what was kept is the text, byte for byte.
            rules.push(RuleSource { name: file.name, text });
        }
        let model = match &manifest.model {
            None => None,
            Some(kept) => Some(self.model(&path.join(MODEL), &kept.sha256)?),
        };
        match EngineHash::of(&manifest.semantics, &rules, model.as_ref()) {
            found if found == hash => Ok(EngineInputs { semantics: manifest.semantics, model, rules }),
            found => Err(EngineError::Hash { path, found }),
        }
    }

    /// The engines in the order in which they were first kept. Only their lists of files are read.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> Result<EngineList, EngineError> {
        let mut list = EngineList::default();
        if !self.files.is_dir(&self.path).map_err(|error| EngineError::io("read", &self.path, error))? {
            return Ok(list);
        }
        for name in self.files.list(&self.path).map_err(|error| EngineError::io("read", &self.path, error))? {
            let Ok(hash) = name.parse() else { continue };
            match self.manifest(&self.path.join(&name)) {
                Ok(Manifest { sequence, kept, .. }) => list.engines.push(EngineEntry { hash, sequence, kept }),
                Err(error) => list.unread.push(error),
            }
        }
        list.engines.sort_by_key(|engine| (engine.sequence, engine.hash));
        Ok(list)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn keep_inputs(&self, hash: EngineHash, inputs: &EngineInputs, now: Option<Timestamp>) -> Result<Kept, EngineError> {
        if self.load(hash).is_ok() {
            return Ok(Kept::Already);
        }
        create_dirs(&self.files, &self.path).map_err(|error| EngineError::io("create", &self.path, error))?;
        let lock = self.path.join(LOCK);
        let locked = self.files.lock(&lock).map_err(|error| EngineError::io("lock", &lock, error))?;
        let _locked = locked.ok_or(EngineError::Locked { path: lock })?;

        // Once more, now that nobody else is at it.
        let mut kept = Kept::New;
        let mut sequence = self.list()?.engines.iter().map(|engine| engine.sequence).max().unwrap_or(0).saturating_add(1);
        match self.load(hash) {
            Ok(_) => return Ok(Kept::Already),
            Err(EngineError::Missing { .. }) => {}
            // A disk that does not answer is no damage.
            Err(error @ EngineError::Io { .. }) if !error.is_not_found() => return Err(error),
            Err(error) => {
                let path = self.path_of(hash);
                sequence = self.manifest(&path).map_or(sequence, |manifest| manifest.sequence);
                kept = Kept::Restored { aside: self.set_aside(&path)?, why: error.to_string() };
            }
        }
        self.write(hash, &Manifest::of(inputs, sequence, now), inputs)?;
        Ok(kept)
    }

    fn write(&self, hash: EngineHash, manifest: &Manifest, inputs: &EngineInputs) -> Result<(), EngineError> {
        let (new, rules) = (self.path.join(NEW), self.path.join(NEW).join(RULES));
        // 1.
        for dir in [&new, &rules] {
            match self.files.create_dir(dir) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => other.map_err(|error| EngineError::io("create", dir, error))?,
            }
        }
        self.empty(&rules)?;
        self.empty(&new)?;
        for (file, source) in manifest.rules.iter().zip(&inputs.rules) {
            self.write_file(&rules.join(&file.file), source.text.as_bytes())?;
        }
        if let Some(model) = &inputs.model {
            self.write_file(&new.join(MODEL), &model.to_bytes())?;
        }
        self.write_file(&new.join(MANIFEST), manifest.print().as_bytes())?;
        // 2.
        for dir in [&rules, &new] {
            self.files.sync_dir(dir).map_err(|error| EngineError::io("sync", dir, error))?;
        }
        // 3.
        self.files.rename(&new, &self.path_of(hash)).map_err(|error| EngineError::io("rename", &new, error))?;
        // 4.
        self.files.sync_dir(&self.path).map_err(|error| EngineError::io("sync", &self.path, error))
    }

    fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
        let write = || {
            let mut file = self.files.create_new(path)?;
            file.write_at(0, bytes)?;
            file.sync()
        };
        write().map_err(|error| EngineError::io("write", path, error))
    }

    /// Removes the files of a directory that was left unfinished.
    fn empty(&self, dir: &Path) -> Result<(), EngineError> {
        for name in self.files.list(dir).map_err(|error| EngineError::io("read", dir, error))? {
            let path = dir.join(name);
            if !self.files.is_dir(&path).map_err(|error| EngineError::io("read", &path, error))? {
                self.files.remove_file(&path).map_err(|error| EngineError::io("remove", &path, error))?;
            }
        }
        Ok(())
    }

    /// Gives a damaged engine the first free name that says so.
    fn set_aside(&self, path: &Path) -> Result<PathBuf, EngineError> {
        let names = self.files.list(&self.path).map_err(|error| EngineError::io("read", &self.path, error))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // There are fewer names than numbers.
        let free = (1u64..).map(|number| format!("{name}.damaged-{number}")).find(|name| !names.contains(name));
        let aside = self.path.join(free.unwrap_or_default());
        self.files.rename(path, &aside).map_err(|error| EngineError::io("rename", path, error))?;
        Ok(aside)
    }

    fn manifest(&self, dir: &Path) -> Result<Manifest, EngineError> {
        let path = dir.join(MANIFEST);
        let bytes = self.read(&path)?;
        let parsed = String::from_utf8(bytes).map_err(|error| error.to_string()).and_then(|text| Manifest::parse(&text));
        parsed.map_err(|why| EngineError::Manifest { path, why })
    }

    /// Reads a model that has this checksum.
    fn model(&self, path: &Path, expected: &str) -> Result<Model, EngineError> {
        let bytes = self.read(path)?;
        let found = sha256(&bytes);
        if found != expected {
            return Err(EngineError::RuleFile { path: path.to_owned(), expected: expected.to_owned(), found });
        }
        Model::read(&bytes).map_err(|error| EngineError::Model { path: path.to_owned(), error })
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, EngineError> {
        let read = || {
            let file = self.files.open_read(path)?;
            let mut bytes = Vec::new();
            let read = Sequential { file: &file, offset: 0 }.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
            if read as u64 > FILE_BYTES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            Ok(bytes)
        };
        read().map_err(|error| EngineError::io("read", path, error))
    }

    fn path_of(&self, hash: EngineHash) -> PathBuf {
        self.path.join(hash.to_string())
    }
}

impl EngineError {
    fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { operation, path: path.to_owned(), source }
    }

    fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Already => f.write_str("kept before"),
            Self::New => f.write_str("kept"),
            Self::Restored { aside, why } => write!(f, "kept anew, since {why}; the former is now {}", aside.display()),
        }
    }
}

const LOCK: &str = "lock";
const MANIFEST: &str = "engine.toml";
const MODEL: &str = "model";
const NEW: &str = ".new";
const RULES: &str = "rules";
/// The most bytes of a file that is read; 64 MiB. Rules that large would not compile in any time worth waiting.
const FILE_BYTES_MAX: u64 = 64 << 20;

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
