//! What `xd explain` and `xd counterfactual` are about: messages, judged now, and capsules of messages judged before.

use std::path::PathBuf;

use xd_core::Engine;
use xd_core::capsule::Capsule;

use crate::capsules::{Engines, Named, Records};
use crate::failure::Failure;
use crate::input::Buffer;
use crate::judging::Judge;
use crate::output::complain;

/// One of them.
pub(crate) enum Case<'c> {
    Capsule {
        /// The name that stands for it alone.
        name: &'c str,
        capsule: &'c Capsule,
        /// The engine that judged.
        engine: &'c Engine,
        /// The recipient that is asked about.
        verdict: usize,
    },
    Message {
        path: &'c str,
        bytes: &'c [u8],
    },
}

/// Calls `see` with each of them, in the order of the arguments; says whether all could be read. An error of `see` that is a
/// text is named with its case, and the others follow.
pub(crate) fn each(
    judge: &Judge,
    arguments: &[PathBuf],
    engines: &[PathBuf],
    mut see: impl FnMut(Case<'_>) -> Result<Result<(), String>, Failure>,
) -> Result<bool, Failure> {
    let named = arguments.iter().map(|argument| Named::parse(argument)).collect::<Result<Vec<_>, _>>()?;
    let places: Vec<PathBuf> = named.iter().flatten().map(|named| named.place.clone()).collect();
    let engines = Engines::of(&Records::try_new(&places)?, engines)?;
    let mut all = true;
    let mut buffer = Buffer::default();
    for (argument, named) in arguments.iter().zip(named) {
        let Some(named) = named else {
            let mut inputs = judge.inputs(std::slice::from_ref(argument));
            while let Some(input) = inputs.next(&mut buffer) {
                let (path, read) = input.read(&mut buffer);
                let seen = match read {
                    Ok(()) => see(Case::Message { path: &path, bytes: buffer.message() })?,
                    Err(unread) => Err(unread.why),
                };
                if let Err(why) = seen {
                    complain(&path, &why);
                    all = false;
                }
            }
            continue;
        };
        let verdict = named.verdict;
        for capsule in named.capsules()? {
            let (name, capsule) = match capsule {
                Ok(found) => found,
                Err(trouble) => {
                    complain(&trouble.path(), &trouble.why);
                    all = false;
                    continue;
                }
            };
            let recipients = capsule.verdicts().len();
            let seen = match engines.engine(capsule.engine()) {
                _ if verdict >= recipients => Err(format!("it has {recipients} recipients")),
                Ok(engine) => see(Case::Capsule { name: &name, capsule: &capsule, engine, verdict })?,
                Err(why) => Err(why.to_string()),
            };
            if let Err(why) = seen {
                complain(&name, &why);
                all = false;
            }
        }
    }
    Ok(all)
}
