//! The client's side of SMTP (RFC 5321) and LMTP (RFC 2033) without sockets: bytes of the next hop in, bytes for it and events
//! out. A driver in `delivery` owns connection and clock.
//!
//! Spoken: EHLO with HELO as its fallback, PIPELINING (RFC 2920), 8BITMIME, SIZE, DSN (RFC 3461), SMTPUTF8, STARTTLS (RFC 3207).
//! Replies are read strictly and with limits: whatever is not a reply that may stand where it stands is a [`Fault`], and a fault is never
//! permanent.

mod content;
mod dialogue;
mod envelope;
mod extensions;
mod reply;
mod timeouts;
mod transaction;

pub use dialogue::{Client, ClientOptions, Event, Finished, RecipientResult, TlsWish, Token};
pub use envelope::{Envelope, Misfit};
pub use extensions::Extensions;
pub use reply::{Reply, ReplyError, ReplyReader};
pub use timeouts::Timeouts;

/// Which of the two protocols is spoken.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Protocol {
    /// LMTP: one answer for each recipient after the content.
    Lmtp,
    /// SMTP.
    #[default]
    Smtp,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// Making the connection: no command was sent.
    Connect,
    /// The greeting of the next hop.
    Greeting,
    /// EHLO, HELO or LHLO.
    Ehlo,
    /// STARTTLS, and the handshake after it.
    StartTls,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// The content and its final dot.
    Content,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

impl Stage {
    /// The stage in a word, as records name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::StartTls => "starttls",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Content => "content",
            Self::Rset => "rset",
            Self::Quit => "quit",
        }
    }
}

/// Why a dialogue ended that should have gone on. All of these defer: they say nothing about the message.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The next hop closed the connection.
    #[error("next hop closed the connection")]
    Closed,
    /// The system: no route, refused, reset.
    #[error("{0}")]
    Connection(String),
    /// The next hop sent what is no reply, or none that may stand there.
    #[error("next hop talks nonsense: {0}")]
    Nonsense(String),
    /// The next hop said no before a transaction began.
    #[error("{0}")]
    Refused(Reply),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// TLS is asked for and cannot be had, or the handshake failed.
    #[error("TLS: {0}")]
    Tls(String),
}

/// What became of one recipient in a transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Answer {
    /// The next hop replied.
    Reply(Reply),
    /// The connection ended while the transaction was under way, before the end of the content was sent.
    Interrupted(Fault),
    /// The connection ended after the end of the content was sent and before it was answered: the next hop may have the message.
    Unanswered(Fault),
    /// The connection ended before anything of this transaction was answered.
    Untried,
}

#[cfg(test)]
mod tests;
