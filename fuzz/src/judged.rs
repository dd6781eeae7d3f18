//! What holds of every judgement, whatever the message and the rules; it follows from its capsules, too.

use xd_core::classify::{LEARNED_ID, MODEL_ID, POINTS_MAX};
use xd_core::evidence::{Answer, Inquiry, Learned, Lookup, derive};
use xd_core::{Class, Domain, Engine, Evidence, Judgement, Message, Score, Unknown, Verdict, judge, report};

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

fn answered(mut inquiry: Inquiry<'_>, world: u8) -> Evidence {
    let mut answers = 0;
    loop {
        let lookups = inquiry.poll_lookups();
        if lookups.is_empty() {
            return inquiry.into_evidence();
        }
        for lookup in lookups {
            if answers == MOST_LOOKUPS {
                return inquiry.into_evidence();
            }
            inquiry.handle_answer(&lookup, answer(&lookup, world.wrapping_add(answers as u8)));
            answers += 1;
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

fn answer(lookup: &Lookup, choice: u8) -> Answer {
    match (lookup, choice % 4) {
        (_, 0) => Answer::None,
        (_, 1) => Answer::Failed(Unknown::Timeout),
        (Lookup::ReverseNames(_), 2) => {
            let name = Domain::parse("mail.example.net").expect("it is a domain");
            Answer::Names(vec![name])
        }
        (_, 2) => Answer::Addresses(vec!["127.0.0.2".parse().expect("it is an address")]),
        // Of the wrong kind, or outside what a list may answer.
        _ => Answer::Addresses(vec!["2001:db8::1".parse().expect("it is an address")]),
    }
}
