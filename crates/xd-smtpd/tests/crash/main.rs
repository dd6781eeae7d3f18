//! Kills a real gateway again and again while clients send and a next hop misbehaves, and then balances the books: what was
//! acknowledged arrived, byte for byte; what was not acknowledged may have arrived; nothing else did.
//!
//! SIGKILL leaves the page cache alone: what a power cut does is tested on a simulated disk in `xd-store`.
//! `XD_CRASH_CYCLES` sets how often it is killed; 4 unless set.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod books;
mod gateway;
mod load;
mod message;
mod sink;

use std::time::{Duration, Instant};

use books::Books;
use gateway::Gateway;
use load::Load;
use sink::Sink;

const CYCLES: u32 = 4;
/// How long the last backlog may take to arrive.
const DRAIN: Duration = Duration::from_secs(60);

#[test]
fn what_was_acknowledged_arrives_whatever_is_killed() {
    let cycles = std::env::var("XD_CRASH_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(CYCLES);
    let sink = Sink::start();
    let mut gateway = Gateway::configured("crash", sink.address());
    let mut books = Books::default();
    for cycle in 0..cycles {
        gateway.start();
        let load = Load::start(gateway.address(), cycle);
        // Long enough for some hundred messages, and never the same phase of whatever goes on.
        std::thread::sleep(Duration::from_millis(300 + u64::from(cycle) * 97 % 400));
        gateway.kill();
        books.killed(Instant::now());
        books.sent(load.stop());
    }
    gateway.start();
    let until = Instant::now() + DRAIN;
    while !books.all_arrived(&sink) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(gateway.terminate(), "SIGTERM ends with status 0");
    let balance = books.balance(&sink);
    println!("{balance}");
    assert!(balance.acknowledged > 0 && balance.arrived > 0, "{balance}");
    assert_eq!(balance.faults(), 0, "{balance}");
}
