//! Judging: the one pure function from a message and its evidence to findings and a verdict per recipient.

use crate::classify::{LEARNED_ID, MODEL_ID, Reason};
use crate::defect::Defects;
use crate::engine::{Engine, EngineHash};
use crate::evidence::{Antivirus, Evidence, Settings, SpamClass};
use crate::rules::{Observation, RuleSet, Scene};
use crate::verdict::{Class, Finding, OpenFinding, Proof, Verdict};
use crate::{Envelope, ForwardPath, Known, Message, Score, Thresholds, Truth};

/// Features that are looked at for proofs, and that are told.
const MODEL_REASONS: usize = 50;
const MODEL_PROOFS: usize = 5;

/// The judgement of one message: a verdict per recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Judgement<'e> {
    /// At least one.
    pub(crate) verdicts: Vec<Verdict<'e>>,
    /// What is wrong with the message as bytes.
    pub defects: Defects,
    /// The engine that judged.
    pub engine: EngineHash,
}

impl<'e> Judgement<'e> {
    /// One verdict per forward path, in their order; a single one when the envelope names nobody.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict<'e>] {
        &self.verdicts
    }

    /// The verdict for the first recipient, or for no one in particular.
    #[must_use]
    pub fn verdict(&self) -> &Verdict<'e> {
        // `judge` gives at least one verdict.
        &self.verdicts[0]
    }

    /// The same with proofs for the model's finding: the features that weigh most for it. Looking for them costs as much as judging, so
    /// only those who explain ask for it.
    #[must_use]
    pub fn with_model_proofs(mut self, engine: &Engine, message: &Message<'_>) -> Self {
        let Some(model) = engine.model() else { return self };
        let reasons = model.reasons(message, MODEL_REASONS);
        for finding in self.verdicts.iter_mut().flat_map(|verdict| &mut verdict.findings).filter(|found| found.rule == MODEL_ID) {
            let agreeing = reasons.iter().filter(|reason| (reason.weight > 0) == (finding.score > Score::ZERO));
            let proof = |reason: &Reason| Proof {
                target: reason.family.as_str(),
                times: 1,
                value: 0,
                span: 0..0,
                quote: reason.feature.chars().take(80).collect(),
            };
            finding.proofs = agreeing.take(MODEL_PROOFS).map(proof).collect();
        }
        self
    }
}

/// Judges a message. The same arguments give the same judgement, on any processor, forever.
///
/// # Example: what is known of a message read from a file?
/// ```
/// use xd_core::{Engine, Limits, Message, evidence, judge};
///
/// let engine = Engine::builtin()?;
/// let message = Message::parse(b"Subject: XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n\r\n", &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// let judgement = judge(&engine, &envelope, &message, &evidence);
/// assert_eq!(judgement.verdict().class.as_str(), "surespam");
/// # Ok::<(), xd_core::RuleErrors>(())
/// ```
#[must_use]
pub fn judge<'e>(engine: &'e Engine, envelope: &Envelope, message: &Message<'_>, evidence: &Evidence) -> Judgement<'e> {
    let evidence = &*evidence.with_shown_by(message);
    let scene = Scene { envelope, message, evidence };
    judgement(engine, scene, &engine.rules().observe(scene), engine.model_points(message))
}

/// The judgement that follows from what was observed.
pub(crate) fn judgement<'e>(engine: &'e Engine, scene: Scene<'_>, seen: &Observation<'_>, model: Option<Score>) -> Judgement<'e> {
    let Scene { envelope, message, evidence } = scene;
    let rules = engine.rules();
    let verdicts = match envelope.forward_paths.as_slice() {
        [] => vec![verdict(rules, (seen, model), evidence, &evidence.settings, None)],
        paths => {
            let of =
                |path: &ForwardPath| verdict(rules, (seen, model), evidence, evidence.settings_for(path), Some(path.clone()));
            paths.iter().map(of).collect()
        }
    };
    Judgement { verdicts, defects: message.defects(), engine: engine.hash() }
}

/// The class of a score, and what the evidence makes of it.
pub(crate) fn class_of(thresholds: Thresholds, score: Score, evidence: &Evidence) -> (SpamClass, Class) {
    let spam_class = thresholds.class(score);
    let class = match (&evidence.antivirus, spam_class) {
        (Known::Found(Antivirus::Infected(_)), _) => Class::Infected,
        (_, SpamClass::Clean) => Class::Clean,
        (_, SpamClass::Spam) => Class::Spam,
        (_, SpamClass::SureSpam) => Class::SureSpam,
    };
    (spam_class, class)
}

pub(crate) fn verdict<'e>(
    rules: &'e RuleSet,
    (seen, model): (&Observation<'_>, Option<Score>),
    evidence: &Evidence,
    settings: &Settings,
    recipient: Option<ForwardPath>,
) -> Verdict<'e> {
    let mut tally = Tally::new(rules);
    let mut findings = Vec::with_capacity(16);
    let mut open = Vec::new();
    if let Some(score) = model.filter(|_| !settings.disabled.contains(MODEL_ID)) {
        tally.add_range(score, score);
        if score != Score::ZERO {
            findings.push(Finding { rule: MODEL_ID, score, full_score: score, why: model_says(score), proofs: Vec::new() });
        }
    }
    if let Some(score) = evidence.learned_points().filter(|_| !settings.disabled.contains(LEARNED_ID)) {
        tally.add_range(score, score);
        if score != Score::ZERO {
            findings.push(Finding { rule: LEARNED_ID, score, full_score: score, why: learned_says(score), proofs: Vec::new() });
        }
    }
    for (index, rule) in rules.rules().iter().enumerate() {
        let truth = seen.truths[index];
        if truth == Truth::False || settings.disabled.contains(rule.id()) {
            continue;
        }
        let full_score = settings.score_of(rule);
        let score = tally.add(rule.group(), full_score, truth);
        match truth {
            Truth::True => {
                let proofs = rules.proofs(index, seen);
                findings.push(Finding { rule: rule.id(), score, full_score, why: rule.why(), proofs });
            }
            Truth::Unknown => open.push(OpenFinding { rule: rule.id(), score: full_score }),
            Truth::False => {}
        }
    }
    findings.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.rule.cmp(b.rule)));
    let (spam_class, class) = class_of(settings.thresholds, tally.score, evidence);
    let decided = settings.thresholds.class(tally.low) == settings.thresholds.class(tally.high);
    Verdict { recipient, class, spam_class, score: tally.score, low: tally.low, high: tally.high, decided, findings, open }
}

/// The sentence for the model's points.
fn model_says(points: Score) -> &'static str {
    if points > Score::ZERO {
        "the model finds it more like spam than like wanted mail"
    } else {
        "the model finds it more like wanted mail than like spam"
    }
}

/// The sentence for the points of what was learned.
fn learned_says(points: Score) -> &'static str {
    if points > Score::ZERO { "messages like it were learned as spam" } else { "messages like it were learned as wanted" }
}

/// The score and its bounds while contributions are added in the order of rule ids.
///
/// A group gives `min(cap, sum of its positive points)` and all of its negative points. That grows with every
/// contribution, so taking each contribution at its own least and most gives bounds that hold for every completion, and
/// that are met when no unknown fact feeds two contributions.
#[derive(Debug)]
pub(crate) struct Tally {
    score: Score,
    low: Score,
    high: Score,
    groups: Vec<Room>,
}

/// What a group's cap has left, for the score and for its bounds.
#[derive(Debug)]
struct Room {
    score: Score,
    low: Score,
    high: Score,
}

impl Tally {
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let groups = rules.groups().iter().map(|group| Room { score: group.cap, low: group.cap, high: group.cap }).collect();
        Self { score: Score::ZERO, low: Score::ZERO, high: Score::ZERO, groups }
    }

    /// The score and its bounds so far.
    pub(crate) fn sums(&self) -> (Score, Score, Score) {
        (self.score, self.low, self.high)
    }

    /// Adds points of which only bounds are known; the score takes the lower.
    pub(crate) fn add_range(&mut self, least: Score, most: Score) {
        self.score += least;
        self.low += least;
        self.high += most;
    }

    /// Adds a contribution and says what it counts towards the score.
    pub(crate) fn add(&mut self, group: Option<usize>, full: Score, truth: Truth) -> Score {
        let proved = if truth.is_true() { full } else { Score::ZERO };
        let possible = if truth == Truth::False { Score::ZERO } else { full };
        let (least, most) = (proved.min(possible), proved.max(possible));
        let (proved, least, most) = match group {
            None => (proved, least, most),
            Some(group) => {
                let room = &mut self.groups[group];
                (spend(&mut room.score, proved), spend(&mut room.low, least), spend(&mut room.high, most))
            }
        };
        self.score += proved;
        self.low += least;
        self.high += most;
        proved
    }
}

/// Takes points out of what a cap has left; negative points pass.
fn spend(room: &mut Score, points: Score) -> Score {
    if points <= Score::ZERO {
        return points;
    }
    let share = points.min(*room);
    *room = *room - share;
    share
}

#[cfg(test)]
mod tests;
