//! Any bytes as a message: its signatures and its chain come to a result within their bounds, the same twice, nothing is asked twice,
//! and what is not known never makes a definite result another one. What is signed or sealed of it can be verified.
#![no_main]

use libfuzzer_sys::fuzz_target;
use xd_auth::arc::{self, ArcResult, Chain, Sealer};
use xd_auth::content::{Content, with_crlf};
use xd_auth::dkim::{self, BodyHashes, MAX_SIGNATURES, Signatures, Signer};
use xd_auth::{Algorithm, Answer, Answers, DkimResult, Name, Progress, Record, SigningKey, Unknown, Wanted};

const NOW: u64 = 1_700_000_000;
/// Two for each signature of DKIM; two for each signature of 50 sets.
const MAX_WANTED: usize = 2 * MAX_SIGNATURES + 4 * arc::MAX_SETS;
/// The key of RFC 8463 appendix A.2.
const EDWARDS: &[u8] = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// The key of RFC 6376 appendix C.
const RSA: &[u8] = b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

fuzz_target!(|bytes: &[u8]| {
    // The first line is the record of every key that is not one of the two.
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (record, message) = bytes.split_at(end);
    let octets = with_crlf(message);
    assert!(matches!(with_crlf(&octets), std::borrow::Cow::Borrowed(_)));
    let content = Content::split(&octets);
    let mut hashes = BodyHashes::of(&content);
    let signatures = Signatures::prepare(&content, &mut hashes);
    let chain = Chain::prepare(&content, &mut hashes);
    let (all, links) = verify(&signatures, &chain, record, false);
    assert_eq!((&all, &links), (&verify(&signatures, &chain, record, false).0, &verify(&signatures, &chain, record, false).1));
    assert!(all.signatures.len() <= MAX_SIGNATURES && links.hops.len() <= arc::MAX_SETS);
    let (some, some_links) = verify(&signatures, &chain, record, true);
    for (all, some) in all.signatures.iter().zip(&some.signatures) {
        assert!(some.result() == DkimResult::TempError || some.result() == all.result());
    }
    assert!(some_links.result() == ArcResult::TempError || some_links.result() == links.result());
    let name = |text| Name::parse(text).expect("it is a name");
    let key = SigningKey { algorithm: Algorithm::Ed25519Sha256, domain: name("example.com"), selector: name("one") };
    let mut fields = Vec::new();
    if let Ok(unsigned) = Signer::new(vec![key.clone()]).prepare(&content, &mut hashes, NOW) {
        fields.extend(made(|answers| unsigned.sign(answers)).fields);
    }
    let text = String::from_utf8_lossy(record);
    if let Ok(unsealed) = Sealer::new(key).prepare(&content, &mut hashes, links.result(), &text, NOW) {
        let sealed = made(|answers| unsealed.seal(answers)).expect("it is signed");
        fields.extend([sealed.seal, sealed.message, sealed.results]);
    }
    for field in fields {
        let whole = [field.as_bytes(), b"\r\n\r\n"].concat();
        assert_eq!(Content::split(&whole).fields().len(), 1, "{field}");
    }
});

fn verify(signatures: &Signatures, chain: &Chain, record: &[u8], forgetful: bool) -> (dkim::Outcome, arc::Outcome) {
    let mut answers = Answers::default();
    let mut count = 0;
    loop {
        let mut wanted = Vec::new();
        let outcomes = (signatures.verify(&answers, NOW), chain.verify(&answers, NOW));
        match outcomes {
            (Progress::Done(signatures), Progress::Done(chain)) => return (signatures, chain),
            (signatures, chain) => {
                wanted.extend(wants(signatures));
                wanted.extend(wants(chain));
            }
        }
        assert!(!wanted.is_empty());
        for one in wanted {
            count += 1;
            assert!(count <= MAX_WANTED);
            match one {
                Wanted::Records(question) => {
                    let length = question.name.as_str().len();
                    let text = match length % 3 {
                        0 => RSA,
                        1 => EDWARDS,
                        _ => record,
                    };
                    let answer = match length % 4 {
                        3 if forgetful => Answer::Unknown(Unknown::Timeout),
                        _ => Answer::Found(vec![Record::Txt(text.into())]),
                    };
                    answers.put(question, answer);
                }
                // No one can sign by chance, so some signatures are said to hold.
                Wanted::Verified(verification) => {
                    let length = verification.signature.len();
                    let holds = if forgetful && length % 5 == 0 { Err(Unknown::NotAsked) } else { Ok(length % 2 == 0) };
                    answers.put_verified(*verification, holds);
                }
                Wanted::Signature(_) => panic!("nothing is signed"),
            }
        }
    }
}

fn wants<T>(progress: Progress<T>) -> Vec<Wanted> {
    match progress {
        Progress::Done(_) => Vec::new(),
        Progress::Wants(wanted) => wanted,
    }
}

fn made<T>(make: impl Fn(&Answers) -> Progress<T>) -> T {
    let mut answers = Answers::default();
    loop {
        match make(&answers) {
            Progress::Done(made) => return made,
            Progress::Wants(wanted) => {
                for one in wanted {
                    let Wanted::Signature(signing) = one else { panic!("only signatures are asked for") };
                    assert_eq!(answers.signature(&signing), None);
                    answers.put_signature(*signing, Ok([7; 64].into()));
                }
            }
        }
    }
}
