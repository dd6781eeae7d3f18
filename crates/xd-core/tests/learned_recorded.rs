//! What was learned in verdicts, in their records and in what-ifs: it is consulted once, and what is derived from a record keeps it.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

use std::collections::{BTreeMap, BTreeSet};

use xd_core::capsule::{
    Capsule, Conclusion, Level, Recording, RuleValues, SettingsChange, Step, WhatIf, counterfactuals, judge_recorded,
};
use xd_core::classify::LEARNED_ID;
use xd_core::evidence::Learned;
use xd_core::{Class, Engine, Evidence, Limits, Message, RuleSource, Score, evidence};

const RULES: &str = r#"
family = "test"
[[rule]]
id = "prize"
score = "6.00"
why = "the subject promises a prize"
when = { in = "subject", words = ["prize"] }
"#;

const MAIL: &[u8] = b"From: a@example.com\r\nSubject: a prize\r\n\r\nclaim it today\r\n";

const HAM: Learned = Learned { points: Score::from_hundredths(-180), ham: 3, spam: 0, lessons: 7, delta: [7; 8] };

fn message() -> Message<'static> {
    Message::parse(MAIL, &Limits::default())
}

fn engine(score: &str) -> Engine {
    Engine::compile(vec![RuleSource::new("rules.toml", RULES.replace("6.00", score))]).unwrap()
}

fn evidence(learned: Option<Learned>) -> Evidence {
    Evidence { learned, ..evidence::derive(&message()).1 }
}

fn recorded(engine: &Engine, evidence: &Evidence, level: Level) -> (Score, Capsule) {
    let (envelope, _) = evidence::derive(&message());
    let (judgement, capsule) = judge_recorded(engine, &envelope, &message(), evidence, [0; 32], &Recording::new(level));
    let verdict = judgement.verdict();
    assert_eq!(verdict.findings.iter().map(|finding| finding.score).sum::<Score>(), verdict.score);
    assert_eq!((verdict.low, verdict.high), (verdict.score, verdict.score));
    let bytes = capsule.encode().unwrap();
    let read = Capsule::decode(&bytes).unwrap();
    assert_eq!(read.encode().unwrap(), bytes);
    (verdict.score, read)
}

const LEVELS: [Level; 3] = [Level::Causes, Level::Facts, Level::Content];

fn points(hundredths: i64) -> Score {
    Score::from_hundredths(hundredths)
}

#[test]
fn what_was_learned_is_one_finding_and_replays_bit_for_bit() {
    let engine = engine("6.00");
    for (learned, score) in [
        (None, 600),
        (Some(HAM), 420),
        (Some(Learned { points: points(250), ..HAM }), 850),
        (Some(Learned { points: Score::ZERO, ..HAM }), 600),
    ] {
        for level in LEVELS {
            let (judged, capsule) = recorded(&engine, &evidence(learned), level);
            assert_eq!((judged, &capsule.evidence().learned), (points(score), &learned));
            assert!(capsule.replay(&engine).unwrap().is_identical());
            let explained = capsule.explain(&engine, &Limits::default()).unwrap();
            let finding = explained.verdict().findings.iter().find(|finding| finding.rule == LEARNED_ID).map(|found| found.score);
            assert_eq!(finding, learned.map(|learned| learned.points).filter(|&points| points != Score::ZERO));
        }
    }
}

#[test]
fn capsules_without_it_are_of_the_first_version() {
    let engine = engine("6.00");
    let version = |learned| recorded(&engine, &evidence(learned), Level::Causes).1.encode().unwrap()[0];
    assert_eq!((version(None), version(Some(HAM))), (1, 2));
}

#[test]
fn what_no_lessons_say_is_refused() {
    let engine = engine("6.00");
    let (envelope, _) = evidence::derive(&message());
    for (learned, why) in [
        (Learned { points: points(300), ..HAM }, None),
        (Learned { points: points(301), ..HAM }, Some("gives no such points")),
        (Learned { points: points(-301), ..HAM }, Some("gives no such points")),
        (Learned { ham: 3, spam: 4, ..HAM }, None),
        (Learned { ham: 3, spam: 5, ..HAM }, Some("more messages are like this one than were learned")),
    ] {
        let evidence = evidence(Some(learned));
        let (_, capsule) = judge_recorded(&engine, &envelope, &message(), &evidence, [0; 32], &Recording::default());
        let read = Capsule::decode(&capsule.encode().unwrap()).map_err(|error| error.to_string());
        assert_eq!(read.is_ok(), why.is_none());
        assert!(why.is_none_or(|why| read.unwrap_err().contains(why)));
    }
}

#[test]
fn what_ifs_keep_it() {
    let (old, new) = (engine("6.00"), engine("9.00"));
    for level in LEVELS {
        let (_, capsule) = recorded(&old, &evidence(Some(HAM)), level);
        let mut what_if = WhatIf::new(&old, &new, SettingsChange::default(), Limits::default());
        let Conclusion::Changed { to, score_to, rules, .. } = &what_if.ask(&capsule).unwrap()[0] else { panic!() };
        assert_eq!((to, score_to, rules.len()), (&Class::Spam, &Some(points(720)), 1));
        let scores = SettingsChange { scores: BTreeMap::from([("prize".to_owned(), points(700))]), ..SettingsChange::default() };
        let mut what_if = WhatIf::new(&old, &old, scores, Limits::default());
        let Conclusion::Changed { score_to, .. } = &what_if.ask(&capsule).unwrap()[0] else { panic!() };
        assert_eq!(score_to, &Some(points(520)));
        if level == Level::Content {
            let again = capsule.afresh(&new, &Limits::default()).unwrap();
            assert_eq!(again.verdicts()[0].score, points(720));
        }
    }
}

#[test]
fn it_can_be_disabled() {
    let engine = engine("6.00");
    let mut off = evidence(Some(HAM));
    off.settings.disabled.insert(LEARNED_ID.to_owned());
    let (score, capsule) = recorded(&engine, &off, Level::Causes);
    assert_eq!(score, points(600));
    assert!(capsule.replay(&engine).unwrap().is_identical());
    let disable = BTreeSet::from([LEARNED_ID.to_owned()]);
    let mut what_if = WhatIf::new(&engine, &engine, SettingsChange { disable, ..SettingsChange::default() }, Limits::default());
    let (_, capsule) = recorded(&engine, &evidence(Some(HAM)), Level::Causes);
    let Conclusion::Changed { from, to, score_to, rules, .. } = &what_if.ask(&capsule).unwrap()[0] else { panic!() };
    assert_eq!((from, to, score_to), (&Class::Clean, &Class::Spam, &Some(points(600))));
    assert_eq!((rules.len(), rules[0].rule, rules[0].from, rules[0].to), (1, LEARNED_ID, points(-180), Some(Score::ZERO)));
}

#[test]
fn without_it_is_a_counterfactual_and_rules_are_valued_beside_it() {
    let engine = engine("6.00");
    let (_, capsule) = recorded(&engine, &evidence(Some(HAM)), Level::Causes);
    let found = counterfactuals(&capsule, 0, &engine, &Limits::default()).unwrap();
    let without = found.iter().find(|change| change.step == Step::NotFound { rule: LEARNED_ID }).unwrap();
    assert_eq!((without.class, without.score), (Class::Spam, points(600)));
    let nearest = found.iter().find(|change| matches!(change.step, Step::Score { rule: "prize", .. })).unwrap();
    assert_eq!((nearest.score, nearest.distance), (points(500), points(80)));
    let mut values = RuleValues::new(&engine);
    values.add(&capsule).unwrap();
    // Clean with it, so that the rule alone decides nothing.
    let (_, value) = values.values().next().unwrap();
    assert_eq!((value.hits, value.solo), (1, 0));
}

#[test]
fn no_rule_is_called_so() {
    let rules = RULES.replace("\"prize\"\nscore", "\"learned\"\nscore");
    let errors = Engine::compile(vec![RuleSource::new("rules.toml", rules)]).unwrap_err();
    assert_eq!(errors.to_string(), "rules.toml:4:6: \"learned\" is the name of the finding of what was learned");
}
