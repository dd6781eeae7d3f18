//! The settings that were in force for a recipient when a message was judged.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Rule;
use crate::{Domain, Score};

/// The class a score falls into.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: two thresholds make three classes")]
pub enum SpamClass {
    /// Below both thresholds.
    Clean,
    /// At or above the first threshold.
    Spam,
    /// At or above the second.
    SureSpam,
}

impl SpamClass {
    /// The class in lower case, as in reports and header fields.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Spam => "spam",
            Self::SureSpam => "surespam",
        }
    }
}

/// The scores at which mail becomes spam and sure spam; spam is below surespam.
///
/// # Example: on which side does the threshold itself lie?
/// ```
/// use xd_core::{Score, SpamClass, Thresholds};
///
/// let thresholds = Thresholds::default();
/// assert_eq!(thresholds.class(Score::from_hundredths(499)), SpamClass::Clean);
/// assert_eq!(thresholds.class(Score::from_hundredths(500)), SpamClass::Spam);
/// assert_eq!(thresholds.class(Score::from_hundredths(1000)), SpamClass::SureSpam);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Thresholds {
    spam: Score,
    surespam: Score,
}

/// Why two scores are not [`Thresholds`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the threshold for spam ({spam}) must be below the one for surespam ({surespam})")]
pub struct ThresholdsError {
    spam: Score,
    surespam: Score,
}

impl Thresholds {
    /// Thresholds at these scores.
    ///
    /// # Errors
    /// When `spam` is not below `surespam`.
    pub fn try_new(spam: Score, surespam: Score) -> Result<Self, ThresholdsError> {
        if spam < surespam { Ok(Self { spam, surespam }) } else { Err(ThresholdsError { spam, surespam }) }
    }

    /// The class of a score.
    #[must_use]
    pub fn class(&self, score: Score) -> SpamClass {
        if score >= self.surespam {
            SpamClass::SureSpam
        } else if score >= self.spam {
            SpamClass::Spam
        } else {
            SpamClass::Clean
        }
    }

    /// The score at which mail becomes spam.
    #[must_use]
    pub fn spam(&self) -> Score {
        self.spam
    }

    /// The score at which mail becomes sure spam.
    #[must_use]
    pub fn surespam(&self) -> Score {
        self.surespam
    }
}

impl Default for Thresholds {
    /// 5.00 and 10.00.
    fn default() -> Self {
        Self { spam: Score::from_hundredths(500), surespam: Score::from_hundredths(1000) }
    }
}

/// Who runs this filter: mail that claims to come from them and does not is a fraud upon their users.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Operator {
    /// Names the operator goes by.
    pub names: Vec<String>,
    /// Domains the operator sends from.
    pub domains: Vec<Domain>,
}

/// The settings in force for one recipient.
///
/// # Example: how is a rule switched off?
/// ```
/// use xd_core::Settings;
///
/// let mut settings = Settings::default();
/// settings.disabled.insert("subject-all-capitals".to_owned());
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// Where spam begins.
    pub thresholds: Thresholds,
    /// Rules that do not score. Rules that build on them still see whether they hold, so that only their own points
    /// change.
    pub disabled: BTreeSet<String>,
    /// Scores that replace those of the rules.
    pub scores: BTreeMap<String, Score>,
}

impl Settings {
    /// The points of a rule: those set here, or its own.
    pub(crate) fn score_of(&self, rule: &Rule) -> Score {
        self.scores.get(rule.id()).copied().unwrap_or_else(|| rule.score())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spam_begins_below_surespam() {
        let (low, high) = (Score::from_hundredths(100), Score::from_hundredths(200));
        assert!(Thresholds::try_new(low, high).is_ok());
        assert!(Thresholds::try_new(high, low).is_err());
        assert!(Thresholds::try_new(low, low).is_err());
    }
}
