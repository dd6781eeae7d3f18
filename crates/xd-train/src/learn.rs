//! Logistic regression over hashed features, by stochastic gradients with a rate for each feature (AdaGrad; Duchi, Hazan and
//! Singer 2011).
//!
//! The same examples in the same order give the same weights on one target: one thread, one order of sums, a generator of our own.

use std::sync::Arc;

use xd_core::classify::{Family, Features, LOGIT, Model, PLACE_BITS, WEIGHT_UNIT};

use crate::chance::Chance;

/// A message to learn from.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it has.
    pub features: Features,
    /// What it is.
    pub is_spam: bool,
    /// How much it counts; 1 is usual.
    pub weight: f32,
    /// What it belongs to: messages of one group are never on both sides of a comparison.
    pub group: String,
}

/// How to learn. The default is what comparing by held-out clusters and by held-out sources settled on; `docs/model.md` has the figures.
#[derive(Clone, Debug)]
pub struct Learner {
    /// Passes over the examples.
    pub passes: usize,
    /// The rate of a feature seen for the first time.
    pub rate: f32,
    /// A family of fewer features counts as one of so many, so that two words alone do not decide.
    pub floors: [u32; Family::ALL.len()],
    /// How much a family counts.
    pub gains: [f32; Family::ALL.len()],
    /// Features of fewer groups get no weight: they would only be known again.
    pub least: u32,
    /// What to begin with; nothing is known otherwise.
    pub from: Option<Arc<Model>>,
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Weights {
    pub(crate) places: Vec<f32>,
    pub(crate) bias: f32,
    pub(crate) learner: Learner,
}

impl Default for Learner {
    fn default() -> Self {
        // Headers count half: they tell best where a message came from, and worst what it is.
        let gains = Family::ALL.map(|family| if family == Family::Header { 1.0 } else { 2.0 });
        Self { passes: 8, rate: 0.3, floors: [64, 8, 4, 16, 16, 16, 8], gains, least: 2, from: None }
    }
}

impl Learner {
    /// Learns from examples; nothing from none.
    #[must_use]
    pub fn learn(&self, examples: &[&Example]) -> Weights {
        let seen = occurrences(examples);
        let mut weights = self.first_weights();
        let mut squares = vec![1e-6_f32; 1 << PLACE_BITS];
        let mut bias_square = 1e-6_f32;
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut chance = Chance(0x5eed);
        for _ in 0..self.passes {
            chance.shuffle(&mut order);
            for &index in &order {
                let example = examples[index];
                let truth = if example.is_spam { 1.0 } else { 0.0 };
                let error = (1.0 / (1.0 + (-weights.logit(&example.features)).exp()) - truth) * example.weight;
                bias_square += error * error;
                weights.bias -= self.rate * error / bias_square.sqrt();
                for family in Family::ALL {
                    let places = example.features.places(family);
                    let gradient = error * weights.learner.scale(family, places.len());
                    for place in places.iter().map(|&place| place as usize).filter(|&place| seen[place] >= self.least) {
                        squares[place] += gradient * gradient;
                        weights.places[place] -= self.rate * gradient / squares[place].sqrt();
                    }
                }
            }
        }
        weights
    }

    fn first_weights(&self) -> Weights {
        let mut weights = Weights { places: vec![0.0; 1 << PLACE_BITS], bias: 0.0, learner: self.clone() };
        if let Some(from) = &self.from {
            let parts = from.to_parts();
            weights.bias = parts.bias as f32 / LOGIT as f32;
            // What its weights were learned with.
            weights.learner.floors = parts.families.map(|(floor, _)| floor);
            weights.learner.gains = parts.families.map(|(_, gain)| gain as f32 / 65_536.0);
            for (place, weight) in parts.weights {
                weights.places[place as usize] = f32::from(weight) / WEIGHT_UNIT as f32;
            }
        }
        weights
    }

    /// By what the weights of a family are multiplied.
    fn scale(&self, family: Family, count: usize) -> f32 {
        let count = count.max(self.floors[family as usize] as usize).max(1);
        self.gains[family as usize] / (count as f32).sqrt()
    }
}

/// How many groups have each feature.
fn occurrences(examples: &[&Example]) -> Vec<u32> {
    let mut sorted: Vec<&&Example> = examples.iter().collect();
    sorted.sort_by(|a, b| a.group.cmp(&b.group));
    let mut seen = vec![0; 1 << PLACE_BITS];
    // By which group each was counted last.
    let mut last = vec![0_usize; 1 << PLACE_BITS];
    for (number, group) in (1..).zip(sorted.chunk_by(|a, b| a.group == b.group)) {
        for example in group {
            for &place in Family::ALL.into_iter().flat_map(|family| example.features.places(family)) {
                if std::mem::replace(&mut last[place as usize], number) != number {
                    seen[place as usize] += 1;
                }
            }
        }
    }
    seen
}

impl Weights {
    /// How likely spam, as a logit.
    #[must_use]
    pub fn logit(&self, features: &Features) -> f32 {
        let share = |family: Family| {
            let places = features.places(family);
            self.learner.scale(family, places.len()) * places.iter().map(|&place| self.places[place as usize]).sum::<f32>()
        };
        Family::ALL.into_iter().fold(self.bias, |sum, family| sum + share(family))
    }
}
