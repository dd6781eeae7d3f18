//! From bytes to a message, by kind of mail.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use xd_benches::{KIB, Random, mail, prose};
use xd_core::{Limits, Message};

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    for (name, raw) in [
        ("plain text, 2 KiB", mail::plain(2 * KIB)),
        ("plain text, 64 KiB", mail::plain(64 * KIB)),
        ("newsletter, 32 KiB", mail::newsletter(32 * KIB)),
        ("text and an attachment of 256 KiB", mail::with_attachment(2 * KIB, 256 * KIB)),
        ("base64 text, 64 KiB", mail::encoded(prose::text(&mut Random::new(1), 64 * KIB).as_bytes())),
    ] {
        group.throughput(Throughput::Bytes(raw.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| Message::parse(&raw, &Limits::default()).parts().len()));
    }
    group.finish();
}

criterion_group!(benches, parse);
