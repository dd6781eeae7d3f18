//! Capsules: from bytes to a verdict again, and to what other rules would have decided.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use xd_benches::{KIB, mail};
use xd_core::capsule::{Capsule, Level, Recording, Replay, SettingsChange, WhatIf, judge_recorded};
use xd_core::{Engine, Limits, Message, RuleSource, Score, Settings, evidence};

/// One rule more, over each of what is told at some level.
const MORE: &str = r#"
    family = "more"
    [[rule]]
    id = "more"
    score = "1.00"
    why = "one more"
    when = { in = "envelope.ehlo", within = ["example.net"] }
"#;

fn capsule(criterion: &mut Criterion) {
    let engine = Engine::builtin().expect("the rules that come with xd compile");
    let more =
        Engine::compile([engine.sources(), &[RuleSource::new("more.toml", MORE)]].concat()).expect("one rule more compiles");
    let mut group = criterion.benchmark_group("capsule");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    for level in [Level::Causes, Level::Facts, Level::Content] {
        let capsules: Vec<Vec<u8>> = messages().iter().map(|raw| record(&engine, raw, level)).collect();
        group.throughput(Throughput::Elements(capsules.len() as u64));
        let name = |what: &str| format!("{what}, {}", level.as_str());
        let decode = |bytes: &Vec<u8>| Capsule::decode(bytes).expect("it was encoded");
        group.bench_function(name("decode"), |bencher| {
            bencher.iter(|| capsules.iter().map(|bytes| decode(bytes).verdicts().len()).sum::<usize>());
        });
        let mut replay = Replay::new(&engine);
        group.bench_function(name("decode and replay"), |bencher| {
            bencher
                .iter(|| capsules.iter().all(|bytes| replay.run(&decode(bytes)).is_ok_and(|replayed| replayed.is_identical())));
        });
        let one_score = SettingsChange { scores: [("gtube".to_owned(), Score::ZERO)].into(), ..SettingsChange::default() };
        let all_settings = SettingsChange { replace: Some(Settings::default()), ..SettingsChange::default() };
        for (what, new, change) in [
            ("what if one score differed", &engine, one_score),
            ("what if all settings differed", &engine, all_settings),
            ("what if there were one rule more", &more, SettingsChange::default()),
        ] {
            let mut what_if = WhatIf::new(&engine, new, change, Limits::default());
            group.bench_function(name(what), |bencher| {
                bencher.iter(|| {
                    capsules.iter().filter_map(|bytes| what_if.ask(&decode(bytes)).ok()).map(|all| all.len()).sum::<usize>()
                });
            });
        }
        if level == Level::Content {
            let mut afresh = WhatIf::new(&more, &more, SettingsChange::default(), Limits::default());
            group.bench_function(name("judged afresh"), |bencher| {
                bencher.iter(|| {
                    capsules.iter().filter_map(|bytes| afresh.ask(&decode(bytes)).ok()).map(|all| all.len()).sum::<usize>()
                });
            });
        }
    }
    group.finish();
}

fn messages() -> Vec<Vec<u8>> {
    vec![mail::plain(2 * KIB), mail::plain(16 * KIB), mail::newsletter(16 * KIB), mail::with_attachment(2 * KIB, 16 * KIB)]
}

fn record(engine: &Engine, raw: &[u8], level: Level) -> Vec<u8> {
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    judge_recorded(engine, &envelope, &message, &evidence, [0; 32], &Recording::new(level))
        .1
        .encode()
        .expect("it has few recipients")
}

criterion_group!(benches, capsule);
