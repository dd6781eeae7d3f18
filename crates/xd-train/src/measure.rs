//! How well scores tell spam from ham.

/// What scores are worth.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The chance that a spam message scores above a ham message.
    pub auc: f64,
    /// Recall at false-positive rates of 0, 0.1 %, 0.5 % and 1 %.
    pub recall: [f64; 4],
    /// The thresholds of those.
    pub thresholds: [f32; 4],
}

/// Measures scores of ham and spam.
#[must_use]
pub fn measure(ham: &[f32], spam: &[f32]) -> Measured {
    let mut all: Vec<(f32, bool)> = ham.iter().map(|&score| (score, false)).chain(spam.iter().map(|&score| (score, true))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen_ham, mut seen_spam, mut area) = (0_f64, 0_f64, 0_f64);
    let mut recall = [0_f64; 4];
    let mut thresholds = [f32::INFINITY; 4];
    let allowed = [0.0, 0.001, 0.005, 0.01].map(|rate: f64| (rate * ham.len() as f64).floor());
    let mut at = 0;
    while at < all.len() {
        let score = all[at].0;
        let (mut h, mut s) = (0_f64, 0_f64);
        while at < all.len() && all[at].0 == score {
            if all[at].1 { s += 1.0 } else { h += 1.0 }
            at += 1;
        }
        area += h * (seen_spam + s / 2.0);
        seen_ham += h;
        seen_spam += s;
        for (index, &most) in allowed.iter().enumerate() {
            if seen_ham <= most {
                recall[index] = seen_spam / spam.len() as f64;
                thresholds[index] = score;
            }
        }
    }
    Measured { auc: area / (ham.len() as f64 * spam.len() as f64), recall, thresholds }
}
