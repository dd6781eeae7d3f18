//! Cross-validation: each message is scored by a model that saw nothing of its group.

use crate::{Example, Learner};

/// Into how many folds examples are divided.
pub const FOLDS: u64 = 5;

/// The fold of a group, by its name alone: what belongs together is held out together, whatever else there is.
#[must_use]
pub fn fold_of(group: &str) -> u64 {
    // FNV-1a, whose low bits are its weakest.
    let hash =
        group.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 20) % FOLDS
}

/// The logit of each example by a model that was trained on the other folds.
#[must_use]
pub fn cross_validate(learner: &Learner, examples: &[Example]) -> Vec<f32> {
    let mut logits = vec![0.0; examples.len()];
    for fold in 0..FOLDS {
        // What counts nothing is scored, and teaches nothing.
        let teaches = |example: &&Example| fold_of(&example.group) != fold && example.weight > 0.0;
        let others: Vec<&Example> = examples.iter().filter(teaches).collect();
        let weights = learner.learn(&others);
        for (logit, example) in logits.iter_mut().zip(examples).filter(|(_, example)| fold_of(&example.group) == fold) {
            *logit = weights.logit(&example.features);
        }
    }
    logits
}
