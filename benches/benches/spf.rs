//! SPF from answers that are ready: how long a check takes when nothing is left to ask.

use std::time::Duration;

use criterion::{Criterion, criterion_group};
use xd_auth::spf::{self, Options, Sender, SpfResult};
use xd_auth::{Answer, Answers, Name, Progress, Question, Record, RecordKind};

/// What DNS has: names, and records as text.
type Zone = &'static [(&'static str, RecordKind, &'static str)];

/// Records as they are published, with what comes of them: by an own network, by three providers of which the last matches, by
/// hosts, and by macros.
const CASES: [(&str, SpfResult, Zone); 4] = [
    (
        "own networks",
        SpfResult::Pass,
        &[(
            "example.com",
            RecordKind::Txt,
            "v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.0/24 ip6:2001:db8::/32 ip4:192.0.2.0/24 -all",
        )],
    ),
    (
        "providers",
        SpfResult::Pass,
        &[
            ("example.com", RecordKind::Txt, "v=spf1 include:_spf.a.example include:_spf.b.example include:_spf.c.example ~all"),
            ("_spf.a.example", RecordKind::Txt, "v=spf1 include:_n1.a.example include:_n2.a.example ~all"),
            ("_n1.a.example", RecordKind::Txt, "v=spf1 ip4:198.51.100.0/25 ip4:198.51.100.128/26 ip4:198.51.100.192/27 ~all"),
            ("_n2.a.example", RecordKind::Txt, "v=spf1 ip6:2001:db8:1::/48 ip6:2001:db8:2::/48 ip6:2001:db8:3::/48 ~all"),
            ("_spf.b.example", RecordKind::Txt, "v=spf1 ip4:203.0.113.0/26 ip4:203.0.113.64/26 ip4:203.0.113.128/25 -all"),
            ("_spf.c.example", RecordKind::Txt, "v=spf1 ip4:192.0.2.128/25 ip4:192.0.2.0/25 -all"),
        ],
    ),
    (
        "hosts",
        SpfResult::Pass,
        &[
            ("example.com", RecordKind::Txt, "v=spf1 a mx -all"),
            ("example.com", RecordKind::A, "198.51.100.1"),
            ("example.com", RecordKind::Mx, "mx1.example.com"),
            ("example.com", RecordKind::Mx, "mx2.example.com"),
            ("mx1.example.com", RecordKind::A, "198.51.100.2"),
            ("mx2.example.com", RecordKind::A, "192.0.2.7"),
        ],
    ),
    (
        "macros and an explanation",
        SpfResult::Fail,
        &[
            ("example.com", RecordKind::Txt, "v=spf1 include:%{ir}.%{v}.%{l1r-}.%{d2} -all exp=why.%{d}"),
            ("7.2.0.192.in-addr.ann.example.com", RecordKind::Txt, "v=spf1 ?all"),
            ("why.example.com", RecordKind::Txt, "%{i} may not send mail of %{s}; see https://example.com/spf?l=%{L}&i=%{I}"),
        ],
    ),
];

fn check(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spf");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    let sender = Sender {
        client: [192, 0, 2, 7].into(),
        ehlo: "mail.example.org",
        reverse_path: Some("ann-lee@example.com"),
        receiver: "mx.example.net",
        now: 1_700_000_000,
    };
    for (name, expected, zone) in CASES {
        let answers = answers(zone);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let Progress::Done(outcome) = spf::check(&sender, &Options::default(), &answers) else {
                    panic!("an answer is missing");
                };
                assert_eq!(outcome.result, expected);
                outcome
            });
        });
    }
    group.finish();
}

fn answers(zone: Zone) -> Answers {
    let mut found: Vec<(Question, Vec<Record>)> = Vec::new();
    for (name, kind, text) in zone {
        let named = |text: &str| Name::parse(text).expect("it is a name");
        let record = match kind {
            RecordKind::A => Record::A(text.parse().expect("it is an address")),
            RecordKind::Aaaa => Record::Aaaa(text.parse().expect("it is an address")),
            RecordKind::Mx => Record::Mx { preference: 10, host: named(text) },
            RecordKind::Ptr => Record::Ptr(named(text)),
            RecordKind::Tlsa => unreachable!("SPF never asks for it"),
            RecordKind::Txt => Record::Txt(text.as_bytes().into()),
        };
        let question = Question::new(named(name), *kind);
        match found.iter_mut().find(|(other, _)| *other == question) {
            Some((_, records)) => records.push(record),
            None => found.push((question, vec![record])),
        }
    }
    let mut answers = Answers::default();
    for (question, records) in found {
        answers.put(question, Answer::Found(records));
    }
    answers
}

criterion_group!(benches, check);
