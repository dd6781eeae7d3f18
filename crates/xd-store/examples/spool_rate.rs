//! How many messages a second become durable on a disk: in the spool, and as a file each, as `docs/design/spool.md` tells.
//!
//! ```text
//! cargo run --release -p xd-store --example spool_rate -- accept DIR WRITERS BYTES SECONDS
//! cargo run --release -p xd-store --example spool_rate -- files DIR WRITERS BYTES SECONDS
//! cargo run --release -p xd-store --example spool_rate -- reopen DIR MESSAGES BYTES
//! ```

#![allow(clippy::expect_used, reason = "a measurement that cannot be made has failed")]

use std::env::args;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use xd_store::{
    Acceptance, BodyType, Content, Done, Mark, Notify, OsFileSystem, RecipientState, Spool, SpoolMessage, SpoolOptions,
    SpoolRecipient,
};

fn main() {
    let arguments: Vec<String> = args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok()).expect("a number");
    let directory = PathBuf::from(arguments.get(1).expect("a directory"));
    match arguments.first().map(String::as_str) {
        Some("accept") => accept(&directory, number(2), number(3), number(4)),
        Some("files") => files(&directory, number(2), number(3), number(4)),
        Some("reopen") => reopen(&directory, number(2), number(3)),
        _ => eprintln!("accept, files or reopen"),
    }
}

/// Writers that each have one message under way, which is delivered once it is durable.
fn accept(directory: &Path, writers: usize, bytes: usize, seconds: usize) {
    let (spool, recovery) = Spool::open(&OsFileSystem, directory, SpoolOptions::default()).expect("a spool");
    recovery.warnings.iter().for_each(|warning| println!("{warning}"));
    let content = content(bytes);
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds as u64);
    let taken = measured(writers, |_, times| {
        let (done, told) = channel();
        while Instant::now() < end {
            let (begin, message) = (Instant::now(), message(&spool, &content));
            let (id, sender) = (message.id, done.clone());
            spool.accept(Acceptance { message, content: content.clone() }, move |result| sender.send(result).unwrap_or_default());
            told.recv().expect("an answer").expect("a commit");
            times.push(begin.elapsed());
            let delivered = Mark::Recipient { index: 0, state: RecipientState::Done(Done::Delivered) };
            spool.mark(id, vec![delivered], |_| {});
        }
    });
    tell("spool", taken, begin.elapsed());
    let gauges = spool.gauges();
    println!("{} commits, {} MiB in {} segments left", gauges.commits, gauges.bytes >> 20, gauges.segments);
}

/// The same with a file for each: written and synced under another name, renamed, its directory synced.
fn files(directory: &Path, writers: usize, bytes: usize, seconds: usize) {
    fs::create_dir_all(directory).expect("a directory");
    let content = content(bytes).to_vec();
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds as u64);
    let taken = measured(writers, |writer, times| {
        for number in 0.. {
            if Instant::now() >= end {
                break;
            }
            let begin = Instant::now();
            let (new, path) = (directory.join(format!("new-{writer}")), directory.join(format!("{writer}-{number}")));
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new).expect("a file");
            file.write_all(&content).expect("a write");
            file.sync_data().expect("a sync");
            fs::rename(&new, &path).expect("a name");
            File::open(directory).expect("a directory").sync_all().expect("a sync");
            times.push(begin.elapsed());
            fs::remove_file(&path).expect("a file");
        }
    });
    tell("files", taken, begin.elapsed());
}

/// Queues messages, and opens the spool again.
fn reopen(directory: &Path, messages: usize, bytes: usize) {
    let (spool, recovery) = Spool::open(&OsFileSystem, directory, SpoolOptions::default()).expect("a spool");
    if recovery.live == 0 {
        let content = content(bytes);
        let (done, told) = channel();
        for _ in 0..messages {
            let sender = done.clone();
            let message = message(&spool, &content);
            spool.accept(Acceptance { message, content: content.clone() }, move |result| sender.send(result).unwrap_or_default());
            if spool.gauges().waiting_bytes > 32 << 20 {
                told.recv().expect("an answer").expect("a commit");
            }
        }
    }
    drop(spool);
    let (before, begin) = (resident(), Instant::now());
    let (spool, recovery) = Spool::open(&OsFileSystem, directory, SpoolOptions::default()).expect("a spool");
    let opened = begin.elapsed();
    let attempts: u64 = spool.messages().map(|queued| queued.expect("a message").message.recipients.len() as u64).sum();
    println!("{} messages: opened in {opened:?}, {attempts} recipients read after {:?}", recovery.live, begin.elapsed());
    println!("{} KiB of memory more than before", resident().saturating_sub(before));
    drop(spool);
}

/// Runs writers, each with a list of how long each message took.
fn measured(writers: usize, write: impl Fn(usize, &mut Vec<Duration>) + Sync) -> Vec<Duration> {
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for writer in 0..writers {
            let (all, write) = (&all, &write);
            scope.spawn(move || {
                let mut times = Vec::new();
                write(writer, &mut times);
                all.lock().expect("no writer panics").extend(times);
            });
        }
    });
    all.into_inner().expect("no writer panics")
}

fn tell(what: &str, mut taken: Vec<Duration>, elapsed: Duration) {
    taken.sort_unstable();
    let at = |percent: usize| taken.get(taken.len() * percent / 100).copied().unwrap_or_default();
    let rate = taken.len() as f64 / elapsed.as_secs_f64();
    println!("{what}: {rate:.0} messages a second, p50 {:?}, p99 {:?}", at(50), at(99));
}

fn content(bytes: usize) -> Content {
    let line = b"The quick brown fox jumps over the lazy dog, and again: 0123456789abcdef\r\n";
    Content::from(Arc::<[u8]>::from(line.iter().copied().cycle().take(bytes).collect::<Vec<_>>()))
}

fn message(spool: &Spool, content: &Content) -> SpoolMessage {
    let id = spool.next_id();
    let recipient = SpoolRecipient {
        forward_path: "bob@example.com".to_owned(),
        orcpt: Some("rfc822;bob@example.com".to_owned()),
        notify: Notify::FAILURE,
        state: RecipientState::Waiting,
    };
    SpoolMessage {
        id,
        arrived: id.arrived(),
        reverse_path: "alice@example.net".to_owned(),
        recipients: vec![recipient],
        ret: None,
        envid: None,
        body: BodyType::EightBitMime,
        smtputf8: false,
        bytes: content.bytes(),
        sha256_received: [1; 32],
        sha256_spooled: [2; 32],
        actions: vec!["add X-XD-Class".to_owned()],
        client: Some([192, 0, 2, 1].into()),
        ehlo: "mx.example.net".to_owned(),
        authenticated: None,
        tls: Some("TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned()),
        may_report: false,
        class: "ham".to_owned(),
        score: "0.3".to_owned(),
        engine: "d0dbcd96c56ee59ddf83e883bf9c8d491f363e8d1e71bd334cdb097bfb4dfffa".to_owned(),
        archive: false,
    }
}

/// KiB of memory in use, where the system tells.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
