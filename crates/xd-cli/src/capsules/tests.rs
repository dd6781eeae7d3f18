use std::fs;
use std::path::PathBuf;

use xd_core::capsule::{Recording, judge_recorded};
use xd_core::{Engine, EngineHash, Limits, Message, RuleSource, evidence};
use xd_store::{EngineStore, OsFileSystem, RecordType, SegmentDir, SegmentDirOptions, SegmentKind};

use super::*;

const RULES: &str = "family = 'mine'\n[[rule]]\nid = 'hello'\nscore = '6.00'\nwhy = 'it says hello'\nwhen = { in = 'subject', words = ['hello'] }\n";

/// An empty directory of one test.
fn place(test: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("xd-capsules-{test}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

fn encoded(engine: &Engine, raw: &[u8]) -> Vec<u8> {
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    judge_recorded(engine, &envelope, &message, &evidence, [7; 32], &Recording::default()).1.encode().unwrap()
}

#[test]
fn capsules_are_read_around_damage_and_their_engine_is_found() {
    let place = place("around-damage");
    let engine = Engine::compile(vec![RuleSource::new("mine.toml", RULES)]).unwrap();
    EngineStore::new(OsFileSystem, place.join("engines")).keep(&engine, None).unwrap();
    let options = SegmentDirOptions::new(SegmentKind::CAPSULES);
    let (mut directory, _) = SegmentDir::open(&OsFileSystem, &place, options).unwrap();
    let capsule = encoded(&engine, b"Subject: hello\r\n\r\n");
    directory.append(CAPSULE, &capsule).unwrap();
    directory.append(CAPSULE, b"\x09 of a later version").unwrap();
    directory.append(RecordType::new(9), b"of a later kind").unwrap();
    let erased = directory.append(CAPSULE, &capsule).unwrap();
    directory.append(CAPSULE, &capsule).unwrap();
    directory.erase(erased).unwrap();
    directory.sync().unwrap();

    let mut records = Records::try_new(std::slice::from_ref(&place)).unwrap();
    let engines = Engines::of(&records, &[]).unwrap();
    let told = |found: Found| match found {
        Found::Capsule(origin, capsule) => {
            let replayed = capsule.replay(engines.engine(capsule.engine()).unwrap()).unwrap();
            format!("{} {} {}", origin.file.ends_with("000001.xdc"), replayed.is_identical(), id(&capsule, 0))
        }
        Found::Erased(_) => "erased".to_owned(),
        Found::Trouble(trouble) => trouble.why.split(" at offset").next().unwrap().to_owned(),
    };
    let whole = format!("true true {}", "07".repeat(32));
    let expected = [whole.as_str(), "the capsule", "a record of the unknown type 9", "erased", &whole];
    assert_eq!(records.by_ref().map(told).collect::<Vec<_>>(), expected);

    let mut batch = Batch::default();
    let mut again = Records::try_new(&[place.join("000001.xdc")]).unwrap();
    assert!(batch.fill(&mut again));
    assert_eq!(batch.found().map(told).collect::<Vec<_>>(), expected);
    assert!(!batch.fill(&mut again));
    assert_eq!(Records::try_new(std::slice::from_ref(&place)).unwrap().sampled(1).count(), 3);
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn an_engine_that_is_nowhere_is_named() {
    let place = place("nowhere");
    let engine = Engine::compile(vec![RuleSource::new("mine.toml", RULES)]).unwrap();
    let engines = Engines::new([place.join("engines"), place.join("engines")]);
    assert_eq!(engines.places().len(), 1);
    let why = engines.engine(engine.hash()).unwrap_err();
    assert!(why.contains(&engine.hash().to_string()) && why.contains("is not kept in"), "{why}");
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn many_engines_that_are_nowhere_take_no_time_and_no_stack() {
    let place = place("many");
    let engine = Engine::compile(vec![RuleSource::new("mine.toml", RULES)]).unwrap();
    EngineStore::new(OsFileSystem, place.join("engines")).keep(&engine, None).unwrap();
    let engines = Engines::new([place.join("engines")]);
    let work = move || {
        let hash = |number: u32| EngineHash::from_bytes(std::array::from_fn(|at| number.to_le_bytes()[at % 4]));
        let first = engines.engine(engine.hash()).unwrap();
        for number in 0..20_000 {
            assert!(engines.engine(hash(number)).is_err());
        }
        assert!(std::ptr::eq(first, engines.engine(engine.hash()).unwrap()));
        drop(engines);
    };
    // A list would be dropped one inside the other.
    std::thread::Builder::new().stack_size(256 << 10).spawn(work).unwrap().join().unwrap();
    fs::remove_dir_all(place).unwrap();
}
