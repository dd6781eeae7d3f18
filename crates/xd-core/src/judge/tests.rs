//! Verdicts against brute force: every completion of what is unknown.

use proptest::prelude::*;

use super::*;
use crate::evidence::{ArcResult, Dmarc, DmarcPolicy, DmarcResult, HostStanding, Listing, SpfResult};
use crate::{Domain, Host, Limits, RuleSource, Thresholds};

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

/// The facts that the generated rules look at; each is unknown or one of so many.
const FACTS: [usize; 7] = [2, 2, 2, 3, 3, 3, 3];

/// For each fact its number of known cases, or none: it is unknown.
type World = [Option<usize>; 7];

/// Tests, those of the first three facts first: each of them looks at one fact alone.
const TESTS: [&str; 15] = [
    "{ in = \"evidence.spf\", equals = [\"fail\"] }",
    "{ in = \"evidence.dmarc\", equals = [\"fail\"] }",
    "{ in = \"evidence.arc\", equals = [\"pass\"] }",
    "{ in = \"envelope.ehlo\", differs_from = \"from.domain\" }",
    "{ in = \"envelope.ehlo\", within = [\"example.com\"] }",
    "{ in = \"evidence.reverse_name\", same_as = \"envelope.ehlo\" }",
    "{ in = \"evidence.reverse_name\", differs_from = \"envelope.ehlo\" }",
    "{ in = \"evidence.reverse_name\", present = false }",
    "{ in = \"evidence.reverse_name\", resembles_brand = true }",
    "{ in = \"evidence.reverse_name\", listed_in = \"zen.example.net\" }",
    "{ in = \"subject\", mentions = \"evidence.reverse_name\" }",
    "{ in = \"subject\", names_brand = true, outside = [\"evidence.reverse_name\"] }",
    "{ in = \"envelope.client_address\", listed_in = \"zen.example.net\", answers = [\"127.0.0.2\"] }",
    "{ number = \"host.bad\", at_least = 5 }",
    "{ number = \"host.good\", at_most = 5 }",
];

const BRAND: &str = "[[brand]]\nnames = [\"northwind\"]\ndomains = [\"northwind.example\"]\n";

const MAIL: &[u8] = b"Subject: northwind.example says hello\nFrom: a@example.com\n\nhello\n";

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn scene_of(world: World) -> (Envelope, Evidence) {
    fn known<T>(case: Option<usize>, value: impl Fn(usize) -> Known<T>) -> Known<T> {
        case.map_or_else(Known::default, value)
    }
    let [spf, dmarc, arc, ehlo, reverse_name, listing, standing] = world;
    let client: std::net::IpAddr = "192.0.2.7".parse().unwrap();
    let names = ["northwind.example", "n0rthwind.example"];
    let mut evidence = Evidence {
        spf: known(spf, |case| Known::Found([SpfResult::Fail, SpfResult::Pass][case])),
        dmarc: known(dmarc, |case| {
            Known::Found(Dmarc { result: [DmarcResult::Fail, DmarcResult::Pass][case], policy: DmarcPolicy::None })
        }),
        arc: known(arc, |case| Known::Found([ArcResult::Pass, ArcResult::Fail][case])),
        reverse_names: known(reverse_name, |case| names.get(case).map_or(Known::Absent, |name| Known::Found(vec![domain(name)]))),
        host_standing: known(standing, |case| match case {
            0 => Known::Absent,
            1 => Known::Found(HostStanding { listed: false, good: 9, bad: 0 }),
            _ => Known::Found(HostStanding { listed: false, good: 0, bad: 9 }),
        }),
        ..Evidence::default()
    };
    for item in [Host::Address(client)].into_iter().chain(names.map(|name| Host::Domain(domain(name)))) {
        let listing = known(listing, |case| match case {
            0 => Known::Absent,
            code => Known::Found(vec![std::net::Ipv4Addr::new(127, 0, 0, 1 + code as u8)]),
        });
        evidence.listings.insert(Listing { zone: domain("zen.example.net"), item }, listing);
    }
    let ehlo = known(ehlo, |case| match case {
        0 => Known::Absent,
        case => Known::Found(Host::Domain(domain(["example.com", "northwind.example"][case - 1]))),
    });
    (Envelope { client_address: Known::Found(client), ehlo, ..Envelope::default() }, evidence)
}

/// Score and bounds in a world, and the rules that hold.
fn judged_in(engine: &Engine, world: World) -> (Score, Score, Score, Vec<&str>) {
    let (envelope, evidence) = scene_of(world);
    let message = Message::parse(MAIL, &Limits::default());
    let judgement = judge(engine, &envelope, &message, &evidence);
    let verdict = judgement.verdict();
    (verdict.score, verdict.low, verdict.high, verdict.findings.iter().map(|finding| finding.rule).collect())
}

fn completions(world: World) -> Vec<World> {
    let mut all = vec![world];
    for (fact, cases) in FACTS.into_iter().enumerate() {
        if world[fact].is_none() {
            let with = |mut world: World, case| {
                world[fact] = Some(case);
                world
            };
            all = all.into_iter().flat_map(|world| (0..cases).map(move |case| with(world, case))).collect();
        }
    }
    all
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(TESTS.to_vec()).prop_map(str::to_owned);
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

/// A group with a cap, and a brand.
fn group(cap: i64) -> String {
    format!("[[group]]\nid = \"g\"\ncap = \"{}\"\n{BRAND}", points(cap))
}

fn rule_set() -> impl Strategy<Value = String> {
    let rules = prop::collection::vec((condition(), -300_i64..300, prop::bool::ANY), 1..6);
    (rules, 0_i64..900).prop_map(|(rules, cap)| {
        let mut text = group(cap);
        for (index, (when, score, grouped)) in rules.iter().enumerate() {
            let group = if *grouped { "group = \"g\"" } else { "" };
            text += &rule(&format!("r{index}"), &points(*score).to_string(), group, when);
        }
        text
    })
}

fn world() -> impl Strategy<Value = World> {
    // Most facts are known, so that there are not too many completions.
    FACTS.map(|cases| prop::option::weighted(0.6, 0..cases))
}

/// The properties below say something of each test: it holds in one world, not in another, and is open in a third.
#[test]
fn every_test_goes_every_way() {
    for test in TESTS {
        let engine = engine(&format!("{BRAND}{}", rule("r", "1.00", "", test)));
        let (.., low, high, _) = judged_in(&engine, [None; 7]);
        assert_eq!((low, high), (Score::ZERO, points(100)), "{test}");
        let mut scores: Vec<Score> = completions([None; 7]).into_iter().map(|world| judged_in(&engine, world).0).collect();
        scores.sort_unstable();
        scores.dedup();
        assert_eq!(scores, [Score::ZERO, points(100)], "{test}");
    }
}

proptest! {
    /// The bounds contain the score and the score of every completion; a rule said never to hold never does.
    #[test]
    fn bounds_are_sound(rules in rule_set(), world in world()) {
        let engine = engine(&rules);
        let lints: Vec<String> = engine.rules().lints().iter().map(|lint| lint.message.clone()).collect();
        let (score, low, high, _) = judged_in(&engine, world);
        prop_assert!(low <= score && score <= high);
        for world in completions(world) {
            let (score, world_low, world_high, found) = judged_in(&engine, world);
            prop_assert!(low <= score && score <= high, "{low} <= {score} <= {high} in {world:?}");
            prop_assert_eq!((world_low, world_high), (score, score));
            for rule in found {
                prop_assert!(!lints.contains(&format!("the rule {rule:?} can never hold")), "{rule} in {world:?}");
            }
        }
    }

    /// Where each fact feeds one rule, the bounds are met by some completion.
    #[test]
    fn bounds_are_tight_without_shared_facts(scores in prop::array::uniform3(-300_i64..300), nots in prop::array::uniform3(prop::bool::ANY), grouped in prop::array::uniform3(prop::bool::ANY), cap in 0_i64..900, world in world()) {
        let mut text = group(cap);
        for index in 0..3 {
            let when = if nots[index] { format!("{{ not = {} }}", TESTS[index]) } else { TESTS[index].to_owned() };
            let group = if grouped[index] { "group = \"g\"" } else { "" };
            text += &rule(&format!("r{index}"), &points(scores[index]).to_string(), group, &when);
        }
        let engine = engine(&text);
        let (_, low, high, _) = judged_in(&engine, world);
        let all: Vec<Score> = completions(world).into_iter().map(|world| judged_in(&engine, world).0).collect();
        prop_assert_eq!(all.iter().min(), Some(&low));
        prop_assert_eq!(all.iter().max(), Some(&high));
    }

    /// What is shown adds up to the total, and the order of files and rules does not matter.
    #[test]
    fn findings_add_up_in_any_order(rules in rule_set(), world in world()) {
        let parts: Vec<&str> = rules.split("[[rule]]").collect();
        let mut turned = vec![parts[0].to_owned()];
        turned.extend(parts[1..].iter().rev().map(|part| format!("[[rule]]{part}")));
        let (one, other) = (engine(&rules), engine(&turned.concat()));
        let message = Message::parse(MAIL, &Limits::default());
        let (envelope, evidence) = scene_of(world);
        let a = judge(&one, &envelope, &message, &evidence);
        let b = judge(&other, &envelope, &message, &evidence);
        prop_assert_eq!(a.verdicts(), b.verdicts());
        let sum: Score = a.verdict().findings.iter().map(|finding| finding.score).sum();
        prop_assert_eq!(sum, a.verdict().score);
    }
}
