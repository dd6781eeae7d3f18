//! A client of clamd, the daemon of the antivirus engine ClamAV: one message in, its answer out, by the command `INSTREAM`
//! (clamd(8)). Whatever goes wrong is unknown, never clean.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use xd_core::evidence::Antivirus;
use xd_core::{Known, Unknown};

/// Where clamd listens.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "clamd listens at nothing else")]
pub enum ClamdAddress {
    /// At a TCP port: `TCPSocket` in its settings. What is sent is readable on the way.
    Tcp(SocketAddr),
    /// At a socket of the file system: `LocalSocket` in its settings.
    #[cfg(unix)]
    Unix(PathBuf),
}

/// A clamd, and how much it is asked.
///
/// # Example: nobody listens
/// ```
/// use xd_core::Known;
/// use xd_lookup::clamd::{Clamd, ClamdAddress};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// let clamd = Clamd::new(ClamdAddress::Unix("/nonexistent/clamd.sock".into()));
/// assert!(matches!(runtime.block_on(clamd.scan(b"Subject: hi\r\n\r\n")), Known::Unknown(_)));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Clamd {
    /// Where it listens.
    pub address: ClamdAddress,
    /// How long one message may take, connecting included. Default 30 s.
    pub deadline: Duration,
    /// Octets of a message that it is given; a larger one is not asked about. Default 25 MiB, the default of clamd's own `StreamMaxLength`.
    pub most: usize,
}

impl Clamd {
    /// A clamd at an address, with default limits.
    #[must_use]
    pub fn new(address: ClamdAddress) -> Self {
        Self { address, deadline: Duration::from_secs(30), most: 25 << 20 }
    }

    /// What the engine says of a message. Never absent: that is for those who have no engine. Unknown when clamd cannot be reached, gives up,
    /// says what makes no sense, or takes longer than the deadline. Must be called within a tokio runtime with I/O and time enabled.
    pub async fn scan(&self, message: &[u8]) -> Known<Antivirus> {
        if message.len() > self.most {
            return Known::Unknown(Unknown::NotAsked);
        }
        let scan = async {
            match &self.address {
                ClamdAddress::Tcp(address) => match TcpStream::connect(address).await {
                    Ok(stream) => exchange(stream, message).await,
                    Err(_) => Known::Unknown(Unknown::ServerFailure),
                },
                #[cfg(unix)]
                ClamdAddress::Unix(path) => match UnixStream::connect(path).await {
                    Ok(stream) => exchange(stream, message).await,
                    Err(_) => Known::Unknown(Unknown::ServerFailure),
                },
            }
        };
        tokio::time::timeout(self.deadline, scan).await.unwrap_or(Known::Unknown(Unknown::Timeout))
    }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite, message: &[u8]) -> Known<Antivirus> {
    let (from, mut to) = tokio::io::split(stream);
    let mut reply = Vec::new();
    let (sent, read) = {
        let mut sending = pin!(send(&mut to, message));
        // One octet more than is allowed shows what is too long.
        let mut from = from.take(MAX_REPLY as u64 + 1);
        let mut reading = pin!(from.read_to_end(&mut reply));
        // Both at once: where clamd says early what is wrong, it no longer reads. In this order, so that a reply to all of it never
        // overtakes that all was sent.
        tokio::select! {
            biased;
            sent = &mut sending => (sent.is_ok(), reading.await.is_ok()),
            read = &mut reading => (false, read.is_ok()),
        }
    };
    match parse(&reply) {
        // An answer about part of a message is none about the message.
        Known::Found(found) if sent && read => Known::Found(found),
        Known::Found(_) | Known::Absent => Known::Unknown(Unknown::ServerFailure),
        Known::Unknown(Unknown::Malformed) if reply.is_empty() => Known::Unknown(Unknown::ServerFailure),
        Known::Unknown(why) => Known::Unknown(why),
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> std::io::Result<()> {
    // `z`: commands and replies end in NUL. Without a session, clamd closes after its reply.
    stream.write_all(b"zINSTREAM\0").await?;
    for chunk in message.chunks(CHUNK) {
        // A chunk is far smaller than 2^32.
        stream.write_all(&(chunk.len() as u32).to_be_bytes()).await?;
        stream.write_all(chunk).await?;
    }
    stream.write_all(&[0; 4]).await?;
    stream.flush().await
}

/// Reads a reply: `stream: OK`, `stream: NAME FOUND`, or a text that ends in `ERROR`.
fn parse(reply: &[u8]) -> Known<Antivirus> {
    let malformed = Known::Unknown(Unknown::Malformed);
    let Some(line) = reply.strip_suffix(b"\0").filter(|line| line.len() < MAX_REPLY) else { return malformed };
    if !line.iter().all(|octet| matches!(octet, b' '..=b'~')) {
        return malformed;
    }
    // Checked above: ASCII.
    let line = String::from_utf8_lossy(line);
    if line.ends_with(" ERROR") {
        // `INSTREAM size limit exceeded. ERROR`: it will not look at this, and never would.
        let is_limit = line.contains("size limit exceeded");
        return Known::Unknown(if is_limit { Unknown::Refused } else { Unknown::ServerFailure });
    }
    match line.strip_prefix("stream: ") {
        Some("OK") => Known::Found(Antivirus::Clean),
        Some(found) => match found.strip_suffix(" FOUND") {
            Some(name) if !name.is_empty() && !name.contains(' ') => Known::Found(Antivirus::Infected(name.to_owned())),
            _ => malformed,
        },
        None => malformed,
    }
}

/// Octets sent at a time.
const CHUNK: usize = 64 << 10;
/// Octets of a reply. Names of what is found have some dozens.
const MAX_REPLY: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies() {
        let infected = |name: &str| Known::Found(Antivirus::Infected(name.to_owned()));
        let unknown = Known::Unknown;
        let cases: [(&[u8], _); 14] = [
            (b"stream: OK\0", Known::Found(Antivirus::Clean)),
            (b"stream: Eicar-Test-Signature FOUND\0", infected("Eicar-Test-Signature")),
            (b"stream: Win.Test.EICAR_HDB-1(44d88612fea8a8f3:68) FOUND\0", infected("Win.Test.EICAR_HDB-1(44d88612fea8a8f3:68)")),
            (b"INSTREAM size limit exceeded. ERROR\0", unknown(Unknown::Refused)),
            (b"stream: Can't allocate memory ERROR\0", unknown(Unknown::ServerFailure)),
            (b"stream: OK", unknown(Unknown::Malformed)),
            (b"stream: OK\n", unknown(Unknown::Malformed)),
            (b"stream: OK \0", unknown(Unknown::Malformed)),
            (b"stream: OK\0stream: OK\0", unknown(Unknown::Malformed)),
            (b"stream:  FOUND\0", unknown(Unknown::Malformed)),
            (b"stream: FOUND\0", unknown(Unknown::Malformed)),
            (b"/tmp/x: OK\0", unknown(Unknown::Malformed)),
            (b"UNKNOWN COMMAND\0", unknown(Unknown::Malformed)),
            (b"", unknown(Unknown::Malformed)),
        ];
        for (reply, said) in cases {
            assert_eq!(parse(reply), said, "{:?}", String::from_utf8_lossy(reply));
        }
        assert_eq!(parse(&[&[b'a'; MAX_REPLY][..], b" ERROR\0"].concat()), unknown(Unknown::Malformed));
    }

    proptest::proptest! {
        #[test]
        fn only_whole_replies_say_anything(reply: Vec<u8>, name in "[ -~]{0,20}", cut in 0..40usize) {
            proptest::prop_assert!(parse(&reply).is_unknown() || reply == b"stream: OK\0");
            let whole = format!("stream: {name} FOUND\0");
            let part = &whole.as_bytes()[..cut.min(whole.len() - 1)];
            proptest::prop_assert!(parse(part).is_unknown());
        }
    }
}
