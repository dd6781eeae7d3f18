//! `xd engine`: the engines that are kept beside capsules: list them, show one, and say what changed from one to another.

mod difference;
mod list;
mod show;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use xd_config::NO_MODEL;
use xd_core::classify::{DEFAULT, Model};
use xd_core::rules::builtin;
use xd_core::{Engine, EngineHash, SEMANTICS};
use xd_store::{EngineEntry, EngineInputs, EngineStore, OsFileSystem};

use crate::arguments::{EngineDiff, Engines as Command, Format};
use crate::capsules::{BESIDE, engine_told as told};
use crate::engine::{self, BUILTIN};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, complain};
use crate::terminal::Terminal;

pub(crate) use difference::Difference;
pub(crate) use text::write as difference_text;

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Diff(arguments) => diff(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
    }
}

/// The engines of a directory, and the built-in one.
#[derive(Debug)]
pub(crate) struct Kept {
    store: Option<EngineStore>,
    /// In the order in which they were first kept.
    pub(crate) engines: Vec<EngineEntry>,
    /// Whether some could not be read; they were named.
    pub(crate) unread: bool,
    /// Its name alone: compiling takes longer than anything else here.
    builtin: EngineHash,
}

impl Kept {
    /// The engines below this directory, which is the one of capsules or of engines itself.
    pub(crate) fn open(directory: Option<&Path>) -> Result<Self, Failure> {
        let model = engine::model(DEFAULT)?;
        let builtin = EngineHash::of(SEMANTICS, &builtin::sources(), model.as_ref());
        let Some(directory) = directory else {
            return Ok(Self { store: None, engines: Vec::new(), unread: false, builtin });
        };
        let store = EngineStore::new(OsFileSystem, place(directory)?);
        let list = store.list().map_err(|error| Failure::operator(told(&error)))?;
        for error in &list.unread {
            eprintln!("xd: {}", crate::escape::Plain(&told(error)));
        }
        Ok(Self { store: Some(store), engines: list.engines, unread: !list.unread.is_empty(), builtin })
    }

    pub(crate) fn is_builtin(&self, hash: EngineHash) -> bool {
        self.builtin == hash
    }

    /// The engine of this name: `builtin`, or the beginning of a hash.
    fn named(&self, name: &str) -> Result<EngineHash, Failure> {
        if name == BUILTIN {
            return Ok(self.builtin);
        }
        let lower = name.to_ascii_lowercase();
        let all = self.engines.iter().map(|engine| engine.hash).chain([self.builtin]);
        let mut fitting: Vec<EngineHash> = all.filter(|hash| !name.is_empty() && hash.to_string().starts_with(&lower)).collect();
        fitting.sort_unstable();
        fitting.dedup();
        match fitting[..] {
            [hash] => Ok(hash),
            [] => Err(Failure::operator(format!("there is no engine {name:?}; `xd engine list` names all"))),
            _ => {
                let shown: Vec<String> = fitting.iter().map(|hash| short(*hash)).collect();
                Err(Failure::operator(format!("{name:?} begins the names of several engines: {}", shown.join(", "))))
            }
        }
    }

    /// What an engine is compiled from.
    pub(crate) fn inputs(&self, hash: EngineHash) -> Result<EngineInputs, String> {
        let kept = self.engines.iter().any(|engine| engine.hash == hash);
        match &self.store {
            Some(store) if kept => store.load(hash).map_err(|error| told(&error)),
            _ if self.is_builtin(hash) => {
                let model = xd_config::model(DEFAULT)?;
                Ok(EngineInputs { semantics: SEMANTICS.to_owned(), model, rules: builtin::sources() })
            }
            _ => Err(format!("there is no engine {hash}")),
        }
    }

    /// The place of an engine in the order of keeping, and what is known of it.
    fn entry(&self, hash: EngineHash) -> Option<&EngineEntry> {
        self.engines.iter().find(|engine| engine.hash == hash)
    }
}

/// The directory of engines: beside capsules, or the one given.
pub(crate) fn place(directory: &Path) -> Result<PathBuf, Failure> {
    let beside = directory.join(BESIDE);
    if beside.is_dir() {
        return Ok(beside);
    }
    match directory.metadata() {
        Ok(_) if directory.is_dir() => Ok(directory.to_owned()),
        Ok(_) => Err(Failure::operator(format!("{}: is not a directory", directory.display()))),
        Err(error) => Err(Failure::operator(format!("{}: {}", directory.display(), crate::failure::reason(&error)))),
    }
}

/// The rules of an engine as this program reads them, whatever version made it.
pub(crate) fn compile(inputs: &EngineInputs) -> Result<Engine, String> {
    inputs.clone().compile().map_err(|errors| format!("this program cannot compile it: {errors}"))
}

/// What an engine's model is called, and the beginning of the hash that tells it from others of that name; `none` without one.
pub(crate) fn model_name(inputs: &EngineInputs) -> String {
    let of = |model: &Model| {
        let hash: String = model.sha256().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{} {hash}", model.name())
    };
    inputs.model.as_ref().map_or_else(|| NO_MODEL.to_owned(), of)
}

/// The beginning of a hash, enough to tell engines apart.
pub(crate) fn short(hash: EngineHash) -> String {
    hash.to_string().chars().take(12).collect()
}

fn diff(arguments: &EngineDiff) -> Result<ExitCode, Failure> {
    let kept = Kept::open(arguments.engines.as_deref())?;
    let load = |name: &str| {
        let hash = kept.named(name)?;
        let named = |why: String| Failure::operator(format!("engine {hash}: {why}"));
        let inputs = kept.inputs(hash).map_err(named)?;
        let engine = compile(&inputs).map_err(named)?;
        Ok::<_, Failure>((hash, inputs, engine))
    };
    let (old, new) = (load(&arguments.old)?, load(&arguments.new)?);
    let difference = Difference::of((old.0, &old.1, &old.2), (new.0, &new.1, &new.2));
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    match arguments.format {
        Format::Text => {
            let name = |hash| if kept.is_builtin(hash) { format!("{hash}  built-in") } else { hash.to_string() };
            output.lines(format!("from {}\nto   {}\n\n", name(old.0), name(new.0)))?;
            output.lines(difference_text(&difference, terminal))?;
        }
        Format::Json => {
            let mut line = Vec::new();
            json::write_line(&mut line, &difference)?;
            output.lines(line)?;
        }
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Names an engine that could not be read.
fn unreadable(hash: EngineHash, why: &str) {
    complain(&format!("engine {hash}"), why);
}
