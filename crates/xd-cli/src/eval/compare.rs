//! Two judges on the same messages: how their figures differ, and which messages changed class.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use xd_config::NO_MODEL;
use xd_core::{Score, SpamClass, classify};

use crate::arguments::{Eval, JudgeArguments};
use crate::engine::BUILTIN;
use crate::failure::Failure;
use crate::judging::Judge;

use super::manifest::Kind;
use super::resample::{Difference, Intervals};
use super::tally::Tally;

/// What another judge makes of the same messages.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    /// The hash of its engine.
    pub(super) engine: String,
    pub(super) difference: Difference,
    /// The messages whose class is another, in the order of the input.
    pub(super) changed: Vec<Changed>,
}

/// A message that another judge puts into another class.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) path: String,
    pub(super) label: String,
    pub(super) from: SpamClass,
    pub(super) to: SpamClass,
    pub(super) score_from: Score,
    pub(super) score_to: Score,
    /// Whether the other judge is right where the first was wrong; none where labels do not say.
    pub(super) is_better: Option<bool>,
}

/// The judge whose figures are reported, and the one it is compared with.
pub(super) fn judges(arguments: &Eval) -> Result<(Judge, Option<Judge>), Failure> {
    let usual = Judge::try_new(&arguments.judge)?;
    // Other rules keep the model: what is asked is what the rules change.
    let model = usual.engine().model().map_or(NO_MODEL, |model| model.name()).to_owned();
    let model = (model == NO_MODEL || classify::BUILTIN.contains(&model.as_str())).then_some(model);
    let judge = |what: &PathBuf| Judge::try_new(&with(&arguments.judge, model.as_ref(), what));
    Ok(match arguments.compare.as_slice() {
        [] => (usual, None),
        [other] => (usual, Some(judge(other)?)),
        [first, other, ..] => (judge(first)?, Some(judge(other)?)),
    })
}

/// The arguments with other rules beside a model, or with another model.
fn with(arguments: &JudgeArguments, beside: Option<&String>, what: &Path) -> JudgeArguments {
    let JudgeArguments { config, rules, model, delta } = arguments;
    let (config, delta) = (config.clone(), delta.clone());
    let is_rules = what.as_os_str() == BUILTIN || what.is_dir() || what.extension() == Some(OsStr::new("toml"));
    if is_rules {
        JudgeArguments { config, rules: vec![what.to_owned()], model: model.as_ref().or(beside).cloned(), delta }
    } else {
        JudgeArguments { config, rules: rules.clone(), model: Some(what.to_string_lossy().into_owned()), delta }
    }
}

impl Comparison {
    /// The messages whose class is another, those first for which the other judge is worse.
    pub(super) fn worst_first(&self) -> Vec<&Changed> {
        let mut changed: Vec<_> = self.changed.iter().collect();
        changed.sort_by_key(|changed| changed.is_better.map_or(1, |is_better| if is_better { 2 } else { 0 }));
        changed
    }

    /// What `other` made of the messages; none where nothing was measured.
    pub(super) fn of(tally: &Tally, other: &Judge, intervals: &Intervals) -> Option<Self> {
        let changed = tally.records.iter().filter_map(|record| {
            let (first, second) = (&record.judged, record.other.as_ref()?);
            let (was, is) = (first.class != SpamClass::Clean, second.class != SpamClass::Clean);
            (first.class != second.class).then(|| Changed {
                path: record.path.clone(),
                label: record.label.clone(),
                from: first.class,
                to: second.class,
                score_from: first.score,
                score_to: second.score,
                is_better: match record.kind {
                    Kind::Ham if was != is => Some(was),
                    Kind::Spam if was != is => Some(is),
                    _ => None,
                },
            })
        });
        Some(Self { engine: other.engine().hash().to_string(), difference: intervals.other?, changed: changed.collect() })
    }
}
