//! `cargo xtask conformance`: what standards and other projects' tests ask, held against this one.
//!
//! A directory of vectors has a folder for each topic. Files are known by what is in them, never by their names: whoever adds
//! one of a known form has it examined. What cannot be read is listed, so that silence never passes for success.
//!
//! A case passes or is missed. Where another program only has another opinion, and other programs differ from it too, it is
//! listed apart; so is what asks for something that is no aim here, with the reason.

mod antispam;
mod arc;
mod attach;
mod dialogue;
pub(crate) mod dkim;
mod dmarc;
mod mime;
mod psl;
pub(crate) mod resolved;
mod results;
mod smtp;
mod spf;
mod tnef;
mod unicode;
mod url;
mod yaml;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::report::{Report, Shortfall};
use crate::shared::SharedData;
use crate::workspace::Workspace;
use results::Results;

const STEP: &str = "conformance";

/// Exit status of a command line that could not be understood, and of a run that did not complete.
const FAILED: u8 = 2;

/// How a case ended.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Outcome {
    /// As expected.
    Passed,
    /// Otherwise, and why.
    Missed(String),
    /// Otherwise than one program says, with which others differ too.
    Opinion(String),
    /// Not asked, because it is no aim here.
    Apart(String),
}

/// A case and how it ended.
#[derive(Debug)]
struct Case {
    name: String,
    outcome: Outcome,
}

impl Case {
    fn new(name: impl Into<String>, outcome: Result<(), String>) -> Self {
        Self { name: name.into(), outcome: outcome.map_or_else(Outcome::Missed, |()| Outcome::Passed) }
    }

    fn opinion(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Opinion(why.into()) }
    }

    fn apart(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Apart(why.into()) }
    }
}

/// A file of vectors.
struct VectorFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl VectorFile {
    /// Its text, without a byte order mark; none when it is no UTF-8.
    fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        Some(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.text()?).ok()
    }

    fn name(&self) -> String {
        name_of(&self.path)
    }

    fn has_extension(&self, extensions: &[&str]) -> bool {
        let extension = self.path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        extensions.contains(&extension.as_str())
    }

    /// The text of the file of the same name with another extension.
    fn sibling(&self, extension: &str) -> Option<String> {
        fs::read_to_string(self.path.with_extension(extension)).ok()
    }

    /// What `manifest.json` in the same folder says of it.
    fn in_manifest(&self) -> Option<serde_json::Value> {
        let text = fs::read_to_string(self.path.with_file_name(MANIFEST)).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()?.get(self.name()).cloned()
    }
}

/// Facts about the files beside it, by name.
const MANIFEST: &str = "manifest.json";

/// What a reader makes of a file.
enum Reading {
    Cases(Vec<Case>),
    /// It says what is expected of another file, or is data that cases need.
    Companion,
    /// Its form is not known.
    Unknown,
}

/// Reads a file of a topic.
type Reader = fn(&VectorFile) -> Reading;

/// A topic, and how many percent of its cases pass at least; fewer fail `cargo xtask test`.
struct Topic {
    name: &'static str,
    reader: Reader,
    least: usize,
}

/// The topics that are examined.
const TOPICS: [Topic; 12] = [
    Topic { name: "antispam", reader: antispam::read, least: 95 },
    Topic { name: "arc", reader: arc::read, least: 99 },
    Topic { name: "attach", reader: attach::read, least: 98 },
    Topic { name: "dkim", reader: dkim::read, least: 100 },
    Topic { name: "dmarc", reader: dmarc::read, least: 98 },
    Topic { name: "mime", reader: mime::read, least: 98 },
    Topic { name: "psl", reader: psl::read, least: 98 },
    Topic { name: "smtp", reader: smtp::read, least: 100 },
    Topic { name: "spf", reader: spf::read, least: 100 },
    Topic { name: "tnef", reader: tnef::read, least: 98 },
    Topic { name: "unicode", reader: unicode::read, least: 98 },
    Topic { name: "url", reader: url::read, least: 98 },
];

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

/// The step of `cargo xtask test`: no topic may fall behind.
pub(crate) fn step(workspace: &Workspace, report: &mut Report) {
    report.step(STEP, || {
        let results = examine(&SharedData::locate(workspace)?.path("vectors"))?;
        let behind = TOPICS.iter().find(|topic| {
            let (pass, total) = results.counts(Some(topic.name));
            pass * 100 < topic.least * total
        });
        let (pass, total) = results.counts(None);
        match behind {
            None if total > 0 => Ok(format!("{pass} of {total} cases")),
            _ => Err(Shortfall::Failed(results.to_text())),
        }
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
    let results = examine(&vectors).map_err(|error| format!("{}: {error}", vectors.display()))?;
    Ok(if json { results.to_json().to_string() } else { results.to_text() })
}

fn examine(vectors: &Path) -> std::io::Result<Results> {
    let mut results = Results::default();
    for folder in sorted(vectors)?.into_iter().filter(|path| path.is_dir()) {
        let name = name_of(&folder);
        match TOPICS.iter().find(|topic| topic.name == name) {
            Some(topic) => examine_folder(topic, &folder, &folder, &mut results)?,
            None => results.unread.push(format!("{name}/")),
        }
    }
    Ok(results)
}

fn examine_folder(topic: &Topic, root: &Path, folder: &Path, results: &mut Results) -> std::io::Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            examine_folder(topic, root, &path, results)?;
            continue;
        }
        if is_about_the_data(&path) {
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let file = VectorFile { bytes: fs::read(&path).unwrap_or_default(), path };
        match without_panic(|| (topic.reader)(&file)) {
            Ok(Reading::Cases(cases)) => results.add(topic.name, name, cases),
            Ok(Reading::Companion) => {}
            Ok(Reading::Unknown) => results.unread.push(format!("{}/{name}", topic.name)),
            Err(why) => results.add(topic.name, name, vec![Case::new("reading", Err(why))]),
        }
    }
    Ok(())
}

/// Runs what must never panic, and tells if it did.
fn without_panic<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        format!("panic: {}", text.unwrap_or("?"))
    })
}

/// What a case says when a value is not the expected one.
fn same<T: PartialEq + std::fmt::Debug + ?Sized>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} where {expected:?} is expected")) }
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
    name.ends_with(".md") || ["licence", "license", "copying", "notice", "readme"].iter().any(|word| name.contains(word))
}
