//! bzip2, by the crate of that name, which is libbzip2 carried over to Rust.

use ::bzip2::{Decompress, Status};

use super::{Cost, Step};

/// A block is turned back as a whole before its first byte comes out, and a few bytes of input can make one of the size
/// that the header allows: so the first block is paid for beforehand. Later ones are paid for by what comes out of them.
pub(super) fn cost(input: &[u8]) -> Cost {
    let level = input.get(3).map_or(9, |level| u64::from(level.wrapping_sub(b'0'))).clamp(1, 9);
    Cost { start: level * 100_000 * BLOCK_BYTE, for_step: 50, for_input: 45, for_output: 40, idle: 0 }
}

/// What a byte of a block costs to turn back, in steps.
const BLOCK_BYTE: u64 = 10;

pub(super) struct Bzip2(Decompress);

impl Bzip2 {
    pub(super) fn new() -> Self {
        Self(Decompress::new(false))
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> (Step, usize) {
        let (taken_before, given_before) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output);
        let taken = usize::try_from(self.0.total_in().saturating_sub(taken_before)).unwrap_or(0);
        let given = usize::try_from(self.0.total_out().saturating_sub(given_before)).unwrap_or(0);
        let step = match status {
            Ok(Status::StreamEnd) => Step::Ended(taken),
            Ok(Status::MemNeeded) | Err(_) => Step::Failed,
            Ok(_) => Step::Went(taken),
        };
        (step, given)
    }
}
