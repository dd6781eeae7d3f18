//! The value of rules against what-ifs and judgements in which each rule alone is disabled.

use super::*;
use crate::capsule::tests::{builtin, rich, samples};
use crate::capsule::{Conclusion, Recording, SettingsChange, WhatIf, judge_recorded};
use crate::evidence::derive;
use crate::{Limits, Message, RuleSource, judge};

/// What leaving a rule out does, by asking for each rule what would be if it were disabled.
#[test]
fn a_rule_is_solo_where_disabling_it_alters_a_class() {
    let (mut all, mut merged) = (RuleValues::new(builtin()), RuleValues::new(builtin()));
    let mut solo = vec![0; builtin().rules().rules().len()];
    for (_, raw) in samples() {
        let message = Message::parse(&raw, &Limits::default());
        for (envelope, evidence) in [derive(&message), rich(&message)] {
            let (judgement, capsule) = judge_recorded(builtin(), &envelope, &message, &evidence, [0; 32], &Recording::default());
            let mut values = RuleValues::new(builtin());
            values.add(&capsule).unwrap();
            all.add(&capsule).unwrap();
            merged.merge(&values);
            for (index, (rule, value)) in values.values().enumerate() {
                let held = judgement.verdicts.iter().any(|verdict| verdict.findings.iter().any(|f| f.rule == rule.id()));
                assert_eq!(value.hits, u64::from(held), "{}", rule.id());
                assert!(value.solo <= value.hits && value.agreeing <= value.sided && value.sided <= value.hits);
                let change = SettingsChange { disable: [rule.id().to_owned()].into(), ..SettingsChange::default() };
                let mut without = evidence.clone();
                for settings in std::iter::once(&mut without.settings).chain(without.recipient_settings.values_mut()) {
                    settings.disabled.insert(rule.id().to_owned());
                }
                let fresh = judge(builtin(), &envelope, &message, &without);
                let differs = fresh.verdicts.iter().zip(&judgement.verdicts).any(|(a, b)| a.class != b.class);
                assert_eq!(value.solo, u64::from(differs), "{}", rule.id());
                if value.hits > 0 {
                    let concluded = WhatIf::new(builtin(), builtin(), change, Limits::default()).ask(&capsule).unwrap();
                    let changed = concluded.iter().any(|conclusion| matches!(conclusion, Conclusion::Changed { .. }));
                    assert_eq!(changed, differs, "{}", rule.id());
                }
                solo[index] += value.solo;
            }
        }
    }
    assert!(merged.values().map(|(_, value)| value).eq(all.values().map(|(_, value)| value)));
    assert_eq!(merged.capsules(), all.capsules());
    let other = Engine::compile(vec![]).unwrap();
    merged.merge(&RuleValues::new(&other));
    assert_eq!(merged.capsules(), all.capsules());
    assert_eq!(all.values().map(|(_, value)| value.solo).collect::<Vec<_>>(), solo);
    assert!(solo.iter().sum::<u64>() > 5, "{solo:?}");
}

fn values(rules: &str, subject: &str) -> Vec<(u64, u64, u64, u64)> {
    let group = "[[group]]\nid = 'g'\ncap = '6.00'\n";
    let engine = Engine::compile(vec![RuleSource::new("x.toml", format!("family = 'x'\n{group}{rules}"))]).unwrap();
    let raw = format!("Subject: {subject}\n\n");
    let message = Message::parse(raw.as_bytes(), &Limits::default());
    let (envelope, evidence) = derive(&message);
    let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
    let mut values = RuleValues::new(&engine);
    values.add(&capsule).unwrap();
    values.values().map(|(_, value)| (value.hits, value.solo, value.sided, value.agreeing)).collect()
}

fn rule(id: &str, score: &str, group: bool) -> String {
    let group = if group { "group = 'g'\n" } else { "" };
    format!("[[rule]]\nid = '{id}'\nscore = '{score}'\nwhy = 'it is'\n{group}when = {{ in = 'subject', words = ['{id}'] }}\n")
}

/// Under a cap, others take what one rule leaves.
#[test]
fn what_a_cap_gives_to_others_counts() {
    let capped = [rule("one", "6.00", true), rule("two", "6.00", true)].concat();
    assert_eq!(values(&capped, "one two"), [(1, 0, 1, 1), (1, 0, 1, 1)]);
    assert_eq!(values(&capped, "one"), [(1, 1, 1, 1), (0, 0, 0, 0)]);
    let partly = [rule("one", "6.00", true), rule("two", "2.00", true)].concat();
    assert_eq!(values(&partly, "one two"), [(1, 1, 1, 1), (1, 0, 1, 1)]);
    let free = [rule("one", "6.00", false), rule("two", "6.00", false)].concat();
    assert_eq!(values(&free, "one two"), [(1, 1, 1, 1), (1, 1, 1, 1)], "sure spam is spam without either");
}

#[test]
fn a_rule_agrees_on_the_side_it_takes() {
    let rules = [rule("good", "-4.00", false), rule("none", "0.00", false), rule("spam", "6.00", false)].concat();
    assert_eq!(values(&rules, "spam none"), [(0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 1, 1)]);
    assert_eq!(values(&rules, "spam good"), [(1, 1, 1, 1), (0, 0, 0, 0), (1, 0, 1, 0)]);
}

#[test]
fn what_is_unknown_is_open() {
    let rules =
        "family = 'x'\n[[rule]]\nid = 'spf'\nscore = '6.00'\nwhy = 'it is'\nwhen = { in = 'evidence.spf', equals = ['fail'] }\n";
    let engine = Engine::compile(vec![RuleSource::new("x.toml", rules)]).unwrap();
    let message = Message::parse(b"Subject: x\n\n", &Limits::default());
    let (envelope, evidence) = derive(&message);
    let (_, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], &Recording::default());
    let mut values = RuleValues::new(&engine);
    values.add(&capsule).unwrap();
    let (_, value) = values.values().next().unwrap();
    assert_eq!((value.hits, value.open, values.capsules()), (0, 1, 1));
    assert!(values.add(&Capsule { engine: builtin().hash(), ..capsule }).is_err());
    assert_eq!(values.capsules(), 1);
}
