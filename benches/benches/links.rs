//! Links per second, found in text and read from pages.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use xd_benches::{KIB, Random, mail, page, prose};
use xd_core::{Limits, Message};

fn links(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("links");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    for (name, raw) in [
        ("in plain text", mail::message("text/plain; charset=utf-8", &in_text(500))),
        ("in anchors", mail::message("text/html; charset=utf-8", &page::links(&mut Random::new(9), 64 * KIB))),
    ] {
        let count = Message::parse(&raw, &Limits::default()).links().len();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(name, |bencher| bencher.iter(|| Message::parse(&raw, &Limits::default()).links().len()));
    }
    group.finish();
}

fn in_text(count: usize) -> String {
    let mut random = Random::new(9);
    let line = |n: usize| format!("{} https://www.shop{n}.example/{n}?a=1\r\n", prose::phrase(&mut random, 6));
    (0..count).map(line).collect()
}

criterion_group!(benches, links);
