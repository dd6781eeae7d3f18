//! Mail authenticated through a resolver whose packets get lost: a result is that of all packets, or `temperror`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod letters;
mod support;

use std::sync::Arc;
use std::time::Duration;

use letters::{Keys, is_or_awaits, parse, received};
use support::{Server, Zone};
use xd_auth::{Answer, Answers};
use xd_core::Evidence;
use xd_core::evidence::{DmarcResult, Senders, SpfResult};
use xd_lookup::{Rounds, RoundsOptions};

/// A message, the world that it comes from, and what SPF and DMARC say of it.
struct Case {
    client: u8,
    message: String,
    expected: (SpfResult, DmarcResult),
}

fn cases() -> Vec<Case> {
    let [whole, _, changed, _] = Keys::shared().messages("ann@news.example.com");
    let case = |client, message: &str, spf, dmarc| Case { client, message: message.to_owned(), expected: (spf, dmarc) };
    vec![
        case(7, &whole, SpfResult::Pass, DmarcResult::Pass),
        case(8, &changed, SpfResult::Pass, DmarcResult::Pass),
        case(9, &changed, SpfResult::Pass, DmarcResult::Pass),
        case(66, &whole, SpfResult::Fail, DmarcResult::Pass),
        case(66, &changed, SpfResult::Fail, DmarcResult::Fail),
    ]
}

fn zone() -> Zone {
    let mut zone = Zone::new().with(&[
        "_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine",
        "news.example.com TXT v=spf1 include:one.example.org include:two.example.org mx ptr:example.net -all",
        "one.example.org TXT v=spf1 a:hosts.example.org ~all",
        "two.example.org TXT v=spf1 exists:%{ir}.allowed.example.org ?all",
        "hosts.example.org A 192.0.2.5",
        "7.2.0.192.allowed.example.org A 127.0.0.2",
        "news.example.com MX 10 mail.example.com",
        "mail.example.com A 192.0.2.8",
        "9.2.0.192.in-addr.arpa PTR nine.example.net",
        "nine.example.net A 192.0.2.9",
    ]);
    for (owner, text) in Keys::shared().records() {
        // No more than 255 octets in a string.
        let (first, rest) = text.split_at(text.len() / 2);
        zone.add(&format!("{owner} TXT {first}|{rest}"));
    }
    zone
}

async fn judged(case: &Case, lost: u64, seed: u64, question: Duration) -> (Evidence, Answers) {
    let server = Server::start(zone().losing(lost, seed)).await;
    let options = RoundsOptions { deadline: question * 10, ..RoundsOptions::default() };
    let mut rounds = Rounds::new(server.resolver_within(question), options);
    let message = parse(&case.message);
    let (envelope, mut evidence) = received(case.client, "<ann@news.example.com>");
    let senders = Senders::of(&envelope, &message, &evidence);
    rounds.run(Keys::shared(), |answers| senders.progress(answers)).await.unwrap();
    senders.fill(rounds.answers(), &mut evidence);
    (evidence, rounds.into_answers())
}

#[tokio::test]
async fn lost_packets_change_no_result() {
    let (mut ran, mut awaiting) = (tokio::task::JoinSet::new(), 0);
    for case in cases() {
        let (full, _) = judged(&case, 0, 1, Duration::from_secs(10)).await;
        let results = (*full.spf.found().unwrap(), full.dmarc.found().unwrap().result);
        assert_eq!(results, case.expected);
        let (case, full) = (Arc::new(case), Arc::new(full));
        for seed in 0..20 {
            let (case, full) = (case.clone(), full.clone());
            ran.spawn(async move {
                let (less, answers) = judged(&case, 30, seed, Duration::from_millis(700)).await;
                let lost = answers.all_records().filter(|(_, answer)| matches!(answer, Answer::Unknown(_))).count();
                (less, full, lost)
            });
        }
    }
    for (less, full, lost) in ran.join_all().await {
        assert!(is_or_awaits(&less.spf, &full.spf), "{:?} where it is {:?}", less.spf, full.spf);
        assert!(is_or_awaits(&less.dkim, &full.dkim), "{:?} where it is {:?}", less.dkim, full.dkim);
        assert!(is_or_awaits(&less.dmarc, &full.dmarc), "{:?} where it is {:?}", less.dmarc, full.dmarc);
        assert!(less == *full || lost > 0);
        awaiting += usize::from(less != *full);
    }
    // Otherwise nothing was tried.
    assert!(awaiting > 0);
}
