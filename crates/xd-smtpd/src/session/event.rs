//! What a session asks and tells, and what it is answered.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::{Path, Reply};

/// What a session wants done. Until a question is answered, no later command is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Check a password, then [`Session::handle_authentication`](super::Session::handle_authentication).
    Authenticate(Credentials),
    /// Write what is left of the output and close the connection.
    Close,
    /// A whole content, then [`Session::handle_outcome`](super::Session::handle_outcome).
    Content(Box<Transaction>),
    /// Send what waits for this domain, then [`Session::handle_etrn`](super::Session::handle_etrn).
    Etrn(String),
    /// The session refused something by itself.
    Refused(Box<RefusalRecord>),
    /// Decide on [`Session::question`](super::Session::question), then
    /// [`Session::handle_decision`](super::Session::handle_decision).
    Stage,
    /// Write the output, forget what was read, begin TLS, then
    /// [`Session::handle_tls_started`](super::Session::handle_tls_started).
    StartTls,
    /// The real client is another: take over what is said, then
    /// [`Session::handle_client`](super::Session::handle_client).
    Xclient(Box<Xclient>),
}

/// A question before the message exists: may the client go on?
#[derive(Clone, Copy, Debug)]
pub struct StageQuestion<'a> {
    /// How far the dialogue is.
    pub stage: Stage<'a>,
    /// What the client called itself; `None` before it did.
    pub ehlo: Option<&'a str>,
    /// Whether it said EHLO or LHLO rather than HELO.
    pub extended: bool,
    /// Whether TLS protects the connection.
    pub tls: bool,
    /// The name it authenticated as.
    pub authenticated: Option<&'a str>,
    /// What MAIL said, from stage `Mail` on.
    pub mail: Option<&'a MailParameters>,
    /// The recipients accepted so far.
    pub recipients: &'a [RcptParameters],
}

/// How far a dialogue is. The complete set.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Stage<'a> {
    /// The connection stands, nothing is said.
    Connect,
    /// The client gave its name.
    Ehlo,
    /// It gave the reverse-path.
    Mail,
    /// It gave this recipient.
    Rcpt(&'a RcptParameters),
}

/// The answer to a [`StageQuestion`]. The complete set.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum StageDecision {
    /// The client may go on.
    Continue,
    /// 4yz: the client may come again. A reply of 421 closes the connection.
    Defer(Reply),
    /// 5yz: it may not.
    Refuse(Reply),
}

/// The answer to content.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Outcome {
    /// One reply for all. LMTP repeats it for each recipient.
    One(Reply),
    /// A reply for each recipient, in their order. SMTP gives the first.
    PerRecipient(Vec<Reply>),
}

/// A message as a client gave it: envelope and whole content.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transaction {
    /// What the client called itself.
    pub ehlo: Arc<str>,
    /// Whether it said EHLO or LHLO rather than HELO.
    pub extended: bool,
    /// Whether TLS protected the connection.
    pub tls: bool,
    /// The name it authenticated as.
    pub authenticated: Option<Arc<str>>,
    /// Reverse-path and parameters of MAIL.
    pub mail: MailParameters,
    /// The recipients accepted, in order; at least one.
    pub recipients: Vec<RcptParameters>,
    /// The content, without dot-stuffing; every line ends in CRLF, and no CR or LF stands alone.
    pub content: Vec<u8>,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// What was changed so that no CR or LF stands alone: counts of bare LF and bare CR.
    pub normalized: (u64, u64),
    /// Whether the last line had no end and got one, as only chunks allow.
    pub completed: bool,
}

/// What MAIL says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MailParameters {
    /// Where failure reports go; may be null.
    pub reverse_path: Path,
    /// What the content is declared to be.
    pub body: Body,
    /// How many octets the client announces (RFC 1870).
    pub size: Option<u64>,
    /// Whether addresses and header may be UTF-8 (RFC 6531).
    pub smtputf8: bool,
    /// How much of the message a failure report returns (RFC 3461).
    pub ret: Option<Ret>,
    /// The client's own name of the envelope, as received: xtext.
    pub envid: Option<Box<str>>,
}

/// What RCPT says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RcptParameters {
    /// Whom the message is for.
    pub forward_path: Path,
    /// The original recipient as received: type `;` xtext (RFC 3461 §4.2).
    pub orcpt: Option<Box<str>>,
    /// When a report is wanted.
    pub notify: Notify,
}

/// What content is declared to be (RFC 6152). The complete set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Body {
    /// It may hold any bytes.
    EightBitMime,
    /// It holds bytes below 128 alone, or nothing was said.
    #[default]
    SevenBit,
}

/// How much of a message a failure report returns (RFC 3461 §4.3). The complete set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header section.
    Headers,
}

/// When a report is wanted (RFC 3461 §4.1). The default, nothing set, is what a client gets that said nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Notify {
    /// Never; stands alone.
    pub never: bool,
    /// On delivery.
    pub success: bool,
    /// On failure.
    pub failure: bool,
    /// On delay.
    pub delay: bool,
}

/// What a client gave to prove who it is.
#[derive(Clone, Eq, PartialEq)]
pub struct Credentials {
    /// The name whose password it is.
    pub user: String,
    /// The name to act as; empty, or the same as `user`, where none other is wanted (RFC 4616).
    pub authorization: String,
    /// The password.
    pub password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    // A password is never shown, not even by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}

/// The answer to [`Credentials`]. The complete set.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Authentication {
    /// It is who it says: the name to be recorded.
    Accepted(Arc<str>),
    /// It is not.
    Refused,
    /// It could not be checked now.
    Unavailable,
}

/// A refusal that the session gave by itself, for the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RefusalRecord {
    /// The command, or `connection` or `content`.
    pub command: &'static str,
    /// The reply given.
    pub reply: Reply,
    /// What the client called itself.
    pub ehlo: Option<Arc<str>>,
    /// The reverse-path of the open transaction.
    pub reverse_path: Option<Path>,
    /// The recipients that the refusal concerns: those accepted so far, at the end of data.
    pub recipients: Vec<Path>,
}

/// What XCLIENT says of the real client. What it said to the peer (HELO, PROTO) is not taken over: it says EHLO again. `None` was not said, `Some(None)` is not known (`[UNAVAILABLE]`, `[TEMPUNAVAIL]`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Xclient {
    /// Its address.
    pub address: Option<Option<IpAddr>>,
    /// Its port.
    pub port: Option<Option<u16>>,
    /// Its verified name.
    pub name: Option<Option<String>>,
    /// The name it authenticated as.
    pub login: Option<Option<String>>,
}
