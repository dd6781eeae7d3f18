//! The journal: numbered without gaps, durable when told, readable beside its writer; every call of it fails in turn.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::mpsc::channel;

use xd_store::simulated::{Disk, Fault, Survival};
use xd_store::{
    Change, CommitError, Delivery, FileSystem, Journal, JournalEntry, JournalEvent, JournalOptions, JournalReader, JournalRecord,
    Place, QueueId, RecordType, SegmentDir, SegmentDirOptions, SegmentError, SegmentKind, SpoolError, Transaction,
};

const DIRECTORY: &str = "/data/journal";

fn options() -> JournalOptions {
    JournalOptions { roll_bytes: 1_000, ..JournalOptions::default() }
}

fn record(time: u64) -> JournalRecord {
    let id = Some(QueueId::new(time << 20));
    let recipients = vec!["bob@example.com".to_owned()];
    let event = match time % 5 {
        0 => JournalEvent::Acceptance(Transaction { id, recipients, bytes: Some(time), ..Transaction::default() }),
        1 => JournalEvent::Attempt(Delivery { id, recipients, outcome: "deferred".to_owned(), ..Delivery::default() }),
        2 => JournalEvent::Capsule { id, bytes: b"\xfe\xfd capsule".repeat(20) },
        3 => JournalEvent::Hold(Change { id, recipients, reason: "quarantine".to_owned(), ..Change::default() }),
        _ => JournalEvent::Refusal(Transaction { recipients, client: Some([192, 0, 2, 1].into()), ..Transaction::default() }),
    };
    JournalRecord { time, event }
}

fn append(journal: &Journal, record: &JournalRecord) -> Result<(), CommitError> {
    let (done, told) = channel();
    journal.append(record, Some(Box::new(move |result| done.send(result).unwrap())));
    told.recv().unwrap()
}

/// All that a reader finds until it comes to the end.
fn read<F: FileSystem>(reader: &mut JournalReader<F>) -> Vec<JournalEntry> {
    std::iter::from_fn(|| reader.next_entry().unwrap()).collect()
}

/// Numbers and records, where nothing else is found.
fn records(disk: &Disk) -> Vec<(u64, JournalRecord)> {
    let entries = read(&mut JournalReader::open(&support::ReadOnly(disk.clone()), DIRECTORY).unwrap());
    let record = |entry| match entry {
        JournalEntry::Record { sequence, record, .. } => Some((sequence, record)),
        JournalEntry::Damage(..) => None,
        other => panic!("{other:?}"),
    };
    entries.into_iter().filter_map(record).collect()
}

#[test]
fn records_are_read_as_they_were_written_and_reading_goes_on() {
    let disk = Disk::new();
    let (journal, recovery) = Journal::open(&disk, DIRECTORY, options()).unwrap();
    assert_eq!(recovery.last_sequence, 0);
    let mut reader = JournalReader::open(&disk, DIRECTORY).unwrap();
    assert!(reader.next_entry().unwrap().is_none());
    let mut expected = 0;
    for time in 1..60 {
        append(&journal, &record(time)).unwrap();
        if time % 7 == 0 {
            for entry in read(&mut reader) {
                expected += 1;
                let JournalEntry::Record { sequence, record: read, .. } = entry else { panic!("{entry:?}") };
                assert_eq!((sequence, read), (expected, record(expected)));
            }
            assert_eq!((reader.last_sequence(), expected), (time, time));
        }
    }
    assert!(disk.list(DIRECTORY.as_ref()).unwrap().len() > 5);
    assert!(matches!(Journal::open(&disk, DIRECTORY, options()), Err(SpoolError::Segment(SegmentError::Locked { .. }))));
    drop(journal);
    let (journal, recovery) = Journal::open(&disk, DIRECTORY, options()).unwrap();
    assert_eq!(recovery.last_sequence, 59);
    append(&journal, &record(60)).unwrap();
    assert_eq!(records(&disk).last(), Some(&(60, record(60))));
}

#[test]
fn every_call_fails_in_turn_and_what_was_acknowledged_is_there() {
    for fault in [Fault::Fails, Fault::Short, Fault::Stops] {
        for call in 0.. {
            let disk = Disk::new();
            disk.fail_at(call, fault);
            let mut acknowledged = 0;
            if let Ok((journal, _)) = Journal::open(&disk, DIRECTORY, options()) {
                for time in 1..13 {
                    if append(&journal, &record(time)).is_ok() {
                        assert_eq!(acknowledged + 1, time, "nothing is acknowledged after a failure");
                        acknowledged = time;
                    }
                }
                // It may have failed to begin the next segment when all was written.
                assert!(journal.is_broken().is_some() || acknowledged == 12);
            }
            for survival in [Survival::Durable, Survival::Everything, Survival::Some(1), Survival::Some(2), Survival::Some(3)] {
                let disk = disk.crashed(survival);
                let (journal, recovery) = Journal::open(&disk, DIRECTORY, options()).unwrap();
                let found = records(&disk);
                assert!(found.len() as u64 >= acknowledged, "{} of {acknowledged}", found.len());
                for (number, (sequence, found)) in (1..).zip(&found) {
                    assert_eq!((*sequence, found), (number, &record(number)));
                }
                assert_eq!(recovery.last_sequence, found.len() as u64);
                append(&journal, &record(100)).unwrap();
                assert_eq!(records(&disk).last(), Some(&(found.len() as u64 + 1, record(100))));
            }
            if disk.calls() <= call {
                assert!(call > 25);
                break;
            }
        }
    }
}

#[test]
fn records_are_erased_and_their_numbers_stay() {
    let disk = Disk::new();
    let (journal, _) = Journal::open(&disk, DIRECTORY, options()).unwrap();
    (1..20).for_each(|time| append(&journal, &record(time)).unwrap());
    let of =
        |wanted: u64| move |entry: &JournalEntry| matches!(entry, JournalEntry::Record { sequence, .. } if *sequence == wanted);
    let entries = read(&mut JournalReader::open(&disk, DIRECTORY).unwrap());
    let places: Vec<Place> = [3, 12]
        .map(|sequence| match entries.iter().find(|entry| of(sequence)(entry)) {
            Some(JournalEntry::Record { place, .. }) => *place,
            _ => panic!("{sequence}"),
        })
        .into();
    let (done, told) = channel();
    journal.erase(places.clone(), move |result| done.send(result).unwrap());
    told.recv().unwrap().unwrap();
    let entries = read(&mut JournalReader::open(&disk, DIRECTORY).unwrap());
    let erased: Vec<_> =
        entries.iter().filter_map(|entry| if let JournalEntry::Erased(place) = entry { Some(*place) } else { None }).collect();
    assert_eq!(erased, places);
    assert_eq!(entries.iter().filter(|entry| matches!(entry, JournalEntry::Record { .. })).count(), 17);
}

/// An erasure that had to wait with others was done, and is told so.
#[test]
fn an_erasure_that_waited_for_room_is_done() {
    let disk = Disk::new();
    let (journal, _) = Journal::open(&disk, DIRECTORY, options()).unwrap();
    (1..4).for_each(|time| append(&journal, &record(time)).unwrap());
    let entries = read(&mut JournalReader::open(&disk, DIRECTORY).unwrap());
    let Some(JournalEntry::Record { place, .. }) = entries.first() else { panic!("{entries:?}") };
    // Neither room nor a descriptor.
    disk.limit(0);
    disk.run_out_at(disk.opens(), u64::MAX);
    let kept = JournalRecord { time: 4, event: JournalEvent::Final(Default::default()) };
    let (appended, written) = channel();
    journal.append(&kept, Some(Box::new(move |result| appended.send(result).unwrap())));
    let (done, told) = channel();
    journal.erase(vec![*place], move |result| done.send(result).unwrap());
    told.recv_timeout(std::time::Duration::from_millis(400)).unwrap_err();
    disk.run_out_at(0, 0);
    disk.make_room();
    written.recv().unwrap().unwrap();
    told.recv().unwrap().unwrap();
    let entries = read(&mut JournalReader::open(&disk, DIRECTORY).unwrap());
    assert!(matches!(entries[0], JournalEntry::Erased(erased) if erased == *place), "{entries:?}");
}

#[test]
fn segments_go_when_all_in_them_is_old() {
    let disk = Disk::new();
    let keep = JournalOptions { retention: 30, ..options() };
    let (journal, _) = Journal::open(&disk, DIRECTORY, keep.clone()).unwrap();
    (1..=100).for_each(|time| append(&journal, &record(time)).unwrap());
    drop(journal);
    let times = records(&disk).into_iter().map(|(_, record)| record.time).collect::<Vec<_>>();
    assert!(times[0] > 40 && times[0] <= 70, "{}", times[0]);
    assert_eq!(times.last(), Some(&100));
    let (journal, recovery) = Journal::open(&disk, DIRECTORY, keep).unwrap();
    assert_eq!(recovery.last_sequence, 100);
    // One segment goes with each commit.
    (0..30).for_each(|_| append(&journal, &record(200)).unwrap());
    drop(journal);
    assert!(records(&disk)[0].1.time > 90);
}

#[test]
fn damage_is_told_with_what_is_missing() {
    let disk = Disk::new();
    let (journal, _) = Journal::open(&disk, DIRECTORY, options()).unwrap();
    (1..20).for_each(|time| append(&journal, &record(time)).unwrap());
    drop(journal);
    let path = format!("{DIRECTORY}/000001.xdj");
    let mut changed = disk.content(&path).unwrap();
    changed[150] ^= 1;
    disk.put(&path, &changed).unwrap();
    let entries = read(&mut JournalReader::open(&disk, DIRECTORY).unwrap());
    assert!(matches!(entries[0], JournalEntry::Damage(..)));
    assert_eq!(entries.len(), 19);
    changed[150] ^= 1;
    changed.truncate(changed.len() - 3);
    disk.put(&path, &changed).unwrap();
    let entries = read(&mut JournalReader::open(&disk, DIRECTORY).unwrap());
    assert!(entries.iter().any(|entry| matches!(entry, JournalEntry::Damage(..))));
    assert!(entries.iter().any(|entry| matches!(entry, JournalEntry::Missing { .. })));
    assert!(matches!(entries.last(), Some(JournalEntry::Record { sequence: 19, .. })));
}

/// A whole record whose number is the last there is would leave none for what follows.
#[test]
fn a_number_that_no_journal_came_to_is_damage() {
    let disk = Disk::new();
    let options_of_segments = SegmentDirOptions::new(SegmentKind::JOURNAL);
    let (mut directory, _) = SegmentDir::open(&disk, DIRECTORY, options_of_segments).unwrap();
    for number in [u64::MAX, 1 << 62, (1 << 62) - 2] {
        directory.append(RecordType::new(2), &[&number.to_le_bytes()[..], &[0; 16]].concat()).unwrap();
    }
    directory.sync().unwrap();
    drop(directory);
    let (journal, recovery) = Journal::open(&disk, DIRECTORY, options()).unwrap();
    assert_eq!(recovery.last_sequence, (1 << 62) - 2);
    append(&journal, &record(1)).unwrap();
    let entries = read(&mut JournalReader::open(&disk, DIRECTORY).unwrap());
    assert!(matches!(entries[..2], [JournalEntry::Damage(..), JournalEntry::Damage(..)]), "{entries:?}");
    assert!(matches!(entries.last(), Some(JournalEntry::Record { sequence, .. }) if *sequence == (1 << 62) - 1), "{entries:?}");
}

#[test]
fn records_gather_between_syncs_until_something_is_urgent_or_the_end() {
    let disk = Disk::new();
    let hour = std::time::Duration::from_secs(3_600);
    let (journal, _) = Journal::open(&disk, DIRECTORY, JournalOptions { gathering: hour, ..options() }).unwrap();
    // The first waits for nothing; its commit is counted before it is told.
    append(&journal, &record(1)).unwrap();
    (2..5).for_each(|time| journal.append(&record(time), None));
    assert_eq!((journal.gauges().commits, journal.gauges().waiting), (1, 3));
    let (done, told) = channel();
    journal.erase(Vec::new(), move |result| done.send(result).unwrap());
    told.recv().unwrap().unwrap();
    assert_eq!((journal.gauges().commits, journal.gauges().waiting), (2, 0));
    (5..8).for_each(|time| journal.append(&record(time), None));
    drop(journal);
    let expected: Vec<_> = (1..8).map(|time| (time, record(time))).collect();
    assert_eq!(records(&disk), expected);
}
