//! What delivery tells the journal.

use std::net::SocketAddr;
use std::time::Duration;

use xd_store::{Done, HoldReason, QueueId};

use crate::client::{Reply, Stage};

/// Takes records of delivery: the journal, and a list in tests. Called from many tasks; must not block.
pub trait DeliveryLog: Send + Sync + 'static {
    /// Takes one record.
    fn record(&self, record: DeliveryRecord);
}

/// Something happened to a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DeliveryRecord {
    /// Some recipients were attempted.
    Attempt(Box<AttemptRecord>),
    /// A DSN was made: about which message, under which name, and whether it is held.
    Dsn {
        /// The message reported on.
        about: QueueId,
        /// The DSN.
        id: QueueId,
        /// Whether it waits for an operator, since its reader may never have written.
        held: bool,
    },
    /// Recipients came to their end without an attempt, or after it.
    Final(FinalRecord),
    /// Recipients are held.
    Held {
        /// The message.
        id: QueueId,
        /// Which recipients, by their place in the envelope.
        recipients: Vec<u32>,
        /// Why.
        reason: HoldReason,
    },
    /// A message was in the spool at the start, and was never tried.
    Recovered {
        /// The message.
        id: QueueId,
        /// Its recipients.
        forward_paths: Vec<String>,
    },
    /// A message could not be read from the spool: it waits, or is held.
    Unreadable {
        /// The message.
        id: QueueId,
        /// What was wrong.
        why: String,
    },
    /// Recipients that were held wait for delivery again.
    Released {
        /// The message.
        id: QueueId,
        /// Which recipients, by their place in the envelope.
        recipients: Vec<u32>,
    },
}

/// An attempt of some recipients of a message in one transaction, as far as they were answered alike.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AttemptRecord {
    /// The message.
    pub id: QueueId,
    /// Which recipients, by their place in the envelope. Empty for the archive copy.
    pub recipients: Vec<u32>,
    /// Their forward-paths.
    pub forward_paths: Vec<String>,
    /// The how-manieth attempt, from 1.
    pub attempt: u32,
    /// The destination, as [`DestinationStatus::name`](super::DestinationStatus::name).
    pub destination: String,
    /// The next hop's name, where one was chosen.
    pub next_hop: String,
    /// Its address, where there was a connection.
    pub address: Option<SocketAddr>,
    /// Version and cipher of TLS.
    pub tls: Option<String>,
    /// What was answered.
    pub stage: Stage,
    /// The peer's reply, word for word.
    pub reply: Option<Reply>,
    /// Why there was none, or what we decided in its place.
    pub reason: Option<String>,
    /// The name that the next hop gave the message.
    pub remote_id: Option<String>,
    /// What became of these recipients, if this was their end.
    pub done: Option<Done>,
    /// When the next attempt is due, in milliseconds since 1970.
    pub next_try: Option<u64>,
    /// From acceptance to this answer.
    pub age: Duration,
    /// How long the transaction took.
    pub took: Duration,
}

/// The end of some recipients, other than by the answer of a next hop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FinalRecord {
    /// The message.
    pub id: QueueId,
    /// Which recipients, by their place in the envelope.
    pub recipients: Vec<u32>,
    /// How they ended.
    pub done: Done,
    /// Why.
    pub reason: String,
}
