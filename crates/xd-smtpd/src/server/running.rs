//! Listeners and what all connections share: settings, counts, and the end.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};

use super::clients::{Admission, Clients, Excess};
use super::connection;
use super::{Front, Peer, ServerSettings, SettingsError};
use crate::session::RefusalRecord;

/// Listeners that are bound and do not serve yet.
///
/// Binding needs privileges that serving does not: whoever has them drops them in between.
#[derive(Debug)]
pub struct Listeners {
    settings: ServerSettings,
    bound: Vec<TcpListener>,
}

/// A server at work. Dropping it does not end it.
#[derive(Debug)]
pub struct Server<F> {
    shared: Arc<Shared<F>>,
    addresses: Vec<SocketAddr>,
}

/// Counts of a server.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ServerGauges {
    /// Connections open.
    pub connections: usize,
    /// Connections since the start.
    pub accepted: u64,
    /// Connections refused by limits since the start.
    pub refused: u64,
    /// Times that no connection could be accepted for want of descriptors or memory.
    pub exhausted: u64,
    /// Octets of contents being received.
    pub content_octets: usize,
    /// Whether time-outs are short for want of room.
    pub pressed: bool,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum ServerError {
    /// A listener cannot be bound.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
    /// The settings contradict themselves.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// What holds for all connections at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Mode {
    pub(super) draining: bool,
    pub(super) pressed: bool,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared<F> {
    front: F,
    settings: RwLock<Arc<ServerSettings>>,
    clients: Clients,
    mode: watch::Sender<Mode>,
    connections: AtomicUsize,
    accepted: AtomicU64,
    refused: AtomicU64,
    exhausted: AtomicU64,
    draining: AtomicBool,
    ended: Notify,
}

/// Connections that the system keeps for us before they are accepted; it may keep fewer.
const BACKLOG: u32 = 1_024;
/// How long is waited before another connection is accepted when descriptors or memory ran out: connections end meanwhile.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

impl Listeners {
    /// Binds all listeners.
    ///
    /// # Errors
    /// When settings contradict themselves, or an address cannot be bound.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn bind(settings: ServerSettings) -> Result<Self, ServerError> {
        settings.check()?;
        let bind = |address: SocketAddr| {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // So that a restart need not wait for connections of the past.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        };
        let bound = settings
            .listeners
            .iter()
            .map(|listener| bind(listener.address).map_err(|error| ServerError::Bind(listener.address, error)));
        let bound = bound.collect::<Result<_, _>>()?;
        Ok(Self { settings, bound })
    }

    /// The addresses bound, in the order of the settings; where port 0 was asked for, with the port given.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let asked = self.settings.listeners.iter().map(|listener| listener.address);
        self.bound.iter().zip(asked).map(|(bound, asked)| bound.local_addr().unwrap_or(asked)).collect()
    }

    /// Begins to serve.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn serve<F: Front>(self, front: F) -> Server<F> {
        let addresses = self.addresses();
        let shared = Arc::new(Shared {
            front,
            settings: RwLock::new(Arc::new(self.settings)),
            clients: Clients::default(),
            mode: watch::Sender::new(Mode::default()),
            connections: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            exhausted: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            ended: Notify::new(),
        });
        for (index, listener) in self.bound.into_iter().enumerate() {
            tokio::spawn(accept(Arc::clone(&shared), index, listener));
        }
        Server { shared, addresses }
    }
}

impl<F: Front> Server<F> {
    /// Puts other settings in force, for connections that begin from now on. What is counted over all connections goes on: content in
    /// memory, passwords tried in vain.
    ///
    /// # Errors
    /// When they contradict themselves or have other listeners; then those in force stay.
    pub fn reload(&self, mut settings: ServerSettings) -> Result<(), SettingsError> {
        settings.check()?;
        let mut current = self.shared.settings.write().unwrap_or_else(PoisonError::into_inner);
        let addresses =
            |settings: &ServerSettings| settings.listeners.iter().map(|listener| listener.address).collect::<Vec<_>>();
        if addresses(&settings) != addresses(&current) {
            return Err(SettingsError::OtherListeners);
        }
        current.budget.set_octets(settings.budget.octets());
        settings.budget = current.budget.clone();
        if let (Some(passwords), Some(former)) = (&settings.passwords, &current.passwords) {
            settings.passwords = Some(Arc::new(passwords.remembering(former)));
        }
        *current = Arc::new(settings);
        Ok(())
    }

    /// Stops to accept connections, ends those that are between messages with 421, lets others finish their message; returns
    /// how many are left when all are gone or the time is over.
    pub async fn drain(&self, patience: Duration) -> usize {
        self.shared.draining.store(true, Ordering::Relaxed);
        self.shared.mode.send_modify(|mode| mode.draining = true);
        let all_gone = async {
            loop {
                let ended = self.shared.ended.notified();
                if self.shared.connections.load(Ordering::Acquire) == 0 {
                    break;
                }
                ended.await;
            }
        };
        let _ = tokio::time::timeout(patience, all_gone).await;
        self.shared.connections.load(Ordering::Acquire)
    }

    /// The addresses served, in the order of the settings.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the server was given to ask.
    #[must_use]
    pub fn front(&self) -> &F {
        &self.shared.front
    }

    /// Counts as they are now.
    #[must_use]
    pub fn gauges(&self) -> ServerGauges {
        let shared = &self.shared;
        ServerGauges {
            connections: shared.connections.load(Ordering::Relaxed),
            accepted: shared.accepted.load(Ordering::Relaxed),
            refused: shared.refused.load(Ordering::Relaxed),
            exhausted: shared.exhausted.load(Ordering::Relaxed),
            content_octets: shared.settings().budget.taken(),
            pressed: shared.mode.borrow().pressed,
        }
    }
}

impl<F: Front> Shared<F> {
    pub(super) fn front(&self) -> &F {
        &self.front
    }

    pub(super) fn settings(&self) -> Arc<ServerSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn mode(&self) -> watch::Receiver<Mode> {
        self.mode.subscribe()
    }

    pub(super) fn refused(&self, peer: &Peer, record: RefusalRecord) {
        self.front.refused(peer, record);
    }

    /// Counts a client's connection; trusted clients are not counted, nor are those that may name others, nor those of whom nobody knows who
    /// they are: they have nothing in common but the peer that speaks for them. An error without a limit of its client is that of all.
    pub(super) fn admit(&self, peer: &Peer, named: bool, settings: &ServerSettings) -> Result<Option<Admission>, Option<Excess>> {
        let connections = self.connections.load(Ordering::Relaxed);
        let admitted = if connections > settings.descriptors || !peer.trusted && connections > settings.connections {
            Err(None)
        } else if peer.trusted || named || peer.client().is_none() {
            Ok(None)
        } else {
            self.clients.admit(peer.address.ip(), &settings.clients, Instant::now()).map(Some).map_err(Some)
        };
        if admitted.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// Shortens time-outs when three quarters of connections or content memory are taken; takes that back at one half.
    pub(super) fn weigh(&self) {
        let settings = self.settings();
        let (connections, budget) = (self.connections.load(Ordering::Relaxed), &settings.budget);
        let above = |quarters: usize| {
            connections > settings.connections / 4 * quarters || budget.taken() > budget.octets() / 4 * quarters
        };
        self.mode.send_if_modified(|mode| {
            let pressed = above(if mode.pressed { 2 } else { 3 });
            std::mem::replace(&mut mode.pressed, pressed) != pressed
        });
    }
}

/// A connection that is counted among all; no longer when dropped.
struct Counted<F: Front>(Arc<Shared<F>>);

impl<F: Front> Counted<F> {
    fn new(shared: &Arc<Shared<F>>) -> Self {
        shared.connections.fetch_add(1, Ordering::AcqRel);
        shared.weigh();
        Self(Arc::clone(shared))
    }
}

impl<F: Front> Drop for Counted<F> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
        self.0.weigh();
        self.0.ended.notify_waiters();
    }
}

/// Accepts connections until the server ends. Nothing that goes wrong here ends it.
async fn accept<F: Front>(shared: Arc<Shared<F>>, index: usize, listener: TcpListener) {
    let mut mode = shared.mode();
    while !shared.draining.load(Ordering::Relaxed) {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = mode.changed() => continue,
        };
        match accepted {
            Ok((stream, source)) => begin(&shared, index, stream, source),
            // Descriptors or memory ran out: the connection waits in the backlog until others end.
            Err(error) if is_exhausted(&error) => {
                shared.exhausted.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(EXHAUSTED_WAIT).await;
            }
            // The client left before it was accepted, or the network has a fault: that is of this connection alone.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

fn begin<F: Front>(shared: &Arc<Shared<F>>, index: usize, stream: TcpStream, source: SocketAddr) {
    let number = shared.accepted.fetch_add(1, Ordering::Relaxed);
    let counted = Counted::new(shared);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        connection::serve(shared, index, stream, source, number).await;
        drop(counted);
    });
}

fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}
