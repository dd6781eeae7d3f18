//! Trains the models that xd-core judges with, and measures them. Floats live here; what is made are integers.
//!
//! [`train`] is the whole road: labelled features in, a [`Model`](xd_core::classify::Model) out, with what cross-validation says of it. The same
//! examples in the same order give the same bytes on one target.
#![forbid(unsafe_code)]

mod chance;
mod folds;
mod learn;
mod measure;
mod model;

pub use folds::{FOLDS, cross_validate, fold_of};
pub use learn::{Example, Learner, Weights};
pub use measure::{Measured, measure};
pub use model::{Curve, Labels, TrainError, Trained, train};
