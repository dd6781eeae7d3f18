//! What holds of any bytes as a capsule, and of the capsules of any message.

use std::sync::LazyLock;

use xd_core::capsule::{
    Capsule, Conclusion, Level, PseudonymKey, Recording, Replay, SettingsChange, WhatIf, counterfactuals, judge_recorded,
};
use xd_core::{Engine, EngineHash, Envelope, Evidence, Judgement, Limits, Message, RuleSource, judge};

/// Other rules than those that judged, over what capsules of each level tell.
static OTHER: LazyLock<Engine> = LazyLock::new(|| {
    const RULES: &str = r#"
        family = "other"
        [[rule]]
        id = "causes"
        score = "3.00"
        why = "the host names itself"
        when = { any = [{ in = "envelope.ehlo", present = true }, { defect = ["no-date", "malformed-field"] }] }
        [[rule]]
        id = "facts"
        score = "4.00"
        why = "a link, or a subject"
        when = { any = [{ number = "links", at_least = 1 }, { in = "subject", regex = "[a-z]{3}" }, { in = "raw:dkim-signature", contains = ["A"] }] }
        [[rule]]
        id = "content"
        score = "-2.00"
        why = "the text speaks of letters"
        when = { not = { in = "text", words = ["the", "hello", "free"] } }
        [[rule]]
        id = "both"
        score = "2.50"
        why = "both"
        when = { all = [{ rule = "causes" }, { not = { rule = "facts" } }] }
    "#;
    Engine::compile(vec![RuleSource::new("other.toml", RULES)]).expect("the rules of this check compile")
});

/// Records a judged message at every level, and panics unless each judgement follows from its capsules, and what they say of
/// other rules and settings is what judging with them says, or left open. Each judgement stands with its evidence.
pub fn follows(engine: &Engine, envelope: &Envelope, message: &Message<'_>, judged: &[(&Evidence, &Judgement<'_>)]) {
    let limits = Limits::default();
    let first = engine.rules().rules().first().map(|rule| rule.id().to_owned());
    let change = SettingsChange { disable: first.into_iter().collect(), ..SettingsChange::default() };
    // Worked out once: that takes longer than most messages.
    let mut ask_other = WhatIf::new(engine, &OTHER, SettingsChange::default(), limits);
    let mut ask_less = WhatIf::new(engine, engine, change.clone(), limits);
    let mut ask_afresh = WhatIf::new(&OTHER, &OTHER, SettingsChange::default(), limits);
    for &(evidence, expected) in judged {
        let mut changed = evidence.clone();
        changed.settings.disabled.extend(change.disable.iter().cloned());
        let (other, less) = (judge(&OTHER, envelope, message, evidence), judge(engine, envelope, message, &changed));
        for recording in recordings() {
            let (judgement, capsule) = judge_recorded(engine, envelope, message, evidence, [0; 32], &recording);
            assert_eq!(judgement, *expected, "recording changes nothing");
            let bytes = capsule.encode().expect("a message has few recipients");
            assert_eq!(Capsule::decode(&bytes).as_ref(), Ok(&capsule), "what is written is read");
            let replayed = capsule.replay(engine).expect("it is of this engine");
            assert!(replayed.is_identical(), "a judgement follows from its record");
            for (verdict, recorded) in expected.verdicts().iter().zip(capsule.verdicts()) {
                assert_eq!((verdict.class, verdict.score), (recorded.class, recorded.score));
                assert_eq!((verdict.low, verdict.high), (recorded.low, recorded.high));
            }
            let whole = capsule.level() == Level::Content;
            agree(&mut ask_other, &capsule, &other, whole);
            agree(&mut ask_less, &capsule, &less, true);
            if whole {
                agree(&mut ask_afresh, &capsule, &other, true);
            }
        }
    }
}

fn recordings() -> impl Iterator<Item = Recording> {
    let key = || PseudonymKey::new(b"a secret of at least 32 random bytes");
    let hidden = [Level::Causes, Level::Facts].into_iter().filter_map(move |level| Recording::pseudonymous(level, key()).ok());
    [Level::Causes, Level::Facts, Level::Content].into_iter().map(Recording::new).chain(hidden)
}

/// Holds a what-if against a fresh judgement; `told`, where the capsule must answer.
fn agree(what_if: &mut WhatIf<'_>, capsule: &Capsule, fresh: &Judgement<'_>, told: bool) {
    let conclusions = what_if.ask(capsule).expect("what was recorded is asked");
    assert_eq!(conclusions.len(), fresh.verdicts().len());
    for ((conclusion, before), after) in conclusions.iter().zip(capsule.verdicts()).zip(fresh.verdicts()) {
        let (class, score) = match conclusion {
            Conclusion::Changed { from, to, score_to, .. } if from != to => (*to, *score_to),
            Conclusion::Unchanged { class, score_to, .. } if *class == before.class => (*class, *score_to),
            Conclusion::Undecided { tests, .. } if !told && !tests.is_empty() => continue,
            _ => panic!("{conclusion:?}"),
        };
        assert!(class == after.class && score.is_none_or(|score| score == after.score), "{conclusion:?}, but {after:?}");
    }
}

/// Where the hash of the engine stands in a capsule of the first version and of the first semantics version.
const ENGINE: std::ops::Range<usize> = 4..36;

/// The bytes as a capsule of this engine: what a mutation made of the hash is put right.
#[must_use]
pub fn of_engine(bytes: &[u8], engine: EngineHash) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(hash) = bytes.get_mut(ENGINE) {
        hash.copy_from_slice(engine.as_bytes());
    }
    bytes
}

/// Reads bytes as a capsule, asks it everything, and panics unless it answers as capsules promise.
pub fn check(bytes: &[u8], engine: &Engine, what_if: &mut WhatIf<'_>) {
    let capsule = match Capsule::decode(bytes) {
        Ok(capsule) => capsule,
        Err(error) => {
            assert!(error.at <= bytes.len(), "the place of an error lies in the bytes");
            return;
        }
    };
    assert_eq!(capsule.encode().as_deref(), Ok(bytes), "a capsule has one spelling");
    let Ok(replayed) = Replay::new(engine).run(&capsule) else { return };
    assert_eq!(replayed.verdicts.len(), capsule.verdicts().len());
    let explained = capsule.explain(engine, &Limits::default()).expect("what replays is explained");
    for (verdict, replayed) in explained.verdicts().iter().zip(&replayed.verdicts) {
        assert_eq!((verdict.class, verdict.score), (replayed.class, replayed.score), "explained as derived");
        assert_eq!((verdict.low, verdict.high), (replayed.low, replayed.high), "explained as derived");
    }
    let conclusions = what_if.ask(&capsule).expect("what replays is asked");
    assert_eq!(conclusions.len(), capsule.verdicts().len());
    for conclusion in &conclusions {
        assert!(!matches!(conclusion, Conclusion::Changed { from, to, .. } if from == to));
    }
    let changes = counterfactuals(&capsule, 0, engine, &Limits::default()).expect("what replays is asked");
    assert!(changes.is_sorted_by(|a, b| a.distance <= b.distance));
    assert!(changes.iter().all(|change| change.class != capsule.verdicts()[0].class));
}
