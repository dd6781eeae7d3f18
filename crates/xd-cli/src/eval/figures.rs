//! How well scores tell spam from ham, counted exactly.

use std::collections::BTreeMap;

use xd_core::Score;

/// How many ham and spam messages have each score.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Histogram {
    scores: BTreeMap<Score, Counts>,
    total: Counts,
}

/// Numbers of messages.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    pub(super) ham: u64,
    pub(super) spam: u64,
}

/// A threshold with what lies at or above it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Point {
    /// None when even the highest score lets too much ham through: then nothing is flagged.
    pub(super) threshold: Option<Score>,
    pub(super) flagged: Counts,
}

/// A share of messages, kept as a fraction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Share {
    part: u128,
    whole: u128,
}

impl Counts {
    pub(super) fn add(&mut self, is_spam: bool) {
        *(if is_spam { &mut self.spam } else { &mut self.ham }) += 1;
    }
}

impl Histogram {
    pub(super) fn add(&mut self, score: Score, is_spam: bool) {
        self.scores.entry(score).or_default().add(is_spam);
        self.total.add(is_spam);
    }

    /// All messages.
    pub(super) fn total(&self) -> Counts {
        self.total
    }

    /// The probability that a spam message scores higher than a ham message, where equal scores count half; none
    /// without both.
    pub(super) fn auc(&self) -> Option<Share> {
        let mut ham_below = 0_u128;
        // Twice the number of pairs in the right order, so that a tie is 1.
        let mut doubled = 0_u128;
        for counts in self.scores.values() {
            let (ham, spam) = (u128::from(counts.ham), u128::from(counts.spam));
            doubled += spam * (2 * ham_below + ham);
            ham_below += ham;
        }
        Share::try_new(doubled, 2 * u128::from(self.total.ham) * u128::from(self.total.spam))
    }

    /// What lies at or above a threshold.
    pub(super) fn at(&self, threshold: Score) -> Point {
        let mut flagged = Counts::default();
        for counts in self.scores.range(threshold..).map(|(_, counts)| counts) {
            flagged.ham += counts.ham;
            flagged.spam += counts.spam;
        }
        Point { threshold: Some(threshold), flagged }
    }

    /// The lowest threshold at which at most so many thousandths of ham are flagged.
    ///
    /// All messages of one score lie on one side, so that a tie between ham and spam is never split in favour of either.
    pub(super) fn at_false_positives(&self, thousandths: u64) -> Point {
        let mut best = Point { threshold: None, flagged: Counts::default() };
        let mut flagged = Counts::default();
        for (&score, counts) in self.scores.iter().rev() {
            flagged.ham += counts.ham;
            flagged.spam += counts.spam;
            if u128::from(flagged.ham) * 1000 > u128::from(thousandths) * u128::from(self.total.ham) {
                break;
            }
            best = Point { threshold: Some(score), flagged };
        }
        best
    }
}

impl Share {
    /// `part` of `whole`; none of nothing.
    pub(super) fn try_new(part: u128, whole: u128) -> Option<Self> {
        (whole > 0).then_some(Self { part, whole })
    }

    /// So many of so many messages.
    pub(crate) fn of(part: u64, whole: u64) -> Option<Self> {
        Self::try_new(part.into(), whole.into())
    }

    /// In units of one part in `units`, rounded half up.
    fn rounded(self, units: u128) -> u128 {
        (2 * self.part * units + self.whole) / (2 * self.whole)
    }

    /// With four decimals, as a number for JSON.
    pub(crate) fn number(self) -> f64 {
        // At most 10,000 for any share, so exact.
        u32::try_from(self.rounded(10_000)).map_or(f64::NAN, f64::from) / 10_000.0
    }

    /// With four decimals.
    pub(super) fn decimals(self) -> String {
        let rounded = self.rounded(10_000);
        format!("{}.{:04}", rounded / 10_000, rounded % 10_000)
    }

    /// In per cent with two decimals.
    pub(crate) fn percent(self) -> String {
        let rounded = self.rounded(10_000);
        format!("{}.{:02} %", rounded / 100, rounded % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small sets with many ties, from a fixed sequence.
    fn sets() -> impl Iterator<Item = Vec<(i64, bool)>> {
        let mut state = 7_u64;
        let mut draw = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        (0..300).map(move |_| {
            let size = draw(12);
            (0..size).map(|_| (draw(5) as i64 * 50 - 100, draw(2) == 1)).collect()
        })
    }

    fn histogram(set: &[(i64, bool)]) -> Histogram {
        let mut histogram = Histogram::default();
        set.iter().for_each(|&(score, spam)| histogram.add(Score::from_hundredths(score), spam));
        histogram
    }

    fn scores(set: &[(i64, bool)], spam: bool) -> Vec<i64> {
        set.iter().filter(|one| one.1 == spam).map(|one| one.0).collect()
    }

    #[test]
    fn auc_is_the_share_of_pairs_in_order() {
        for set in sets() {
            let (ham, spam) = (scores(&set, false), scores(&set, true));
            let pairs = ham.iter().flat_map(|h| spam.iter().map(move |s| 1 + s.cmp(h) as i32));
            let doubled: u128 = pairs.map(|points| points as u128).sum();
            let expected = Share::try_new(doubled, 2 * (ham.len() * spam.len()) as u128);
            assert_eq!(histogram(&set).auc(), expected, "{set:?}");
        }
    }

    #[test]
    fn recall_is_the_best_that_the_rate_allows() {
        for set in sets() {
            let (ham, spam) = (scores(&set, false), scores(&set, true));
            for thousandths in [0, 1, 200, 250, 400, 1000] {
                let counted = |threshold: i64| {
                    let at_least = |scores: &[i64]| scores.iter().filter(|&&score| score >= threshold).count() as u64;
                    (at_least(&ham), at_least(&spam))
                };
                let allowed = |(flagged, _): &(u64, u64)| flagged * 1000 <= thousandths * ham.len() as u64;
                let thresholds = (-200..=200).step_by(50).chain([i64::MAX]);
                let best = thresholds.map(counted).filter(allowed).map(|(_, flagged)| flagged).max();
                let found = histogram(&set).at_false_positives(thousandths);
                assert_eq!(Some(found.flagged.spam), best, "{thousandths} {set:?}");
                if let Some(threshold) = found.threshold {
                    assert_eq!(histogram(&set).at(threshold).flagged, found.flagged);
                }
            }
        }
    }

    #[test]
    fn the_edges_of_auc() {
        assert_eq!(histogram(&[(1, false), (2, true)]).auc().map(Share::number), Some(1.0));
        assert_eq!(histogram(&[(2, false), (1, true)]).auc().map(Share::number), Some(0.0));
        assert_eq!(histogram(&[(1, false), (1, true)]).auc().map(Share::number), Some(0.5));
        assert_eq!(histogram(&[(1, true)]).auc(), None);
        assert_eq!(histogram(&[]).auc(), None);
    }

    #[test]
    fn a_message_at_the_threshold_is_flagged() {
        let histogram = histogram(&[(499, true), (500, true), (500, false), (501, true)]);
        assert_eq!(histogram.at(Score::from_hundredths(500)).flagged, Counts { ham: 1, spam: 2 });
    }

    #[test]
    fn shares_are_rounded_half_up() {
        let share = |part, whole| Share::of(part, whole).unwrap();
        assert_eq!(share(1, 3).decimals(), "0.3333");
        assert_eq!(share(2, 3).percent(), "66.67 %");
        assert_eq!(share(1, 20_000).decimals(), "0.0001");
        assert_eq!(share(1, 1).percent(), "100.00 %");
        assert_eq!(share(8912, 10_000).number(), 0.8912);
        assert_eq!(Share::of(0, 0), None);
    }
}
