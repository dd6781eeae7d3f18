//! Addresses of mail: mailboxes of header fields, and the paths of an envelope.

use std::fmt;

use crate::Domain;

/// One address of a header field with its display name, as far as it could be read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mailbox {
    /// The display name, decoded; empty when there is none.
    pub name: String,
    /// The address as it stands, decoded, without angle brackets; may be no address at all.
    pub address: String,
    /// The domain of the address, when it has a readable one.
    pub domain: Option<Domain>,
}

impl Mailbox {
    /// A mailbox of a display name and an address in any state.
    #[must_use]
    pub fn new(name: &str, address: &str) -> Self {
        let address = trimmed(address);
        let at = memchr::memrchr(b'@', address.as_bytes());
        let domain = at.and_then(|at| Domain::parse(trimmed(address.get(at + 1..)?)).ok());
        Self { name: trimmed(name).to_owned(), address: address.to_owned(), domain }
    }

    /// What stands before the last `@`, or the whole address when there is none.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.address.rsplit_once('@').map_or(self.address.as_str(), |(local, _)| local)
    }
}

/// The text without blanks at its ends, which most have none of.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Where delivery reports for a message go; the argument of `MAIL FROM`.
///
/// The null reverse-path `<>` is a value of its own, not a missing one: it marks mail that must never
/// cause another report (RFC 5321 §4.5.5).
///
/// # Example: may a report be sent?
/// ```
/// use xd_core::ReversePath;
///
/// assert!(!ReversePath::parse("<>").accepts_reports());
/// assert!(ReversePath::parse("<alice@example.com>").accepts_reports());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum ReversePath {
    /// An address.
    Mailbox(Mailbox),
    /// `<>`
    Null,
}

impl ReversePath {
    /// Reads what stood in `MAIL FROM:` or `Return-Path:`, with or without angle brackets. Empty is null.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let inner = text.strip_prefix('<').map_or(text, |rest| rest.split('>').next().unwrap_or(rest));
        if inner.trim().is_empty() { Self::Null } else { Self::Mailbox(Mailbox::new("", inner)) }
    }

    /// Whether a failure of this message may be reported to its origin.
    #[must_use]
    pub fn accepts_reports(&self) -> bool {
        match self {
            // RFC 5321 §6.1: a failure must not be reported to `<>`, or reports would breed reports.
            Self::Null => false,
            Self::Mailbox(_) => true,
        }
    }

    /// The mailbox, unless the path is null.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Mailbox(mailbox) => Some(mailbox),
            Self::Null => None,
        }
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(mailbox) => write!(f, "<{}>", mailbox.address),
            Self::Null => f.write_str("<>"),
        }
    }
}

/// An address that a message is to be delivered to; the argument of `RCPT TO`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForwardPath(Mailbox);

impl ForwardPath {
    /// Reads what stood in `RCPT TO:`, with or without angle brackets.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let inner = text.strip_prefix('<').map_or(text, |rest| rest.split('>').next().unwrap_or(rest));
        Self(Mailbox::new("", inner))
    }

    /// The path of a mailbox that was one before.
    pub(crate) fn of(mailbox: Mailbox) -> Self {
        Self(mailbox)
    }

    /// The address as a mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.0
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0.address)
    }
}
