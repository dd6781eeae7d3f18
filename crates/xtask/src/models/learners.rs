//! Other ways to learn, to hold the one that ships against: each is a linear model over the same features, with the same value for each.

use std::collections::BTreeMap;

use xd_core::classify::{Family, Features, PLACE_BITS};
use xd_train::{Example, Learner, Weights};

/// A way to learn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Method {
    /// Logistic regression with a rate for each feature: what ships.
    AdaGrad,
    /// Follow the regularised leader, with weights that are nought until they are needed (McMahan and others 2013).
    Ftrl,
    /// The logarithm of how much more often a feature is seen in spam, for each family divided as the others divide it.
    NaiveBayes,
    /// Passive-aggressive, with slack (Crammer and others 2006), averaged over all steps.
    PassiveAggressive,
}

/// What was learned.
#[derive(Debug)]
pub(super) enum Learned {
    Shipped(Weights),
    Plain { weights: Vec<f32>, bias: f32, learner: Learner },
}

const PASSES: usize = 8;
const PLACES: usize = 1 << PLACE_BITS;

impl Method {
    /// Learns from examples, with the floors, gains and least groups of a learner.
    pub(super) fn learn(self, learner: &Learner, examples: &[&Example]) -> Learned {
        let counted = match self {
            Self::AdaGrad => return Learned::Shipped(learner.learn(examples)),
            _ => Counted::new(learner, examples),
        };
        let (weights, bias) = match self {
            Self::Ftrl => ftrl(&counted),
            Self::NaiveBayes => naive_bayes(&counted),
            Self::AdaGrad | Self::PassiveAggressive => passive_aggressive(&counted),
        };
        Learned::Plain { weights, bias, learner: learner.clone() }
    }
}

impl Learned {
    /// How much like spam.
    pub(super) fn score(&self, features: &Features) -> f32 {
        match self {
            Self::Shipped(weights) => weights.logit(features),
            Self::Plain { weights, bias, learner } => {
                values(learner, features).map(|(place, value)| weights[place] * value).sum::<f32>() + bias
            }
        }
    }
}

/// The features of a message by place, each with its value.
fn values<'a>(learner: &'a Learner, features: &'a Features) -> impl Iterator<Item = (usize, f32)> + 'a {
    Family::ALL.into_iter().flat_map(move |family| {
        let places = features.places(family);
        let count = places.len().max(learner.floors[family as usize] as usize).max(1);
        let value = learner.gains[family as usize] / (count as f32).sqrt();
        places.iter().filter(move |_| value != 0.0).map(move |&place| (place as usize, value))
    })
}

/// Examples with those features that enough groups have, in an order of chance that is the same each time.
struct Counted {
    examples: Vec<Lesson>,
}

/// An example as learners take it.
struct Lesson {
    /// Places, each with its value.
    features: Vec<(u32, f32)>,
    is_spam: bool,
    /// How much it counts.
    counts: f32,
}

impl Counted {
    fn new(learner: &Learner, examples: &[&Example]) -> Self {
        let mut groups: BTreeMap<&str, Vec<&Example>> = BTreeMap::new();
        for &example in examples {
            groups.entry(&example.group).or_default().push(example);
        }
        let (mut seen, mut last) = (vec![0_u32; PLACES], vec![0_usize; PLACES]);
        for (number, group) in (1..).zip(groups.values()) {
            for (place, _) in group.iter().flat_map(|example| values(learner, &example.features)) {
                if std::mem::replace(&mut last[place], number) != number {
                    seen[place] += 1;
                }
            }
        }
        let of = |example: &&Example| {
            let known = values(learner, &example.features).filter(|(place, _)| seen[*place] >= learner.least);
            Lesson {
                features: known.map(|(place, value)| (place as u32, value)).collect(),
                is_spam: example.is_spam,
                counts: example.weight,
            }
        };
        let mut examples: Vec<_> = examples.iter().map(of).collect();
        // A multiplicative generator is chance enough to mix folders (Fisher and Yates).
        let mut state = 0x5eed_u64;
        for last in (1..examples.len()).rev() {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            examples.swap(last, ((state >> 33) % (last as u64 + 1)) as usize);
        }
        Self { examples }
    }
}

fn dot(weights: &[f32], features: &[(u32, f32)]) -> f32 {
    features.iter().map(|&(place, value)| weights[place as usize] * value).sum()
}

fn ftrl(counted: &Counted) -> (Vec<f32>, f32) {
    const RATE: f32 = 0.3;
    const FIRST: f32 = 0.1;
    // Features weigh little each, so little is asked of them.
    const KEEP_NOUGHT: f32 = 0.02;
    const KEEP_SMALL: f32 = 0.1;
    // The last place is the bias.
    let (mut sums, mut squares, mut weights) = (vec![0.0_f32; PLACES + 1], vec![0.0_f32; PLACES + 1], vec![0.0_f32; PLACES + 1]);
    for _ in 0..PASSES {
        for Lesson { features, is_spam, counts } in &counted.examples {
            let logit = dot(&weights, features) + weights[PLACES];
            let error = (1.0 / (1.0 + (-logit).exp()) - f32::from(u8::from(*is_spam))) * counts;
            for (place, value) in features.iter().map(|&(place, value)| (place as usize, value)).chain([(PLACES, 1.0)]) {
                let gradient = error * value;
                let square = squares[place] + gradient * gradient;
                sums[place] += gradient - (square.sqrt() - squares[place].sqrt()) / RATE * weights[place];
                squares[place] = square;
                let over = sums[place].abs() - KEEP_NOUGHT;
                weights[place] =
                    if over <= 0.0 { 0.0 } else { -sums[place].signum() * over / ((FIRST + square.sqrt()) / RATE + KEEP_SMALL) };
            }
        }
    }
    let bias = weights[PLACES];
    (weights, bias)
}

fn passive_aggressive(counted: &Counted) -> (Vec<f32>, f32) {
    const SLACK: f32 = 0.1;
    let (mut weights, mut bias) = (vec![0.0_f32; PLACES], 0.0_f32);
    // The average is the weights less what each step added, by how late it came (Daumé).
    let (mut late, mut late_bias) = (vec![0.0_f32; PLACES], 0.0_f32);
    let mut step = 0.0_f32;
    for _ in 0..PASSES {
        for Lesson { features, is_spam, counts } in &counted.examples {
            let side = if *is_spam { 1.0 } else { -1.0 };
            let loss = 1.0 - side * (dot(&weights, features) + bias);
            if loss > 0.0 {
                let length = 1.0 + features.iter().map(|(_, value)| value * value).sum::<f32>();
                let by = side * (loss / length).min(SLACK * counts);
                for &(place, value) in features {
                    weights[place as usize] += by * value;
                    late[place as usize] += step * by * value;
                }
                bias += by;
                late_bias += step * by;
            }
            step += 1.0;
        }
    }
    let steps = step.max(1.0);
    (weights.iter().zip(&late).map(|(weight, late)| weight - late / steps).collect(), bias - late_bias / steps)
}

fn naive_bayes(counted: &Counted) -> (Vec<f32>, f32) {
    const SMOOTH: f32 = 0.5;
    let mut seen = [vec![0.0_f32; PLACES], vec![0.0_f32; PLACES]];
    let mut all = [0.0_f32; 2];
    for Lesson { features, is_spam, counts } in &counted.examples {
        all[usize::from(*is_spam)] += counts;
        for &(place, _) in features {
            seen[usize::from(*is_spam)][place as usize] += counts;
        }
    }
    let share = |class: usize, place: usize| (seen[class][place] + SMOOTH) / (all[class] + 2.0 * SMOOTH);
    let is_known = |place: usize| seen[0][place] + seen[1][place] > 0.0;
    let weight = |place: usize| if is_known(place) { (share(1, place) / share(0, place)).ln() } else { 0.0 };
    ((0..PLACES).map(weight).collect(), 0.0)
}

#[cfg(test)]
mod tests {
    use xd_core::{Limits, Message};

    use super::*;

    #[test]
    fn every_way_learns_what_tells_apart() {
        let example = |text: &str, is_spam: bool, group: usize| {
            let raw = format!("From: a@example.com\r\nSubject: note\r\n\r\n{text}\r\n");
            let features = Features::of(&Message::parse(raw.as_bytes(), &Limits::default()));
            Example { features, is_spam, weight: 1.0, group: group.to_string() }
        };
        let examples: Vec<Example> = (0..40)
            .flat_map(|group| [example("minutes of the meeting", false, group), example("claim your prize", true, group)])
            .collect();
        for method in [Method::AdaGrad, Method::Ftrl, Method::NaiveBayes, Method::PassiveAggressive] {
            let learned = method.learn(&Learner::default(), &examples.iter().collect::<Vec<_>>());
            let score = |text| learned.score(&example(text, false, 0).features);
            assert!(score("claim your prize") > score("minutes of the meeting"), "{method:?}");
        }
    }
}
