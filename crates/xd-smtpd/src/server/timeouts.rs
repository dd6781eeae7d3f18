//! How long a server waits (RFC 5321 §4.5.3.2), and how long when it has no time to lose.

use std::time::Duration;

use crate::session::Phase;

/// How long is waited for a client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// For a whole command. Default 5 minutes: RFC 5321 §4.5.3.2.7 asks for no less.
    pub command: Duration,
    /// For more of a content. Default 3 minutes: §4.5.3.2.5 gives a client as long for each block.
    pub content: Duration,
    /// For a whole content, so that nobody holds memory by sending an octet now and then. Default 1 hour.
    pub whole_content: Duration,
    /// For a client to take replies. Default 5 minutes.
    pub reply: Duration,
    /// For the negotiation of TLS, and for a PROXY header. Default 30 seconds: nobody types these.
    pub handshake: Duration,
    /// For each of these when connections or memory run short, but for clients that are trusted. Default 10 seconds, as Postfix
    /// has it under stress.
    pub pressed: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            command: minutes(5),
            content: minutes(3),
            whole_content: minutes(60),
            reply: minutes(5),
            handshake: Duration::from_secs(30),
            pressed: Duration::from_secs(10),
        }
    }
}

impl Timeouts {
    /// How long is waited in a phase.
    pub(super) fn of(&self, phase: Phase, pressed: bool) -> Duration {
        let patient = match phase {
            Phase::Answer | Phase::Closed | Phase::Command => self.command,
            Phase::Content => self.content,
            Phase::Tls => self.handshake,
        };
        self.capped(patient, pressed)
    }

    pub(super) fn capped(&self, patient: Duration, pressed: bool) -> Duration {
        if pressed { patient.min(self.pressed) } else { patient }
    }
}
