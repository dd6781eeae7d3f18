use proptest::prelude::*;

use super::*;
use crate::{Limits, Message, RuleSource};
use xd_auth::Absence;

const RULES: &str = r#"
    family = "host"
    [[rule]]
    id = "unconfirmed"
    score = "1.00"
    why = "no reverse name leads back"
    when = { in = "evidence.confirmed_name", present = false }
    [[rule]]
    id = "listed"
    score = "3.00"
    why = "the client is listed"
    when = { in = "envelope.client_address", listed_in = "zen.example.net", answers = ["127.0.0.2"] }
    [[rule]]
    id = "forged"
    score = "2.00"
    why = "the author's domain says so"
    when = { in = "evidence.dmarc", equals = ["fail"] }
"#;

const ZEN: &str = "7.2.0.192.zen.example.net";

fn question(name: &str, kind: RecordKind) -> Question {
    Question::new(Name::parse(name).unwrap(), kind)
}

fn with_inquiry<T>(run: impl FnOnce(Inquiry<'_, '_>) -> T) -> T {
    let engine = Engine::compile(vec![RuleSource::new("host.toml", RULES)]).unwrap();
    let envelope = Envelope { client_address: Known::Found("192.0.2.7".parse().unwrap()), ..Envelope::default() };
    let message = Message::parse(b"From: ann@example.com\r\n\r\nHello\r\n", &Limits::default());
    run(Inquiry::new(&engine, &envelope, &message, Evidence::default()))
}

/// What is asked, in order.
fn asked(progress: &Progress<Evidence>) -> Vec<String> {
    let Progress::Wants(wanted) = progress else { return Vec::new() };
    let name = |wanted: &Wanted| match wanted {
        Wanted::Records(question) => question.name.to_string(),
        other => format!("{other:?}"),
    };
    wanted.iter().map(name).collect()
}

fn evidence(progress: Progress<Evidence>) -> Evidence {
    let Progress::Done(evidence) = progress else { panic!("{:?}", asked(&progress)) };
    evidence
}

fn a(address: &str) -> Answer<Record> {
    Answer::Found(vec![Record::A(address.parse().unwrap())])
}

fn names(names: &[&str]) -> Answer<Record> {
    Answer::Found(names.iter().map(|name| Record::Ptr(Name::parse(name).unwrap())).collect())
}

/// All but the names of the client.
fn settled() -> Answers {
    let mut answers = Answers::default();
    answers.put(question(ZEN, RecordKind::A), Answer::Absent(Absence::Name));
    for name in ["_dmarc.example.com", "_dmarc.com"] {
        answers.put(question(name, RecordKind::Txt), Answer::Absent(Absence::Name));
    }
    answers
}

#[test]
fn the_most_decisive_lookup_comes_first_and_rounds_follow() {
    with_inquiry(|mut inquiry| {
        let mut answers = Answers::default();
        let first = inquiry.progress(&answers);
        assert_eq!(asked(&first), [ZEN, "_dmarc.example.com", "7.2.0.192.in-addr.arpa"]);
        answers.put(question("7.2.0.192.in-addr.arpa", RecordKind::Ptr), names(&["a.example.net", "b.example.net"]));
        answers.put(question(ZEN, RecordKind::A), a("127.0.0.2"));
        answers.put(
            question("_dmarc.example.com", RecordKind::Txt),
            Answer::Found(vec![Record::Txt(b"v=DMARC1; p=reject"[..].into())]),
        );
        let second = inquiry.progress(&answers);
        assert_eq!(asked(&second), ["a.example.net", "b.example.net"]);
        answers.put(question("a.example.net", RecordKind::A), Answer::Absent(Absence::Name));
        answers.put(question("b.example.net", RecordKind::A), a("192.0.2.7"));
        let evidence = evidence(inquiry.progress(&answers));
        assert_eq!(evidence.confirmed_name, Known::Found(Domain::parse("b.example.net").unwrap()));
        assert_eq!(inquiry.judge(&evidence).verdict().score.to_string(), "5.00");
    });
}

#[test]
fn a_failed_confirmation_is_not_an_absent_one() {
    with_inquiry(|mut inquiry| {
        let mut answers = settled();
        answers.put(question("7.2.0.192.in-addr.arpa", RecordKind::Ptr), names(&["a.example.net", "b.example.net"]));
        answers.put(question("a.example.net", RecordKind::A), Answer::Unknown(Unknown::Timeout));
        answers.put(question("b.example.net", RecordKind::A), Answer::Absent(Absence::Records));
        assert_eq!(evidence(inquiry.progress(&answers)).confirmed_name, Known::Unknown(Unknown::Timeout));
    });
}

#[test]
fn no_reverse_name_confirms_nothing() {
    with_inquiry(|mut inquiry| {
        let mut answers = settled();
        answers.put(question("7.2.0.192.in-addr.arpa", RecordKind::Ptr), Answer::Absent(Absence::Name));
        let evidence = evidence(inquiry.progress(&answers));
        assert_eq!((&evidence.reverse_names, &evidence.confirmed_name), (&Known::Absent, &Known::Absent));
        assert_eq!(inquiry.judge(&evidence).verdict().score.to_string(), "1.00");
    });
}

#[test]
fn a_list_that_answers_outside_loopback_lies() {
    with_inquiry(|mut inquiry| {
        let mut answers = Answers::default();
        answers.put(question(ZEN, RecordKind::A), a("203.0.113.1"));
        for name in ["_dmarc.example.com", "_dmarc.com"] {
            answers.put(question(name, RecordKind::Txt), Answer::Absent(Absence::Name));
        }
        answers.put(question("7.2.0.192.in-addr.arpa", RecordKind::Ptr), Answer::Unknown(Unknown::ServerFailure));
        let evidence = evidence(inquiry.progress(&answers));
        assert_eq!(evidence.listings.len(), 1);
        assert!(evidence.listings.values().all(|found| *found == Known::Unknown(Unknown::Malformed)));
    });
}

#[test]
fn what_can_change_nothing_is_not_asked() {
    with_inquiry(|mut inquiry| {
        let answers = Answers::default();
        let evidence =
            evidence(inquiry.progress_until(&answers, |judgement| judgement.verdict().high < Score::from_hundredths(1_000)));
        assert_eq!(evidence.dmarc, Known::Unknown(Unknown::NotNeeded));
        assert_eq!(inquiry.spared(), 3);
    });
}

#[test]
fn looking_again_is_as_looking_anew() {
    with_inquiry(|mut inquiry| {
        let mut answers = settled();
        assert!(!asked(&inquiry.progress(&answers)).is_empty());
        answers.put(question("7.2.0.192.in-addr.arpa", RecordKind::Ptr), Answer::Absent(Absence::Name));
        let evidence = evidence(inquiry.progress(&answers));
        let anew = crate::judge(inquiry.engine, inquiry.envelope, inquiry.message, &evidence);
        assert_eq!(inquiry.judge(&evidence), anew);
    });
}

#[test]
fn queries_turn_addresses_round() {
    let zone = Domain::parse("zen.example.net").unwrap();
    let query = |item: Host| Listing { zone: zone.clone(), item }.query().unwrap().to_string();
    assert_eq!(query(Host::Address("192.0.2.7".parse().unwrap())), ZEN);
    assert!(query(Host::Address("2001:db8::1".parse().unwrap())).starts_with("1.0.0.0."));
    assert_eq!(query(Host::Domain(Domain::parse("evil.example").unwrap())), "evil.example.zen.example.net");
}

const SENDERS: &str = r#"
    family = "senders"
    [[rule]]
    id = "forbidden"
    score = "2.00"
    why = "the client is forbidden, and nothing proves the author"
    when = { all = [{ in = "evidence.spf", equals = ["fail"] }, { not = { in = "evidence.dmarc", equals = ["pass"] } }] }
    [[rule]]
    id = "proved"
    score = "-1.50"
    why = "the author is proved"
    when = { in = "evidence.dmarc", equals = ["pass"] }
    [[rule]]
    id = "nameless"
    score = "1.25"
    why = "the host has no name"
    when = { in = "evidence.reverse_name", present = false }
    [[rule]]
    id = "welcome"
    score = "-3.00"
    why = "the client is welcome"
    when = { in = "envelope.client_address", listed_in = "welcome.example.net" }
"#;

/// Asks until `is_settled` and gives least, score and most; a question whose bit is set in `lost` has no answer, `drawn` says what the
/// others answer.
fn bounds(drawn: [u8; 4], lost: u8, mut is_settled: impl FnMut(&Judgement<'_>) -> bool, sparing: bool) -> (Score, Score, Score) {
    let sources = [RULES, SENDERS].map(|rules| RuleSource::new("rules.toml", rules));
    let engine = Engine::compile(sources.into()).unwrap();
    let from =
        crate::ReversePath::Mailbox(Message::parse(b"From: bob@example.org\r\n\r\n", &Limits::default()).from()[0].clone());
    let envelope = Envelope {
        client_address: Known::Found("192.0.2.7".parse().unwrap()),
        reverse_path: Known::Found(from),
        ..Envelope::default()
    };
    let author = if drawn[3].is_multiple_of(2) { "example.org" } else { "example.com" };
    let raw = format!("From: ann@{author}\r\n\r\nHello\r\n");
    let message = Message::parse(raw.as_bytes(), &Limits::default());
    let mut inquiry = Inquiry::new(&engine, &envelope, &message, Evidence::default());
    let mut answers = Answers::default();
    let txt = |text: &str| Answer::Found(vec![Record::Txt(text.as_bytes().into())]);
    loop {
        let progress = if sparing { inquiry.progress_until(&answers, &mut is_settled) } else { inquiry.progress(&answers) };
        let wanted = match progress {
            Progress::Done(evidence) => {
                let judgement = inquiry.judge(&evidence);
                let verdict = judgement.verdict();
                return (verdict.low, verdict.score, verdict.high);
            }
            Progress::Wants(wanted) => wanted,
        };
        for one in wanted {
            let Wanted::Records(question) = one else { panic!("nothing is signed") };
            let name = question.name.as_str().to_owned();
            let (bit, answer) = match question.kind {
                RecordKind::Ptr if drawn[0].is_multiple_of(2) => (0, names(&["a.example.net"])),
                RecordKind::Ptr => (0, Answer::Absent(Absence::Name)),
                RecordKind::Txt if name.starts_with("_dmarc.example") => match drawn[1] % 3 {
                    0 => (1, txt("v=DMARC1; p=reject")),
                    1 => (1, txt("v=DMARC1; p=none; sp=quarantine; np=reject")),
                    _ => (1, Answer::Absent(Absence::Name)),
                },
                RecordKind::Txt if name == "example.org" => match drawn[2] % 3 {
                    0 => (2, txt("v=spf1 ip4:192.0.2.7 -all")),
                    1 => (2, txt("v=spf1 -all")),
                    _ => (2, Answer::Absent(Absence::Records)),
                },
                RecordKind::A if name == "a.example.net" => (3, a("192.0.2.7")),
                RecordKind::A if name == ZEN && drawn[3] & 2 == 0 => (4, a("127.0.0.2")),
                RecordKind::A if name.ends_with("welcome.example.net") && drawn[3] & 4 == 0 => (5, a("127.0.0.2")),
                _ => (6, Answer::Absent(Absence::Name)),
            };
            let is_lost = lost >> bit & 1 == 1;
            answers.put(question, if is_lost { Answer::Unknown(Unknown::Timeout) } else { answer });
        }
    }
}

proptest! {
    /// Whatever is not answered, or not asked: the bounds hold the score of all answers.
    #[test]
    fn bounds_hold_what_all_answers_give(drawn in any::<[u8; 4]>(), lost in any::<u8>(), rounds in 0_usize..6) {
        let (_, full, _) = bounds(drawn, 0, |_| false, false);
        let (low, _, high) = bounds(drawn, lost, |_| false, false);
        prop_assert!(low <= full && full <= high, "{low} {full} {high}");
        let (sparing_low, sparing_full, sparing_high) = bounds(drawn, 0, |_| false, true);
        prop_assert_eq!(sparing_full, full);
        prop_assert!(sparing_low <= full && full <= sparing_high);
        let mut left = rounds;
        let (low, _, high) = bounds(drawn, lost, |_| { left = left.saturating_sub(1); left == 0 }, true);
        prop_assert!(low <= full && full <= high, "after {rounds} rounds: {low} {full} {high}");
    }
}

/// Without a policy nothing else is asked for DMARC.
#[test]
fn without_a_policy_no_other_check_is_needed() {
    with_inquiry(|mut inquiry| {
        let mut first = Answers::default();
        let asked_first = asked(&inquiry.progress_until(&first, |_| false));
        assert_eq!(asked_first, [ZEN, "_dmarc.example.com", "7.2.0.192.in-addr.arpa"]);
        for name in ["_dmarc.example.com", "_dmarc.com"] {
            first.put(question(name, RecordKind::Txt), Answer::Absent(Absence::Name));
        }
        assert_eq!(asked(&inquiry.progress_until(&first, |_| false)), [ZEN, "7.2.0.192.in-addr.arpa"]);
    });
}
