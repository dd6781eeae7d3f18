//! Messages with files, parsed and opened to the bottom: ordinary ones, and such as are built to hurt. None may take more than 300 ms.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group};
use xd_benches::{file, mail};
use xd_core::{Limits, Message};

fn ordinary(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("files");
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1)).sample_size(20);
    for (name, bytes) in file::ordinary() {
        let raw = mail::with_file(name, &bytes);
        group.throughput(Throughput::Bytes(raw.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| Message::parse(&raw, &Limits::default()).parts().len()));
    }
    group.finish();
}

fn hostile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hostile files");
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1)).sample_size(10);
    group.sampling_mode(SamplingMode::Flat);
    for (about, name, bytes) in file::hostile() {
        let raw = mail::with_file(name, &bytes);
        group.throughput(Throughput::Bytes(raw.len() as u64));
        group.bench_function(about, |bencher| bencher.iter(|| Message::parse(&raw, &Limits::default()).parts().len()));
    }
    group.finish();
}

criterion_group!(benches, ordinary, hostile);
