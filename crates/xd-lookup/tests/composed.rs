//! SPF, DKIM and DMARC together, as evidence: whatever answers are missing, each is what it is with all answers, or not known.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "what cannot be set up has failed")]

mod letters;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use letters::{Keys, is_or_awaits, parse, received};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use xd_auth::{Absence, Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};
use xd_core::evidence::{DmarcPolicy, DmarcResult, Senders};
use xd_core::{Evidence, Known};
use xd_lookup::Signatures;

/// What DNS says, by name and type.
type Zone = BTreeMap<Question, Vec<Record>>;

/// Who sent, and as whom.
#[derive(Clone, Debug)]
struct Case {
    zone: Zone,
    author: usize,
    reverse_path: &'static str,
    /// Which of the messages.
    message: usize,
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// The messages of each author.
fn messages() -> &'static [[String; 4]; 5] {
    static MESSAGES: OnceLock<[[String; 4]; 5]> = OnceLock::new();
    MESSAGES.get_or_init(|| AUTHORS.map(|author| Keys::shared().messages(author)))
}

/// The evidence of who sent the message, when some answers are missing, by the order in which they are asked for.
fn run(case: &Case, is_missing: impl Fn(usize) -> bool) -> Evidence {
    let message = parse(&messages()[case.author][case.message]);
    let (envelope, mut evidence) = received(7, case.reverse_path);
    let senders = Senders::of(&envelope, &message, &evidence);
    let (mut answers, mut asked) = (Answers::default(), 0);
    for _ in 0..40 {
        let wanted = match senders.progress(&answers) {
            Progress::Done(_) => {
                senders.fill(&answers, &mut evidence);
                return evidence;
            }
            Progress::Wants(wanted) => wanted,
        };
        for wanted in wanted {
            let is_missing = is_missing(asked);
            asked += 1;
            match wanted {
                Wanted::Records(question) => {
                    let answer = if is_missing { Answer::Unknown(Unknown::Timeout) } else { answer(&case.zone, &question) };
                    answers.put(question, answer);
                }
                Wanted::Verified(verification) => {
                    let holds = if is_missing { Err(Unknown::NotAsked) } else { Keys::shared().verify(&verification) };
                    answers.put_verified(*verification, holds);
                }
                Wanted::Signature(_) => panic!("nothing is signed here"),
            }
        }
        assert!(asked < 200, "too many questions");
    }
    panic!("not over");
}

fn answer(zone: &Zone, question: &Question) -> Answer<Record> {
    match zone.get(question) {
        Some(records) => Answer::Found(records.clone()),
        None if zone.keys().any(|other| other.name == question.name) => Answer::Absent(Absence::Records),
        None => Answer::Absent(Absence::Name),
    }
}

fn texts(owner: &str, texts: &[&str]) -> Option<(Question, Vec<Record>)> {
    let records: Vec<Record> = texts.iter().map(|text| Record::Txt(text.as_bytes().into())).collect();
    (!records.is_empty()).then(|| (Question::new(name(owner), RecordKind::Txt), records))
}

const AUTHORS: [&str; 5] =
    ["ann@example.com", "ann@news.example.com", "ann@a.b.example.com", "ann@example.org", "ann@none.example.com"];
const PATHS: [&str; 4] = ["<>", "<ann@example.com>", "<ann@news.example.com>", "<ann@example.org>"];

const POLICIES: [&[&str]; 9] = [
    &[],
    &["v=DMARC1; p=reject"],
    &["v=DMARC1; p=quarantine; sp=none; np=reject"],
    &["v=DMARC1; p=none; aspf=s; adkim=s"],
    &["v=DMARC1; p=reject; t=y"],
    &["v=DMARC1; p=reject; psd=y"],
    &["v=DMARC1; p=reject; psd=n"],
    &["v=DMARC1; p=none", "v=DMARC1; p=reject"],
    &["something else"],
];

const SENDERS: [&[&str]; 11] = [
    &[],
    &["v=spf1 ip4:192.0.2.7 -all"],
    &["v=spf1 a mx ~all"],
    &["v=spf1 include:example.org -all"],
    &["v=spf1 redirect=example.org"],
    &["v=spf1 ptr -all"],
    &["v=spf1 ptr:example.org -all"],
    &["v=spf1 exists:%{i}.%{p}.example.org include:news.example.com ?all"],
    &["v=spf1 -all exp=why.example.com"],
    &["v=spf1 -a:mail.example.org mx:example.org +all"],
    &["v=spf1 moo"],
];

const KEYS: [&str; 3] = ["published", "absent", "v=DKIM1; p="];

fn case() -> impl Strategy<Value = Case> {
    let policy = || select(&POLICIES[..]);
    let sender = || select(&SENDERS[..]);
    let key = || select(&KEYS[..]);
    let hosts = vec(any::<bool>(), 6);
    let names = (0..AUTHORS.len(), select(&PATHS[..]), 0..4_usize);
    ((policy(), policy(), policy(), policy()), (sender(), sender(), sender()), (key(), key()), hosts, names).prop_map(
        |(policies, senders, keys, hosts, (author, reverse_path, message))| {
            let mut zone: Zone = [
                texts("_dmarc.example.com", policies.0),
                texts("_dmarc.news.example.com", policies.1),
                texts("_dmarc.example.org", policies.2),
                texts("_dmarc.com", if policies.3.first().is_some_and(|text| text.contains("psd=y")) { policies.3 } else { &[] }),
                texts("example.com", senders.0),
                texts("news.example.com", senders.1),
                texts("example.org", senders.2),
            ]
            .into_iter()
            .flatten()
            .collect();
            for ((owner, published), chosen) in Keys::shared().records().into_iter().zip([keys.0, keys.1]) {
                match chosen {
                    "published" => zone.extend(texts(&owner, &[&published])),
                    "absent" => {}
                    text => zone.extend(texts(&owner, &[text])),
                }
            }
            let address = |last| vec![Record::A([192, 0, 2, last].into())];
            let mx = |host: &str| vec![Record::Mx { preference: 10, host: name(host) }];
            let more: [(&str, RecordKind, Vec<Record>); 6] = [
                ("example.com", RecordKind::A, address(7)),
                ("mail.example.org", RecordKind::A, address(7)),
                ("example.org", RecordKind::Mx, mx("mail.example.org")),
                ("7.2.0.192.in-addr.arpa", RecordKind::Ptr, vec![Record::Ptr(name("mail.example.org"))]),
                ("news.example.com", RecordKind::A, address(9)),
                ("a.b.example.com", RecordKind::A, address(9)),
            ];
            let there = more.into_iter().zip(hosts).filter(|(_, is_there)| *is_there);
            zone.extend(there.map(|((owner, kind, records), _)| (Question::new(name(owner), kind), records)));
            Case { zone, author, reverse_path, message }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_known_is_no_evidence(case in case(), missing in vec(any::<bool>(), 1..40)) {
        let full = run(&case, |_| false);
        let less = run(&case, |place| missing[place % missing.len()]);
        prop_assert!(is_same_so_far(&less, &full), "{:?}\nis {:?}\nwhere it is {:?}", case, less, full);
    }

    /// One answer at a time.
    #[test]
    fn one_missing_answer(case in case(), place in 0..12_usize) {
        let full = run(&case, |_| false);
        let less = run(&case, |asked| asked == place);
        prop_assert!(is_same_so_far(&less, &full), "{:?}\nis {:?}\nwhere it is {:?}", case, less, full);
    }
}

fn is_same_so_far(less: &Evidence, full: &Evidence) -> bool {
    is_or_awaits(&less.spf, &full.spf)
        && is_or_awaits(&less.dkim, &full.dkim)
        && is_or_awaits(&less.arc, &full.arc)
        && is_or_awaits(&less.dmarc, &full.dmarc)
}

#[test]
fn all_results_occur() {
    let dmarc = |policy: &'static str, sender: &'static str, is_missing: bool| {
        let zone = [texts("_dmarc.example.com", &[policy]), texts("example.com", &[sender])].into_iter().flatten().collect();
        let case = Case { zone, author: 0, reverse_path: "<ann@example.com>", message: 3 };
        run(&case, |_| is_missing).dmarc
    };
    let found = |result| move |dmarc: &Known<xd_core::evidence::Dmarc>| dmarc.found().is_some_and(|found| found.result == result);
    assert!(found(DmarcResult::Pass)(&dmarc("v=DMARC1; p=reject", "v=spf1 ip4:192.0.2.7 -all", false)));
    let failed = dmarc("v=DMARC1; p=reject", "v=spf1 -all", false);
    assert!(found(DmarcResult::Fail)(&failed) && failed.found().unwrap().policy == DmarcPolicy::Reject);
    assert_eq!(dmarc("else", "v=spf1 -all", false), Known::Absent);
    assert!(dmarc("v=DMARC1; p=reject", "v=spf1 -all", true).is_unknown());
}

#[test]
fn a_name_of_the_client_that_is_not_known() {
    let zone: Zone = [
        texts("_dmarc.example.com", &["v=DMARC1; p=reject"]),
        texts("example.com", &["v=spf1 ptr:example.org -all"]),
        Some((Question::new(name("7.2.0.192.in-addr.arpa"), RecordKind::Ptr), vec![Record::Ptr(name("mail.example.org"))])),
        Some((Question::new(name("mail.example.org"), RecordKind::A), vec![Record::A([192, 0, 2, 7].into())])),
    ]
    .into_iter()
    .flatten()
    .collect();
    let case = Case { zone, author: 0, reverse_path: "<ann@example.com>", message: 3 };
    assert!(run(&case, |_| false).dmarc.found().is_some_and(|dmarc| dmarc.result == DmarcResult::Pass));
    for place in 0..6 {
        let evidence = run(&case, |asked| asked == place);
        assert!(is_same_so_far(&evidence, &run(&case, |_| false)), "{place}: {evidence:?}");
    }
}
