//! Clients that send one message after another, and note what was said to each.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::message::Id;

const SESSIONS: u32 = 8;

/// What became of a message, as its client knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    /// 250 after the dot.
    Acknowledged,
    /// The dot was sent, and nothing came back.
    Nothing,
    /// 4yz or 5yz.
    Refused,
    /// The dot was not sent.
    Unsent,
}

pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    sessions: Vec<JoinHandle<Vec<(Id, Told, Instant)>>>,
}

impl Load {
    pub(crate) fn start(address: SocketAddr, cycle: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let session = |session| {
            let stop = stop.clone();
            std::thread::spawn(move || {
                let mut told = Vec::new();
                let mut id = Id { cycle, session, number: 0 };
                while !stop.load(Ordering::Relaxed) {
                    // The connection ends when the gateway does.
                    let _ = converse(address, &mut id, &stop, &mut told);
                }
                told
            })
        };
        Self { sessions: (0..SESSIONS).map(session).collect(), stop }
    }

    /// Ends all sessions and gives what each message was told.
    pub(crate) fn stop(self) -> Vec<(Id, Told, Instant)> {
        self.stop.store(true, Ordering::Relaxed);
        self.sessions.into_iter().flat_map(|session| session.join().unwrap()).collect()
    }
}

fn converse(address: SocketAddr, id: &mut Id, stop: &AtomicBool, told: &mut Vec<(Id, Told, Instant)>) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_nodelay(true)?;
    let mut client = Client { reader: BufReader::new(stream.try_clone()?), writer: stream };
    client.reply()?;
    client.ask("EHLO client.example.org\r\n")?;
    while !stop.load(Ordering::Relaxed) {
        let message = *id;
        id.number += 1;
        told.push((message, Told::Unsent, Instant::now()));
        let mut note = |word| {
            // It was pushed above.
            if let Some(last) = told.last_mut() {
                *last = (message, word, Instant::now());
            }
        };
        let mut go_on = true;
        for command in ["MAIL FROM:<a@example.org>\r\n", "RCPT TO:<b@example.com>\r\n", "DATA\r\n"] {
            go_on = go_on && client.ask(command)? < 400;
        }
        if !go_on {
            note(Told::Refused);
            client.ask("RSET\r\n")?;
            continue;
        }
        let content = message.content().replace("\r\n.", "\r\n..");
        client.writer.write_all(content.as_bytes())?;
        note(Told::Nothing);
        note(if client.ask(".\r\n")? < 400 { Told::Acknowledged } else { Told::Refused });
    }
    Ok(())
}

struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Client {
    fn ask(&mut self, command: &str) -> io::Result<u16> {
        self.writer.write_all(command.as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> io::Result<u16> {
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) == Some(&b' ') {
                return line[..3].parse().map_err(io::Error::other);
            }
        }
    }
}
