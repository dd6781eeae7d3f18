//! DKIM: verifying a message of the usual size when its key is known, with the cryptography and without, and signing it.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use criterion::{Criterion, criterion_group};
use xd_auth::content::Content;
use xd_auth::dkim::{BodyHashes, Reason, Signatures, Signer};
use xd_auth::{Algorithm, Answer, Answers, Name, Progress, Record, SigningKey, Wanted};
use xd_benches::{KIB, Random, prose};
use xd_lookup::signature::{KeyStore, verify};

const NOW: u64 = 1_700_000_000;

fn dkim(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dkim");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    let (keys, name) = keys();
    let plain = message();
    let signer = Signer::new(vec![name.clone()]);
    let field = sign(&signer, &keys, &plain);
    let signed = [field.as_bytes(), b"\r\n", &plain].concat();
    let record = keys.record(&name).expect("it is there");
    let mut answers = Answers::default();
    while let Err(wanted) = outcome(&signed, &answers) {
        for one in wanted {
            match one {
                Wanted::Records(question) => answers.put(question, Answer::Found(vec![Record::Txt(record.as_bytes().into())])),
                Wanted::Verified(verification) => answers.put_verified((*verification).clone(), Ok(verify(&verification))),
                Wanted::Signature(_) => panic!("nothing is signed"),
            }
        }
    }
    group.bench_function("verify, answers ready", |bencher| {
        bencher.iter(|| assert_eq!(outcome(&signed, &answers), Ok(Reason::Verified)));
    });
    let mut known = Answers::default();
    answers.all_records().for_each(|(question, answer)| known.put(question.clone(), answer.clone()));
    group.bench_function("verify, RSA 2048 included", |bencher| {
        bencher.iter(|| {
            let content = Content::split(&signed);
            let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
            let Progress::Wants(wanted) = signatures.verify(&known, NOW) else { panic!("it asks nothing") };
            let [Wanted::Verified(verification)] = &wanted[..] else { panic!("it asks for a key") };
            assert!(verify(verification));
        });
    });
    group.bench_function("the body alone", |bencher| {
        bencher.iter(|| {
            let content = Content::split(&plain);
            signer.prepare(&content, &mut BodyHashes::of(&content), NOW).expect("it can be signed")
        });
    });
    group.bench_function("sign, RSA 2048 included", |bencher| bencher.iter(|| sign(&signer, &keys, &plain)));
    group.finish();
}

fn outcome(message: &[u8], answers: &Answers) -> Result<Reason, Vec<Wanted>> {
    let content = Content::split(message);
    let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
    match signatures.verify(answers, NOW) {
        Progress::Done(outcome) => Ok(outcome.signatures[0].reason),
        Progress::Wants(wanted) => Err(wanted),
    }
}

fn sign(signer: &Signer, keys: &KeyStore, message: &[u8]) -> String {
    let content = Content::split(message);
    let unsigned = signer.prepare(&content, &mut BodyHashes::of(&content), NOW).expect("it can be signed");
    let mut answers = Answers::default();
    loop {
        match unsigned.sign(&answers) {
            Progress::Done(mut signed) => return signed.fields.remove(0),
            Progress::Wants(wanted) => {
                for one in wanted {
                    let Wanted::Signature(signing) = one else { panic!("only signatures are asked for") };
                    let signature = keys.sign(&signing);
                    answers.put_signature(*signing, signature);
                }
            }
        }
    }
}

fn keys() -> (KeyStore, SigningKey) {
    let parse = |text| Name::parse(text).expect("it is a name");
    let name = SigningKey { algorithm: Algorithm::RsaSha256, domain: parse("example.com"), selector: parse("one") };
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key can be made");
    let mut keys = KeyStore::default();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("it has a form");
    keys.add(name.clone(), der.as_ref()).expect("it is a key");
    (keys, name)
}

/// Some 9 KB, as the mean of real mail: a header of 2 KB with trace fields, and text.
fn message() -> Vec<u8> {
    let mut random = Random::new(7);
    let mut message = String::new();
    for hop in 0..6 {
        message += &format!(
            "Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\r\n\tby mx.example.org with ESMTPS id a{hop}b;\r\n\tMon, 1 Jan 2024 10:00:00 +0000\r\n"
        );
    }
    for field in 0..12 {
        message += &format!("X-Field-{field}: {}\r\n", prose::text(&mut random, 60).replace(['\r', '\n'], " "));
    }
    message += "From: a@example.com\r\nTo: b@example.net\r\nSubject: A walk\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n";
    message += "Message-ID: <a@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";
    message += &prose::text(&mut random, 7 * KIB).replace("\r\n", "\n").replace('\n', "\r\n");
    message.into_bytes()
}

criterion_group!(benches, dkim);
