//! A next hop that notes what it gets, and misbehaves in known ways with some messages.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::message::Id;

/// One copy of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copy {
    /// When its 250 was sent; none if the connection was closed in its place.
    pub(crate) acknowledged: Option<Instant>,
    /// Whether every byte is as it was sent.
    pub(crate) intact: bool,
}

#[derive(Clone)]
pub(crate) struct Sink {
    address: SocketAddr,
    copies: Arc<Mutex<HashMap<Id, Vec<Copy>>>>,
}

/// What messages were deferred, so that none is a second time.
type Deferred = Arc<Mutex<HashSet<Id>>>;

impl Sink {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), copies: Arc::default() };
        let (copies, deferred) = (sink.copies.clone(), Deferred::default());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (copies, deferred) = (copies.clone(), deferred.clone());
                // A gateway that is killed ends the connection.
                std::thread::spawn(move || drop(serve(stream, &copies, &deferred)));
            }
        });
        sink
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn copies(&self) -> HashMap<Id, Vec<Copy>> {
        self.copies.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, copies: &Mutex<HashMap<Id, Vec<Copy>>>, deferred: &Deferred) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    writer.write_all(b"220 sink.example.com ESMTP\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => writer.write_all(b"250-sink.example.com\r\n250-PIPELINING\r\n250 8BITMIME\r\n")?,
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                let content = content(&mut reader)?;
                let id = Id::of(&content).ok_or(io::ErrorKind::InvalidData)?;
                // Its trace field stands before it, nothing else.
                let intact = content.starts_with("Received: ") && content.ends_with(&id.content());
                let mut copies = copies.lock().unwrap();
                let known = copies.entry(id).or_default();
                let first = known.is_empty();
                match id.hash() % 20 {
                    1 if first => {
                        known.push(Copy { acknowledged: None, intact });
                        return Ok(());
                    }
                    2 | 3 if deferred.lock().unwrap().insert(id) => writer.write_all(b"451 4.3.0 later\r\n")?,
                    _ => {
                        known.push(Copy { acknowledged: Some(Instant::now()), intact });
                        drop(copies);
                        writer.write_all(b"250 2.0.0 taken\r\n")?;
                    }
                }
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => writer.write_all(b"250 2.0.0 ok\r\n")?,
        }
    }
}

/// Reads content up to the lone dot, without dot-stuffing.
fn content(reader: &mut impl BufRead) -> io::Result<String> {
    let (mut content, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(content);
        }
        content += line.strip_prefix('.').unwrap_or(&line);
    }
}
