//! What holds of any records, any senders and any answers.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use xd_auth::spf::{FindingKind, Options, Reason, Record, Sender, SpfResult, audit};
use xd_auth::{Absence, Answer, Answers, Name, Progress, Question, Record as DnsRecord, RecordKind, Unknown, Wanted};

use crate::world::World;

/// Few names, so that records meet each other.
const NAMES: [&str; 5] = ["example.com", "a.example.com", "b.example.com", "mail.example.org", "unknown"];
const CLIENTS: [&str; 3] = ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.8"];
const ADDRESSES: [&str; 3] = ["192.0.2.7", "192.0.2.8", "198.51.100.1"];
const ADDRESSES_6: [&str; 2] = ["2001:db8::7", "2001:db8:1::1"];
const REVERSE: [&str; 3] = [
    "7.2.0.192.in-addr.arpa",
    "8.2.0.192.in-addr.arpa",
    "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
];

fn domain() -> impl Strategy<Value = String> {
    const MACROS: [&str; 7] = ["%{d}", "%{p}", "%{o}", "%{h}", "%{l}.%{d2}", "%{ir}.example.com", "x..example.com"];
    prop_oneof![3 => select(&NAMES[..4]).prop_map(str::to_owned), 1 => select(&MACROS[..]).prop_map(str::to_owned)]
}

fn term() -> impl Strategy<Value = String> {
    const PLAIN: [&str; 10] = ["a", "mx", "ptr", "all", "-all", "ip4:192.0.2.7", "ip6:2001:db8::/48", "?a/24//48", "x=y", "moo"];
    const NAMED: [&str; 8] = ["a:", "mx:", "-ptr:", "exists:", "include:", "~include:", "redirect=", "exp="];
    prop_oneof![2 => select(&PLAIN[..9]).prop_map(str::to_owned),
        3 => (select(&NAMED[..]), domain()).prop_map(|(term, domain)| format!("{term}{domain}")),
        1 => select(&PLAIN[..]).prop_map(str::to_owned)]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => vec(term(), 0..7).prop_map(|terms| format!("v=spf1 {}", terms.join(" ")).into_bytes()),
        1 => Just(b"because of %{i} and %{p}".to_vec()),
        1 => vec(any::<u8>(), 0..40)]
}

fn record(kind: RecordKind) -> BoxedStrategy<DnsRecord> {
    let name = || select(&NAMES[..]).prop_map(|name| Name::parse(name).unwrap());
    match kind {
        RecordKind::A => select(&ADDRESSES[..]).prop_map(|text| DnsRecord::A(text.parse().unwrap())).boxed(),
        RecordKind::Aaaa => select(&ADDRESSES_6[..]).prop_map(|text| DnsRecord::Aaaa(text.parse().unwrap())).boxed(),
        RecordKind::Mx => (0..3_u16, name()).prop_map(|(preference, host)| DnsRecord::Mx { preference, host }).boxed(),
        RecordKind::Ptr => name().prop_map(DnsRecord::Ptr).boxed(),
        RecordKind::Tlsa => unreachable!("SPF never asks for it"),
        RecordKind::Txt => text().prop_map(|text| DnsRecord::Txt(text.into())).boxed(),
    }
}

fn answer(kind: RecordKind) -> impl Strategy<Value = Answer<DnsRecord>> {
    let most = match kind {
        RecordKind::Txt => 2,
        RecordKind::Mx | RecordKind::Ptr => 13,
        _ => 3,
    };
    prop_oneof![8 => vec(record(kind), 1..most).prop_map(Answer::Found), 1 => Just(Answer::Absent(Absence::Records))]
}

fn world() -> impl Strategy<Value = World> {
    let of_names = NAMES
        .into_iter()
        .flat_map(|name| [RecordKind::A, RecordKind::Aaaa, RecordKind::Mx, RecordKind::Txt].map(|kind| (name, kind)));
    let questions: Vec<_> = of_names.chain(REVERSE.map(|name| (name, RecordKind::Ptr))).collect();
    let answers: Vec<_> = questions
        .into_iter()
        .map(|(name, kind)| {
            let question = Question::new(Name::parse(name).unwrap(), kind);
            answer(kind).prop_map(move |answer| (question.clone(), answer))
        })
        .collect();
    answers.prop_map(|answers| {
        let mut world = World::default();
        for (question, answer) in answers {
            world.put(question, answer);
        }
        world
    })
}

fn sender() -> impl Strategy<Value = Sender<'static>> {
    const PATHS: [Option<&str>; 5] =
        [None, Some("ann@example.com"), Some("ann@a.example.com"), Some("caf\u{e9}@example.com"), Some("@")];
    (select(&CLIENTS[..]), select(&PATHS[..])).prop_map(|(client, reverse_path)| Sender {
        client: client.parse().unwrap(),
        ehlo: "mail.example.org",
        reverse_path,
        receiver: "mx.example.net",
        now: 0,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// The check ends, within its bounds, and its outcome does not depend on the order in which answers came.
    #[test]
    fn the_order_of_answers_changes_nothing(world in world(), sender in sender(), take in 1..4_usize) {
        let options = Options::default();
        let (outcome, _) = world.check(&sender, &options, usize::MAX);
        prop_assert!(outcome.lookups <= 10 && outcome.voids <= options.voids + 1);
        prop_assert!(outcome.unsure.is_none());
        if let Some(words) = &outcome.explanation {
            prop_assert!(outcome.result == SpfResult::Fail && words.len() <= 1024 && words.is_ascii());
        }
        let (again, _) = world.check(&sender, &options, take);
        prop_assert_eq!(outcome, again);
    }

    /// What is not known never leads to another result, unless the standard says to pass it over, and then the outcome says so.
    #[test]
    fn unknown_answers_lead_to_no_other_result(world in world(), sender in sender(), holes in vec(any::<prop::sample::Index>(), 1..4)) {
        let options = Options::default();
        let (full, asked) = world.check(&sender, &options, usize::MAX);
        prop_assume!(!asked.is_empty());
        let mut less = world;
        for hole in holes {
            less.put(hole.get(&asked).clone(), Answer::Unknown(Unknown::ServerFailure));
        }
        let (outcome, _) = less.check(&sender, &options, usize::MAX);
        prop_assert!(
            outcome.result == full.result || outcome.result == SpfResult::TempError || outcome.unsure.is_some(),
            "{:?} where all is known, else {:?}", full, outcome
        );
    }

    /// No client costs more than the audit of the domain counts, unless it depends on more than its address.
    #[test]
    fn an_audit_counts_the_most(world in world(), sender in sender()) {
        let domain = Name::parse("example.com").unwrap();
        let mut answers = Answers::default();
        let audit = loop {
            match audit(&domain, &answers) {
                Progress::Done(audit) => break audit,
                Progress::Wants(wanted) => for wanted in wanted {
                    let Wanted::Records(question) = wanted else { panic!() };
                    let answer = world.answer(&question);
                    answers.put(question, answer);
                },
            }
        };
        let is_loop = audit.findings.iter().any(|finding| finding.kind == FindingKind::Loop);
        prop_assume!(!is_loop && !audit.depends_on_more);
        let sender = Sender { reverse_path: Some("ann@example.com"), ..sender };
        let (outcome, _) = world.check(&sender, &Options { voids: 10, explain: false }, usize::MAX);
        prop_assert!(outcome.lookups <= audit.lookups, "{outcome:?} {audit:?}");
        prop_assert!(audit.lookups > 10 || outcome.reason != Reason::TooManyLookups);
        let voids = if sender.client.to_canonical().is_ipv4() { audit.voids_ip4 } else { audit.voids_ip6 };
        prop_assert!(outcome.voids <= voids, "{outcome:?} {audit:?}");
    }

    /// Any text is a record or has an error; a record is made of its terms.
    #[test]
    fn records_are_made_of_their_terms(text in text()) {
        if let Ok(record) = Record::parse(&text) {
            for directive in &record.directives {
                let alone = format!("v=spf1 {}", directive.text);
                prop_assert_eq!(&Record::parse(alone.as_bytes()).unwrap().directives, &[*directive]);
            }
        }
    }
}
