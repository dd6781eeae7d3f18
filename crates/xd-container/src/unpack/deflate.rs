//! Deflate (RFC 1951), by miniz_oxide, with the whole output as its window.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_IGNORE_ADLER32, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::{Cost, IDLE_COST, Step};

pub(super) const COST: Cost = Cost { start: 2_000, for_step: 50, for_input: 7, for_output: 2, idle: IDLE_COST };

#[derive(Default)]
pub(crate) struct Deflate(DecompressorOxide);

impl Deflate {
    /// Begins anew, with the output so far as what matches may refer to.
    pub(crate) fn restart(&mut self) {
        self.0.init();
    }

    pub(crate) fn step(&mut self, input: &[u8], output: &mut Vec<u8>, most: usize) -> Step {
        let before = output.len();
        output.resize(before + most, 0);
        // More input is always said to come: at the true end nothing moves, which tells it from damage.
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF | TINFL_FLAG_IGNORE_ADLER32 | TINFL_FLAG_HAS_MORE_INPUT;
        let (status, taken, given) = decompress(&mut self.0, input, output, before, flags);
        output.truncate(before + given.min(most));
        match status {
            TINFLStatus::Done => Step::Ended(taken),
            TINFLStatus::HasMoreOutput | TINFLStatus::NeedsMoreInput => Step::Went(taken),
            _ => Step::Failed,
        }
    }
}
