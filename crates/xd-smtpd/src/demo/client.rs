//! A client that sends the samples as a stranger would.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A dialogue with the gateway.
#[derive(Debug)]
pub(super) struct Client(BufReader<TcpStream>);

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut client = Self(BufReader::new(TcpStream::connect(address).await?));
        client.reply().await?;
        client.ask("EHLO client.example.org\r\n").await?;
        Ok(client)
    }

    /// Sends a message and gives the reply that decided it.
    pub(super) async fn send(&mut self, recipient: &str, content: &[u8]) -> io::Result<String> {
        let recipient = format!("RCPT TO:<{recipient}>\r\n");
        for command in ["MAIL FROM:<someone@example.org>\r\n", &recipient, "DATA\r\n"] {
            let reply = self.ask(command).await?;
            if !reply.starts_with(['2', '3']) {
                self.ask("RSET\r\n").await?;
                return Ok(reply);
            }
        }
        let mut stuffed = Vec::with_capacity(content.len() + 64);
        for line in content.split_inclusive(|&byte| byte == b'\n') {
            if line.starts_with(b".") {
                stuffed.push(b'.');
            }
            // Samples may be kept with the line ends of this system.
            let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
            stuffed.extend_from_slice(line);
            stuffed.extend_from_slice(b"\r\n");
        }
        stuffed.extend_from_slice(b".\r\n");
        self.0.get_mut().write_all(&stuffed).await?;
        self.reply().await
    }

    async fn ask(&mut self, command: &str) -> io::Result<String> {
        self.0.get_mut().write_all(command.as_bytes()).await?;
        self.reply().await
    }

    /// The last line of a reply.
    async fn reply(&mut self) -> io::Result<String> {
        loop {
            let mut line = String::new();
            if timeout(PATIENCE, self.0.read_line(&mut line)).await?? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.trim_end().to_owned());
            }
        }
    }
}
