//! `xd engine show`: what an engine is made of.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use sha2::{Digest, Sha256};
use xd_core::{Engine, EngineHash};
use xd_store::EngineInputs;

use super::{Kept, compile, model_name, unreadable};
use crate::arguments::{EngineShow, Format};
use crate::escape::Plain;
use crate::failure::{Failure, UNREAD};
use crate::json::{self, Hex};
use crate::output::Output;
use crate::rules::{RuleList, list_text};
use crate::terminal::{Style, Terminal};

#[derive(Serialize)]
struct Object<'a> {
    hash: String,
    sequence: Option<u64>,
    kept: Option<String>,
    builtin: bool,
    semantics: &'a str,
    model: String,
    files: Vec<File<'a>>,
    /// Missing when this program cannot compile them.
    #[serde(flatten)]
    rules: Option<RuleList<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    sha256: String,
    bytes: usize,
}

pub(super) fn run(arguments: &EngineShow) -> Result<ExitCode, Failure> {
    let kept = Kept::open(arguments.engines.as_deref())?;
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    let mut unread = false;
    for (index, name) in arguments.hashes.iter().enumerate() {
        let hash = kept.named(name)?;
        let inputs = match kept.inputs(hash) {
            Ok(inputs) => inputs,
            Err(why) => {
                unreadable(hash, &why);
                unread = true;
                continue;
            }
        };
        let engine = compile(&inputs);
        if let Err(why) = &engine {
            unreadable(hash, why);
            unread = true;
        }
        let engine = engine.as_ref().ok();
        match arguments.format {
            Format::Text => {
                let blank = if index > 0 { "\n" } else { "" };
                output.lines(format!("{blank}{}", text(&kept, hash, &inputs, engine, terminal)))?;
            }
            Format::Json => output.lines(object(&kept, hash, &inputs, engine)?)?,
        }
    }
    output.finish()?;
    Ok(if unread { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

fn files(inputs: &EngineInputs) -> Vec<File<'_>> {
    let file = |source: &'_ xd_core::RuleSource| Hex::of(Sha256::digest(source.text.as_bytes()).into()).as_str().to_owned();
    inputs.rules.iter().map(|source| File { name: &source.name, sha256: file(source), bytes: source.text.len() }).collect()
}

fn object(kept: &Kept, hash: EngineHash, inputs: &EngineInputs, engine: Option<&Engine>) -> Result<Vec<u8>, Failure> {
    let entry = kept.entry(hash);
    let object = Object {
        hash: hash.to_string(),
        sequence: entry.map(|entry| entry.sequence),
        kept: entry.and_then(|entry| entry.kept).map(|time| time.to_string()),
        builtin: kept.is_builtin(hash),
        semantics: &inputs.semantics,
        model: model_name(inputs),
        files: files(inputs),
        rules: engine.map(RuleList::of),
    };
    let mut line = Vec::new();
    json::write_line(&mut line, &object)?;
    Ok(line)
}

fn text(kept: &Kept, hash: EngineHash, inputs: &EngineInputs, engine: Option<&Engine>, terminal: Terminal) -> String {
    let entry = kept.entry(hash);
    let mut text = String::new();
    // Writing into a string cannot fail.
    let builtin = if kept.is_builtin(hash) { "  built-in" } else { "" };
    let _ = writeln!(text, "{}{builtin}", terminal.paint(Style::Bold, format!("engine {hash}")));
    let mut fact = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<10} {}", Plain(value));
    };
    match entry {
        Some(entry) => {
            let time = entry.kept.map_or_else(String::new, |time| format!(", {time}"));
            fact("kept", &format!("number {}{time}", entry.sequence));
        }
        None => fact("kept", "not here"),
    }
    fact("semantics", &inputs.semantics);
    fact("model", &model_name(inputs));
    for file in files(inputs) {
        fact("file", &format!("{}  {} bytes, sha256 {}", file.name, file.bytes, file.sha256));
    }
    if let Some(engine) = engine {
        text.push('\n');
        text.push_str(&list_text(engine, terminal));
        let lists: Vec<String> =
            engine.rules().lists().iter().map(|list| format!("{} ({})", list.id, list.entries.len())).collect();
        if !lists.is_empty() {
            let _ = writeln!(text, "lists: {}", Plain(&lists.join(", ")));
        }
        let brands = engine.rules().brands().count();
        if brands > 0 {
            let _ = writeln!(text, "{brands} brands");
        }
    }
    text
}
