//! Engines that were kept: found again, in order, and never taken for what they are not.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::path::{Path, PathBuf};

use support::ReadOnly;
use xd_core::{Engine, EngineHash, RuleSource, SEMANTICS, Timestamp};
use xd_store::simulated::Disk;
use xd_store::{EngineError, EngineStore, FileSystem, Kept, OsFileSystem, StoredFile};

fn engine(family: &str) -> Engine {
    let text = format!("family = \"{family}\"\n");
    Engine::compile(vec![RuleSource::new(format!("rules/{family}.toml"), text)]).unwrap()
}

fn store(disk: &Disk) -> EngineStore<Disk> {
    EngineStore::new(disk.clone(), "/e")
}

fn rule_file(hash: EngineHash) -> PathBuf {
    PathBuf::from(format!("/e/{hash}/rules/a.toml"))
}

#[test]
fn an_engine_is_loaded_when_its_rules_are_gone() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("engines-real");
    let _ = std::fs::remove_dir_all(&dir);
    let rules = dir.join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    std::fs::write(rules.join("mine.toml"), "family = \"mine\"\n# ünïcode and\r\n# line ends stay\n").unwrap();

    let hash = {
        let path = rules.join("mine.toml");
        let source = RuleSource::new(path.display().to_string(), std::fs::read_to_string(&path).unwrap());
        let engine = Engine::compile(vec![source]).unwrap();
        let kept = EngineStore::new(OsFileSystem, dir.join("engines")).keep(&engine, None).unwrap();
        assert_eq!(kept, Kept::New);
        engine.hash()
    };
    std::fs::remove_dir_all(&rules).unwrap();

    let inputs = EngineStore::new(OsFileSystem, dir.join("engines")).load(hash).unwrap();
    assert_eq!((inputs.semantics.as_str(), &inputs.model), (SEMANTICS, &None));
    assert_eq!(inputs.rules[0].name, rules.join("mine.toml").display().to_string());
    assert_eq!(Engine::compile(inputs.rules).unwrap().hash(), hash);
}

#[test]
fn the_rules_that_come_with_xd_are_kept_and_loaded() {
    // With its model.
    let (disk, engine) = (Disk::new(), Engine::builtin().unwrap());
    store(&disk).keep(&engine, None).unwrap();
    let inputs = store(&disk).load(engine.hash()).unwrap();
    assert_eq!(inputs.rules, engine.sources());
    assert_eq!(inputs.model.as_ref(), engine.model());
    assert_eq!(inputs.compile().unwrap().hash(), engine.hash());
}

#[test]
fn keeping_again_changes_nothing() {
    let (disk, engine) = (Disk::new(), engine("a"));
    assert_eq!(store(&disk).keep(&engine, None).unwrap(), Kept::New);
    let calls = disk.calls();
    assert_eq!(store(&disk).keep(&engine, Timestamp::parse_rfc3339("2026-11-22T01:00:00Z")).unwrap(), Kept::Already);
    assert_eq!(disk.calls(), calls);
}

#[test]
fn engines_are_listed_in_the_order_in_which_they_were_kept() {
    let disk = Disk::new();
    let time = Timestamp::parse_rfc3339("2026-11-22T01:00:00Z");
    let engines = ["c", "a", "d", "b"].map(engine);
    engines.iter().for_each(|engine| drop(store(&disk).keep(engine, time).unwrap()));
    store(&disk).keep(&engines[0], None).unwrap();
    let list = store(&disk).list().unwrap();
    let listed: Vec<_> = list.engines.iter().map(|engine| (engine.sequence, engine.hash, engine.kept)).collect();
    let expected: Vec<_> = (1..).zip(&engines).map(|(sequence, engine)| (sequence, engine.hash(), time)).collect();
    assert_eq!(listed, expected);
    assert!(list.unread.is_empty());
    assert!(store(&Disk::new()).list().unwrap().engines.is_empty());
}

#[test]
fn whoever_may_only_read_loads_and_lists() {
    let (disk, engine) = (Disk::new(), engine("a"));
    store(&disk).keep(&engine, None).unwrap();
    let reader = EngineStore::new(ReadOnly(disk), "/e");
    assert_eq!(reader.load(engine.hash()).unwrap().rules, engine.sources());
    assert_eq!(reader.list().unwrap().engines.len(), 1);
    assert_eq!(reader.keep(&engine, None).unwrap(), Kept::Already);
    assert!(matches!(reader.keep(&self::engine("b"), None), Err(EngineError::Io { .. })));
}

#[test]
fn what_differs_is_named() {
    let (disk, engine) = (Disk::new(), engine("a"));
    let hash = engine.hash();
    assert!(matches!(store(&disk).load(hash), Err(EngineError::Missing { .. })));
    store(&disk).keep(&engine, None).unwrap();

    // One byte of a rule file.
    disk.open(&rule_file(hash)).unwrap().write_at(10, b"b").unwrap();
    let error = store(&disk).load(hash).unwrap_err();
    assert!(matches!(&error, EngineError::RuleFile { path, .. } if *path == rule_file(hash)), "{error}");

    // The list of files, changed to agree.
    let manifest = PathBuf::from(format!("/e/{hash}/engine.toml"));
    let EngineError::RuleFile { expected, found, .. } = error else { panic!() };
    let text = String::from_utf8(disk.content(&manifest).unwrap()).unwrap();
    disk.put(&manifest, text.replace(&expected, &found).as_bytes()).unwrap();
    let error = store(&disk).load(hash).unwrap_err();
    assert!(matches!(error, EngineError::Hash { found, .. } if found == self::engine("b").hash()), "{error}");

    // Another semantics version.
    disk.put(&manifest, text.replace("semantics = \"1\"", "semantics = \"0\"").as_bytes()).unwrap();
    disk.open(&rule_file(hash)).unwrap().write_at(10, b"a").unwrap();
    assert!(matches!(store(&disk).load(hash), Err(EngineError::Hash { .. })));

    // Another model, which no hash covers.
    disk.put(&manifest, text.replace("model = \"none\"", "model = \"bayes\"").as_bytes()).unwrap();
    assert!(matches!(store(&disk).load(hash), Err(EngineError::Manifest { path, .. }) if path == manifest));

    // No list, or no file.
    disk.put(&manifest, b"nonsense").unwrap();
    assert!(matches!(store(&disk).load(hash), Err(EngineError::Manifest { path, .. }) if path == manifest));
    assert_eq!(store(&disk).list().unwrap().unread.len(), 1);
    disk.put(&manifest, text.as_bytes()).unwrap();
    assert!(store(&disk).load(hash).is_ok());
    disk.remove_file(&rule_file(hash)).unwrap();
    assert!(matches!(store(&disk).load(hash), Err(EngineError::Io { path, .. }) if path == rule_file(hash)));
}

#[test]
fn a_damaged_engine_is_set_aside_and_kept_anew() {
    let (disk, engine) = (Disk::new(), engine("a"));
    let hash = engine.hash();
    store(&disk).keep(&self::engine("z"), None).unwrap();
    store(&disk).keep(&engine, None).unwrap();
    for number in 1..3 {
        disk.open(&rule_file(hash)).unwrap().write_at(0, b"?").unwrap();
        let Kept::Restored { aside, why } = store(&disk).keep(&engine, None).unwrap() else { panic!("not restored") };
        assert_eq!(aside, Path::new(&format!("/e/{hash}.damaged-{number}")));
        assert!(why.contains("SHA-256"), "{why}");
        assert!(disk.content(aside.join("rules/a.toml")).unwrap().starts_with(b"?"));
        assert_eq!(store(&disk).load(hash).unwrap().rules, engine.sources());
    }
    let list = store(&disk).list().unwrap();
    assert_eq!(list.engines.iter().map(|engine| engine.sequence).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn files_of_one_name_are_all_kept() {
    let disk = Disk::new();
    let sources =
        ["site/a.toml", "team/a.toml", "../A.toml"].map(|name| RuleSource::new(name, format!("family = \"a\"\n# {name}\n")));
    let engine = Engine::compile(sources.to_vec()).unwrap();
    store(&disk).keep(&engine, None).unwrap();
    assert_eq!(store(&disk).load(engine.hash()).unwrap().rules, sources);
}

#[test]
fn while_another_keeps_an_engine_none_is_kept() {
    let disk = Disk::new();
    store(&disk).keep(&engine("a"), None).unwrap();
    let _lock = disk.lock(Path::new("/e/lock")).unwrap().unwrap();
    assert_eq!(store(&disk).keep(&engine("a"), None).unwrap(), Kept::Already);
    assert!(matches!(store(&disk).keep(&engine("b"), None), Err(EngineError::Locked { .. })));
}
