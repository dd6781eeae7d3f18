//! Every verdict on the corpus follows from its capsule, at every level; what-ifs agree with fresh scans; and capsules are small.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::corpus::Corpus;
use crate::report::Shortfall;
use crate::what_ifs::WhatIf;
use crate::workspace::Workspace;

pub(crate) const STEP: &str = "corpus: capsules round trip";

/// The levels, and the bytes of file that a message may take on average; no bound where the message itself is in it.
const LEVELS: [(&str, Option<u64>); 3] = [("causes", Some(400)), ("facts", Some(1_536)), ("content", None)];

/// Scans the corpus with capsules at each level, replays them, and asks them what-ifs.
pub(crate) fn run(workspace: &Workspace, corpus: &Corpus) -> Result<String, Shortfall> {
    let (mut sizes, mut answers, mut what_ifs) = (Vec::new(), Vec::new(), Vec::new());
    for (level, bound) in LEVELS {
        let directory = workspace.target(format!("capsules-{level}"));
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        let messages = scan(workspace, corpus, level, &directory)?;
        replay(workspace, level, &directory, messages)?;
        let size = bytes(&directory)? / messages.max(1);
        if bound.is_some_and(|bound| size > bound) {
            return Err(Shortfall::Failed(format!("{level}: {size} bytes a message")));
        }
        sizes.push(bound.map_or_else(|| format!("{level} {size}"), |bound| format!("{level} {size} of {bound}")));
        if what_ifs.is_empty() {
            what_ifs = WhatIf::all(workspace, corpus, &directory)?;
        }
        for what_if in &what_ifs {
            answers.push(format!("{level}, {}", what_if.check(workspace, level, &directory)?));
        }
        fs::remove_dir_all(&directory)?;
    }
    Ok(format!("bytes a message: {}; what-ifs: {}", sizes.join(", "), answers.join("; ")))
}

/// The number of messages judged.
fn scan(workspace: &Workspace, corpus: &Corpus, level: &str, directory: &Path) -> Result<u64, Shortfall> {
    let xd = workspace.program(workspace.xd()).arguments(["scan", "--format", "jsonl", "--capsule-level", level]);
    let output = xd.argument("--capsules").argument(directory).argument(corpus.dev()).output()?;
    Ok(output.iter().filter(|&&byte| byte == b'\n').count() as u64)
}

fn replay(workspace: &Workspace, level: &str, directory: &Path, messages: u64) -> Result<(), Shortfall> {
    let output = workspace.program(workspace.xd()).arguments(["replay", "--format", "json"]).argument(directory).output()?;
    let value: Value = serde_json::from_slice(&output).map_err(|error| Shortfall::Failed(format!("{level}: {error}")))?;
    match &value["identical"] {
        identical if *identical == messages => Ok(()),
        identical => Err(Shortfall::Failed(format!("{level}: {identical} of {messages} verdicts follow from their capsules"))),
    }
}

/// The bytes of all capsule files.
fn bytes(directory: &Path) -> Result<u64, Shortfall> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "xdc") {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
