//! The least edit of two rules.
//!
//! A cap makes what a rule gives rise in parts and rest in others, never by more than its own points. So while one rule is moved on, what
//! the other needs falls by as much or not at all, and the sum of both gets no smaller, except where the other is spared at once: where
//! the first alone is enough for a message, or where it lets the second, moved as far as it goes, be enough. Only these places need
//! be tried, for each message.

use super::{Edits, Problem, least, there};

/// Comparisons of a message with an edit for all pairs together; beyond, pairs are left out, and that is said. About two seconds.
const WORK_MAX: usize = 20_000_000;

impl Problem<'_> {
    /// The least edit of two of these rules, if there is one of less than `best`; and whether all pairs were tried.
    pub(super) fn pair(&self, rules: &[usize], best: Option<i64>) -> (Option<Edits>, bool) {
        let mut found = None;
        let mut best = best.unwrap_or(i64::MAX);
        let mut work = 0;
        for (place, &one) in rules.iter().enumerate() {
            for &other in &rules[place + 1..] {
                if work > WORK_MAX {
                    return (found, false);
                }
                if best == self.at_least {
                    return (found, true);
                }
                if let Some((a, b)) = self.least_of_two(one, other, best, &mut work) {
                    best = a + b;
                    found = Some(self.edits(&[(one, a), (other, b)]));
                }
            }
        }
        (found, true)
    }

    /// The least moves of two rules that do it together, if they are less than `best`.
    fn least_of_two(&self, one: usize, other: usize, best: i64, work: &mut usize) -> Option<(i64, i64)> {
        let (room_a, room_b) = (self.room(one), self.room(other));
        *work += self.samples.len();
        if !self.does(&[self.moved(one, room_a), self.moved(other, room_b)]) {
            return None;
        }
        let mut places = vec![0];
        for sample in &self.samples {
            for b in [0, room_b] {
                *work += STEPS;
                let enough = |a: i64| there(self.aim, sample, self.rules, &[self.moved(one, a), self.moved(other, b)]);
                places.extend(least(0, room_a, enough));
            }
        }
        places.sort_unstable();
        places.dedup();
        let mut found: Option<(i64, i64)> = None;
        for a in places {
            let below = found.map_or(best, |(a, b)| a + b);
            // No more of the other than keeps the sum below what is known.
            let most = room_b.min(below.saturating_sub(a).saturating_sub(1));
            if most < 0 {
                break;
            }
            *work += STEPS * self.samples.len();
            if let Some(b) = least(0, most, |b| self.does(&[self.moved(one, a), self.moved(other, b)])) {
                found = Some((a, b));
            }
        }
        found
    }
}

/// Steps in which a place is found by halving.
const STEPS: usize = 12;
