//! Every call that writes fails in turn, in every way; then the world stops and starts again. What was synced is there, and nothing
//! else appears.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use support::{header, read, segment};
use xd_core::{Engine, RuleSource};
use xd_store::simulated::{Disk, Fault, Survival};
use xd_store::{
    DamageKind, EngineError, EngineStore, FileSystem, Kept, RecordType, SegmentDir, SegmentDirOptions, SegmentError, SegmentKind,
    SegmentWriter, erase, segment_files,
};

const FAULTS: [Fault; 3] = [Fault::Fails, Fault::Short, Fault::Stops];

fn survivals() -> impl Iterator<Item = Survival> {
    [Survival::Durable, Survival::Everything].into_iter().chain((0..6).map(Survival::Some))
}

/// Runs a story on fresh disks with each of its calls failing in each way, and checks each disk that a crash could leave.
fn each_failure<T>(fresh: impl Fn() -> Disk, story: impl Fn(&Disk) -> T, check: impl Fn(&Disk, &T)) {
    let whole = fresh();
    let begin = whole.calls();
    story(&whole);
    let calls = whole.calls() - begin;
    assert!(calls > 3, "{calls} calls");
    for call in begin..=begin + calls {
        for fault in FAULTS {
            let disk = fresh();
            disk.fail_at(call, fault);
            let told = story(&disk);
            survivals().for_each(|survival| check(&disk.crashed(survival), &told));
        }
    }
}

/// How far a writer came: how many payloads it appended, and how many of them were surely durable.
#[derive(Debug, Default)]
struct Progress {
    begun: bool,
    synced: usize,
}

fn payloads() -> Vec<Vec<u8>> {
    // Some are longer than what gathers in memory, so that there are writes between syncs.
    (0..12u8).map(|n| [b"payload ".to_vec(), vec![n; if n % 6 == 1 { 270_000 } else { 50 }]].concat()).collect()
}

/// Whether `found` has what was synced, and is what was appended with pieces left out.
fn check_payloads(found: &[Vec<u8>], synced: usize) {
    let all = payloads();
    assert!(found.len() >= synced && found[..synced] == all[..synced], "{} of {synced}", found.len());
    let mut rest = all.iter();
    assert!(found.iter().all(|payload| rest.any(|appended| appended == payload)), "something else appeared");
}

#[test]
fn a_segment_keeps_what_was_synced() {
    let story = |disk: &Disk| {
        let mut progress = Progress::default();
        let mut story = || {
            let mut writer = SegmentWriter::create(disk, "/s", &header())?;
            progress.begun = true;
            for (index, payload) in payloads().iter().enumerate() {
                writer.append(RecordType::new(1), payload)?;
                if index % 4 == 3 {
                    writer.sync()?;
                    progress.synced = index + 1;
                }
            }
            Ok::<(), SegmentError>(())
        };
        let _ = story();
        progress
    };
    each_failure(Disk::new, story, |disk, progress| {
        if disk.content("/s").is_none() {
            assert!(!progress.begun);
            SegmentWriter::create(disk, "/s", &header()).unwrap();
            return;
        }
        let (mut writer, recovery) = SegmentWriter::open(disk, "/s").unwrap();
        let found = read(&disk.content("/s").unwrap());
        check_payloads(&found.payloads(), progress.synced);
        assert_eq!(found.records.len() as u64, recovery.records);
        assert!(!found.kinds().contains(&DamageKind::Tail));
        writer.append(RecordType::new(2), b"after").unwrap();
        writer.sync().unwrap();
        let after = read(&disk.content("/s").unwrap());
        assert_eq!(after.payloads()[found.records.len()..], [b"after"]);
        assert_eq!(after.damages, found.damages);
    });
}

#[test]
fn a_writer_that_failed_refuses_until_it_is_opened_anew() {
    for fault in [Fault::Fails, Fault::Short] {
        for step in 0..2 {
            let disk = Disk::new();
            let mut writer = SegmentWriter::create(&disk, "/s", &header()).unwrap();
            writer.append(RecordType::new(1), b"first").unwrap();
            disk.fail_at(disk.calls() + step, fault);
            assert!(matches!(writer.sync(), Err(SegmentError::Io { .. })));
            assert!(matches!(writer.append(RecordType::new(1), b"second"), Err(SegmentError::Broken { .. })));
            assert!(matches!(writer.append_compressed(RecordType::new(1), b"second"), Err(SegmentError::Broken { .. })));
            assert!(matches!(writer.sync(), Err(SegmentError::Broken { .. })));
            SegmentWriter::open(&disk, "/s").unwrap();
        }
    }
}

#[test]
fn a_directory_keeps_what_was_synced() {
    let options = || SegmentDirOptions { roll_bytes: 400_000, ..SegmentDirOptions::new(SegmentKind::CAPSULES) };
    let story = |disk: &Disk| {
        let mut progress = Progress::default();
        let mut story = || {
            let (mut directory, _) = SegmentDir::open(disk, "/var/mail/capsules", options())?;
            for (index, payload) in payloads().iter().enumerate() {
                directory.append(RecordType::new(1), payload)?;
                if index % 4 == 3 {
                    directory.sync()?;
                    progress.synced = index + 1;
                }
            }
            Ok::<(), SegmentError>(())
        };
        let _ = story();
        progress
    };
    let all = |disk: &Disk| {
        let files = segment_files(disk, "/var/mail/capsules", SegmentKind::CAPSULES).unwrap();
        files.iter().flat_map(|path| read(&disk.content(path).unwrap()).payloads()).collect::<Vec<_>>()
    };
    each_failure(Disk::new, story, |disk, progress| {
        let (mut directory, _) = SegmentDir::open(disk, "/var/mail/capsules", options()).unwrap();
        let found = all(disk);
        check_payloads(&found, progress.synced);
        directory.append(RecordType::new(1), b"after").unwrap();
        directory.sync().unwrap();
        assert_eq!(all(disk)[found.len()..], [b"after"]);
    });
}

#[test]
fn erasing_is_all_or_nothing_or_can_be_finished() {
    let payloads = [b"first".to_vec(), vec![7; 9_000], b"third".to_vec()];
    let (bytes, offsets) = segment(&payloads);
    let fresh = || {
        let disk = Disk::new();
        disk.put("/s", &bytes).unwrap();
        disk
    };
    let story = |disk: &Disk| erase(disk, "/s", offsets[1]).is_ok();
    each_failure(fresh, story, |disk, &erased| {
        let found = read(&disk.content("/s").unwrap());
        let others = found.payloads();
        match others.len() {
            3 => assert!(!erased && others == payloads),
            2 => assert_eq!(others, [b"first".as_slice(), b"third"]),
            _ => panic!("{:?}", found.damages),
        }
        assert!(!erased || found.erased == [(offsets[1], 1)]);
        if found.kinds() == [DamageKind::UnfinishedErasure] {
            let disk = disk.crashed(Survival::Everything);
            let (_, recovery) = SegmentWriter::open(&disk, "/s").unwrap();
            assert_eq!((recovery.erased, recovery.records, recovery.damages.len()), (1, 3, 0));
            assert_eq!(read(&disk.content("/s").unwrap()).erased, [(offsets[1], 1)]);
        }
        erase(disk, "/s", offsets[1]).unwrap();
        let found = read(&disk.content("/s").unwrap());
        assert_eq!((found.erased.len(), found.records.len(), found.damages.len()), (1, 2, 0));
    });
}

#[test]
fn recovery_can_be_interrupted_and_loses_nothing() {
    let payloads = [b"first".to_vec(), vec![7; 9_000]];
    let (bytes, offsets) = segment(&payloads);
    let torn_at = offsets[1].bytes() as usize;
    let torn = &bytes[torn_at..bytes.len() - 1_000];
    let fresh = || {
        let disk = Disk::new();
        disk.put("/s", &bytes[..bytes.len() - 1_000]).unwrap();
        disk
    };
    let story = |disk: &Disk| SegmentWriter::open(disk, "/s").is_ok();
    each_failure(fresh, story, |disk, &opened| {
        let kept = disk.content(format!("/s.torn-{torn_at}"));
        let left = disk.content("/s").unwrap();
        assert_eq!(read(&left).payloads(), payloads[..1]);
        assert!(left[torn_at..] == *torn || kept.as_deref() == Some(torn), "torn bytes are in the one place or the other");
        assert!(!opened || left.len() == torn_at);
        SegmentWriter::open(disk, "/s").unwrap();
        assert_eq!(disk.content("/s").unwrap(), bytes[..torn_at]);
        assert_eq!(disk.content(format!("/s.torn-{torn_at}")).as_deref(), Some(torn));
        let names = ["s".to_owned(), format!("s.torn-{torn_at}"), format!("s.torn-{torn_at}-2")];
        assert_eq!(disk.list("/".as_ref()).unwrap(), names[..2], "it is kept once, and whole");
        // It tears again, at the same place.
        disk.put("/s", &bytes[..torn_at + 20]).unwrap();
        SegmentWriter::open(disk, "/s").unwrap();
        assert_eq!(disk.list("/".as_ref()).unwrap(), names);
        assert_eq!(disk.content(format!("/s.torn-{torn_at}")).as_deref(), Some(torn));
    });
}

#[test]
fn an_engine_is_kept_whole_or_not_at_all() {
    let rules = ["family = \"a\"\n", "family = \"b\"\n"].map(|text| RuleSource::new("mine.toml", text));
    let engine = Engine::compile(rules.to_vec()).unwrap();
    let store = |disk: &Disk| EngineStore::new(disk.clone(), "/capsules/engines");
    each_failure(
        Disk::new,
        |disk| store(disk).keep(&engine, None).is_ok(),
        |disk, &kept| {
            match store(disk).load(engine.hash()) {
                Ok(inputs) => assert_eq!(inputs.rules, rules),
                Err(EngineError::Missing { .. }) => assert!(!kept),
                Err(error) => panic!("{error}"),
            }
            assert!(matches!(store(disk).keep(&engine, None), Ok(Kept::New | Kept::Already)));
            assert_eq!(store(disk).load(engine.hash()).unwrap().rules, rules);
            assert_eq!(store(disk).list().unwrap().engines.len(), 1);
        },
    );
}
