//! Trace fields: what each server wrote about the hop before it (RFC 5321 §4.4).

use std::net::IpAddr;

use crate::{Host, Timestamp};

/// One `Received` field.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hop {
    /// What the client called itself (EHLO).
    pub ehlo: Option<Host>,
    /// The address the server saw.
    pub client_address: Option<IpAddr>,
    /// The reverse name the server found for the address; servers write `unknown` when they found none or could not
    /// tell, which is none here.
    pub reverse_name: Option<Host>,
    /// The server that wrote the field.
    pub by: Option<Host>,
    /// The protocol as registered (`ESMTPS`, `LMTP`, …), in upper case.
    pub with: Option<String>,
    /// The TLS version the server noted, if any.
    pub tls: Option<String>,
    /// The recipient named in the field.
    pub recipient: Option<String>,
    /// When.
    pub date: Option<Timestamp>,
}
