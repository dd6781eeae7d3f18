//! `xd eval`: figures on a set small enough to count by hand.

mod support;

use support::Place;

/// Ham scores -1, 0, 0, 2.5; spam scores 0, 2.5, 5.5, 5.5.
fn corpus(test: &str) -> Place {
    let place = Place::new(test);
    for (path, subject) in [
        ("c/ham/1", "minutes"),
        ("c/ham/2", "hello"),
        ("c/ham/3", "hello"),
        ("c/ham/4", "watch"),
        ("c/spam/1", "hello"),
        ("c/spam/2", "watch"),
        ("c/spam/3", "prize watch"),
        ("c/phish/4", "watch prize"),
        ("c/dsn/1", "prize watch"),
    ] {
        place.message(path, subject);
    }
    let mut manifest = "source\tpath\tlabel\n".to_owned();
    for (source, path, label) in [
        ("a", "ham/1", "ham"),
        ("a", "ham/2", "ham"),
        ("b", "ham/3", "ham"),
        ("b", "ham/4", "ham"),
        ("b", "spam/1", "spam"),
        ("b", "spam/2", "spam"),
        ("a", "spam/3", "spam"),
        ("a", "phish/4", "phish"),
        ("a", "dsn/1", "dsn"),
        ("z", "held/back", "ham"),
    ] {
        manifest.push_str(&format!("{source}\t{path}\t{label}\n"));
    }
    place.write("manifest.tsv", manifest);
    place
}

// Pairs in order: of 16, spam 0 beats 1 and ties 2, spam 2.5 beats 3 and ties 1, the others beat 4 each:
// 1 + 1 + 3 + 0.5 + 4 + 4 = 13.5.
const AUC: f64 = 0.8438;

#[test]
fn figures_of_a_manifest() {
    let place = corpus("figures_of_a_manifest");
    let run = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --by source --format json");
    assert_eq!(run.code, Some(0));
    assert_eq!(run.err, "xd: 1 message of the manifest is not there; the figures are about the other 9\n");
    let figures = &run.json()[0];
    assert_eq!((&figures["ham"], &figures["spam"], &figures["other"]), (&4.into(), &4.into(), &1.into()));
    assert_eq!(figures["auc"], AUC);
    assert_eq!(figures["recall_at_fpr"], serde_json::json!({ "0": 0.5, "0.001": 0.5, "0.005": 0.5, "0.01": 0.5 }));
    assert_eq!(figures["threshold_at_fpr"]["0"], "5.50");
    assert_eq!(figures["thresholds"]["spam"], serde_json::json!({ "score": "5.00", "recall": 0.5, "fpr": 0.0 }));
    assert_eq!(figures["thresholds"]["surespam"], serde_json::json!({ "score": "10.00", "recall": 0.0, "fpr": 0.0 }));
    assert_eq!(figures["with_finding"], serde_json::json!({ "spam": 0.75, "ham": 0.25 }));
    let group = |name: &str, label: &str, messages: u64, flagged: u64, mean: f64| serde_json::json!({ "name": name, "label": label, "messages": messages, "flagged": flagged, "surespam": 0, "mean_score": mean });
    assert_eq!(
        figures["groups"],
        serde_json::json!([
            group("a", "dsn", 1, 1, 5.5),
            group("a", "ham", 2, 0, -0.5),
            group("a", "phish", 1, 1, 5.5),
            group("a", "spam", 1, 1, 5.5),
            group("b", "ham", 2, 0, 1.25),
            group("b", "spam", 2, 0, 1.25),
        ])
    );
    assert_eq!(figures["rules"][0], serde_json::json!({ "rule": "watch", "score": "2.50", "ham": 1, "spam": 3 }));
    assert_eq!(figures["rules"][1], serde_json::json!({ "rule": "prize", "score": "3.00", "ham": 0, "spam": 2 }));
    assert_eq!(figures["rules"][3], serde_json::json!({ "rule": "minutes", "score": "-1.00", "ham": 1, "spam": 0 }));
}

#[test]
fn figures_of_directories_are_the_same() {
    let place = corpus("figures_of_directories_are_the_same");
    let run = place.run("eval --rules rules.toml --ham c/ham --spam c/spam c/phish/4 --by dir --format json --jobs 3");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let figures = &run.json()[0];
    assert_eq!(figures["auc"], AUC);
    let names: Vec<&str> = figures["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["c/ham", "c/phish", "c/spam"]);
}

#[test]
fn the_report_shows_them_to_people() {
    let place = corpus("the_report_shows_them_to_people");
    let run = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --by source");
    for part in ["AUC 0.8438", "spam from 5.00", "75.00 % of spam, 25.00 % of ham", "a (phish)", "without a hit: never"] {
        assert!(run.out.contains(part), "{part} in {}", run.out);
    }
    assert!(run.out.contains("9 messages: 4 ham, 4 spam, 1 other"), "{}", run.out);
    let watch = run.out.lines().find(|line| line.starts_with("watch ")).unwrap();
    assert_eq!(watch.split_whitespace().collect::<Vec<_>>().join(" "), "watch 2.50 1 25.00 % 3 75.00 % 0.7500");
}

#[test]
fn one_kind_alone_has_no_auc() {
    let place = corpus("one_kind_alone_has_no_auc");
    let run = place.run("eval --rules rules.toml --ham c/ham --format json");
    assert_eq!(run.code, Some(0));
    let figures = &run.json()[0];
    assert_eq!(figures["auc"], serde_json::Value::Null);
    assert_eq!(figures["recall_at_fpr"]["0"], serde_json::Value::Null);
    assert_eq!(figures["thresholds"]["spam"]["fpr"], 0.0);
    assert_eq!(place.run("eval --rules rules.toml --ham c/ham").code, Some(0));
}

#[test]
fn what_is_wrong_with_a_manifest_is_said() {
    let place = corpus("what_is_wrong_with_a_manifest_is_said");
    let run = |arguments: &str| {
        let run = place.run(&format!("eval --rules rules.toml {arguments}"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}");
        run.err
    };
    assert!(run("--manifest manifest.tsv --root nowhere").contains("none of the 10 messages of manifest.tsv is below nowhere"));
    place.write("bad.tsv", "path\tsource\nx\ty\n");
    assert!(
        run("--manifest bad.tsv --root c").starts_with("bad.tsv:1:1: expected a tab-separated table with a column \"label\"")
    );
    place.write("bad.tsv", "path\tlabel\nham/1\tham\nham/2\n");
    assert!(run("--manifest bad.tsv --root c").starts_with("bad.tsv:3:1: expected 2 columns, found 1"));
    assert!(run("--manifest bad.tsv --root c --by source").starts_with("bad.tsv:1:1: "));
    assert!(run("--ham c/ham --by source").contains("needs a manifest"));
    run("--manifest manifest.tsv");
    run("--manifest manifest.tsv --root c --ham c/ham");
    run("");
    let partly = place.run("eval --rules rules.toml --ham c/ham gone --format json");
    assert_eq!((partly.code, partly.err.as_str()), (Some(2), "xd: gone: no such file or directory\n"));
    assert_eq!(partly.json()[0]["ham"], 4);
}
