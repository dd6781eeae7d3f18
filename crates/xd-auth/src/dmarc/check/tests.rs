use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{Policy, author_domain};
use super::*;
use crate::Record;

/// Records by name, texts of `_dmarc` names or addresses; `?` stands for an answer that does not come.
type Zone<'z> = &'z [(&'z str, &'z str)];

fn answer(zone: Zone<'_>, question: &Question) -> Answer<Record> {
    let texts: Vec<&str> = zone.iter().filter(|(name, _)| *name == question.name.as_str()).map(|(_, text)| *text).collect();
    match (texts.as_slice(), question.kind) {
        ([], _) => Answer::Absent(Absence::Name),
        (["?"], _) => Answer::Unknown(Unknown::Timeout),
        (texts, RecordKind::Txt) => Answer::Found(texts.iter().map(|text| Record::Txt(text.as_bytes().into())).collect()),
        _ => Answer::Absent(Absence::Records),
    }
}

/// The outcome, and what was asked in each round.
fn run(subject: &Subject, mut answer: impl FnMut(&Question) -> Answer<Record>) -> (Outcome, Vec<Vec<Question>>) {
    let (mut answers, mut rounds) = (Answers::default(), Vec::new());
    loop {
        match check(subject, &answers) {
            Progress::Done(outcome) => return (outcome, rounds),
            Progress::Wants(wanted) => {
                let questions: Vec<Question> = (wanted.into_iter())
                    .map(
                        |wanted| {
                            if let Wanted::Records(question) = wanted { question } else { panic!("only records are asked for") }
                        },
                    )
                    .collect();
                assert!(!questions.is_empty());
                for (place, question) in questions.iter().enumerate() {
                    assert!(
                        !questions[..place].contains(question) && answers.records(question).is_none(),
                        "asked twice: {question:?}"
                    );
                    answers.put(question.clone(), answer(question));
                }
                rounds.push(questions);
                assert!(rounds.len() <= 5);
            }
        }
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A subject: `author | SPF=result | DKIM=result ...`, where a result is `pass`, `temp` or `fail`.
fn subject(text: &str) -> Subject {
    let mut parts = text.split('|').map(str::trim);
    let author = author_domain(1, [format!("a@{}", parts.next().unwrap()).as_str()]);
    let pair = |text: &str| text.split_once('=').map(|(domain, result)| (name(domain), result.to_owned()));
    let spf = parts.next().and_then(pair).map(|(domain, result)| {
        let result = match &*result {
            "pass" => SpfResult::Pass,
            "temp" => SpfResult::TempError,
            _ => SpfResult::SoftFail,
        };
        (domain, result)
    });
    let dkim = parts.next().unwrap_or_default().split_whitespace().filter_map(pair).map(|(domain, result)| {
        let result = match &*result {
            "pass" => DkimResult::Pass,
            "temp" => DkimResult::TempError,
            _ => DkimResult::Fail,
        };
        (domain, result)
    });
    Subject { author, spf, dkim: dkim.collect() }
}

fn names(rounds: &[Vec<Question>]) -> Vec<Vec<&str>> {
    rounds.iter().map(|round| round.iter().map(|question| question.name.as_str()).collect()).collect()
}

const REJECT: (&str, &str) = ("_dmarc.example.com", "v=DMARC1; p=reject");

#[test]
fn results_and_policies() {
    use DmarcResult::{Fail, None as NoResult, Pass, TempError};
    use Policy::{None as NoPolicy, Quarantine, Reject};
    for (about, zone, result, policy) in [
        ("example.com | | example.com=pass", &[REJECT][..], Pass, Some(Reject)),
        ("example.com | example.com=pass |", &[REJECT], Pass, Some(Reject)),
        ("mail.example.com | | example.com=pass", &[REJECT], Pass, Some(Reject)),
        ("example.com | bounce.example.com=pass | example.net=pass", &[REJECT], Pass, Some(Reject)),
        ("example.com | example.com=fail | example.com=fail", &[REJECT], Fail, Some(Reject)),
        ("example.com | example.net=pass | example.org=pass", &[REJECT], Fail, Some(Reject)),
        ("example.com | example.com=pass | example.com=pass", &[], NoResult, None),
        // Strict alignment wants the same domain, of the mechanism that says so.
        ("a.example.com | | example.com=pass", &[("_dmarc.example.com", "v=DMARC1; p=none; adkim=s")], Fail, Some(NoPolicy)),
        ("a.example.com | | example.com=pass", &[("_dmarc.example.com", "v=DMARC1; p=none; aspf=s")], Pass, Some(NoPolicy)),
        ("a.example.com | example.com=pass |", &[("_dmarc.example.com", "v=DMARC1; p=none; aspf=s")], Fail, Some(NoPolicy)),
        // On trial.
        ("example.com", &[("_dmarc.example.com", "v=DMARC1; p=reject; t=y")], Fail, Some(Quarantine)),
        ("example.com", &[("_dmarc.example.com", "v=DMARC1; p=quarantine; t=y")], Fail, Some(NoPolicy)),
        // Several records at the author domain are none; the organization's applies.
        (
            "a.example.com",
            &[("_dmarc.a.example.com", "v=DMARC1; p=none"), ("_dmarc.a.example.com", "v=DMARC1; p=none"), REJECT],
            Fail,
            Some(Reject),
        ),
        // A record without policy and reports ends the search.
        ("example.com | example.com=pass |", &[("_dmarc.example.com", "v=DMARC1; adkim=s")], NoResult, None),
        // A public suffix speaks for organizations that do not, and its own sp= is what they get.
        ("bank.example", &[("_dmarc.example", "v=DMARC1; p=none; sp=quarantine; psd=y")], Fail, Some(Quarantine)),
        (
            "a.bank.example",
            &[("_dmarc.example", "v=DMARC1; p=reject; psd=y"), ("_dmarc.bank.example", "v=DMARC1; p=none")],
            Fail,
            Some(NoPolicy),
        ),
        // Two organizations below a public suffix are not aligned, though both lie below its record.
        (
            "giant.bank.example | | mega.bank.example=pass",
            &[("_dmarc.bank.example", "v=DMARC1; p=none; psd=y")],
            Fail,
            Some(NoPolicy),
        ),
        // A part of an organization that declares itself another.
        (
            "a.b.example.com | | example.com=pass",
            &[REJECT, ("_dmarc.b.example.com", "v=DMARC1; p=none; psd=n")],
            Fail,
            Some(NoPolicy),
        ),
        (
            "a.example.com | | x.b.example.com=pass",
            &[REJECT, ("_dmarc.b.example.com", "v=DMARC1; p=none; psd=n")],
            Fail,
            Some(Reject),
        ),
        // What is not known leaves the result open, unless another domain passes.
        ("example.com", &[("_dmarc.example.com", "?")], TempError, None),
        ("a.example.com", &[("_dmarc.example.com", "?")], TempError, None),
        ("example.com | a.example.com=pass |", &[REJECT, ("_dmarc.com", "?")], TempError, None),
        ("example.com | a.example.com=pass | example.com=pass", &[REJECT, ("_dmarc.com", "?")], Pass, Some(Reject)),
        ("example.com | | example.com=temp", &[REJECT], TempError, None),
        ("example.com | | a.example.com=temp", &[REJECT], TempError, None),
        ("example.com | | example.net=temp", &[REJECT], Fail, Some(Reject)),
        ("example.com | example.com=temp | example.com=pass", &[REJECT], Pass, Some(Reject)),
    ] {
        let (outcome, rounds) = run(&subject(about), |question| answer(zone, question));
        assert_eq!((outcome.result, outcome.policy), (result, policy), "{about} {zone:?} {rounds:?}");
    }
}

#[test]
fn existence_is_asked_for_only_when_it_changes_the_policy() {
    let np = ("_dmarc.example.com", "v=DMARC1; p=reject; sp=none; np=quarantine");
    for (about, zone, policy, asked) in [
        ("a.example.com", &[np][..], Some(Policy::Quarantine), true),
        ("a.example.com", &[np, ("a.example.com", "192.0.2.1")], Some(Policy::None), true),
        ("a.example.com", &[np, ("a.example.com", "?")], None, true),
        ("example.com", &[np], Some(Policy::Reject), false),
        ("a.example.com | | example.com=pass", &[np], Some(Policy::None), false),
        ("a.example.com", &[("_dmarc.example.com", "v=DMARC1; p=reject; np=reject")], Some(Policy::Reject), false),
    ] {
        let (outcome, rounds) = run(&subject(about), |question| answer(zone, question));
        assert_eq!(outcome.policy, policy, "{about} {zone:?}");
        assert_eq!(rounds.iter().flatten().any(|question| question.kind == RecordKind::A), asked, "{about} {zone:?}");
    }
}

#[test]
fn questions_are_few() {
    for (about, zone, expected) in [
        // The author's own record and domain: one question.
        ("example.com | example.net=pass | example.com=pass", &[REJECT][..], &[&["_dmarc.example.com"][..]][..]),
        ("example.com | example.com=fail |", &[REJECT], &[&["_dmarc.example.com"]]),
        // The others in one round, and the signature's domain is answered by then.
        (
            "mail.example.com | | example.com=pass",
            &[REJECT],
            &[&["_dmarc.mail.example.com"], &["_dmarc.example.com", "_dmarc.com"]],
        ),
        // A domain outside the author's organization costs nothing more; one of another top-level domain nothing at all.
        ("example.com | | a.b.c.test.com=pass", &[REJECT], &[&["_dmarc.example.com"], &["_dmarc.com"]]),
        ("example.com | | example.net=pass", &[REJECT], &[&["_dmarc.example.com"]]),
        ("example.com | | a.example.com=pass", &[REJECT], &[&["_dmarc.example.com"], &["_dmarc.com"], &["_dmarc.a.example.com"]]),
    ] {
        let (_, rounds) = run(&subject(about), |question| answer(zone, question));
        assert_eq!(names(&rounds), expected, "{about}");
    }
}

#[test]
fn signatures_beyond_the_limit_are_as_if_not_there() {
    for (count, result) in [(MAX_WALKED, DmarcResult::Pass), (MAX_WALKED + 1, DmarcResult::Fail)] {
        let mut subject = subject("example.com");
        subject.dkim = (1..=count).map(|n| (name(&format!("a{n}.example.com")), DkimResult::Pass)).collect();
        // All but the last are organizations of their own.
        let zone = |question: &Question| match question.name.as_str() {
            "_dmarc.example.com" => answer(&[REJECT], question),
            own if own.starts_with("_dmarc.a") && own != format!("_dmarc.a{count}.example.com") => {
                Answer::Found(vec![Record::Txt(b"v=DMARC1; psd=n"[..].into())])
            }
            _ => Answer::Absent(Absence::Name),
        };
        assert_eq!(run(&subject, zone).0.result, result, "{count}");
    }
}

#[test]
fn without_one_author_domain() {
    for (fault, result) in [
        (AuthorFault::Absent, DmarcResult::None),
        (AuthorFault::Repeated, DmarcResult::PermError),
        (AuthorFault::Several, DmarcResult::PermError),
        (AuthorFault::NotAName, DmarcResult::PermError),
    ] {
        let subject = Subject { author: Err(fault), ..subject("example.com | example.com=pass |") };
        let (outcome, rounds) = run(&subject, |_| panic!("nothing is asked"));
        assert_eq!((outcome.result, outcome.reason, outcome.policy, rounds.len()), (result, Reason::Author(fault), None, 0));
    }
}

#[test]
fn the_path_is_told() {
    let (outcome, _) = run(&subject("a.example.co.uk"), |question| answer(&[("_dmarc.co.uk", "v=DMARC1; p=none")], question));
    let steps: Vec<String> = outcome.steps.iter().map(ToString::to_string).collect();
    let expected = [
        "_dmarc.a.example.co.uk: no policy record",
        "_dmarc.example.co.uk: no policy record",
        "_dmarc.co.uk: p=none",
        "co.uk is a public suffix by the list",
        "organizational domain of a.example.co.uk: example.co.uk",
    ];
    assert_eq!(steps, expected);
    assert_eq!(outcome.found.unwrap().at, name("co.uk"));
}

fn any_domain() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "example", "co"]), 0..9)
        .prop_map(|labels| labels.into_iter().chain(["com"]).collect::<Vec<_>>().join("."))
}

fn any_answer() -> impl Strategy<Value = Answer<Record>> {
    let text = prop::sample::select(vec![
        "v=DMARC1; p=reject",
        "v=DMARC1; p=none; sp=reject; np=quarantine",
        "v=DMARC1; p=reject; psd=y; adkim=s",
        "v=DMARC1; p=quarantine; psd=n; t=y",
        "v=DMARC1; rua=mailto:a@example.com",
        "v=DMARC1",
        "v=spf1 -all",
    ]);
    prop_oneof![
        2 => Just(Answer::Absent(Absence::Name)),
        1 => Just(Answer::Absent(Absence::Records)),
        3 => prop::collection::vec(text, 1..3).prop_map(|texts| {
            Answer::Found(texts.into_iter().map(|text| Record::Txt(text.as_bytes().into())).collect())
        }),
    ]
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let spf = prop::sample::select(vec![SpfResult::Pass, SpfResult::Fail, SpfResult::TempError]);
    let dkim = prop::sample::select(vec![DkimResult::Pass, DkimResult::Fail, DkimResult::TempError]);
    let domain = any_domain().prop_map(|text| name(&text)).boxed();
    (domain.clone(), prop::option::of((domain.clone(), spf)), prop::collection::vec((domain, dkim), 0..4))
        .prop_map(|(author, spf, dkim)| Subject { author: Ok(author), spf, dkim })
}

proptest! {
    /// Whatever is not known, the result is temporary or the one that all answers give; and the questions are bounded.
    #[test]
    fn an_unknown_answer_gives_no_other_result(
        subject in any_subject(),
        pool in prop::collection::vec((any_answer(), any::<bool>()), 40),
    ) {
        // Each name has one answer, by the order in which it is first asked for in the full run or after it.
        let mut world: BTreeMap<Question, usize> = BTreeMap::new();
        let mut draw = |question: &Question| {
            let next = world.len();
            let place = *world.entry(question.clone()).or_insert(next);
            pool[place % pool.len()].clone()
        };
        let (full, rounds) = run(&subject, |question| draw(question).0);
        prop_assert!(rounds.iter().flatten().count() <= 9 + 8 * (1 + MAX_WALKED));
        let (partial, _) = run(&subject, |question| match draw(question) {
            (_, true) => Answer::Unknown(Unknown::Timeout),
            (answer, false) => answer,
        });
        if partial.result == DmarcResult::TempError {
            prop_assert_eq!(partial.policy, None);
        } else {
            prop_assert_eq!((partial.result, partial.policy), (full.result, full.policy));
        }
    }
}
