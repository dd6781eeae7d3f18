//! What-ifs against fresh judgements with the other rules and settings.

use proptest::prelude::*;

use super::*;
use crate::capsule::tests::{builtin, generated, recordings, rich, samples};
use crate::capsule::{Level, Recording, judge_recorded};
use crate::evidence::{Settings, derive};
use crate::{Envelope, Evidence, Message, RuleSource, Thresholds, judge};

fn engine(rules: &str) -> Engine {
    let lists = "[[brand]]\nnames = [\"PayPal\"]\ndomains = [\"paypal.com\"]\n[[group]]\nid = \"g\"\ncap = \"2.50\"\n";
    Engine::compile(vec![RuleSource::new("test.toml", format!("family = \"test\"\n{lists}{rules}"))]).unwrap()
}

fn points(hundredths: i64) -> Score {
    Score::from_hundredths(hundredths)
}

/// Asks at every level and holds the answers against a fresh judgement. How many verdicts of each level stayed open.
fn compare(
    (old, new): (&Engine, &Engine),
    change: &SettingsChange,
    raw: &[u8],
    scene: impl Fn(&Message<'_>) -> (Envelope, Evidence),
) -> Vec<usize> {
    let limits = Limits::default();
    let message = Message::parse(raw, &limits);
    let (envelope, evidence) = scene(&message);
    let mut later = evidence.clone();
    for settings in std::iter::once(&mut later.settings).chain(later.recipient_settings.values_mut()) {
        if let Some(replacement) = &change.replace {
            settings.clone_from(replacement);
        }
        settings.thresholds = change.thresholds.unwrap_or(settings.thresholds);
        settings.disabled.retain(|rule| !change.enable.contains(rule));
        settings.disabled.extend(change.disable.iter().cloned());
        settings.scores.extend(change.scores.clone());
    }
    if let Some(operator) = &change.operator {
        later.operator.clone_from(operator);
    }
    let fresh = judge(new, &envelope, &message, &later);
    let mut open = Vec::new();
    for recording in recordings() {
        let (recorded, capsule) = judge_recorded(old, &envelope, &message, &evidence, [0; 32], &recording);
        let capsule = Capsule::decode(&capsule.encode().unwrap()).unwrap();
        let mut what_if = WhatIf::new(old, new, change.clone(), limits);
        let conclusions = what_if.ask(&capsule).unwrap();
        assert_eq!(conclusions.len(), fresh.verdicts.len());
        let mut undecided = 0;
        for ((conclusion, before), after) in conclusions.iter().zip(&recorded.verdicts).zip(&fresh.verdicts) {
            match conclusion {
                Conclusion::Unchanged { class, score_from, score_to } => {
                    assert_eq!((*class, *class, *score_from), (before.class, after.class, before.score));
                    assert!(score_to.is_none_or(|score| score == after.score), "{conclusion:?} {:?}", after.score);
                }
                Conclusion::Changed { from, to, score_from, score_to, rules } => {
                    assert_eq!((*from, *to, *score_from), (before.class, after.class, before.score));
                    assert!(score_to.is_none_or(|score| score == after.score), "{conclusion:?} {:?}", after.score);
                    // Under a cap the sum can be told where its shares are not.
                    let moved: Option<Vec<Score>> = rules.iter().map(|shift| shift.to.map(|to| to - shift.from)).collect();
                    if let (Some(score_to), Some(moved)) = (score_to, moved) {
                        assert_eq!(moved.into_iter().sum::<Score>(), *score_to - *score_from, "{rules:?}");
                    }
                }
                Conclusion::Undecided { tests, .. } => {
                    assert!(!tests.is_empty());
                    undecided += 1;
                }
            }
        }
        assert!(undecided == 0 || capsule.level() != Level::Content, "the message tells everything");
        open.push(undecided);
        // Without the engine that judged, the message alone tells as much.
        let afresh = WhatIf::new(new, new, change.clone(), limits).ask(&capsule);
        if old.hash() != new.hash() && capsule.level() == Level::Content {
            let classes = |conclusions: &[Conclusion<'_>]| conclusions.iter().map(told).collect::<Vec<_>>();
            assert_eq!(classes(&afresh.unwrap()), classes(&conclusions));
        } else if old.hash() != new.hash() {
            assert!(matches!(afresh, Err(ReplayError::Engine { .. })));
        }
        // Every rule that is not named gives what it gave.
        let differences = what_if.differences(&capsule).unwrap();
        for ((differences, before), after) in differences.iter().zip(&recorded.verdicts).zip(&fresh.verdicts) {
            let given = |verdict: &crate::Verdict<'_>, rule: &str| {
                verdict.findings.iter().find(|finding| finding.rule == rule).map_or(Score::ZERO, |finding| finding.score)
            };
            for finding in before.findings.iter().chain(&after.findings) {
                let (from, to) = (given(before, finding.rule), given(after, finding.rule));
                match differences.iter().find(|shift| shift.rule == finding.rule) {
                    Some(shift) => assert_eq!((shift.from, shift.to.unwrap_or(to)), (from, to), "{shift:?}"),
                    None => assert_eq!(from, to, "{}", finding.rule),
                }
            }
        }
    }
    open
}

/// Classes and scores of a conclusion that decides.
fn told(conclusion: &Conclusion<'_>) -> (Class, Class, Score, Option<Score>) {
    match *conclusion {
        Conclusion::Changed { from, to, score_from, score_to, .. } => (from, to, score_from, score_to),
        Conclusion::Unchanged { class, score_from, score_to } => (class, class, score_from, score_to),
        Conclusion::Undecided { .. } => panic!("the message tells everything"),
    }
}

/// A message is kept for what later versions will see in it, too.
#[test]
fn another_semantics_version_is_judged_afresh_from_content() {
    let (old, new) = (engine(""), engine(RULES));
    let message = Message::parse(b"Subject: act now\n\nviagra inheritance\n", &Limits::default());
    let (envelope, evidence) = rich(&message);
    let fresh = judge(&new, &envelope, &message, &evidence);
    for level in [Level::Causes, Level::Facts, Level::Content] {
        let (_, mut capsule) = judge_recorded(&old, &envelope, &message, &evidence, [0; 32], &Recording::new(level));
        capsule.semantics = "0".into();
        let answer = WhatIf::new(&old, &new, SettingsChange::default(), Limits::default()).ask(&capsule);
        if level != Level::Content {
            assert!(matches!(answer, Err(ReplayError::Semantics { .. })));
            assert_eq!(capsule.afresh(&new, &Limits::default()), None);
            continue;
        }
        let conclusions = answer.unwrap();
        assert!(conclusions.iter().any(|conclusion| matches!(conclusion, Conclusion::Changed { .. })));
        for (conclusion, after) in conclusions.iter().zip(&fresh.verdicts) {
            assert_eq!((told(conclusion).1, told(conclusion).3), (after.class, Some(after.score)));
        }
        let again = capsule.afresh(&new, &Limits::default()).unwrap();
        assert_eq!(again, judge_recorded(&new, &envelope, &message, &evidence, [0; 32], &Recording::new(level)).1);
    }
}

/// What a rule gives under a cap is told only where what comes before it is.
#[test]
fn a_share_behind_an_open_rule_is_not_told() {
    let rule = |id: &str, score: &str, when: &str| {
        format!("[[rule]]\nid = \"{id}\"\nscore = \"{score}\"\nwhy = \"it is\"\ngroup = \"g\"\nwhen = {when}\n")
    };
    let open = rule("a", "0.01", "{ in = \"text\", words = [\"viagra\"] }");
    let held = rule("b", "2.50", "{ in = \"subject\", present = true }");
    let (old, new) = (engine(""), engine(&format!("{open}{held}")));
    for text in ["viagra", "hello"] {
        compare((&old, &new), &SettingsChange::default(), format!("Subject: x\n\n{text}\n").as_bytes(), derive);
    }
}

const RULES: &str = r#"
[[rule]]
id = "urgent"
score = "3.00"
why = "urgent"
when = { in = "subject", words = ["urgent", "act now"] }
[[rule]]
id = "shout"
score = "2.00"
why = "shouts"
group = "g"
when = { number = "subject.upper_percent", at_least = 50 }
[[rule]]
id = "numeric"
score = "1.50"
why = "numeric"
group = "g"
when = { number = "links.numeric", at_least = 1 }
[[rule]]
id = "both"
score = "1.00"
why = "both"
when = { all = [{ rule = "urgent" }, { not = { in = "evidence.spf", equals = ["pass"] } }] }
[[rule]]
id = "money"
score = "2.00"
why = "money"
when = { in = "text", words = ["inheritance", "beneficiary", "viagra"], at_least = 2 }
"#;

#[test]
fn scores_caps_and_meta_rules_are_exact_from_causes() {
    let old = engine(RULES);
    let changes = [
        RULES.replace("\"3.00\"", "\"6.00\""),
        RULES.replace("group = \"g\"\n", ""),
        RULES.replace("{ all = [{ rule = \"urgent\" }, {", "{ any = [{ rule = \"numeric\" }, {"),
        RULES.replace("at_least = 2", "at_least = 1"),
        RULES.replace("at_least = 50", "at_most = 99"),
        RULES.replace("[\"pass\"]", "[\"pass\", \"softfail\"]"),
        RULES.split("[[rule]]\nid = \"both\"").next().unwrap().to_owned(),
    ];
    for rules in &changes {
        let new = engine(rules);
        for (_, raw) in samples() {
            assert_eq!(compare((&old, &new), &SettingsChange::default(), &raw, derive), [0; 5], "{rules}");
            assert_eq!(compare((&old, &new), &SettingsChange::default(), &raw, rich), [0; 5], "{rules}");
        }
    }
}

#[test]
fn settings_are_exact_from_causes() {
    let thresholds = Thresholds::try_new(points(150), points(300)).unwrap();
    let operator = crate::Operator { names: vec!["Other".into()], domains: vec![] };
    for (change, exact) in [
        (SettingsChange { thresholds: Some(thresholds), ..SettingsChange::default() }, true),
        (
            SettingsChange {
                disable: ["gtube".to_owned(), "subject-all-capitals".to_owned()].into(),
                ..SettingsChange::default()
            },
            true,
        ),
        (SettingsChange { enable: ["subject-all-capitals".to_owned()].into(), ..SettingsChange::default() }, true),
        (SettingsChange { scores: [("gtube".to_owned(), points(-700))].into(), ..SettingsChange::default() }, true),
        (
            SettingsChange {
                replace: Some(Settings { thresholds, ..Settings::default() }),
                operator: Some(operator),
                ..SettingsChange::default()
            },
            false,
        ),
    ] {
        for (name, raw) in samples() {
            let open = compare((builtin(), builtin()), &change, &raw, rich);
            assert!(open == [0; 5] || !exact, "{name} {change:?} {open:?}");
        }
    }
}

#[test]
fn a_new_test_is_answered_where_it_is_told() {
    let rule = |when: &str| engine(&format!("[[rule]]\nid = \"new\"\nscore = \"7.00\"\nwhy = \"new\"\nwhen = {when}\n"));
    let old = rule("{ in = \"text\", words = [\"unheard of\"] }");
    // Levels: causes, facts, content, causes and facts with pseudonyms.
    for (when, exact) in [
        ("{ in = \"evidence.spf\", equals = [\"softfail\"] }", [true; 5]),
        ("{ in = \"envelope.ehlo\", present = true }", [true; 5]),
        ("{ in = \"envelope.ehlo\", regex = \"\\\\.example\" }", [true, true, true, false, false]),
        ("{ defect = [\"no-date\"] }", [true; 5]),
        ("{ in = \"from.domain\", within = [\"example.com\"] }", [true, true, true, false, false]),
        ("{ in = \"envelope.client_address\", listed_in = \"zen.example.net\" }", [true, true, true, false, false]),
        ("{ in = \"header:x-mailer\", present = true }", [false, true, true, false, true]),
        ("{ in = \"header:x-mailer\", contains = [\"mailer\"] }", [false, true, true, false, true]),
        ("{ in = \"header:x-other\", contains = [\"mailer\"] }", [false, true, true, false, true]),
        ("{ in = \"raw:received\", contains = [\"esmtp\"] }", [false, true, true, false, false]),
        ("{ in = \"subject\", regex = \"[a-z]{3} free\" }", [false, true, true, false, false]),
        ("{ in = \"hop.by\", present = true }", [false, true, true, false, false]),
        ("{ in = \"link.registered\", within = [\"example.com\"] }", [false, true, true, false, true]),
        ("{ in = \"link.url\", contains = [\"login\"] }", [false, true, true, false, false]),
        ("{ number = \"links.misleading\", at_least = 1 }", [false, true, true, false, true]),
        ("{ number = \"hops\", at_least = 2 }", [false, true, true, false, true]),
        ("{ in = \"attachment.name\", regex = \"[.]pdf\" }", [false, true, true, false, false]),
        ("{ in = \"part.type\", equals = [\"text/html\"] }", [false, true, true, false, true]),
        ("{ in = \"from.name\", names_brand = true, outside = [\"from.domain\"] }", [false, true, true, false, false]),
        ("{ number = \"html.tags\", at_least = 5 }", [false, false, true, false, false]),
        ("{ number = \"size\", at_least = 5000 }", [false, false, true, false, false]),
        ("{ in = \"text\", words = [\"bank\"] }", [false, false, true, false, false]),
    ] {
        let new = rule(when);
        let mut open = [0; 5];
        for (_, raw) in samples() {
            for (total, more) in open.iter_mut().zip(compare((&old, &new), &SettingsChange::default(), &raw, rich)) {
                *total += more;
            }
        }
        // Where a target is not told, some sample stays open.
        assert_eq!(open.map(|open| open == 0), exact, "{when} {open:?}");
    }
}

/// What a cut signature does not tell is open in every form; that it is there is told, and so is every other field.
#[test]
fn a_cut_signature_is_not_guessed() {
    let rule = |when: &str| engine(&format!("[[rule]]\nid = \"new\"\nscore = \"7.00\"\nwhy = \"new\"\nwhen = {when}\n"));
    let old = rule("{ in = \"text\", words = [\"unheard of\"] }");
    let raw =
        b"From: a@example.com\nDKIM-Signature: v=1; d=example.com; b=AAAABBBBCCCCDDDD\nDKIM-Signature: v=1; d=example.net; b=x\n\
        ARC-Seal: i=1; b=x\n\n";
    // Causes, facts, content, causes and facts with pseudonyms.
    for (when, open) in [
        ("{ in = \"header:dkim-signature\", contains = [\"example.com\"] }", [1, 1, 0, 1, 1]),
        ("{ in = \"header:dkim-signature\", contains = [\"example.net\"] }", [1, 1, 0, 1, 1]),
        ("{ in = \"original:dkim-signature\", contains = [\"CCCC\"] }", [1, 1, 0, 1, 1]),
        ("{ in = \"raw:dkim-signature\", regex = \"b=.{9}\" }", [1, 1, 0, 1, 1]),
        ("{ not = { in = \"raw:dkim-signature\", contains = [\"CCCC\"] } }", [1, 1, 0, 1, 1]),
        ("{ in = \"header:dkim-signature\", present = false }", [1, 0, 0, 1, 0]),
        ("{ in = \"header.names\", equals = [\"dkim-signature\"], at_least = 2 }", [1, 0, 0, 1, 0]),
        ("{ in = \"header:arc-seal\", contains = [\"b=x\"] }", [1, 0, 0, 1, 1]),
        ("{ in = \"header:x-google-dkim-signature\", contains = [\"b=\"] }", [1, 0, 0, 1, 0]),
    ] {
        assert_eq!(compare((&old, &rule(when)), &SettingsChange::default(), raw, derive), open, "{when}");
    }
    // Where the record answers, it does so whatever was cut.
    let recorded = rule("{ in = \"raw:dkim-signature\", contains = [\"CCCC\"] }");
    let more =
        rule("{ all = [{ in = \"raw:dkim-signature\", contains = [\"CCCC\"] }, { in = \"header:from\", present = true }] }");
    assert_eq!(compare((&recorded, &more), &SettingsChange::default(), raw, derive), [1, 0, 0, 1, 0]);
}

#[test]
fn other_brands_are_other_tests() {
    let rules = "[[rule]]\nid = \"brand\"\nscore = \"7.00\"\nwhy = \"brand\"\nwhen = { in = \"from.name\", names_brand = true, outside = [\"from.domain\"] }\n";
    let old = engine(rules);
    let new = Engine::compile(vec![RuleSource::new(
        "test.toml",
        format!("family = \"test\"\n[[brand]]\nnames = [\"Acme\"]\ndomains = [\"acme.example\"]\n{rules}"),
    )])
    .unwrap();
    let raw = b"From: Acme <a@example.com>\n\n";
    assert_eq!(compare((&old, &new), &SettingsChange::default(), raw, derive), [1, 0, 0, 1, 1]);
}

/// A test that is not answered does not matter where the class is the same either way.
#[test]
fn what_cannot_matter_is_unchanged() {
    let old = engine(RULES);
    let new = engine(&format!(
        "{RULES}[[rule]]\nid = \"small\"\nscore = \"0.50\"\nwhy = \"small\"\nwhen = {{ in = \"text\", words = [\"lunch\"] }}\n"
    ));
    let message = Message::parse(b"Subject: nothing\n\nlunch\n", &Limits::default());
    let (envelope, evidence) = derive(&message);
    let (_, capsule) = judge_recorded(&old, &envelope, &message, &evidence, [0; 32], &Recording::default());
    let conclusions = WhatIf::new(&old, &new, SettingsChange::default(), Limits::default()).ask(&capsule).unwrap();
    assert_eq!(conclusions, [Conclusion::Unchanged { class: Class::Clean, score_from: Score::ZERO, score_to: None }]);
}

#[test]
fn what_cannot_be_told_is_named() {
    let old = engine(RULES);
    let new = engine(&format!(
        "{RULES}[[rule]]\nid = \"large\"\nscore = \"8.00\"\nwhy = \"large\"\nwhen = {{ in = \"text\", words = [\"lunch\"] }}\n"
    ));
    let message = Message::parse(b"Subject: nothing\n\nlunch\n", &Limits::default());
    let (envelope, evidence) = derive(&message);
    let (_, capsule) = judge_recorded(&old, &envelope, &message, &evidence, [0; 32], &Recording::default());
    let conclusions = WhatIf::new(&old, &new, SettingsChange::default(), Limits::default()).ask(&capsule).unwrap();
    let tests = vec!["text words [\"lunch\"]"];
    assert_eq!(conclusions, [Conclusion::Undecided { from: Class::Clean, score_from: Score::ZERO, tests }]);
}

fn condition() -> impl Strategy<Value = String> {
    const TESTS: &[&str] = &[
        "{ in = \"text\", words = [\"viagra\", \"cialis\", \"inheritance\"], at_least = 1 }",
        "{ in = \"text\", words = [\"viagra\", \"cialis\", \"inheritance\"], at_least = 2 }",
        "{ in = \"text.any\", regex = \"\\\\$[0-9,]{5,20}\" }",
        "{ in = \"subject\", words = [\"urgent\"] }",
        "{ in = \"subject\", present = false }",
        "{ in = \"header:list-id\", present = true }",
        "{ in = \"header:dkim-signature\", present = false }",
        "{ in = \"raw:dkim-signature\", contains = [\"AAAABBBB\"] }",
        "{ in = \"original:arc-seal\", regex = \"b=A|d=b\" }",
        "{ in = \"header.names\", equals = [\"x-mailer\", \"list-id\", \"date\"], at_least = 2 }",
        "{ in = \"evidence.spf\", equals = [\"softfail\"] }",
        "{ in = \"evidence.arc\", equals = [\"pass\"] }",
        "{ in = \"evidence.dkim\", present = false }",
        "{ in = \"link.host\", present = true }",
        "{ in = \"link.registered\", differs_from = \"from.registered\" }",
        "{ in = \"from.name\", names_brand = true, outside = [\"from.domain\", \"evidence.dkim_domain\"] }",
        "{ in = \"from.registered\", same_as = \"return_path.registered\" }",
        "{ in = \"from.domain\", resembles_brand = true }",
        "{ in = \"text\", mentions = \"operator.name\" }",
        "{ in = \"attachment.name\", regex = \"\\\\.exe\" }",
        "{ number = \"links\", at_least = 1 }",
        "{ number = \"links\", at_most = 0 }",
        "{ number = \"date.ahead\", at_least = 0 }",
        "{ number = \"to.count\", equals = 0 }",
        "{ number = \"host.good\", at_least = 2 }",
        "{ number = \"html.tags\", at_least = 2 }",
        "{ defect = [\"no-from\", \"malformed-field\"] }",
    ];
    let leaf = prop::sample::select(TESTS.to_vec()).prop_map(str::to_owned);
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|terms| format!("{{ all = [{}] }}", terms.join(", "))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|terms| format!("{{ any = [{}] }}", terms.join(", "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|terms| format!("{{ at_least = 2, of = [{}] }}", terms.join(", "))),
            inner.prop_map(|term| format!("{{ not = {term} }}")),
        ]
    })
}

fn rules() -> impl Strategy<Value = Vec<String>> {
    let rule = (condition(), -400_i64..700, prop::bool::ANY, prop::option::of(0_usize..6));
    prop::collection::vec(rule, 1..6).prop_map(|rules| {
        let rule = |(index, (when, score, grouped, below)): (usize, (String, i64, bool, Option<usize>))| {
            // Rules build on those before them only.
            let when = match below {
                Some(below) if below < index => format!("{{ any = [{when}, {{ not = {{ rule = \"r{below}\" }} }}] }}"),
                _ => when,
            };
            let group = if grouped { "group = \"g\"\n" } else { "" };
            format!("[[rule]]\nid = \"r{index}\"\nscore = \"{}\"\nwhy = \"because\"\n{group}when = {when}\n", points(score))
        };
        rules.into_iter().enumerate().map(rule).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever the rules become, no level contradicts a fresh judgement, and the message itself decides everything. Some
    /// rules stay as they were, so that both the quick answer and the slow one are held.
    #[test]
    fn no_level_contradicts_a_fresh_judgement(raw in generated(), old in rules(), new in rules(), kept in 0_usize..6) {
        let mixed: Vec<String> = new.iter().enumerate().map(|(index, rule)| if index < kept { old.get(index).unwrap_or(rule).clone() } else { rule.clone() }).collect();
        let (old, new) = (engine(&old.concat()), engine(&mixed.concat()));
        compare((&old, &new), &SettingsChange::default(), &raw, derive);
        compare((&old, &new), &SettingsChange::default(), &raw, rich);
        let change = SettingsChange { disable: ["r0".to_owned()].into(), scores: [("r1".to_owned(), points(450))].into(), ..SettingsChange::default() };
        compare((&old, &new), &change, &raw, rich);
        compare((&old, &old), &change, &raw, rich);
        let change = SettingsChange { replace: Some(Settings::default()), operator: Some(crate::Operator::default()), ..SettingsChange::default() };
        compare((&old, &new), &change, &raw, rich);
    }
}
