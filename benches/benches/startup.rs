//! From rule files to an engine; throughput in rules.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use xd_benches::rules;
use xd_core::Engine;

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start-up");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2)).sample_size(10);
    let count = Engine::builtin().expect("the rules that come with xd compile").rules().rules().len();
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function("the rules that come with xd", |bencher| bencher.iter(Engine::builtin));
    for patterns in [1_000, 5_000] {
        let source = rules::file(patterns);
        group.throughput(Throughput::Elements(patterns as u64));
        group.bench_function(format!("{patterns} patterns"), |bencher| bencher.iter(|| Engine::compile(vec![source.clone()])));
    }
    group.finish();
}

criterion_group!(benches, compile);
