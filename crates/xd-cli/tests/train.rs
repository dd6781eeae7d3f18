//! `xd train`, and judging with what it makes.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use support::Place;

/// A place with 12 messages of each class.
fn corpus(test: &str) -> Place {
    let place = Place::new(test);
    for index in 0..12 {
        let name = ["ant", "bee", "cow", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "kite", "lark"][index];
        let mail = |subject: &str, text: &str| format!("From: a@example.com\nSubject: {subject} {name}\n\n{text}\n");
        place.write(&format!("ham/{index}.eml"), mail("minutes", "the minutes of our meeting are attached"));
        place.write(&format!("spam/{index}.eml"), mail("winner", "claim the lottery prize you have won"));
    }
    place.write("new.eml", "From: b@example.com\nSubject: hello\n\nclaim your lottery prize\n");
    place
}

#[test]
fn a_model_of_ones_own_judges() {
    let place = corpus("a_model_of_ones_own_judges");
    let run = place.run("train --ham ham --spam spam --out own.xdm");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.starts_with("model own: ") && run.out.contains("of 12 ham and 12 spam\nheld out: AUC 1.0000"), "{}", run.out);
    let again = place.run("train --ham ham --spam spam --out again.xdm --jobs 1");
    assert_eq!(again.code, Some(0));
    let [own, again] = ["own.xdm", "again.xdm"].map(|file| std::fs::read(place.path(file)).unwrap());
    assert_eq!(own.len(), again.len() - 2, "they differ in their names alone");

    let run = place.run("scan --rules rules.toml --model own.xdm --format jsonl new.eml ham/1.eml");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let lines = run.json();
    assert_eq!(lines[0]["findings"][0]["rule"], "model");
    let points = |line: &serde_json::Value| line["score"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(points(&lines[0]) > 0.0 && points(&lines[1]) < 0.0, "{lines:?}");
    let text = place.run("explain --rules rules.toml --model own.xdm new.eml").out;
    assert!(text.contains("the model finds it more like spam") && text.contains("lottery"), "{text}");

    let more = place.run("train --ham ham --spam spam --from own.xdm --out more.xdm");
    assert_eq!((more.code, more.err.as_str()), (Some(0), ""));
}

#[test]
fn capsules_keep_their_model() {
    let place = corpus("capsules_keep_their_model");
    assert_eq!(place.run("train --ham ham --spam spam --out own.xdm").code, Some(0));
    let scan = "scan --rules rules.toml --model own.xdm --capsules caps --format jsonl new.eml";
    let engine = place.run(scan).all("engine").remove(0);
    std::fs::remove_file(place.path("own.xdm")).unwrap();
    let run = place.run("replay --format json caps");
    assert_eq!((run.code, &run.json()[0]["identical"]), (Some(0), &1.into()));
    let run = place.run("replay --format json --model none caps");
    let replayed: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &replayed["replayed"], &replayed["undecided"]), (Some(0), &1.into(), &0.into()));
    let shown = place.run(&format!("engine show --engines caps {engine}")).out;
    assert!(shown.contains("model      own "), "{shown}");
    let model = place.path(&format!("caps/engines/{engine}/model"));
    std::fs::write(model, "other").unwrap();
    let run = place.run("replay caps");
    assert!(run.code == Some(2) && run.err.contains("is not the file that was kept"), "{}", run.err);
}

#[test]
fn what_is_no_model_is_said_to_be_none() {
    let place = corpus("what_is_no_model_is_said_to_be_none");
    for (model, why) in [
        ("gone.xdm", "gone.xdm: no such file"),
        ("new.eml", "new.eml: this is no model"),
        ("gone", "`default` and `permissive` come with xd, `none` judges by rules alone"),
    ] {
        let run = place.run(&format!("scan --model {model} new.eml"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{model}");
        assert!(run.err.to_lowercase().contains(why), "{model}: {}", run.err);
    }
    assert_eq!(place.run("train --ham ham --spam spam --out own.xdm").code, Some(0));
    let whole = std::fs::read(place.path("own.xdm")).unwrap();
    place.write("cut.xdm", &whole[..whole.len() - 40]);
    let run = place.run("scan --model cut.xdm new.eml");
    assert!(run.code == Some(2) && run.err.contains("cut.xdm: the model is damaged"), "{}", run.err);
    place.write("xd.toml", "[rules]\nmodel = \"cut.xdm\"\n");
    let run = place.run("scan --config xd.toml new.eml");
    assert!(run.code == Some(2) && run.err.contains("xd.toml:2:9: cut.xdm: the model is damaged"), "{}", run.err);
}

#[test]
fn a_configuration_names_the_model() {
    let place = corpus("a_configuration_names_the_model");
    let engine = |options: &str| place.run(&format!("scan {options} --format jsonl new.eml")).all("engine").remove(0);
    place.write("none.toml", "[rules]\nmodel = \"none\"\n");
    place.write("permissive.toml", "[rules]\nmodel = \"permissive\"\n");
    assert_eq!(engine("--config none.toml"), engine("--model none"));
    assert_eq!(engine("--config permissive.toml"), engine("--model permissive"));
    assert_eq!(engine("--config none.toml --model default"), engine(""));
    assert_ne!(engine("--model none"), engine(""));
    place.write("off.toml", "[rules]\ndisable = [\"model\"]\n");
    let score = |options: &str| place.run(&format!("scan {options} --format jsonl new.eml")).all("score").remove(0);
    assert_eq!(score("--config off.toml"), score("--model none"));
    place.write("score.toml", "[rules.scores]\nmodel = \"1.00\"\n");
    let run = place.run("scan --config score.toml new.eml");
    assert!(run.code == Some(2) && run.err.contains("score.toml:2:1: the model's points follow"), "{}", run.err);
}

#[test]
fn one_class_is_refused_with_counts() {
    let place = corpus("one_class_is_refused_with_counts");
    std::fs::create_dir(place.path("empty")).unwrap();
    let run = place.run("train --ham ham --spam empty --out own.xdm");
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("12 ham and 0 spam are too few to learn from"), "{}", run.err);
    assert!(!place.path("own.xdm").exists());
    place.write("same/1.eml", "Subject: one\n\nthe same\n");
    let run = place.run("train --ham ham --spam same same same same same same same same same same --out own.xdm");
    assert!(run.code == Some(2) && run.err.contains("too alike to learn from"), "{}", run.err);
    let run = place.run("train --ham ham ham --spam spam ham/1.eml --out own.xdm");
    assert!(run.code == Some(0) && run.out.contains("1 message stands among both ham and spam"), "{}{}", run.out, run.err);
}
