//! Changes of settings that a what-if supposes.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::Settings;
use crate::rules::Rule;
use crate::{Operator, Score, Thresholds};

/// How settings would differ from those that were in force. The default changes nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SettingsChange {
    /// Settings in place of all that were in force, those of single recipients too.
    pub replace: Option<Settings>,
    /// Who would run the filter.
    pub operator: Option<Operator>,
    /// Thresholds in place of all.
    pub thresholds: Option<Thresholds>,
    /// Rules that would not score.
    pub disable: BTreeSet<String>,
    /// Rules that would score, though they did not.
    pub enable: BTreeSet<String>,
    /// Scores in place of those in settings and rules.
    pub scores: BTreeMap<String, Score>,
}

impl SettingsChange {
    fn base<'s>(&'s self, in_force: &'s Settings) -> &'s Settings {
        self.replace.as_ref().unwrap_or(in_force)
    }

    pub(super) fn thresholds(&self, in_force: &Settings) -> Thresholds {
        self.thresholds.unwrap_or_else(|| self.base(in_force).thresholds)
    }

    pub(super) fn disables(&self, in_force: &Settings, rule: &str) -> bool {
        self.disable.contains(rule) || (self.base(in_force).disabled.contains(rule) && !self.enable.contains(rule))
    }

    pub(super) fn score(&self, in_force: &Settings, rule: &Rule) -> Score {
        self.scores.get(rule.id()).copied().unwrap_or_else(|| self.base(in_force).score_of(rule))
    }

    /// Settings as they would be.
    pub(super) fn applied(&self, in_force: &Settings) -> Settings {
        let mut settings = self.base(in_force).clone();
        settings.thresholds = self.thresholds(in_force);
        settings.disabled.retain(|rule| !self.enable.contains(rule));
        settings.disabled.extend(self.disable.iter().cloned());
        settings.scores.extend(self.scores.iter().map(|(rule, score)| (rule.clone(), *score)));
        settings
    }

    pub(super) fn operator_differs(&self, operator: &Operator) -> bool {
        self.operator.as_ref().is_some_and(|other| other != operator)
    }

    pub(super) fn apply_operator(&self, operator: &mut Operator) {
        if let Some(other) = &self.operator {
            operator.clone_from(other);
        }
    }

    /// Whether the points of every rule may change: which, depends on the settings of each recipient.
    pub(super) fn is_general(&self) -> bool {
        self.replace.is_some()
    }

    /// The rules whose points may change.
    pub(super) fn rules(&self) -> impl Iterator<Item = &str> {
        self.disable.iter().chain(&self.enable).chain(self.scores.keys()).map(String::as_str)
    }
}
