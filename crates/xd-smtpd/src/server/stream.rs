//! The connection's bytes, in the clear or under TLS.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::tls::described;

/// A connection.
#[derive(Debug)]
pub(super) enum Stream {
    /// TLS is being negotiated, or that failed: there is nothing to read or write.
    Neither,
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Octets read at once. Four times the usual message; a batch of pipelined commands is far below.
const READ_MAX: usize = 16 << 10;
/// Octets read at once in the middle of large content.
const CONTENT_READ_MAX: usize = 64 << 10;

impl Stream {
    /// Reads what is there, without waiting. `None`: nothing is. 0 octets: the client is gone.
    pub(super) async fn read_now(&mut self, buffer: &mut Vec<u8>) -> Option<io::Result<usize>> {
        if buffer.capacity() - buffer.len() < READ_MAX / 4 {
            buffer.reserve(READ_MAX);
        }
        let read = match self {
            Self::Neither => return Some(Ok(0)),
            Self::Plain(stream) => now(stream.read_buf(buffer)).await,
            Self::Tls(stream) => now(stream.read_buf(buffer)).await,
        };
        // What filled the buffer to the brim is in the middle of something large.
        if buffer.len() == buffer.capacity() && buffer.capacity() < CONTENT_READ_MAX {
            buffer.reserve(CONTENT_READ_MAX);
        }
        read
    }

    /// Waits until there may be something to read. No buffer is held meanwhile.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Neither => Ok(()),
            Self::Plain(stream) => stream.readable().await,
            Self::Tls(stream) => stream.get_ref().0.readable().await,
        }
    }

    /// Writes all.
    pub(super) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Self::Neither => Ok(()),
            Self::Plain(stream) => stream.write_all(octets).await,
            Self::Tls(stream) => {
                stream.write_all(octets).await?;
                stream.flush().await
            }
        }
    }

    /// Negotiates TLS; returns version and cipher suite.
    pub(super) async fn start_tls(&mut self, config: Arc<ServerConfig>) -> io::Result<Arc<str>> {
        let Self::Plain(stream) = std::mem::replace(self, Self::Neither) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let stream = TlsAcceptor::from(config).accept(stream).await?;
        let description = described(stream.get_ref().1);
        *self = Self::Tls(Box::new(stream));
        Ok(description)
    }

    /// Ends the connection in good order.
    pub(super) async fn shut_down(&mut self) -> io::Result<()> {
        match self {
            Self::Neither => Ok(()),
            Self::Plain(stream) => stream.shutdown().await,
            Self::Tls(stream) => stream.shutdown().await,
        }
    }
}

/// What a future gives at once, if it does; else it is dropped.
pub(super) async fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}
