//! A connection to a next hop: moves bytes between a socket and the dialogue, with deadlines.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::options::Route;
use super::tls::TlsConfigs;
use crate::client::{Client, ClientOptions, Event, Fault, Protocol, Stage, TlsWish};
use xd_config::TlsPolicy;

/// A connection that was greeted.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) name: String,
    pub(super) address: SocketAddr,
    /// Version and cipher of TLS.
    pub(super) tls: Option<String>,
    stream: Stream,
    buffer: Box<[u8]>,
    deadline: Instant,
    progress: u64,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Bytes read at once. Replies are short; those of a hundred recipients fit.
const READ_BYTES: usize = 8 << 10;

/// Whom to connect to, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer<'a> {
    pub(super) protocol: Protocol,
    pub(super) name: &'a str,
    pub(super) address: SocketAddr,
    pub(super) route: &'a Route,
    pub(super) hostname: &'a str,
}

impl Connection {
    /// Connects and speaks until the next hop is ready for transactions.
    pub(super) async fn open(peer: Peer<'_>, configs: &TlsConfigs) -> Result<Self, (Stage, Fault)> {
        let wish = match peer.route.tls {
            TlsPolicy::Never => TlsWish::Never,
            TlsPolicy::Opportunistic => TlsWish::Offered,
            TlsPolicy::Required | TlsPolicy::Verified => TlsWish::Must,
        };
        let opened = Self::open_with(peer, configs, wish).await;
        match opened {
            // RFC 7435 §3: mail that may go in clear goes so where encryption does not come about.
            Err((Stage::StartTls, Fault::Tls(_))) if wish == TlsWish::Offered => {
                Self::open_with(peer, configs, TlsWish::Never).await
            }
            opened => opened,
        }
    }

    async fn open_with(peer: Peer<'_>, configs: &TlsConfigs, tls: TlsWish) -> Result<Self, (Stage, Fault)> {
        let timeouts = peer.route.timeouts;
        let stream = match timeout(timeouts.connect, TcpStream::connect(peer.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err((Stage::Connect, Fault::Connection(error.to_string()))),
            Err(_) => return Err((Stage::Connect, Fault::Timeout)),
        };
        // Commands are gathered here; the system need not wait for more. Without it, it is only slower.
        let _ = stream.set_nodelay(true);
        let options = ClientOptions { protocol: peer.protocol, hostname: peer.hostname.to_owned(), tls, timeouts };
        let mut connection = Self {
            client: Client::new(options),
            name: peer.name.to_owned(),
            address: peer.address,
            tls: None,
            stream: Stream::Plain(stream),
            buffer: vec![0; READ_BYTES].into(),
            deadline: Instant::now() + timeouts.greeting,
            progress: 0,
        };
        loop {
            let stage = connection.client.stage();
            match connection.client.poll_event() {
                Some(Event::Ready) => return Ok(connection),
                Some(Event::StartTls) => {
                    let verified = peer.route.tls == TlsPolicy::Verified;
                    let config = if verified { &configs.verified } else { &configs.unverified };
                    connection =
                        connection.encrypt(config, peer, timeouts.command).await.map_err(|fault| (Stage::StartTls, fault))?;
                }
                Some(Event::Over(fault)) => return Err((stage, fault.unwrap_or(Fault::Closed))),
                Some(_) => {}
                None => connection.step().await,
            }
        }
    }

    async fn encrypt(mut self, config: &Arc<rustls::ClientConfig>, peer: Peer<'_>, most: Duration) -> Result<Self, Fault> {
        let Stream::Plain(stream) = self.stream else { return Err(Fault::Tls("there is TLS already".into())) };
        let name = ServerName::try_from(peer.name.to_owned()).or_else(|_| ServerName::try_from(peer.address.ip().to_string()));
        let name = name.map_err(|error| Fault::Tls(error.to_string()))?;
        let stream = match timeout(most, TlsConnector::from(config.clone()).connect(name, stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Fault::Tls(error.to_string())),
            Err(_) => return Err(Fault::Tls("no answer in time".into())),
        };
        let (_, session) = stream.get_ref();
        let version = session.protocol_version().map_or("TLS", |version| version.as_str().unwrap_or("TLS"));
        let cipher = session.negotiated_cipher_suite().map_or("", |suite| suite.suite().as_str().unwrap_or(""));
        self.tls = Some(format!("{version} {cipher}"));
        self.stream = Stream::Tls(Box::new(stream));
        self.client.handle_tls();
        self.touch();
        Ok(self)
    }

    /// Something new is expected from now on: the deadline counts anew.
    pub(super) fn touch(&mut self) {
        self.progress = self.client.progress();
        self.deadline = Instant::now() + self.client.timeout();
    }

    /// Nothing is expected for so long: the deadline is behind that.
    pub(super) fn rest(&mut self, most: Duration) {
        self.progress = self.client.progress();
        self.deadline = Instant::now() + most * 2;
    }

    /// Sends what is to be sent and takes what has come; returns when something did, or the deadline passed.
    pub(super) async fn step(&mut self) {
        if self.progress != self.client.progress() {
            self.touch();
        }
        let deadline = self.deadline;
        let fault = match timeout_at(deadline, poll_fn(|context| self.poll_step(context))).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Fault::Closed,
            Ok(Err(error)) => Fault::Connection(error.to_string()),
            Err(_) => Fault::Timeout,
        };
        self.client.fail(fault);
    }

    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut sent = false;
        while !self.client.output().is_empty() {
            let written = match &mut self.stream {
                Stream::Plain(stream) => Pin::new(stream).poll_write(context, self.client.output()),
                Stream::Tls(stream) => Pin::new(stream).poll_write(context, self.client.output()),
            };
            match written {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(bytes)) => {
                    self.client.handle_sent(bytes);
                    sent = true;
                }
                // What the next hop said before it closed is worth more than that it closed.
                Poll::Ready(Err(error)) => return self.poll_last_words(context, error),
                Poll::Pending => break,
            }
        }
        if let Stream::Tls(stream) = &mut self.stream
            && let Poll::Ready(Err(error)) = Pin::new(stream).poll_flush(context)
        {
            return self.poll_last_words(context, error);
        }
        match self.poll_read(context) {
            Poll::Pending if sent => Poll::Ready(Ok(())),
            polled => polled,
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        let read = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, &mut buffer),
        };
        match read {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(Ok(())) => {
                self.client.handle_input(buffer.filled());
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_last_words(&mut self, context: &mut Context<'_>, error: io::Error) -> Poll<io::Result<()>> {
        match self.poll_read(context) {
            Poll::Ready(Ok(())) if self.client.is_over() => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(error)),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("name", &self.name).field("address", &self.address).field("tls", &self.tls).finish()
    }
}
