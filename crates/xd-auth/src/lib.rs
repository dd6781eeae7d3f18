//! Who really sent a message: SPF, DKIM, ARC and DMARC as pure functions.
//!
//! No socket, clock, thread or cryptography of its own: a check says which [`Question`]s and signatures it needs answered
//! ([`Progress::Wants`]), the caller answers them however it likes into [`Answers`], and runs the check again. With the same answers a
//! check gives the same result forever, so that a record of the answers proves the result.
//!
//! What an authority says is absent is told apart from what could not be found out: a name that does not exist, a name without such
//! records, and a question that failed are three different [`Answer`]s.
#![forbid(unsafe_code)]

mod answer;
pub mod arc;
pub mod authentication_results;
pub mod content;
pub mod dkim;
pub mod dmarc;
mod idn;
mod name;
mod progress;
mod question;
mod result;
mod signature;
pub mod spf;
mod tag_list;
pub mod transport;
mod unknown;

pub use answer::{Absence, Answer};
pub use name::{Name, NameError};
pub use progress::{Answers, Progress, Wanted};
pub use question::{Question, Record, RecordKind};
pub use result::{DkimResult, SpfResult};
pub use signature::{Algorithm, Signing, SigningKey, Verification};
pub use unknown::Unknown;
