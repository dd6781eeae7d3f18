//! How long each answer of a next hop may take.

use std::time::Duration;

/// How long to wait for a next hop (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timeouts {
    /// For a connection. Default 30 s.
    pub connect: Duration,
    /// For its greeting. Default 30 s: a dead server must not hold up those after it. Farther away, set more.
    pub greeting: Duration,
    /// For replies to EHLO, MAIL, RCPT and RSET. Default 5 min.
    pub command: Duration,
    /// For the reply to DATA. Default 2 min.
    pub data: Duration,
    /// For a block of content to be taken. Default 3 min.
    pub block: Duration,
    /// For the reply to the final dot. Default 10 min: less, and messages that were taken are sent again.
    pub end: Duration,
    /// How long a connection stays open with nothing to send. Default 5 s.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(30),
            greeting: seconds(30),
            command: seconds(300),
            data: seconds(120),
            block: seconds(180),
            end: seconds(600),
            idle: seconds(5),
        }
    }
}
