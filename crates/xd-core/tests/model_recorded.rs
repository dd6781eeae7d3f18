//! A model's points in verdicts, in their records, and in what-ifs: what is derived from a record is what a fresh judgement says.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

use xd_core::capsule::{Capsule, Conclusion, Level, Recording, SettingsChange, Step, WhatIf, counterfactuals, judge_recorded};
use xd_core::classify::{Family, Features, MODEL_ID, Model, ModelParts};
use xd_core::{Class, Engine, Evidence, Limits, Message, RuleSource, Score, evidence, judge};

const RULES: &str = r#"
family = "test"
[[rule]]
id = "prize"
score = "3.00"
why = "the subject promises a prize"
when = { in = "subject", words = ["prize"] }
"#;

const MAIL: &[u8] = b"From: a@example.com\r\nSubject: a prize\r\n\r\nclaim it today\r\n";

fn message() -> Message<'static> {
    Message::parse(MAIL, &Limits::default())
}

/// A model that gives so many hundredths to each message with the word "claim", and 0 to others.
fn model(points: i32) -> Model {
    let claim = Message::parse(b"\r\nclaim\r\n", &Limits::default());
    let place = Features::of(&claim).places(Family::Text)[0];
    // A logit above or below nought is worth all the points.
    let knots = if points < 0 { vec![(-1, points), (0, 0)] } else { vec![(0, 0), (1, points)] };
    let sign = if points < 0 { -1 } else { 1 };
    Model::try_new(ModelParts {
        name: "test".into(),
        families: [(1, 1 << 16); Family::ALL.len()],
        knots,
        weights: vec![(place, sign * 64)],
        ..ModelParts::default()
    })
    .unwrap()
}

fn engine(model: Option<Model>) -> Engine {
    Engine::compile(vec![RuleSource::new("rules.toml", RULES)]).unwrap().with_model(model)
}

fn recorded(engine: &Engine, evidence: &Evidence, level: Level) -> (Score, Capsule) {
    let (envelope, _) = evidence::derive(&message());
    let (judgement, capsule) = judge_recorded(engine, &envelope, &message(), evidence, [0; 32], &Recording::new(level));
    (judgement.verdict().score, Capsule::decode(&capsule.encode().unwrap()).unwrap())
}

fn evidence() -> Evidence {
    evidence::derive(&message()).1
}

#[test]
fn the_model_is_one_finding_and_part_of_the_sum() {
    let engine = engine(Some(model(400)));
    let (envelope, evidence) = evidence::derive(&message());
    let judgement = judge(&engine, &envelope, &message(), &evidence);
    let verdict = judgement.verdict();
    assert_eq!(
        (verdict.score, verdict.low, verdict.high),
        (Score::from_hundredths(700), Score::from_hundredths(700), Score::from_hundredths(700))
    );
    let findings: Vec<_> = verdict.findings.iter().map(|finding| (finding.rule, finding.score.hundredths())).collect();
    assert_eq!(findings, [(MODEL_ID, 400), ("prize", 300)]);
    let explained = judgement.with_model_proofs(&engine, &message());
    assert_eq!(explained.verdict().findings[0].proofs[0].quote, "claim");
}

#[test]
fn a_disabled_model_gives_nothing() {
    let mut evidence = evidence();
    evidence.settings.disabled.insert(MODEL_ID.to_owned());
    let (score, capsule) = recorded(&engine(Some(model(400))), &evidence, Level::Causes);
    assert_eq!(score, Score::from_hundredths(300));
    assert!(capsule.replay(&engine(Some(model(400)))).unwrap().is_identical());
}

#[test]
fn verdicts_replay_with_their_model_and_no_other() {
    for points in [400, -200, 0] {
        let engine = engine(Some(model(points)));
        for level in [Level::Causes, Level::Facts, Level::Content] {
            let (score, capsule) = recorded(&engine, &evidence(), level);
            let replayed = capsule.replay(&engine).unwrap();
            assert!(replayed.is_identical());
            assert_eq!(replayed.verdicts[0].score, score);
            assert_eq!(score, Score::from_hundredths(300 + i64::from(points)));
            assert!(capsule.explain(&engine, &Limits::default()).unwrap().verdict().score == score);
        }
    }
    let (_, capsule) = recorded(&engine(Some(model(400))), &evidence(), Level::Causes);
    assert!(capsule.replay(&engine(Some(model(300)))).is_err());
    assert!(capsule.replay(&engine(None)).is_err());
}

#[test]
fn a_what_if_with_another_model_is_a_fresh_judgement_or_undecided() {
    let old = engine(Some(model(400)));
    for new in [None, Some(model(100)), Some(model(-300)), Some(model(400))] {
        let is_same = new == Some(model(400));
        let other = engine(new.clone());
        let (fresh, _) = recorded(&other, &evidence(), Level::Causes);
        for level in [Level::Causes, Level::Content] {
            let (_, capsule) = recorded(&old, &evidence(), level);
            let mut with_engine = WhatIf::new(&old, &other, SettingsChange::default(), Limits::default());
            let mut with_model = WhatIf::new(&old, &old, SettingsChange::default(), Limits::default()).with_model(new.as_ref());
            for what_if in [&mut with_engine, &mut with_model] {
                match &what_if.ask(&capsule).unwrap()[0] {
                    Conclusion::Changed { score_to, rules, .. } => {
                        // The bounds of another model may settle the class, and not the score.
                        let is_open = level == Level::Causes && new.is_some();
                        assert!(*score_to == Some(fresh) || (is_open && score_to.is_none()));
                        assert_eq!((rules.len(), rules[0].rule), (1, MODEL_ID));
                    }
                    Conclusion::Unchanged { score_to, .. } => assert!(is_same && *score_to == Some(fresh)),
                    Conclusion::Undecided { tests, .. } => {
                        assert!(level == Level::Causes && new.is_some() && tests == &[MODEL_ID]);
                    }
                }
            }
        }
    }
}

#[test]
fn without_the_model_is_a_counterfactual() {
    let engine = engine(Some(model(400)));
    let (_, capsule) = recorded(&engine, &evidence(), Level::Causes);
    let found = counterfactuals(&capsule, 0, &engine, &Limits::default()).unwrap();
    let without = found.iter().find(|change| change.step == Step::NotFound { rule: MODEL_ID }).unwrap();
    assert_eq!((without.class, without.score), (Class::Clean, Score::from_hundredths(300)));
}

#[test]
fn no_rule_is_called_as_the_model_is() {
    let rules = RULES.replace("\"prize\"\nscore", "\"model\"\nscore");
    let errors = Engine::compile(vec![RuleSource::new("rules.toml", rules)]).unwrap_err();
    assert_eq!(errors.to_string(), "rules.toml:4:6: \"model\" is the name of the model's own finding");
}
