//! Judges mail as a pure function.
#![forbid(unsafe_code)]

mod address;
mod defect;
mod domain;
mod envelope;
mod html;
mod known;
mod limits;
mod link;
pub mod lookalike;
pub mod message;
mod score;
mod timestamp;
mod truth;

pub use address::{ForwardPath, Mailbox, ReversePath};
pub use defect::{Defect, Defects};
pub use domain::{Domain, DomainError, Host};
pub use envelope::Envelope;
pub use html::HtmlFacts;
pub use known::{Known, Unknown};
pub use limits::Limits;
pub use link::{Link, LinkOrigin, LinkTrick, LinkTricks};
pub use message::{Message, View};
pub use score::{Score, ScoreError};
pub use timestamp::Timestamp;
pub use truth::Truth;
