//! How far chance reaches: figures of the same messages with their clusters drawn anew, many times.
//!
//! Near-duplicates stand or fall together, so clusters are drawn, not messages: an interval of single messages would promise more than they
//! can tell. Draws are the same each time. An interval holds the middle 95 % of the draws (the percentile bootstrap).

use std::cmp::Reverse;

use xd_core::Score;

use super::manifest::Kind;
use super::tally::Tally;

/// What is measured: AUC, recalls at the false-positive rates of [`RATES`], recall and false positives at both thresholds.
pub(super) const FIGURES: usize = 9;

/// The false-positive rates at which recall is reported, in thousandths.
pub(super) const RATES: [u64; 4] = [0, 1, 5, 10];

/// The names of the figures.
pub(super) const NAMES: [&str; FIGURES] = [
    "AUC",
    "recall at 0 false positives",
    "recall at 0.1 %",
    "recall at 0.5 %",
    "recall at 1 %",
    "recall at spam",
    "false positives at spam",
    "recall at surespam",
    "false positives at surespam",
];

/// Shares from 0 to 1; none where there is nothing to divide by.
pub(super) type Figures = [Option<f64>; FIGURES];

/// The middle of what was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The figures of a set of messages, and the intervals of each.
#[derive(Clone, Debug)]
pub(super) struct Intervals {
    pub(super) resamples: u32,
    pub(super) clusters: usize,
    pub(super) intervals: [Option<Interval>; FIGURES],
    /// Of the other judge, where there is one: its figures, what they are more than the first's, and the intervals of that.
    pub(super) other: Option<Difference>,
}

/// How figures of two judges differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Difference {
    pub(super) first: Figures,
    pub(super) second: Figures,
    pub(super) intervals: [Option<Interval>; FIGURES],
}

/// Messages with scores, the highest first.
struct Ranked {
    messages: Vec<(Score, bool, usize)>,
    thresholds: [Score; 2],
}

impl Intervals {
    pub(super) fn of(tally: &Tally, resamples: u32) -> Self {
        let first = Ranked::of(tally, |record| Some(record.judged.score));
        let second = tally.records.iter().any(|record| record.other.is_some());
        let second = second.then(|| Ranked::of(tally, |record| record.other.as_ref().map(|other| other.score)));
        let mut drawn: [Vec<f64>; FIGURES] = Default::default();
        let mut differences: [Vec<f64>; FIGURES] = Default::default();
        let mut chance = Chance(0x7864_2065_7661_6c31);
        let mut weights = vec![0_u32; tally.clusters];
        for _ in 0..resamples {
            weights.fill(0);
            for _ in 0..tally.clusters {
                weights[chance.below(tally.clusters)] += 1;
            }
            let figures = first.figures(|cluster| weights[cluster]);
            keep(&mut drawn, figures);
            // The same draw for both: what they share is no difference.
            if let Some(second) = &second {
                keep(&mut differences, minus(second.figures(|cluster| weights[cluster]), figures));
            }
        }
        let other = second.map(|second| Difference {
            first: first.figures(|_| 1),
            second: second.figures(|_| 1),
            intervals: differences.map(interval),
        });
        Self { resamples, clusters: tally.clusters, intervals: drawn.map(interval), other }
    }
}

impl Difference {
    /// What the second's figure is more than the first's.
    pub(super) fn of(&self, figure: usize) -> Option<f64> {
        minus(self.second, self.first)[figure]
    }
}

fn keep(drawn: &mut [Vec<f64>; FIGURES], figures: Figures) {
    for (drawn, figure) in drawn.iter_mut().zip(figures) {
        drawn.extend(figure);
    }
}

fn minus(a: Figures, b: Figures) -> Figures {
    std::array::from_fn(|at| Some(a[at]? - b[at]?))
}

/// The middle 95 %; none of nothing.
fn interval(mut drawn: Vec<f64>) -> Option<Interval> {
    drawn.sort_by(f64::total_cmp);
    let beyond = drawn.len() / 40;
    Some(Interval { low: *drawn.get(beyond)?, high: *drawn.get(drawn.len() - 1 - beyond)? })
}

impl Ranked {
    fn of(tally: &Tally, score: impl Fn(&super::tally::Record) -> Option<Score>) -> Self {
        let labelled = tally.records.iter().filter(|record| record.kind != Kind::Other);
        let mut messages: Vec<(Score, bool, usize)> =
            labelled.filter_map(|record| Some((score(record)?, record.kind == Kind::Spam, record.cluster))).collect();
        messages.sort_by_key(|message| Reverse(message.0));
        Self { messages, thresholds: tally.thresholds.map(|(_, score)| score) }
    }

    /// The figures when each message counts as often as its cluster.
    fn figures(&self, weight: impl Fn(usize) -> u32) -> Figures {
        let weigh = |wanted: bool| -> u64 {
            let of = self.messages.iter().filter(|(_, is_spam, _)| *is_spam == wanted);
            of.map(|(_, _, cluster)| u64::from(weight(*cluster))).sum()
        };
        let (all_ham, all_spam) = (weigh(false), weigh(true));
        let (mut ham, mut spam, mut doubled) = (0_u64, 0_u64, 0_u128);
        let mut recalls = [0_u64; RATES.len()];
        let mut flagged = [(0_u64, 0_u64); 2];
        for equal in self.messages.chunk_by(|a, b| a.0 == b.0) {
            let (mut more_ham, mut more_spam) = (0, 0);
            for (_, is_spam, cluster) in equal {
                *(if *is_spam { &mut more_spam } else { &mut more_ham }) += u64::from(weight(*cluster));
            }
            doubled += u128::from(more_ham) * u128::from(2 * spam + more_spam);
            ham += more_ham;
            spam += more_spam;
            for (recall, thousandths) in recalls.iter_mut().zip(RATES) {
                if ham * 1000 <= thousandths * all_ham {
                    *recall = spam;
                }
            }
            for (flagged, threshold) in flagged.iter_mut().zip(self.thresholds) {
                if equal[0].0 >= threshold {
                    *flagged = (ham, spam);
                }
            }
        }
        // Counts of messages: far below what a double holds exactly.
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let both = all_ham > 0 && all_spam > 0;
        let auc = both.then(|| doubled as f64 / (2.0 * all_ham as f64 * all_spam as f64));
        let recall = |at: usize| if both { share(recalls[at], all_spam) } else { None };
        let [(spam_ham, spam_spam), (sure_ham, sure_spam)] = flagged;
        [
            auc,
            recall(0),
            recall(1),
            recall(2),
            recall(3),
            share(spam_spam, all_spam),
            share(spam_ham, all_ham),
            share(sure_spam, all_spam),
            share(sure_ham, all_ham),
        ]
    }
}

/// SplitMix64: numbers that look random and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The high half of the product lies below the bound.
        usize::try_from((u128::from(z) * bound as u128) >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(messages: &[(i64, bool, usize)]) -> Ranked {
        let mut messages: Vec<_> =
            messages.iter().map(|&(score, is_spam, cluster)| (Score::from_hundredths(score), is_spam, cluster)).collect();
        messages.sort_by_key(|message| Reverse(message.0));
        Ranked { messages, thresholds: [500, 1000].map(Score::from_hundredths) }
    }

    #[test]
    fn a_cluster_drawn_twice_counts_twice() {
        let all = ranked(&[(600, true, 0), (100, true, 1), (200, false, 2)]);
        let once = all.figures(|_| 1);
        assert_eq!((once[0], once[5], once[6]), (Some(0.5), Some(0.5), Some(0.0)));
        let twice = all.figures(|cluster| if cluster == 0 { 2 } else { 1 });
        assert_eq!((twice[0], twice[5]), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        let gone = all.figures(|cluster| u32::from(cluster != 2));
        assert_eq!((gone[0], gone[1], gone[5], gone[6]), (None, None, Some(0.5), None));
    }

    #[test]
    fn ties_are_never_split() {
        let all = ranked(&[(600, true, 0), (600, false, 1), (700, true, 2)]);
        assert_eq!(all.figures(|_| 1)[1], Some(0.5));
    }

    #[test]
    fn the_middle_leaves_out_a_fortieth_at_each_end() {
        let drawn = (0..1000).map(f64::from).collect();
        assert_eq!(interval(drawn), Some(Interval { low: 25.0, high: 974.0 }));
        assert_eq!(interval(vec![1.0]), Some(Interval { low: 1.0, high: 1.0 }));
        assert_eq!(interval(vec![]), None);
    }

    #[test]
    fn draws_are_spread_evenly() {
        let mut chance = Chance(1);
        let mut counts = [0_u32; 7];
        (0..7_000).for_each(|_| counts[chance.below(7)] += 1);
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
