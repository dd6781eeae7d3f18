//! Mail authenticated through a resolver whose packets get lost: a result is that of all packets, or `temperror`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::time::Duration;

use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::Ed25519KeyPair;
use support::{Server, Zone};
use xd_auth::content::Content;
use xd_auth::dkim::{BodyHashes, Signatures as DkimSignatures, Signer};
use xd_auth::dmarc::{self, Subject, author_domain};
use xd_auth::spf::{self, Options, Sender};
use xd_auth::{Algorithm, Answer, Answers, Name, Progress, Signing, SigningKey, SpfResult, Unknown, Verification, Wanted};
use xd_lookup::signature::{KeyStore, verify};
use xd_lookup::{Rounds, RoundsOptions, Signatures};

const NOW: u64 = 1_700_000_000;
const MESSAGE: &str = "From: ann@news.example.com\r\nSubject: a walk\r\n\r\nHello Bob\r\n";

/// Keys as the resolver's callers have them.
struct Keys(KeyStore);

impl Signatures for Keys {
    fn verify(&self, verification: &Verification) -> Result<bool, Unknown> {
        Ok(verify(verification))
    }

    fn sign(&self, signing: &Signing) -> Result<Box<[u8]>, Unknown> {
        self.0.sign(signing)
    }
}

fn key() -> SigningKey {
    let name = |text| Name::parse(text).unwrap();
    SigningKey { algorithm: Algorithm::Ed25519Sha256, domain: name("example.com"), selector: name("one") }
}

/// A message and the world that it comes from.
struct Case {
    client: [u8; 4],
    message: String,
    records: Vec<String>,
    /// Results of SPF, of the signature, and of DMARC.
    expected: [&'static str; 3],
}

fn cases(keys: &Keys) -> Vec<Case> {
    let content = Content::split(MESSAGE.as_bytes());
    let unsigned = Signer::new(vec![key()]).prepare(&content, &mut BodyHashes::of(&content), NOW).unwrap();
    let mut answers = Answers::default();
    if let Progress::Wants(wanted) = unsigned.sign(&answers) {
        for wanted in wanted {
            let Wanted::Signature(signing) = wanted else { panic!("{wanted:?}") };
            answers.put_signature((*signing).clone(), keys.sign(&signing));
        }
    }
    let Progress::Done(signed) = unsigned.sign(&answers) else { panic!("not over") };
    let whole = format!("{}\r\n{MESSAGE}", signed.fields.join("\r\n"));
    let changed = whole.replace("walk", "prize");
    let mut records: Vec<String> = [
        "_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine",
        "news.example.com TXT v=spf1 include:one.example.org include:two.example.org mx -all",
        "one.example.org TXT v=spf1 a:hosts.example.org ~all",
        "two.example.org TXT v=spf1 exists:%{ir}.allowed.example.org ?all",
        "hosts.example.org A 192.0.2.9",
        "7.2.0.192.allowed.example.org A 127.0.0.2",
        "news.example.com MX 10 mail.example.com",
        "mail.example.com A 192.0.2.8",
    ]
    .map(str::to_owned)
    .to_vec();
    records.push(format!("one._domainkey.example.com TXT {}", keys.0.record(&key()).unwrap().replace("; ", ";")));
    let case = |last, message: &str, expected| Case {
        client: [192, 0, 2, last],
        message: message.to_owned(),
        records: records.clone(),
        expected,
    };
    vec![
        case(7, &whole, ["pass", "pass", "pass"]),
        case(8, &changed, ["pass", "fail", "pass"]),
        case(66, &whole, ["fail", "pass", "pass"]),
        case(66, &changed, ["fail", "fail", "fail"]),
    ]
}

/// All checks of a message as one: what any of them wants is asked at once.
fn judge(case: &Case, signatures: &DkimSignatures, answers: &Answers) -> Progress<[&'static str; 3]> {
    let sender = Sender {
        client: case.client.into(),
        ehlo: "mail.example.org",
        reverse_path: Some("ann@news.example.com"),
        receiver: "mx.example.net",
        now: NOW,
    };
    let (mut wanted, mut done) = (Vec::new(), (None, None));
    match spf::check(&sender, &Options::default(), answers) {
        Progress::Done(outcome) => done.0 = Some(outcome),
        Progress::Wants(wants) => wanted.extend(wants),
    }
    match signatures.verify(answers, NOW) {
        Progress::Done(outcome) => done.1 = Some(outcome),
        Progress::Wants(wants) => wanted.extend(wants),
    }
    let (Some(spf), Some(dkim)) = done else { return Progress::Wants(wanted) };
    let spf_result = match spf.result.as_str() {
        "pass" => SpfResult::Pass,
        "fail" => SpfResult::Fail,
        "temperror" => SpfResult::TempError,
        other => panic!("{other}"),
    };
    let subject = Subject {
        author: author_domain(1, ["ann@news.example.com"]),
        spf: spf.domain.map(|domain| (domain, spf_result)),
        dkim: dkim.signatures.iter().filter_map(|one| Some((one.domain.clone()?, one.result()))).collect(),
    };
    match dmarc::check(&subject, answers) {
        Progress::Wants(wanted) => Progress::Wants(wanted),
        Progress::Done(outcome) => Progress::Done([spf_result.as_str(), dkim.result().as_str(), outcome.result.as_str()]),
    }
}

async fn judged(case: &Case, keys: &Keys, lost: u64, seed: u64, question: Duration) -> ([&'static str; 3], Answers) {
    let mut zone = Zone::new().losing(lost, seed);
    for record in &case.records {
        zone.add(record);
    }
    let server = Server::start(zone).await;
    let options = RoundsOptions { deadline: question * 10, ..RoundsOptions::default() };
    let mut rounds = Rounds::new(server.resolver_within(question), options);
    let content = Content::split(case.message.as_bytes());
    let signatures = DkimSignatures::prepare(&content, &mut BodyHashes::of(&content));
    let results = rounds.run(keys, |answers| judge(case, &signatures, answers)).await.unwrap();
    (results, rounds.into_answers())
}

#[tokio::test]
async fn lost_packets_change_no_result() {
    let seed = Ed25519KeyPair::generate().unwrap().seed().unwrap().as_be_bytes().unwrap();
    let mut keys = Keys(KeyStore::default());
    keys.0.add(key(), seed.as_ref()).unwrap();
    let (mut ran, mut awaiting) = (tokio::task::JoinSet::new(), 0);
    let keys = std::sync::Arc::new(keys);
    for case in cases(&keys) {
        let (full, _) = judged(&case, &keys, 0, 1, Duration::from_secs(10)).await;
        assert_eq!(full, case.expected);
        let case = std::sync::Arc::new(case);
        for seed in 0..25 {
            let (case, keys) = (case.clone(), keys.clone());
            ran.spawn(async move {
                let (results, answers) = judged(&case, &keys, 30, seed, Duration::from_millis(700)).await;
                let lost = answers.all_records().filter(|(_, answer)| matches!(answer, Answer::Unknown(_))).count();
                (results, full, lost)
            });
        }
    }
    for (results, full, lost) in ran.join_all().await {
        for (result, full) in results.into_iter().zip(full) {
            assert!(result == full || result == "temperror", "{results:?} where it is {full:?}");
        }
        assert!(results == full || lost > 0);
        awaiting += usize::from(results != full);
    }
    // Otherwise nothing was tried.
    assert!(awaiting > 0);
}
