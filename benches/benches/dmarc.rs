//! DMARC from ready answers: mail as it comes, the longest walks, and the field that tells the outcome.

use std::time::Duration;

use criterion::{Criterion, criterion_group};
use xd_auth::authentication_results::{Entry, Field, is_ours};
use xd_auth::dmarc::{DmarcResult, Outcome, Subject, author_domain, check};
use xd_auth::{Absence, Answer, Answers, DkimResult, Name, Progress, Record, SpfResult, Wanted};

const RECORD: &str =
    "v=DMARC1; p=reject; sp=none; np=quarantine; rua=mailto:dmarc@example.com; ruf=mailto:dmarc@example.com; fo=1; pct=100";

fn dmarc(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dmarc");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    for (name, author, signer, result) in [
        ("own record and signature", "example.com", "example.com", DmarcResult::Pass),
        ("subdomain, signed by its organization", "mail.example.com", "example.com", DmarcResult::Pass),
        ("signed by another", "example.com", "mail.example.net", DmarcResult::Fail),
        ("two walks of eight names", "a.b.c.d.e.f.g.h.i.example.com", "k.l.m.n.o.p.q.r.s.example.com", DmarcResult::Pass),
    ] {
        let (subject, answers, outcome) = ready(author, signer);
        assert_eq!(outcome.result, result, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| check(&subject, &answers)));
    }
    let (_, _, outcome) = ready("mail.example.com", "example.com");
    group.bench_function("field", |bencher| {
        bencher.iter(|| {
            let mut field = Field::new("mx.example.org");
            field.push(Entry::dmarc(&outcome));
            field.to_field()
        });
    });
    let foreign = b" mx.example.net;\r\n\tspf=pass smtp.mailfrom=ann@example.com;\r\n\tdkim=pass header.d=example.com";
    group.bench_function("whether a field is ours", |bencher| bencher.iter(|| is_ours(foreign, "mx.example.org")));
    group.finish();
}

/// A subject and all answers that its check wants.
fn ready(author: &str, signer: &str) -> (Subject, Answers, Outcome) {
    let name = |text: &str| Name::parse(text).expect("a name of ours");
    let subject = Subject {
        author: author_domain(1, [format!("ann@{author}").as_str()]),
        spf: Some((name("bounce.example.net"), SpfResult::Pass)),
        dkim: vec![(name(signer), DkimResult::Pass)],
    };
    let mut answers = Answers::default();
    loop {
        match check(&subject, &answers) {
            Progress::Done(outcome) => return (subject, answers, outcome),
            Progress::Wants(wanted) => {
                for wanted in wanted {
                    let Wanted::Records(question) = wanted else { continue };
                    let answer = match question.name.as_str() {
                        "_dmarc.example.com" => Answer::Found(vec![Record::Txt(RECORD.as_bytes().into())]),
                        _ => Answer::Absent(Absence::Name),
                    };
                    answers.put(question, answer);
                }
            }
        }
    }
}

criterion_group!(benches, dmarc);
