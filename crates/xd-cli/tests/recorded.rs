//! `xd explain` and `xd counterfactual` on capsules: the same as on the message, as far as the capsule tells.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use serde_json::Value;
use support::{Place, RULES};
use xd_core::capsule::{Level, Recording, judge_recorded};
use xd_core::{Engine, ForwardPath, Limits, Message, RuleSource, Score, Settings, Thresholds, evidence};
use xd_store::{EngineStore, OsFileSystem, RecordType, SegmentDir, SegmentDirOptions, SegmentKind};

/// A directory of capsules of two messages at a level, with what was printed of them as messages.
fn scanned(place: &Place, level: &str) {
    place.message("in/1.eml", "a prize and a watch");
    place.message("in/2.eml", "some minutes");
    let run = place.run(&format!("scan --rules rules.toml --capsules {level} --capsule-level {level} in"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

fn without(mut object: Value, keys: &[&str]) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|key, _| !keys.contains(&key.as_str()));
    }
    object
}

#[test]
fn a_capsule_is_explained_like_its_message() {
    let place = Place::new("a_capsule_is_explained_like_its_message");
    for level in ["causes", "facts", "content"] {
        scanned(&place, level);
        let messages = place.run("explain --rules rules.toml --format json in").json();
        // The rules are gone: the engine is kept.
        let run = place.run(&format!("explain --format json {level}"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let capsules = run.json();
        assert_eq!(capsules[0]["path"], format!("{level}#1"));
        assert_eq!(capsules[0]["capsule"], serde_json::json!({ "level": level, "pseudonymous": false }));
        for (message, capsule) in messages.into_iter().zip(capsules) {
            let quote = message["findings"][0]["proofs"][0]["quote"].clone();
            let recorded = capsule["findings"][0]["proofs"][0]["quote"].clone();
            assert_eq!(recorded, if level == "causes" { "".into() } else { quote });
            let keys: &[&str] = if level == "causes" { &["path", "capsule", "findings"] } else { &["path", "capsule"] };
            assert_eq!(without(message, keys), without(capsule, keys));
        }
    }
    let text = place.run("explain causes/000001.xdc#1").out;
    for part in [
        "causes/000001.xdc#1\n",
        "from a capsule at the level causes: it does not hold what stood in the message, so nothing of it is quoted",
        "+3.00  the subject promises a prize  (prize)\n",
        "Envelope, as recorded\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains('“'), "{text}");
    let text = place.run("explain content#2").out;
    assert!(text.contains("it holds the message") && text.contains("subject: “some minutes”"), "{text}");
}

#[test]
fn single_capsules_have_names() {
    let place = Place::new("single_capsules_have_names");
    scanned(&place, "causes");
    let paths = |argument: &str| place.run(&format!("explain --format json {argument}")).all("path");
    assert_eq!(paths("causes"), ["causes#1", "causes#2"]);
    assert_eq!(paths("causes/000001.xdc#2"), ["causes/000001.xdc#2"]);
    let hash = place.run("explain --format json causes#2").all("sha256").remove(0);
    assert_eq!(paths(&format!("causes/000001.xdc#{}", &hash[..8])), ["causes/000001.xdc#2"]);
    assert_eq!(paths(&format!("causes#{hash}#1")), ["causes#2"]);
    assert_eq!(paths("in/1.eml causes#1"), ["in/1.eml", "causes#1"]);
    place.write("moved/a.xdc", std::fs::read(place.path("causes/000001.xdc")).unwrap_or_default());
    assert_eq!(place.run("explain moved/a.xdc").code, Some(2));
    assert_eq!(paths("--engines causes moved/a.xdc#1"), ["moved/a.xdc#1"]);
    assert_eq!(paths("--engines causes/engines moved/a.xdc#2"), ["moved/a.xdc#2"]);
    for (argument, why) in [
        ("causes#3", "xd: causes: it has 2 capsules\n"),
        ("causes#0", "expected behind causes#"),
        ("causes#0123456789abcdef", "no capsule of a message whose SHA-256 begins with"),
        ("causes#1#2", "it has 1 recipients"),
        ("gone.xdc#1", "gone.xdc: no such file"),
    ] {
        let run = place.run(&format!("explain {argument}"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{argument}");
        assert!(run.err.contains(why), "{argument}: {}", run.err);
    }
}

#[test]
fn counterfactuals_of_a_message_and_of_its_capsule() {
    let place = Place::new("counterfactuals_of_a_message_and_of_its_capsule");
    scanned(&place, "causes");
    let message = place.run("counterfactual --rules rules.toml --format json in");
    assert_eq!((message.code, message.err.as_str()), (Some(0), ""));
    let capsule = place.run("counterfactual --format json causes");
    assert_eq!((capsule.code, capsule.err.as_str()), (Some(0), ""));
    for (message, capsule) in message.json().into_iter().zip(capsule.json()) {
        assert_eq!(without(message, &["path"]), without(capsule, &["path"]));
    }
    let object = &message.json()[0];
    assert_eq!((&object["class"], &object["score"]), (&"spam".into(), &"5.50".into()));
    assert_eq!(
        object["changes"][0],
        serde_json::json!({ "change": "score", "rule": "prize", "from": "3.00", "to": "2.49", "class": "clean", "score": "4.99", "distance": "0.51" })
    );
    let kinds: Vec<(&str, &str)> = object["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["change"].as_str().unwrap(), change["rule"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds[..4], [("score", "prize"), ("score", "watch"), ("not-found", "watch"), ("not-found", "prize")]);
    let text = place.run("counterfactual causes#1").out;
    for part in [
        "causes#1\n  spam 5.50",
        "Each of these alone would have altered the class\n",
        "  clean       4.99  prize with +2.49 instead of +3.00: the subject promises a prize\n",
        "  clean       3.00  without the finding watch: the subject offers watches\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// A capsule of three recipients, as a server would record it: one has thresholds of their own, one a rule less.
fn recipients(place: &Place) {
    let engine = Engine::compile(vec![RuleSource::new("rules.toml", RULES)]).unwrap();
    let raw = b"From: Ann <ann@example.com>\nSubject: a prize and a watch\n\nHello.\n";
    let message = Message::parse(raw, &Limits::default());
    let (mut envelope, mut evidence) = evidence::derive(&message);
    envelope.forward_paths = ["bob@example.org", "carol@example.org", "dave@example.net"].map(ForwardPath::parse).to_vec();
    let points = Score::from_hundredths;
    let strict = Settings { thresholds: Thresholds::try_new(points(100), points(200)).unwrap(), ..Settings::default() };
    let fewer = Settings { disabled: ["prize".to_owned()].into(), ..Settings::default() };
    evidence.recipient_settings = [("carol@example.org".to_owned(), strict), ("dave@example.net".to_owned(), fewer)].into();
    let recording = Recording::new(Level::Causes);
    let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0xAB; 32], &recording);
    let options = SegmentDirOptions::new(SegmentKind::CAPSULES);
    let (mut directory, _) = SegmentDir::open(&OsFileSystem, place.path("several"), options).unwrap();
    EngineStore::new(OsFileSystem, place.path("several/engines")).keep(&engine, None).unwrap();
    directory.append(RecordType::new(1), &capsule.encode().unwrap()).unwrap();
    directory.sync().unwrap();
}

#[test]
fn each_recipient_of_a_capsule_is_explained() {
    let place = Place::new("each_recipient_of_a_capsule_is_explained");
    recipients(&place);
    let verdicts =
        [("bob@example.org", "spam", "5.50"), ("carol@example.org", "surespam", "5.50"), ("dave@example.net", "clean", "2.50")];
    for (argument, explained) in [("several", 0), ("several#1", 0), ("several#1#2", 1), ("several/000001.xdc#abab#3", 2)] {
        let run = place.run(&format!("explain --format json {argument}"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{argument}");
        let object = &run.json()[0];
        let (address, class, score) = verdicts[explained];
        let recipient = format!("<{address}>");
        assert_eq!([&object["recipient"], &object["class"], &object["score"]], [recipient.as_str(), class, score], "{argument}");
        let all: Vec<_> = object["recipients"].as_array().unwrap().iter().map(|one| (&one["class"], &one["score"])).collect();
        assert!(all.iter().zip(verdicts).all(|(one, (_, class, score))| *one.0 == class && *one.1 == score), "{all:?}");
        let rules: Vec<&str> = object["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
        assert_eq!(rules, if explained == 2 { &["watch"][..] } else { &["prize", "watch"] });
    }
    let text = place.run("explain several#1#2").out;
    for part in [
        "spam from 1.00, surespam from 2.00",
        "Recipients\n",
        "spam    5.50  <bob@example.org>  (#1)\n",
        "surespam    5.50  <carol@example.org>  (#2; explained here)\n",
        "forward-paths     <bob@example.org>, <carol@example.org>, <dave@example.net>\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let run = place.run("explain several#1#4");
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: several#1: it has 3 recipients\n"));
    // The same names elsewhere.
    let run = place.run("counterfactual --format json several#1#3");
    assert_eq!((run.code, &run.json()[0]["class"]), (Some(0), &"clean".into()));
    place.write("cheap.toml", RULES.replace("2.50", "0.10"));
    let run = place.run("replay --format csv --rules cheap.toml several");
    let rows: Vec<&str> = run.out.lines().skip(1).collect();
    let id = "ab".repeat(32);
    assert_eq!(
        rows,
        [
            format!("{id}#1,changed,spam,clean,5.50,3.10,watch,"),
            format!("{id}#2,identical,surespam,surespam,5.50,3.10,,"),
            format!("{id}#3,identical,clean,clean,2.50,0.10,,"),
        ]
    );
}

#[test]
fn pseudonyms_are_explained_like_the_message_but_for_what_they_hide() {
    let place = Place::new("pseudonyms_are_explained_like_the_message_but_for_what_they_hide");
    place.write("key", "0123456789abcdef0123456789abcdef");
    place.write("xd.toml", format!("[capsules]\npseudonym_key_file = \"{}\"\n", place.path("key").display()));
    let header = "Return-Path: <ann@example.com>\nFrom: Ann <ann@example.com>\nTo: bob@example.org\n";
    place.write("a.eml", format!("{header}Subject: a prize and a watch\n\nHello.\n"));
    let message = &place.run("explain --rules rules.toml --format json a.eml").json()[0];
    for level in ["causes", "facts"] {
        let run =
            place.run(&format!("scan --rules rules.toml --config xd.toml --capsules {level} --capsule-level {level} a.eml"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let run = place.run(&format!("explain --format json {level}"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let capsule = &run.json()[0];
        assert_eq!(capsule["capsule"], serde_json::json!({ "level": level, "pseudonymous": true }));
        for same in ["sha256", "class", "spam_class", "score", "low", "high", "decided", "defects", "engine", "fields", "open"] {
            assert_eq!(capsule[same], message[same], "{level}: {same}");
        }
        let rules = |object: &Value| -> Vec<(String, String)> {
            let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
            object["findings"].as_array().unwrap().iter().map(|f| (text(f, "rule"), text(f, "score"))).collect()
        };
        assert_eq!(rules(capsule), rules(message));
        assert!(capsule["envelope"]["reverse_path"].as_str().unwrap().ends_with(".invalid>"), "{capsule}");
        let text = place.run(&format!("explain {level}#1")).out;
        assert!(text.contains("pseudonyms stand for what identifies people"), "{text}");
        for secret in ["ann@", "bob@", "example.com", "watch and"] {
            assert!(!run.out.contains(secret) && !text.contains(secret), "{level}: {secret}: {text}");
        }
        assert!(!text.contains('“'), "{text}");
        assert_eq!(place.run(&format!("counterfactual {level}")).code, Some(0));
    }
}
