//! One fact each: what DNS has, who sends, and what comes of it. Expectations come from RFC 7208, section by section.

use xd_auth::Unknown;
use xd_auth::spf::{Course, Options, Outcome, Reason, Sender, SpfResult};

use crate::world::World;

const CLIENT: &str = "192.0.2.7";

fn sender<'a>(client: &str, mailbox: &'a str) -> Sender<'a> {
    let reverse_path = if mailbox.is_empty() { None } else { Some(mailbox) };
    Sender { client: client.parse().unwrap(), ehlo: "mail.example.org", reverse_path, receiver: "mx.example.net", now: 0 }
}

fn check(lines: &[&str]) -> Outcome {
    World::of(lines).check(&sender(CLIENT, "ann@example.com"), &Options::default(), usize::MAX).0
}

fn result(lines: &[&str]) -> SpfResult {
    check(lines).result
}

fn asked(lines: &[&str]) -> Vec<String> {
    let (_, asked) = World::of(lines).check(&sender(CLIENT, "ann@example.com"), &Options::default(), usize::MAX);
    asked.into_iter().map(|question| format!("{} {:?}", question.name, question.kind)).collect()
}

#[test]
fn null_reverse_path_is_postmaster_at_the_ehlo_domain() {
    let world = World::of(&[
        "mail.example.org TXT v=spf1 exists:%{l}.%{o}.x.example -all",
        "postmaster.mail.example.org.x.example A 127.0.0.2",
    ]);
    let (outcome, _) = world.check(&sender(CLIENT, ""), &Options::default(), usize::MAX);
    assert_eq!(outcome.result, SpfResult::Pass);
    assert_eq!(outcome.domain.unwrap().as_str(), "mail.example.org");
}

#[test]
fn texts_that_are_no_domain_ask_nothing() {
    for mailbox in ["ann@localhost", "ann@[192.0.2.1]", "ann@a..example", "ann@", "ann@caf\u{e9}.example"] {
        let (outcome, asked) = World::default().check(&sender(CLIENT, mailbox), &Options::default(), usize::MAX);
        assert_eq!((outcome.result, outcome.reason, asked.len()), (SpfResult::None, Reason::NoDomain, 0), "{mailbox}");
    }
}

#[test]
fn lookups_at_their_limit() {
    let at = "example.com TXT v=spf1 a a a a a a a a a a -all";
    let over = "example.com TXT v=spf1 a a a a a a a a a a a -all";
    let address = "example.com A 192.0.2.1";
    assert_eq!((check(&[at, address]).result, check(&[at, address]).lookups), (SpfResult::Fail, 10));
    assert_eq!((check(&[over, address]).result, check(&[over, address]).reason), (SpfResult::PermError, Reason::TooManyLookups));
}

#[test]
fn loops_end() {
    assert_eq!(result(&["example.com TXT v=spf1 include:example.com"]), SpfResult::PermError);
    assert_eq!(result(&["example.com TXT v=spf1 redirect=example.com"]), SpfResult::PermError);
    assert_eq!(
        result(&["example.com TXT v=spf1 include:a.example", "a.example TXT v=spf1 redirect=example.com"]),
        SpfResult::PermError
    );
}

#[test]
fn voids_at_their_limit_which_may_be_set() {
    let lines = &["example.com TXT v=spf1 a:a.example mx:b.example exists:c.example ?all"];
    assert_eq!(check(lines).reason, Reason::TooManyVoids);
    let world = World::of(lines);
    let (outcome, _) = world.check(&sender(CLIENT, "ann@example.com"), &Options { voids: 3, ..Options::default() }, usize::MAX);
    assert_eq!((outcome.result, outcome.voids), (SpfResult::Neutral, 3));
}

#[test]
fn hosts_without_addresses_make_one_void_term() {
    let outcome = check(&[
        "example.com TXT v=spf1 mx -all",
        "example.com MX 10 a.example",
        "example.com MX 10 b.example",
        "example.com MX 20 c.example",
    ]);
    assert_eq!((outcome.result, outcome.voids), (SpfResult::Fail, 1));
}

#[test]
fn hosts_are_asked_for_in_one_round_and_at_most_ten() {
    let mut lines = vec!["example.com TXT v=spf1 mx -all".to_owned()];
    lines.extend((0..10).map(|n| format!("example.com MX {n} h{n}.example")));
    lines.extend((0..10).map(|n| format!("h{n}.example A 192.0.2.1")));
    let result = |lines: &[String]| result(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(result(&lines), SpfResult::Fail);
    lines.push("example.com MX 10 h10.example".to_owned());
    assert_eq!(result(&lines), SpfResult::PermError);
    // One of the first ten matches before there are too many.
    lines.push("h9.example A 192.0.2.7".to_owned());
    assert_eq!(result(&lines), SpfResult::Pass);
}

#[test]
fn nothing_is_asked_ahead() {
    assert_eq!(asked(&["example.com TXT v=spf1 ip4:192.0.2.0/24 include:a.example mx -all"]), ["example.com Txt"],);
    assert_eq!(
        asked(&["example.com TXT v=spf1 a include:a.example mx -all", "example.com A 192.0.2.7"]),
        ["example.com Txt", "example.com A"],
    );
    // Only names that could match are asked for.
    assert_eq!(
        asked(&[
            "example.com TXT v=spf1 ptr -all",
            "7.2.0.192.in-addr.arpa PTR x.example.org",
            "7.2.0.192.in-addr.arpa PTR y.example.com"
        ]),
        ["example.com Txt", "7.2.0.192.in-addr.arpa Ptr", "y.example.com A"],
    );
}

#[test]
fn results_of_include() {
    for (included, expected) in [
        ("a.example TXT v=spf1 +all", SpfResult::SoftFail),
        ("a.example TXT v=spf1 -all", SpfResult::Fail),
        ("a.example TXT v=spf1 ~all", SpfResult::Fail),
        ("a.example TXT v=spf1 ?all", SpfResult::Fail),
        ("a.example TXT v=spf1", SpfResult::Fail),
        ("a.example TXT v=spf1 moo", SpfResult::PermError),
        ("a.example TXT ?", SpfResult::TempError),
        ("a.example TXT other", SpfResult::PermError),
        ("b.example TXT v=spf1 +all", SpfResult::PermError),
    ] {
        assert_eq!(result(&["example.com TXT v=spf1 ~include:a.example -all", included]), expected, "{included}");
    }
}

#[test]
fn several_records_are_an_error() {
    assert!(matches!(check(&["example.com TXT v=spf1 +all", "example.com TXT v=spf1 +all"]).reason, Reason::SeveralRecords(_)));
    assert_eq!(result(&["example.com TXT v=spf1 +all", "example.com TXT v=spf10 -all"]), SpfResult::Pass);
}

#[test]
fn errors_are_told_with_their_term() {
    let outcome = check(&["example.com TXT v=spf1 +all ip4:192.0.2.1/33"]);
    assert_eq!(outcome.reason.to_string().split(':').next(), Some("\"ip4"));
    assert!(matches!(outcome.reason, Reason::Syntax { term, .. } if &*term == "ip4:192.0.2.1/33"));
}

#[test]
fn unknown_answers_end_the_check() {
    for lines in [
        &["example.com TXT ?"][..],
        &["example.com TXT v=spf1 a +all", "example.com A ?"],
        &["example.com TXT v=spf1 mx +all", "example.com MX ?"],
        &["example.com TXT v=spf1 mx +all", "example.com MX 1 a.example", "a.example A ?"],
        &["example.com TXT v=spf1 exists:a.example +all", "a.example A ?"],
        &["example.com TXT v=spf1 redirect=a.example", "a.example TXT ?"],
    ] {
        let outcome = check(lines);
        assert_eq!(outcome.result, SpfResult::TempError, "{lines:?}");
        assert!(matches!(outcome.reason, Reason::Unknown { why: Unknown::Timeout, .. }), "{lines:?}");
    }
}

#[test]
fn a_host_that_matches_settles_what_others_would_answer() {
    let lines = [
        "example.com TXT v=spf1 mx -all",
        "example.com MX 1 a.example",
        "example.com MX 2 b.example",
        "a.example A ?",
        "b.example A 192.0.2.7",
    ];
    assert_eq!(result(&lines), SpfResult::Pass);
}

#[test]
fn names_of_the_client_that_are_not_known_are_passed_over_and_told() {
    let outcome = check(&["example.com TXT v=spf1 ptr -all", "7.2.0.192.in-addr.arpa PTR ?"]);
    assert_eq!((outcome.result, outcome.unsure), (SpfResult::Fail, Some(Unknown::Timeout)));
    assert_eq!(outcome.steps[0].course, Course::Unknown(Unknown::Timeout));
    let name = "7.2.0.192.in-addr.arpa PTR a.example.com";
    let outcome = check(&["example.com TXT v=spf1 ptr -all", name, "a.example.com A ?"]);
    assert_eq!((outcome.result, outcome.unsure), (SpfResult::Fail, Some(Unknown::Timeout)));
    let outcome = check(&["example.com TXT v=spf1 ptr -all", name, "a.example.com A 192.0.2.7"]);
    assert_eq!((outcome.result, outcome.unsure), (SpfResult::Pass, None));
}

#[test]
fn a_name_of_the_client_counts_as_one_lookup_for_its_macro() {
    let outcome = check(&[
        "example.com TXT v=spf1 exists:%{p}.a.example exists:%{p}.b.example -all",
        "7.2.0.192.in-addr.arpa PTR mail.example.com",
        "mail.example.com A 192.0.2.7",
        "mail.example.com.b.example A 127.0.0.2",
    ]);
    assert_eq!((outcome.result, outcome.lookups, outcome.voids), (SpfResult::Pass, 3, 1));
}

#[test]
fn explanations_come_from_the_record_that_fails() {
    let text = "why.example.com TXT %{i} may not send as %{s} to %{r} (%{d})";
    let outcome = check(&["example.com TXT v=spf1 -all exp=why.%{d}", text]);
    assert_eq!(outcome.explanation.as_deref(), Some("192.0.2.7 may not send as ann@example.com to mx.example.net (example.com)"));
    for lines in [
        &["example.com TXT v=spf1 ~all exp=why.%{d}", text][..],
        &["example.com TXT v=spf1 redirect=a.example exp=why.%{d}", "a.example TXT v=spf1 -all", text],
        &["example.com TXT v=spf1 -all exp=why.%{d}", text, "why.example.com TXT more"],
        &["example.com TXT v=spf1 -all exp=why.%{d}", "why.example.com TXT ?"],
        &["example.com TXT v=spf1 -all exp=why.%{d}", "why.example.com TXT caf\u{e9}"],
    ] {
        assert_eq!(check(lines).explanation, None, "{lines:?}");
    }
    let world = World::of(&["example.com TXT v=spf1 -all exp=why.%{d}", text]);
    let (outcome, asked) = world.check(&sender(CLIENT, "ann@example.com"), &Options { explain: false, ..Options::default() }, 1);
    assert_eq!((outcome.explanation, asked.len()), (None, 1));
}

#[test]
fn mapped_clients_are_those_of_ipv4() {
    let world = World::of(&["example.com TXT v=spf1 a -all", "example.com A 192.0.2.7"]);
    let (outcome, _) = world.check(&sender("::ffff:192.0.2.7", "ann@example.com"), &Options::default(), usize::MAX);
    assert_eq!(outcome.result, SpfResult::Pass);
    assert_eq!(result(&["example.com TXT v=spf1 ip6:::ffff:192.0.2.0/120 -all"]), SpfResult::Pass);
    assert_eq!(result(&["example.com TXT v=spf1 ip6:::/0 -all"]), SpfResult::Fail);
}

#[test]
fn steps_tell_the_way() {
    let outcome = check(&[
        "example.com TXT v=spf1 ip4:198.51.100.1 include:a.example exists:b.example redirect=c.example",
        "a.example TXT v=spf1 -mx",
        "a.example MX 0 .",
        "c.example TXT v=spf1 ?all",
    ]);
    let steps: Vec<String> =
        outcome.steps.iter().map(|step| format!("{} {} {} {}", step.depth, step.domain, step.term, step.course)).collect();
    assert_eq!(
        steps,
        [
            "0 example.com include:a.example leads on",
            "1 a.example -mx does not match",
            "0 example.com include:a.example does not match",
            "0 example.com exists:b.example finds nothing",
            "0 example.com redirect=c.example leads on",
            "0 c.example ?all matches",
        ]
    );
    assert_eq!((outcome.result, outcome.lookups, outcome.voids), (SpfResult::Neutral, 4, 1));
    assert_eq!(outcome.reason.to_string(), "?all in the record of c.example matches");
}
