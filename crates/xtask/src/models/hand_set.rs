//! The scores that rules were given by hand, which a fit starts from, and the bounds that it keeps.
//!
//! They stand in `hand-set.toml`, since rule files hold what was fitted. A rule that is not there yet counts as set by hand to what its file says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use xd_core::{Engine, Score};

use super::fit::{Bounds, GRID};
use super::labelled::Labelled;
use super::scores::{Scores, hundredths};
use crate::report::Shortfall;
use crate::workspace::Workspace;

const FILE: &str = "crates/xtask/src/models/hand-set.toml";

/// For each family, the least and most that its rules may give, in percent of the score that was set by hand. What words say, the model says too;
/// what a message is made of may count for more than was thought. Files stay as they are: the corpus has few, and what they do is known.
const FAMILIES: [(&str, i32, i32); 12] = [
    ("bounces", 100, 100),
    ("bulk", 20, 100),
    ("combinations", 20, 100),
    ("files", 100, 100),
    ("fraud", 20, 100),
    ("headers", 20, 150),
    ("html", 20, 150),
    ("identity", 20, 150),
    ("links", 20, 150),
    // The corpus tells nothing of them.
    ("senders", 100, 100),
    ("test", 100, 100),
    ("text", 20, 100),
];
/// A rule that holds for messages of fewer groups keeps the score that was set by hand: so few say little.
const LEAST_GROUPS: usize = 20;
/// What a fit holds scores to, in percent of those set by hand: they were set for rules that judge alone, and models see about half of the same.
const HELD_TO: i32 = 50;

/// Where a fit starts, and where it may go.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) scores: Scores,
    pub(super) bounds: Vec<Bounds>,
}

/// Reads the scores set by hand and says which may move, by how many groups of messages each rule holds for.
///
/// # Errors
/// The file cannot be read, says what is no score, or a family has no bounds.
pub(super) fn start(workspace: &Workspace, engine: &Engine, labelled: &[Labelled]) -> Result<Start, Shortfall> {
    let by_hand = read(workspace)?;
    let mut scores = Scores::of(engine);
    let mut bounds = Vec::new();
    let groups = groups(labelled, scores.of_rules.len());
    for (at, rule) in engine.rules().rules().iter().enumerate() {
        let score = by_hand.get(rule.id()).copied().unwrap_or(scores.of_rules[at]);
        let of_family = FAMILIES.iter().find(|(family, ..)| *family == rule.family());
        let &(_, least, most) =
            of_family.ok_or_else(|| Shortfall::Failed(format!("family {:?} has no bounds", rule.family())))?;
        let stays = score == 0 || least == most || groups[at] < LEAST_GROUPS;
        scores.of_rules[at] = if stays { score } else { share(score, HELD_TO) };
        bounds.push(match stays {
            true => Bounds { least: score, most: score },
            false if score > 0 => Bounds { least: share(score, least).max(GRID), most: share(score, most).max(GRID) },
            false => Bounds { least: share(score, most).min(-GRID), most: share(score, least).min(-GRID) },
        });
    }
    Ok(Start { scores, bounds })
}

/// Writes the file with the rules that there are.
///
/// # Errors
/// It cannot be read or written.
pub(super) fn write(workspace: &Workspace, engine: &Engine) -> Result<(), Shortfall> {
    let by_hand = read(workspace)?;
    let mut out = "# The scores that rules were given by hand. `cargo xtask fit-scores` starts from them and adds the rules that are new.\n".to_owned();
    for rule in engine.rules().rules() {
        let score = by_hand.get(rule.id()).map_or_else(|| rule.score(), |&score| Score::from_hundredths(i64::from(score)));
        // Writing to a string does not fail.
        let _ = writeln!(out, "{} = \"{score}\"", rule.id());
    }
    Ok(fs::write(workspace.path(FILE), out)?)
}

fn read(workspace: &Workspace) -> Result<BTreeMap<String, i32>, Shortfall> {
    let wrong = |what: String| Shortfall::Failed(format!("{FILE}: {what}"));
    let text = fs::read_to_string(workspace.path(FILE))?;
    let table: BTreeMap<String, String> = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let score = |(id, text): (String, String)| {
        let score = Score::parse(&text).map_err(|error| wrong(format!("{id}: {error}")))?;
        Ok((id, hundredths(score)))
    };
    table.into_iter().map(score).collect()
}

/// A percentage of a score, on the grid.
fn share(score: i32, percent: i32) -> i32 {
    let exact = score * percent / 100;
    (exact + exact.signum() * GRID / 2) / GRID * GRID
}

/// For how many groups of messages each rule holds.
fn groups(labelled: &[Labelled], rules: usize) -> Vec<usize> {
    let mut held: Vec<Vec<&str>> = vec![Vec::new(); rules];
    for one in labelled {
        for &rule in &one.held {
            held[rule].push(&one.example.group);
        }
    }
    let count = |mut groups: Vec<&str>| {
        groups.sort_unstable();
        groups.dedup();
        groups.len()
    };
    held.into_iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_the_grid_away_from_nothing() {
        assert_eq!([share(150, 50), share(130, 50), share(-130, 50), share(40, 20), share(300, 150)], [80, 70, -70, 10, 450]);
    }

    #[test]
    fn the_file_names_the_rules_that_there_are() {
        let workspace = Workspace::locate();
        let by_hand = read(&workspace).unwrap();
        let engine = Engine::builtin().unwrap();
        let names = engine.rules().rules().iter().map(xd_core::rules::Rule::id);
        assert!(names.eq(by_hand.keys().map(String::as_str)), "run `cargo xtask fit-scores`");
        let start = start(&workspace, &engine, &[]).unwrap();
        for (rule, score) in engine.rules().rules().iter().zip(&start.scores.of_rules) {
            assert_eq!(hundredths(rule.score()).signum(), score.signum(), "{}", rule.id());
        }
    }
}
