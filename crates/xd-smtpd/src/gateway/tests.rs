//! A whole gateway in this process: configuration, listeners, spool and journal in a temporary directory, real dialogues over
//! loopback, and a next hop that takes everything.

mod answers;
mod deeds;
mod files;
mod mixed;
mod names;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use xd_config::Config;
use xd_core::RuleSource;
use xd_store::{Journal, JournalEntry, JournalEvent, JournalRecord};

use crate::log::Log;
use crate::run::Running;
use crate::server::{Front, ListenerSettings, Listeners, Peer, Server, ServerSettings};
use crate::session::{Outcome, Protocol, RefusalRecord, Reply, SessionOptions, StageDecision, StageQuestion, Transaction};

/// What tells classes apart here.
const RULES: &str = r#"family = "test"
[[rule]]
id = "some-points"
score = "6.00"
why = "the subject says so"
when = { in = "subject", words = ["doubtful"] }
[[rule]]
id = "many-points"
score = "12.00"
why = "the subject says so"
when = { in = "subject", words = ["awful"] }
[[rule]]
id = "forged"
score = "6.00"
why = "it is not theirs"
when = { in = "evidence.dmarc", equals = ["fail"] }

[[rule]]
id = "nameless"
score = "6.00"
why = "the client has no confirmed name"
when = { in = "evidence.confirmed_name", present = false }
"#;

/// Listeners of each gateway, in this order.
const SMTP: usize = 0;
const LMTP: usize = 1;
const UNSCANNED: usize = 2;

struct World {
    running: Running,
    directory: PathBuf,
    inside: Server<Inside>,
}

/// The next hop.
#[derive(Clone, Default)]
struct Inside(Arc<Mutex<Vec<Transaction>>>);

impl Front for Inside {
    async fn stage(&self, _: &Peer, _: StageQuestion<'_>) -> StageDecision {
        StageDecision::Continue
    }

    async fn content(&self, _: &Peer, transaction: Transaction) -> Outcome {
        self.0.lock().unwrap().push(transaction);
        Outcome::One(Reply::new(250, (0, 0), "taken"))
    }

    async fn etrn(&self, _: &Peer, _: &str) -> Reply {
        Reply::new(458, (7, 0), "nothing waits here")
    }

    fn refused(&self, _: &Peer, _: RefusalRecord) {}
}

impl World {
    /// A gateway with these settings; tables may follow in them.
    async fn start(name: &str, settings: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("xd-gateway-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join("rules")).unwrap();
        std::fs::write(directory.join("rules/test.toml"), RULES).unwrap();
        let options = SessionOptions::new("inside.example.com", Protocol::Smtp);
        let listener = ListenerSettings::new("127.0.0.1:0".parse().unwrap(), options);
        let inside = Listeners::bind(ServerSettings::new(vec![listener])).unwrap().serve(Inside::default());
        let hop = inside.addresses()[0];
        let dns = if settings.contains("dns =") { "" } else { "dns = \"off\"" };
        let text = format!(
            r#"data = {:?}
hostname = "mx.example.com"
trusted = ["127.0.0.9"]
{dns}
{settings}
[rules]
directories = [{:?}]
[[listener]]
protocol = "smtp"
address = "127.0.0.1:0"
xclient_from = ["127.0.0.1"]
[[listener]]
protocol = "lmtp"
address = "127.0.0.1:0"
[[listener]]
protocol = "smtp"
address = "127.0.0.1:0"
scan = false
[[domain]]
name = "example.com"
recipients = ["alice", "bob"]
next_hop = ["{hop}"]
[[route]]
domain = "*"
next_hop = ["{hop}"]
"#,
            directory.join("data"),
            directory.join("rules"),
        );
        let config = Config::parse(RuleSource::new("xd.toml", text)).unwrap();
        let running = Running::start(config, Log::start()).await.unwrap();
        Self { running, directory, inside }
    }

    async fn connect(&self, listener: usize) -> Client {
        self.connect_from("127.0.0.1", listener).await
    }

    async fn connect_from(&self, address: &str, listener: usize) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
        let stream = socket.connect(self.running.addresses()[listener]).await.unwrap();
        let mut client = Client { stream: BufReader::new(stream), refusals: Vec::new() };
        client.reply().await;
        client.ask(if listener == LMTP { "LHLO client.example.org" } else { "EHLO client.example.org" }).await;
        client
    }

    /// All that the journal has so far.
    fn journal(&self) -> Vec<JournalRecord> {
        let mut reader = Journal::read_dir(self.directory.join("data/journal")).unwrap();
        let mut records = Vec::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            match entry {
                JournalEntry::Record { record, .. } => records.push(record),
                other => panic!("{other:?}"),
            }
        }
        records
    }

    /// The replies of all refusals in the journal, in the order of the alphabet.
    fn refusals(&self) -> Vec<String> {
        let records = self.journal();
        let refusals = records.iter().filter_map(|record| match &record.event {
            JournalEvent::Refusal(refusal) => Some(&refusal.reply),
            _ => None,
        });
        let mut replies: Vec<String> = refusals.cloned().collect();
        replies.sort();
        replies
    }

    /// What arrived at the next hop: recipients and content.
    fn arrived(&self) -> Vec<(Vec<String>, String)> {
        let arrived = self.inside.front().0.lock().unwrap();
        let one = |transaction: &Transaction| {
            let recipients = transaction.recipients.iter().map(|recipient| recipient.forward_path.as_str().to_owned());
            (recipients.collect(), String::from_utf8_lossy(&transaction.content).into_owned())
        };
        arrived.iter().map(one).collect()
    }

    /// Whether the journal has an end of this kind.
    fn has_ended(&self, outcome: &str) -> bool {
        self.journal().iter().any(|record| match &record.event {
            JournalEvent::Attempt(delivery) | JournalEvent::Final(delivery) => delivery.outcome == outcome,
            _ => false,
        })
    }

    /// Waits until a condition holds; ten seconds at most.
    async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        for _ in 0..1_000 {
            if condition() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not {what}: {:?}", self.refusals());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

struct Client {
    stream: BufReader<TcpStream>,
    /// All replies of 4yz and 5yz so far.
    refusals: Vec<String>,
}

impl Client {
    async fn ask(&mut self, line: &str) -> String {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    /// The last line of the next reply; empty at the end of the connection.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.unwrap_or(0);
            if line.as_bytes().get(3) != Some(&b'-') {
                let line = line.trim_end().to_owned();
                if line.starts_with(['4', '5']) {
                    self.refusals.push(line.clone());
                }
                return line;
            }
        }
    }

    /// Sends a message: the first reply that is none of 2yz or 3yz, or that to the content.
    async fn send(&mut self, recipients: &[&str], content: &str) -> String {
        self.ask("MAIL FROM:<someone@example.org>").await;
        for recipient in recipients {
            let reply = self.ask(&format!("RCPT TO:<{recipient}>")).await;
            if !reply.starts_with('2') {
                self.ask("RSET").await;
                return reply;
            }
        }
        self.ask("DATA").await;
        self.ask(&format!("{content}\r\n.")).await
    }
}

fn message(subject: &str) -> String {
    format!("From: <someone@example.org>\r\nSubject: {subject}\r\n\r\nHello")
}
