//! `xd engine list`: the engines of a directory in the order in which they were first kept.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use super::{Kept, model_name, unreadable};
use crate::arguments::{EngineList, Format};
use crate::failure::{Failure, UNREAD};
use crate::json;
use crate::output::Output;
use crate::terminal::{Style, Terminal};

#[derive(Serialize)]
struct List {
    engines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    hash: String,
    /// Its place in the order of keeping; null for a built-in one that is not kept.
    sequence: Option<u64>,
    kept: Option<String>,
    builtin: bool,
    semantics: String,
    model: String,
    files: usize,
}

pub(super) fn run(arguments: &EngineList) -> Result<ExitCode, Failure> {
    let kept = Kept::open(arguments.engines.as_deref())?;
    let mut unread = kept.unread;
    let mut lines = Vec::new();
    let entries = kept.engines.iter().map(|engine| (engine.hash, Some(engine.sequence), engine.kept));
    let builtin = Some(kept.builtin).filter(|&hash| kept.entry(hash).is_none());
    for (hash, sequence, time) in entries.chain(builtin.map(|hash| (hash, None, None))) {
        match kept.inputs(hash) {
            Ok(inputs) => lines.push(Line {
                hash: hash.to_string(),
                sequence,
                kept: time.map(|time| time.to_string()),
                builtin: kept.is_builtin(hash),
                model: model_name(&inputs),
                semantics: inputs.semantics,
                files: inputs.rules.len(),
            }),
            Err(why) => {
                unreadable(hash, &why);
                unread = true;
            }
        }
    }
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    match arguments.format {
        Format::Text => output.lines(text(&lines, terminal))?,
        Format::Json => {
            let mut line = Vec::new();
            json::write_line(&mut line, &List { engines: lines })?;
            output.lines(line)?;
        }
    }
    output.finish()?;
    Ok(if unread { ExitCode::from(UNREAD) } else { ExitCode::SUCCESS })
}

fn text(lines: &[Line], terminal: Terminal) -> String {
    let heading = format!("{:>5}  {:<20}  {:<64}  files", "", "kept", "engine");
    let mut text = format!("{}\n", terminal.paint(Style::Dim, heading));
    for line in lines {
        let sequence = line.sequence.map_or_else(|| "–".to_owned(), |sequence| sequence.to_string());
        let kept = line.kept.as_deref().unwrap_or("–");
        let mut notes = Vec::new();
        if line.semantics != xd_core::SEMANTICS {
            notes.push(format!("semantics version {:?}", line.semantics));
        }
        if line.model != "none" {
            notes.push(format!("model {:?}", line.model));
        }
        if line.builtin {
            notes.push("built-in".to_owned());
        }
        let notes = if notes.is_empty() { String::new() } else { format!("  {}", notes.join(", ")) };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{sequence:>5}  {kept:<20}  {}  {:>5}{notes}", line.hash, line.files);
    }
    text
}
