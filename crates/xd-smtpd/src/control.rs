//! The control socket: every command that changes what the gateway does comes in here, from its own user or root.
//!
//! One request, one answer, each a line of JSON ([`xd_config::control`]). The socket has mode 0600, and who is at its other end
//! is asked of the system.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use xd_config::control::{REQUEST_MAX, Request, Response};

/// How long a client may take to ask, and then to read its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Clients at a time; more wait.
const CLIENTS_MAX: usize = 16;

/// A socket that is listened at. Its file is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    patience: Duration,
}

impl ControlSocket {
    /// Opens the socket. One that an ended process left is replaced; one that somebody answers at, or a file of another kind, is not.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(found) if !found.file_type().is_socket() => return Err(io::Error::other("this is no socket, and is left alone")),
            Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => return Err(io::ErrorKind::AddrInUse.into()),
            Ok(_) => std::fs::remove_file(path)?,
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned(), patience: TIMEOUT })
    }

    /// Answers requests until it is dropped.
    pub(crate) async fn serve<A, F>(&self, answer: A)
    where
        A: Fn(Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send,
    {
        let places = Arc::new(Semaphore::new(CLIENTS_MAX));
        loop {
            // The semaphore is never closed.
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((client, _)) => {
                    let (answer, patience) = (answer.clone(), self.patience);
                    tokio::spawn(async move {
                        // A client that says nothing, or leaves, has nobody to be told.
                        let _ = exchange(client, patience, answer).await;
                        drop(place);
                    });
                }
                // Out of descriptors: those there are come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn exchange<F: Future<Output = Response>>(
    mut client: UnixStream,
    patience: Duration,
    answer: impl Fn(Request) -> F,
) -> io::Result<()> {
    // What is asked may take as long as it takes: it is done, and whoever asked is told.
    let response = match timeout(patience, ask(&mut client)).await?? {
        Ok(request) => answer(request).await,
        Err(why) => Response::Error { why },
    };
    let mut line = serde_json::to_vec(&response)?;
    line.push(b'\n');
    timeout(patience, client.write_all(&line)).await??;
    client.shutdown().await
}

async fn ask(client: &mut UnixStream) -> io::Result<Result<Request, String>> {
    let peer = client.peer_cred()?.uid();
    if peer != 0 && peer != nix::unistd::geteuid().as_raw() {
        return Ok(Err("only root and the user of the gateway may ask".to_owned()));
    }
    let mut line = Vec::new();
    BufReader::new(client).take(REQUEST_MAX as u64).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        return Ok(Err(format!("expected one line of at most {REQUEST_MAX} bytes")));
    }
    Ok(serde_json::from_slice(&line).map_err(|error| format!("this is no request: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn say(path: &Path, line: &[u8]) -> String {
        let mut client = UnixStream::connect(path).await.unwrap();
        client.write_all(line).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn one_line_is_answered_by_one() {
        let path = std::env::temp_dir().join(format!("xd-control-{}.sock", std::process::id()));
        std::fs::write(&path, "somebody's").unwrap();
        assert!(ControlSocket::bind(&path).is_err());
        std::fs::remove_file(&path).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let mut socket = ControlSocket::bind(&path).unwrap();
        socket.patience = Duration::from_millis(500);
        assert_eq!(ControlSocket::bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let served = tokio::spawn(async move {
            let answer = |request| async move {
                if matches!(request, Request::Queue { .. }) {
                    tokio::time::sleep(Duration::from_millis(800)).await;
                }
                Response::Error { why: format!("{request:?}") }
            };
            socket.serve(answer).await;
        });
        assert_eq!(say(&path, b"{\"request\":\"status\"}\n").await, "{\"response\":\"error\",\"why\":\"Status\"}\n");
        assert!(say(&path, b"{\"request\":\"dance\"}\n").await.contains("no request"));
        assert!(say(&path, b"{\"request\":\"status\"}").await.contains("expected one line"));
        assert!(say(&path, &vec![b' '; REQUEST_MAX + 1]).await.contains("expected one line"));
        // What takes long is answered all the same.
        let answer = say(&path, b"{\"request\":\"queue\",\"action\":\"hold\",\"selection\":\"all\",\"dry_run\":false}\n").await;
        assert!(answer.contains("Queue"), "{answer}");
        served.abort();
        assert!(served.await.is_err() && !path.exists());
    }
}
