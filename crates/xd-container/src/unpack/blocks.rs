//! Deflate in blocks that each end by themselves and refer to those before: MSZIP of cabinets.

use super::deflate::{COST, Deflate};
use super::{IDLE_COST, Step};
use crate::{Budget, Sign};

/// The most that one block gives: the window of Deflate.
const BLOCK: usize = 32 << 10;

/// Puts blocks together.
#[derive(Default)]
pub(crate) struct BlockInflater {
    decoder: Deflate,
    output: Vec<u8>,
}

impl BlockInflater {
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    /// A block that is not packed.
    pub(crate) fn store(&mut self, block: &[u8], budget: &mut Budget) -> Result<(), Sign> {
        if block.len() > budget.decoded_left() || !budget.charge_steps(block.len() as u64 + 100) {
            return Err(Sign::Limit);
        }
        budget.charge_decoded(block.len());
        self.output.extend_from_slice(block);
        Ok(())
    }

    /// The error says what is wrong with a block; what it gave before stays.
    pub(crate) fn inflate(&mut self, block: &[u8], budget: &mut Budget) -> Result<(), Sign> {
        let most = BLOCK.min(budget.decoded_left());
        if most == 0 || !budget.charge_steps(COST.start) {
            return Err(Sign::Limit);
        }
        self.decoder.restart();
        let before = self.output.len();
        let step = self.decoder.step(block, &mut self.output, most);
        let given = self.output.len().saturating_sub(before);
        budget.charge_decoded(given);
        let idle = block.len().saturating_sub(given) as u64 * IDLE_COST;
        let is_paid = budget.charge_steps(idle + block.len() as u64 * COST.for_input + given as u64 * COST.for_output);
        match step {
            Step::Ended(_) if is_paid => Ok(()),
            Step::Ended(_) => Err(Sign::Limit),
            Step::Went(_) if given == most => Err(if most < BLOCK { Sign::Limit } else { Sign::Damaged }),
            Step::Went(_) => Err(Sign::Truncated),
            Step::Failed => Err(Sign::Damaged),
        }
    }
}
