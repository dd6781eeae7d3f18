//! Any bytes as a sender and as what DNS has: the check ends after few questions, none of them asked twice, and an answer that is
//! missing changes nothing but to `temperror`, where the outcome does not say that it was passed over. The audit of a domain ends too.
//!
//! The first line is the client's first octet, the EHLO domain and the reverse-path; each other line begins with a character that
//! says what it is: a text, addresses, a host, a name, nothing, or not known. Which line answers a question is told by its hash.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_auth::spf::{self, Options, Outcome, Sender, SpfResult};
use xd_auth::{Absence, Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};

/// RFC 7208's limits together allow no more.
const MAX_QUESTIONS: usize = 123;
/// What an audit says of itself.
const MAX_ROUNDS: usize = 201;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut words = first.splitn(3, ' ');
    let client = match words.next().unwrap_or_default() {
        "6" => [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into(),
        "m" => [0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0207].into(),
        _ => [192, 0, 2, 7].into(),
    };
    let ehlo = words.next().unwrap_or_default();
    let sender = Sender { client, ehlo, reverse_path: words.next(), receiver: "mx.example.net", now: 1 };
    let lines: Vec<&[u8]> = lines.collect();
    let (outcome, asked) = check(&sender, &lines, None);
    let (again, _) = check(&sender, &lines, None);
    assert_eq!(outcome, again);
    if let Some(words) = &outcome.explanation {
        assert!(outcome.result == SpfResult::Fail && words.len() <= 1024 && words.is_ascii());
    }
    if let Some(domain) = &outcome.domain {
        audit(domain, &lines);
    }
    for missing in asked.iter().take(4) {
        let (less, _) = check(&sender, &lines, Some(missing));
        assert!(
            less.result == outcome.result
                || less.result == SpfResult::TempError
                || less.unsure.is_some()
                || outcome.unsure.is_some()
        );
    }
});

fn audit(domain: &Name, lines: &[&[u8]]) {
    let mut answers = Answers::default();
    for _ in 0..=MAX_ROUNDS {
        let Progress::Wants(wanted) = spf::audit(domain, &answers) else { return };
        for wanted in wanted {
            let Wanted::Records(question) = wanted else { panic!("it needs no signatures") };
            let answer = answer(&question, lines);
            answers.put(question, answer);
        }
    }
    panic!("the audit has no end");
}

fn check(sender: &Sender<'_>, lines: &[&[u8]], missing: Option<&Question>) -> (Outcome, Vec<Question>) {
    let (mut answers, mut asked) = (Answers::default(), Vec::new());
    loop {
        let wanted = match spf::check(sender, &Options::default(), &answers) {
            Progress::Done(outcome) => return (outcome, asked),
            Progress::Wants(wanted) => wanted,
        };
        assert!(!wanted.is_empty());
        for wanted in wanted {
            let Wanted::Records(question) = wanted else { panic!("it needs no signatures") };
            assert!(!asked.contains(&question), "{question:?} twice");
            let is_missing = missing == Some(&question);
            let answer = if is_missing { Answer::Unknown(Unknown::Timeout) } else { answer(&question, lines) };
            answers.put(question.clone(), answer);
            asked.push(question);
        }
        assert!(asked.len() <= MAX_QUESTIONS);
    }
}

fn answer(question: &Question, lines: &[&[u8]]) -> Answer<Record> {
    let hash =
        question.name.as_str().bytes().fold(question.kind as usize, |hash, byte| hash.wrapping_mul(31) ^ usize::from(byte));
    let line = lines.get(hash % lines.len().max(1)).copied().unwrap_or_default();
    let Some((kind, rest)) = line.split_first() else { return Answer::Absent(Absence::Name) };
    let name = || Name::parse(&String::from_utf8_lossy(rest)).unwrap_or_else(|_| Name::root());
    let octet = rest.first().copied().unwrap_or(7);
    match (kind, question.kind) {
        (b'?', _) => Answer::Unknown(Unknown::ServerFailure),
        (b'-', _) => Answer::Absent(Absence::Records),
        (_, RecordKind::Tlsa) => unreachable!("SPF never asks for it"),
        (_, RecordKind::Txt) => Answer::Found(vec![Record::Txt(rest.into())]),
        (_, RecordKind::A) => Answer::Found(vec![Record::A([192, 0, 2, octet % 8].into())]),
        (_, RecordKind::Aaaa) => Answer::Found(vec![Record::Aaaa([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(octet % 8)].into())]),
        (_, RecordKind::Mx) => {
            let mx = |preference| Record::Mx { preference, host: name() };
            Answer::Found((0..u16::from(octet % 13) + 1).map(mx).collect())
        }
        (_, RecordKind::Ptr) => Answer::Found(vec![Record::Ptr(name())]),
    }
}
