//! Many capsules at once, still in bytes: one thread reads, others decode and work.

use std::ops::Range;

use super::records::Step;
use super::{Found, Records};

/// Records in their order, undecoded. Filled again, it keeps its memory.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    steps: Vec<(Step, Range<usize>)>,
    reached: u64,
}

/// Enough that handing over a batch costs nothing against working on it.
const RECORDS: usize = 256;

/// A batch of large capsules is full sooner; one capsule alone may be larger.
const BYTES: usize = 256 << 10;

impl Batch {
    /// Takes the next records; says whether there were any.
    pub(crate) fn fill(&mut self, records: &mut Records) -> bool {
        self.steps.clear();
        self.bytes.clear();
        // One large capsule must not hold its memory forever.
        self.bytes.shrink_to(4 * BYTES);
        while self.steps.len() < RECORDS && self.bytes.len() < BYTES {
            let start = self.bytes.len();
            let Some(step) = records.step(&mut self.bytes) else { break };
            self.steps.push((step, start..self.bytes.len()));
        }
        self.reached = records.reached();
        !self.steps.is_empty()
    }

    /// How many bytes of files were read with it, in all.
    pub(crate) fn reached(&self) -> u64 {
        self.reached
    }

    /// What the records are, decoded one after another.
    pub(crate) fn found(&self) -> impl Iterator<Item = Found> {
        self.steps.iter().map(|(step, range)| step.clone().found(&self.bytes[range.clone()]))
    }
}
