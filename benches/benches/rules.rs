//! Rules alone, over a message that is parsed already; throughput in bytes of text that rules read.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, measurement::WallTime};
use xd_benches::{KIB, MIB, mail, rules};
use xd_core::{Engine, Limits, Message, View, evidence, judge};

/// Bytes of text in one pass, in as many different messages as that makes. A processor learns the branches of a 64 KiB text
/// by heart when it meets that text again and again, and then judges it twice as fast as any text it has not seen; no
/// filter is so lucky. All sizes are measured over the same amount of text, so that none is learnt better than another.
const PASS: usize = 4 * MIB;

fn by_patterns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules");
    for patterns in [100, 1_000, 5_000] {
        let engine = Engine::compile(vec![rules::file(patterns)]).expect("made-up rules compile");
        measure(&mut group, &format!("{patterns} patterns, 64 KiB of text"), &engine, 64 * KIB, mail::plain_of);
    }
    group.finish();
}

fn by_size(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rules that come with xd");
    let engine = Engine::builtin().expect("the rules that come with xd compile");
    for (name, bytes) in [("64 KiB", 64 * KIB), ("1 MiB", MIB)] {
        measure(&mut group, &format!("{name} of text"), &engine, bytes, mail::plain_of);
        let attached = |sequence, bytes| mail::with_attachment_of(sequence, bytes, bytes);
        measure(&mut group, &format!("{name} of text and an attachment"), &engine, bytes, attached);
    }
    group.finish();
}

/// Measures messages of so many bytes of text each; `mail` makes one, each sequence another.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    engine: &Engine,
    bytes: usize,
    mail: impl Fn(u64, usize) -> Vec<u8>,
) {
    let raw: Vec<Vec<u8>> = (1..).take(PASS / bytes).map(|sequence| mail(sequence, bytes)).collect();
    let messages: Vec<_> = raw.iter().map(|raw| Message::parse(raw, &Limits::default())).collect();
    let derived: Vec<_> = messages.iter().map(evidence::derive).collect();
    let read = |message: &Message<'_>| View::ALL.iter().map(|&view| message.view(view).normal().len()).sum::<usize>();
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(20);
    // A pass takes tens of milliseconds, so that samples of equal length are enough.
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Bytes(messages.iter().map(read).sum::<usize>() as u64));
    let judge_all = || {
        for (message, (envelope, evidence)) in messages.iter().zip(&derived) {
            black_box(judge(engine, envelope, message, evidence));
        }
    };
    group.bench_function(name, |bencher| bencher.iter(judge_all));
}

criterion_group!(benches, by_patterns, by_size);
