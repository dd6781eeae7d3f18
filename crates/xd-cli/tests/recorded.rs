//! `xd explain` and `xd counterfactual` on capsules: the same as on the message, as far as the capsule tells.

mod support;

use serde_json::Value;
use support::Place;

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
