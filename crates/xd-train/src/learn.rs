//! Logistic regression over hashed features by stochastic gradients with a rate for each feature (AdaGrad).
//!
//! The same examples in the same order give the same weights on one target: one thread, a fixed order of sums, a generator of our own.

use xd_core::classify::{Family, Features, PLACE_BITS};

/// A message to learn from.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it has.
    pub features: Features,
    /// What it is.
    pub is_spam: bool,
    /// How much it counts.
    pub weight: f32,
}

/// How to learn.
#[derive(Clone, Copy, Debug)]
pub struct Learner {
    /// Passes over the examples.
    pub passes: usize,
    /// The rate at the beginning.
    pub rate: f32,
    /// How strongly weights are drawn to nought.
    pub decay: f32,
    /// A feature counts as one of at least so many of its family, so that two words alone do not decide.
    pub floor: [u32; Family::ALL.len()],
    /// How much a family counts.
    pub gain: [f32; Family::ALL.len()],
    /// Features of fewer examples are left out.
    pub least: u32,
    /// The share of a message's features left out at each pass.
    pub dropout: f32,
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Weights {
    /// By place.
    pub places: Vec<f32>,
    /// Added to every sum.
    pub bias: f32,
    learner: Learner,
}

impl Learner {
    /// Learns from examples.
    #[must_use]
    pub fn learn(&self, examples: &[&Example]) -> Weights {
        let size = 1_usize << PLACE_BITS;
        let mut seen = vec![0_u32; size];
        for example in examples {
            for family in Family::ALL {
                for &place in example.features.places(family) {
                    seen[place as usize] += 1;
                }
            }
        }
        let mut places = vec![0_f32; size];
        let mut squares = vec![1e-6_f32; size];
        let (mut bias, mut bias_square) = (0_f32, 1e-6_f32);
        let mut order: Vec<usize> = (0..examples.len()).collect();
        let mut chance = Chance(0x5eed);
        for _ in 0..self.passes {
            chance.shuffle(&mut order);
            for &index in &order {
                let example = examples[index];
                let mut sum = bias;
                let mut parts = [0_f32; Family::ALL.len()];
                let salt = chance.next();
                let keep = |place: u32| self.dropout <= 0.0 || {
                    let mixed = (u64::from(place) ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    (mixed >> 40) as f32 / (1_u32 << 24) as f32 >= self.dropout
                };
                for family in Family::ALL {
                    let list = example.features.places(family);
                    let scale = self.scale(family, list.len());
                    parts[family as usize] = scale;
                    sum += scale / (1.0 - self.dropout) * list.iter().filter(|&&place| keep(place)).map(|&place| places[place as usize]).sum::<f32>();
                }
                let truth = if example.is_spam { 1.0 } else { 0.0 };
                let error = (1.0 / (1.0 + (-sum).exp()) - truth) * example.weight;
                bias_square += error * error;
                bias -= self.rate * error / bias_square.sqrt();
                for family in Family::ALL {
                    let scale = parts[family as usize];
                    let gradient = error * scale;
                    for &place in example.features.places(family).iter().filter(|&&place| keep(place)) {
                        let place = place as usize;
                        if seen[place] < self.least {
                            continue;
                        }
                        let gradient = gradient + self.decay * places[place] * scale;
                        squares[place] += gradient * gradient;
                        places[place] -= self.rate * gradient / squares[place].sqrt();
                    }
                }
            }
        }
        Weights { places, bias, learner: *self }
    }

    fn scale(&self, family: Family, count: usize) -> f32 {
        let floor = self.floor[family as usize];
        self.gain[family as usize] / (count.max(floor as usize).max(1) as f32).sqrt()
    }
}

impl Weights {
    /// How likely spam, as a logit.
    #[must_use]
    pub fn logit(&self, features: &Features) -> f32 {
        let mut sum = self.bias;
        for family in Family::ALL {
            let list = features.places(family);
            sum += self.learner.scale(family, list.len()) * list.iter().map(|&place| self.places[place as usize]).sum::<f32>();
        }
        sum
    }

    /// What a family adds to it.
    #[must_use]
    pub fn part(&self, features: &Features, family: Family) -> f32 {
        let list = features.places(family);
        self.learner.scale(family, list.len()) * list.iter().map(|&place| self.places[place as usize]).sum::<f32>()
    }
}

/// A small generator (splitmix64): learning has to be the same again.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            let other = (self.next() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}
