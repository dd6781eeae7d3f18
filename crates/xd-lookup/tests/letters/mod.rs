//! Messages signed for `example.com`, and the keys.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, RsaKeyPair};
use xd_auth::content::Content;
use xd_auth::dkim::{BodyHashes, Signer};
use xd_auth::{Algorithm, Answers, Name, Progress, Signing, SigningKey, Unknown, Verification, Wanted};
use xd_core::{Envelope, Evidence, Host, Known, Message, ReversePath, Timestamp};
use xd_lookup::Signatures;
use xd_lookup::signature::{KeyStore, verify};

pub(crate) const NOW: i64 = 1_700_000_000;

/// Keys as callers of the resolver have them: selectors `rsa` and `edwards`.
pub(crate) struct Keys(KeyStore);

impl Signatures for Keys {
    fn verify(&self, verification: &Verification) -> Result<bool, Unknown> {
        Ok(verify(verification))
    }

    fn sign(&self, signing: &Signing) -> Result<Box<[u8]>, Unknown> {
        self.0.sign(signing)
    }
}

impl Keys {
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Keys> = OnceLock::new();
        SHARED.get_or_init(|| {
            let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let rsa = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
            let seed = Ed25519KeyPair::generate().unwrap().seed().unwrap().as_be_bytes().unwrap();
            let mut store = KeyStore::default();
            for (name, key) in names().into_iter().zip([rsa.as_ref(), seed.as_ref()]) {
                store.add(name, key).unwrap();
            }
            Self(store)
        })
    }

    /// Where the records of the keys stand, and what they say.
    pub(crate) fn records(&self) -> [(String, String); 2] {
        names().map(|key| (format!("{}._domainkey.{}", key.selector, key.domain), self.0.record(&key).unwrap()))
    }

    /// A message signed by all keys, that with another body, that with another header, and that without signatures.
    pub(crate) fn messages(&self, author: &str) -> [String; 4] {
        let message = format!("From: {author}\r\nSubject: a walk\r\n\r\nHello Bob\r\n");
        let content = Content::split(message.as_bytes());
        let now = NOW.try_into().unwrap();
        let unsigned = Signer::new(names().into()).prepare(&content, &mut BodyHashes::of(&content), now).unwrap();
        let mut answers = Answers::default();
        if let Progress::Wants(wanted) = unsigned.sign(&answers) {
            for wanted in wanted {
                let Wanted::Signature(signing) = wanted else { panic!("{wanted:?}") };
                let made = self.sign(&signing);
                answers.put_signature(*signing, made);
            }
        }
        let Progress::Done(signed) = unsigned.sign(&answers) else { panic!("not over") };
        let whole = signed.fields.join("\r\n") + "\r\n" + &message;
        [whole.clone(), whole.replace("Bob", "Eve"), whole.replace("walk", "prize"), message]
    }
}

fn names() -> [SigningKey; 2] {
    let name = |text| Name::parse(text).unwrap();
    let key = |algorithm, selector| SigningKey { algorithm, domain: name("example.com"), selector: name(selector) };
    [key(Algorithm::RsaSha256, "rsa"), key(Algorithm::Ed25519Sha256, "edwards")]
}

/// From `192.0.2.n`, at [`NOW`].
pub(crate) fn received(from: u8, reverse_path: &str) -> (Envelope, Evidence) {
    let envelope = Envelope {
        client_address: Known::Found([192, 0, 2, from].into()),
        ehlo: Known::Found(Host::parse("mail.example.org").unwrap()),
        reverse_path: Known::Found(ReversePath::parse(reverse_path)),
        ..Envelope::default()
    };
    (envelope, Evidence { now: Known::Found(Timestamp::from_unix(NOW)), ..Evidence::default() })
}

/// Whether what is known with fewer answers is what is known with all.
pub(crate) fn is_or_awaits<T: PartialEq>(less: &Known<T>, full: &Known<T>) -> bool {
    matches!(less, Known::Unknown(_)) || less == full
}

pub(crate) fn parse(text: &str) -> Message<'_> {
    Message::parse(text.as_bytes(), &xd_core::Limits::default())
}
