//! DMARC (RFC 9989): whether the domain that a reader sees as the author's was used by its owner, and what the owner wishes done with
//! mail of which nothing shows that.
//!
//! [`check`] takes what SPF and DKIM say and asks DNS for policy records: first below the author domain, then on the way from there
//! to the root (the tree walk), for the domain that speaks for the whole organization. [`destination`] says whether reports may go
//! where a record wants them. Making and reading reports is left to others.
//!
//! RFC 9989 replaces RFC 7489: there is no list of public suffixes to find organizations by, and `pct` means nothing. In one place
//! the list is used all the same, where a registry publishes a record without saying that it is one: see [`Step::Suffix`].

mod author;
mod check;
mod destination;
mod outcome;
mod record;
mod uri;
mod walk;

pub use author::{AuthorFault, author_domain};
pub use check::{MAX_WALKED, check};
pub use destination::{Destination, Report, destination};
pub use outcome::{Alignment, DmarcResult, Found, Outcome, Reason, Step, Subject};
pub use record::{FailureOptions, Fault, FaultKind, MAX_FAULTS, Mode, Policy, PolicyRecord, Psd, Relation};
pub use uri::{MAX_URIS, ReportUri};
pub use walk::{Finding, Looked};
