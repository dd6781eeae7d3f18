//! What other rules or settings would have decided.
//!
//! What two engines have in common is worked out once. Then a capsule whose answers touch nothing that changed is unchanged
//! at a glance; for the others the rules are worked out from the recorded answers. A test that the recorded engine did not
//! ask is answered from what the capsule tells; where it does not tell, the test may have any answer, and the class stands
//! only if it is the same for all of them.

mod bridge;
mod change;

use super::replay::{Derivation, check};
use super::{Capsule, RecordedVerdict, ReplayError};
use crate::classify::{LEARNED_ID, MODEL_ID, Model};
use crate::judge::{Tally, class_of};
use crate::rules::{Possible, Scene, Selection};
use crate::{Class, Engine, Limits, Message, Score, Settings, Truth};

use bridge::Bridge;
pub use change::SettingsChange;

/// A question to many capsules of one engine: what would these rules and settings have decided?
///
/// # Example: what would a higher score have caught?
/// ```
/// use xd_core::capsule::{Conclusion, Recording, SettingsChange, WhatIf, judge_recorded};
/// use xd_core::{Engine, Limits, Message, RuleSource, evidence};
///
/// let engine = |score: &str| {
///     let rule = "family = 'mine'\n[[rule]]\nid = 'hello'\nwhy = 'it says hello'\nwhen = { in = 'subject', words = ['hello'] }\n";
///     Engine::compile(vec![RuleSource::new("mine.toml", format!("{rule}score = '{score}'"))])
/// };
/// let (old, new) = (engine("2.00")?, engine("6.00")?);
/// let message = Message::parse(b"Subject: hello\r\n\r\n", &Limits::default());
/// let (envelope, evidence) = evidence::derive(&message);
/// let (_, capsule) = judge_recorded(&old, &envelope, &message, &evidence, [0; 32], &Recording::default());
///
/// let mut what_if = WhatIf::new(&old, &new, SettingsChange::default(), Limits::default());
/// let [Conclusion::Changed { from, to, rules, .. }] = &what_if.ask(&capsule)?[..] else { panic!() };
/// assert_eq!((from.as_str(), to.as_str(), rules[0].rule), ("clean", "spam", "hello"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WhatIf<'e> {
    old: &'e Engine,
    new: &'e Engine,
    model: Option<&'e Model>,
    change: SettingsChange,
    limits: Limits,
    bridge: Bridge,
    before: Derivation,
    after: Derivation,
}

/// What would have become of one verdict.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Conclusion<'e> {
    /// Another class.
    Changed {
        /// The class as recorded.
        from: Class,
        /// The class it would have had.
        to: Class,
        /// The score as recorded.
        score_from: Score,
        /// The score it would have had; none when the capsule does not tell it exactly.
        score_to: Option<Score>,
        /// The rules whose points differ, the largest difference first; none where the message was judged afresh.
        rules: Vec<RuleShift<'e>>,
    },
    /// The capsule does not tell.
    Undecided {
        /// The class as recorded.
        from: Class,
        /// The score as recorded.
        score_from: Score,
        /// The tests it does not answer, of rules that could make the difference.
        tests: Vec<&'e str>,
    },
    /// The same class, whatever the answers that the capsule does not tell.
    Unchanged {
        /// The class.
        class: Class,
        /// The score as recorded.
        score_from: Score,
        /// The score it would have had; none when the capsule does not tell it exactly.
        score_to: Option<Score>,
    },
}

/// The points of a rule before and after.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleShift<'e> {
    /// The id.
    pub rule: &'e str,
    /// What it gave towards the score.
    pub from: Score,
    /// What it would have given; none when the capsule does not tell.
    pub to: Option<Score>,
}

impl<'e> WhatIf<'e> {
    /// Prepares the question: capsules of `old`, judged with the rules of `new` (which may be the same) and with changed
    /// settings. What capsules hold of messages is read within these limits.
    #[must_use]
    pub fn new(old: &'e Engine, new: &'e Engine, change: SettingsChange, limits: Limits) -> Self {
        let bridge = Bridge::new(old, new, &change);
        Self { old, new, model: new.model(), change, limits, bridge, before: Derivation::default(), after: Derivation::default() }
    }

    /// The same question with another model than that of the new engine, or with none.
    #[must_use]
    pub fn with_model(self, model: Option<&'e Model>) -> Self {
        Self { model, ..self }
    }

    /// What would have become of each verdict of a capsule, in their order.
    ///
    /// A capsule that holds its message needs no engine that judged: of another one than the old, or of another semantics
    /// version, its message is judged afresh. Which rules moved points is not told then.
    ///
    /// # Errors
    /// When the capsule does not hold its message, and is not one of the old engine or of another semantics version.
    pub fn ask(&mut self, capsule: &Capsule) -> Result<Vec<Conclusion<'e>>, ReplayError> {
        match check(capsule, self.old) {
            // A record that does not go with its own engine is damaged, whatever else it holds.
            Err(error @ ReplayError::Register) => return Err(error),
            Err(error) => return self.ask_afresh(capsule).ok_or(error),
            Ok(()) => {}
        }
        let Some(open) = self.derive(capsule)? else {
            let unchanged = |verdict: &RecordedVerdict| {
                let thresholds = self.change.thresholds(capsule.settings(verdict));
                let (_, to) = class_of(thresholds, verdict.score, &capsule.evidence);
                conclude(verdict, to, Some(verdict.score), Vec::new())
            };
            return Ok(capsule.verdicts.iter().map(unchanged).collect());
        };
        let mut conclusions: Vec<Conclusion<'e>> = Vec::with_capacity(capsule.verdicts.len());
        for (index, verdict) in capsule.verdicts.iter().enumerate() {
            match index.checked_sub(1) {
                Some(before) if capsule.verdicts[before] == *verdict => conclusions.push(conclusions[before].clone()),
                _ => conclusions.push(self.conclusion(capsule, verdict, &open)),
            }
        }
        Ok(conclusions)
    }

    /// The rules whose points would differ for each verdict of a capsule, in their order, whatever becomes of the class; the
    /// largest difference first.
    ///
    /// # Errors
    /// When the capsule is not one of the old engine, or another semantics version judged.
    pub fn differences(&mut self, capsule: &Capsule) -> Result<Vec<Vec<RuleShift<'e>>>, ReplayError> {
        let touched = self.derive(capsule)?.is_some();
        let shifts = |verdict| if touched { self.shifts(capsule, verdict) } else { Vec::new() };
        Ok(capsule.verdicts.iter().map(shifts).collect())
    }

    /// Judges the message that a capsule holds.
    fn ask_afresh(&mut self, capsule: &Capsule) -> Option<Vec<Conclusion<'e>>> {
        let again = capsule.afresh_for(self.change.operator.as_ref(), self.new, &self.limits)?;
        self.after.derive(&again, self.new);
        self.after.model = self.model_after(&again);
        let mut conclusions: Vec<Conclusion<'e>> = Vec::with_capacity(capsule.verdicts.len());
        for (index, verdict) in capsule.verdicts.iter().enumerate() {
            if let Some(before) = index.checked_sub(1).filter(|&before| capsule.verdicts[before] == *verdict) {
                conclusions.push(conclusions[before].clone());
                continue;
            }
            let settings = self.change.applied(capsule.settings(verdict));
            let score = self.after.sums(self.new.rules(), &settings).score;
            let (_, to) = class_of(settings.thresholds, score, &capsule.evidence);
            conclusions.push(conclude(verdict, to, Some(score), Vec::new()));
        }
        Some(conclusions)
    }

    /// Works out the new rules; gives the tests that the capsule leaves open, or nothing when no answer touches what changed.
    fn derive(&mut self, capsule: &Capsule) -> Result<Option<Vec<usize>>, ReplayError> {
        check(capsule, self.old)?;
        let operator_differs = self.change.operator_differs(&capsule.evidence.operator);
        if !operator_differs && self.is_same_model() && !self.bridge.touches(&capsule.outcomes) {
            return Ok(None);
        }
        self.after.model = self.model_after(capsule);
        self.after.learned = capsule.evidence.learned_points();
        let selection = if operator_differs { &self.bridge.asked_of_operator } else { &self.bridge.asked };
        self.after.tests.clear();
        self.bridge.carry(&capsule.outcomes, operator_differs, &mut self.after.tests);
        let open = if selection.matchers().is_empty() { Vec::new() } else { self.answer(capsule, operator_differs) };
        self.new.rules().derive(&self.after.tests, None, &mut self.after.room);
        Ok(Some(open))
    }

    /// Whether the model is the one that judged, or there is none in either.
    fn is_same_model(&self) -> bool {
        self.old.model().map(Model::sha256) == self.model.map(Model::sha256)
    }

    /// The points of the new model: those recorded where it is the old one, exactly those of the message where the capsule holds it, and
    /// else the bounds of all that it gives.
    fn model_after(&self, capsule: &Capsule) -> Option<(Score, Score)> {
        let model = self.model?;
        if self.is_same_model() && capsule.engine == self.old.hash() {
            return capsule.model.map(|points| (points, points));
        }
        match capsule.content() {
            Some(content) => Some(model.points(&Message::parse(content, &self.limits))).map(|points| (points, points)),
            None => Some(model.range()),
        }
    }

    /// Answers the tests that the record does not, as far as the capsule tells; gives those that it leaves open.
    fn answer(&mut self, capsule: &Capsule, operator_differs: bool) -> Vec<usize> {
        let message = if self.bridge.reads_message || operator_differs {
            capsule.told_message(&self.limits)
        } else {
            capsule.bare_message(&self.limits)
        };
        let mut evidence;
        let evidence = if operator_differs {
            evidence = capsule.evidence.clone();
            self.change.apply_operator(&mut evidence.operator);
            &evidence
        } else {
            &capsule.evidence
        };
        let scene = Scene { envelope: &capsule.envelope, message: &message, evidence };
        let selection: &Selection = if operator_differs { &self.bridge.asked_of_operator } else { &self.bridge.asked };
        let number = |number| capsule.told_number(number, self.old.register(), scene);
        let answers = self.new.rules().answer(selection, scene, |target| capsule.told(target), number);
        let mut open = Vec::new();
        for answer in answers {
            let possible = if answer.open { Possible::ANY } else { Possible::exactly(answer.outcome.truth) };
            if possible != Possible::FALSE {
                self.after.tests.push((answer.matcher, possible));
            }
            if answer.open {
                open.push(answer.matcher);
            }
        }
        open
    }

    fn conclusion(&mut self, capsule: &Capsule, verdict: &RecordedVerdict, open: &[usize]) -> Conclusion<'e> {
        let settings = capsule.settings(verdict);
        let rules = self.new.rules();
        let mut range = self.after.tally(rules, |id| self.change.disables(settings, id));
        for (rule, possible) in rules.rules().iter().zip(&self.after.room.rules) {
            let counts = possible.counts();
            if counts != Truth::False && !self.change.disables(settings, rule.id()) {
                range.add(rule.group(), self.change.score(settings, rule), counts);
            }
        }
        let (_, low, high) = range.sums();
        let thresholds = self.change.thresholds(settings);
        let (_, to) = class_of(thresholds, low, &capsule.evidence);
        if to != class_of(thresholds, high, &capsule.evidence).1 {
            let tests = self.deciding(capsule, verdict, open);
            return Conclusion::Undecided { from: verdict.class, score_from: verdict.score, tests };
        }
        let shifts = if to == verdict.class { Vec::new() } else { self.shifts(capsule, verdict) };
        conclude(verdict, to, (low == high).then_some(low), shifts)
    }

    /// The tests left open that a rule with points builds on.
    fn deciding(&self, capsule: &Capsule, verdict: &RecordedVerdict, open: &[usize]) -> Vec<&'e str> {
        let settings = capsule.settings(verdict);
        let rules = self.new.rules();
        let decides = |rule: usize| {
            let id = &rules.rules()[rule];
            self.after.room.rules[rule].counts() == Truth::Unknown
                && !self.change.disables(settings, id.id())
                && self.change.score(settings, id) != Score::ZERO
        };
        let tests = open.iter().filter(|&&test| rules.rules_over(test).any(decides));
        let model = self.after.model.filter(|(least, most)| least != most && !self.change.disables(settings, MODEL_ID));
        model.map(|_| MODEL_ID).into_iter().chain(tests.map(|&test| rules.test_text(test))).collect()
    }

    /// What the model gave and would have given.
    fn model_shift(&self, settings: &Settings) -> Option<RuleShift<'e>> {
        let before = self.before.model.filter(|_| !settings.disabled.contains(MODEL_ID)).map(|(points, _)| points);
        let after = self.after.model.filter(|_| !self.change.disables(settings, MODEL_ID));
        let to = after.map_or(Some(Score::ZERO), |(least, most)| (least == most).then_some(least));
        (before.is_some() || after.is_some()).then(|| RuleShift { rule: MODEL_ID, from: before.unwrap_or(Score::ZERO), to })
    }

    /// What was learned and recorded, where a change of settings makes a difference to it.
    fn learned_shift(&self, capsule: &Capsule, settings: &Settings) -> Option<RuleShift<'e>> {
        let points = capsule.evidence.learned_points()?;
        let counted = |disabled: bool| if disabled { Score::ZERO } else { points };
        let from = counted(settings.disabled.contains(LEARNED_ID));
        Some(RuleShift { rule: LEARNED_ID, from, to: Some(counted(self.change.disables(settings, LEARNED_ID))) })
    }

    /// The rules whose points differ.
    fn shifts(&mut self, capsule: &Capsule, verdict: &RecordedVerdict) -> Vec<RuleShift<'e>> {
        let settings = capsule.settings(verdict);
        self.before.derive(capsule, self.old);
        let mut shifts: Vec<RuleShift<'e>> = Vec::new();
        let (old, new) = (self.old.rules(), self.new.rules());
        let mut tally = Tally::new(old);
        for (rule, possible) in old.rules().iter().zip(&self.before.room.rules) {
            if possible.counts().is_true() && !settings.disabled.contains(rule.id()) {
                let from = tally.add(rule.group(), settings.score_of(rule), Truth::True);
                shifts.push(RuleShift { rule: rule.id(), from, to: Some(Score::ZERO) });
            }
        }
        let of_model = self.model_shift(settings);
        // Both sets stand in the order of ids.
        let known = shifts.len();
        // Under a cap, what a rule gives depends on those before it: with all that are not told, and without them.
        let (mut tally, mut crowded) = (Tally::new(new), Tally::new(new));
        for (rule, possible) in new.rules().iter().zip(&self.after.room.rules) {
            let counts = possible.counts();
            if counts == Truth::False || self.change.disables(settings, rule.id()) {
                continue;
            }
            let full = self.change.score(settings, rule);
            let share = tally.add(rule.group(), full, counts);
            let told = crowded.add(rule.group(), full, Truth::True) == share;
            let to = (told && (counts.is_true() || full == Score::ZERO)).then_some(share);
            match shifts[..known].binary_search_by(|shift| shift.rule.cmp(rule.id())) {
                Ok(index) => shifts[index].to = to,
                Err(_) => shifts.push(RuleShift { rule: rule.id(), from: Score::ZERO, to }),
            }
        }
        shifts.extend(of_model);
        shifts.extend(self.learned_shift(capsule, settings));
        shifts.retain(|shift| shift.to != Some(shift.from));
        let size = |shift: &RuleShift<'_>| (shift.to.unwrap_or(shift.from) - shift.from).hundredths().unsigned_abs();
        shifts.sort_by(|a, b| size(b).cmp(&size(a)).then_with(|| a.rule.cmp(b.rule)));
        shifts
    }
}

fn conclude<'e>(verdict: &RecordedVerdict, to: Class, score_to: Option<Score>, rules: Vec<RuleShift<'e>>) -> Conclusion<'e> {
    let score_from = verdict.score;
    if to == verdict.class {
        Conclusion::Unchanged { class: to, score_from, score_to }
    } else {
        Conclusion::Changed { from: verdict.class, to, score_from, score_to, rules }
    }
}

#[cfg(test)]
mod tests;
