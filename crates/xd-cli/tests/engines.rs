//! `xd engine`, `xd bisect` and `xd rules value`: what engines are, what changed between them, and what their rules did.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use support::{Place, RULES};

/// A list, a group and a brand besides rules; `{…}` are replaced.
const FIRST: &str = r#"
family = "sample"
[[list]]
id = "goods"
entries = ["watch", "handbag"]
[[group]]
id = "offers"
cap = "4.00"
[[brand]]
names = ["Contoso"]
domains = ["contoso.example"]
[[rule]]
id = "goods"
score = "3.00"
why = "the subject offers goods"
group = "offers"
when = { in = "subject", words = ["@goods"] }
[[rule]]
id = "old"
score = "1.00"
why = "an old rule"
when = { in = "subject", words = ["old"] }
[[rule]]
id = "prize"
score = "5.00"
why = "the subject promises a prize"
when = { in = "subject", words = ["prize"] }
"#;

/// The same after some changes: a rule gone, one new, one with other points, one whose list and cap changed.
fn second() -> String {
    let start = FIRST.find("[[rule]]\nid = \"old\"").unwrap();
    let end = start + FIRST[start + 1..].find("[[rule]]").unwrap() + 1;
    let rule = "[[rule]]\nid = \"new\"\nscore = \"2.00\"\nwhy = \"a new rule\"\nwhen = { in = \"subject\", words = [\"new\"] }\n";
    let text = format!("{}{}{rule}", &FIRST[..start], &FIRST[end..]);
    text.replace("\"handbag\"", "\"handbag\", \"perfume\"")
        .replace("4.00", "3.50")
        .replace("5.00", "2.50")
        .replace("contoso.example", "contoso.example.com")
}

/// A directory of capsules of one message, judged by each of these rules in turn.
fn judged(place: &Place, subject: &str, rules: &[&str]) -> Vec<String> {
    place.message("a.eml", subject);
    let mut engines = Vec::new();
    for (index, rules) in rules.iter().enumerate() {
        place.write(&format!("rules-{index}.toml"), rules);
        let run = place.run(&format!("scan --rules rules-{index}.toml --capsules caps --format jsonl a.eml"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        engines.extend(run.all("engine"));
    }
    engines
}

#[test]
fn engines_are_listed_in_the_order_of_keeping() {
    let place = Place::new("engines_are_listed_in_the_order_of_keeping");
    let engines = judged(&place, "a prize", &[FIRST, &second(), FIRST]);
    for directory in ["caps", "caps/engines"] {
        let run = place.run(&format!("engine list --engines {directory} --format json"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let list = run.json()[0]["engines"].as_array().unwrap().clone();
        let told: Vec<_> = list.iter().map(|engine| (engine["hash"].as_str().unwrap(), engine["sequence"].as_u64())).collect();
        assert_eq!(told[..2], [(engines[0].as_str(), Some(1)), (&engines[1], Some(2))]);
        assert_eq!((told.len(), list[2]["builtin"].as_bool(), told[2].1), (3, Some(true), None));
        assert_eq!((list[0]["semantics"].as_str(), list[0]["files"].as_u64()), (Some("1"), Some(1)));
    }
    let text = place.run("engine list --engines caps").out;
    assert!(text.lines().nth(1).unwrap().starts_with("    1  –"), "{text}");
    assert!(text.lines().last().unwrap().ends_with("built-in"), "{text}");
    assert_eq!(place.run("engine list --format json").json()[0]["engines"].as_array().unwrap().len(), 1);
    let run = place.run("engine list --engines gone");
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: gone: no such file or directory\n"));

    place.write(&format!("caps/engines/{}/rules/rules-0.toml", engines[0]), "family = \"other\"\n");
    let run = place.run("engine list --engines caps --format json");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("is not the file that was kept"), "{}", run.err);
    assert_eq!(run.json()[0]["engines"].as_array().unwrap().len(), 2);
}

#[test]
fn an_engine_is_shown_by_the_beginning_of_its_hash() {
    let place = Place::new("an_engine_is_shown_by_the_beginning_of_its_hash");
    let engines = judged(&place, "a prize", &[FIRST]);
    let run = place.run(&format!("engine show --engines caps {}", &engines[0][..10]));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    for part in [
        &format!("engine {}", engines[0]),
        "rules-0.toml",
        "sha256 ",
        "the subject promises a prize",
        "lists: goods (2)",
        "model      none",
    ] {
        assert!(run.out.contains(part), "{part} in {}", run.out);
    }
    let object = &place.run(&format!("engine show --engines caps --format json {}", engines[0])).json()[0];
    assert_eq!((object["rules"].as_array().unwrap().len(), &object["groups"][0]["id"]), (3, &"offers".into()));
    assert_eq!(object["files"][0]["bytes"], FIRST.len());
    assert!(place.run("engine show builtin").out.contains("built-in"));
    let run = place.run("engine show --engines caps beef");
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: there is no engine \"beef\"; `xd engine list` names all\n"));
}

#[test]
fn what_changed_between_engines_is_told() {
    let place = Place::new("what_changed_between_engines_is_told");
    let engines = judged(&place, "a prize", &[FIRST, &second()]);
    let (old, new) = (&engines[0][..12], &engines[1][..12]);
    let run = place.run(&format!("engine diff --engines caps {old} {new}"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    for part in [
        "rules: 1 added, 1 removed, 2 changed\n",
        "  + new  2.00  a new rule\n",
        "  - old  1.00  an old rule\n",
        "  ~ prize\n      score  5.00 → 2.50\n",
        "      when   - …ds [\"handbag\", \"watch\"]\n             + …ds [\"handbag\", \"perfume\", \"watch\"]\n",
        "groups: 1 changed\n  ~ offers  at most 4.00 → 3.50 in all\n      rules  goods\n",
        "lists: 1 changed\n  ~ goods\n             + perfume\n",
        "brands: 1 changed\n  ~ contoso\n      domains + contoso.example.com\n      domains - contoso.example\n",
    ] {
        assert!(run.out.contains(part), "{part} in {}", run.out);
    }
    let object = &place.run(&format!("engine diff --engines caps --format json {old} {new}")).json()[0];
    assert_eq!((&object["from"], &object["to"]), (&engines[0].as_str().into(), &engines[1].as_str().into()));
    let changed = &object["rules"]["changed"];
    assert_eq!(changed[1], serde_json::json!({ "id": "prize", "score": { "from": "5.00", "to": "2.50" } }));
    assert_eq!((&changed[0]["id"], changed[0]["condition"]["to"].as_str().unwrap().contains("perfume")), (&"goods".into(), true));
    assert_eq!(object["lists"]["changed"][0], serde_json::json!({ "id": "goods", "added": ["perfume"], "removed": [] }));
    let back = &place.run(&format!("engine diff --engines caps --format json {new} {old}")).json()[0];
    assert_eq!((&back["rules"]["added"][0]["id"], &back["rules"]["removed"][0]["id"]), (&"old".into(), &"new".into()));

    let comment = judged(&place, "a prize", &[&format!("# a comment\n{FIRST}")]).remove(0);
    let run = place.run(&format!("engine diff --engines caps {old} {comment}"));
    assert!(run.out.contains("both judge alike"), "{}", run.out);
}

#[test]
fn bisecting_names_every_change_of_class() {
    let place = Place::new("bisecting_names_every_change_of_class");
    let scored = |prize: &str, more: &str| FIRST.replace("5.00", prize) + more;
    let words =
        "[[rule]]\nid = \"hello\"\nscore = \"9.00\"\nwhy = \"it says hello\"\nwhen = { in = \"text\", words = [\"hello\"] }\n";
    let rules = [scored("5.00", ""), scored("6.00", ""), scored("6.00", words), scored("2.00", ""), scored("7.00", "")];
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let engines = judged(&place, "a prize", &rules);
    let run = place.run("bisect --engines caps caps/000001.xdc#2 --format json");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let object = &run.json()[0];
    assert_eq!(
        (&object["class"], &object["score"], &object["engine"]),
        (&"spam".into(), &"6.00".into(), &engines[1].as_str().into())
    );
    let tried = object["engines"].as_array().unwrap();
    let classes: Vec<Option<&str>> = tried.iter().map(|engine| engine["class"].as_str()).collect();
    assert_eq!(classes, [Some("spam"), Some("spam"), None, Some("clean"), Some("spam")]);
    assert!(tried[2]["undecided"].as_str().unwrap().contains("text words"), "{}", tried[2]);
    assert_eq!((&tried[1]["recorded"], &tried[0]["recorded"]), (&true.into(), &false.into()));
    let changes = object["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!((&changes[0]["from"], &changes[0]["to"]), (&engines[1].as_str().into(), &engines[3].as_str().into()));
    assert_eq!(changes[0]["undecided"], 1);
    assert_eq!(changes[0]["rules"], serde_json::json!([{ "rule": "prize", "from": "6.00", "to": "2.00" }]));
    assert_eq!(changes[1]["rules"], serde_json::json!([{ "rule": "prize", "from": "2.00", "to": "7.00" }]));
    assert_eq!(object["difference"]["rules"]["changed"][0]["id"], "prize");

    // What engines beside the capsule are, is known without being told.
    let run = place.run("bisect caps/000001.xdc#2");
    for part in [
        "First changed from spam to clean between engine 2 and engine 4; the engine between them is undecided\n      6.00 → 2.00      prize\n",
        "All that differs between engine 2 and engine 4:\nrules: 1 changed\n  ~ prize\n",
        "Changed again from clean to spam between engine 4 and engine 5\n",
        "as recorded",
        "undecided: the capsule does not tell: text words",
    ] {
        assert!(run.out.contains(part), "{part} in {}", run.out);
    }
    let run = place.run("bisect caps/000001.xdc");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("there are several capsules"), "{}", run.err);
    assert_eq!(place.run("bisect caps/000001.xdc#9").code, Some(2));
    assert_eq!(place.run("bisect a.eml").code, Some(2));
}

#[test]
fn a_kept_message_is_bisected_when_its_engine_is_gone() {
    let place = Place::new("a_kept_message_is_bisected_when_its_engine_is_gone");
    place.message("a.eml", "a prize");
    let mut engines = Vec::new();
    for (level, score) in [("content", "5.00"), ("causes", "6.00"), ("causes", "2.00"), ("causes", "7.00")] {
        place.write("rules.toml", FIRST.replace("5.00", score));
        let run = place.run(&format!("scan --rules rules.toml --capsules caps --capsule-level {level} --format jsonl a.eml"));
        engines.extend(run.all("engine"));
    }
    for gone in &engines[..2] {
        std::fs::remove_dir_all(place.path(&format!("caps/engines/{gone}"))).unwrap();
    }
    let run = place.run("bisect --format json caps#1");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let object = &run.json()[0];
    assert_eq!([&object["class"], &object["score"], &object["engine"]], ["spam", "5.00", engines[0].as_str()]);
    let tried = object["engines"].as_array().unwrap();
    let classes: Vec<_> = tried.iter().map(|engine| (engine["class"].as_str(), engine["recorded"].as_bool())).collect();
    assert_eq!(classes, [(Some("clean"), Some(false)), (Some("spam"), Some(false))]);
    assert_eq!(object["changes"][0]["rules"], serde_json::json!([{ "rule": "prize", "from": "2.00", "to": "7.00" }]));
    assert!(place.run("bisect caps#1").out.contains("The engine that judged is not among them.\n"));
    let run = place.run("bisect caps#2");
    assert!(run.code == Some(2) && run.err.contains("is not kept in"), "{}", run.err);
}

#[test]
fn bisecting_what_never_changed_says_so() {
    let place = Place::new("bisecting_what_never_changed_says_so");
    judged(&place, "nothing", &[FIRST, &FIRST.replace("5.00", "9.00")]);
    let run = place.run("bisect --engines caps/engines caps#1");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.ends_with("The class is the same with all 2 engines.\n"), "{}", run.out);
}

#[test]
fn rules_are_valued_by_what_they_decided() {
    let place = Place::new("rules_are_valued_by_what_they_decided");
    for (name, subject) in [
        ("1", "a prize and a watch"),
        ("2", "a prize"),
        ("3", "a prize, a watch, some minutes"),
        ("4", "minutes"),
        ("5", "hello"),
    ] {
        place.message(&format!("in/{name}.eml"), subject);
    }
    let open =
        "[[rule]]\nid = \"open\"\nscore = \"9.00\"\nwhy = \"SPF fails\"\nwhen = { in = \"evidence.spf\", equals = [\"fail\"] }\n";
    place.write("rules.toml", format!("{RULES}{open}"));
    assert_eq!(place.run("scan --rules rules.toml --capsules caps in").code, Some(0));
    let run = place.run("rules value caps --format json");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert_eq!(
        place.run("rules value --jobs 1 caps --format json").out,
        place.run("rules value --jobs 3 caps --format json").out
    );
    let object = &run.json()[0];
    let rules: Vec<_> = object["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            let number = |key: &str| rule[key].as_u64().unwrap();
            (rule["rule"].as_str().unwrap(), number("hits"), number("solo"), rule["agreement"].as_f64(), number("open"))
        })
        .collect();
    // 5.50 is spam until either rule goes; 4.50 is clean and would be spam without the minutes; 3.00 stays clean.
    assert_eq!(
        rules,
        [
            ("prize", 3, 1, Some(0.3333), 0),
            ("minutes", 2, 1, Some(1.0), 0),
            ("watch", 2, 1, Some(0.5), 0),
            ("never", 0, 0, None, 0),
            ("open", 0, 0, None, 5),
        ]
    );
    assert_eq!(
        (&object["messages"], &object["dead"], &object["unanswered"]),
        (&5.into(), &serde_json::json!(["never"]), &serde_json::json!(["open"]))
    );
    let run = place.run("rules value caps");
    for part in [
        "5 messages judged by 1 engine\n",
        "prize       3.00        3        1     33.33 %\n",
        "dead, they held for no message (1): never\n",
    ] {
        assert!(run.out.contains(part), "{part} in {}", run.out);
    }

    // A later engine with one rule less, and damage.
    let gone = RULES.find("[[rule]]\nid = \"never\"").unwrap();
    place.write("fewer.toml", &RULES[..gone]);
    assert_eq!(place.run("scan --rules fewer.toml --capsules caps in/2.eml").code, Some(0));
    let mut bytes = std::fs::read(place.path("caps/000001.xdc")).unwrap();
    bytes[300] ^= 1;
    place.write("caps/000001.xdc", &bytes);
    let run = place.run("rules value caps --format json");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("caps/000001.xdc"), "{}", run.err);
    let object = &run.json()[0];
    assert!(object["damaged"].as_u64().unwrap() > 0);
    assert_eq!(object["engines"].as_array().unwrap().len(), 2);
    let rule = |id: &str| object["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == id).unwrap().clone();
    assert_eq!(rule("prize")["messages"].as_u64().unwrap(), rule("never")["messages"].as_u64().unwrap() + 1);
}
