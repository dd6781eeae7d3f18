//! The words of the control socket: what `xd` asks of a running gateway, and what that answers.
//!
//! A client connects to the socket, writes one request as a line of JSON, and reads one line of JSON back. Reading what is on
//! disk needs no socket.

use serde::{Deserialize, Serialize};

/// Bytes of a request with its line end: a list of some twenty thousand queue ids.
pub const REQUEST_MAX: usize = 512 << 10;

/// What is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Something is to happen to messages in the queue.
    Queue {
        /// What.
        action: QueueAction,
        /// To which.
        selection: Selection,
        /// Only say to how many.
        dry_run: bool,
    },
    /// How it is doing.
    Status,
}

/// What can happen to messages in the queue.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum QueueAction {
    /// They are taken out, without a DSN.
    Delete,
    /// They are not tried until released.
    Hold,
    /// Those that are held are tried again.
    Release,
    /// Those that wait are tried now.
    Retry,
}

/// Which messages are meant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Selection {
    /// All.
    All,
    /// Those with a recipient in this domain.
    Domain(String),
    /// Those with a recipient that is held.
    Held,
    /// These queue ids.
    Ids(Vec<String>),
}

/// What is answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "response", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Response {
    /// To how many messages it applied, or would.
    Count {
        /// How many.
        messages: u64,
        /// How many were meant too, and left alone: an attempt of them lasts, or they cannot be read now.
        #[serde(default)]
        left: u64,
    },
    /// It could not be done.
    Error {
        /// Why.
        why: String,
    },
    /// How it is doing.
    Status(Box<Status>),
}

/// How a gateway is doing. Times are in milliseconds, rates per second.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Status {
    /// How long it has been running.
    pub up_ms: u64,
    /// Whether mail is accepted, and if not, why.
    pub ready: bool,
    /// Why mail is not accepted.
    pub not_ready: Option<String>,
    /// The hash of the engine that judges.
    pub engine: String,
    /// Connections open.
    pub connections: u64,
    /// Connections refused by limits since the start.
    pub connections_refused: u64,
    /// Times that none could be accepted for want of descriptors or memory, since the start.
    pub connections_exhausted: u64,
    /// Bytes of contents being received.
    pub content_bytes: u64,
    /// Whether time-outs are short, because connections or memory run short.
    pub pressed: bool,
    /// Messages accepted since the start.
    pub accepted: u64,
    /// Messages refused after their content since the start.
    pub refused: u64,
    /// Recipients delivered since the start.
    pub delivered: u64,
    /// Recipients refused for good by next hops since the start.
    pub failed: u64,
    /// Answers of next hops that deferred, since the start.
    pub deferred: u64,
    /// Messages in the spool.
    pub queued: u64,
    /// Messages of which something is held.
    pub held: u64,
    /// From the end of content to its answer.
    pub answer: Percentiles,
    /// From acceptance to delivery.
    pub delivery: Percentiles,
    /// Where mail waits, busiest first.
    pub destinations: Vec<DestinationStatus>,
    /// How the spool is doing.
    pub spool: SpoolStatus,
    /// How the journal is doing.
    pub journal: JournalStatus,
}

/// Of recent events, how long the given share of them took at most, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half.
    pub p50_ms: f64,
    /// Of a hundred, ninety-five.
    pub p95_ms: f64,
    /// Of a hundred, ninety-nine.
    pub p99_ms: f64,
}

/// How one destination is doing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct DestinationStatus {
    /// Its next hops as configured, or `mx DOMAIN`.
    pub name: String,
    /// Messages waiting, those under way included.
    pub waiting: u64,
    /// Age of the oldest.
    pub oldest_ms: u64,
    /// Connections open.
    pub connections: u32,
    /// Connections allowed at once.
    pub limit: u32,
    /// For how long it has been down, if it is.
    pub down_ms: Option<u64>,
    /// Deliveries a second.
    pub rate: f64,
    /// When the backlog is gone at that rate.
    pub eta_ms: Option<u64>,
    /// Why it could not be reached the last time.
    pub last_error: String,
}

/// How the spool is doing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct SpoolStatus {
    /// Commits waiting for the disk.
    pub waiting: u64,
    /// How long the oldest has waited.
    pub oldest_waiting_ms: u64,
    /// Commits that reached the disk.
    pub syncs: u64,
    /// How many failed.
    pub sync_failures: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// How often a commit was put off since something was used up.
    pub shortages: u64,
    /// What is used up, if anything is: mail is refused, and nothing is delivered, until marks can be written again.
    pub short: Option<String>,
    /// Messages that could not be read any more when their segment had to go.
    pub unreadable: u64,
}

/// How the journal is doing.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct JournalStatus {
    /// Records waiting for the disk.
    pub waiting: u64,
    /// Records left out since the start. The journal tells of them when it can.
    pub lost: u64,
    /// What is used up, if anything is: records wait, or are left out.
    pub short: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_lines_people_can_read() {
        let selection = Selection::Ids(vec!["0EBEQ71PZ4U80".to_owned()]);
        let request = Request::Queue { action: QueueAction::Retry, selection, dry_run: true };
        let line = serde_json::to_string(&request).unwrap();
        let expected = r#"{"request":"queue","action":"retry","selection":{"ids":["0EBEQ71PZ4U80"]},"dry_run":true}"#;
        assert_eq!(line, expected);
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
        assert_eq!(serde_json::to_string(&Request::Status).unwrap(), r#"{"request":"status"}"#);
        assert!(serde_json::from_str::<Request>(r#"{"request":"shutdown"}"#).is_err());
    }
}
