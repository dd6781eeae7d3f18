//! `cargo xtask conformance`: what standards and other projects' tests ask, held against this one.
//!
//! A directory of vectors has a folder for each topic. Files are known by what is in them, never by their names: whoever adds
//! one of a known form has it examined. What cannot be read is listed, so that silence never passes for success.

mod dialogue;
mod smtp;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::workspace::Workspace;

const STEP: &str = "conformance";

/// Exit status of a command line that could not be understood, and of a run that did not complete.
const FAILED: u8 = 2;

/// A case and what was wrong with it, if anything.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) outcome: Result<(), String>,
}

/// What was found in all files.
#[derive(Default)]
struct Results {
    topics: BTreeMap<String, BTreeMap<String, Vec<Case>>>,
    unread: Vec<String>,
}

/// Reads a file of a topic; `None` when its form is not known.
type Reader = fn(&str) -> Option<Vec<Case>>;

/// The topics that are examined.
const TOPICS: [(&str, Reader); 1] = [("smtp", smtp::read)];

/// The command: `[--vectors DIR] [--format text|json]`.
pub(crate) fn command(workspace: &Workspace, arguments: &[&str]) -> ExitCode {
    match examine_as_asked(workspace, arguments) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::from(FAILED)
        }
    }
}

/// The step of `cargo xtask test`: no case may be missed.
pub(crate) fn step(workspace: &Workspace, report: &mut Report) {
    report.step(STEP, || {
        let results = Results::of(&SharedData::locate(workspace)?.path("vectors"))?;
        let (pass, total) = results.counts();
        if pass == total && total > 0 { Ok(format!("{total} cases")) } else { Err(Shortfall::Failed(results.to_text())) }
    });
}

fn examine_as_asked(workspace: &Workspace, arguments: &[&str]) -> Result<String, String> {
    let (mut vectors, mut json) = (None, false);
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        match (*option, rest.next().copied()) {
            ("--vectors", Some(directory)) => vectors = Some(PathBuf::from(directory)),
            ("--format", Some("json")) => json = true,
            ("--format", Some("text")) => json = false,
            _ => return Err("usage: cargo xtask conformance [--vectors DIR] [--format text|json]".to_owned()),
        }
    }
    let vectors = match vectors {
        Some(directory) => directory,
        None => match SharedData::locate(workspace) {
            Ok(shared) => shared.path("vectors"),
            Err(Shortfall::Failed(why) | Shortfall::Skipped(why)) => return Err(why),
        },
    };
    let results = Results::of(&vectors).map_err(|error| format!("{}: {error}", vectors.display()))?;
    Ok(if json { results.to_json().to_string() } else { results.to_text() })
}

impl Results {
    fn of(vectors: &Path) -> std::io::Result<Self> {
        let mut results = Self::default();
        for folder in sorted(vectors)?.into_iter().filter(|path| path.is_dir()) {
            let topic = name_of(&folder);
            match TOPICS.iter().find(|(name, _)| *name == topic) {
                Some((_, reader)) => results.examine(&topic, &folder, &folder, *reader)?,
                None => results.unread.push(format!("{topic}/")),
            }
        }
        Ok(results)
    }

    fn examine(&mut self, topic: &str, root: &Path, folder: &Path, reader: Reader) -> std::io::Result<()> {
        for path in sorted(folder)? {
            if path.is_dir() {
                self.examine(topic, root, &path, reader)?;
                continue;
            }
            if is_about_the_data(&path) {
                continue;
            }
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            match fs::read_to_string(&path).ok().and_then(|text| reader(&text)) {
                Some(cases) => drop(self.topics.entry(topic.to_owned()).or_default().insert(name, cases)),
                None => self.unread.push(format!("{topic}/{name}")),
            }
        }
        Ok(())
    }

    fn counts(&self) -> (usize, usize) {
        let cases = || self.topics.values().flat_map(BTreeMap::values).flatten();
        (cases().filter(|case| case.outcome.is_ok()).count(), cases().count())
    }

    fn to_json(&self) -> Value {
        let file = |cases: &Vec<Case>| {
            let misses =
                cases.iter().filter_map(|case| case.outcome.as_ref().err().map(|why| json!({"case": case.name, "why": why})));
            let misses: Vec<Value> = misses.collect();
            json!({"pass": cases.len() - misses.len(), "total": cases.len(), "misses": misses})
        };
        let topic = |files: &BTreeMap<String, Vec<Case>>| {
            let files: serde_json::Map<String, Value> = files.iter().map(|(name, cases)| (name.clone(), file(cases))).collect();
            json!({"files": files})
        };
        let topics: serde_json::Map<String, Value> =
            self.topics.iter().map(|(name, files)| (name.clone(), topic(files))).collect();
        json!({"topics": topics, "unread": self.unread})
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for (topic, files) in &self.topics {
            for (name, cases) in files {
                let passed = cases.iter().filter(|case| case.outcome.is_ok()).count();
                let _ = writeln!(text, "{passed:>5} of {:>5}  {topic}/{name}", cases.len());
                for case in cases {
                    if let Err(why) = &case.outcome {
                        let _ = writeln!(text, "               missed: {}: {why}", case.name);
                    }
                }
            }
        }
        for name in &self.unread {
            let _ = writeln!(text, "       unread  {name}");
        }
        let (pass, total) = self.counts();
        let _ = write!(text, "{pass} of {total} cases");
        text
    }
}

fn sorted(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Descriptions and licences, which hold no cases.
fn is_about_the_data(path: &Path) -> bool {
    let name = name_of(path).to_ascii_lowercase();
    name.ends_with(".md") || ["licence", "license", "copying", "notice", "readme"].iter().any(|word| name.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_printed_as_promised() {
        let mut results = Results::default();
        let cases = vec![
            Case { name: "one".to_owned(), outcome: Ok(()) },
            Case { name: "two".to_owned(), outcome: Err("wrong".to_owned()) },
        ];
        results.topics.entry("smtp".to_owned()).or_default().insert("a/b.json".to_owned(), cases);
        results.unread.push("smtp/c.json".to_owned());
        let expected = json!({
            "topics": {"smtp": {"files": {"a/b.json": {"pass": 1, "total": 2, "misses": [{"case": "two", "why": "wrong"}]}}}},
            "unread": ["smtp/c.json"],
        });
        assert_eq!(results.to_json(), expected);
        assert_eq!(results.counts(), (1, 2));
        assert!(results.to_text().contains("missed: two: wrong"));
    }
}
