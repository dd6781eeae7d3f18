use xd_auth::{Progress, Unknown, Wanted};

use super::*;
use crate::capsule::Level;
use crate::capsule::{PseudonymKey, Recording};
use crate::evidence::{Inquiry, SpfResult};
use crate::{Engine, Envelope, Evidence, Limits, Message, ReversePath, RuleSource};

const RULES: &str = "family = 'x'\n[[rule]]\nid = 'forbidden'\nscore = '6.00'\nwhy = 'it is'\nwhen = { in = 'evidence.spf', equals = ['fail'] }\n\
    [[rule]]\nid = 'forged'\nscore = '2.00'\nwhy = 'it is'\nwhen = { in = 'evidence.dmarc', equals = ['fail'] }\n";

/// What DNS says of example.com: its mail comes from nowhere.
fn answer(question: &Question) -> Answer<Record> {
    let text = |text: &str| Answer::Found(vec![Record::Txt(text.as_bytes().into())]);
    match (question.name.as_str(), question.kind) {
        ("example.com", RecordKind::Txt) => text("v=spf1 a:mail.example.com mx -all"),
        ("_dmarc.example.com", RecordKind::Txt) => text("v=DMARC1; p=quarantine"),
        ("mail.example.com", RecordKind::A) => Answer::Found(vec![Record::A("192.0.2.1".parse().unwrap())]),
        _ => Answer::Absent(Absence::Name),
    }
}

fn capsule(answer: impl Fn(&Question) -> Answer<Record>, recording: &Recording) -> (Engine, Capsule) {
    let engine = Engine::compile(vec![RuleSource::new("x.toml", RULES)]).unwrap();
    let envelope = Envelope {
        client_address: Known::Found("192.0.2.7".parse().unwrap()),
        reverse_path: Known::Found(ReversePath::parse("<ann@example.com>")),
        ..Envelope::default()
    };
    let message = Message::parse(b"From: ann@example.com\r\n\r\nHello\r\n", &Limits::default());
    let mut inquiry = Inquiry::new(&engine, &envelope, &message, Evidence::default());
    let mut answers = Answers::default();
    let evidence = loop {
        match inquiry.progress(&answers) {
            Progress::Done(evidence) => break evidence,
            Progress::Wants(wanted) => {
                for wanted in wanted {
                    let Wanted::Records(question) = wanted else { panic!("{wanted:?}") };
                    let answer = answer(&question);
                    answers.put(question, answer);
                }
            }
        }
    };
    let capsule = inquiry.judge_recorded(&evidence, [0; 32], recording).1;
    (engine, capsule)
}

#[test]
fn spf_and_dmarc_follow_from_recorded_answers() {
    let (engine, capsule) = capsule(answer, &Recording::default());
    assert_eq!(capsule.evidence.spf, Known::Found(SpfResult::Fail));
    assert_eq!(capsule.evidence.answers.all_records().count(), 4);
    let bytes = capsule.encode().unwrap();
    assert_eq!(bytes[0], 3);
    let mut again = Capsule::decode(&bytes).unwrap();
    assert_eq!(again, capsule);
    assert!(again.replay(&engine).unwrap().is_identical());
    // A record that says otherwise than its answers.
    again.evidence.spf = Known::Found(SpfResult::Pass);
    assert!(!again.replay(&engine).unwrap().senders_follow);
}

#[test]
fn what_was_not_found_out_follows_too() {
    for silent in ["example.com", "_dmarc.example.com", "mail.example.com"] {
        let with = |question: &Question| match question.name.as_str() {
            name if name == silent => Answer::Unknown(Unknown::Refused),
            _ => answer(question),
        };
        let (engine, capsule) = capsule(with, &Recording::default());
        let again = Capsule::decode(&capsule.encode().unwrap()).unwrap();
        assert_eq!(again, capsule, "{silent}");
        assert!(again.replay(&engine).unwrap().is_identical(), "{silent}");
    }
}

#[test]
fn pseudonymous_records_hold_no_answers() {
    let key = PseudonymKey::new(b"a secret of at least 32 random bytes");
    let (engine, capsule) = capsule(answer, &Recording::pseudonymous(Level::Causes, key).unwrap());
    assert!(capsule.evidence.answers.is_empty() && capsule.evidence.spf == Known::Found(SpfResult::Fail));
    assert!(capsule.replay(&engine).unwrap().is_identical());
}
