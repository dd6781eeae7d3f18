//! The resolver against a name server that misbehaves: what is absent, what is unknown, and what is asked at all.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use support::{Manner, Server, Zone};
use xd_auth::{Name, Question, Record, RecordKind, Unknown};
use xd_core::Domain;
use xd_lookup::{Absence, Answer, MailHosts, NoMail, Origin, Resolver};

fn question(name: &str, kind: RecordKind) -> Question {
    Question::new(Name::parse(name).unwrap(), kind)
}

async fn ask(resolver: &Resolver, name: &str, kind: RecordKind) -> Answer<Record> {
    resolver.answer(&question(name, kind), Origin::Mail).await
}

#[tokio::test]
async fn records_of_every_kind() {
    let long = vec!["x".repeat(250); 12].join("|");
    let zone = Zone::new().with(&[
        "mail.example A 192.0.2.1",
        "mail.example AAAA 2001:db8::1",
        "example MX 10 mail.example",
        "_dmarc.example TXT v=DMARC1; |p=none",
        "7.2.0.192.in-addr.arpa PTR Mail.Example",
        "www.example CNAME mail.example",
        &format!("long.example TXT {long}"),
    ]);
    let server = Server::start(zone).await;
    let resolver = server.resolver();
    let text = |text: &str| Record::Txt(text.as_bytes().into());
    let host = Name::parse("mail.example").unwrap();
    let cases = [
        ("mail.example", RecordKind::A, Record::A([192, 0, 2, 1].into())),
        ("MAIL.Example", RecordKind::Aaaa, Record::Aaaa("2001:db8::1".parse().unwrap())),
        ("example", RecordKind::Mx, Record::Mx { preference: 10, host: host.clone() }),
        ("_dmarc.example", RecordKind::Txt, text("v=DMARC1; p=none")),
        ("7.2.0.192.in-addr.arpa", RecordKind::Ptr, Record::Ptr(host)),
        ("www.example", RecordKind::A, Record::A([192, 0, 2, 1].into())),
    ];
    for (name, kind, record) in cases {
        assert_eq!(ask(&resolver, name, kind).await, Answer::Found(vec![record]), "{name}");
    }
    assert!(!server.asked_in_all().1);
    // Too long for UDP: truncated there, whole by TCP.
    assert_eq!(ask(&resolver, "long.example", RecordKind::Txt).await, Answer::Found(vec![text(&"x".repeat(3000))]));
    assert!(server.asked_in_all().1);
}

#[tokio::test]
async fn absent_and_unknown_are_kept_apart() {
    let zone = Zone::new()
        .with(&["here.example A 192.0.2.1", "dangling.example CNAME gone.example", "bare.example CNAME here.example"])
        .with(&["far.example CNAME here.example", "a.example CNAME b.example", "b.example CNAME a.example"])
        .with(&["c.example CNAME d.example", "d.example CNAME c.example"])
        .manner("servfail.example", Manner::Code(ResponseCode::ServFail))
        .manner("refused.example", Manner::Code(ResponseCode::Refused))
        .manner("notimp.example", Manner::Code(ResponseCode::NotImp))
        .manner("odd.example", Manner::Code(ResponseCode::Unknown(3000)))
        .manner("silent.example", Manner::Silent)
        .manner("lies.example", Manner::OtherName)
        .manner("question.example", Manner::OtherQuestion)
        .manner("lame.example", Manner::Referral)
        .manner("far.example", Manner::AliasAlone)
        .manner("c.example", Manner::AliasAlone)
        .manner("d.example", Manner::AliasAlone);
    let server = Server::start(zone).await;
    let resolver = server.resolver_within(Duration::from_secs(2));
    let found = Answer::Found(vec![Record::A([192, 0, 2, 1].into())]);
    let unknown = Answer::Unknown;
    let cases = [
        ("gone.example", RecordKind::A, Answer::Absent(Absence::Name)),
        ("here.example", RecordKind::Txt, Answer::Absent(Absence::Records)),
        ("dangling.example", RecordKind::A, Answer::Absent(Absence::Name)),
        ("bare.example", RecordKind::Txt, Answer::Absent(Absence::Records)),
        ("far.example", RecordKind::A, found),
        ("a.example", RecordKind::A, unknown(Unknown::Malformed)),
        ("c.example", RecordKind::A, unknown(Unknown::Malformed)),
        ("servfail.example", RecordKind::A, unknown(Unknown::ServerFailure)),
        ("refused.example", RecordKind::A, unknown(Unknown::Refused)),
        ("notimp.example", RecordKind::A, unknown(Unknown::ServerFailure)),
        ("odd.example", RecordKind::A, unknown(Unknown::ServerFailure)),
        ("silent.example", RecordKind::A, unknown(Unknown::Timeout)),
        ("lies.example", RecordKind::A, unknown(Unknown::Malformed)),
        // Whoever answers another question has not answered; hickory waits on for one who does.
        ("question.example", RecordKind::A, unknown(Unknown::Timeout)),
        ("lame.example", RecordKind::A, unknown(Unknown::ServerFailure)),
    ];
    for (name, kind, said) in cases {
        assert_eq!(ask(&resolver, name, kind).await, said, "{name}");
    }
}

#[tokio::test]
async fn special_names_reach_no_server() {
    let server = Server::start(Zone::new()).await;
    let resolver = server.resolver();
    let names =
        ["localhost", "a.invalid", "x.onion", "printer.local", "a.test", "home.arpa", "db.internal", "1.0.0.10.in-addr.arpa"];
    for name in names {
        assert!(!matches!(ask(&resolver, name, RecordKind::A).await, Answer::Found(_)), "{name}");
    }
    assert_eq!(server.asked_in_all(), (0, false));
    let _ = resolver.answer(&question("db.internal", RecordKind::A), Origin::Site).await;
    assert_eq!(server.asked("db.internal"), 1);
}

#[tokio::test]
async fn equal_questions_are_asked_once_and_kept() {
    let server = Server::start(Zone::new().with(&["a.example A 192.0.2.1"])).await;
    let resolver = server.resolver();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let resolver = resolver.clone();
        asked.spawn(async move { ask(&resolver, "a.example", RecordKind::A).await });
    }
    let answers = asked.join_all().await;
    let first = Answer::Found(vec![Record::A([192, 0, 2, 1].into())]);
    assert!(answers.iter().all(|answer| *answer == first));
    assert_eq!(server.asked("a.example"), 1);
    // Whatever changes: within its time the answer stays, found or absent.
    assert_eq!(ask(&resolver, "b.example", RecordKind::A).await, Answer::Absent(Absence::Name));
    server.change(|zone| {
        zone.remove("a.example");
        zone.add("b.example A 192.0.2.2");
    });
    assert_eq!(ask(&resolver, "a.example", RecordKind::A).await, first);
    assert_eq!(ask(&resolver, "b.example", RecordKind::A).await, Answer::Absent(Absence::Name));
    assert_eq!((server.asked("a.example"), server.asked("b.example")), (1, 1));
}

#[tokio::test]
async fn failures_and_answers_without_time_are_not_kept() {
    let zone = Zone::new().ttl(0).with(&["a.example A 192.0.2.1"]);
    let server = Server::start(zone.manner("f.example", Manner::Code(ResponseCode::Refused))).await;
    let resolver = server.resolver();
    for name in ["a.example", "f.example", "none.example"] {
        let _ = ask(&resolver, name, RecordKind::A).await;
        let before = server.asked(name);
        let _ = ask(&resolver, name, RecordKind::A).await;
        assert!(server.asked(name) > before, "{name}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_waits_for_is_still_learned() {
    let server = Server::start(Zone::new().with(&["a.example A 192.0.2.1"])).await;
    let resolver = server.resolver();
    let asked = question("a.example", RecordKind::A);
    // Polled once, and given up. A timer would race with the answer.
    {
        let mut given_up = pin!(resolver.answer(&asked, Origin::Mail));
        let is_pending = poll_fn(|context| Poll::Ready(given_up.as_mut().poll(context).is_pending())).await;
        assert!(is_pending);
    }
    assert!(matches!(resolver.answer(&asked, Origin::Mail).await, Answer::Found(_)));
    assert_eq!(server.asked("a.example"), 1);
}

#[tokio::test]
async fn hosts_that_take_mail_and_names_of_clients() {
    let zone = Zone::new().with(&[
        "example MX 10 mail.example",
        "mail.example A 192.0.2.7",
        "null.example MX 0 .",
        "7.2.0.192.in-addr.arpa PTR other.example",
        "7.2.0.192.in-addr.arpa PTR mail.example",
        "other.example A 192.0.2.8",
    ]);
    let server = Server::start(zone).await;
    let resolver = server.resolver();
    let domain = |text| Domain::parse(text).unwrap();
    let MailHosts::Hosts(hosts) = resolver.mail_hosts(&domain("example"), 0).await else { panic!() };
    assert_eq!(hosts[0].name, domain("mail.example"));
    assert_eq!(resolver.mail_hosts(&domain("null.example"), 0).await, MailHosts::None(NoMail::Null));
    assert_eq!(resolver.mail_hosts(&domain("gone.example"), 0).await, MailHosts::None(NoMail::NoDomain));
    let names = resolver.client_names([192, 0, 2, 7].into(), Duration::from_secs(5)).await;
    assert_eq!(names.confirmed.found(), Some(&domain("mail.example")));
    assert_eq!(names.reverse.found().map(Vec::len), Some(2));
}
