//! Standard error, as JSON lines: a copy of what matters, for people who watch. The journal is the record.
//!
//! A reader that stops reading stalls no mail: lines wait in a queue of limited length, and when it is full, those that
//! follow are dropped and counted; the count is the next line written.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};
use xd_core::Timestamp;

use crate::gateway::now_ms;

/// Lines that may wait: some seconds of a busy site.
const WAITING_MAX: usize = 4_096;

/// Writes lines to standard error from a thread of its own.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// All lines before it are written when this is answered.
    Flush(SyncSender<()>),
}

impl Log {
    /// A log on standard error.
    pub(crate) fn start() -> Self {
        Self::to(std::io::stderr())
    }

    fn to(output: impl Write + Send + 'static) -> Self {
        let (lines, waiting) = sync_channel(WAITING_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = dropped.clone();
        std::thread::spawn(move || write(output, &waiting, &counted));
        Self { lines, dropped }
    }

    /// Something happened.
    pub(crate) fn info(&self, event: &str, facts: Value) {
        self.line("info", event, facts);
    }

    /// Somebody should look.
    pub(crate) fn warn(&self, event: &str, facts: Value) {
        self.line("warn", event, facts);
    }

    /// Waits until all lines before this are written.
    pub(crate) fn flush(&self) {
        let (answer, written) = sync_channel(1);
        // Nobody reads where the queue is full.
        if self.lines.try_send(Line::Flush(answer)).is_ok() {
            let _ = written.recv_timeout(Duration::from_secs(1));
        }
    }

    fn line(&self, level: &str, event: &str, facts: Value) {
        let mut line = json!({ "time": now(), "level": level, "event": event });
        if let (Value::Object(line), Value::Object(facts)) = (&mut line, facts) {
            line.extend(facts);
        }
        let mut text = line.to_string().into_bytes();
        text.push(b'\n');
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Text(text)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(mut output: impl Write, waiting: &Receiver<Line>, dropped: &AtomicU64) {
    // A closed standard error is nobody's to hear about.
    for line in waiting {
        match line {
            Line::Text(text) => drop(output.write_all(&text)),
            Line::Flush(answer) => {
                let _ = output.flush();
                let _ = answer.send(());
            }
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let line = json!({ "time": now(), "level": "warn", "event": "lines-dropped", "lines": lost });
            let _ = writeln!(output, "{line}");
        }
    }
}

fn now() -> String {
    Timestamp::from_unix(i64::try_from(now_ms() / 1_000).unwrap_or(i64::MAX)).to_string()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// An output that takes nothing until told.
    struct Blocked(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stops_stalls_nothing_and_learns_what_it_missed() {
        let (go, wait): (Sender<()>, _) = channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let log = Log::to(Blocked(wait, written.clone()));
        for number in 0..WAITING_MAX + 100 {
            log.info("test", json!({ "number": number }));
        }
        drop(go);
        // A flush comes back at once where the queue is still full.
        let until = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            log.flush();
            let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
            let told = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let (mut kept, mut lost) = (0, 0);
            for line in told {
                kept += u64::from(line["event"] == "test");
                lost += line["lines"].as_u64().unwrap_or(0);
            }
            if kept + lost == WAITING_MAX as u64 + 100 {
                assert!(lost > 0);
                break;
            }
            assert!(std::time::Instant::now() < until, "{kept} lines and {lost} dropped");
        }
    }
}
