//! When it is told what was left out.

use super::log::TELL_AFTER;
use super::*;
use crate::simulated::Disk;
use crate::spool::QueueId;

fn delivered() -> JournalRecord {
    let event = JournalEvent::Final(Delivery { id: Some(QueueId::new(1)), ..Delivery::default() });
    JournalRecord { time: 1, event }
}

/// Leaves out a record; then there is room again.
fn leave_out(journal: &Journal, disk: &Disk) {
    let (done, told) = std::sync::mpsc::channel();
    disk.limit(0);
    // A look at the free space counts for a while.
    std::thread::sleep(Duration::from_millis(250));
    journal.append(&delivered(), Some(Box::new(move |result| done.send(result.is_err()).unwrap())));
    assert!(told.recv().unwrap());
    disk.make_room();
    std::thread::sleep(Duration::from_millis(250));
}

fn told(disk: &Disk) -> Vec<u64> {
    let mut reader = JournalReader::open(disk, "/journal").unwrap();
    let entries = std::iter::from_fn(|| reader.next_entry().unwrap());
    let gap = |entry| match entry {
        JournalEntry::Record { record: JournalRecord { event: JournalEvent::Lost(gap), .. }, .. } => Some(gap.records),
        _ => None,
    };
    entries.filter_map(gap).collect()
}

#[test]
fn what_was_left_out_is_told_after_a_while_though_nothing_is_appended() {
    let disk = Disk::new();
    let options = JournalOptions { spare_bytes: 0, reserve_bytes: 1, ..JournalOptions::default() };
    let (journal, _) = Journal::open(&disk, "/journal", options).unwrap();
    // Another record tells of the first: the next has its own ten seconds.
    leave_out(&journal, &disk);
    journal.append(&delivered(), None);
    until_told(&disk, 1);
    for times in 2..=3 {
        let before = Instant::now();
        leave_out(&journal, &disk);
        journal.tell_lost_at(|| before + TELL_AFTER);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(told(&disk).len(), times - 1, "the next record may tell of it");
        journal.tell_lost_at(|| Instant::now() + TELL_AFTER);
        until_told(&disk, times);
    }
}

fn until_told(disk: &Disk, times: usize) {
    let until = Instant::now() + Duration::from_secs(5);
    while told(disk).len() < times && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(told(disk), vec![1; times]);
}
