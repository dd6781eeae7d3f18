//! Kills a real gateway again and again while clients send and a next hop misbehaves, and then balances the books: what was
//! acknowledged arrived, byte for byte; what was not acknowledged may have arrived; nothing else did.
//!
//! SIGKILL leaves the page cache alone. A power cut does not: the second test cuts the power of a disk on a loop device, which needs
//! root, so that `cargo xtask test` runs it where it can. `XD_CRASH_CYCLES` sets how often either happens; 4 unless set.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod books;
mod gateway;
mod load;
mod message;
mod power;
mod sink;

use std::time::{Duration, Instant};

use books::Books;
use gateway::Gateway;
use load::Load;
use power::Disk;
use sink::Sink;

const CYCLES: u32 = 4;
/// How long the last backlog may take to arrive.
const DRAIN: Duration = Duration::from_secs(60);

#[test]
fn what_was_acknowledged_arrives_whatever_is_killed() {
    let sink = Sink::start();
    let directory = gateway::directory("crash");
    let _ = std::fs::remove_dir_all(&directory);
    let mut gateway = Gateway::configured(&directory, &directory.join("data"), sink.address());
    let mut books = Books::default();
    for cycle in 0..cycles() {
        gateway.start();
        let load = Load::start(gateway.address(), cycle);
        std::thread::sleep(while_it_works(cycle));
        gateway.kill();
        books.killed(Instant::now());
        books.sent(load.stop());
    }
    finish(gateway, &books, &sink);
}

#[test]
#[ignore = "needs root, a loop device, mkfs.ext4 and perl: `cargo xtask test` runs it where they are"]
fn what_was_acknowledged_outlives_a_power_cut() {
    let sink = Sink::start();
    let directory = gateway::directory("power");
    // Declared before the gateway, so that it is dropped behind it.
    let disk = Disk::new(&directory);
    let mut gateway = Gateway::configured(&directory, &disk.path().join("data"), sink.address());
    let mut books = Books::default();
    for cycle in 0..cycles() {
        gateway.start();
        let load = Load::start(gateway.address(), cycle);
        std::thread::sleep(while_it_works(cycle));
        // All ends in the same moment: while the file system goes down, a sync may still be told to have succeeded.
        gateway.freeze();
        disk.cut();
        gateway.kill();
        books.killed(Instant::now());
        books.sent(load.stop());
        disk.restart();
    }
    finish(gateway, &books, &sink);
}

fn cycles() -> u32 {
    std::env::var("XD_CRASH_CYCLES").ok().and_then(|cycles| cycles.parse().ok()).unwrap_or(CYCLES)
}

/// Long enough for some hundred messages, and never the same phase of whatever goes on.
fn while_it_works(cycle: u32) -> Duration {
    Duration::from_millis(300 + u64::from(cycle) * 97 % 400)
}

/// Lets the last backlog arrive, and balances the books.
fn finish(mut gateway: Gateway, books: &Books, sink: &Sink) {
    gateway.start();
    let until = Instant::now() + DRAIN;
    while !books.all_arrived(sink) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(gateway.terminate(), "SIGTERM ends with status 0");
    let balance = books.balance(sink);
    println!("{balance}");
    assert!(balance.acknowledged > 0 && balance.arrived > 0, "{balance}");
    assert_eq!(balance.faults(), 0, "{balance}");
}
