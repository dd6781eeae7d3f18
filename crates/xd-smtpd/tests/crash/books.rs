//! What clients were told against what the sink got.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::load::Told;
use crate::message::Id;
use crate::sink::{Copy, Sink};

/// A copy acknowledged so shortly before a kill may be delivered again: its mark may not have been committed.
const WINDOW: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Books {
    told: HashMap<Id, Told>,
    kills: Vec<Instant>,
}

/// The sums. The last four are faults.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    pub(crate) acknowledged: usize,
    pub(crate) arrived: usize,
    explained_twice: usize,
    lost: usize,
    corrupted: usize,
    phantom: usize,
    twice: usize,
}

impl Books {
    pub(crate) fn sent(&mut self, told: Vec<(Id, Told, Instant)>) {
        self.told.extend(told.into_iter().map(|(id, told, _)| (id, told)));
    }

    pub(crate) fn killed(&mut self, when: Instant) {
        self.kills.push(when);
    }

    pub(crate) fn all_arrived(&self, sink: &Sink) -> bool {
        let copies = sink.copies();
        let taken = |id: &Id| copies.get(id).is_some_and(|copies| copies.iter().any(|copy| copy.acknowledged.is_some()));
        self.told.iter().filter(|(_, told)| **told == Told::Acknowledged).all(|(id, _)| taken(id))
    }

    pub(crate) fn balance(&self, sink: &Sink) -> Balance {
        let copies = sink.copies();
        let mut balance = Balance { arrived: copies.len(), ..Balance::default() };
        for (id, told) in &self.told {
            let known = copies.get(id).map_or(&[][..], Vec::as_slice);
            if *told == Told::Acknowledged {
                balance.acknowledged += 1;
                balance.lost += usize::from(!known.iter().any(|copy| copy.acknowledged.is_some()));
            }
            balance.phantom += usize::from(matches!(told, Told::Unsent | Told::Refused) && !known.is_empty());
        }
        balance.phantom += copies.keys().filter(|id| !self.told.contains_key(id)).count();
        for known in copies.values() {
            balance.corrupted += known.iter().filter(|copy| !copy.intact).count();
            for copy in known.iter().rev().skip(1) {
                *if self.explains(copy) { &mut balance.explained_twice } else { &mut balance.twice } += 1;
            }
        }
        balance
    }

    /// Whether this copy may rightly have been followed by another.
    fn explains(&self, copy: &Copy) -> bool {
        let Some(when) = copy.acknowledged else { return true };
        self.kills.iter().any(|&kill| kill + WINDOW >= when && when + WINDOW >= kill)
    }
}

impl Balance {
    pub(crate) fn faults(&self) -> usize {
        self.lost + self.corrupted + self.phantom + self.twice
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, arrived, explained_twice, lost, corrupted, phantom, twice } = self;
        write!(f, "{acknowledged} acknowledged, {arrived} arrived, {explained_twice} twice around a crash; ")?;
        write!(f, "lost {lost}, corrupted {corrupted}, phantom {phantom}, twice unexplained {twice}")
    }
}
