//! Deflate64: Deflate with a window of 64 KiB (APPNOTE.TXT 5.5 names it, nobody specifies it), by deflate64.

use deflate64::InflaterManaged;

use super::{Cost, IDLE_COST, Step};

pub(super) const COST: Cost = Cost { start: 40_000, for_step: 50, for_input: 9, for_output: 3, idle: IDLE_COST };

pub(super) struct Deflate64(InflaterManaged);

impl Deflate64 {
    pub(super) fn new() -> Self {
        Self(InflaterManaged::new())
    }

    pub(super) fn step(&mut self, input: &[u8], output: &mut [u8]) -> (Step, usize) {
        let result = self.0.inflate(input, output);
        let step = if result.data_error || self.0.errored() {
            Step::Failed
        } else if self.0.finished() {
            Step::Ended(result.bytes_consumed)
        } else {
            Step::Went(result.bytes_consumed)
        };
        (step, result.bytes_written)
    }
}
