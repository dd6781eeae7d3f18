//! What holds of every judgement, whatever the message and the rules; it follows from its capsules, too.

use xd_auth::{Absence, Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};
use xd_core::classify::{LEARNED_ID, MODEL_ID, POINTS_MAX};
use xd_core::evidence::{Inquiry, Learned, derive};
use xd_core::{Class, Engine, Evidence, Judgement, Message, Score, Verdict, judge, report};

use crate::recorded;

/// Bytes of a line at which a header field is folded; a rule id of 64 bytes with its points may go beyond.
const LINE: usize = 78;
const LONGEST_ITEM: usize = 64 + 16;

/// Lookups answered in one inquiry; more are left open, as when time is up.
const MOST_LOOKUPS: usize = 64;

/// Judges a message by what it tells of itself and panics unless the judgement is what judging promises. `world` decides
/// how lookups are answered.
pub fn check(engine: &Engine, message: &Message<'_>, world: u8) {
    let (envelope, mut evidence) = derive(message);
    evidence.learned = learned(world);
    let judgement = judge(engine, &envelope, message, &evidence);
    assert_eq!(judge(engine, &envelope, message, &evidence), judgement, "the same arguments give the same judgement");
    whole(&judgement, engine, message);

    // The score of every completion lies within the bounds: here of one, with all lookups answered in some way.
    let known = answered(Inquiry::new(engine, &envelope, message, evidence.clone()), world);
    let later = judge(engine, &envelope, message, &known);
    whole(&later, engine, message);
    recorded::follows(engine, &envelope, message, &[(&evidence, &judgement), (&known, &later)]);
    for (before, after) in judgement.verdicts().iter().zip(later.verdicts()) {
        assert!(before.low <= after.low && after.high <= before.high, "knowing more never widens the bounds");
        assert!(!before.decided || after.decided, "what is decided stays so");
    }
}

fn whole(judgement: &Judgement<'_>, engine: &Engine, message: &Message<'_>) {
    assert_eq!(judgement.engine, engine.hash());
    assert_eq!(judgement.defects, message.defects());
    assert!(!judgement.verdicts().is_empty());
    for verdict in judgement.verdicts() {
        sums(verdict);
        findings(verdict, engine);
        fields(verdict, judgement);
    }
}

fn sums(verdict: &Verdict<'_>) {
    assert_eq!(verdict.findings.iter().map(|finding| finding.score).sum::<Score>(), verdict.score);
    assert!(verdict.low <= verdict.score && verdict.score <= verdict.high);
    assert!(verdict.findings.is_sorted_by(|a, b| (b.score, a.rule) <= (a.score, b.rule)));
    assert!(verdict.open.is_sorted_by(|a, b| a.rule < b.rule));
    assert!(!verdict.open.is_empty() || (verdict.low, verdict.high) == (verdict.score, verdict.score));
    assert!(verdict.class == Class::Infected || verdict.class.as_str() == verdict.spam_class.as_str());
}

fn findings(verdict: &Verdict<'_>, engine: &Engine) {
    for finding in &verdict.findings {
        if finding.rule == LEARNED_ID {
            assert!(finding.score == finding.full_score && finding.score <= POINTS_MAX);
            continue;
        }
        match engine.model().filter(|_| finding.rule == MODEL_ID) {
            Some(model) => {
                let (least, most) = model.range();
                assert!(least <= finding.score && finding.score <= most && finding.score == finding.full_score);
            }
            None => {
                let rule = engine.rules().rule(finding.rule).expect("a finding names a rule, or the model");
                assert_eq!((rule.score(), rule.why()), (finding.full_score, finding.why));
            }
        }
        assert!(finding.proofs.len() <= 3);
        for proof in &finding.proofs {
            assert!(proof.span.start <= proof.span.end);
            assert!(proof.quote.chars().count() <= 80);
        }
    }
}

/// Nothing of the message stands in what xd writes into mail.
fn fields(verdict: &Verdict<'_>, judgement: &Judgement<'_>) {
    for field in report::header_fields(verdict, judgement.engine) {
        let field = field.to_field();
        let lines = field.strip_suffix("\r\n").expect("a field ends its line");
        for (index, line) in lines.split("\r\n").enumerate() {
            assert!(line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
            assert_eq!(index > 0, line.starts_with(' '));
            assert!(line.len() <= LINE.max(LONGEST_ITEM));
        }
    }
}

fn answered(mut inquiry: Inquiry<'_, '_>, world: u8) -> Evidence {
    let mut answers = Answers::default();
    let mut asked = 0_usize;
    loop {
        let wanted = match inquiry.progress(&answers) {
            Progress::Done(evidence) => return evidence,
            Progress::Wants(wanted) => wanted,
        };
        assert!(!wanted.is_empty());
        for wanted in wanted {
            asked += 1;
            match wanted {
                Wanted::Records(question) => {
                    assert!(answers.records(&question).is_none(), "nothing is asked twice");
                    // As when time is up.
                    let choice = if asked > MOST_LOOKUPS { 1 } else { world.wrapping_add(asked as u8) };
                    let answer = answer(&question, choice);
                    answers.put(question, answer);
                }
                Wanted::Signature(_) => unreachable!("judging signs nothing"),
                Wanted::Verified(verification) => answers.put_verified(*verification, Ok(world & 1 == 0)),
            }
        }
    }
}

/// What was learned of messages like this one, in one of several ways.
fn learned(world: u8) -> Option<Learned> {
    let of = |points| Some(Learned { points: Score::from_hundredths(points), lessons: 9, ..Learned::default() });
    match world % 8 {
        0 => of(-300),
        1 => of(120),
        2 => of(0),
        _ => None,
    }
}

fn answer(question: &Question, choice: u8) -> Answer<Record> {
    let name = || Name::parse("mail.example.net").expect("it is a name");
    match (choice % 4, question.kind) {
        (0, _) => Answer::Absent(Absence::Name),
        (1, _) => Answer::Unknown(Unknown::Timeout),
        (2, RecordKind::A) => Answer::Found(vec![Record::A("127.0.0.2".parse().expect("it is an address"))]),
        (_, RecordKind::A) => Answer::Found(vec![Record::A("192.0.2.7".parse().expect("it is an address"))]),
        (_, RecordKind::Aaaa) => Answer::Found(vec![Record::Aaaa("2001:db8::1".parse().expect("it is an address"))]),
        (_, RecordKind::Mx) => Answer::Found(vec![Record::Mx { preference: 10, host: name() }]),
        (_, RecordKind::Ptr) => Answer::Found(vec![Record::Ptr(name())]),
        (_, RecordKind::Tlsa) => Answer::Absent(Absence::Records),
        (2, RecordKind::Txt) => Answer::Found(vec![Record::Txt(b"v=DMARC1; p=reject"[..].into())]),
        (_, RecordKind::Txt) => Answer::Found(vec![Record::Txt(b"v=spf1 a mx include:example.net -all"[..].into())]),
    }
}
