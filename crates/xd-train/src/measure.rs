//! How well scores tell spam from ham.

/// What scores are worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The chance that a spam message scores above a ham message; ties count half.
    pub auc: f64,
    /// Recall at false-positive rates of at most 0, 0.1 %, 0.5 % and 1 %.
    pub recall: [f64; 4],
    /// The lowest scores that count as spam there; infinite when none may.
    pub thresholds: [f32; 4],
}

/// Measures scores of ham and spam; none where either is missing.
///
/// # Example: how many spam messages score above all ham?
/// ```
/// let measured = xd_train::measure(&[0.0, 1.0], &[0.5, 2.0, 3.0]).unwrap();
/// assert_eq!(measured.recall[0], 2.0 / 3.0);
/// assert_eq!(measured.thresholds[0], 2.0);
/// assert_eq!(measured.auc, 5.0 / 6.0);
/// ```
#[must_use]
pub fn measure(ham: &[f32], spam: &[f32]) -> Option<Measured> {
    if ham.is_empty() || spam.is_empty() {
        return None;
    }
    let (all_ham, all_spam) = (ham.len() as f64, spam.len() as f64);
    let labelled = ham.iter().map(|&score| (score, false)).chain(spam.iter().map(|&score| (score, true)));
    let mut all: Vec<(f32, bool)> = labelled.collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let allowed = [0.0, 0.001, 0.005, 0.01].map(|rate: f64| (rate * all_ham).floor());
    let mut measured = Measured { auc: 0.0, recall: [0.0; 4], thresholds: [f32::INFINITY; 4] };
    let (mut seen_ham, mut seen_spam) = (0.0, 0.0);
    for equal in all.chunk_by(|a, b| a.0 == b.0) {
        let spam = equal.iter().filter(|(_, is_spam)| *is_spam).count() as f64;
        let ham = equal.len() as f64 - spam;
        measured.auc += ham * (seen_spam + spam / 2.0);
        seen_ham += ham;
        seen_spam += spam;
        for (at, _) in allowed.iter().enumerate().filter(|(_, most)| seen_ham <= **most) {
            measured.recall[at] = seen_spam / all_spam;
            measured.thresholds[at] = equal[0].0;
        }
    }
    measured.auc /= all_ham * all_spam;
    Some(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_stand_or_fall_together() {
        let measured = measure(&[1.0, 1.0], &[1.0, 1.0]).unwrap();
        assert_eq!(measured.auc, 0.5);
        assert_eq!(measured.recall, [0.0; 4]);
        assert_eq!(measured.thresholds, [f32::INFINITY; 4]);
    }

    #[test]
    fn a_rate_allows_what_it_says_and_no_more() {
        let ham: Vec<f32> = (0..1000).map(|score| score as f32).collect();
        let spam = [998.5, 999.5, 994.5, 0.5];
        let measured = measure(&ham, &spam).unwrap();
        assert_eq!(measured.recall, [0.25, 0.5, 0.75, 0.75]);
    }

    #[test]
    fn one_class_has_no_figures() {
        assert_eq!(measure(&[], &[1.0]), None);
        assert_eq!(measure(&[1.0], &[]), None);
    }
}
