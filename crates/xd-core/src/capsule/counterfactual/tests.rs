//! Counterfactuals against judgements of what they suppose.

use super::*;
use crate::capsule::tests::{builtin, rich, samples};
use crate::capsule::{Recording, judge_recorded};
use crate::evidence::derive;
use crate::{Message, judge};

/// What is named does it, and half a step before it does not.
#[test]
fn every_score_named_alters_the_class() {
    for (_, raw) in samples() {
        let message = Message::parse(&raw, &Limits::default());
        let (envelope, evidence) = derive(&message);
        let (judgement, capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default());
        let changes = counterfactuals(&capsule, 0, builtin(), &Limits::default()).unwrap();
        assert!(changes.is_sorted_by(|a, b| a.distance <= b.distance));
        for change in changes {
            assert_ne!(change.class, judgement.verdict().class);
            let mut other = evidence.clone();
            match &change.step {
                Step::Score { rule, from, to } => {
                    other.settings.scores.insert((*rule).to_owned(), *to);
                    let back = Score::from_hundredths(if to > from { -1 } else { 1 });
                    let mut almost = evidence.clone();
                    almost.settings.scores.insert((*rule).to_owned(), *to + back);
                    let almost = judge(builtin(), &envelope, &message, &almost);
                    assert_eq!(almost.verdict().class, judgement.verdict().class, "{change:?}");
                }
                _ => continue,
            }
            let fresh = judge(builtin(), &envelope, &message, &other);
            assert_eq!((fresh.verdict().class, fresh.verdict().score), (change.class, change.score), "{change:?}");
        }
    }
}

#[test]
fn authentication_that_had_passed() {
    let rules = "family = 'x'\n[[rule]]\nid = 'fails'\nscore = '6.00'\nwhy = 'fails'\n\
        when = { all = [{ in = 'evidence.dmarc', equals = ['fail'] }, { not = { in = 'evidence.spf', equals = ['pass'] } }] }\n\
        [[rule]]\nid = 'more'\nscore = '1.00'\nwhy = 'more'\nwhen = { rule = 'fails' }\n\
        [[rule]]\nid = 'listed'\nscore = '0.10'\nwhy = 'listed'\nwhen = { in = 'envelope.client_address', listed_in = 'zen.example.net' }\n";
    let engine = Engine::compile(vec![crate::RuleSource::new("x.toml", rules)]).unwrap();
    let message = Message::parse(b"From: a@example.com\n\n", &Limits::default());
    let (envelope, evidence) = rich(&message);
    let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
    let changes = counterfactuals(&capsule, 0, &engine, &Limits::default()).unwrap();
    let steps: Vec<String> = changes.iter().map(|change| format!("{} {:?}", change.distance, change.step)).collect();
    let points = |hundredths: i64| format!("{:?}", Score::from_hundredths(hundredths));
    assert_eq!(
        steps,
        [
            format!("2.11 Score {{ rule: \"fails\", from: {}, to: {} }}", points(600), points(389)),
            format!("2.11 Score {{ rule: \"listed\", from: {}, to: {} }}", points(10), points(-201)),
            format!("2.11 Score {{ rule: \"more\", from: {}, to: {} }}", points(100), points(-111)),
            format!("2.90 Score {{ rule: \"fails\", from: {}, to: {} }}", points(600), points(890)),
            format!("2.90 Score {{ rule: \"listed\", from: {}, to: {} }}", points(10), points(300)),
            format!("2.90 Score {{ rule: \"more\", from: {}, to: {} }}", points(100), points(390)),
            "7.00 Evidence { fact: \"evidence.dmarc\", value: \"pass\" }".to_owned(),
            "7.00 Evidence { fact: \"evidence.spf\", value: \"pass\" }".to_owned(),
            "7.00 NotFound { rule: \"fails\" }".to_owned(),
        ]
    );
}

/// Evidence is named when it would have done it, and only then.
#[test]
fn evidence_that_alters_the_class_is_named() {
    let rule =
        |id: &str, score: &str, when: &str| format!("[[rule]]\nid = '{id}'\nscore = '{score}'\nwhy = 'it is'\nwhen = {when}\n");
    let rules = [
        rule("spf", "2.00", "{ not = { in = 'evidence.spf', equals = ['pass'] } }"),
        rule("dmarc", "3.00", "{ in = 'evidence.dmarc', equals = ['fail'] }"),
        rule("stranger", "1.00", "{ number = 'correspondence.sent', at_most = 0 }"),
        rule("unsigned", "2.50", "{ in = 'from.domain', differs_from = 'evidence.dkim_domain' }"),
        rule("signed", "-6.00", "{ in = 'from.domain', same_as = 'evidence.dkim_domain' }"),
        rule("listed", "0.50", "{ in = 'envelope.client_address', listed_in = 'zen.example.net', answers = ['127.0.0.2'] }"),
        rule("named", "-1.00", "{ in = 'evidence.confirmed_name', present = true }"),
        rule("shown", "1.00", "{ in = 'text', words = ['account', 'you'] }"),
    ];
    let engine = Engine::compile(vec![crate::RuleSource::new("x.toml", format!("family = 'x'\n{}", rules.concat()))]).unwrap();
    let mut named = 0;
    for (name, raw) in samples() {
        let message = Message::parse(&raw, &Limits::default());
        let (envelope, evidence) = rich(&message);
        let recording = Recording::new(crate::capsule::Level::Content);
        let (judgement, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &recording);
        for (verdict, judged) in judgement.verdicts.iter().enumerate() {
            let changes = counterfactuals(&capsule, verdict, &engine, &Limits::default()).unwrap();
            for supposed in Supposed::all(&capsule, engine.rules()) {
                let recipient_settings = evidence.recipient_settings.clone();
                let other = Evidence { recipient_settings, ..supposed.evidence };
                let class = judge(&engine, &envelope, &message, &other).verdicts[verdict].class;
                let change =
                    changes.iter().find(|change| matches!(&change.step, Step::Evidence { fact, .. } if *fact == supposed.fact));
                assert_eq!(
                    change.map(|change| change.class),
                    (class != judged.class).then_some(class),
                    "{name} {}",
                    supposed.fact
                );
                named += usize::from(change.is_some());
            }
        }
    }
    assert!(named > 20, "{named}");
}

/// No score excuses malware.
#[test]
fn nothing_alters_an_infection() {
    let message = Message::parse(b"From: a@example.com\n\n", &Limits::default());
    let (envelope, mut evidence) = derive(&message);
    evidence.antivirus = crate::Known::Found(crate::evidence::Antivirus::Infected("Eicar".into()));
    let (_, capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default());
    assert_eq!(counterfactuals(&capsule, 0, builtin(), &Limits::default()), Ok(Vec::new()));
    assert_eq!(counterfactuals(&capsule, 9, builtin(), &Limits::default()), Ok(Vec::new()));
}
