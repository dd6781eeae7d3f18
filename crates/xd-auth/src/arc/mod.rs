//! ARC: what each handler of a message saw before it changed it, sealed (RFC 8617).
//!
//! A chain that holds says that those who sealed saw what they say, not that they tell the truth. Whose seals to trust is up to the
//! caller: each [`Hop`] names its sealer and what it saw.

mod chain;
mod outcome;
mod seal;
mod sets;

pub use chain::Chain;
pub use outcome::{ArcResult, Hop, Outcome, Reason, StructureFault};
pub use seal::{SealError, Sealed, Sealer, Unsealed};
pub use sets::{MAX_CHAIN, MAX_SETS};
