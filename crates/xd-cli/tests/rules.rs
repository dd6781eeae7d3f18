//! `xd rules` and `xd explain`: what rules are, whether they hold, and why.

mod support;

use support::{Place, RULES};

#[test]
fn rules_are_listed() {
    let place = Place::new("rules_are_listed");
    let run = place.run("rules list --rules rules.toml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(
        lines[..3],
        ["sample", "     9.00  never    the subject says what none says", "     3.00  prize    the subject promises a prize"]
    );
    let run = place.run("rules list --rules rules.toml --format json");
    let list = &run.json()[0];
    assert_eq!(list["rules"].as_array().unwrap().len(), 4);
    assert_eq!(list["rules"][2]["id"], "prize");
    assert_eq!(list["rules"][2]["score"], "3.00");
    assert_eq!(list["rules"][2]["line"], RULES[..RULES.find("prize").unwrap()].lines().count());
    assert_eq!(place.run("rules list").code, Some(0));
}

#[test]
fn a_rule_is_shown() {
    let place = Place::new("a_rule_is_shown");
    let run = place.run("rules show --rules rules.toml watch prize");
    assert_eq!(run.code, Some(0));
    assert!(run.out.contains("score     2.50") && run.out.contains("the subject promises a prize"), "{}", run.out);
    assert!(run.out.contains("rules.toml:"), "{}", run.out);
    let run = place.run("rules show --rules rules.toml wat");
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: there is no rule \"wat\"; is it watch?\n"));
}

#[test]
fn a_check_names_mistakes_and_cost() {
    let place = Place::new("a_check_names_mistakes_and_cost");
    let run = place.run("rules check --rules rules.toml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.contains("4 rules in 1 family"), "{}", run.out);
    assert!(run.out.contains("of the budget"), "{}", run.out);
    place.write("bad.toml", RULES.replace("\"3.00\"", "3.0"));
    let run = place.run("rules check --rules bad.toml");
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    let line = RULES[..RULES.find("\"3.00\"").unwrap()].matches('\n').count() + 1;
    assert!(run.err.starts_with(&format!("bad.toml:{line}:9: ")), "{}", run.err);
    assert_eq!(place.run("rules check --rules gone").code, Some(2));
}

#[test]
fn cases_are_run_and_gaps_named() {
    let place = Place::new("cases_are_run_and_gaps_named");
    place.write("mine/sample.toml", RULES);
    let case = |rule: &str, holds: &str, subject: &str| {
        format!(
            "[[case]]\nrule = \"{rule}\"\nname = \"{subject}\"\nholds = \"{holds}\"\nmessage = \"Subject: {subject}\\n\\n\"\n"
        )
    };
    let good = [case("prize", "yes", "a prize"), case("prize", "no", "a price"), case("watch", "yes", "a watch")].concat();
    place.write("mine/cases/sample.toml", &good);
    let run = place.run("rules test --rules mine");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.out.contains("no case in which it holds: minutes, never\n"), "{}", run.out);
    assert!(run.out.contains("no case in which it does not: minutes, never, watch\n"), "{}", run.out);
    assert!(run.out.ends_with("3 cases, 0 failed\n"), "{}", run.out);

    place.write("more/x.toml", case("minutes", "yes", "some hours"));
    let run = place.run("rules test --rules mine --cases more");
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("more/x.toml:") && run.out.contains("minutes: some hours"), "{}", run.out);
    assert!(run.out.contains("expected") && run.out.ends_with("4 cases, 1 failed\n"), "{}", run.out);

    place.write("more/x.toml", "[[case]]\nrules = 1\n");
    let run = place.run("rules test --rules mine --cases more");
    assert_eq!(run.code, Some(2));
    assert!(run.err.starts_with("more/x.toml:"), "{}", run.err);
}

#[test]
fn rules_can_be_added_to_the_builtin_ones() {
    let place = Place::new("rules_can_be_added_to_the_builtin_ones");
    let builtin = place.run("rules list --format json").json()[0]["rules"].as_array().unwrap().len();
    let both = place.run("rules list --rules builtin --rules rules.toml --format json");
    assert_eq!(both.json()[0]["rules"].as_array().unwrap().len(), builtin + 4);
}

#[test]
fn an_explanation_says_all() {
    let place = Place::new("an_explanation_says_all");
    place.message("a.eml", "a prize, some minutes");
    let run = place.run("explain --rules rules.toml a.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    for part in [
        "a.eml",
        "clean 2.00",
        "+3.00  the subject promises a prize  (prize)",
        "-1.00  the subject speaks of minutes  (minutes)",
        "subject: “a prize, some minutes”",
        "there is no Date field  (no-date)",
        "unknown (not-asked)",
        "X-XD-Findings: prize=3.00, minutes=-1.00",
    ] {
        assert!(run.out.contains(part), "{part} in {}", run.out);
    }
    let run = place.run("explain --rules rules.toml --format json a.eml");
    let object = &run.json()[0];
    assert_eq!(object["findings"][0]["proofs"][0]["quote"], "a prize, some minutes");
    assert_eq!(object["envelope"]["client_address"], serde_json::Value::Null);
    assert_eq!(object["fields"][0], serde_json::json!({ "name": "X-XD-Class", "value": "clean" }));
    let run = place.run("explain --rules rules.toml gone a.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(2), "xd: gone: no such file or directory\n"));
    assert!(run.out.contains("clean 2.00"));
}

#[test]
fn a_proof_tells_how_often_its_test_was_met() {
    let place = Place::new("a_proof_tells_how_often_its_test_was_met");
    let calls = "[[rule]]\nid = \"calls\"\nscore = \"1.00\"\nwhy = \"it calls\"\n\
                 when = { in = \"subject\", regex = 'hey', at_least = 3 }\n";
    place.write("rules.toml", format!("{RULES}{calls}"));
    place.message("a.eml", "hey hey hey prize");
    let run = place.run("explain --rules rules.toml a.eml");
    assert!(run.out.contains("subject ×3: “"), "{}{}", run.out, run.err);
    assert!(run.out.contains("subject: “"), "once is not counted: {}", run.out);
    let run = place.run("explain --rules rules.toml --format json a.eml");
    let findings = &run.json()[0]["findings"];
    assert_eq!((&findings[0]["proofs"][0]["times"], &findings[1]["proofs"][0]["times"]), (&1.into(), &3.into()));
}

#[test]
fn the_version_names_the_builtin_rules() {
    let place = Place::new("the_version_names_the_builtin_rules");
    let run = place.run("--version");
    assert_eq!(run.code, Some(0));
    let engine = place.run("rules list --format json").json()[0]["engine"].as_str().unwrap().to_owned();
    assert_eq!(run.out, format!("xd {}\nbuilt-in engine {engine}\n", env!("CARGO_PKG_VERSION")));
}
