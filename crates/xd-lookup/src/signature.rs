//! Signatures verified and made, by the one crypto provider of the workspace: what checks of `xd-auth` ask beside DNS.
//!
//! A signature that makes no sense does not hold; there is no third answer, since the work needs nothing but memory. Private keys stay
//! in the [`KeyStore`]: whoever signs names them.

use std::collections::BTreeMap;
use std::fmt;

use crate::Signatures;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xd_auth::{Algorithm, Signing, SigningKey, Unknown, Verification};

/// Whether a signature is that of a key over some octets. RSA keys of 1024 to 8192 bits are taken (RFC 8301 §3.2).
#[must_use]
pub fn verify(verification: &Verification) -> bool {
    let Verification { algorithm, key, signed, signature } = verification;
    match algorithm {
        // RFC 8463 §3: the hash is signed, as if it were the message.
        Algorithm::Ed25519Sha256 => UnparsedPublicKey::new(&ED25519, key).verify(digest(&SHA256, signed).as_ref(), signature),
        // Named for its lower end, which old keys of DKIM still have.
        Algorithm::RsaSha256 => {
            UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, key).verify(signed, signature)
        }
    }
    .is_ok()
}

/// Private keys by name.
#[derive(Default)]
pub struct KeyStore {
    keys: BTreeMap<SigningKey, PrivateKey>,
}

enum PrivateKey {
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// Why a private key is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Neither PEM nor DER, or of another algorithm than was said, or an RSA key of fewer than 2048 or more than 8192 bits.
    #[error("no private key: expected {0} in PEM or DER, RSA of 2048 to 8192 bits")]
    Unreadable(&'static str),
}

/// A kind of private key to make.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete: what signers of mail use")]
pub enum NewKey {
    /// Ed25519.
    Ed25519,
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
}

/// The system gave no random numbers, or no memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no key could be made")]
pub struct NoNewKey;

/// Makes a private key: PKCS#8 in PEM, which [`KeyStore::add`] and other programs read.
///
/// # Errors
/// When the system gives no random numbers.
pub fn generate(kind: NewKey) -> Result<String, NoNewKey> {
    let rsa = |size| {
        let key = RsaKeyPair::generate(size)?;
        Ok(AsDer::<Pkcs8V1Der<'_>>::as_der(&key)?.as_ref().to_vec())
    };
    let made: Result<Vec<u8>, Unspecified> = match kind {
        // Version 1: not everyone reads version 2, which holds the public key beside the private one.
        NewKey::Ed25519 => Ed25519KeyPair::generate().and_then(|key| Ok(key.to_pkcs8v1()?.as_ref().to_vec())),
        NewKey::Rsa2048 => rsa(KeySize::Rsa2048),
        NewKey::Rsa3072 => rsa(KeySize::Rsa3072),
        NewKey::Rsa4096 => rsa(KeySize::Rsa4096),
    };
    let text = STANDARD.encode(made.map_err(|Unspecified| NoNewKey)?);
    let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // RFC 7468 §2: lines of 64 characters. Base64 is ASCII.
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

impl KeyStore {
    /// Takes a private key: PKCS#8 in PEM or DER, for RSA also PKCS#1, for Ed25519 also the 32 octets of the seed. A key of the same name
    /// is replaced.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn add(&mut self, name: SigningKey, key: &[u8]) -> Result<(), KeyError> {
        let decoded = from_pem(key);
        let der = decoded.as_deref().unwrap_or(key);
        let key = match name.algorithm {
            Algorithm::Ed25519Sha256 => Ed25519KeyPair::from_pkcs8(der)
                .or_else(|_| Ed25519KeyPair::from_seed_unchecked(der))
                .map(PrivateKey::Ed25519)
                .map_err(|_| KeyError::Unreadable("Ed25519"))?,
            Algorithm::RsaSha256 => RsaKeyPair::from_pkcs8(der)
                .or_else(|_| RsaKeyPair::from_der(der))
                .map(PrivateKey::Rsa)
                .map_err(|_| KeyError::Unreadable("RSA"))?,
        };
        self.keys.insert(name, key);
        Ok(())
    }

    /// Makes a signature, or says why not: a key that is not here is [`Unknown::NotAsked`].
    ///
    /// # Errors
    /// When there is no such key, or signing fails.
    pub fn sign(&self, signing: &Signing) -> Result<Box<[u8]>, Unknown> {
        match self.keys.get(&signing.key).ok_or(Unknown::NotAsked)? {
            PrivateKey::Ed25519(key) => {
                let signature = key.try_sign(digest(&SHA256, &signing.signed).as_ref()).map_err(|_| Unknown::Malformed)?;
                Ok(signature.as_ref().into())
            }
            PrivateKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &signing.signed, &mut signature)
                    .map_err(|_| Unknown::Malformed)?;
                Ok(signature.into_boxed_slice())
            }
        }
    }

    /// The text of the record to publish for a key (RFC 6376 §3.6.1, RFC 8463 §4); none when there is no such key.
    #[must_use]
    pub fn record(&self, name: &SigningKey) -> Option<String> {
        let (kind, key) = match self.keys.get(name)? {
            PrivateKey::Ed25519(key) => ("ed25519", STANDARD.encode(key.public_key())),
            PrivateKey::Rsa(key) => {
                ("rsa", STANDARD.encode(AsDer::<PublicKeyX509Der<'_>>::as_der(key.public_key()).ok()?.as_ref()))
            }
        };
        Some(format!("v=DKIM1; k={kind}; p={key}"))
    }
}

impl Signatures for KeyStore {
    fn verify(&self, verification: &Verification) -> Result<bool, Unknown> {
        Ok(verify(verification))
    }

    fn sign(&self, signing: &Signing) -> Result<Box<[u8]>, Unknown> {
        Self::sign(self, signing)
    }
}

impl fmt::Debug for KeyStore {
    /// Names alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// What the first block of a PEM file holds (RFC 7468); none when there is no block.
fn from_pem(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (_, rest) = rest.split_once("-----")?;
    let (block, _) = rest.split_once("-----END ")?;
    STANDARD.decode(block.split_ascii_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsBigEndian;
    use xd_auth::Name;

    use super::*;

    fn name(algorithm: Algorithm) -> SigningKey {
        SigningKey { algorithm, domain: Name::parse("example.com").unwrap(), selector: Name::parse("one").unwrap() }
    }

    fn published(store: &KeyStore, name: &SigningKey) -> Box<[u8]> {
        let record = store.record(name).unwrap();
        STANDARD.decode(record.split_once("p=").unwrap().1).unwrap().into()
    }

    #[test]
    fn what_a_key_signed_holds_and_nothing_else() {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let rsa = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).unwrap();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(rsa.as_ref()));
        let seed = Ed25519KeyPair::generate().unwrap().seed().unwrap().as_be_bytes().unwrap();
        for (algorithm, key) in [(Algorithm::RsaSha256, pem.as_bytes()), (Algorithm::Ed25519Sha256, seed.as_ref())] {
            let mut store = KeyStore::default();
            let name = name(algorithm);
            store.add(name.clone(), key).unwrap();
            let signing = Signing { key: name.clone(), signed: b"octets"[..].into() };
            let signature = store.sign(&signing).unwrap();
            let good = Verification { algorithm, key: published(&store, &name), signed: signing.signed.clone(), signature };
            assert!(verify(&good));
            assert!(!verify(&Verification { signed: b"octetS"[..].into(), ..good.clone() }));
            assert!(!verify(&Verification { signature: good.signature[1..].into(), ..good.clone() }));
            assert!(!verify(&Verification { signature: Box::default(), ..good.clone() }));
            assert!(!verify(&Verification { key: b"key"[..].into(), ..good }));
        }
    }

    #[test]
    fn keys_that_were_made_here_are_taken() {
        for (kind, algorithm) in [(NewKey::Ed25519, Algorithm::Ed25519Sha256), (NewKey::Rsa2048, Algorithm::RsaSha256)] {
            let (pem, mut store) = (generate(kind).unwrap(), KeyStore::default());
            assert!(pem.lines().all(|line| line.len() <= 64));
            store.add(name(algorithm), pem.as_bytes()).unwrap();
            assert!(store.record(&name(algorithm)).is_some());
        }
    }

    #[test]
    fn keys_that_are_not_taken() {
        let mut store = KeyStore::default();
        for key in [&b""[..], b"key", b"-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(store.add(name(Algorithm::RsaSha256), key), Err(KeyError::Unreadable("RSA")));
            assert_eq!(store.add(name(Algorithm::Ed25519Sha256), key), Err(KeyError::Unreadable("Ed25519")));
        }
        let signing = Signing { key: name(Algorithm::RsaSha256), signed: Box::default() };
        assert_eq!(store.sign(&signing), Err(Unknown::NotAsked));
        assert_eq!(store.record(&signing.key), None);
    }
}
