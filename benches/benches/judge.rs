//! The whole road with the rules that come with xd, by size of the text: bytes in, a verdict out.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use xd_benches::{SIZES, mail, verdict_score};
use xd_core::Engine;

fn judge(criterion: &mut Criterion) {
    let engine = Engine::builtin().expect("the rules that come with xd compile");
    for (kind, message) in [("text", mail::plain as fn(usize) -> Vec<u8>), ("text and an attachment as large", attached)] {
        let mut group = criterion.benchmark_group(format!("judge {kind}"));
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
        for (name, bytes) in SIZES {
            let raw = message(bytes);
            group.throughput(Throughput::Bytes(raw.len() as u64));
            group.bench_function(name, |bencher| bencher.iter(|| verdict_score(&engine, &raw)));
        }
        group.finish();
    }
}

fn attached(bytes: usize) -> Vec<u8> {
    mail::with_attachment(bytes, bytes)
}

criterion_group!(benches, judge);
