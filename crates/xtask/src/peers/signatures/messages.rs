//! Messages that verifiers read differently when they read carelessly, keys made for the occasion, and signatures with all of them.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xd_auth::content::{Content, Field};
use xd_auth::dkim::{BodyHashes, Canonicalization, Signer};
use xd_auth::{Algorithm, Answers, Name, Progress, SigningKey, Wanted};
use xd_lookup::signature::KeyStore;

use crate::conformance::dkim::{Zone, text_record};
use crate::report::Shortfall;

pub(super) const DOMAIN: &str = "example.com";

/// Folded fields, fields twice, blanks of all kinds, empty values, 8-bit octets, bodies that are empty or end in many ways.
pub(super) const MESSAGES: [&[u8]; 7] = [
    b"From: a@example.com\r\nTo: b@example.org\r\nSubject: plain\r\n\r\nHello\r\n",
    b"Received: by mx.example.com;\r\n\tSun, 22 Nov 2026 12:00:00 +0000\r\nFrom:  \"A\"  <a@example.com>\r\n\
      Subject: folded\r\n\x20 over \t two\r\n\x20lines  \r\nTo:b@example.org\r\n\r\n\
      Hello  Bob, \t \r\n\r\n\x20 indented\t\r\n",
    b"From: a@example.com\r\nSubject:\r\nTo:\tb@example.org\r\nCc: \r\n\r\n",
    b"From: a@example.com\r\nSubject: lines at the end\r\n\r\nHello\r\n\r\n\r\n\r\n",
    b"From: a@example.com\r\nSubject: only lines\r\n\r\n\r\n\r\n",
    b"From: a@example.com\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\nReferences: <1@example.com>\r\n\x20<2@example.com>\r\n\
      References: <3@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
      Gr\xc3\xbc\xc3\x9fe, \xff\xfe\r\n.\r\n..dots\r\n",
    b"from: a@example.com\r\nSUBJECT: case: and; signs = in, it\r\nList-Id: <a.example.com>\r\nList-Id: <b.example.com>\r\n\
      X-Other: not signed\r\n\r\n\x20\r\n\t\r\nblank lines first\r\n\x20\r\n",
];

/// Two keys of RSA and one of Ed25519, all of one domain.
pub(super) struct Keys {
    store: KeyStore,
    /// The first key of RSA in PKCS#8 as PEM.
    pub(super) rsa_pem: String,
    /// The key of Ed25519, likewise.
    pub(super) edwards_pem: String,
    /// The seed of the key of Ed25519 in base64.
    pub(super) seed: String,
}

/// Selectors of the keys.
pub(super) const RSA: &str = "rsa";
pub(super) const EDWARDS: &str = "edwards";
const OTHER_RSA: &str = "next";

impl Keys {
    pub(super) fn generate() -> Result<Self, Shortfall> {
        let failed = |_| Shortfall::Failed("no key can be made".to_owned());
        let rsa = || -> Result<Vec<u8>, Shortfall> {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            Ok(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?.as_ref().to_vec())
        };
        let (first, other) = (rsa()?, rsa()?);
        let pair = Ed25519KeyPair::generate().map_err(failed)?;
        let seed = pair.seed().map_err(failed)?.as_be_bytes().map_err(failed)?.as_ref().to_vec();
        let mut store = KeyStore::default();
        for (name, key) in names()?.into_iter().zip([&first, &seed, &other]) {
            store.add(name, key).map_err(|error| Shortfall::Failed(error.to_string()))?;
        }
        let edwards_pem = pem(pair.to_pkcs8v1().map_err(failed)?.as_ref());
        Ok(Self { store, rsa_pem: pem(&first), edwards_pem, seed: STANDARD.encode(seed) })
    }

    /// Their records.
    pub(super) fn zone(&self) -> Zone {
        let names = names().unwrap_or_default();
        let record =
            |name: &SigningKey| Some((format!("{}._domainkey.{}", name.selector, name.domain), self.store.record(name)?));
        names.iter().filter_map(record).map(|(name, text)| (name, text_record(&text))).collect()
    }

    /// All messages, signed by all keys, in each combination of canonical forms; and whether that can be verified where fields come as
    /// milters get them, without the blanks after their colons.
    pub(super) fn sign_all(&self, now: u64) -> Result<Vec<(Vec<u8>, bool)>, Shortfall> {
        let forms = [Canonicalization::Relaxed, Canonicalization::Simple];
        let mut signed = Vec::new();
        for message in MESSAGES {
            for (header, body) in forms.into_iter().flat_map(|header| forms.map(|body| (header, body))) {
                let mut signer = Signer::new(names()?);
                (signer.header, signer.body, signer.lifetime) = (header, body, Some(86_400));
                let is_safe = header == Canonicalization::Relaxed || is_even(message);
                signed.push((self.sign(&signer, message, now)?, is_safe));
            }
        }
        Ok(signed)
    }

    fn sign(&self, signer: &Signer, message: &[u8], now: u64) -> Result<Vec<u8>, Shortfall> {
        let content = Content::split(message);
        let unsigned = signer.prepare(&content, &mut BodyHashes::of(&content), now);
        let unsigned = unsigned.map_err(|error| Shortfall::Failed(error.to_string()))?;
        let mut answers = Answers::default();
        if let Progress::Wants(wanted) = unsigned.sign(&answers) {
            for wanted in wanted {
                if let Wanted::Signature(signing) = wanted {
                    let made = self.store.sign(&signing);
                    answers.put_signature(*signing, made);
                }
            }
        }
        let Progress::Done(signed) = unsigned.sign(&answers) else {
            return Err(Shortfall::Failed("signing has no end".to_owned()));
        };
        let mut octets = Vec::new();
        for field in &signed.fields {
            octets.extend_from_slice(field.as_bytes());
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(message);
        Ok(octets)
    }
}

/// Whether each field has one blank after its colon, and then something.
pub(super) fn is_even(message: &[u8]) -> bool {
    let is_even = |field: &Field<'_>| matches!(field.value(), [b' ', first, ..] if !first.is_ascii_whitespace());
    Content::split(message).fields().iter().all(is_even)
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn names() -> Result<Vec<SigningKey>, Shortfall> {
    let name = |text: &str| Name::parse(text).map_err(|error| Shortfall::Failed(error.to_string()));
    let keys = [(Algorithm::RsaSha256, RSA), (Algorithm::Ed25519Sha256, EDWARDS), (Algorithm::RsaSha256, OTHER_RSA)];
    keys.into_iter()
        .map(|(algorithm, selector)| Ok(SigningKey { algorithm, domain: name(DOMAIN)?, selector: name(selector)? }))
        .collect()
}
