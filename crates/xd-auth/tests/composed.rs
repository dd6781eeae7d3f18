//! SPF, DKIM and DMARC together: whatever answers are missing, a message comes to the result of all answers or to `temperror`.
//!
//! Two things are for whoever puts the parts together, and stand in `judge`: all that any part wants is wanted at once, and a result of
//! SPF that passed over names of the client (`unsure`) is none to rely on.

#![allow(clippy::unwrap_used, reason = "what cannot be set up has failed")]

mod world;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use world::{World, name};
use xd_auth::content::Content;
use xd_auth::dkim::{BodyHashes, Signatures, Signer};
use xd_auth::dmarc::{self, DmarcResult, Outcome, Subject, author_domain};
use xd_auth::spf::{self, Options, Sender};
use xd_auth::{Absence, Answer, Answers, Progress, Question, Record, RecordKind, SpfResult, Unknown, Wanted};
use xd_lookup::signature::verify;

const NOW: u64 = 1_700_000_000;
const MESSAGE: &str = "From: ann@example.com\r\nSubject: a walk\r\n\r\nHello Bob\r\n";

/// What DNS says, by name and type.
type Zone = BTreeMap<Question, Vec<Record>>;

/// Who sent, and as whom.
#[derive(Clone, Debug)]
struct Case {
    zone: Zone,
    author: &'static str,
    reverse_path: Option<&'static str>,
    /// Which of the messages.
    message: usize,
}

/// One signed by two keys, one with another body, one with another header, and one that nobody signed.
fn messages() -> &'static [String; 4] {
    static MESSAGES: OnceLock<[String; 4]> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let world = World::shared();
        let content = Content::split(MESSAGE.as_bytes());
        let unsigned = Signer::new(world.both_keys()).prepare(&content, &mut BodyHashes::of(&content), NOW).unwrap();
        let signed = world.settle(|answers| unsigned.sign(answers));
        let whole = signed.fields.join("\r\n") + "\r\n" + MESSAGE;
        [whole.clone(), whole.replace("Bob", "Eve"), whole.replace("walk", "prize"), MESSAGE.to_owned()]
    })
}

/// What a message comes to, by all parts.
fn judge(case: &Case, signatures: &Signatures, answers: &Answers) -> Progress<Outcome> {
    let sender = Sender {
        client: [192, 0, 2, 7].into(),
        ehlo: "mail.example.org",
        reverse_path: case.reverse_path,
        receiver: "mx.example.net",
        now: NOW,
    };
    let spf = spf::check(&sender, &Options::default(), answers);
    let dkim = signatures.verify(answers, NOW);
    let (spf, dkim) = match (spf, dkim) {
        (Progress::Done(spf), Progress::Done(dkim)) => (spf, dkim),
        (spf, dkim) => {
            let mut wanted = Vec::new();
            if let Progress::Wants(wants) = spf {
                wanted.extend(wants);
            }
            if let Progress::Wants(wants) = dkim {
                wanted.extend(wants);
            }
            return Progress::Wants(wanted);
        }
    };
    let result = if spf.unsure.is_some() { SpfResult::TempError } else { same_result(spf.result.as_str()) };
    let subject = Subject {
        author: author_domain(1, [case.author]),
        spf: spf.domain.map(|domain| (domain, result)),
        dkim: dkim.signatures.iter().filter_map(|one| Some((one.domain.clone()?, one.result()))).collect(),
    };
    dmarc::check(&subject, answers)
}

fn same_result(word: &str) -> SpfResult {
    use SpfResult::{Fail, Neutral, None, Pass, PermError, SoftFail, TempError};
    [None, Neutral, Pass, Fail, SoftFail, TempError, PermError].into_iter().find(|result| result.as_str() == word).unwrap()
}

/// Runs it to its end. Which answers are missing is a matter of the question alone, so that their order changes nothing.
fn run(case: &Case, is_missing: impl Fn(usize) -> bool) -> Outcome {
    let content = Content::split(messages()[case.message].as_bytes());
    let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
    let (mut answers, mut asked) = (Answers::default(), 0);
    for _ in 0..40 {
        let wanted = match judge(case, &signatures, &answers) {
            Progress::Done(outcome) => return outcome,
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
                    let holds = if is_missing { Err(Unknown::NotAsked) } else { Ok(verify(&verification)) };
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
const PATHS: [Option<&str>; 4] = [None, Some("ann@example.com"), Some("ann@news.example.com"), Some("ann@example.org")];

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

const SENDERS: [&[&str]; 10] = [
    &[],
    &["v=spf1 ip4:192.0.2.7 -all"],
    &["v=spf1 a mx ~all"],
    &["v=spf1 include:example.org -all"],
    &["v=spf1 redirect=example.org"],
    &["v=spf1 ptr -all"],
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
    let names = (select(&AUTHORS[..]), select(&PATHS[..]), 0..4_usize);
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
            for (key, chosen) in World::shared().both_keys().into_iter().zip([keys.0, keys.1]) {
                let owner = format!("{}._domainkey.{}", key.selector, key.domain);
                let published = match World::shared().zone.get(&name(&owner)) {
                    Some(Answer::Found(records)) => records.clone(),
                    _ => Vec::new(),
                };
                match chosen {
                    "published" => zone.extend([(Question::new(name(&owner), RecordKind::Txt), published)]),
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
    fn what_is_not_known_is_never_another_result(case in case(), missing in vec(any::<bool>(), 1..40)) {
        let full = run(&case, |_| false);
        let less = run(&case, |place| missing[place % missing.len()]);
        if less.result != DmarcResult::TempError {
            prop_assert_eq!(less.result, full.result, "{:?}\nis {:?}\nwhere it is {:?}", case, less, full);
            // The policy may hang on an answer of its own; then there is none.
            if less.result == DmarcResult::Fail && less.policy.is_some() {
                prop_assert_eq!(less.policy, full.policy, "{:?}", case);
            }
        }
    }

    /// One answer at a time: each that was needed, and nothing else.
    #[test]
    fn one_missing_answer(case in case(), place in 0..12_usize) {
        let full = run(&case, |_| false);
        let less = run(&case, |asked| asked == place);
        prop_assert!(less.result == DmarcResult::TempError || less.result == full.result, "{:?}", case);
    }
}

#[test]
fn all_results_occur() {
    let zone = |policy: &'static str, sender: &'static str| -> Zone {
        [texts("_dmarc.example.com", &[policy]), texts("example.com", &[sender])].into_iter().flatten().collect()
    };
    let case = |zone| Case { zone, author: "ann@example.com", reverse_path: Some("ann@example.com"), message: 3 };
    let result = |zone: Zone, missing: bool| run(&case(zone), |_| missing).result;
    assert_eq!(result(zone("v=DMARC1; p=reject", "v=spf1 ip4:192.0.2.7 -all"), false), DmarcResult::Pass);
    assert_eq!(result(zone("v=DMARC1; p=reject", "v=spf1 -all"), false), DmarcResult::Fail);
    assert_eq!(result(zone("else", "v=spf1 -all"), false), DmarcResult::None);
    assert_eq!(result(zone("v=DMARC1; p=reject", "v=spf1 -all"), true), DmarcResult::TempError);
}
