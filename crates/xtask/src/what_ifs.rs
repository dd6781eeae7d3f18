//! What-ifs from capsules of the corpus, held against fresh scans message by message: one rule less, one rule more.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::corpus::Corpus;
use crate::report::Shortfall;
use crate::workspace::Workspace;

/// Two tests: one that header fields answer, and one that only the text does.
const MORE: &str = r#"
family = "more"
[[rule]]
id = "more"
score = "5.00"
why = "one more"
when = { any = [{ in = "subject", words = ["account", "free"] }, { in = "text", words = ["unsubscribe", "wire transfer"] }] }
"#;

/// Class and score of each message, by its SHA-256.
type Verdicts = BTreeMap<String, (String, String)>;

/// A supposed change, with what fresh scans without and with it say.
#[derive(Debug)]
pub(crate) struct WhatIf {
    name: &'static str,
    options: Vec<PathBuf>,
    before: Verdicts,
    after: Verdicts,
}

impl WhatIf {
    /// Scans the corpus as it is, without the rule that decides most, and with one rule more. The capsules are any of it.
    pub(crate) fn all(workspace: &Workspace, corpus: &Corpus, capsules: &Path) -> Result<Vec<Self>, Shortfall> {
        let (less, more) = (workspace.target("what-if.toml"), workspace.target("what-if-rules.toml"));
        fs::write(&less, format!("[rules]\ndisable = [{:?}]\n", deciding(workspace, capsules)?))?;
        fs::write(&more, MORE)?;
        let before = scan(workspace, corpus, &[])?;
        let less = vec!["--config".into(), less];
        let more = vec!["--rules".into(), "builtin".into(), "--rules".into(), more];
        [("one rule less", less), ("one rule more", more)]
            .into_iter()
            .map(|(name, options)| {
                let after = scan(workspace, corpus, &options)?;
                Ok(Self { name, options, before: before.clone(), after })
            })
            .collect()
    }

    /// Holds what capsules of a level say against the fresh scan; says how many verdicts changed and stayed undecided.
    pub(crate) fn check(&self, workspace: &Workspace, level: &str, capsules: &Path) -> Result<String, Shortfall> {
        let xd = workspace.program(workspace.xd()).arguments(["replay", "--format", "csv"]);
        let xd = self.options.iter().fold(xd, |xd, option| xd.argument(option));
        let output = String::from_utf8_lossy(&xd.argument(capsules).output()?).into_owned();
        let failed = |why: String| Shortfall::Failed(format!("{level}, {}: {why}", self.name));
        let (mut rows, mut changed, mut undecided) = (0, 0, 0);
        for row in output.lines().skip(1) {
            rows += 1;
            // No comma stands in the first six cells.
            let cells: Vec<&str> = row.splitn(7, ',').collect();
            let [id, outcome, from, to, score_from, score_to, _] = cells[..] else { return Err(failed(row.to_owned())) };
            let (Some(before), Some(after)) = (self.before.get(id), self.after.get(id)) else {
                return Err(failed(format!("no scan has {id}")));
            };
            let recorded = (before.0.as_str(), before.1.as_str()) == (from, score_from);
            let agrees = match outcome {
                "undecided" => {
                    undecided += 1;
                    level != "content"
                }
                _ => {
                    changed += u64::from(outcome == "changed");
                    let told = score_to == after.1 || (score_to.is_empty() && level != "content");
                    to == after.0 && (outcome == "changed") == (before.0 != after.0) && told
                }
            };
            if !(recorded && agrees) {
                return Err(failed(format!("{row}, but scans say {before:?} and {after:?}")));
            }
        }
        if rows < self.before.len() || (changed == 0 && undecided == 0) {
            return Err(failed(format!("{rows} verdicts, {changed} of them changed")));
        }
        Ok(format!("{} {changed} changed {undecided} undecided", self.name))
    }
}

/// The rule without which most messages would have another class.
fn deciding(workspace: &Workspace, capsules: &Path) -> Result<String, Shortfall> {
    let xd = workspace.program(workspace.xd()).arguments(["rules", "value", "--format", "json"]);
    let value: Value = serde_json::from_slice(&xd.argument(capsules).output()?).map_err(|error| unreadable(&error))?;
    let rule = value["rules"][0]["rule"].as_str();
    rule.map(str::to_owned).ok_or_else(|| Shortfall::Failed("no rule has a value".to_owned()))
}

fn scan(workspace: &Workspace, corpus: &Corpus, options: &[PathBuf]) -> Result<Verdicts, Shortfall> {
    let xd = workspace.program(workspace.xd()).arguments(["scan", "--format", "jsonl"]);
    let xd = options.iter().fold(xd, |xd, option| xd.argument(option));
    let output = xd.argument(corpus.dev()).output()?;
    let mut verdicts = Verdicts::new();
    for line in output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).map_err(|error| unreadable(&error))?;
        let text = |member: &str| line[member].as_str().unwrap_or_default().to_owned();
        verdicts.insert(text("sha256"), (text("class"), text("score")));
    }
    Ok(verdicts)
}

fn unreadable(error: &serde_json::Error) -> Shortfall {
    Shortfall::Failed(format!("the output is not the described JSON: {error}"))
}
