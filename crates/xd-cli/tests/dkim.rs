//! `xd dkim keygen`: keys that sign what others can verify by the record that was printed.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use support::Place;
use xd_auth::content::Content;
use xd_auth::dkim::{BodyHashes, Signatures, Signer};
use xd_auth::{Algorithm, Answer, Answers, DkimResult, Name, Progress, Record, SigningKey, Wanted};
use xd_lookup::signature::{KeyStore, verify};

const NOW: u64 = 1_700_000_000;

/// Signs a message by a key, and says what a verifier makes of it that finds this record under the selector.
fn verified(algorithm: Algorithm, pem: &[u8], record: &str) -> DkimResult {
    let name = |text| Name::parse(text).unwrap();
    let key = SigningKey { algorithm, domain: name("example.com"), selector: name("one") };
    let mut store = KeyStore::default();
    store.add(key.clone(), pem).unwrap();
    let raw = b"From: ann@example.com\r\nSubject: Minutes\r\n\r\nHello\r\n";
    let content = Content::split(raw);
    let unsigned = Signer::new(vec![key]).prepare(&content, &mut BodyHashes::of(&content), NOW).unwrap();
    let mut answers = Answers::default();
    let Progress::Wants(wanted) = unsigned.sign(&answers) else { panic!() };
    for wanted in wanted {
        let Wanted::Signature(signing) = wanted else { panic!() };
        let signature = store.sign(&signing);
        answers.put_signature(*signing, signature);
    }
    let Progress::Done(signed) = unsigned.sign(&answers) else { panic!() };
    let whole = [signed.fields[0].as_bytes(), b"\r\n", raw].concat();
    let content = Content::split(&whole);
    let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
    let mut answers = Answers::default();
    loop {
        let wanted = match signatures.verify(&answers, NOW) {
            Progress::Done(outcome) => return outcome.result(),
            Progress::Wants(wanted) => wanted,
        };
        for wanted in wanted {
            match wanted {
                Wanted::Records(question) => {
                    assert_eq!(question.name.as_str(), "one._domainkey.example.com");
                    answers.put(question, Answer::Found(vec![Record::Txt(record.as_bytes().into())]));
                }
                Wanted::Verified(verification) => {
                    let holds = verify(&verification);
                    answers.put_verified(*verification, Ok(holds));
                }
                Wanted::Signature(_) => panic!(),
            }
        }
    }
}

#[test]
fn keys_sign_what_their_records_verify() {
    let place = Place::new("keys_sign_what_their_records_verify");
    for (arguments, algorithm, strings) in [
        ("--type ed25519", Algorithm::Ed25519Sha256, 1),
        ("", Algorithm::RsaSha256, 2),
        ("--type rsa --bits 3072", Algorithm::RsaSha256, 3),
    ] {
        let file = format!("key{strings}.pem");
        let run = place.run(&format!("dkim keygen --domain Example.COM --selector one --out {file} --format json {arguments}"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let record = &run.json()[0];
        assert_eq!(record["name"], "one._domainkey.example.com");
        let parts: Vec<&str> = record["strings"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        assert!(parts.len() == strings && parts.iter().all(|part| part.len() <= 255), "{record:#}");
        assert_eq!(fs::metadata(place.path(&file)).unwrap().permissions().mode() & 0o7777, 0o600);
        let pem = fs::read(place.path(&file)).unwrap();
        assert!(pem.starts_with(b"-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(verified(algorithm, &pem, &parts.concat()), DkimResult::Pass);
        // Of another key, nothing holds.
        let other = parts.concat().replace("p=", "p=A");
        assert_ne!(verified(algorithm, &pem, &other), DkimResult::Pass);
    }
}

#[test]
fn a_zone_file_can_hold_the_record() {
    let place = Place::new("a_zone_file_can_hold_the_record");
    let run = place.run("dkim keygen --domain example.com --selector one --out key.pem");
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!((lines[0], lines.last()), ("one._domainkey.example.com. IN TXT (", Some(&")")));
    assert!(lines[1].starts_with("    \"v=DKIM1; k=rsa; p=MII"), "{}", run.out);
    assert!(lines[1..lines.len() - 1].iter().all(|line| line.trim().len() <= 257));
}

#[test]
fn what_is_there_is_never_overwritten() {
    let place = Place::new("what_is_there_is_never_overwritten");
    place.write("key.pem", "precious");
    symlink(place.path("elsewhere.pem"), place.path("link.pem")).unwrap();
    for file in ["key.pem", "link.pem"] {
        let run = place.run(&format!("dkim keygen --domain example.com --selector one --type ed25519 --out {file}"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert_eq!(run.err, format!("xd: {file} is there already and was not touched: name a file that is not there\n"));
    }
    assert_eq!(fs::read(place.path("key.pem")).unwrap(), b"precious");
    assert!(!place.path("elsewhere.pem").exists());
}

#[test]
fn what_cannot_be_made() {
    let place = Place::new("what_cannot_be_made");
    let long = "a".repeat(60);
    for arguments in [
        "--domain example.com --selector one --type ed25519 --bits 2048 --out key.pem".to_owned(),
        "--domain example.com --selector one --bits 1024 --out key.pem".to_owned(),
        "--domain example.com --selector a;b --out key.pem".to_owned(),
        "--domain example.com --selector one --type ed25519 --out gone/key.pem".to_owned(),
        format!("--domain {long}.{long}.{long}.{long}.example --selector one --type ed25519 --out key.pem"),
    ] {
        let run = place.run(&format!("dkim keygen {arguments}"));
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}");
        assert!(!run.err.is_empty() && !place.path("key.pem").exists(), "{arguments}");
    }
}
