//! Mail and rules to measure with: made up, the same on every run, and near enough to life in what costs time.
//!
//! No message is read from anywhere. Text is prose of ordinary words in ordinary proportions, pages are the tables and
//! inline styles that newsletters are made of; real mail varies more, so ratios say more than the figures themselves.
#![forbid(unsafe_code)]

pub mod file;
pub mod hostile;
pub mod mail;
pub mod page;
pub mod prose;
mod random;
pub mod rules;

use xd_core::{Engine, Limits, Message, Score, evidence, judge};

pub use random::Random;

/// One KiB in bytes.
pub const KIB: usize = 1 << 10;
/// One MiB in bytes.
pub const MIB: usize = 1 << 20;

/// The sizes of text that are measured, with their names.
pub const SIZES: [(&str, usize); 4] = [("1 KiB", KIB), ("8 KiB", 8 * KIB), ("64 KiB", 64 * KIB), ("1 MiB", MIB)];

/// The whole road: bytes in, the score of a verdict out.
#[must_use]
pub fn verdict_score(engine: &Engine, raw: &[u8]) -> Score {
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    judge(engine, &envelope, &message, &evidence).verdict().score
}
