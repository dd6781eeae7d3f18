//! Verdicts against brute force: every completion of what is unknown.

use proptest::prelude::*;

use super::*;
use crate::evidence::{ArcResult, Dmarc};
use crate::evidence::{DmarcPolicy, DmarcResult, SpfResult};
use crate::{Limits, RuleSource, Thresholds};

fn engine(rules: &str) -> Engine {
    Engine::compile(vec![RuleSource::new("test.toml", format!("family = \"test\"\n{rules}"))]).unwrap()
}

fn rule(id: &str, score: &str, extra: &str, when: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nscore = \"{score}\"\nwhy = \"because\"\n{extra}\nwhen = {when}\n")
}

fn judged(engine: &Engine, evidence: &Evidence) -> (Score, Score, Score) {
    let message = Message::parse(b"Subject: hello\n\nhello\n", &Limits::default());
    let judgement = judge(engine, &Envelope::default(), &message, evidence);
    let verdict = judgement.verdict();
    (verdict.score, verdict.low, verdict.high)
}

fn points(hundredths: i64) -> Score {
    Score::from_hundredths(hundredths)
}

#[test]
fn a_cap_is_spent_in_the_order_of_ids() {
    let rules =
        ["c", "a", "b"].map(|id| rule(id, "2.00", "group = \"money\"", "{ in = \"subject\", words = [\"hello\"] }")).concat();
    let engine = engine(&format!("[[group]]\nid = \"money\"\ncap = \"3.00\"\n{rules}"));
    let message = Message::parse(b"Subject: hello\n\n", &Limits::default());
    let judgement = judge(&engine, &Envelope::default(), &message, &Evidence::default());
    let shares: Vec<_> =
        judgement.verdict().findings.iter().map(|f| (f.rule, f.score.to_string(), f.full_score.to_string())).collect();
    let expected = [("a", "2.00", "2.00"), ("b", "1.00", "2.00"), ("c", "0.00", "2.00")];
    assert_eq!(shares, expected.map(|(id, share, full)| (id, share.to_owned(), full.to_owned())));
    assert_eq!(judgement.verdict().score, points(300));
}

#[test]
fn a_threshold_belongs_to_its_class() {
    for (score, class) in
        [("4.99", Class::Clean), ("5.00", Class::Spam), ("5.01", Class::Spam), ("9.99", Class::Spam), ("10.00", Class::SureSpam)]
    {
        let engine = engine(&rule("a", score, "", "{ in = \"subject\", words = [\"hello\"] }"));
        let message = Message::parse(b"Subject: hello\n\n", &Limits::default());
        assert_eq!(judge(&engine, &Envelope::default(), &message, &Evidence::default()).verdict().class, class, "{score}");
    }
}

#[test]
fn infection_beats_any_score() {
    let engine = engine(&rule("friend", "-50.00", "", "{ in = \"subject\", words = [\"hello\"] }"));
    let message = Message::parse(b"Subject: hello\n\n", &Limits::default());
    let evidence = Evidence { antivirus: Known::Found(Antivirus::Infected("Eicar".into())), ..Evidence::default() };
    let judgement = judge(&engine, &Envelope::default(), &message, &evidence);
    assert_eq!((judgement.verdict().class, judgement.verdict().spam_class), (Class::Infected, SpamClass::Clean));
}

#[test]
fn a_disabled_rule_scores_nothing_and_is_still_seen_by_others() {
    let rules =
        rule("base", "2.00", "", "{ in = \"subject\", words = [\"hello\"] }") + &rule("meta", "1.00", "", "{ rule = \"base\" }");
    let engine = engine(&rules);
    let mut evidence = Evidence::default();
    assert_eq!(judged(&engine, &evidence).0, points(300));
    evidence.settings.disabled.insert("base".into());
    assert_eq!(judged(&engine, &evidence).0, points(100));
}

#[test]
fn recipients_have_their_own_thresholds() {
    let engine = engine(&rule("a", "3.00", "", "{ in = \"subject\", words = [\"hello\"] }"));
    let message = Message::parse(b"Subject: hello\n\n", &Limits::default());
    let forward_paths = ["<alice@example.com>", "<bob@example.com>"].map(ForwardPath::parse).to_vec();
    let envelope = Envelope { forward_paths, ..Envelope::default() };
    let mut evidence = Evidence::default();
    let strict = Settings { thresholds: Thresholds::try_new(points(200), points(400)).unwrap(), ..Settings::default() };
    evidence.recipient_settings.insert("bob@example.com".into(), strict);
    let judgement = judge(&engine, &envelope, &message, &evidence);
    assert_eq!(judgement.verdicts().iter().map(|v| v.class).collect::<Vec<_>>(), [Class::Clean, Class::Spam]);
}

/// A timed-out lookup scores like neither answer.
#[test]
fn unknown_is_not_absent() {
    let engine = engine(&rule("no-name", "2.00", "", "{ in = \"evidence.reverse_name\", present = false }"));
    let unknown = Evidence { reverse_names: Known::Unknown(crate::Unknown::Timeout), ..Evidence::default() };
    assert_eq!(judged(&engine, &unknown), (Score::ZERO, Score::ZERO, points(200)));
    let absent = Evidence { reverse_names: Known::Absent, ..Evidence::default() };
    assert_eq!(judged(&engine, &absent), (points(200), points(200), points(200)));
}

/// The three facts that the generated rules look at, each unknown or one of two values.
const FACTS: [&str; 3] = [
    "{ in = \"evidence.spf\", equals = [\"fail\"] }",
    "{ in = \"evidence.dmarc\", equals = [\"fail\"] }",
    "{ in = \"evidence.arc\", equals = [\"pass\"] }",
];

fn evidence_of(facts: [Option<bool>; 3]) -> Evidence {
    let known = |fact: Option<bool>| fact.map_or_else(Known::default, Known::Found);
    Evidence {
        spf: known(facts[0]).map(|holds| if holds { SpfResult::Fail } else { SpfResult::Pass }),
        dmarc: known(facts[1])
            .map(|holds| Dmarc { result: if holds { DmarcResult::Fail } else { DmarcResult::Pass }, policy: DmarcPolicy::None }),
        arc: known(facts[2]).map(|holds| if holds { ArcResult::Pass } else { ArcResult::Fail }),
        ..Evidence::default()
    }
}

fn completions(facts: [Option<bool>; 3]) -> Vec<[Option<bool>; 3]> {
    let mut all = vec![facts];
    for index in 0..3 {
        all = all
            .into_iter()
            .flat_map(|world: [Option<bool>; 3]| match world[index] {
                Some(_) => vec![world],
                None => [false, true]
                    .map(|value| {
                        let mut world = world;
                        world[index] = Some(value);
                        world
                    })
                    .to_vec(),
            })
            .collect();
    }
    all
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(FACTS.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|terms| format!("{{ all = [{}] }}", terms.join(", "))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|terms| format!("{{ any = [{}] }}", terms.join(", "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|terms| format!("{{ at_least = 2, of = [{}] }}", terms.join(", "))),
            inner.prop_map(|term| format!("{{ not = {term} }}")),
        ]
    })
}

fn rule_set() -> impl Strategy<Value = String> {
    prop::collection::vec((condition(), -300_i64..300, prop::bool::ANY), 1..6).prop_map(|rules| {
        let mut text = "[[group]]\nid = \"g\"\ncap = \"2.50\"\n".to_owned();
        for (index, (when, score, grouped)) in rules.iter().enumerate() {
            let group = if *grouped { "group = \"g\"" } else { "" };
            text += &rule(&format!("r{index}"), &points(*score).to_string(), group, when);
        }
        text
    })
}

fn facts() -> impl Strategy<Value = [Option<bool>; 3]> {
    prop::array::uniform3(prop::option::of(prop::bool::ANY))
}

proptest! {
    /// The bounds contain the score and the score of every completion.
    #[test]
    fn bounds_are_sound(rules in rule_set(), facts in facts()) {
        let engine = engine(&rules);
        let (score, low, high) = judged(&engine, &evidence_of(facts));
        prop_assert!(low <= score && score <= high);
        for world in completions(facts) {
            let (score, world_low, world_high) = judged(&engine, &evidence_of(world));
            prop_assert!(low <= score && score <= high, "{low} <= {score} <= {high} in {world:?}");
            prop_assert_eq!((world_low, world_high), (score, score));
        }
    }

    /// Where each fact feeds one rule, the bounds are met by some completion.
    #[test]
    fn bounds_are_tight_without_shared_facts(scores in prop::array::uniform3(-300_i64..300), nots in prop::array::uniform3(prop::bool::ANY), grouped in prop::array::uniform3(prop::bool::ANY), facts in facts()) {
        let mut text = "[[group]]\nid = \"g\"\ncap = \"2.50\"\n".to_owned();
        for index in 0..3 {
            let when = if nots[index] { format!("{{ not = {} }}", FACTS[index]) } else { FACTS[index].to_owned() };
            let group = if grouped[index] { "group = \"g\"" } else { "" };
            text += &rule(&format!("r{index}"), &points(scores[index]).to_string(), group, &when);
        }
        let engine = engine(&text);
        let (_, low, high) = judged(&engine, &evidence_of(facts));
        let all: Vec<Score> = completions(facts).into_iter().map(|world| judged(&engine, &evidence_of(world)).0).collect();
        prop_assert_eq!(all.iter().min(), Some(&low));
        prop_assert_eq!(all.iter().max(), Some(&high));
    }

    /// What is shown adds up to the total, and the order of files and rules does not matter.
    #[test]
    fn findings_add_up_in_any_order(rules in rule_set(), facts in facts()) {
        let parts: Vec<&str> = rules.split("[[rule]]").collect();
        let mut turned = vec![parts[0].to_owned()];
        turned.extend(parts[1..].iter().rev().map(|part| format!("[[rule]]{part}")));
        let (one, other) = (engine(&rules), engine(&turned.concat()));
        let message = Message::parse(b"Subject: hello\n\n", &Limits::default());
        let evidence = evidence_of(facts);
        let a = judge(&one, &Envelope::default(), &message, &evidence);
        let b = judge(&other, &Envelope::default(), &message, &evidence);
        prop_assert_eq!(a.verdicts(), b.verdicts());
        let sum: Score = a.verdict().findings.iter().map(|finding| finding.score).sum();
        prop_assert_eq!(sum, a.verdict().score);
    }
}
