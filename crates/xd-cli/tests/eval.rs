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

#[test]
fn the_sweep_the_histogram_and_the_worst_are_those_of_the_messages() {
    let place = corpus("the_sweep_the_histogram_and_the_worst");
    let run = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --format json");
    let figures = &run.json()[0];
    let sweep = figures["sweep"].as_array().unwrap();
    assert_eq!((sweep.len(), &sweep[30]["threshold"]), (31, &"15.00".into()));
    assert_eq!(sweep[0], serde_json::json!({ "threshold": "0.00", "recall": 1.0, "fpr": 0.75, "ham": 3, "spam": 4 }));
    assert_eq!(sweep[5], serde_json::json!({ "threshold": "2.50", "recall": 0.75, "fpr": 0.25, "ham": 1, "spam": 3 }));
    assert_eq!(sweep[6], serde_json::json!({ "threshold": "3.00", "recall": 0.5, "fpr": 0.0, "ham": 0, "spam": 2 }));
    let bins = figures["histogram"].as_array().unwrap();
    let sum = |label: &str| bins.iter().map(|bin| bin[label].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("ham"), sum("spam")), (4, 4));
    let bin = bins.iter().find(|bin| bin["from"] == "5.50").unwrap();
    assert_eq!((&bin["ham"], &bin["spam"]), (&0.into(), &2.into()));
    let worst = &figures["worst"];
    assert_eq!(worst["ham"].as_array().unwrap().len(), 1);
    assert_eq!(worst["ham"][0]["path"], "c/ham/4");
    let finding = serde_json::json!({ "rule": "watch", "score": "2.50", "why": "the subject offers watches" });
    assert_eq!(worst["ham"][0]["findings"], serde_json::json!([finding]));
    let missed: Vec<_> = worst["spam"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(missed, ["c/spam/1", "c/spam/2"]);
}

#[test]
fn messages_of_a_cluster_are_drawn_together() {
    let place = corpus("messages_of_a_cluster_are_drawn_together");
    let run = |options: &str| {
        let run = place.run(&format!("eval --rules rules.toml --manifest manifest.tsv --root c --format json {options}"));
        assert_eq!(run.code, Some(0));
        run.json()[0].clone()
    };
    let alone = run("--jobs 1");
    assert_eq!(alone["intervals"]["clusters"], 8, "the bounce is neither ham nor spam");
    assert_eq!(alone["intervals"]["resamples"], 1000);
    let ends = |figure: &serde_json::Value| [0, 1].map(|end| figure[end].as_f64().unwrap());
    let [low, high] = ends(&alone["intervals"]["auc"]);
    assert!(low < AUC && AUC < high && high <= 1.0, "{low} {high}");
    assert_eq!(run("--jobs 3"), alone, "draws are the same each time");
    assert_eq!(run("--resamples 0").get("intervals"), None);
    assert_eq!(run("--resamples 40")["intervals"]["resamples"], 40);
    let few = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --resamples 39");
    assert_eq!(few.code, Some(2), "39 draws have no middle 95 %");

    // All of one cluster: every draw is the whole.
    let manifest = std::fs::read_to_string(place.path("manifest.tsv")).unwrap();
    let clustered: String =
        manifest.lines().enumerate().map(|(at, line)| format!("{line}\t{}\n", if at == 0 { "cluster" } else { "x" })).collect();
    place.write("manifest.tsv", clustered);
    let together = run("");
    assert_eq!(together["intervals"]["clusters"], 1);
    assert_eq!(ends(&together["intervals"]["auc"]), [AUC, AUC]);
    assert_eq!(ends(&together["intervals"]["thresholds"]["spam"]["recall"]), [0.5, 0.5]);
}

#[test]
fn another_judgement_is_compared() {
    let place = corpus("another_judgement_is_compared");
    // Watches are worse here, prizes are nothing.
    let rules = support::RULES.replace("\"2.50\"", "\"6.00\"").replace("\"3.00\"", "\"0.00\"");
    place.write("other.toml", rules);
    let run = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --compare other.toml --format json");
    assert_eq!(run.code, Some(0), "{}", run.err);
    let figures = &run.json()[0];
    let comparison = &figures["comparison"];
    assert_eq!(figures["thresholds"]["spam"]["recall"], 0.5);
    assert_eq!(comparison["other"]["thresholds"]["spam"], serde_json::json!({ "recall": 0.75, "fpr": 0.25 }));
    assert_eq!(comparison["difference"]["thresholds"]["spam"], serde_json::json!({ "recall": 0.25, "fpr": 0.25 }));
    assert_eq!((&comparison["better"], &comparison["worse"]), (&1.into(), &1.into()));
    let changed = |path: &str, label: &str, better: bool| serde_json::json!({ "path": path, "label": label, "from": "clean", "to": "spam", "score_from": "2.50", "score_to": "6.00", "better": better });
    assert_eq!(comparison["changed"], serde_json::json!([changed("c/ham/4", "ham", false), changed("c/spam/2", "spam", true)]));
    assert_ne!(comparison["engine"], figures["engine"]);

    // Of two, the first is what the figures are about.
    let two = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --compare other.toml rules.toml --format json");
    let two = &two.json()[0];
    assert_eq!((&two["engine"], &two["comparison"]["engine"]), (&comparison["engine"], &figures["engine"]));
    assert_eq!(two["comparison"]["difference"]["thresholds"]["spam"]["recall"], -0.25);

    let text = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --compare other.toml");
    for part in ["class changes: 1 for the better, 1 for the worse, 0 neither", "recall at spam", "+0.2500", "c/ham/4"] {
        assert!(text.out.contains(part), "{part} in {}", text.out);
    }
    let same = place.run("eval --rules rules.toml --manifest manifest.tsv --root c --compare rules.toml --format json");
    let same = &same.json()[0]["comparison"];
    assert_eq!((&same["changed"], &same["intervals"]["auc"]), (&serde_json::json!([]), &serde_json::json!([0.0, 0.0])));
    let wrong = place.run("eval --rules rules.toml --ham c/ham --compare nowhere.xdm");
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
}

#[test]
fn the_model_stands_among_the_rules() {
    let place = corpus("the_model_stands_among_the_rules");
    let run = place.run("eval --ham c/ham --spam c/spam c/phish --format json");
    let figures = &run.json()[0];
    let model = figures["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "model").unwrap();
    assert_eq!(model["score"], figures["model"]["high"]);
    assert_eq!(figures["model"]["name"], "default");
    let none = place.run("eval --model none --ham c/ham --spam c/spam c/phish --format json");
    assert!(none.json()[0]["rules"].as_array().unwrap().iter().all(|rule| rule["rule"] != "model"));
    assert!(none.json()[0].get("model").is_none());
    assert_eq!(place.run("learn spam --delta own.xdl c/spam").code, Some(0));
    let with = place.run("eval --delta own.xdl --ham c/ham --spam c/spam --format json");
    let learned =
        |run: &support::Run| run.json()[0]["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "learned").cloned();
    let found = learned(&with).unwrap();
    assert_eq!(found["score"], "3.00");
    assert!(found["spam"].as_u64().unwrap() > 0, "{found}");
    assert_eq!(learned(&none), None);
}

#[test]
fn the_page_is_well_formed_refers_to_nothing_and_escapes() {
    use html5gum::{Token, Tokenizer};

    let place = corpus("the_page_is_well_formed");
    // A slash would make it a path of two names.
    let hostile = "<script>alert(1)<script>\"'&\u{202e}";
    place.message(&format!("c/ham/{hostile}"), "prize watch watch");
    let mut manifest = std::fs::read_to_string(place.path("manifest.tsv")).unwrap();
    manifest.push_str(&format!("<img src=x onerror=alert(1)>\tham/{hostile}\tham\n"));
    place.write("manifest.tsv", manifest);
    let run =
        place.run("eval --rules rules.toml --manifest manifest.tsv --root c --by source --html page.html --compare builtin");
    assert_eq!(run.code, Some(0), "{}", run.err);
    let page = std::fs::read_to_string(place.path("page.html")).unwrap();
    assert!(!place.path("page.html.part").exists());

    let mut open: Vec<String> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let mut policy = String::new();
    for token in Tokenizer::new(&page) {
        match token.unwrap() {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                for (key, value) in &tag.attributes {
                    let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
                    assert!(!["src", "href", "style", "action", "srcset", "data"].contains(&&*key), "{name} {key}");
                    assert!(!key.starts_with("on") && !value.contains("//"), "{name} {key} {value}");
                    if name == "meta" && value.contains("default-src") {
                        policy = value.into_owned();
                    }
                }
                if !tag.self_closing && name != "meta" {
                    open.push(name.clone());
                }
                seen.push(name);
            }
            Token::EndTag(tag) => assert_eq!(open.pop(), Some(String::from_utf8_lossy(&tag.name).into_owned())),
            Token::Error(error) => panic!("{error:?}"),
            Token::Comment(_) => panic!("a comment"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for name in ["script", "img", "a", "link", "iframe", "object", "form"] {
        assert!(!seen.iter().any(|seen| seen == name), "{name}");
    }
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!page.contains("url(") && !page.contains("@import") && !page.contains('\u{202e}'));
    for part in [
        "<polyline class=\"first\"",
        "<rect class=\"spam\"",
        "&lt;script&gt;alert(1)&lt;script&gt;&quot;&#39;&amp;\\u{202e}",
        "&lt;img src=x",
        "the subject offers watches",
        "Comparison",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn a_page_that_cannot_be_written_is_said_before_anything_is_judged() {
    let place = corpus("a_page_that_cannot_be_written");
    let run = place.run("eval --rules rules.toml --ham c/ham --spam c/spam --html nowhere/page.html");
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("cannot write nowhere/page.html"), "{}", run.err);
}
