//! What is used up and comes back, in the life of one process: descriptors and room. Mail waits or is refused; nothing is lost, and
//! nothing has to be started again.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use support::spooled::{self, DELIVERED, DIRECTORY, Model};
use xd_store::simulated::{Disk, Survival};
use xd_store::{
    CommitError, Delivery, FileSystem as _, Gap, Journal, JournalEntry, JournalEvent, JournalOptions, JournalReader,
    JournalRecord, Mark, QueueId, Spool, SpoolOptions, Transaction,
};

const JOURNAL: &str = "/var/log/xd";

fn journal_options() -> JournalOptions {
    JournalOptions { roll_bytes: 1_000, spare_bytes: 0, reserve_bytes: 0, closing: Duration::ZERO, ..JournalOptions::default() }
}

fn refusal(time: u64) -> JournalRecord {
    let recipients = vec!["bob@example.com".to_owned()];
    JournalRecord { time, event: JournalEvent::Refusal(Transaction { recipients, ..Transaction::default() }) }
}

fn delivered(time: u64) -> JournalRecord {
    let event =
        JournalEvent::Final(Delivery { id: Some(QueueId::new(1)), outcome: "delivered".to_owned(), ..Delivery::default() });
    JournalRecord { time, event }
}

fn append(journal: &Journal, record: &JournalRecord) -> Receiver<Result<(), CommitError>> {
    let (done, told) = channel();
    journal.append(record, Some(Box::new(move |result| done.send(result).unwrap())));
    told
}

/// All events, which are numbered without gaps and without damage.
fn events(disk: &Disk) -> Vec<JournalEvent> {
    let mut reader = JournalReader::open(disk, JOURNAL).unwrap();
    let entries = std::iter::from_fn(|| reader.next_entry().unwrap());
    let event = |(number, entry)| match entry {
        JournalEntry::Record { sequence, record, .. } if sequence == number => record.event,
        other => panic!("{other:?} is not number {number}"),
    };
    (1..).zip(entries).map(event).collect()
}

/// A story of a spool that rolls, is copied from and lets go, in which what is marked was taken.
fn story(spool: &Spool<Disk>, model: &mut Model, steps: usize) {
    for step in 0..steps {
        model.accept(spool, 300 + step * 97 % 900, 1 + step % 3);
        model.mark(spool, 1, 0, DELIVERED);
        model.mark(spool, 1, 1, DELIVERED);
    }
}

/// The name of the newest segment; names grow.
fn newest_segment(disk: &Disk) -> Option<String> {
    disk.list(DIRECTORY.as_ref()).unwrap().into_iter().filter(|name| name.ends_with(".xds")).max()
}

#[test]
fn a_spool_without_descriptors_goes_on_and_rolls_when_there_are_some() {
    let whole = Disk::new();
    let (spool, _) = spooled::open(&whole);
    let opened = whole.opens();
    story(&spool, &mut Model::default(), 25);
    drop(spool);
    assert!(whole.opens() > opened + 12, "segments began and were copied from: {} opens", whole.opens() - opened);
    for open in opened..whole.opens() {
        for calls in [1, 4, u64::MAX] {
            let (disk, mut model) = (Disk::new(), Model::default());
            let (spool, _) = spooled::open(&disk);
            disk.run_out_at(open, calls);
            story(&spool, &mut model, 15);
            assert_eq!(spool.is_broken(), None);
            assert!(model.0.values().all(|known| known.acknowledged), "nothing had to be refused");
            // They come back in the same process.
            disk.run_out_at(0, 0);
            let newest = newest_segment(&disk);
            story(&spool, &mut model, 15);
            assert!(spool.is_broken().is_none() && model.0.values().all(|known| known.acknowledged));
            assert!(newest_segment(&disk) > newest, "the story is longer than a segment, and begins the next");
            drop(spool);
            for survival in [Survival::Durable, Survival::Everything] {
                let (spool, recovery) = spooled::open(&disk.crashed(survival));
                model.clone().check_orderly(&spool, &recovery);
            }
        }
    }
}

#[test]
fn a_journal_without_descriptors_goes_on_and_rolls_when_there_are_some() {
    let whole = Disk::new();
    let opened = {
        let (journal, _) = Journal::open(&whole, JOURNAL, journal_options()).unwrap();
        let opened = whole.opens();
        (1..40).for_each(|time| append(&journal, &refusal(time)).recv().unwrap().unwrap());
        opened
    };
    for open in opened..whole.opens() {
        for calls in [1, u64::MAX] {
            let disk = Disk::new();
            let (journal, _) = Journal::open(&disk, JOURNAL, journal_options()).unwrap();
            disk.run_out_at(open, calls);
            (1..40).for_each(|time| append(&journal, &refusal(time)).recv().unwrap().unwrap());
            disk.run_out_at(0, 0);
            (40..60).for_each(|time| append(&journal, &refusal(time)).recv().unwrap().unwrap());
            assert!(journal.is_broken().is_none());
            drop(journal);
            assert_eq!(events(&disk.crashed(Survival::Durable)).len(), 59);
        }
    }
}

/// The disk is full at any moment, then has room again: what was acknowledged is there, what was refused is not, marks were kept.
#[test]
fn a_spool_without_room_refuses_and_goes_on() {
    for room in (0..6_000).step_by(173) {
        let (disk, mut model) = (Disk::new(), Model::default());
        let (spool, _) = spooled::open(&disk);
        story(&spool, &mut model, 3);
        disk.limit(room);
        let refused = (0..2).filter(|_| !model.accept(&spool, 2_000, 1)).count();
        let oldest = model.open().next();
        let marked = oldest.map(|id| {
            let (done, told) = channel();
            let mark = Mark::Recipient { index: 0, state: DELIVERED };
            spool.mark(id, vec![mark], move |result| done.send(result).unwrap());
            model.0.get_mut(&id).unwrap().may[0] = vec![DELIVERED];
            told
        });
        assert!(room > 4_200 || refused > 0, "{room}");
        assert_eq!(spool.is_broken(), None, "{room}");
        // The power is cut right behind a refusal: what was refused must not come back, whatever the disk wrote meanwhile.
        for survival in [Survival::Durable, Survival::Everything, Survival::Some(room)] {
            let (spool, recovery) = spooled::open(&disk.crashed(survival));
            let mut kept = model.clone();
            kept.0.retain(|_, known| known.acknowledged);
            kept.0.values_mut().for_each(|known| known.may[0].push(known.message.recipients[0].state));
            kept.check(&spool, &recovery);
        }
        disk.make_room();
        if let Some(marked) = marked {
            marked.recv().unwrap().unwrap();
        }
        model.0.retain(|_, known| known.acknowledged);
        assert!(model.accept(&spool, 2_000, 2), "{room}");
        assert!(spool.gauges().short.is_none());
        drop(spool);
        for survival in [Survival::Durable, Survival::Everything] {
            let (spool, recovery) = spooled::open(&disk.crashed(survival));
            model.clone().check_orderly(&spool, &recovery);
        }
    }
}

#[test]
fn a_mark_waits_for_room() {
    let disk = Disk::new();
    let options = SpoolOptions { reserve_bytes: 0, ..SpoolOptions::default() };
    let (spool, _) = Spool::open(&disk, DIRECTORY, options).unwrap();
    let mut model = Model::default();
    assert!(model.accept(&spool, 1_000, 1));
    disk.limit(0);
    let id = spool.ids()[0];
    let (done, told) = channel();
    spool.mark(id, vec![Mark::Recipient { index: 0, state: DELIVERED }], move |result| done.send(result).unwrap());
    told.recv_timeout(Duration::from_millis(400)).unwrap_err();
    assert!(spool.gauges().short.is_some() && spool.is_broken().is_none());
    disk.make_room();
    told.recv().unwrap().unwrap();
    assert!(spool.ids().is_empty());
}

/// What is forgotten is counted when the last try is over, not before.
#[test]
fn a_spool_that_is_closed_tells_what_found_no_room() {
    for has_room in [false, true] {
        let disk = Disk::new();
        let closing = Duration::from_millis(600);
        let (spool, _) =
            Spool::open(&disk, DIRECTORY, SpoolOptions { reserve_bytes: 0, closing, ..SpoolOptions::default() }).unwrap();
        let mut model = Model::default();
        assert!(model.accept(&spool, 1_000, 1));
        disk.limit(0);
        let id = spool.ids()[0];
        let (done, told) = channel();
        spool.mark(id, vec![Mark::Recipient { index: 0, state: DELIVERED }], move |result| done.send(result).unwrap());
        told.recv_timeout(Duration::from_millis(400)).unwrap_err();
        assert_eq!(spool.gauges().waiting, 1);
        let its = spool.clone();
        let closed = std::thread::spawn(move || its.close());
        if has_room {
            std::thread::sleep(Duration::from_millis(50));
            disk.make_room();
        }
        assert_eq!(closed.join().unwrap(), u64::from(!has_room));
        assert_eq!(told.recv().unwrap().is_ok(), has_room);
        assert_eq!(spool.ids().is_empty(), has_room);
        assert_eq!(spool.close(), u64::from(!has_room), "again");
    }
}

#[test]
fn a_journal_leaves_room_for_marks_and_tells_what_it_left_out() {
    let disk = Disk::new();
    let options = JournalOptions { spare_bytes: 20_000, reserve_bytes: 10_000, ..journal_options() };
    let (journal, _) = Journal::open(&disk, JOURNAL, options).unwrap();
    let now_free = |bytes| {
        disk.limit(bytes);
        // A look at the free space counts for a while.
        std::thread::sleep(Duration::from_millis(250));
    };
    append(&journal, &refusal(1)).recv().unwrap().unwrap();
    now_free(15_000);
    for time in 2..5 {
        assert!(matches!(append(&journal, &refusal(time)).recv().unwrap(), Err(CommitError::Full { .. })));
    }
    assert_eq!(journal.gauges().lost, 3);
    append(&journal, &delivered(5)).recv().unwrap().unwrap();
    now_free(9_000);
    assert!(matches!(append(&journal, &delivered(6)).recv().unwrap(), Err(CommitError::Full { .. })), "marks have the rest");
    disk.make_room();
    std::thread::sleep(Duration::from_millis(250));
    append(&journal, &refusal(7)).recv().unwrap().unwrap();
    assert_eq!(journal.gauges().lost, 4);
    let lost = |records| JournalEvent::Lost(Gap { records });
    let expected = [refusal(1).event, lost(3), delivered(5).event, lost(1), refusal(7).event];
    assert_eq!(events(&disk), expected);
}

#[test]
fn a_journal_without_room_refuses_what_it_may_and_keeps_the_rest() {
    let disk = Disk::new();
    let (journal, _) = Journal::open(&disk, JOURNAL, journal_options()).unwrap();
    append(&journal, &refusal(1)).recv().unwrap().unwrap();
    // Nobody knew that the disk was so full.
    disk.limit(30);
    assert!(matches!(append(&journal, &refusal(2)).recv().unwrap(), Err(CommitError::Short { .. } | CommitError::Full { .. })));
    let (kept, second) = (append(&journal, &delivered(3)), append(&journal, &delivered(4)));
    kept.recv_timeout(Duration::from_millis(300)).unwrap_err();
    disk.make_room();
    kept.recv().unwrap().unwrap();
    second.recv().unwrap().unwrap();
    assert!(journal.is_broken().is_none());
    drop(journal);
    let expected = [refusal(1).event, JournalEvent::Lost(Gap { records: 1 }), delivered(3).event, delivered(4).event];
    assert_eq!(events(&disk.crashed(Survival::Durable)), expected);
}

/// The live messages of the oldest segment are to be copied, and there is room for marks alone.
#[test]
fn marks_pass_while_copying_finds_no_room() {
    let (disk, mut model) = (Disk::new(), Model::default());
    let options = SpoolOptions { reserve_bytes: 40_000, ..spooled::options() };
    let (spool, _) = Spool::open(&disk, DIRECTORY, options).unwrap();
    assert!(model.accept(&spool, 60_000, 1));
    (0..4).for_each(|_| assert!(model.accept(&spool, 50_000, 2)));
    disk.limit(30_000);
    std::thread::sleep(Duration::from_millis(250));
    let bytes = spool.gauges().bytes;
    // Most of what is there is done now, and the oldest lives.
    for which in [4, 3, 2, 1] {
        for recipient in 0..2 {
            let begin = std::time::Instant::now();
            assert!(model.mark(&spool, which, recipient, DELIVERED));
            assert!(begin.elapsed() < Duration::from_millis(200), "nothing was put off");
        }
    }
    std::thread::sleep(Duration::from_millis(50));
    let gauges = spool.gauges();
    assert_eq!((gauges.shortages, gauges.live_messages), (0, 1));
    assert!(gauges.bytes < bytes + 3_000, "nothing was copied");
    drop(spool);
    let (spool, recovery) = spooled::open(&disk.crashed(Survival::Durable));
    model.check_orderly(&spool, &recovery);
}

#[test]
fn a_spool_says_for_how_long_marks_wait_for_room() {
    let disk = Disk::new();
    let options = SpoolOptions { reserve_bytes: 0, ..spooled::options() };
    let (spool, _) = Spool::open(&disk, DIRECTORY, options).unwrap();
    let mut model = Model::default();
    assert!(model.accept(&spool, 1_000, 1) && !spool.is_short());
    disk.limit(0);
    let id = spool.ids()[0];
    let (done, told) = channel();
    spool.mark(id, vec![Mark::Recipient { index: 0, state: DELIVERED }], move |result| done.send(result).unwrap());
    told.recv_timeout(Duration::from_millis(400)).unwrap_err();
    assert!(spool.is_short());
    disk.make_room();
    told.recv().unwrap().unwrap();
    assert!(!spool.is_short() && model.accept(&spool, 1_000, 1));
}

/// A journal that is closed tells what it left out, though nothing came behind it.
#[test]
fn what_was_left_out_is_told_at_the_close() {
    let disk = Disk::new();
    let options = JournalOptions { spare_bytes: 20_000, reserve_bytes: 10_000, ..journal_options() };
    let (journal, _) = Journal::open(&disk, JOURNAL, options).unwrap();
    append(&journal, &refusal(1)).recv().unwrap().unwrap();
    disk.limit(5_000);
    std::thread::sleep(Duration::from_millis(250));
    append(&journal, &refusal(2)).recv().unwrap().unwrap_err();
    append(&journal, &delivered(3)).recv().unwrap().unwrap_err();
    drop(journal);
    assert_eq!(events(&disk.crashed(Survival::Durable)), [refusal(1).event, JournalEvent::Lost(Gap { records: 2 })]);
}

/// Whoever waits for a record is answered, and what did not come about is not counted.
#[test]
fn a_record_that_somebody_waits_for_is_refused_without_room() {
    let disk = Disk::new();
    let (journal, _) = Journal::open(&disk, JOURNAL, journal_options()).unwrap();
    append(&journal, &refusal(1)).recv().unwrap().unwrap();
    disk.limit(30);
    let (done, told) = channel();
    journal.append_or_refuse(&delivered(2), move |result| done.send(result).unwrap());
    assert!(told.recv_timeout(Duration::from_secs(5)).unwrap().is_err());
    assert_eq!(journal.gauges().lost, 0);
    disk.make_room();
    append(&journal, &delivered(3)).recv().unwrap().unwrap();
    assert_eq!(events(&disk), [refusal(1).event, delivered(3).event]);
}

/// What was read was not durable, and was taken back; something else stands there now.
#[test]
fn a_reader_beyond_a_cut_goes_back_to_it() {
    let disk = Disk::new();
    let options = JournalOptions { roll_bytes: 1 << 20, ..journal_options() };
    let write = |times: std::ops::Range<u64>| {
        let (journal, _) = Journal::open(&disk, JOURNAL, options.clone()).unwrap();
        times.for_each(|time| append(&journal, &refusal(time)).recv().unwrap().unwrap());
    };
    let path = format!("{JOURNAL}/000001.xdj");
    write(1..4);
    let before = disk.content(&path).unwrap();
    write(4..7);
    let mut reader = JournalReader::open(&disk, JOURNAL).unwrap();
    let mut times = || -> Vec<(u64, u64)> {
        let entries = std::iter::from_fn(|| reader.next_entry().unwrap());
        let time = |entry| match entry {
            JournalEntry::Record { sequence, record, .. } => (sequence, record.time),
            other => panic!("{other:?}"),
        };
        entries.map(time).collect()
    };
    assert_eq!(times().len(), 6);
    disk.put(&path, &before).unwrap();
    assert_eq!(times(), []);
    write(104..106);
    assert_eq!(times(), [(4, 104), (5, 105)]);
    // Cut and written over between two looks, to more than there was.
    disk.put(&path, &before).unwrap();
    write(1_000_004..1_000_010);
    assert_eq!(times(), [4, 5, 6, 7, 8, 9].map(|number| (number, 1_000_000 + number)));
}

/// A clock that was ten years ahead for a while must not make all that was recorded before look old.
#[test]
fn a_clock_that_runs_ahead_erases_nothing() {
    let disk = Disk::new();
    let year = 365 * 24 * 60 * 60 * 1000_u64;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let options = JournalOptions { retention: year, ..journal_options() };
    let (journal, _) = Journal::open(&disk, JOURNAL, options).unwrap();
    for record in 0..40 {
        append(&journal, &refusal(now + record)).recv().unwrap().unwrap();
    }
    for record in 0..40 {
        append(&journal, &refusal(now + 10 * year + record)).recv().unwrap().unwrap();
    }
    drop(journal);
    assert_eq!(events(&disk).len(), 80);
}
