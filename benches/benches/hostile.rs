//! Messages built to hurt, the whole road with the rules that come with xd. None may take more than 300 ms.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group};
use xd_benches::{hostile, verdict_score};
use xd_core::Engine;

fn judge(criterion: &mut Criterion) {
    let engine = Engine::builtin().expect("the rules that come with xd compile");
    let mut group = criterion.benchmark_group("hostile");
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1)).sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    for (name, raw) in hostile::all() {
        group.throughput(Throughput::Bytes(raw.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| verdict_score(&engine, &raw)));
    }
    group.finish();
}

criterion_group!(benches, judge);
