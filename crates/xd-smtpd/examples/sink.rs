//! Accepts all mail and forgets it: what the server's side alone costs.
//!
//! ```text
//! cargo run --release -p xd-smtpd --example sink -- 127.0.0.1:2525
//! ```
#![forbid(unsafe_code)]

use std::error::Error;

use xd_smtpd::server::{Front, ListenerSettings, Listeners, Peer, ServerSettings};
use xd_smtpd::session::{Outcome, Protocol, RefusalRecord, Reply, SessionOptions, StageDecision, StageQuestion, Transaction};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Sink;

impl Front for Sink {
    async fn stage(&self, _: &Peer, _: StageQuestion<'_>) -> StageDecision {
        StageDecision::Continue
    }

    async fn content(&self, _: &Peer, _: Transaction) -> Outcome {
        Outcome::One(Reply::new(250, (0, 0), "forgotten"))
    }

    async fn etrn(&self, _: &Peer, _: &str) -> Reply {
        Reply::new(251, (0, 0), "nothing waits")
    }

    fn refused(&self, _: &Peer, _: RefusalRecord) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: sink ADDRESS:PORT")?.parse()?;
    let listener = ListenerSettings::new(address, SessionOptions::new("sink.example.net", Protocol::Smtp));
    let mut settings = ServerSettings::new(vec![listener]);
    settings.trusted.push("127.0.0.0/8".parse()?);
    let _server = Listeners::bind(settings)?.serve(Sink);
    std::future::pending::<()>().await;
    Ok(())
}
