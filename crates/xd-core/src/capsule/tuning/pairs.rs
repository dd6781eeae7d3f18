//! The least edit of two rules.
//!
//! A cap makes what a rule gives rise in parts and rest in others, never by more than its own points. So while one rule is moved on, what
//! the other needs falls by as much or not at all, and the sum of both gets no smaller, except where the other is spared at once: where
//! the first alone is enough for a message, or where it lets the second, moved as far as it goes, be enough. Only these places need
//! be tried, for each message.

use super::{Edits, Problem, STEPS, least, there};

/// Counts comparisons; says whether there are too many now.
#[derive(Debug)]
struct Work {
    done: usize,
    most: usize,
}

impl Work {
    fn is_too_much(&mut self, more: usize) -> bool {
        self.done = self.done.saturating_add(more);
        self.done > self.most
    }
}

impl Problem<'_> {
    /// The least edit of two of these rules, if there is one of less than `best`; and whether all pairs were tried.
    pub(super) fn pair(&self, rules: &[usize], best: Option<i64>) -> (Option<Edits>, bool) {
        let mut found = None;
        let mut best = best.unwrap_or(i64::MAX);
        let mut work = Work { done: 0, most: self.work_max };
        for (place, &one) in rules.iter().enumerate() {
            for &other in &rules[place + 1..] {
                if self.bound() == Some(best) {
                    return (found, true);
                }
                let (moves, whole) = self.least_of_two(one, other, best, &mut work);
                if let Some((a, b)) = moves {
                    best = a.saturating_add(b);
                    found = Some(self.edits(&[(one, a), (other, b)]));
                }
                if !whole {
                    return (found, false);
                }
            }
        }
        (found, true)
    }

    /// The least moves of two rules that do it together, if they are less than `best`; and whether all places were tried.
    fn least_of_two(&self, one: usize, other: usize, best: i64, work: &mut Work) -> (Option<(i64, i64)>, bool) {
        let (room_a, room_b) = (self.room(one), self.room(other));
        if work.is_too_much(self.samples.len()) {
            return (None, false);
        }
        if !self.does(&[self.moved(one, room_a), self.moved(other, room_b)]) {
            return (None, true);
        }
        let mut places = vec![0];
        for sample in &self.samples {
            if work.is_too_much(2 * STEPS) {
                return (None, false);
            }
            for b in [0, room_b] {
                let enough = |a: i64| there(self.aim, sample, self.rules, &[self.moved(one, a), self.moved(other, b)]);
                places.extend(least(0, room_a, enough));
            }
        }
        places.sort_unstable();
        places.dedup();
        let mut found: Option<(i64, i64)> = None;
        for a in places {
            let below = found.map_or(best, |(a, b)| a.saturating_add(b));
            // No more of the other than keeps the sum below what is known.
            let most = room_b.min(below.saturating_sub(a).saturating_sub(1));
            if most < 0 {
                break;
            }
            if work.is_too_much(STEPS.saturating_mul(self.samples.len())) {
                return (found, false);
            }
            if let Some(b) = least(0, most, |b| self.does(&[self.moved(one, a), self.moved(other, b)])) {
                found = Some((a, b));
            }
        }
        (found, true)
    }
}
