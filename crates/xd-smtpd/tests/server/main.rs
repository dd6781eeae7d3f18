//! A server on loopback: its beginning and its end, limits and time-outs; beside it memory, named peers, secrets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod memory;
mod named;
mod secrets;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Runtime;
use xd_smtpd::server::{Front, ListenerSettings, Listeners, Peer, Server, ServerSettings, Timeouts};
use xd_smtpd::session::{Outcome, Protocol, RefusalRecord, Reply, SessionOptions, StageDecision, StageQuestion, Transaction};

#[derive(Default)]
struct Memory {
    kept: Mutex<Vec<(Peer, Transaction)>>,
    refused: AtomicUsize,
    refusals: Mutex<Vec<RefusalRecord>>,
}

impl Front for Memory {
    async fn stage(&self, _: &Peer, _: StageQuestion<'_>) -> StageDecision {
        tokio::task::yield_now().await;
        StageDecision::Continue
    }

    async fn content(&self, peer: &Peer, transaction: Transaction) -> Outcome {
        tokio::task::yield_now().await;
        self.kept.lock().unwrap().push((peer.clone(), transaction));
        Outcome::One(Reply::new(250, (0, 0), "kept"))
    }

    async fn etrn(&self, _: &Peer, _: &str) -> Reply {
        Reply::new(250, (0, 0), "looked at")
    }

    fn refused(&self, _: &Peer, record: RefusalRecord) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.refusals.lock().unwrap().push(record);
    }
}

struct World {
    runtime: Runtime,
    server: Server<Memory>,
    settings: ServerSettings,
}

impl World {
    fn new(change: impl FnOnce(&mut ServerSettings, &mut SessionOptions)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut options = SessionOptions::new("mx.example.net", Protocol::Smtp);
        let listener = ListenerSettings::new("127.0.0.1:0".parse().unwrap(), options.clone());
        let mut settings = ServerSettings::new(vec![listener]);
        change(&mut settings, &mut options);
        settings.listeners[0].session = Arc::new(options);
        let bound = settings.clone();
        let server = runtime.block_on(async { Listeners::bind(bound).unwrap().serve(Memory::default()) });
        Self { runtime, server, settings }
    }

    fn connect(&self) -> Client {
        Client::new(self.server.addresses()[0])
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, octets: &[u8]) {
        self.0.get_mut().write_all(octets).unwrap();
    }

    /// The last line of the next reply; empty at the end of the connection.
    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap_or(0);
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    fn is_at_end(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}

const MESSAGE: &[u8] = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nNOOP\r\n";

#[test]
fn pipelined_message_and_graceful_end() {
    let world = World::new(|_, _| {});
    let mut client = world.connect();
    assert_eq!(client.reply(), "220 mx.example.net ESMTP");
    assert_eq!(client.ask("EHLO c"), "250 HELP");
    client.say(MESSAGE);
    for code in ["250 2.1.0", "250 2.1.5", "354", "250 2.0.0 kept", "250 2.0.0"] {
        assert!(client.reply().starts_with(code), "{code}");
    }
    assert_eq!(world.server.front().kept.lock().unwrap()[0].1.content, b"Subject: x\r\n\r\n.\r\n");
    assert_eq!(world.server.gauges().content_octets, 0);

    let mut busy = world.connect();
    busy.reply();
    busy.ask("EHLO c");
    busy.ask("MAIL FROM:<a@example.com>");
    let left = world.runtime.block_on(world.server.drain(Duration::from_millis(100)));
    assert_eq!(left, 1);
    assert!(client.reply().starts_with("421 4.3.2"));
    assert!(client.is_at_end());
    assert!(busy.ask("RCPT TO:<b@example.net>").starts_with("250"));
    busy.ask("DATA");
    assert!(busy.ask("x\r\n.").starts_with("250"));
    assert!(busy.reply().starts_with("421 4.3.2"));
    assert_eq!(world.runtime.block_on(world.server.drain(Duration::from_secs(20))), 0);
    assert!(TcpStream::connect(world.server.addresses()[0]).is_err());
}

#[test]
fn limits_on_clients_do_not_hold_for_trusted_ones() {
    let limited = |trusted: bool| {
        World::new(move |settings, _| {
            settings.clients.connections = 1;
            settings.clients.messages_per_minute = 1;
            if trusted {
                settings.trusted.push("127.0.0.0/8".parse().unwrap());
            }
        })
    };
    let world = limited(false);
    let mut first = world.connect();
    assert!(first.reply().starts_with("220"));
    assert!(world.connect().reply().starts_with("421 4.7.0 too many connections"));
    first.ask("EHLO c");
    assert!(first.ask("MAIL FROM:<>").starts_with("250"));
    first.ask("RSET");
    assert!(first.ask("MAIL FROM:<>").starts_with("450 4.7.0"));
    assert_eq!(world.server.front().refused.load(Ordering::Relaxed), 2);

    let world = limited(true);
    let mut clients: Vec<Client> = (0..3).map(|_| world.connect()).collect();
    for client in &mut clients {
        assert!(client.reply().starts_with("220"));
        client.ask("EHLO c");
        assert!(client.ask("MAIL FROM:<>").starts_with("250"));
    }
}

#[test]
fn silent_clients_are_left() {
    let world = World::new(|settings, _| {
        settings.timeouts = Timeouts { command: Duration::from_millis(50), ..Timeouts::default() };
    });
    let mut client = world.connect();
    client.reply();
    assert!(client.reply().starts_with("421 4.4.2"));
    assert!(client.is_at_end());
}

/// Says something now and then, until the server has heard enough.
fn drip(client: &mut Client, what: &[u8]) -> String {
    client.0.get_ref().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        client.say(what);
        let mut line = String::new();
        if client.0.read_line(&mut line).is_ok() && !line.starts_with("250") {
            return line;
        }
        assert!(std::time::Instant::now() < until, "still served");
    }
}

#[test]
fn who_says_little_for_long_is_left_as_well() {
    let world = World::new(|settings, _| {
        let short = Duration::from_millis(300);
        settings.timeouts = Timeouts { command: short, whole_content: short, ..Timeouts::default() };
    });
    let mut client = world.connect();
    client.reply();
    client.say(&b"x".repeat(3_000));
    assert!(drip(&mut client, b"x").starts_with("421 4.4.2"), "a line without an end");

    let mut client = world.connect();
    client.reply();
    client.ask("EHLO c");
    client.ask("MAIL FROM:<>");
    client.ask("RCPT TO:<b@example.net>");
    assert!(drip(&mut client, b"BDAT 1\r\nx").starts_with("421 4.4.2"), "content in very small chunks");
    let refusals = world.server.front().refusals.lock().unwrap();
    assert_eq!(refusals.last().unwrap().command, "content");
    assert_eq!(refusals.last().unwrap().recipients[0].as_str(), "b@example.net");
}

#[test]
fn who_leaves_in_the_middle_of_content_is_recorded() {
    let world = World::new(|_, _| {});
    let mut client = world.connect();
    client.reply();
    client.ask("EHLO c");
    client.ask("MAIL FROM:<a@example.com>");
    client.ask("RCPT TO:<b@example.net>");
    client.ask("DATA");
    client.say(b"Subject: x\r\n");
    drop(client);
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while world.server.front().refusals.lock().unwrap().is_empty() {
        assert!(std::time::Instant::now() < until, "nothing is recorded");
        std::thread::sleep(Duration::from_millis(5));
    }
    let refusals = world.server.front().refusals.lock().unwrap();
    assert_eq!((refusals[0].command, refusals[0].reply.code()), ("content", 421));
    assert_eq!(refusals[0].recipients[0].as_str(), "b@example.net");
    assert!(world.server.front().kept.lock().unwrap().is_empty());
}

#[test]
fn descriptors_are_kept_for_what_is_no_client() {
    let world = World::new(|settings, _| {
        settings.trusted.push("127.0.0.0/8".parse().unwrap());
        settings.descriptors = 1;
    });
    let mut first = world.connect();
    assert!(first.reply().starts_with("220"));
    assert!(world.connect().reply().starts_with("421 4.7.0 too many connections"), "trusted or not");
}

#[test]
fn who_speaks_before_the_greeting_is_refused() {
    let world = World::new(|settings, _| {
        // So that what the client says is there before the session begins.
        settings.listeners[0].proxies.push("127.0.0.1".parse().unwrap());
    });
    let mut client = world.connect();
    client.say(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\nEHLO c\r\n");
    assert!(client.reply().starts_with("554 5.5.1"));
    assert!(client.is_at_end());
}
