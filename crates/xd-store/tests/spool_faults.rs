//! Every write, sync, rename and removal of the spool fails in turn, in every way, until none is left; then the power goes, and
//! the spool is opened again. What was acknowledged is there, byte for byte.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::mpsc::channel;

use proptest::prelude::*;
use support::spooled::{self, DELIVERED, DIRECTORY, Model};
use xd_store::simulated::{Disk, Fault, Survival};
use xd_store::{Acceptance, CommitError, Content, Done, FileSystem, HoldReason, RecipientState, Spool};

const FAULTS: [Fault; 3] = [Fault::Fails, Fault::Short, Fault::Stops];

fn survivals() -> impl Iterator<Item = Survival> {
    [Survival::Durable, Survival::Everything].into_iter().chain((0..3).map(Survival::Some))
}

/// Messages come and go, one stays, one is larger than a chunk; segments roll, are copied from, and go.
fn story(disk: &Disk, model: &mut Model) {
    let Ok((spool, recovery)) = Spool::open(disk, DIRECTORY, spooled::options()) else { return };
    model.check(&spool, &recovery);
    for step in 0..10 {
        let bytes = if step == 5 { 300_000 } else { 200 + step * 97 % 900 };
        let broken = spool.is_broken().is_some();
        let mut told = vec![model.accept(&spool, bytes, 1 + step % 3)];
        let marks = [
            (step, RecipientState::Held { reason: HoldReason::Operator, since: step as u64 }),
            (0, DELIVERED),
            (1, RecipientState::Done(Done::Failed)),
            (2, RecipientState::Done(Done::Discarded)),
        ];
        for (recipient, state) in marks {
            if spool.gauges().short.is_some() {
                // Marks wait until there is room again, and nobody makes room here.
                return;
            }
            told.push(model.mark(&spool, 1, recipient, state));
        }
        assert!(!broken || told == [false; 5], "nothing is acknowledged after a failure");
    }
}

#[test]
fn every_call_fails_in_turn_and_nothing_that_was_acknowledged_is_lost() {
    for fault in FAULTS {
        let mut call = 0;
        loop {
            let disk = Disk::new();
            disk.fail_at(call, fault);
            let mut model = Model::default();
            story(&disk, &mut model);
            for survival in survivals() {
                let disk = disk.crashed(survival);
                let mut model = model.clone();
                let (spool, recovery) = spooled::open(&disk);
                match survival {
                    Survival::Durable | Survival::Everything => model.check_orderly(&spool, &recovery),
                    Survival::Some(_) => model.check(&spool, &recovery),
                }
                assert!(model.accept(&spool, 500, 2), "{fault:?} {call} {survival:?}: {:?}", spool.is_broken());
                drop(spool);
                let (spool, recovery) = spooled::open(&disk.crashed(Survival::Durable));
                model.check(&spool, &recovery);
                assert!(recovery.torn.is_empty());
            }
            if disk.calls() <= call {
                break;
            }
            call += 1;
        }
        assert!(call > 100, "{call} calls");
    }
}

#[test]
fn opening_again_can_fail_at_every_call() {
    let (first, mut model) = (Disk::new(), Model::default());
    story(&first, &mut model);
    for fault in FAULTS {
        for call in 0.. {
            // With a torn end, which is moved away.
            let disk = first.crashed(Survival::Everything);
            let name = disk.list(DIRECTORY.as_ref()).unwrap().into_iter().rfind(|name| name.ends_with(".xds")).unwrap();
            let path = format!("{DIRECTORY}/{name}");
            let content = disk.content(&path).unwrap();
            disk.put(&path, &[content.as_slice(), b"\xfe\xfd\x03\0\xff\xff\0\0torn"].concat()).unwrap();
            disk.fail_at(call, fault);
            let opened = Spool::open(&disk, DIRECTORY, spooled::options()).map(drop).is_ok();
            let (spool, recovery) = spooled::open(&disk.crashed(Survival::Durable));
            assert!(!opened || recovery.kept.is_empty());
            model.clone().check_orderly(&spool, &recovery);
            if disk.calls() <= call {
                assert!(call > 5);
                break;
            }
        }
    }
}

#[test]
fn a_disk_that_fills_up_refuses_and_goes_on_when_there_is_room() {
    let disk = Disk::new();
    let options = xd_store::SpoolOptions { reserve_bytes: 10_000, ..spooled::options() };
    let (spool, _) = Spool::open(&disk, DIRECTORY, options).unwrap();
    let mut model = Model::default();
    assert!(model.accept(&spool, 1_000, 1));
    disk.limit(10_500);
    // A look at the free space counts for a while.
    std::thread::sleep(std::time::Duration::from_millis(250));
    let id = spool.next_id();
    let told = spooled::accept(&spool, spooled::message(id, 1_000, 1), spooled::content(id, 1_000));
    assert!(matches!(told, Err(CommitError::Full { free: 10_500 })), "{told:?}");
    assert!(model.mark(&spool, 0, 0, DELIVERED), "marks have the reserve");
    disk.limit(100_000);
    std::thread::sleep(std::time::Duration::from_millis(250));
    assert!(model.accept(&spool, 1_000, 1));
    assert_eq!(spool.is_broken(), None);
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_write_loses_nothing() {
    for room in (0..6_000).step_by(331) {
        let (disk, mut model) = (Disk::new(), Model::default());
        disk.limit(1_000 + room);
        story(&disk, &mut model);
        let disk = disk.crashed(Survival::Some(room));
        let (spool, recovery) = spooled::open(&disk);
        model.check(&spool, &recovery);
    }
}

/// A message is written whole, and another of the same commit finds no room: both are refused. Whatever the disk has of them when the power goes
/// right then, neither comes back: their clients send them again.
#[test]
fn what_was_refused_does_not_come_back_with_the_power() {
    let disk = Disk::new();
    let (spool, _) = Spool::open(&disk, DIRECTORY, spooled::options()).unwrap();
    let (written, busy) = channel();
    let (go, wait) = channel::<()>();
    let accept = |id, bytes, done: Box<dyn FnOnce(Result<(), CommitError>) + Send>| {
        let content = Content::from(spooled::content(id, bytes));
        spool.accept(Acceptance { message: spooled::message(id, bytes, 1), content }, done);
    };
    let first = spool.next_id();
    // While it is told, the thread that commits waits, and others gather.
    accept(
        first,
        100,
        Box::new(move |result| {
            written.send(result).unwrap();
            wait.recv().unwrap();
        }),
    );
    busy.recv().unwrap().unwrap();
    disk.limit(450_000);
    let (refused, told) = channel();
    for _ in 0..2 {
        let refused = refused.clone();
        accept(spool.next_id(), 300_000, Box::new(move |result| refused.send(result).unwrap()));
    }
    go.send(()).unwrap();
    for _ in 0..2 {
        assert!(matches!(told.recv().unwrap(), Err(CommitError::Short { .. })));
    }
    for seed in 0..256 {
        let (spool, _) = spooled::open(&disk.crashed(Survival::Some(seed)));
        assert_eq!(spool.ids(), [first], "{seed}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Accept(usize, usize),
    Crash(u64),
    Fail(u64, usize),
    Mark(usize, usize, usize),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0usize..1_500, 1usize..4).prop_map(|(bytes, recipients)| Step::Accept(bytes, recipients)),
        1 => (250_000usize..600_000).prop_map(|bytes| Step::Accept(bytes, 1)),
        12 => (any::<usize>(), 0usize..3, 0usize..5).prop_map(|(which, recipient, state)| Step::Mark(which, recipient, state)),
        2 => any::<u64>().prop_map(Step::Crash),
        1 => (0u64..12, 0usize..3).prop_map(|(call, fault)| Step::Fail(call, fault)),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_and_crashes_keeps_what_was_acknowledged(steps in steps()) {
        let (mut disk, mut model) = (Disk::new(), Model::default());
        let mut spool = Some(spooled::open(&disk).0);
        for step in steps {
            let running = spool.as_ref().unwrap();
            match step {
                Step::Accept(bytes, recipients) => {
                    model.accept(running, bytes, recipients);
                }
                Step::Mark(which, recipient, state) => {
                    let state = match state {
                        0..3 => DELIVERED,
                        3 => RecipientState::Waiting,
                        _ => RecipientState::Held { reason: HoldReason::Operator, since: 7 },
                    };
                    model.mark(running, which, recipient, state);
                }
                Step::Fail(call, fault) => disk.fail_at(disk.calls() + call, FAULTS[fault]),
                Step::Crash(number) => {
                    // While the old process still runs, the power goes.
                    disk = disk.crashed(Survival::Some(number));
                    let (opened, recovery) = spooled::open(&disk);
                    model.check(&opened, &recovery);
                    spool = Some(opened);
                }
                Step::Reopen => {
                    drop(spool.take());
                    disk = disk.crashed(Survival::Everything);
                    let (opened, recovery) = spooled::open(&disk);
                    model.check(&opened, &recovery);
                    spool = Some(opened);
                }
            }
        }
    }
}
