//! What a person sees of HTML: messages that are one page. Header and charset are read too, which hardly counts.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use xd_benches::{KIB, Random, mail, page, prose};
use xd_core::{Limits, Message};

fn html(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("html");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    for (name, page) in [
        ("newsletter, 8 KiB", page::newsletter(&mut Random::new(3), 8 * KIB)),
        ("newsletter, 128 KiB", page::newsletter(&mut Random::new(3), 128 * KIB)),
        ("text without tags, 64 KiB", prose::text(&mut Random::new(1), 64 * KIB)),
    ] {
        let raw = mail::message("text/html; charset=utf-8", &page);
        group.throughput(Throughput::Bytes(page.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| Message::parse(&raw, &Limits::default()).html().tags));
    }
    group.finish();
}

criterion_group!(benches, html);
