//! Lists that work, that refuse, and that list everything or nothing.

use std::time::Duration;

use proptest::prelude::*;
use xd_auth::Absence;

use super::standing::SUSPENSION;
use super::*;

fn list(kind: ListKind) -> List {
    List::new(ListSettings::new(Name::parse("list.example").unwrap(), kind))
}

fn domain(text: &str) -> Item {
    Item::Domain(Name::parse(text).unwrap())
}

fn address(text: &str) -> Item {
    Item::Address(text.parse().unwrap())
}

fn code(text: &str) -> Answer<Record> {
    Answer::Found(vec![Record::A(text.parse().unwrap())])
}

const NONE: Answer<Record> = Answer::Absent(Absence::Name);
const LOST: Answer<Record> = Answer::Unknown(Unknown::Timeout);

/// What a list says of `192.0.2.7` when its two test entries and the item are answered so.
fn said(
    list: &mut List,
    tests: [Answer<Record>; 2],
    entry: Answer<Record>,
    now: Instant,
) -> (Known<Vec<Ipv4Addr>>, Option<Alarm>) {
    let item = address("192.0.2.7");
    let mut answers = Answers::default();
    for question in list.questions(std::slice::from_ref(&item), now) {
        let answer = match question.name.as_str() {
            "2.0.0.127.list.example" => tests[0].clone(),
            "1.0.0.127.list.example" => tests[1].clone(),
            "7.2.0.192.list.example" => entry.clone(),
            other => panic!("{other} was not to be asked"),
        };
        answers.put(question, answer);
    }
    let alarm = list.take_tests(&answers, now);
    let (found, second) = list.entry(&item, &answers, now);
    (found, alarm.or(second))
}

#[test]
fn what_a_first_message_hears() {
    let listed = Known::Found(vec![Ipv4Addr::new(127, 0, 0, 4)]);
    let not_asked = || Known::Unknown(Unknown::NotAsked);
    let cases = [
        ([code("127.0.0.2"), NONE], code("127.0.0.4"), (listed, None)),
        ([code("127.0.0.2"), NONE], NONE, (Known::Absent, None)),
        ([code("127.0.0.2"), NONE], LOST, (Known::Unknown(Unknown::Timeout), None)),
        // It lists everything, or nothing.
        ([code("127.0.0.2"), code("127.0.0.2")], code("127.0.0.4"), (not_asked(), Some(Alarm::ListsEverything))),
        ([NONE, NONE], NONE, (not_asked(), Some(Alarm::ListsNothing))),
        ([NONE, code("127.0.0.2")], NONE, (not_asked(), Some(Alarm::ListsEverything))),
        // Nobody knows what it is worth.
        ([LOST, NONE], code("127.0.0.4"), (not_asked(), None)),
        ([code("127.0.0.2"), LOST], NONE, (not_asked(), None)),
        // It refuses us, in the tests or in the entry.
        (
            [code("127.255.255.254"), code("127.255.255.254")],
            code("127.255.255.254"),
            (not_asked(), Some(Alarm::Refused([127, 255, 255, 254].into()))),
        ),
        (
            [code("127.0.0.2"), NONE],
            code("127.0.0.1"),
            (Known::Unknown(Unknown::Refused), Some(Alarm::Refused([127, 0, 0, 1].into()))),
        ),
        // A domain that was sold, or a resolver that sells searches.
        (
            [code("203.0.113.9"), code("203.0.113.9")],
            code("203.0.113.9"),
            (not_asked(), Some(Alarm::Strange([203, 0, 113, 9].into()))),
        ),
        (
            [code("127.0.0.2"), NONE],
            code("203.0.113.9"),
            (Known::Unknown(Unknown::Malformed), Some(Alarm::Strange([203, 0, 113, 9].into()))),
        ),
    ];
    for (tests, entry, expected) in cases {
        let context = format!("{tests:?} {entry:?}");
        assert_eq!(said(&mut list(ListKind::Addresses), tests, entry, Instant::now()), expected, "{context}");
    }
}

#[test]
fn a_suspended_list_is_left_alone_and_tested_again() {
    let (mut list, now) = (list(ListKind::Addresses), Instant::now());
    let refused = code("127.255.255.252");
    assert!(said(&mut list, [refused.clone(), refused.clone()], refused, now).1.is_some());
    let before = now + SUSPENSION - Duration::from_secs(1);
    assert!(list.questions(&[address("192.0.2.7")], before).is_empty());
    let after = now + SUSPENSION;
    assert_eq!(list.questions(&[address("192.0.2.7")], after).len(), 3);
    let found = said(&mut list, [code("127.0.0.2"), NONE], code("127.0.0.2"), after);
    assert_eq!(found, (Known::Found(vec![Ipv4Addr::new(127, 0, 0, 2)]), None));
}

#[test]
fn trust_outlives_tests_without_answer_for_a_day() {
    let (mut list, now) = (list(ListKind::Addresses), Instant::now());
    assert_eq!(said(&mut list, [code("127.0.0.2"), NONE], NONE, now), (Known::Absent, None));
    // Within the hour there is no test.
    assert_eq!(list.questions(&[address("192.0.2.7")], now + Duration::from_secs(3599)).len(), 1);
    let later = now + Duration::from_secs(23 * 3600);
    assert_eq!(said(&mut list, [LOST, LOST], NONE, later), (Known::Absent, None));
    assert_eq!(list.questions(&[address("192.0.2.7")], later + Duration::from_secs(59)).len(), 1);
    let too_late = now + Duration::from_secs(24 * 3600);
    assert_eq!(said(&mut list, [LOST, LOST], NONE, too_late), (Known::Unknown(Unknown::NotAsked), None));
}

#[test]
fn questions_by_kind() {
    let name = |list: &List, item| list.settings().question(&item).map(|question| question.name.to_string());
    let (addresses, domains) = (list(ListKind::Addresses), list(ListKind::Domains));
    assert_eq!(name(&addresses, address("192.0.2.7")).as_deref(), Some("7.2.0.192.list.example"));
    assert_eq!(name(&addresses, address("::ffff:192.0.2.7")).as_deref(), Some("7.2.0.192.list.example"));
    let six = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.example";
    assert_eq!(name(&addresses, address("2001:db8::7")).as_deref(), Some(six));
    assert_eq!(name(&domains, domain("shop.example")).as_deref(), Some("shop.example.list.example"));
    for private in ["10.0.0.1", "127.0.0.2", "100.64.0.1", "0.0.0.0", "255.255.255.255", "fd00::1", "fe80::1", "::1"] {
        assert_eq!(name(&addresses, address(private)), None, "{private}");
    }
    assert!(name(&addresses, address("100.128.0.1")).is_some());
    assert_eq!(name(&addresses, domain("shop.example")), None);
    assert_eq!(name(&domains, domain(&format!("{0}.{0}.{0}.{0}", "a".repeat(62)))), None);
}

#[test]
fn so_many_domains_are_asked_about() {
    let mut list = list(ListKind::Domains);
    let items: Vec<Item> = (0..30).map(|number| domain(&format!("n{number}.example"))).collect();
    let questions = list.questions(&items, Instant::now());
    assert_eq!(questions.len(), 2 + MOST_DOMAINS);
    assert_eq!(questions[0].name.as_str(), "test.list.example");
    assert_eq!(questions[1].name.as_str(), "invalid.list.example");
}

#[test]
fn codes_and_bits_have_meanings() {
    let mut settings = ListSettings::new(Name::parse("list.example").unwrap(), ListKind::Domains);
    let code = |covers, meaning: &str| Code { covers, meaning: meaning.to_owned() };
    settings.codes = vec![
        code(Covers::Address([127, 0, 0, 10].into()), "dynamic"),
        code(Covers::Bits(8), "phishing"),
        code(Covers::Bits(16), "malware"),
    ];
    assert_eq!(settings.meanings(&[[127, 0, 0, 24].into()]), ["phishing", "malware"]);
    assert_eq!(settings.meanings(&[[127, 0, 0, 10].into()]), ["dynamic", "phishing"]);
    assert!(settings.meanings(&[[127, 0, 0, 4].into()]).is_empty());
}

fn any_answer() -> impl Strategy<Value = Answer<Record>> {
    prop_oneof![
        Just(code("127.0.0.2")),
        Just(code("127.0.0.4")),
        Just(code("127.0.0.1")),
        Just(code("127.255.255.254")),
        Just(code("203.0.113.9")),
        Just(NONE),
        Just(Answer::Absent(Absence::Records)),
        Just(LOST),
        Just(Answer::Unknown(Unknown::Refused)),
    ]
}

proptest! {
    /// Whatever a list answers and when: it counts only within a day after it passed its test, with no alarm since, and by codes that
    /// are codes.
    #[test]
    fn nothing_counts_without_a_test(
        steps in prop::collection::vec((any_answer(), any_answer(), any_answer(), 0..100_000u64), 1..20),
    ) {
        let (mut list, mut now) = (list(ListKind::Addresses), Instant::now());
        let (mut passed, mut alarmed) = (None::<Instant>, None::<Instant>);
        for (there, not_there, entry, wait) in steps {
            now += Duration::from_secs(wait);
            let tested = list.clone().questions(&[], now).len() == 2;
            let passes = matches!(&there, Answer::Found(_)) && matches!(&not_there, Answer::Absent(_));
            let (found, alarm) = said(&mut list, [there, not_there], entry, now);
            if tested && passes && !matches!(alarm, Some(Alarm::ListsEverything | Alarm::ListsNothing)) {
                passed = Some(now);
            }
            if alarm.is_some() {
                alarmed = Some(now);
                passed = None;
                prop_assert!(list.standing().is_suspended(now + SUSPENSION - Duration::from_secs(1)));
            }
            match found {
                Known::Found(codes) => {
                    prop_assert!(passed.is_some_and(|passed| now < passed + Duration::from_secs(24 * 3600)));
                    prop_assert!(codes.iter().all(|code| code.octets() < [127, 1, 0, 0] && code.octets() > [127, 0, 0, 1]));
                }
                Known::Absent => prop_assert!(passed.is_some()),
                Known::Unknown(_) => {}
            }
            if alarmed.is_some_and(|alarmed| now < alarmed + SUSPENSION) {
                prop_assert!(!list.standing().is_trusted(now));
            }
        }
    }
}
