//! From examples to a model: learned weights as integers, and a curve that makes thresholds mean something.
//!
//! The curve is worked out on messages as a model sees them that never saw their group: 5.00 points, where spam begins by default, are given from
//! where few wanted messages would be among the rest. Beyond, two points a logit, within bounds: a model alone does not make mail surely
//! spam, and excuses what a few rules prove at most.

use std::collections::{BTreeMap, BTreeSet};

use xd_core::classify::{LOGIT, Model, ModelError, ModelParts, PLACE_BITS, WEIGHT_UNIT};

use crate::folds::{cross_validate, fold_of};
use crate::measure::{Measured, measure};
use crate::{Example, Learner, Weights};

/// The least examples of each class to learn from.
const LEAST: usize = 10;
/// Points for each logit, in hundredths.
const SLOPE: f32 = 200.0;
/// Where spam begins by default, in hundredths.
const SPAM: f32 = 500.0;
/// The least and most that a model gives, in hundredths.
const BOUNDS: (i32, i32) = (-800, 800);
/// Which of the thresholds of [`Measured`] gets the points of spam: that at a rate of 0.1 %.
const RATE: usize = 1;

/// How many examples there are of each class.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Labels {
    /// Wanted mail.
    pub ham: usize,
    /// Unwanted mail.
    pub spam: usize,
}

/// A model with what is known of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// How well its logits tell spam from ham in cross-validation.
    pub measured: Measured,
    /// What it learned from.
    pub labels: Labels,
    /// How many messages were given both as ham and as spam.
    pub contradictions: usize,
}

/// Why nothing can be learned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Too little to learn from.
    #[error("{} ham and {} spam are too few to learn from; at least {LEAST} of each are needed", .0.ham, .0.spam)]
    TooFew(Labels),
    /// All that is alike is held out together, so nothing would be left to learn from.
    #[error("the {} ham and {} spam are too alike to learn from: all of one kind belong to few groups, such as one subject", .0.ham, .0.spam)]
    TooAlike(Labels),
    /// What was learned makes no model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// From logits to points.
#[derive(Clone, Copy, Debug)]
pub struct Curve {
    threshold: f32,
}

impl Curve {
    /// The curve by logits of ham and spam that were held out: 5.00 points from where one wanted message in a thousand would be among the
    /// rest, and never for what is more likely wanted.
    #[must_use]
    pub fn of(ham: &[f32], spam: &[f32]) -> Self {
        let threshold = measure(ham, spam).map_or(f32::INFINITY, |measured| measured.thresholds[RATE]);
        // Halfway to the ham below: where nothing lies between the classes, nothing is known of what does.
        let below = ham.iter().copied().filter(|&logit| logit < threshold).fold(f32::NEG_INFINITY, f32::max);
        let threshold = match (threshold.is_finite(), below.is_finite()) {
            (true, true) => f32::midpoint(threshold, below),
            (true, false) => threshold,
            // No spam scores above the ham that has to stay below.
            (false, _) => below + 1.0,
        };
        Self { threshold: threshold.clamp(0.0, 1_000.0) }
    }

    /// The points of a logit.
    #[must_use]
    pub fn points(self, logit: f32) -> f32 {
        let hundredths = SPAM + SLOPE * (logit - self.threshold);
        hundredths.clamp(BOUNDS.0 as f32, BOUNDS.1 as f32) / 100.0
    }
}

/// Learns a model of this name, described by `about`.
///
/// # Errors
/// When there are fewer than ten examples of either class, all of one belong together, or the name or description is too long.
pub fn train(learner: &Learner, examples: &[Example], name: &str, about: &str) -> Result<Trained, TrainError> {
    let spam = examples.iter().filter(|example| example.is_spam).count();
    let labels = Labels { ham: examples.len() - spam, spam };
    if labels.ham < LEAST || labels.spam < LEAST {
        return Err(TrainError::TooFew(labels));
    }
    if [false, true].into_iter().any(|is_spam| folds(examples, is_spam) < 2) {
        return Err(TrainError::TooAlike(labels));
    }
    let logits = cross_validate(learner, examples);
    let of = |is_spam: bool| -> Vec<f32> {
        examples.iter().zip(&logits).filter(|(example, _)| example.is_spam == is_spam).map(|(_, &logit)| logit).collect()
    };
    let (ham, spam) = (of(false), of(true));
    let measured = measure(&ham, &spam).ok_or(TrainError::TooFew(labels))?;
    let curve = Curve::of(&ham, &spam);
    let weights = learner.learn(&examples.iter().collect::<Vec<_>>());
    let model = Model::try_new(parts(&weights, curve, name, about))?;
    Ok(Trained { model, measured, labels, contradictions: contradictions(examples) })
}

fn parts(weights: &Weights, curve: Curve, name: &str, about: &str) -> ModelParts {
    let learner = &weights.learner;
    let fixed = |value: f32, unit: f32| (value * unit).round().clamp(-1e9, 1e9) as i32;
    let logit = LOGIT as f32;
    let at = |points: i32| fixed(curve.threshold + (points as f32 - SPAM) / SLOPE, logit);
    let weight = |weight: f32| (weight * WEIGHT_UNIT as f32).round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
    ModelParts {
        name: name.to_owned(),
        about: about.to_owned(),
        families: std::array::from_fn(|family| (learner.floors[family], fixed(learner.gains[family], 65_536.0))),
        bias: fixed(weights.bias, logit),
        knots: vec![(at(BOUNDS.0), BOUNDS.0), (at(BOUNDS.1), BOUNDS.1)],
        weights: (0..1 << PLACE_BITS)
            .zip(weights.places.iter().map(|&value| weight(value)))
            .filter(|(_, weight)| *weight != 0)
            .collect(),
    }
}

/// In how many folds examples of a class stand.
fn folds(examples: &[Example], is_spam: bool) -> usize {
    let of_class = examples.iter().filter(|example| example.is_spam == is_spam && example.weight > 0.0);
    of_class.map(|example| fold_of(&example.group)).collect::<BTreeSet<_>>().len()
}

/// How many messages stand in both classes: those with the same features.
fn contradictions(examples: &[Example]) -> usize {
    let mut seen: BTreeMap<&xd_core::classify::Features, [bool; 2]> = BTreeMap::new();
    for example in examples {
        seen.entry(&example.features).or_default()[usize::from(example.is_spam)] = true;
    }
    seen.values().filter(|classes| **classes == [true, true]).count()
}

#[cfg(test)]
mod tests {
    use xd_core::classify::Features;
    use xd_core::{Limits, Message};

    use super::*;

    fn example(text: &str, is_spam: bool, group: usize) -> Example {
        let raw = format!("From: a@example.com\r\nSubject: note\r\n\r\n{text}\r\n");
        let features = Features::of(&Message::parse(raw.as_bytes(), &Limits::default()));
        Example { features, is_spam, weight: 1.0, group: group.to_string() }
    }

    fn examples() -> Vec<Example> {
        let ham = (0..40).map(|n| example(&format!("minutes of meeting {}", ["monday", "tuesday", "friday"][n % 3]), false, n));
        let spam = (0..40).map(|n| example(&format!("claim your prize {}", ["today", "here", "now"][n % 3]), true, n));
        ham.chain(spam).collect()
    }

    #[test]
    fn what_is_learned_tells_apart_and_is_the_same_again() {
        let train = || train(&Learner::default(), &examples(), "test", "made up").unwrap();
        let trained = train();
        assert_eq!(trained.measured.auc, 1.0);
        assert_eq!(trained.labels, Labels { ham: 40, spam: 40 });
        assert_eq!(trained.contradictions, 0);
        let logit = |text| trained.model.logit(&example(text, false, 0).features);
        assert!(logit("claim your prize") > 0 && logit("minutes of meeting") < 0);
        assert_eq!(trained.model.to_bytes(), train().model.to_bytes());
    }

    #[test]
    fn integers_agree_with_the_floats_they_were_made_of() {
        let examples = examples();
        let weights = Learner::default().learn(&examples.iter().collect::<Vec<_>>());
        let model = Model::try_new(parts(&weights, Curve { threshold: 0.0 }, "test", "")).unwrap();
        for example in &examples {
            let (exact, rounded) = (weights.logit(&example.features), model.logit(&example.features) as f32 / LOGIT as f32);
            assert!((exact - rounded).abs() < 0.2, "{exact} {rounded}");
        }
    }

    #[test]
    fn one_class_is_refused_with_counts() {
        let ham: Vec<Example> = examples().into_iter().filter(|example| !example.is_spam).collect();
        let error = train(&Learner::default(), &ham, "test", "").unwrap_err();
        assert_eq!(error.to_string(), "40 ham and 0 spam are too few to learn from; at least 10 of each are needed");
        assert!(train(&Learner::default(), &[], "test", "").is_err());
    }

    #[test]
    fn one_mailing_is_too_little() {
        let examples: Vec<Example> =
            examples().into_iter().map(|example| Example { group: format!("all {}", example.is_spam), ..example }).collect();
        let error = train(&Learner::default(), &examples, "test", "").unwrap_err();
        assert!(error.to_string().starts_with("the 40 ham and 40 spam are too alike to learn from"));
    }

    #[test]
    fn points_begin_between_the_classes_and_never_below_even_odds() {
        assert_eq!(Curve::of(&[-4.0, 1.0], &[3.0, 5.0]).points(2.0), 5.0);
        assert_eq!(Curve::of(&[-4.0], &[-2.0]).points(0.0), 5.0);
        assert_eq!(Curve::of(&[4.0], &[1.0]).points(5.0), 5.0);
        assert_eq!((Curve::of(&[0.0], &[1.0]).points(99.0), Curve::of(&[0.0], &[1.0]).points(-99.0)), (8.0, -8.0));
    }

    #[test]
    fn messages_of_both_classes_are_counted() {
        let mut examples = examples();
        examples.push(example("claim your prize today", false, 99));
        assert_eq!(train(&Learner::default(), &examples, "test", "").unwrap().contradictions, 1);
    }
}
