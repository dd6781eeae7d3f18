//! Checks in rounds against servers that lose packets, say nothing, or are not there: always judged, and never wrongly.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use support::{Manner, Server, Zone};
use xd_auth::{Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};
use xd_core::Known;
use xd_lookup::lists::{Item, List, ListKind, ListSettings};
use xd_lookup::{Absence, Answer, Endless, NoSignatures, Origin, Resolver, Rounds, RoundsOptions};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn address(text: &str) -> Question {
    Question::new(name(text), RecordKind::A)
}

/// A check that follows texts from name to name, as SPF follows `redirect=`, and tells the last.
fn follow(first: &str) -> impl FnMut(&Answers) -> Progress<(String, Answer<Record>)> {
    move |answers| {
        let mut at = first.to_owned();
        loop {
            let question = Question::new(name(&at), RecordKind::Txt);
            match answers.records(&question) {
                None => return Progress::Wants(vec![Wanted::Records(question)]),
                Some(Answer::Found(records)) => match &records[0] {
                    Record::Txt(next) if **next != *b"end" => at = String::from_utf8(next.to_vec()).unwrap(),
                    _ => return Progress::Done((at, Answer::Found(records.clone()))),
                },
                Some(other) => return Progress::Done((at, other.clone())),
            }
        }
    }
}

#[tokio::test]
async fn a_check_runs_until_it_is_done() {
    let server =
        Server::start(Zone::new().with(&["a.example TXT b.example", "b.example TXT c.example", "c.example TXT end"])).await;
    let mut rounds = Rounds::new(server.resolver(), RoundsOptions::default());
    let (last, answer) = rounds.run(&NoSignatures, follow("a.example")).await.unwrap();
    assert_eq!((last.as_str(), answer), ("c.example", Answer::Found(vec![Record::Txt(b"end"[..].into())])));
    assert_eq!(rounds.answers().all_records().count(), 3);
    // The same answers give the same outcome, without a server.
    let answers = rounds.into_answers();
    assert!(matches!(follow("a.example")(&answers), Progress::Done((last, _)) if last == "c.example"));
}

#[tokio::test]
async fn the_budget_holds_for_all_checks_of_a_message() {
    let server = Server::start(Zone::new()).await;
    let mut rounds = Rounds::new(server.resolver(), RoundsOptions { questions: 10, ..RoundsOptions::default() });
    rounds.ask((0..8).map(|number| address(&format!("a{number}.example")))).await;
    rounds.ask((0..8).map(|number| address(&format!("b{number}.example")))).await;
    // What was asked once costs nothing again.
    rounds.ask((0..8).map(|number| address(&format!("a{number}.example")))).await;
    let count = |answer| rounds.answers().all_records().filter(|(_, known)| **known == answer).count();
    assert_eq!(count(Answer::Absent(Absence::Name)), 10);
    assert_eq!(count(Answer::Unknown(Unknown::NotAsked)), 6);
    assert_eq!(server.asked_in_all().0, 10);
}

#[tokio::test]
async fn a_check_without_end_is_ended() {
    let mut rounds = Rounds::new(Resolver::off(), RoundsOptions::default());
    let known = rounds.run(&NoSignatures, |_| Progress::<()>::Wants(vec![Wanted::Records(address("a.example"))])).await;
    assert_eq!(known, Err(Endless));
    let mut number = 0;
    let ever_new = rounds.run(&NoSignatures, |_| {
        number += 1;
        Progress::<()>::Wants(vec![Wanted::Records(address(&format!("n{number}.example")))])
    });
    assert_eq!(ever_new.await, Err(Endless));
}

#[tokio::test]
async fn lost_packets_are_never_absences() {
    for seed in [1, 2, 3] {
        let mut zone = Zone::new().losing(30, seed);
        let mut truth = BTreeMap::new();
        for number in 0..90 {
            let asked = address(&format!("n{number}.example"));
            let said = match number % 3 {
                0 => {
                    zone.add(&format!("{} A 192.0.2.{number}", asked.name));
                    Answer::Found(vec![Record::A([192, 0, 2, number].into())])
                }
                1 => {
                    zone.add(&format!("{} TXT something else", asked.name));
                    Answer::Absent(Absence::Records)
                }
                _ => Answer::Absent(Absence::Name),
            };
            truth.insert(asked, said);
        }
        let server = Server::start(zone).await;
        // So short that some are lost for good.
        let options = RoundsOptions { deadline: Duration::from_millis(900), ..RoundsOptions::default() };
        let mut rounds = Rounds::new(server.resolver(), options);
        rounds.ask(truth.keys().cloned()).await;
        let (mut right, mut unknown) = (0, 0);
        for (question, answer) in rounds.answers().all_records() {
            match answer {
                Answer::Unknown(why) => {
                    assert_eq!(*why, Unknown::Timeout);
                    unknown += 1;
                }
                known => {
                    assert_eq!(known, &truth[question], "{question:?}");
                    right += 1;
                }
            }
        }
        assert_eq!(right + unknown, 90);
        assert!(right >= 10, "{right} of 90 by seed {seed}");
    }
}

#[tokio::test]
async fn a_dead_server_holds_nobody_up() {
    let mut zone = Zone::new();
    for message in 0..60 {
        for number in 0..20 {
            zone = zone.manner(&format!("n{number}.m{message}.example"), Manner::Silent);
        }
    }
    let server = Server::start(zone).await;
    let resolver = server.resolver_within(Duration::from_secs(5));
    let (start, mut messages) = (Instant::now(), tokio::task::JoinSet::new());
    for message in 0..60 {
        let resolver = resolver.clone();
        messages.spawn(async move {
            let options = RoundsOptions { deadline: Duration::from_millis(400), ..RoundsOptions::default() };
            let mut rounds = Rounds::new(resolver, options);
            rounds.ask((0..20).map(|number| address(&format!("n{number}.m{message}.example")))).await;
            let answers = rounds.into_answers();
            assert!(answers.all_records().all(|(_, answer)| *answer == Answer::Unknown(Unknown::Timeout)));
            answers.all_records().count()
        });
    }
    // Delivery is not held up by what mail names.
    server.change(|zone| zone.add("mail.example A 192.0.2.1"));
    let other = resolver.answer(&address("mail.example"), Origin::Site).await;
    assert_eq!(other, Answer::Found(vec![Record::A([192, 0, 2, 1].into())]));
    assert_eq!(messages.join_all().await.iter().sum::<usize>(), 1200);
    // All at their deadline, long before the first question is given up.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    // 1,200 were wanted; no more than 96 of those are open, so no more names reached the server.
    let names = (0..60).flat_map(|message| (0..20).map(move |number| format!("n{number}.m{message}.example")));
    let reached = names.filter(|name| server.asked(name) > 0).count();
    assert!((1..=96).contains(&reached), "{reached}");
}

#[tokio::test]
async fn a_list_is_tested_with_the_first_message() {
    let zone = Zone::new().with(&["2.0.0.127.list.example A 127.0.0.2", "7.2.0.192.list.example A 127.0.0.4"]);
    let server = Server::start(zone).await;
    let mut list = List::new(ListSettings::new(name("list.example"), ListKind::Addresses));
    let items = [Item::Address([192, 0, 2, 7].into()), Item::Address([192, 0, 2, 8].into())];
    let now = tokio::time::Instant::now();
    let mut rounds = Rounds::new(server.resolver(), RoundsOptions::default());
    rounds.ask(list.questions(&items, now)).await;
    assert_eq!(list.take_tests(rounds.answers(), now), None);
    assert_eq!(list.entry(&items[0], rounds.answers(), now), (Known::Found(vec![[127, 0, 0, 4].into()]), None));
    assert_eq!(list.entry(&items[1], rounds.answers(), now), (Known::Absent, None));
}
