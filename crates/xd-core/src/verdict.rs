//! Verdicts: an ordered sum of findings, a class, and how far what is unknown could still move it.

use std::fmt;

use crate::evidence::SpamClass;
use crate::{ForwardPath, Score};

/// What a message is to one recipient.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Class {
    /// Neither spam nor infected.
    Clean,
    /// Malware was found, whatever the score; no trust excuses it.
    Infected,
    /// At or above the first threshold.
    Spam,
    /// At or above the second threshold.
    SureSpam,
}

impl Class {
    /// The class in lower case, as in reports and header fields.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected => "infected",
            Self::Spam => "spam",
            Self::SureSpam => "surespam",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What proves a finding: where it was seen and what stands there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof<'e> {
    /// The target or fact, as rules name it: `subject`, `link.host`, `links.mismatched`.
    pub target: &'e str,
    /// How often the test was met: matches, different texts of a set, or values.
    pub times: u32,
    /// Which of the target's values, from 0.
    pub value: usize,
    /// The span in that value, in bytes of the spelling that the target has; empty for facts.
    pub span: std::ops::Range<usize>,
    /// What stands there, at most 80 characters.
    pub quote: String,
}

/// A rule that holds, with the points it gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding<'e> {
    /// The id of the rule.
    pub rule: &'e str,
    /// The points that count towards the total: the rule's score, or its share of what the group's cap left.
    pub score: Score,
    /// The points the rule would give without the cap of its group.
    pub full_score: Score,
    /// The sentence of the rule, without a final period.
    pub why: &'e str,
    /// What proves it; at most three, and five for the model.
    pub proofs: Vec<Proof<'e>>,
}

/// The judgement of one message for one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict<'e> {
    /// Whom it is for; none when the envelope names nobody.
    pub recipient: Option<ForwardPath>,
    /// The class.
    pub class: Class,
    /// The class by score alone.
    pub spam_class: SpamClass,
    /// The sum of the findings' points: what known evidence proves.
    pub score: Score,
    /// The least that the score can become when all is known.
    pub low: Score,
    /// The most that the score can become when all is known.
    pub high: Score,
    /// Whether `low` and `high` lie in one spam class, so that nothing unknown can change it.
    pub decided: bool,
    /// The rules that hold, in the order of their points, largest first; equal ones by id.
    pub findings: Vec<Finding<'e>>,
    /// The rules that may hold when more is known, by id, with the points each could add to the total.
    pub open: Vec<OpenFinding<'e>>,
}

/// A rule that may hold when more is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenFinding<'e> {
    /// The id of the rule.
    pub rule: &'e str,
    /// Its points if it holds, before any cap.
    pub score: Score,
}
