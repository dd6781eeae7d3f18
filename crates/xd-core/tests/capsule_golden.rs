//! Capsules as they were once written: each is read for ever, and replays with its engine as long as the semantics version is that of
//! the day.
//!
//! The points of each rule in `rules.toml` are twice those of the one before, so that a score tells the answers of all tests. Where this
//! test fails though nobody changed the semantics version, capsules that people keep no longer replay.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

use xd_core::capsule::{Capsule, Conclusion, Level, SettingsChange, WhatIf};
use xd_core::{Class, Engine, Limits, RuleSource, SEMANTICS};

const RULES: &str = include_str!("capsules/rules.toml");

/// The semantics version with which they were made.
const MADE: &str = "1";

/// Level, pseudonyms, and the bytes.
const GOLDEN: [(Level, bool, &[u8]); 5] = [
    (Level::Causes, false, include_bytes!("capsules/version-1-causes.xdc")),
    (Level::Facts, false, include_bytes!("capsules/version-1-facts.xdc")),
    (Level::Content, false, include_bytes!("capsules/version-1-content.xdc")),
    (Level::Causes, true, include_bytes!("capsules/version-1-causes-pseudonymous.xdc")),
    (Level::Facts, true, include_bytes!("capsules/version-1-facts-pseudonymous.xdc")),
];

fn engine(rules: &str) -> Engine {
    Engine::compile(vec![RuleSource::new("rules.toml", rules)]).unwrap()
}

#[test]
fn what_was_written_is_read() {
    for (level, pseudonymous, bytes) in GOLDEN {
        let capsule = Capsule::decode(bytes).unwrap();
        assert_eq!(capsule.encode().as_deref(), Ok(bytes));
        assert_eq!((capsule.level(), capsule.is_pseudonymous(), capsule.semantics()), (level, pseudonymous, MADE));
        assert_eq!(capsule.verdicts().len(), 2);
        assert_eq!(capsule.recipient(1).unwrap().to_string() == "<bob@example.org>", !pseudonymous);
        assert_eq!(
            capsule.content().is_some_and(|content| content.starts_with(b"Return-Path: <x@example.net>")),
            level == Level::Content
        );
    }
}

#[test]
fn what_was_written_replays() {
    if SEMANTICS != MADE {
        return;
    }
    let engine = engine(RULES);
    for (level, pseudonymous, bytes) in GOLDEN {
        let capsule = Capsule::decode(bytes).unwrap();
        let replayed = capsule.replay(&engine).unwrap();
        assert!(replayed.is_identical(), "{level:?} {pseudonymous}: {replayed:?} {:?}", capsule.verdicts());
        let told = |verdict: usize| {
            let verdict = replayed.verdicts[verdict];
            (verdict.class, verdict.score.hundredths(), verdict.low.hundredths(), verdict.high.hundredths())
        };
        assert_eq!([told(0), told(1)], VERDICTS, "{level:?} {pseudonymous}");
        let explained = capsule.explain(&engine, &Limits::default()).unwrap();
        assert_eq!(explained.verdict().score, replayed.verdicts[0].score);
    }
}

#[test]
fn what_was_written_is_asked() {
    if SEMANTICS != MADE {
        return;
    }
    let old = engine(RULES);
    // One answer of the record, one that facts give, one of the text.
    let new = engine(&format!(
        "{RULES}\n[[rule]]\nid = \"new\"\nscore = \"5.00\"\nwhy = \"new\"\n\
         when = {{ all = [{{ rule = \"t08\" }}, {{ in = \"header:x-mailer\", contains = [\"bulk\"] }}, {{ in = \"text\", words = [\"offer\"] }}] }}\n"
    ));
    for (level, pseudonymous, bytes) in GOLDEN {
        let capsule = Capsule::decode(bytes).unwrap();
        let mut what_if = WhatIf::new(&old, &new, SettingsChange::default(), Limits::default());
        let conclusions = what_if.ask(&capsule).unwrap();
        // Both are surespam already, whatever is added.
        let sure = |conclusion: &Conclusion<'_>| matches!(conclusion, Conclusion::Unchanged { class: Class::SureSpam, .. });
        assert!(conclusions.iter().all(sure), "{level:?} {pseudonymous}: {conclusions:?}");
        let told = conclusions.iter().all(|conclusion| matches!(conclusion, Conclusion::Unchanged { score_to: Some(_), .. }));
        assert_eq!(told, level == Level::Content, "{level:?} {pseudonymous}: {conclusions:?}");
    }
}

/// Class, score and bounds of both recipients, in hundredths.
const VERDICTS: [(Class, i64, i64, i64); 2] =
    [(Class::SureSpam, 4_189_417, 4_189_417, 4_190_185), (Class::SureSpam, 3_140_841, 3_140_841, 3_141_609)];
