//! Answers what judging and delivery ask of the world: DNS, lists in DNS, and an antivirus engine.
//!
//! What is absent is told apart from what could not be found out: [`Answer::Absent`] is an answer that an
//! authority gave, [`Answer::Unknown`] is none. A name that does not exist (NXDOMAIN) is told apart from one that
//! has no such records (NODATA).
//!
//! Names are asked as they stand, without the system's search list: mail for `example.com` must never go to
//! `example.com.corp.example`.
#![forbid(unsafe_code)]

mod cache;
pub mod clamd;
mod exchange;
pub mod lists;
mod mx;
mod names;
mod reply;
mod resolver;
mod rounds;
mod settings;
pub mod signature;
mod special;

pub use mx::{MailHost, MailHosts, NoMail};
pub use names::ClientNames;
pub use resolver::Resolver;
pub use rounds::{Endless, NoSignatures, Rounds, RoundsOptions, Signatures};
pub use settings::{ResolverError, ResolverOptions, Servers};
pub use special::Origin;
pub use xd_auth::{Absence, Answer};
