//! What an edit does to messages that were not asked about.

use serde::Serialize;
use xd_core::capsule::Edit;
use xd_core::{Class, Engine};

use super::gather::{Gathered, Part};

/// Messages whose class an edit changes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(super) struct Cost {
    /// Marked ham that becomes clean.
    pub(super) ham_freed: usize,
    /// Clean ham that is marked.
    pub(super) ham_marked: usize,
    /// Marked spam that becomes clean.
    pub(super) spam_lost: usize,
    /// Clean spam that is marked.
    pub(super) spam_caught: usize,
    /// Of either, between spam and sure spam.
    pub(super) other: usize,
}

/// A message whose class changes.
#[derive(Debug, Serialize)]
pub(super) struct Change<'a> {
    pub(super) path: &'a str,
    pub(super) label: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// So many of them are named.
const NAMED: usize = 10;

impl Cost {
    pub(super) fn of<'a>(engine: &Engine, edits: &[Edit], rest: &[&'a Gathered]) -> (Self, Vec<Change<'a>>) {
        let mut cost = Self::default();
        let mut changed = Vec::new();
        for one in rest {
            let [from, to] = [&[], edits].map(|edits| one.standing.class(engine.rules(), edits));
            if from == to {
                continue;
            }
            let is_ham = one.part == Part::Ham;
            *match (is_ham, from == Class::Clean, to == Class::Clean) {
                (true, false, true) => &mut cost.ham_freed,
                (true, true, false) => &mut cost.ham_marked,
                (false, false, true) => &mut cost.spam_lost,
                (false, true, false) => &mut cost.spam_caught,
                _ => &mut cost.other,
            } += 1;
            let label = if is_ham { "ham" } else { "spam" };
            let crosses = (from == Class::Clean) != (to == Class::Clean);
            changed.push((!crosses, Change { path: &one.name, label, from: from.as_str(), to: to.as_str() }));
        }
        // Stable: in the order of the arguments otherwise.
        changed.sort_by_key(|(stays, _)| *stays);
        let changed = changed.into_iter().take(NAMED).map(|(_, change)| change).collect();
        (cost, changed)
    }

    /// Messages that end where they should not.
    pub(super) fn harm(&self) -> usize {
        self.ham_marked + self.spam_lost
    }

    /// Messages that end where they should.
    pub(super) fn gain(&self) -> usize {
        self.ham_freed + self.spam_caught
    }
}
