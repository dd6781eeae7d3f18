//! `xd-smtpd --demo`: a whole gateway on loopback, fed with the sample messages, and what became of each.
//!
//! Client, gateway and next hop talk SMTP over loopback; spool and journal are real, in a directory that is removed at the end. Sure spam
//! is rejected here, so that all of accepting, tagging and refusing is seen.

mod client;
mod samples;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use xd_config::Config;
use xd_core::{Limits, Message, RuleSource};

use crate::log::Log;
use crate::run::{Running, StartError};
use crate::server::{Front, ListenerSettings, Listeners, Peer, ServerSettings};
use crate::session::{self, Outcome, RefusalRecord, Reply, SessionOptions, StageDecision, StageQuestion, Transaction};
use client::Client;
use samples::SAMPLES;

/// How long a sample may take from its 250 to the next hop.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Runs the demonstration and prints its table.
pub(crate) async fn run() -> Result<(), StartError> {
    let directory = Directory::create(std::env::temp_dir().join(format!("xd-demo-{}", std::process::id())))?;
    let arrived = Arrived::default();
    let options = SessionOptions::new("inside.example.com", session::Protocol::Smtp);
    let listener = ListenerSettings::new(SocketAddr::from(([127, 0, 0, 1], 0)), options);
    let inside = Listeners::bind(ServerSettings::new(vec![listener]))?.serve(arrived.clone());
    let text = configuration(&directory.0, inside.addresses()[0]);
    let gateway = Running::start(Config::parse(RuleSource::new("demo.toml", text))?, Log::start()).await?;
    let shown = show(gateway.addresses()[0], &arrived).await;
    gateway.drain().await;
    shown.map_err(|error| StartError::io("loopback", error))
}

fn configuration(data: &Path, next_hop: SocketAddr) -> String {
    format!(
        r#"data = {data:?}
hostname = "mx.example.com"
dns = "off"
trusted = []
actions = {{ clean = "tag", spam = "tag", surespam = "reject" }}
[[listener]]
protocol = "smtp"
address = "127.0.0.1:0"
[[domain]]
name = "example.com"
recipients = ["bob"]
next_hop = ["{next_hop}"]
"#
    )
}

async fn show(gateway: SocketAddr, arrived: &Arrived) -> std::io::Result<()> {
    println!("client ──SMTP──▶ xd-smtpd ──SMTP──▶ inside.example.com\n");
    println!("{:<24}  {:<42}  arrived inside", "message for bob@example.com", "the gateway answered");
    let mut client = Client::connect(gateway).await?;
    for (name, content) in SAMPLES {
        let reply = client.send("bob@example.com", content).await?;
        let there = if reply.starts_with('2') { arrived.next().await } else { "–".to_owned() };
        println!("{name:<24}  {reply:<42.42}  {there}");
    }
    let reply = client.send("mallory@example.com", b"Subject: Hello\r\n\r\nHello?\r\n").await?;
    println!("\n{:<24}  {reply}", "for mallory@example.com");
    let reply = client.send("someone@example.net", b"Subject: Hello\r\n\r\nHello?\r\n").await?;
    println!("{:<24}  {reply}", "for someone@example.net");
    Ok(())
}

/// The next hop: takes everything.
#[derive(Clone, Debug, Default)]
struct Arrived(Arc<Mutex<VecDeque<Vec<u8>>>>);

impl Arrived {
    /// What our fields say of the next message that arrives.
    async fn next(&self) -> String {
        let until = tokio::time::Instant::now() + ARRIVAL;
        loop {
            // Dropped before anything is awaited.
            let content = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            if let Some(content) = content {
                return told(&content);
            }
            if tokio::time::Instant::now() > until {
                return "not yet".to_owned();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn told(content: &[u8]) -> String {
    let message = Message::parse(content, &Limits::default());
    let field = |name| message.header().first(name).map(|field| field.decoded().to_owned()).unwrap_or_default();
    let findings = field("X-XD-Findings");
    let first = findings.split(',').next().unwrap_or_default();
    let score = field("X-XD-Score");
    format!("{:<8} {:>6}  {first}", field("X-XD-Class"), score.split(' ').next().unwrap_or_default())
}

impl Front for Arrived {
    async fn stage(&self, _: &Peer, _: StageQuestion<'_>) -> StageDecision {
        StageDecision::Continue
    }

    async fn content(&self, _: &Peer, transaction: Transaction) -> Outcome {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(transaction.content);
        Outcome::One(Reply::new(250, (0, 0), "taken"))
    }

    async fn etrn(&self, _: &Peer, _: &str) -> Reply {
        Reply::new(458, (7, 0), "nothing waits here")
    }

    fn refused(&self, _: &Peer, _: RefusalRecord) {}
}

/// A directory that is removed when it is dropped.
struct Directory(PathBuf);

impl Directory {
    /// Makes it, for this user alone. One that is there already is somebody else's, and may hold what it likes.
    fn create(path: PathBuf) -> Result<Self, StartError> {
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| StartError::io(&path, error))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Left behind, it is in the way of nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
