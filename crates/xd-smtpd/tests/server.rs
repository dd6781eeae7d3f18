//! A server on loopback: limits, TLS, PROXY, passwords, the end.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use argon2::{Argon2, PasswordHasher as _};
use tokio::runtime::Runtime;
use xd_smtpd::server::{
    Certificates, ContentBudget, Front, ListenerSettings, Listeners, Passwords, Peer, Server, ServerSettings, Timeouts,
};
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

#[test]
fn content_beyond_the_budget_is_deferred() {
    let world = World::new(|settings, _| settings.budget = ContentBudget::new(100_000));
    let mut client = world.connect();
    client.reply();
    client.ask("EHLO c");
    assert!(client.ask("MAIL FROM:<> SIZE=100001").starts_with("452 4.3.1"));
    client.ask("MAIL FROM:<>");
    client.ask("RCPT TO:<b@example.net>");
    client.ask("DATA");
    client.say(&b"x".repeat(300_000));
    assert!(client.ask("\r\n.").starts_with("452 4.3.1"));
    assert!(client.ask("NOOP").starts_with("250"));
    assert_eq!(world.server.gauges().content_octets, 0);
}

#[test]
fn the_budget_outlasts_a_reload() {
    let world = World::new(|settings, _| settings.budget = ContentBudget::new(1_000_000));
    let begin = || {
        let mut client = world.connect();
        client.reply();
        client.ask("EHLO c");
        client
    };
    let mut client = begin();
    client.ask("MAIL FROM:<>");
    client.ask("RCPT TO:<b@example.net>");
    client.ask("DATA");
    client.say(&b"x".repeat(300_000));
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while world.server.gauges().content_octets < 300_000 {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut settings = world.settings.clone();
    settings.budget = ContentBudget::new(400_000);
    world.server.reload(settings).unwrap();
    assert!(world.server.gauges().content_octets >= 300_000, "what is held is still counted");
    let mut other = begin();
    assert!(other.ask("MAIL FROM:<> SIZE=200000").starts_with("452 4.3.1"));
    assert!(client.ask("\r\n.").starts_with("250"));
    assert!(other.ask("MAIL FROM:<> SIZE=200000").starts_with("250"));
}

#[test]
fn the_largest_message_fits_a_budget_of_its_size() {
    let largest = 3 << 20;
    let world = World::new(|settings, options| {
        // With the buffer that it is read into.
        settings.budget = ContentBudget::new(largest + (128 << 10));
        options.limits.content_octets = largest as u64;
    });
    let mut client = world.connect();
    client.reply();
    client.ask("EHLO c");
    client.ask(&format!("MAIL FROM:<> SIZE={largest}"));
    client.ask("RCPT TO:<b@example.net>");
    client.ask("DATA");
    client.say(&b"x".repeat(largest - 2));
    assert_eq!(client.ask("\r\n."), "250 2.0.0 kept");
    assert_eq!(world.server.gauges().content_octets, 0);
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
fn limits_are_those_of_the_client_that_is_named() {
    let world = World::new(|settings, _| {
        settings.listeners[0].xclient.push("127.0.0.1".parse().unwrap());
        settings.trusted.push("192.0.2.9".parse().unwrap());
        settings.clients.connections = 1;
        settings.clients.messages_per_minute = 1;
    });
    let named = |address: &str| {
        let mut client = world.connect();
        client.reply();
        client.ask("EHLO proxy");
        let greeting = client.ask(&format!("XCLIENT ADDR={address}"));
        client.ask("EHLO c");
        (client, greeting)
    };
    // However many connections the peer needs, each of its clients has what others have.
    let (mut first, greeting) = named("192.0.2.1");
    assert!(greeting.starts_with("220"));
    let (mut second, greeting) = named("192.0.2.1");
    assert!(greeting.starts_with("421 4.7.0 too many connections from your address"), "{greeting}");
    assert!(second.is_at_end());
    let (_third, greeting) = named("192.0.2.2");
    assert!(greeting.starts_with("220"));
    assert!(first.ask("MAIL FROM:<>").starts_with("250"));
    first.ask("RSET");
    assert!(first.ask("MAIL FROM:<>").starts_with("450 4.7.0"));
    // And our own have what our own have.
    let (mut own, _) = named("192.0.2.9");
    let (_again, greeting) = named("192.0.2.9");
    assert!(greeting.starts_with("220"));
    for _ in 0..3 {
        assert!(own.ask("MAIL FROM:<>").starts_with("250"));
        own.ask("RSET");
    }
}

#[test]
fn what_several_commands_say_of_a_client_adds_up() {
    let world = World::new(|settings, _| {
        settings.listeners[0].xclient.push("127.0.0.1".parse().unwrap());
        settings.trusted.push("127.0.0.1".parse().unwrap());
    });
    let mut client = world.connect();
    client.reply();
    for line in ["EHLO c", "XCLIENT ADDR=[UNAVAILABLE] LOGIN=u", "EHLO c", "XCLIENT NAME=c.example.org", "EHLO c"] {
        client.ask(line);
    }
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    client.ask("XCLIENT ADDR=192.0.2.1");
    client.ask("EHLO c");
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    let kept = world.server.front().kept.lock().unwrap();
    // Who is not known has no rights of who spoke for it, and keeps its name.
    let (peer, transaction) = &kept[0];
    assert_eq!((peer.client(), peer.trusted, transaction.authenticated.as_deref()), (None, false, Some("u")));
    // Another client is another.
    assert_eq!(kept[1].1.authenticated, None);
}

#[test]
fn named_peers_say_who_the_client_is() {
    let world = World::new(|settings, _| {
        settings.trusted.push("127.0.0.1".parse().unwrap());
        settings.listeners[0].proxies.push("127.0.0.1".parse().unwrap());
        settings.listeners[0].xclient.push("192.0.2.7".parse().unwrap());
    });
    let mut client = world.connect();
    client.say(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n");
    client.reply();
    client.ask("EHLO c");
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    assert!(client.ask("XCLIENT ADDR=IPV6:2001:db8::1 LOGIN=u").starts_with("220"));
    client.ask("EHLO c");
    client.say(MESSAGE);
    (0..5).for_each(|_| drop(client.reply()));
    let kept = world.server.front().kept.lock().unwrap();
    assert_eq!(kept[0].0.address, "192.0.2.7:4711".parse().unwrap());
    assert_eq!(kept[1].0.address.ip().to_string(), "2001:db8::1");
    assert_eq!(kept[1].1.authenticated.as_deref(), Some("u"));
    assert!(kept[1].0.via.is_some());
    drop(kept);

    // Who comes through the proxy has no rights of the proxy.
    let mut other = world.connect();
    other.say(b"PROXY TCP4 192.0.2.8 192.0.2.1 4711 25\r\n");
    other.reply();
    other.ask("EHLO c");
    assert!(other.ask("XCLIENT ADDR=127.0.0.1 LOGIN=u").starts_with("550"), "XCLIENT is for named clients");

    // Nor has one whose address it cannot tell.
    let mut nobody = world.connect();
    nobody.say(b"PROXY UNKNOWN\r\n");
    nobody.reply();
    nobody.ask("EHLO c");
    nobody.say(MESSAGE);
    (0..5).for_each(|_| drop(nobody.reply()));
    let (peer, _) = world.server.front().kept.lock().unwrap().pop().unwrap();
    assert_eq!((peer.client(), peer.trusted), (None, false));

    let mut stranger = world.connect();
    stranger.say(b"EHLO stranger.example.org\r\n");
    assert_eq!(stranger.reply(), "");
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

struct Pki {
    directory: std::path::PathBuf,
    root: rustls::RootCertStore,
}

impl Pki {
    fn new(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("xd-smtpd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let mut pki = Self { directory, root: rustls::RootCertStore::empty() };
        pki.renew();
        pki
    }

    fn renew(&mut self) {
        let made = rcgen::generate_simple_self_signed(vec!["mx.example.net".to_owned()]).unwrap();
        std::fs::write(self.directory.join("chain.pem"), made.cert.pem()).unwrap();
        std::fs::write(self.directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        self.root = rustls::RootCertStore::empty();
        self.root.add(made.cert.der().clone()).unwrap();
    }

    fn certificates(&self) -> Arc<Certificates> {
        Arc::new(Certificates::load(self.directory.join("chain.pem"), self.directory.join("key.pem")).unwrap())
    }

    fn client(&self) -> rustls::ClientConnection {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(self.root.clone()).with_no_client_auth();
        rustls::ClientConnection::new(Arc::new(config), "mx.example.net".try_into().unwrap()).unwrap()
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn tls_passwords_and_their_renewal() {
    let mut pki = Pki::new("tls");
    let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, argon2::Params::new(64, 1, 1, None).unwrap());
    let hash = hasher.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap().to_string();
    let file = pki.directory.join("passwords");
    std::fs::write(&file, format!("# ours\nu:{hash}\n")).unwrap();
    let (certificates, passwords) = (pki.certificates(), Arc::new(Passwords::load(&file).unwrap()));
    let world = World::new(|settings, options| {
        settings.certificates = Some(Arc::clone(&certificates));
        settings.passwords = Some(Arc::clone(&passwords));
        (options.starttls, options.auth, options.require_auth) = (true, true, true);
    });

    let begin = |pki: &Pki| {
        let mut client = world.connect();
        client.reply();
        client.ask("EHLO c");
        // What is sent in the clear behind STARTTLS is never answered.
        assert!(client.ask("STARTTLS").starts_with("220"));
        rustls::StreamOwned::new(pki.client(), client.0.into_inner())
    };
    let ask = |stream: &mut rustls::StreamOwned<rustls::ClientConnection, TcpStream>, octets: &[u8]| {
        stream.write_all(octets).unwrap();
        let mut heard = vec![0; 4_096];
        let length = stream.read(&mut heard).unwrap();
        String::from_utf8_lossy(&heard[..length]).into_owned()
    };
    let mut stream = begin(&pki);
    assert!(ask(&mut stream, b"EHLO c\r\n").contains("250-AUTH PLAIN LOGIN\r\n"));
    assert!(ask(&mut stream, b"MAIL FROM:<>\r\n").starts_with("530 5.7.0"));
    assert!(ask(&mut stream, b"AUTH PLAIN AHUAd3Jvbmc=\r\n").starts_with("535 5.7.8"));
    assert!(ask(&mut stream, b"AUTH PLAIN AHUAc2VjcmV0\r\n").starts_with("235 2.7.0"));
    assert!(ask(&mut stream, b"MAIL FROM:<>\r\n").starts_with("250"));
    assert!(ask(&mut stream, b"RCPT TO:<b@example.net>\r\n").starts_with("250"));
    assert!(ask(&mut stream, b"BDAT 3 LAST\r\nx\r\n").starts_with("250 2.0.0 kept"));
    let (peer, transaction) = world.server.front().kept.lock().unwrap()[0].clone();
    assert_eq!((peer.authenticated.as_deref(), transaction.tls), (Some("u"), true));
    assert!(peer.tls.unwrap().starts_with("TLSv1.3 TLS_"));

    // What is broken is not read.
    let chain = pki.directory.join("chain.pem");
    std::fs::write(&chain, "nonsense").unwrap();
    assert!(Certificates::load(&chain, pki.directory.join("key.pem")).is_err());
    pki.renew();
    let mut settings = world.settings.clone();
    settings.certificates = Some(pki.certificates());
    world.server.reload(settings).unwrap();
    let mut stream = begin(&pki);
    assert!(ask(&mut stream, b"NOOP\r\n").starts_with("250"));
}

#[test]
fn what_was_tried_in_vain_outlasts_a_reload() {
    let pki = Pki::new("outlast");
    let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, argon2::Params::new(64, 1, 1, None).unwrap());
    let hash = hasher.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap().to_string();
    let file = pki.directory.join("passwords");
    std::fs::write(&file, format!("u:{hash}\n")).unwrap();
    let world = World::new(|settings, options| {
        settings.certificates = Some(pki.certificates());
        settings.passwords = Some(Arc::new(Passwords::load(&file).unwrap()));
        settings.listeners[0].implicit_tls = true;
        (options.auth, options.limits.failed_authentications) = (true, 100);
    });
    let guess = |line: &[u8]| {
        let mut stream = rustls::StreamOwned::new(pki.client(), world.connect().0.into_inner());
        let mut heard = String::new();
        for line in [b"".as_slice(), b"EHLO c\r\n", line] {
            stream.write_all(line).unwrap();
            let mut octets = vec![0; 4_096];
            let length = stream.read(&mut octets).unwrap();
            heard = String::from_utf8_lossy(&octets[..length]).into_owned();
        }
        heard
    };
    for _ in 0..10 {
        assert!(guess(b"AUTH PLAIN AHUAd3Jvbmc=\r\n").starts_with("535"));
    }
    assert!(guess(b"AUTH PLAIN AHUAc2VjcmV0\r\n").starts_with("454"), "it is locked out");
    let mut settings = world.settings.clone();
    settings.passwords = Some(Arc::new(Passwords::load(&file).unwrap()));
    world.server.reload(settings).unwrap();
    assert!(guess(b"AUTH PLAIN AHUAc2VjcmV0\r\n").starts_with("454"), "and stays so");
}

#[test]
fn guessing_locks_out() {
    use xd_smtpd::session::{Authentication, Credentials};
    let pki = Pki::new("guess");
    let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, argon2::Params::new(64, 1, 1, None).unwrap());
    let hash = hasher.hash_password_with_salt(b"secret", b"saltsaltsalt").unwrap().to_string();
    let file = pki.directory.join("passwords");
    std::fs::write(&file, format!("u:{hash}\n")).unwrap();
    let passwords = Passwords::load(&file).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let check = |password: &[u8], address: &str, trusted| {
        let credentials = Credentials { user: "u".to_owned(), authorization: String::new(), password: password.to_vec() };
        runtime.block_on(passwords.check(credentials, address.parse().unwrap(), trusted))
    };
    for _ in 0..10 {
        assert_eq!(check(b"wrong", "2001:db8::1", false), Authentication::Refused);
        assert_eq!(check(b"wrong", "192.0.2.1", true), Authentication::Refused);
    }
    assert_eq!(check(b"secret", "2001:db8::2", false), Authentication::Unavailable);
    assert_eq!(check(b"secret", "192.0.2.1", false), Authentication::Accepted("u".into()));

    for text in
        ["u", ":x", "u:x", "u:$argon2id$v=19$m=999999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", &format!("u:{hash}\nu:{hash}")]
    {
        std::fs::write(&file, text).unwrap();
        assert!(Passwords::load(&file).unwrap_err().to_string().contains("passwords:"), "{text}");
    }
}
