//! What the spool knows of a message: the envelope as it must be delivered, where it came from, and what became of each
//! recipient.

use std::net::IpAddr;

use super::QueueId;

/// A message with its envelope; its content stands beside it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpoolMessage {
    /// Its name.
    pub id: QueueId,
    /// When it arrived, in milliseconds since 1970.
    pub arrived: u64,
    /// The argument of `MAIL FROM`, without brackets; empty is the null reverse-path.
    pub reverse_path: String,
    /// The arguments of `RCPT TO`, in their order, which never changes: marks name recipients by it.
    pub recipients: Vec<SpoolRecipient>,
    /// How much a DSN is to return (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// The envelope identifier of the client, as received, in xtext (RFC 3461 §4.4).
    pub envid: Option<String>,
    /// What the content is made of (RFC 6152).
    pub body: BodyType,
    /// Whether the transaction asked for SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// Bytes of the content as spooled.
    pub bytes: u64,
    /// SHA-256 of the content as received.
    pub sha256_received: [u8; 32],
    /// SHA-256 of the content as spooled.
    pub sha256_spooled: [u8; 32],
    /// What was changed between the two, each by its name: "add X-XD-Class".
    pub actions: Vec<String>,
    /// The address of the client.
    pub client: Option<IpAddr>,
    /// The EHLO domain.
    pub ehlo: String,
    /// As whom the client authenticated.
    pub authenticated: Option<String>,
    /// Version and cipher of TLS, where there was any.
    pub tls: Option<String>,
    /// Whether the reverse-path may be sent a DSN.
    pub may_report: bool,
    /// The class of the verdict.
    pub class: String,
    /// The score of the verdict.
    pub score: String,
    /// The hash of the engine that judged.
    pub engine: String,
    /// Whether a copy for the archive is owed.
    pub archive: bool,
}

/// One recipient of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SpoolRecipient {
    /// The argument of `RCPT TO`, without brackets.
    pub forward_path: String,
    /// The original recipient, as received (RFC 3461 §4.2).
    pub orcpt: Option<String>,
    /// When a DSN is asked for.
    pub notify: Notify,
    /// What became of it.
    pub state: RecipientState,
}

/// Where a recipient stands. A message leaves the spool once all are done and no archive copy is owed. The complete set.
///
/// ```text
/// Waiting ──▶ Done        Waiting ◀──▶ Held ──▶ Done
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum RecipientState {
    /// Nothing more happens.
    Done(Done),
    /// Not delivered until somebody says so, or a time is over.
    Held {
        /// Why.
        reason: HoldReason,
        /// Since when, in milliseconds since 1970.
        since: u64,
    },
    /// To be delivered.
    #[default]
    Waiting,
}

/// How a recipient ended. The complete set.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Done {
    /// Deleted by an operator.
    Deleted = 1,
    /// A next hop, or a mailbox here, took it.
    Delivered = 2,
    /// Thrown away, with a record of it.
    Discarded = 3,
    /// It was too old to be tried again.
    Expired = 4,
    /// A next hop refused it for good.
    Failed = 5,
    /// A next hop took it that does not report delivery (RFC 3461 §5.2.2), of which the client wanted to know.
    Relayed = 6,
}

/// Why a recipient is held.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[repr(u8)]
pub enum HoldReason {
    /// It is a DSN to somebody who may never have written.
    Dsn = 1,
    /// An operator wants it so.
    Operator = 2,
    /// The verdict.
    Quarantine = 3,
    /// Its content cannot be read.
    Unreadable = 4,
}

/// How much of a message a DSN returns (RFC 3461 §4.3). The complete set.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Ret {
    /// All of it.
    Full = 1,
    /// Its header section.
    Headers = 2,
}

/// What content is made of (RFC 6152). The complete set.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum BodyType {
    /// It may hold any bytes.
    EightBitMime = 1,
    /// It holds bytes below 128 alone.
    #[default]
    SevenBit = 2,
}

/// When a DSN is asked for (RFC 3461 §4.1): a set. The empty one is the default of the standard.
///
/// # Example: what does `NOTIFY=SUCCESS,FAILURE` ask for?
/// ```
/// use xd_store::Notify;
///
/// let notify = Notify::SUCCESS | Notify::FAILURE;
/// assert!(notify.has(Notify::SUCCESS) && !notify.has(Notify::DELAY));
/// assert!(!Notify::default().has(Notify::FAILURE));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Notify(u8);

impl Notify {
    /// Nothing was asked for: failures are reported, delays may be.
    pub const DEFAULT: Self = Self(0);
    /// Never, whatever happens. Stands alone.
    pub const NEVER: Self = Self(1);
    /// When it was delivered.
    pub const SUCCESS: Self = Self(2);
    /// When it cannot be.
    pub const FAILURE: Self = Self(4);
    /// When it takes long.
    pub const DELAY: Self = Self(8);

    /// The set with these bits; others than the four are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0xf)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of another set are in this one.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Notify {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A message in the spool, with all marks it got.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueuedMessage {
    /// What was accepted, each recipient as it stands now.
    pub message: SpoolMessage,
    /// The last attempt, if there was one.
    pub attempt: Option<Attempt>,
}

/// The last attempt to deliver a message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Attempt {
    /// How many there have been.
    pub count: u32,
    /// When the next is due, in milliseconds since 1970.
    pub next_try: u64,
    /// What the next hop replied, or why it could not be reached.
    pub last_reply: String,
}

/// What changes about a message that is in the spool. The complete set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mark {
    /// The archive has its copy.
    Archived,
    /// It was attempted. Replaces what was known of earlier attempts.
    Attempt(Attempt),
    /// A recipient is now in another state. Being done is the end: what is said later of that recipient changes nothing.
    Recipient {
        /// Which one, counted from 0.
        index: u32,
        /// Its state.
        state: RecipientState,
    },
    /// All recipients that are not done are done now, like this; and no archive copy is owed.
    Remove(Done),
}

impl SpoolMessage {
    /// Whether anything is left to be done for it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.archive || self.recipients.iter().any(|recipient| !recipient.state.is_done())
    }
}

impl RecipientState {
    /// Whether nothing more happens.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// The state after a mark.
    pub(crate) fn set(&mut self, state: Self) {
        if !self.is_done() {
            *self = state;
        }
    }
}

macro_rules! codes {
    ($type:ident: $($variant:ident),+) => {
        impl $type {
            /// The number that stands for it in records.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            pub(crate) fn from_code(code: u8) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|known| known.code() == code)
            }
        }
    };
}

codes!(Done: Deleted, Delivered, Discarded, Expired, Failed, Relayed);
codes!(HoldReason: Dsn, Operator, Quarantine, Unreadable);
codes!(Ret: Full, Headers);
codes!(BodyType: EightBitMime, SevenBit);
