//! The commit thread over a work that writes nowhere: what waits, what is refused, and when.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;
use crate::error::SegmentError;

/// Writes nothing, and finds no room while told so.
struct Nowhere {
    full: Arc<AtomicBool>,
    written: Arc<Mutex<Vec<&'static str>>>,
    now: Vec<&'static str>,
}

impl Work for Nowhere {
    type Item = &'static str;

    fn tend(&mut self) -> Result<bool, SegmentError> {
        Ok(false)
    }

    fn write(&mut self, item: &mut &'static str) -> Result<(), SegmentError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(SegmentError::io("write", "disk".as_ref(), std::io::ErrorKind::StorageFull.into()));
        }
        self.now.push(item);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), SegmentError> {
        Ok(())
    }

    fn take_back(&mut self) -> Result<(), SegmentError> {
        self.now.clear();
        Ok(())
    }

    fn settle_own(&mut self) {}

    fn settle(&mut self, item: &'static str) -> Result<(), CommitError> {
        self.written.lock().unwrap().push(item);
        Ok(())
    }

    fn end(&mut self) {
        self.written.lock().unwrap().push("the end");
    }
}

struct Bench {
    committer: Committer<&'static str>,
    full: Arc<AtomicBool>,
    written: Arc<Mutex<Vec<&'static str>>>,
}

impl Bench {
    fn start(closing: Duration) -> Self {
        let (full, written) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let work = Nowhere { full: Arc::clone(&full), written: Arc::clone(&written), now: Vec::new() };
        let pace = Pace { most_bytes: 1_000, apart: Duration::ZERO, closing };
        Self { committer: Committer::start("test", pace, work).unwrap(), full, written }
    }

    fn submit(&self, item: &'static str, claim: Claim) -> Receiver<Result<(), CommitError>> {
        let (done, told) = channel();
        self.committer.submit(item, 10, claim, Some(Box::new(move |result| done.send(result).unwrap())));
        told
    }

    fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }
}

const LONG: Duration = Duration::from_secs(10);

#[test]
fn while_marks_wait_for_room_what_may_be_refused_is_refused_at_once() {
    let bench = Bench::start(Duration::ZERO);
    bench.set_full(true);
    let mark = bench.submit("mark", Claim::Urgent);
    mark.recv_timeout(Duration::from_millis(100)).unwrap_err();
    assert!(bench.committer.is_stuck() && bench.committer.gauges().short.is_some());
    // Large ones that come again and again would otherwise make each commit fail in which the mark is.
    assert!(matches!(bench.submit("message", Claim::Refusable).try_recv().unwrap(), Err(CommitError::Short { .. })));
    let record = bench.submit("record", Claim::Lasting);
    bench.set_full(false);
    mark.recv_timeout(LONG).unwrap().unwrap();
    record.recv_timeout(LONG).unwrap().unwrap();
    assert!(!bench.committer.is_stuck());
    bench.submit("message", Claim::Refusable).recv_timeout(LONG).unwrap().unwrap();
    assert_eq!(bench.written.lock().unwrap()[..], ["mark", "record", "message"]);
    assert!(bench.committer.gauges().short.is_none() && bench.committer.gauges().shortages > 0);
}

#[test]
fn what_is_only_refused_leaves_nothing_stuck() {
    let bench = Bench::start(Duration::ZERO);
    bench.set_full(true);
    assert!(bench.submit("message", Claim::Refusable).recv_timeout(LONG).unwrap().is_err());
    assert!(!bench.committer.is_stuck(), "nothing waits by which the end of it would be noticed");
    assert!(bench.committer.gauges().short.is_some(), "people are told");
    bench.set_full(false);
    bench.submit("message", Claim::Refusable).recv_timeout(LONG).unwrap().unwrap();
}

#[test]
fn marks_are_tried_for_a_while_when_it_is_closed() {
    for (closing, is_written) in [(LONG, true), (Duration::ZERO, false)] {
        let bench = Bench::start(closing);
        bench.set_full(true);
        let mark = bench.submit("mark", Claim::Urgent);
        let (full, written) = (bench.full.clone(), bench.written.clone());
        let room = thread::spawn(move || {
            thread::sleep(Duration::from_millis(400));
            full.store(false, Ordering::SeqCst);
        });
        thread::sleep(Duration::from_millis(50));
        drop(bench);
        assert_eq!(mark.recv_timeout(LONG).unwrap().is_ok(), is_written);
        assert_eq!(written.lock().unwrap().contains(&"the end"), is_written);
        room.join().unwrap();
    }
}
