//! Points, as an integer of hundredths, so that sums do not depend on order or processor.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// A number of points: an integer of hundredths, between −1,000,000.00 and 1,000,000.00 when written in a rule or setting.
///
/// # Example: what do two rules add up to?
/// ```
/// use xd_core::Score;
///
/// let total: Score = ["2.10", "-0.35"].iter().map(|text| Score::parse(text).unwrap()).sum();
/// assert_eq!(total.to_string(), "1.75");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Score(i64);

/// Why a text is not a [`Score`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// Not of the form `-12`, `3.5` or `0.25`.
    #[error("a score is written like \"2.50\" or \"-1.00\", with at most two decimals")]
    Form,
    /// Farther from zero than a million points.
    #[error("a score lies between -1000000.00 and 1000000.00")]
    Range,
}

impl Score {
    /// Nought points.
    pub const ZERO: Self = Self(0);
    const MAX_HUNDREDTHS: i64 = 100_000_000;

    /// The score of so many hundredths of a point.
    #[must_use]
    pub const fn from_hundredths(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// Reads `2.50`, `-1`, `0.5`.
    ///
    /// # Errors
    /// When the text has another form, more than two decimals, or lies out of range.
    pub fn parse(text: &str) -> Result<Self, ScoreError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(part) || part.len() > 2 {
            return Err(ScoreError::Form);
        }
        let whole: i64 = whole.parse().map_err(|_| ScoreError::Range)?;
        let cents: i64 = part.parse().map_err(|_| ScoreError::Form)?;
        let cents = if part.len() == 1 { cents * 10 } else { cents };
        let value = whole.checked_mul(100).and_then(|w| w.checked_add(cents)).ok_or(ScoreError::Range)?;
        if value > Self::MAX_HUNDREDTHS {
            return Err(ScoreError::Range);
        }
        Ok(Self(if negative { -value } else { value }))
    }

    /// The score in hundredths of a point.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.0
    }

    /// The share of each of so many; all of it for none.
    pub(crate) fn shared_by(self, many: usize) -> Self {
        Self(i64::try_from(many).ok().and_then(|many| self.0.checked_div(many)).unwrap_or(self.0))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Written by hand, since reports print many: at most 19 digits, a point and a sign, from the last to the first.
        let mut text = [b'-'; 24];
        let mut start = text.len();
        let mut rest = self.0.unsigned_abs();
        for place in 0.. {
            if place == 2 {
                start -= 1;
                text[start] = b'.';
            }
            start -= 1;
            text[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 && place >= 2 {
                break;
            }
        }
        // What stands before the digits is all signs.
        start -= usize::from(self.0 < 0);
        f.pad(str::from_utf8(&text[start..]).unwrap_or_default())
    }
}

// Saturating: a million rules of a million points each still stay far from i64's ends, but nothing here may panic.
impl Add for Score {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Score {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Score {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for Score {
    fn sum<I: Iterator<Item = Self>>(scores: I) -> Self {
        scores.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_two_decimals_to_both_ends() {
        for (hundredths, text) in [
            (0, "0.00"),
            (5, "0.05"),
            (-5, "-0.05"),
            (100, "1.00"),
            (-12_345, "-123.45"),
            (i64::MAX, "92233720368547758.07"),
            (i64::MIN, "-92233720368547758.08"),
        ] {
            assert_eq!(Score::from_hundredths(hundredths).to_string(), text);
        }
        assert_eq!(format!("{:>7}", Score::from_hundredths(-5)), "  -0.05");
    }

    #[test]
    fn reads_what_it_prints() {
        for hundredths in [-100_000_000, -101, -100, -99, -1, 0, 1, 9, 10, 99, 100, 735, 100_000_000] {
            let score = Score::from_hundredths(hundredths);
            assert_eq!(Score::parse(&score.to_string()), Ok(score));
        }
    }

    #[test]
    fn one_decimal_is_tenths() {
        assert_eq!(Score::parse("0.5"), Ok(Score::from_hundredths(50)));
        assert_eq!(Score::parse("-3"), Ok(Score::from_hundredths(-300)));
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["", "-", ".5", "1.", "1.234", "+1", "1e3", "1,5", " 1", "--1", "NaN"] {
            assert_eq!(Score::parse(text), Err(ScoreError::Form), "{text:?}");
        }
        assert_eq!(Score::parse("1000000.01"), Err(ScoreError::Range));
        assert_eq!(Score::parse("99999999999999999999"), Err(ScoreError::Range));
    }
}
