//! Every sample of the project at every level: what was judged follows from the bytes of its capsule.

#![allow(clippy::disallowed_methods, reason = "a test reads the samples that are there")]

use std::path::Path;

use xd_core::capsule::{Capsule, Level, PseudonymKey, Recording, judge_recorded};
use xd_core::{Engine, Limits, Message, evidence, judge};

#[test]
fn every_sample_follows_from_its_capsule() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/mail");
    let engine = Engine::builtin().unwrap();
    let hidden = |level| Recording::pseudonymous(level, PseudonymKey::new(b"a secret of at least 32 random bytes")).unwrap();
    let mut recordings = [Level::Causes, Level::Facts, Level::Content].map(Recording::new).to_vec();
    recordings.extend([Level::Causes, Level::Facts].map(hidden));
    let mut samples = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        samples += 1;
        let raw = std::fs::read(&path).unwrap();
        let message = Message::parse(&raw, &Limits::default());
        let (envelope, evidence) = evidence::derive(&message);
        let expected = judge(&engine, &envelope, &message, &evidence);
        for recording in &recordings {
            let (judgement, capsule) = judge_recorded(&engine, &envelope, &message, &evidence, [0; 32], recording);
            assert_eq!(judgement, expected, "{}", path.display());
            let replayed = Capsule::decode(&capsule.encode().unwrap()).unwrap().replay(&engine).unwrap();
            assert!(replayed.is_identical(), "{}", path.display());
            for (verdict, replayed) in expected.verdicts().iter().zip(&replayed.verdicts) {
                assert_eq!((verdict.class, verdict.score), (replayed.class, replayed.score));
                assert_eq!((verdict.low, verdict.high), (replayed.low, replayed.high));
            }
        }
    }
    assert!(samples > 20, "{samples} samples");
}
