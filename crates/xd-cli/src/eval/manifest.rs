//! Labelled messages: a manifest's table, or lists of ham and spam.

use std::path::Path;

use xd_core::rules::RuleError;

use crate::arguments::{By, Eval};
use crate::engine::read;
use crate::failure::Failure;
use crate::input::Argument;

/// What a label means for the figures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Ham,
    /// Neither, like bounces: reported apart.
    Other,
    Spam,
}

/// What is known of the messages of one argument before they are read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sample {
    pub(super) kind: Kind,
    pub(super) label: String,
    /// The group that the manifest names.
    pub(super) group: Option<String>,
    /// What the manifest says it belongs to: near-duplicates, one mailing, one sender.
    pub(super) cluster: Option<String>,
}

/// The samples, and the arguments that lead to them; an argument's tag is the index of its sample.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) samples: Vec<Sample>,
    pub(super) arguments: Vec<Argument>,
}

impl Kind {
    fn of(label: &str) -> Self {
        match label {
            "ham" => Self::Ham,
            "phish" | "spam" => Self::Spam,
            _ => Self::Other,
        }
    }
}

impl Samples {
    /// The samples that the command line names.
    pub(super) fn of(arguments: &Eval) -> Result<Self, Failure> {
        if let (Some(manifest), Some(root)) = (&arguments.manifest, &arguments.root) {
            return Self::of_manifest(manifest, root, arguments.by);
        }
        if arguments.by == Some(By::Source) {
            return Err(Failure::operator("--by source needs a manifest; --by dir groups by directory"));
        }
        let mut all = Self { samples: Vec::new(), arguments: Vec::new() };
        for (paths, label) in [(&arguments.ham, "ham"), (&arguments.spam, "spam")] {
            for path in paths {
                all.push(path, Sample { kind: Kind::of(label), label: label.to_owned(), group: None, cluster: None });
            }
        }
        Ok(all)
    }

    fn of_manifest(manifest: &Path, root: &Path, by: Option<By>) -> Result<Self, Failure> {
        let source = read(manifest)?;
        let wrong = |line: usize, message: String| {
            Failure::Sources(vec![RuleError { file: source.name.clone(), line, column: 1, message }])
        };
        let mut lines = source.text.lines().enumerate();
        let heading: Vec<&str> = lines.next().map_or("", |(_, line)| line).split('\t').collect();
        let column = |name: &str| {
            let found = heading.iter().position(|&title| title == name);
            found.ok_or_else(|| wrong(1, format!("expected a tab-separated table with a column {name:?}")))
        };
        let (path_column, label_column) = (column("path")?, column("label")?);
        let source_column = if by == Some(By::Source) { Some(column("source")?) } else { None };
        let named = |name: &str| heading.iter().position(|&title| title == name);
        let cluster_column = named("cluster").or_else(|| named("family"));
        let mut all = Self { samples: Vec::new(), arguments: Vec::new() };
        for (index, line) in lines {
            if line.is_empty() {
                continue;
            }
            let cells: Vec<&str> = line.split('\t').collect();
            let cell = |column: usize| {
                let missing = || wrong(index + 1, format!("expected {} columns, found {}", heading.len(), cells.len()));
                cells.get(column).copied().ok_or_else(missing)
            };
            let (path, label) = (cell(path_column)?, cell(label_column)?);
            let group = match source_column {
                Some(column) => Some(cell(column)?.to_owned()),
                None if by == Some(By::Dir) => Some(directory(path)),
                None => None,
            };
            // A row may say nothing: then the message belongs to no other.
            let cluster = match cluster_column {
                Some(column) => Some(cell(column)?.to_owned()).filter(|cluster| !cluster.is_empty()),
                None => None,
            };
            all.push(&root.join(path), Sample { kind: Kind::of(label), label: label.to_owned(), group, cluster });
        }
        if all.samples.is_empty() {
            return Err(wrong(1, "the table names no message".to_owned()));
        }
        Ok(all)
    }

    fn push(&mut self, path: &Path, sample: Sample) {
        self.arguments.push(Argument { path: path.to_owned(), tag: self.samples.len() });
        self.samples.push(sample);
    }
}

/// The directory of a message by its path.
pub(super) fn directory(path: &str) -> String {
    match Path::new(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_string_lossy().into_owned(),
        _ => ".".to_owned(),
    }
}
