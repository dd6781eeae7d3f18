//! Delivery: sees every accepted message to a safe place, however long the next server is away.
//!
//! ```text
//! spool ─▶ queue (numbers in memory) ─▶ destination ─▶ connection ─▶ next hop
//!            ▲ retry in about 20 minutes        │ down: probed gently
//!            └────────── outcome ───────────────┴─▶ marks in the spool, records in the journal, DSNs
//! ```
//!
//! A *destination* is a list of next hops in order: that of a route in the configuration, or the MX records of a domain. All
//! recipients of a message that share a destination go in one transaction. A message with several destinations has one queue
//! entry for each; an archive copy owed is an entry of its own, so that it delays nothing.
//!
//! # What may happen twice
//! A recipient is never in two attempts at once, and one whose end the spool has marked is not attempted again. A next hop that took a
//! message and whose reply did not come back (closed or silent after the final dot), or that replied in the moment of a crash
//! before the mark was committed, gets it again: SMTP cannot tell these from a loss.

mod admit;
mod attempt;
mod clock;
mod connection;
mod control;
mod destination;
mod dsn;
mod load;
mod mailbox;
mod maildir;
mod operate;
mod options;
mod queue;
mod record;
mod report;
mod runner;
mod settle;
mod store;
mod sweep;
mod target;
mod tls;
mod worker;

pub use crate::client::Timeouts;
pub use control::{Applied, Control, DestinationStatus, Latencies, QueueEntry, Selection, Status};
pub use options::{ArchiveOptions, DeliveryOptions, HoldLimits, MxPolicy, Outbound, Resources, Route};
pub use record::{AttemptRecord, DeliveryLog, DeliveryRecord, FinalRecord};
pub use runner::Delivery;
pub use store::{Committed, ContentChunks, QueueStore};

#[cfg(test)]
mod tests;
