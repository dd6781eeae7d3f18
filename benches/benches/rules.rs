//! Rules alone, over a message that is parsed already; throughput in bytes of text that rules read.

use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, measurement::WallTime};
use xd_benches::{KIB, MIB, mail, rules};
use xd_core::{Engine, Limits, Message, View, evidence, judge};

fn by_patterns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules");
    for patterns in [100, 1_000, 5_000] {
        let engine = Engine::compile(vec![rules::file(patterns)]).expect("made-up rules compile");
        measure(&mut group, &format!("{patterns} patterns, 64 KiB of text"), &engine, &mail::plain(64 * KIB));
    }
    group.finish();
}

fn by_size(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules that come with xd");
    let engine = Engine::builtin().expect("the rules that come with xd compile");
    for (name, bytes) in [("64 KiB", 64 * KIB), ("1 MiB", MIB)] {
        measure(&mut group, &format!("{name} of text"), &engine, &mail::plain(bytes));
        let attached = mail::with_attachment(bytes, bytes);
        measure(&mut group, &format!("{name} of text and an attachment"), &engine, &attached);
    }
    group.finish();
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, engine: &Engine, raw: &[u8]) {
    let message = Message::parse(raw, &Limits::default());
    let (envelope, evidence) = evidence::derive(&message);
    let read: usize = View::ALL.iter().map(|&view| message.view(view).normal().len()).sum();
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(20);
    group.throughput(Throughput::Bytes(read as u64));
    group.bench_function(name, |bencher| bencher.iter(|| judge(engine, &envelope, &message, &evidence)));
}

criterion_group!(benches, by_patterns, by_size);
