//! Three-valued truth after Kleene: what could not be determined is neither yes nor no.

use std::ops::Not;

/// Whether something holds, as far as the evidence tells.
///
/// # Example: does an unknown fact spoil a conjunction?
/// ```
/// use xd_core::Truth;
///
/// assert_eq!(Truth::Unknown.and(Truth::False), Truth::False); // no matter what it turns out to be
/// assert_eq!(Truth::Unknown.and(Truth::True), Truth::Unknown);
/// assert_eq!(!Truth::Unknown, Truth::Unknown);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Truth {
    /// It does not hold, and nothing still unknown can change that.
    False,
    /// It depends on something that is not known.
    Unknown,
    /// It holds, and nothing still unknown can change that.
    True,
}

impl Truth {
    /// Holds when both do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Holds when either does.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// Holds when at least `needed` of the values do.
    pub fn at_least(needed: usize, values: impl IntoIterator<Item = Self>) -> Self {
        let (mut sure, mut possible) = (0, 0);
        for value in values {
            sure += usize::from(value == Self::True);
            possible += usize::from(value != Self::False);
        }
        if sure >= needed {
            Self::True
        } else if possible >= needed {
            Self::Unknown
        } else {
            Self::False
        }
    }

    /// Whether it is known to hold.
    #[must_use]
    pub fn is_true(self) -> bool {
        self == Self::True
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Not for Truth {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    /// Every way the unknown values could turn out.
    fn completions(values: &[Truth]) -> Vec<Vec<bool>> {
        let mut worlds = vec![vec![]];
        for value in values {
            let choices: &[bool] = match value {
                False => &[false],
                Unknown => &[false, true],
                True => &[true],
            };
            worlds = worlds
                .into_iter()
                .flat_map(|world| choices.iter().map(move |&choice| world.iter().copied().chain([choice]).collect()))
                .collect();
        }
        worlds
    }

    fn expected(values: &[Truth], holds: impl Fn(&[bool]) -> bool) -> Truth {
        let results: Vec<bool> = completions(values).iter().map(|world| holds(world)).collect();
        if results.iter().all(|&r| r) {
            True
        } else if results.iter().any(|&r| r) {
            Unknown
        } else {
            False
        }
    }

    #[test]
    fn agrees_with_every_completion() {
        let all = [False, Unknown, True];
        for a in all {
            assert_eq!(!a, expected(&[a], |w| !w[0]));
            for b in all {
                assert_eq!(a.and(b), expected(&[a, b], |w| w[0] && w[1]));
                assert_eq!(a.or(b), expected(&[a, b], |w| w[0] || w[1]));
                for c in all {
                    for needed in 0..=4 {
                        let brute = expected(&[a, b, c], |w| w.iter().filter(|&&x| x).count() >= needed);
                        assert_eq!(Truth::at_least(needed, [a, b, c]), brute, "{needed} of {a:?} {b:?} {c:?}");
                    }
                }
            }
        }
    }
}
