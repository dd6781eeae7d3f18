//! What holds of any bytes as a capsule.

use xd_core::capsule::{Capsule, Conclusion, Replay, WhatIf, counterfactuals};
use xd_core::{Engine, EngineHash, Limits};

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
