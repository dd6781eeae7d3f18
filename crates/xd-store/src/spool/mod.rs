//! The spool: content and envelopes of all mail that was answered with 250 and is not yet done.

mod content;
mod error;
mod id;
mod message;
mod options;

pub use content::Content;
pub use error::{CommitError, SpoolError};
pub use id::{QueueId, QueueIdError};
pub use message::{
    Attempt, BodyType, Done, HoldReason, Mark, Notify, QueuedMessage, RecipientState, Ret, SpoolMessage, SpoolRecipient,
};
pub use options::{Acceptance, SpoolGauges, SpoolOptions, SpoolRecovery};
