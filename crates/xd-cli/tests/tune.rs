//! `xd tune`: what false positives share, the least edit that frees them, and what it costs.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use serde_json::Value;
use support::Place;

const RULES: &str = r#"
family = "sample"
[[rule]]
id = "invoice"
score = "4.00"
why = "the subject speaks of an invoice"
when = { in = "subject", words = ["invoice"] }
[[rule]]
id = "hello"
score = "2.00"
why = "the subject greets"
when = { in = "subject", words = ["hello"] }
[[rule]]
id = "prize"
score = "3.50"
why = "the subject promises a prize"
when = { in = "subject", words = ["prize"] }
"#;

/// Five wanted messages that `invoice` and `hello` mark; among the rest, one ham like them, and spam that needs `hello` or `invoice`.
fn place(test: &str) -> Place {
    let place = Place::new(test);
    place.write("tune.toml", RULES);
    for (index, name) in ["ant", "bee", "cow", "dog", "eel"].iter().enumerate() {
        place.message(&format!("wrong/{index}.eml"), &format!("hello invoice {name}"));
        place.message(&format!("spam/{index}.eml"), &format!("hello prize {name}"));
    }
    place.message("spam/invoice.eml", "prize invoice hello");
    place.message("ham/marked.eml", "hello invoice of a sixth");
    place.message("ham/clean.eml", "hello");
    place
}

fn tuned(place: &Place, options: &str) -> Value {
    let run = place.run(&format!("tune --format json {options}"));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{options}");
    serde_json::from_str(&run.out).unwrap()
}

const ALL: &str = "--rules tune.toml --free wrong --ham ham --spam spam";

#[test]
fn five_false_positives_name_the_planted_rule_and_its_exact_cost() {
    let place = place("five_false_positives_name_the_planted_rule_and_its_exact_cost");
    let report = tuned(&place, ALL);
    assert_eq!((&report["samples"], &report["reliable"], &report["at_least"]), (&5.into(), &true.into(), &"1.01".into()));
    assert_eq!((&report["ham"], &report["spam"]), (&2.into(), &6.into()));
    let least = &report["edits"][0];
    let change = &least["changes"][0];
    assert_eq!((&change["rule"], &change["from"], &change["to"]), (&"invoice".into(), &"4.00".into(), &"2.99".into()));
    assert_eq!((&least["least"], &least["total"]), (&true.into(), &"1.01".into()));
    let cost =
        |edit: &Value| ["ham_freed", "ham_marked", "spam_lost", "spam_caught", "other"].map(|what| edit[what].as_u64().unwrap());
    assert_eq!(cost(least), [1, 0, 0, 0, 0]);
    assert_eq!(least["changed"][0]["path"], "ham/marked.eml");
    // The other rule that they share would cost all of the spam but one.
    let other = &report["edits"][1];
    assert_eq!((&other["changes"][0]["rule"], cost(other)), (&"hello".into(), [1, 0, 5, 0, 0]));
    let shared = &report["shared"];
    assert_eq!((&shared[0]["rule"], &shared[0]["samples"], &shared[0]["alone"]), (&"hello".into(), &5.into(), &5.into()));
    assert_eq!((&shared[1]["rule"], &shared[1]["ham"], &shared[1]["spam"]), (&"invoice".into(), &1.into(), &1.into()));

    // The edit does what it says.
    place.write("edited.toml", RULES.replace("4.00", "2.99"));
    let classes = |rules: &str| place.run(&format!("scan --format jsonl --rules {rules} wrong ham spam")).all("class");
    let clean = |rules: &str| classes(rules).iter().filter(|class| *class == "clean").count();
    assert_eq!((clean("tune.toml"), clean("edited.toml")), (1, 7));

    let text = place.run(&format!("tune {ALL}")).out;
    assert!(text.starts_with("5 false positives\n") && !text.contains("reliable"), "{text}");
    assert!(
        text.contains("invoice 4.00 → 2.99  (1.01 points, nothing less does)\n    of 2 ham and 6 spam: 1 ham freed\n"),
        "{text}"
    );
}

#[test]
fn fewer_than_five_say_so_and_what_they_share() {
    let place = place("fewer_than_five_say_so_and_what_they_share");
    let text = place.run("tune --rules tune.toml --free wrong/0.eml wrong/1.eml --spam spam").out;
    assert!(text.starts_with("2 false positives\n5 or more make this reliable"), "{text}");
    assert!(text.contains("invoice 4.00 → 2.99"), "{text}");
    let report = tuned(&place, "--rules tune.toml --free wrong/0.eml");
    assert_eq!((&report["reliable"], report["edits"].as_array().unwrap().len()), (&false.into(), 2));
    let text = place.run("tune --rules tune.toml --free wrong/0.eml").out;
    assert!(text.contains("what an edit costs is not known"), "{text}");
}

#[test]
fn capsules_tell_the_same_as_messages() {
    let place = place("capsules_tell_the_same_as_messages");
    let from_messages = tuned(&place, ALL);
    for part in ["wrong", "ham", "spam"] {
        assert_eq!(place.run(&format!("scan --rules tune.toml --capsules caps-{part} {part}")).code, Some(0));
    }
    let mut from_capsules = tuned(&place, "--free caps-wrong --ham caps-ham --spam caps-spam");
    assert_eq!(from_capsules["edits"][0]["changed"][0]["path"], "caps-ham#2");
    from_capsules["edits"][0]["changed"] = from_messages["edits"][0]["changed"].clone();
    from_capsules["edits"][1]["changed"] = from_messages["edits"][1]["changed"].clone();
    assert_eq!(from_capsules, from_messages);
    // What is to change is no cost, wherever else it stands.
    let mixed = tuned(&place, "--free caps-wrong --ham ham wrong caps-wrong --spam spam");
    assert_eq!((&mixed["ham"], &mixed["spam"]), (&2.into(), &6.into()));
    // Given twice, a message counts once.
    let twice = tuned(&place, "--rules tune.toml --free wrong wrong/0.eml --ham ham --spam spam");
    assert_eq!((&twice["samples"], &twice["edits"]), (&5.into(), &from_messages["edits"]));
    let few = tuned(&place, "--rules tune.toml --free wrong/0.eml wrong/0.eml wrong/0.eml wrong/0.eml wrong/0.eml");
    assert_eq!((&few["samples"], &few["reliable"], &few["uniform"]), (&1.into(), &false.into(), &true.into()));
    // Of another engine, and without a message to judge again.
    let run = place.run("tune --rules rules.toml --free wrong --spam caps-spam");
    assert!(run.code == Some(2) && run.err.contains("and does not hold its message"), "{}", run.err);
}

#[test]
fn missed_messages_are_caught() {
    let place = place("missed_messages_are_caught");
    place.message("missed/1.eml", "prize one");
    place.message("missed/2.eml", "prize two");
    let report = tuned(&place, "--rules tune.toml --catch missed --ham ham --spam spam");
    let edit = &report["edits"][0];
    assert_eq!((&edit["changes"][0]["rule"], &edit["changes"][0]["to"]), (&"prize".into(), &"5.00".into()));
    // The one with all three words has 9.50 points, and 11.00 then.
    assert_eq!((&edit["spam_lost"], &edit["ham_marked"], &edit["other"]), (&0.into(), &0.into(), &1.into()));
    let text = place.run("tune --rules tune.toml --catch spam missed").out;
    assert!(text.contains("8 missed messages\n6 of them marked already"), "{text}");
}

#[test]
fn what_cannot_be_read_or_moved_is_said() {
    let place = place("what_cannot_be_read_or_moved_is_said");
    let run = place.run("tune --rules tune.toml --free gone.eml wrong");
    assert!(run.code == Some(2) && run.err.contains("gone.eml: no such file") && run.out.starts_with("5 false"), "{}", run.err);
    assert_eq!(place.run("tune --ham ham").code, Some(2));
    assert_eq!(place.run("tune --free wrong --catch ham").code, Some(2));
    std::fs::create_dir(place.path("empty")).unwrap();
    let run = place.run("tune --rules tune.toml --free empty --ham ham");
    assert!(run.code == Some(2) && run.err.contains("there is no message to begin with"), "{}", run.err);
    place.message("other.eml", "nothing of this");
    let run = place.run("tune --rules tune.toml --catch other.eml");
    assert!(run.code == Some(0) && run.out.contains("1 of them out of reach"), "{}{}", run.out, run.err);
}

#[test]
fn whether_all_pairs_were_tried_is_said() {
    let place = place("whether_all_pairs_were_tried_is_said");
    let words = ["ant", "bee", "cow"];
    let rule = |id: &str, score: &str, word: &str| {
        format!("[[rule]]\nid = '{id}'\nscore = '{score}'\nwhy = 'x'\nwhen = {{ in = 'subject', words = ['{word}'] }}\n")
    };
    let mut rules = "family = 'sample'\n".to_owned();
    for word in words {
        rules += &rule(word, "5.50", word);
        place.message(&format!("three/{word}.eml"), word);
    }
    place.write("few.toml", &rules);
    let text = place.run("tune --rules few.toml --free three").out;
    assert!(text.contains("\nNeither one rule nor two would do. "), "{text}");
    // Many more that hold for one of them, of few points.
    for number in 0..40 {
        rules += &rule(&format!("more-{number:02}"), "0.01", "ant");
    }
    place.write("many.toml", &rules);
    let text = place.run("tune --rules many.toml --free three").out;
    assert!(text.contains("\nNo single rule would do, and not all pairs were tried. "), "{text}");
    assert!(!tuned(&place, "--rules many.toml --free three")["all_pairs"].as_bool().unwrap());
}
