//! The envelope: what the client said in the dialogue, apart from the message.

use std::net::IpAddr;

use crate::{ForwardPath, Host, Known, ReversePath};

/// What is known of the SMTP dialogue that brought a message (RFC 5321 §2.3.1).
///
/// Every part may be unknown: a message read from a file has only what its trace fields tell.
///
/// # Example: how does an envelope from a live connection look?
/// ```
/// use xd_core::{Envelope, ForwardPath, Known, ReversePath};
///
/// let envelope = Envelope {
///     client_address: Known::Found("192.0.2.7".parse().unwrap()),
///     reverse_path: Known::Found(ReversePath::Null),
///     forward_paths: vec![ForwardPath::parse("<bob@example.com>")],
///     ..Envelope::default()
/// };
/// assert!(envelope.authenticated_identity.is_unknown());
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Envelope {
    /// Where the connection came from.
    pub client_address: Known<IpAddr>,
    /// What the client called itself. A domain literal is an address.
    pub ehlo: Known<Host>,
    /// Where failure reports go.
    pub reverse_path: Known<ReversePath>,
    /// Whom the message is for, in the order given; empty when unknown.
    pub forward_paths: Vec<ForwardPath>,
    /// Whether the connection was encrypted; `Found` holds the protocol version as written, `Absent` means it was not.
    pub tls: Known<String>,
    /// The name the client authenticated as (SMTP AUTH); `Absent` means it did not.
    pub authenticated_identity: Known<String>,
}
