//! Segments: records written and read again, and header sections packed; throughput in records.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use xd_benches::Random;
use xd_store::simulated::Disk;
use xd_store::{Entry, RecordType, SegmentHeader, SegmentKind, SegmentReader, SegmentWriter};

const RECORDS: usize = 100_000;
const PATH: &str = "/000001.xdc";

fn small(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(20);
    group.throughput(Throughput::Elements(RECORDS as u64));
    let payload = noise(300);
    group.bench_function("write records of 300 bytes", |bencher| bencher.iter(|| written(&payload, RECORDS, false)));
    let segment = written(&payload, RECORDS, false);
    group.bench_function("read records of 300 bytes", |bencher| bencher.iter(|| read(&segment)));
    group.finish();
}

fn packed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(20);
    let (records, header) = (RECORDS / 100, header_section());
    group.throughput(Throughput::Elements(records as u64));
    group.bench_function("write header sections, compressed", |bencher| bencher.iter(|| written(&header, records, true)));
    let segment = written(&header, records, true);
    group.bench_function("read header sections, compressed", |bencher| bencher.iter(|| read(&segment)));
    group.finish();
}

fn written(payload: &[u8], records: usize, compressed: bool) -> Vec<u8> {
    let disk = Disk::new();
    let header = SegmentHeader::new(SegmentKind::CAPSULES, 1, b"").expect("the label is short");
    let mut writer = SegmentWriter::create(&disk, PATH, &header).expect("a disk in memory works");
    for _ in 0..records {
        let record_type = RecordType::new(1);
        let appended =
            if compressed { writer.append_compressed(record_type, payload) } else { writer.append(record_type, payload) };
        appended.expect("a disk in memory works");
    }
    writer.sync().expect("a disk in memory works");
    disk.content(PATH).expect("it was written")
}

fn read(segment: &[u8]) -> usize {
    let mut reader = SegmentReader::new(PATH, segment).expect("it was written by this version");
    let mut records = 0;
    while let Some(entry) = reader.next_entry().expect("memory is read") {
        let Entry::Record(record) = entry else { panic!("it is whole") };
        black_box(record.payload());
        records += 1;
    }
    records
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(1);
    (0..bytes).map(|_| random.below(256) as u8).collect()
}

/// A header section of about 3 KiB: trace fields, a signature, and what every message has.
fn header_section() -> Vec<u8> {
    let mut random = Random::new(2);
    let mut word =
        |length: usize| (0..length).map(|_| *random.choose(b"abcdefghijklmnopqrstuvwxyz0123456789") as char).collect::<String>();
    let mut header = String::new();
    for _ in 0..5 {
        header += &format!(
            "Received: from {}.example.net ({}.example.net [192.0.2.7])\r\n\tby {}.example.com (Postfix) with ESMTPS id {}\r\n\
             \tfor <{}@example.com>; Sun, 22 Nov 2026 01:00:00 +0000 (UTC)\r\n",
            word(6),
            word(6),
            word(4),
            word(11),
            word(5)
        );
    }
    header += &format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s={};\r\n\th=from:to:subject:date:message-id;\r\n\
         \tbh={}=;\r\n\tb={}==\r\n",
        word(6),
        word(43),
        word(342)
    );
    for name in ["X-Mailer", "X-Entity", "List-Id", "List-Unsubscribe", "X-Report-Abuse"] {
        header += &format!("{name}: <https://{}.example.net/{}>\r\n", word(8), word(60));
    }
    header += &format!(
        "From: \"{}\" <{}@example.net>\r\nTo: bob@example.com\r\nSubject: {}\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n\
         Message-ID: <{}@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n",
        word(9),
        word(8),
        word(30),
        word(24)
    );
    header.into_bytes()
}

criterion_group!(benches, small, packed);
