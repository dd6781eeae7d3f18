//! A world in memory: records by name, keys that sign, and what comes of asking them.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use xd_auth::{Absence, Algorithm, Answer, Answers, Name, Progress, Record, Signing, SigningKey, Unknown, Wanted};
use xd_lookup::signature::{KeyStore, verify};

/// Records and keys of `example.com`: selectors `rsa` and `edwards`.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) zone: BTreeMap<Name, Answer<Record>>,
    keys: KeyStore,
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn key(algorithm: Algorithm, selector: &str) -> SigningKey {
    SigningKey { algorithm, domain: name("example.com"), selector: name(selector) }
}

impl World {
    pub(crate) fn new() -> Self {
        // Generating a key takes a tenth of a second.
        static PRIVATE: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
        let private = PRIVATE.get_or_init(|| {
            let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let seed = Ed25519KeyPair::generate().unwrap().seed().unwrap().as_be_bytes().unwrap();
            [AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap().as_ref().to_vec(), seed.as_ref().to_vec()]
        });
        let mut world = Self::default();
        for (key, private) in world.both_keys().into_iter().zip(private) {
            world.keys.add(key.clone(), private).unwrap();
            let record = world.keys.record(&key).unwrap();
            world.publish(&format!("{}._domainkey.{}", key.selector, key.domain), &record);
        }
        world
    }

    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<World> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }

    pub(crate) fn both_keys(&self) -> Vec<SigningKey> {
        vec![key(Algorithm::RsaSha256, "rsa"), key(Algorithm::Ed25519Sha256, "edwards")]
    }

    pub(crate) fn publish(&mut self, owner: &str, text: &str) {
        self.zone.insert(name(owner), Answer::Found(vec![Record::Txt(text.as_bytes().into())]));
    }

    /// Answers until a check is over.
    pub(crate) fn settle<T>(&self, check: impl Fn(&Answers) -> Progress<T>) -> T {
        self.settle_without(0, check)
    }

    /// As [`World::settle`], with every answer unknown whose bit, counted in the order of asking, is set.
    pub(crate) fn settle_without<T>(&self, unknown: u8, check: impl Fn(&Answers) -> Progress<T>) -> T {
        let mut answers = Answers::default();
        let mut asked = 0;
        for _ in 0..8 {
            let wanted = match check(&answers) {
                Progress::Done(outcome) => return outcome,
                Progress::Wants(wanted) => wanted,
            };
            assert!(!wanted.is_empty());
            for one in wanted {
                let is_unknown = unknown >> (asked % 8) & 1 == 1;
                asked += 1;
                match one {
                    Wanted::Records(question) => {
                        let answer = match self.zone.get(&question.name) {
                            _ if is_unknown => Answer::Unknown(Unknown::Timeout),
                            Some(answer) => answer.clone(),
                            None => Answer::Absent(Absence::Name),
                        };
                        assert_eq!(answers.records(&question), None, "asked twice");
                        answers.put(question, answer);
                    }
                    Wanted::Verified(verification) => {
                        let holds = if is_unknown { Err(Unknown::NotAsked) } else { Ok(verify(&verification)) };
                        assert_eq!(answers.verified(&verification), None, "asked twice");
                        answers.put_verified(*verification, holds);
                    }
                    Wanted::Signature(signing) => {
                        let signature = if is_unknown { Err(Unknown::NotAsked) } else { self.keys.sign(&signing) };
                        answers.put_signature(*signing, signature);
                    }
                }
            }
        }
        panic!("not over");
    }

    /// Signs with tags of all kinds, in simple form. The body is canonical.
    pub(crate) fn sign_by_hand(&self, tags: &str, header: &str, body: &str) -> String {
        let hash = STANDARD.encode(Sha256::digest(body));
        let field = format!("DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=edwards; h=from; bh={hash}; {tags}; b=");
        let signed = [header, &field].concat().into_bytes().into_boxed_slice();
        let signature = self.keys.sign(&Signing { key: key(Algorithm::Ed25519Sha256, "edwards"), signed }).unwrap();
        format!("{field}{}\r\n{header}\r\n{body}", STANDARD.encode(signature))
    }
}

/// The keys of RFC 8463 appendix A.2.
pub(crate) const BRISBANE: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
pub(crate) const TEST: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

/// The message of RFC 8463 appendix A.3.
pub(crate) const FOOTBALL: &str = "\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
";
