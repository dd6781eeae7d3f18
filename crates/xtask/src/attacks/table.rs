//! What attacks did, as a table.

use std::fmt::Write as _;

use super::{Attack, Tried};

/// Of all caught messages, no more than so many in a hundred are to turn clean under one attack.
const MOST_PERCENT: usize = 2;

/// One attack, tried on many messages.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    pub(super) tried: usize,
    pub(super) clean: usize,
    /// Of the messages of the tests, so many may turn clean.
    most: usize,
    /// Sum of the changes of scores, in hundredths.
    changed: i64,
}

impl Outcome {
    pub(super) fn of(attack: &Attack, tried: &[&Tried]) -> Self {
        Self {
            name: attack.name,
            tried: tried.len(),
            clean: tried.iter().filter(|one| one.turned_clean).count(),
            most: attack.most,
            changed: tried.iter().map(|one| one.to.hundredths() - one.from.hundredths()).sum(),
        }
    }

    /// What is wrong with it, for the messages of the tests: more turned clean than may, or it found nothing to change.
    pub(super) fn fault(&self) -> Option<String> {
        let Self { name, tried, clean, most, .. } = self;
        match (*tried, *clean) {
            (0, _) => Some(format!("{name}: no message to change")),
            (_, clean) if clean > *most => Some(format!("{name}: {clean} of {tried}, {most} known")),
            _ => None,
        }
    }

    /// Whether more turned clean than is asked for.
    fn is_known(&self) -> bool {
        self.clean * 100 > self.tried * MOST_PERCENT
    }

    fn percent(&self) -> f64 {
        // Counts of messages, far below what a double holds exactly.
        self.clean as f64 * 100.0 / self.tried.max(1) as f64
    }

    fn mean(&self) -> f64 {
        self.changed as f64 / 100.0 / self.tried.max(1) as f64
    }
}

/// The table, the attacks that turn most messages first.
pub(super) fn write(outcomes: &[Outcome]) -> String {
    let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
    sorted.sort_by(|a, b| b.percent().total_cmp(&a.percent()).then_with(|| a.name.cmp(b.name)));
    let mut text = String::from("| attack | messages | turned clean | | mean change of points |\n|---|---|---|---|---|\n");
    for outcome in sorted {
        let Outcome { name, tried, clean, .. } = outcome;
        let mark = if outcome.is_known() { " (!)" } else { "" };
        let _ = writeln!(text, "| {name} | {tried} | {clean} | {:.1} %{mark} | {:+.2} |", outcome.percent(), outcome.mean());
    }
    text
}

/// The successful edits that change least, at most so many; of each attack the cheapest few.
pub(super) fn cheapest(attacks: &[Attack], tried: &[Tried], most: usize) -> String {
    const OF_ONE_ATTACK: usize = 3;
    let mut turned: Vec<&Tried> = tried.iter().filter(|one| one.turned_clean).collect();
    turned.sort_by(|a, b| (a.bytes, &a.path).cmp(&(b.bytes, &b.path)));
    let mut shown = vec![0; attacks.len()];
    turned.retain(|one| {
        shown[one.attack] += 1;
        shown[one.attack] <= OF_ONE_ATTACK
    });
    let mut text = String::from("| bytes changed | attack | from | to | message |\n|---|---|---|---|---|\n");
    for one in turned.into_iter().take(most) {
        let _ = writeln!(text, "| {} | {} | {} | {} | {} |", one.bytes, attacks[one.attack].name, one.from, one.to, one.path);
    }
    text
}
