//! Trains the models that xd-core judges with, and measures them. Floats live here; what is made are integers.
#![forbid(unsafe_code)]

mod learn;
mod measure;

pub use learn::{Example, Learner, Weights};
pub use measure::{Measured, measure};
