//! Tells people what lasts and is nobody's request: that something is used up, and that it is there again; that messages cannot be read.
//! Reminds the journal of what it has to tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::gateway::Gateway;
use crate::log::Log;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at spool and journal until it is ended.
pub(super) async fn watch(gateway: Arc<Gateway>, log: Log) {
    let (mut spool, mut journal, mut unreadable) = (Shortage::default(), Shortage::default(), 0);
    loop {
        tokio::time::sleep(EVERY).await;
        gateway.ledger().tell_lost();
        let now = Instant::now();
        let (in_spool, in_journal) = (gateway.spool().gauges(), gateway.ledger().gauges());
        tell(&log, "spool", spool.look(in_spool.shortages, in_spool.short.as_deref(), now));
        tell(&log, "journal", journal.look(in_journal.shortages, in_journal.short.as_deref(), now));
        if in_spool.unreadable > unreadable {
            let named = gateway.spool().unreadable();
            let known = usize::try_from(unreadable).unwrap_or(usize::MAX);
            for id in named.iter().skip(known) {
                gateway.ledger().unreadable(*id, "its segment had to go, and is kept beside the others as .damaged");
            }
            unreadable = in_spool.unreadable;
        }
    }
}

fn tell(log: &Log, what: &str, change: Option<Change>) {
    match change {
        Some(Change::Began(why)) => log.warn("short", json!({ "what": what, "why": why })),
        Some(Change::Ended(lasted)) => log.info("short-ended", json!({ "what": what, "lasted_ms": super::milliseconds(lasted) })),
        None => {}
    }
}

/// A shortage of one part, as far as it was told.
#[derive(Debug, Default)]
struct Shortage {
    /// How many there were.
    seen: u64,
    since: Option<Instant>,
}

#[derive(Debug, Eq, PartialEq)]
enum Change {
    Began(String),
    Ended(Duration),
}

impl Shortage {
    /// What is to be told, by how many shortages there were so far, and what is short now. One that came and went since the last look is
    /// told too.
    fn look(&mut self, shortages: u64, short: Option<&str>, now: Instant) -> Option<Change> {
        let is_new = std::mem::replace(&mut self.seen, shortages) < shortages;
        match (self.since, short) {
            (None, None) if !is_new => None,
            (None, why) => {
                self.since = Some(now);
                Some(Change::Began(why.unwrap_or("for a moment").to_owned()))
            }
            (Some(since), None) => {
                self.since = None;
                Some(Change::Ended(now.saturating_duration_since(since)))
            }
            (Some(_), Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told_at_its_beginning_and_at_its_end() {
        let (mut shortage, now) = (Shortage::default(), Instant::now());
        let began = |why: &str| Some(Change::Began(why.to_owned()));
        let ended = Some(Change::Ended(EVERY));
        for (shortages, short, told) in [
            (0, None, None),
            (1, Some("no space"), began("no space")),
            (9, Some("no space"), None),
            (9, None, ended),
            (9, None, None),
        ] {
            let told_now = shortage.look(shortages, short, now + EVERY * u32::from(short.is_none()));
            assert_eq!(told_now, told, "{shortages}");
        }
        // It came and went between two looks.
        assert_eq!(shortage.look(10, None, now), began("for a moment"));
        assert_eq!(shortage.look(10, None, now + EVERY), Some(Change::Ended(EVERY)));
    }
}
