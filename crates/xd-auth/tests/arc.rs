//! ARC from the outside: chains that we seal hold, and what handlers change shows where it was changed.

#![allow(clippy::unwrap_used, reason = "a failed step here is a failed test")]

mod world;

use proptest::prelude::*;
use world::{World, name};
use xd_auth::arc::{ArcResult, Chain, MAX_SETS, Outcome, Reason, SealError, Sealer, StructureFault};
use xd_auth::content::Content;
use xd_auth::dkim::{self, BodyHashes};
use xd_auth::{Answer, Answers, Progress, Unknown};

const NOW: u64 = 1_700_000_000;

const MESSAGE: &str = "From: alice@example.com\r\nTo: list@example.net\r\nSubject: A walk\r\n\r\nLet us walk.\r\n";

fn verify(world: &World, message: &str) -> Outcome {
    let content = Content::split(message.as_bytes());
    let chain = Chain::prepare(&content, &mut BodyHashes::of(&content));
    world.settle(|answers| chain.verify(answers, NOW))
}

fn try_seal(world: &World, message: &str, chain: ArcResult) -> Result<String, SealError> {
    let content = Content::split(message.as_bytes());
    let sealer = Sealer::new(world.both_keys().swap_remove(0));
    let results = "mx.example.com; spf=pass smtp.mailfrom=example.com; dkim=pass header.d=example.com header.s=one";
    let unsealed = sealer.prepare(&content, &mut BodyHashes::of(&content), chain, results, NOW)?;
    let sealed = world.settle(|answers| unsealed.seal(answers)).unwrap();
    Ok(format!("{}\r\n{}\r\n{}\r\n{message}", sealed.seal, sealed.message, sealed.results))
}

fn seal(world: &World, message: &str) -> String {
    try_seal(world, message, verify(world, message).result()).unwrap()
}

#[test]
fn a_chain_grows_and_holds() {
    let world = World::new();
    let mut message = MESSAGE.to_owned();
    for hops in 0..4 {
        let outcome = verify(&world, &message);
        assert_eq!(outcome.reason, if hops == 0 { Reason::NoChain } else { Reason::Holds }, "{message}");
        assert_eq!((outcome.hops.len(), outcome.oldest_pass), (hops, (hops > 0).then_some(1)));
        for hop in &outcome.hops {
            assert_eq!(hop.sealer, Some(name("example.com")));
            assert!(hop.results.starts_with("mx.example.com; spf=pass"), "{}", hop.results);
        }
        message = seal(&world, &message);
        assert!(message.split("\r\n").all(|line| line.len() <= 78), "{message}");
    }
}

#[test]
fn what_a_list_changes_shows_where_the_chain_began_anew() {
    let world = World::new();
    let first = seal(&world, MESSAGE);
    let second = seal(&world, &first.replace("A walk", "[list] A walk"));
    // The first was changed before the second sealed, which found it failed.
    assert_eq!(verify(&world, &second).reason, Reason::FailedBefore);
    // Had the second sealed before it changed the message, the third could tell since when nothing has changed.
    let honest = seal(&world, &first);
    let content = Content::split(honest.as_bytes());
    assert_eq!(content.named("ARC-Seal").count(), 2);
    let changed = honest.replace("A walk", "[list] A walk");
    assert_eq!(verify(&world, &changed).reason, Reason::Message(dkim::Reason::HeaderChanged));
    let third = try_seal(&world, &changed, ArcResult::Pass).unwrap();
    let outcome = verify(&world, &third);
    assert_eq!((outcome.reason, outcome.oldest_pass), (Reason::Holds, Some(3)));
}

#[test]
fn every_part_of_a_chain_is_covered() {
    let world = World::new();
    let message = seal(&world, &seal(&world, MESSAGE));
    for (from, to, expected) in [
        ("i=1; mx", "i=1; mX", Reason::Seal { instance: 2, reason: dkim::Reason::HeaderChanged }),
        ("i=2; mx", "i=2; mX", Reason::Seal { instance: 2, reason: dkim::Reason::HeaderChanged }),
        ("Let us", "Let me", Reason::Message(dkim::Reason::BodyChanged)),
        ("cv=pass", "cv=none", Reason::Structure(StructureFault::Validation(2))),
        ("ARC-Seal:", "ARC-Zeal:", Reason::Structure(StructureFault::Missing(2))),
        ("cv=pass", "cv=fail", Reason::FailedBefore),
    ] {
        let changed = message.replacen(from, to, 1);
        assert_ne!(changed, message);
        let outcome = verify(&world, &changed);
        assert_eq!((outcome.reason, outcome.oldest_pass), (expected, None), "{from} → {to}");
        assert_eq!(outcome.result(), ArcResult::Fail);
    }
}

#[test]
fn keys_that_are_not_known() {
    let mut world = World::new();
    let message = seal(&world, MESSAGE);
    world.zone.insert(name("rsa._domainkey.example.com"), Answer::Unknown(Unknown::Timeout));
    let outcome = verify(&world, &message);
    assert_eq!(outcome.result(), ArcResult::TempError);
    assert_eq!(try_seal(&world, &message, ArcResult::TempError), Err(SealError::Unknown));
    // What fails for sure needs no key.
    assert_eq!(verify(&world, &message.replace("Let us", "Let me")).result(), ArcResult::Fail);
}

#[test]
fn failed_chains_are_sealed_once() {
    let world = World::new();
    let broken = seal(&world, MESSAGE).replace("ARC-Message-Signature:", "X:");
    let failed = try_seal(&world, &broken, verify(&world, &broken).result()).unwrap();
    assert_eq!(Content::split(failed.as_bytes()).named("ARC-Seal").count(), 2);
    assert_eq!(try_seal(&world, &failed, ArcResult::Fail), Err(SealError::AlreadyFailed));
    assert_eq!(try_seal(&world, MESSAGE, ArcResult::Pass), Err(SealError::OtherResult));
    assert_eq!(try_seal(&world, "To: a@example.com\r\n\r\n", ArcResult::None), Err(SealError::From));
}

#[test]
fn chains_end_at_fifty() {
    let world = World::new();
    let mut message = MESSAGE.to_owned();
    for hop in 0..MAX_SETS {
        message = try_seal(&world, &message, if hop == 0 { ArcResult::None } else { ArcResult::Pass }).unwrap();
    }
    let outcome = verify(&world, &message);
    assert_eq!((outcome.reason, outcome.oldest_pass, outcome.hops.len()), (Reason::Holds, Some(1), MAX_SETS));
    assert_eq!(try_seal(&world, &message, ArcResult::Pass), Err(SealError::Full));
}

#[test]
fn a_chain_asks_for_each_key_once() {
    let world = World::new();
    let message = seal(&world, &seal(&world, MESSAGE));
    let content = Content::split(message.as_bytes());
    let chain = Chain::prepare(&content, &mut BodyHashes::of(&content));
    let Progress::Wants(wanted) = chain.verify(&Answers::default(), NOW) else { panic!("it asks nothing") };
    assert_eq!(wanted.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_not_known_is_never_a_definite_result(unknown in any::<u8>(), at in any::<prop::sample::Index>()) {
        let world = World::shared();
        let mut message = seal(world, &seal(world, MESSAGE)).into_bytes();
        let at = at.index(message.len());
        message[at] ^= 1;
        let content = Content::split(&message);
        let chain = Chain::prepare(&content, &mut BodyHashes::of(&content));
        let all = world.settle(|answers| chain.verify(answers, NOW));
        let some = world.settle_without(unknown, |answers| chain.verify(answers, NOW));
        prop_assert!(some.result() == ArcResult::TempError || some.result() == all.result());
    }
}
