//! What a server asks of the gateway behind it, and what it knows of a client.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::session::{Outcome, Protocol, RefusalRecord, Reply, StageDecision, StageQuestion, Transaction};

/// Decides on clients and takes their messages.
///
/// What it is asked about one connection comes one after the other; what it is asked about several comes at once.
pub trait Front: Send + Sync + 'static {
    /// Whether the dialogue may go on.
    fn stage(&self, peer: &Peer, question: StageQuestion<'_>) -> impl Future<Output = StageDecision> + Send;

    /// Takes a message. A positive reply says that it is safe: whoever gives one has made it durable.
    ///
    /// The connection may be lost while this runs; it is not dropped for that.
    fn content(&self, peer: &Peer, transaction: Transaction) -> impl Future<Output = Outcome> + Send;

    /// Sends what waits for a domain, as a client that may ask so wants it (RFC 1985): 250 to 253, 458 or 459.
    fn etrn(&self, peer: &Peer, domain: &str) -> impl Future<Output = Reply> + Send;

    /// Takes note of a refusal that was given without asking.
    fn refused(&self, peer: &Peer, refusal: RefusalRecord);
}

/// A client, as far as it is known.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Which connection of this process it is; never the same twice.
    pub connection: u64,
    /// Its address: what a named peer said by PROXY or XCLIENT, else where the connection comes from. The address `0.0.0.0` is that of
    /// nobody: the named peer does not know the client.
    pub address: SocketAddr,
    /// The named peer in between, if there is one.
    pub via: Option<SocketAddr>,
    /// Its verified name, where a named peer said so.
    pub name: Option<String>,
    /// The listener it came to, as an index into those the server was started with.
    pub listener: usize,
    /// The protocol spoken there.
    pub protocol: Protocol,
    /// Whether its address lies in a network of ours.
    pub trusted: bool,
    /// Version and cipher suite of TLS: `TLSv1.3 TLS_AES_256_GCM_SHA384`; `None` while nothing protects the connection.
    pub tls: Option<Arc<str>>,
    /// The name it authenticated as.
    pub authenticated: Option<Arc<str>>,
}

impl Peer {
    /// Its address; `None` where a named peer speaks for a client that it does not know. Such a client has no rights of any network.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        Some(self.address.ip()).filter(|address| !address.is_unspecified())
    }
}
