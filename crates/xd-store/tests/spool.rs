//! The spool as its users see it: what it gives back, how space returns, and what it makes of damage.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::collections::BTreeMap;

use support::spooled::{self, DELIVERED, DIRECTORY, Model};
use xd_store::simulated::{Disk, Survival};
use xd_store::{
    Attempt, CommitError, Done, FileSystem, Mark, RecordType, SegmentDir, SegmentDirOptions, SegmentError, SegmentKind, Spool,
    SpoolError, SpoolView,
};

#[test]
fn a_message_comes_back_with_all_its_marks() {
    let disk = Disk::new();
    let (spool, _) = spooled::open(&disk);
    let id = spool.next_id();
    let message = spooled::message(id, 700_000, 4);
    spooled::accept(&spool, message.clone(), spooled::content(id, 700_000)).unwrap();
    let first = Attempt { count: 1, next_try: 5, last_reply: "451 4.3.0 later".to_owned() };
    let second = Attempt { count: 2, next_try: 9, last_reply: "no route to host".to_owned() };
    spooled::mark(&spool, id, vec![Mark::Attempt(first), Mark::Recipient { index: 1, state: DELIVERED }]).unwrap();
    spooled::mark(&spool, id, vec![Mark::Attempt(second.clone())]).unwrap();
    let check = |queued: xd_store::QueuedMessage| {
        assert_eq!(queued.attempt.as_ref(), Some(&second));
        let mut expected = message.clone();
        expected.recipients[1].state = DELIVERED;
        assert_eq!(queued.message, expected);
    };
    check(spool.read_message(id).unwrap());
    drop(spool);
    let view = SpoolView::read(&support::ReadOnly(disk.clone()), DIRECTORY).unwrap();
    check(view.message(id).unwrap());
    let mut content = view.read_content(id).unwrap();
    assert!(content.next_chunk().unwrap().unwrap().len() <= 1 << 20);
    let (spool, recovery) = spooled::open(&disk);
    assert_eq!(recovery.live, 1);
    check(spool.messages().next().unwrap().unwrap());
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut spool.read_content(id).unwrap(), &mut read).unwrap();
    assert_eq!(read, spooled::content(id, 700_000));

    spooled::mark(&spool, id, vec![Mark::Remove(Done::Deleted)]).unwrap();
    assert!(matches!(spool.read_message(id), Err(SpoolError::Unknown(_))));
    assert!(matches!(spooled::mark(&spool, id, vec![Mark::Archived]), Err(CommitError::Unknown(_))));
}

#[test]
fn an_archive_copy_that_is_owed_keeps_a_message() {
    let disk = Disk::new();
    let (spool, _) = spooled::open(&disk);
    let id = spool.next_id();
    let message = xd_store::SpoolMessage { archive: true, ..spooled::message(id, 10, 1) };
    spooled::accept(&spool, message, spooled::content(id, 10)).unwrap();
    spooled::mark(&spool, id, vec![Mark::Recipient { index: 0, state: DELIVERED }]).unwrap();
    drop(spool);
    let (spool, recovery) = spooled::open(&disk);
    assert_eq!(recovery.live, 1);
    spooled::mark(&spool, id, vec![Mark::Archived]).unwrap();
    assert_eq!(spool.gauges().live_messages, 0);
}

#[test]
fn a_second_process_is_kept_out() {
    let disk = Disk::new();
    let (spool, _) = spooled::open(&disk);
    let second = Spool::open(&disk, DIRECTORY, spooled::options());
    assert!(matches!(second, Err(SpoolError::Segment(SegmentError::Locked { .. }))));
    drop(spool);
    spooled::open(&disk);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (spool, _) = spooled::open(&Disk::new());
    let id = spool.next_id();
    for message in [spooled::message(id, 11, 1), spooled::message(id, 10, 0)] {
        let told = spooled::accept(&spool, message, spooled::content(id, 10));
        assert!(matches!(told, Err(CommitError::Unfit { .. })));
    }
    assert_eq!(spool.is_broken(), None);
}

#[test]
fn a_message_that_is_stuck_does_not_pin_what_is_done() {
    let disk = Disk::new();
    let (spool, _) = spooled::open(&disk);
    let stuck = spool.next_id();
    spooled::accept(&spool, spooled::message(stuck, 2_000, 2), spooled::content(stuck, 2_000)).unwrap();
    let last = Attempt { count: 9, next_try: 1, last_reply: "450 4.2.1 full".to_owned() };
    spooled::mark(&spool, stuck, vec![Mark::Recipient { index: 1, state: DELIVERED }, Mark::Attempt(last.clone())]).unwrap();
    let mut most = 0;
    for _ in 0..300 {
        let id = spool.next_id();
        spooled::accept(&spool, spooled::message(id, 900, 1), spooled::content(id, 900)).unwrap();
        spooled::mark(&spool, id, vec![Mark::Remove(Done::Delivered)]).unwrap();
        most = most.max(spool.gauges().bytes);
    }
    // What is live, the slack, and the segments that are being written, copied and removed.
    assert!(most < 3_000 * 8, "{most} bytes");
    drop(spool);
    let (spool, recovery) = spooled::open(&disk.crashed(Survival::Durable));
    assert_eq!((recovery.live, recovery.missing, recovery.damages.len()), (1, 0, 0));
    let queued = spool.read_message(stuck).unwrap();
    assert_eq!((queued.attempt, queued.message.recipients[1].state), (Some(last), DELIVERED));
    assert_eq!(spool.read_content(stuck).unwrap().read_all().unwrap(), spooled::content(stuck, 2_000));
}

#[test]
fn content_is_read_to_its_end_while_its_message_moves() {
    let disk = Disk::new();
    let (spool, _) = spooled::open(&disk);
    let moved = spool.next_id();
    spooled::accept(&spool, spooled::message(moved, 600_000, 1), spooled::content(moved, 600_000)).unwrap();
    let mut reader = spool.read_content(moved).unwrap();
    let mut read = reader.next_chunk().unwrap().unwrap().to_vec();
    let first = disk.list(DIRECTORY.as_ref()).unwrap();
    for _ in 0..40 {
        let id = spool.next_id();
        spooled::accept(&spool, spooled::message(id, 50_000, 1), spooled::content(id, 50_000)).unwrap();
        spooled::mark(&spool, id, vec![Mark::Remove(Done::Delivered)]).unwrap();
    }
    let now = disk.list(DIRECTORY.as_ref()).unwrap();
    assert!(first.iter().filter(|name| name.ends_with("xds")).all(|name| !now.contains(name)), "{first:?} {now:?}");
    read.extend(reader.read_all().unwrap());
    assert_eq!(read, spooled::content(moved, 600_000));
}

#[test]
fn one_changed_byte_anywhere_is_noticed_and_costs_one_message() {
    let (disk, mut model) = (Disk::new(), Model::default());
    let options = xd_store::SpoolOptions { roll_bytes: 1_500, slack_bytes: 1 << 20, ..spooled::options() };
    let (spool, _) = Spool::open(&disk, DIRECTORY, options.clone()).unwrap();
    for step in 0..8 {
        assert!(model.accept(&spool, 100 + step * 111, 1 + step % 2));
        if step % 3 == 2 {
            assert!(model.mark(&spool, 1, 0, DELIVERED));
        }
    }
    drop(spool);
    let open: Vec<_> = model.open().collect();
    let names: Vec<String> = disk.list(DIRECTORY.as_ref()).unwrap().into_iter().filter(|name| name.ends_with("xds")).collect();
    assert!(names.len() > 2);
    for path in names.iter().map(|name| format!("{DIRECTORY}/{name}")) {
        let sound = disk.content(&path).unwrap();
        for at in (names.len() % 5..sound.len()).step_by(5) {
            let disk = disk.crashed(Survival::Everything);
            let mut changed = sound.clone();
            changed[at] ^= 1 << (at % 8);
            disk.put(&path, &changed).unwrap();
            let (spool, recovery) = Spool::open(&disk, DIRECTORY, options.clone()).unwrap();
            let mut told = recovery.damages.len() + recovery.kept.len() + recovery.missing as usize;
            let found: BTreeMap<_, _> = spool.messages().map(Result::unwrap).map(|queued| (queued.message.id, queued)).collect();
            let mut lost = 0;
            for id in &open {
                match spool.read_content(*id).and_then(|mut reader| reader.read_all()) {
                    Ok(content) => assert_eq!(content, model.0[id].content),
                    Err(SpoolError::Unknown(_)) => lost += 1,
                    Err(SpoolError::Damaged { .. }) => {
                        told += 1;
                        lost += 1;
                    }
                    Err(error) => panic!("{path} {at}: {error}"),
                }
            }
            assert!(lost <= 1, "{path} {at}: {lost}");
            assert!(lost == 0 || told > 0, "{path} {at}: lost in silence");
            assert!(found.keys().all(|id| model.0.contains_key(id)));
        }
    }
}

#[test]
fn a_damaged_segment_is_kept_when_its_messages_are_done() {
    let (disk, mut model) = (Disk::new(), Model::default());
    let (spool, _) = spooled::open(&disk);
    for _ in 0..6 {
        assert!(model.accept(&spool, 900, 1));
    }
    drop(spool);
    let path = format!("{DIRECTORY}/000001.xds");
    let mut changed = disk.content(&path).unwrap();
    changed[500] ^= 1;
    disk.put(&path, &changed).unwrap();
    let (spool, _) = spooled::open(&disk);
    let first = *model.0.keys().next().unwrap();
    assert!(matches!(spool.read_content(first).unwrap().read_all(), Err(SpoolError::Damaged { .. })));
    for id in model.0.keys() {
        spooled::mark(&spool, *id, vec![Mark::Remove(Done::Discarded)]).unwrap();
    }
    for _ in 0..6 {
        model.accept(&spool, 900, 1);
    }
    drop(spool);
    assert_eq!(disk.content(&path), None);
    assert_eq!(disk.content(format!("{path}.damaged")), Some(changed));
}

/// A message whose record is damaged when all others of its segment are copied: it cannot be kept, and is not forgotten without a word.
#[test]
fn a_message_that_cannot_be_read_when_its_segment_goes_is_named() {
    let (disk, mut model) = (Disk::new(), Model::default());
    let (spool, _) = spooled::open(&disk);
    assert!(model.accept(&spool, 900, 1));
    let first = *model.0.keys().next().unwrap();
    let path = format!("{DIRECTORY}/000001.xds");
    let envelope = disk.content(&path).unwrap().len() - 20;
    (0..12).for_each(|_| assert!(model.accept(&spool, 900, 1)));
    let mut changed = disk.content(&path).unwrap();
    changed[envelope] ^= 1;
    disk.put(&path, &changed).unwrap();
    assert!(spool.unreadable().is_empty());
    for id in model.0.keys().filter(|id| **id != first) {
        spooled::mark(&spool, *id, vec![Mark::Remove(Done::Discarded)]).unwrap();
    }
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while spool.unreadable().is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!((spool.unreadable(), spool.gauges().unreadable), (vec![first], 1));
    drop(spool);
    assert_eq!(disk.content(format!("{path}.damaged")), Some(changed));
}

#[test]
fn records_of_a_later_version_are_left_alone() {
    let disk = Disk::new();
    let (mut directory, _) = SegmentDir::open(&disk, DIRECTORY, SegmentDirOptions::new(SegmentKind::SPOOL)).unwrap();
    directory.append(RecordType::new(3), &[2; 60]).unwrap();
    directory.sync().unwrap();
    drop(directory);
    let before = disk.content(format!("{DIRECTORY}/000001.xds"));
    assert!(matches!(Spool::open(&disk, DIRECTORY, spooled::options()), Err(SpoolError::Version { .. })));
    assert_eq!(disk.content(format!("{DIRECTORY}/000001.xds")), before);
}
