//! What operators ask of the queue, and what it tells them.

use std::time::Duration;

use xd_store::QueueId;

/// Which messages are meant.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Selection {
    /// All.
    All,
    /// Those with a recipient in this domain, by its A-label in lower case.
    Domain(String),
    /// Those with a recipient that is held.
    Held,
    /// These.
    Ids(Vec<QueueId>),
}

/// How many messages a request applied to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// It applied to these.
    pub messages: u64,
    /// These were meant too, and left alone: an attempt of them lasts, or they cannot be read now.
    pub left: u64,
}

/// What is to be done with messages.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Control {
    /// Takes them out of the queue, without a DSN.
    Delete(Selection),
    /// Keeps them from being tried.
    Hold(Selection),
    /// Lets those that are held be tried again, for whatever reason they are.
    Release(Selection),
    /// Tries those that wait now.
    Retry(Selection),
}

/// A message in the queue, at one destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueueEntry {
    /// The message.
    pub id: QueueId,
    /// Where it goes.
    pub destination: String,
    /// When it arrived, in milliseconds since 1970.
    pub arrived: u64,
    /// Attempts so far.
    pub attempts: u32,
    /// In how long the next attempt is due; none while it is under way, held, or waiting for its turn.
    pub next_try: Option<Duration>,
    /// Whether an attempt is under way.
    pub in_flight: bool,
    /// Whether it is held.
    pub held: bool,
    /// Whether it is the archive copy.
    pub archive: bool,
}

/// How delivery is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// By destination, in the order of their names.
    pub destinations: Vec<DestinationStatus>,
    /// Messages held.
    pub held: u64,
    /// Transactions under way.
    pub in_flight: u64,
    /// Recipients delivered since the start.
    pub delivered: u64,
    /// Recipients refused for good since the start.
    pub failed: u64,
    /// Answers that deferred since the start.
    pub deferred: u64,
    /// From acceptance to delivery.
    pub latencies: Latencies,
    /// Why nothing is attempted at all: the spool takes no marks.
    pub stopped: bool,
}

/// How one destination is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DestinationStatus {
    /// Its next hops as configured, or `mx DOMAIN`.
    pub name: String,
    /// Messages waiting, in flight included.
    pub waiting: u64,
    /// Age of the oldest.
    pub oldest: Duration,
    /// Connections open.
    pub connections: u32,
    /// Connections allowed at once.
    pub limit: u32,
    /// For how long it has been down.
    pub down_for: Option<Duration>,
    /// Deliveries a second, over about the last ten seconds.
    pub rate: f64,
    /// When the backlog is gone at that rate.
    pub eta: Option<Duration>,
    /// Why it could not be reached the last time.
    pub last_error: String,
}

/// Of recent deliveries, how long the given share of them took at most.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Latencies {
    /// Half.
    pub p50: Duration,
    /// Of a hundred, ninety-five.
    pub p95: Duration,
    /// Of a hundred, ninety-nine.
    pub p99: Duration,
}
