//! DKIM from the outside: what is signed holds, what is changed does not, and what is not known is never a definite result.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod world;

use proptest::prelude::*;
use world::{World, name};
use xd_auth::content::Content;
use xd_auth::dkim::{
    BodyHashes, CLOCK_DRIFT, Canonicalization, MAX_SIGNATURES, Outcome, Reason, Risk, SignError, Signatures, Signer, Step,
};
use xd_auth::{Absence, Algorithm, Answer, Answers, DkimResult, Progress, Unknown};

const NOW: u64 = 1_700_000_000;

const MESSAGE: &str = "Received: by mx.example.com\r\nFrom: Alice <alice@example.com>\r\nTo: bob@example.net\r\nSubject: A long\r\n walk\r\n\
                       Date: Mon, 1 Jan 2024 10:00:00 +0000\r\n\r\nHello  Bob, \r\n\r\nlet us walk.\r\n\r\n";

fn verify(world: &World, message: &[u8], now: u64) -> Outcome {
    let content = Content::split(message);
    let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
    world.settle(|answers| signatures.verify(answers, now))
}

fn signed(world: &World, signer: &Signer, message: &str) -> String {
    let content = Content::split(message.as_bytes());
    let unsigned = signer.prepare(&content, &mut BodyHashes::of(&content), NOW).unwrap();
    let signed = world.settle(|answers| unsigned.sign(answers));
    assert_eq!(signed.failed, []);
    signed.fields.into_iter().map(|field| field + "\r\n").collect::<String>() + message
}

fn only_reason(outcome: &Outcome) -> Reason {
    assert_eq!(outcome.signatures.len(), 1);
    outcome.signatures[0].reason
}

#[test]
fn what_is_signed_holds_in_every_form() {
    let world = World::new();
    for header in [Canonicalization::Relaxed, Canonicalization::Simple] {
        for body in [Canonicalization::Relaxed, Canonicalization::Simple] {
            let mut signer = Signer::new(world.both_keys());
            (signer.header, signer.body, signer.lifetime) = (header, body, Some(60));
            let message = signed(&world, &signer, MESSAGE);
            assert!(message.split("\r\n").all(|line| line.len() <= 78), "{message}");
            let outcome = verify(&world, message.as_bytes(), NOW);
            assert_eq!(outcome.signatures.iter().map(|one| one.reason).collect::<Vec<_>>(), [Reason::Verified; 2], "{message}");
            assert_eq!(outcome.passing().collect::<Vec<_>>(), [&name("example.com"); 2]);
            assert_eq!(outcome.signatures.iter().map(|one| one.key_bits).collect::<Vec<_>>(), [Some(2048), Some(256)]);
            assert!(outcome.signatures.iter().all(|one| one.risks.is_empty() && one.steps.len() == 3));
        }
    }
}

#[test]
fn what_relaxed_lets_pass_and_what_not() {
    let world = World::new();
    let message = signed(&world, &Signer::new(world.both_keys()), MESSAGE);
    for (from, to, expected) in [
        ("", "", Reason::Verified),
        ("Hello  Bob, ", "Hello Bob,\t", Reason::Verified),
        ("walk.\r\n\r\n", "walk.", Reason::Verified),
        ("Subject: A long\r\n walk", "SUBJECT : A  long walk ", Reason::Verified),
        ("Received: by mx.example.com", "Received: by any.example.com", Reason::Verified),
        ("Hello", "hello", Reason::BodyChanged),
        ("A long", "A short", Reason::HeaderChanged),
        // What was not there was signed too.
        ("Date: ", "Cc: eve@example.net\r\nDate: ", Reason::HeaderChanged),
        ("Received: ", "From: eve@example.net\r\nReceived: ", Reason::HeaderChanged),
        ("Received: ", "Subject: Win\r\nReceived: ", Reason::HeaderChanged),
        ("Received: ", "Content-Type: text/html\r\nReceived: ", Reason::HeaderChanged),
    ] {
        let changed = message.replacen(from, to, 1);
        let outcome = verify(&world, changed.as_bytes(), NOW);
        assert!(outcome.signatures.iter().all(|one| one.reason == expected), "{from:?} → {to:?}: {outcome:?}");
    }
}

#[test]
fn times() {
    let world = World::new();
    let mut signer = Signer::new(world.both_keys().into_iter().take(1).collect());
    signer.lifetime = Some(1_000);
    let message = signed(&world, &signer, MESSAGE);
    for (now, reason) in [
        (NOW - CLOCK_DRIFT, Reason::Verified),
        (NOW - CLOCK_DRIFT - 1, Reason::NotYet),
        (NOW + 1_000 + CLOCK_DRIFT, Reason::Verified),
        (NOW + 1_000 + CLOCK_DRIFT + 1, Reason::Expired),
    ] {
        assert_eq!(only_reason(&verify(&world, message.as_bytes(), now)), reason);
    }
    assert_eq!(Reason::Expired.result(), DkimResult::Policy);
}

#[test]
fn a_body_that_was_changed_needs_no_question() {
    let world = World::new();
    let message = signed(&world, &Signer::new(world.both_keys()), MESSAGE).replace("Hello", "Hallo");
    let content = Content::split(message.as_bytes());
    let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
    let Progress::Done(outcome) = signatures.verify(&Answers::default(), NOW) else { panic!("it asks") };
    assert_eq!(outcome.result(), DkimResult::Fail);
    assert!(matches!(outcome.signatures[0].steps[..], [Step::Body { matches: false, .. }]));
}

#[test]
fn keys_that_are_absent_or_unknown() {
    for (answer, reason) in [
        (Answer::Absent(Absence::Name), Reason::KeyAbsent(Absence::Name)),
        (Answer::Absent(Absence::Records), Reason::KeyAbsent(Absence::Records)),
        (Answer::Unknown(Unknown::Timeout), Reason::KeyUnknown(Unknown::Timeout)),
        (Answer::Unknown(Unknown::ServerFailure), Reason::KeyUnknown(Unknown::ServerFailure)),
    ] {
        let mut world = World::new();
        let message = signed(&world, &Signer::new(world.both_keys()), MESSAGE);
        world.zone.insert(name("rsa._domainkey.example.com"), answer);
        let outcome = verify(&world, message.as_bytes(), NOW);
        assert_eq!((outcome.signatures[0].reason, outcome.signatures[1].reason), (reason, Reason::Verified));
    }
}

#[test]
fn what_a_signature_leaves_open() {
    let world = World::new();
    let mut signer = Signer::new(world.both_keys().into_iter().take(1).collect());
    signer.fields.oversigned.clear();
    signer.fields.present = vec!["From".into(), "To".into(), "Subject".into()];
    let message = "Subject: Win\r\n".to_owned() + &signed(&world, &signer, MESSAGE);
    let outcome = verify(&world, message.as_bytes(), NOW);
    assert_eq!(only_reason(&outcome), Reason::Verified);
    let open = |name, present, signed| Risk::Field { name, present, signed };
    assert_eq!(outcome.signatures[0].risks, [open("Subject", 2, 1), open("Date", 1, 0)]);
}

#[test]
fn a_body_signed_in_part() {
    // `l=` is nothing that we sign, so the field is changed before its signature is made.
    let world = World::new();
    for (limit, end, expected) in [
        (7, "", Ok(None)),
        (7, "and more\r\n", Ok(Some(10))),
        (0, "and more\r\n", Ok(Some(10))),
        (8, "", Err(Reason::BodyShorter)),
    ] {
        let body = if limit == 0 { "" } else { "Hello\r\n" };
        let message = world.sign_by_hand(&format!("l={limit}"), "From: a@example.com\r\n", body) + end;
        let outcome = verify(&world, message.as_bytes(), NOW);
        match expected {
            Ok(octets) => {
                assert_eq!(only_reason(&outcome), Reason::Verified, "{message}");
                assert_eq!(
                    outcome.signatures[0].risks,
                    octets.map(|octets| Risk::BodyEnd { octets }).into_iter().collect::<Vec<_>>()
                );
            }
            Err(reason) => assert_eq!(only_reason(&outcome), reason),
        }
    }
}

#[test]
fn signatures_are_counted() {
    let world = World::new();
    let one = "DKIM-Signature: no tags\r\n";
    let held = signed(&world, &Signer::new(world.both_keys().into_iter().take(1).collect()), MESSAGE);
    let outcome = verify(&world, (one.repeat(MAX_SIGNATURES - 1) + &held).as_bytes(), NOW);
    assert_eq!((outcome.result(), outcome.skipped), (DkimResult::Pass, 0));
    let outcome = verify(&world, (one.repeat(MAX_SIGNATURES) + &held).as_bytes(), NOW);
    assert_eq!((outcome.result(), outcome.skipped, outcome.signatures.len()), (DkimResult::PermError, 1, MAX_SIGNATURES));
}

#[test]
fn what_is_not_signed() {
    let world = World::new();
    let refused = |signer: &Signer, message: &str| {
        let content = Content::split(message.as_bytes());
        signer.prepare(&content, &mut BodyHashes::of(&content), NOW).unwrap_err()
    };
    let mut signer = Signer::new(world.both_keys());
    assert_eq!(refused(&signer, "To: a@example.com\r\n\r\n"), SignError::From(0));
    assert_eq!(refused(&signer, "From: a@example.com\r\nFrom: b@example.com\r\n\r\n"), SignError::From(2));
    signer.fields.oversigned.clear();
    assert_eq!(refused(&signer, MESSAGE), SignError::FromNotNamed);
    let content = Content::split(MESSAGE.as_bytes());
    let unsigned = Signer::new(world.both_keys()).prepare(&content, &mut BodyHashes::of(&content), NOW).unwrap();
    let signed = World::default().settle(|answers| unsigned.sign(answers));
    assert_eq!((signed.fields.len(), signed.failed.len()), (0, 2));
}

#[test]
fn the_message_of_rfc_8463() {
    let mut world = World::default();
    for (selector, record) in [("brisbane", world::BRISBANE), ("test", world::TEST)] {
        world.publish(&format!("{selector}._domainkey.football.example.com"), record);
    }
    let message = world::FOOTBALL.replace('\n', "\r\n");
    let outcome = verify(&world, message.as_bytes(), 1_528_637_909);
    assert_eq!(outcome.signatures.iter().map(|one| one.reason).collect::<Vec<_>>(), [Reason::Verified; 2]);
    assert_eq!(outcome.signatures[0].algorithm, Some(Algorithm::Ed25519Sha256));
    assert_eq!(outcome.signatures[1].identity.as_deref(), Some("@football.example.com"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_content_is_signed_and_holds(subject in "[ -~]{0,40}", body in "[ -~\t\r\n]{0,200}") {
        let world = World::shared();
        let message = format!("From: a@example.com\r\nSubject: {subject}\r\n\r\n{body}");
        let message = signed(world, &Signer::new(world.both_keys()), &message);
        prop_assert_eq!(verify(world, message.as_bytes(), NOW).passing().count(), 2);
    }

    #[test]
    fn any_bytes_come_to_a_result(head in "(DKIM-Signature: [a-z]{1,2}=[ -~]{0,20}(; ?[a-z]{1,2}=[ -~]{0,9}){0,9}\r\n){0,12}", rest in any::<Vec<u8>>()) {
        let message = [head.as_bytes(), &rest].concat();
        let outcome = verify(World::shared(), &message, NOW);
        prop_assert!(outcome.signatures.len() <= MAX_SIGNATURES);
    }

    #[test]
    fn what_is_not_known_is_never_a_definite_result(unknown in any::<u8>(), at in 0..MESSAGE.len()) {
        let world = World::shared();
        let mut message = signed(world, &Signer::new(world.both_keys()), MESSAGE).into_bytes();
        let start = message.len() - MESSAGE.len();
        message[start + at] ^= 1;
        let content = Content::split(&message);
        let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
        let all = world.settle(|answers| signatures.verify(answers, NOW));
        let some = world.settle_without(unknown, |answers| signatures.verify(answers, NOW));
        for (all, some) in all.signatures.iter().zip(&some.signatures) {
            prop_assert!(some.result() == DkimResult::TempError || some.result() == all.result());
        }
    }
}
