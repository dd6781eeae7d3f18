//! ARC: the two suites of `arc_test_suite` (validating and signing) in YAML, and messages with the keys of their seals.
//!
//! Both suites are documents with `tests` and the `txt-records` that they need. Keys of the signing suite are too short for whoever
//! signs today, so a signature is made by looking whether the expected one holds over exactly what is to be signed. The suite folds a
//! message signature only after the seal over it is made; here that is made over the field as it is sent, so the folds are taken out.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xd_auth::arc::{ArcResult, Chain, Outcome, SealError, Sealed, Sealer};
use xd_auth::content::{Content, Field, with_crlf};
use xd_auth::dkim::{BodyHashes, SignedFields};
use xd_auth::{Algorithm, Answers, Name, Progress, SigningKey, Unknown, Verification, Wanted};
use xd_lookup::signature::verify;

use super::dkim::{Zone, clock, settle, text_record, with_records};
use super::resolved::job::{Job, Verdict};
use super::yaml::{Node, documents};
use super::{Case, Reading, VectorFile};

pub(super) fn read(file: &VectorFile) -> Reading {
    if let Some((zone, message)) = with_records(&file.bytes) {
        let outcome = validate(&zone, message).and_then(|outcome| match outcome.result() {
            ArcResult::Pass => Ok(()),
            _ => Err(outcome.reason.to_string()),
        });
        return Reading::Cases(vec![Case::new(file.name(), outcome)]);
    }
    let documents = match documents(&file.bytes) {
        Ok(documents) if documents.iter().any(|document| document.get("txt-records").is_some()) => documents,
        _ => return Reading::Unknown,
    };
    let mut cases = Vec::new();
    for document in &documents {
        let zone = zone(document);
        for (name, test) in document.get("tests").map(Node::entries).unwrap_or_default() {
            let outcome = match test.get("cv") {
                Some(expected) => validates(&zone, test, &expected.text()),
                None => signs(&zone, document, test),
            };
            cases.push(Case::new(name, outcome));
        }
    }
    Reading::Cases(cases)
}

/// The checks of a file, each with its world.
pub(super) fn jobs(file: &VectorFile) -> Vec<Job> {
    if let Some((zone, message)) = with_records(&file.bytes) {
        return vec![job(String::new(), zone, message)];
    }
    let of_document = |document: &Node| -> Vec<Job> {
        let tests = document.get("tests").map(Node::entries).unwrap_or_default().iter();
        let validating = tests.filter(|(_, test)| test.get("cv").is_some());
        let message = |test: &Node| test.get("message").map(Node::octets).unwrap_or_default();
        validating.map(|(name, test)| job(name.clone(), zone(document), &message(test))).collect()
    };
    documents(&file.bytes).unwrap_or_default().iter().flat_map(of_document).collect()
}

fn job(name: String, zone: Zone, message: &[u8]) -> Job {
    let octets = with_crlf(message).into_owned();
    let check = move |answers: &Answers| {
        let content = Content::split(&octets);
        let chain = Chain::prepare(&content, &mut BodyHashes::of(&content));
        match chain.verify(answers, clock(&content)) {
            Progress::Wants(wanted) => Progress::Wants(wanted),
            Progress::Done(outcome) => {
                let results = vec![outcome.result().as_str()];
                Progress::Done(Verdict { results, text: format!("{outcome:?}"), unsure: false })
            }
        }
    };
    Job { name, world: Arc::new(zone), check: Box::new(check) }
}

fn zone(document: &Node) -> Zone {
    let records = document.get("txt-records").map(Node::entries).unwrap_or_default();
    records.iter().map(|(name, text)| (name.to_ascii_lowercase(), text_record(&text.text()))).collect()
}

fn validate(zone: &Zone, message: &[u8]) -> Result<Outcome, String> {
    let octets = with_crlf(message);
    let content = Content::split(&octets);
    let chain = Chain::prepare(&content, &mut BodyHashes::of(&content));
    settle(zone, |answers| chain.verify(answers, clock(&content)))
}

fn validates(zone: &Zone, test: &Node, expected: &str) -> Result<(), String> {
    let outcome = validate(zone, &test.get("message").map(Node::octets).unwrap_or_default())?;
    // What is empty is a chain that had failed before.
    let expected = if expected.is_empty() || expected == "~" { "fail".to_owned() } else { expected.to_ascii_lowercase() };
    if outcome.result().as_str() == expected {
        return Ok(());
    }
    Err(format!("{} where {expected} is expected: {}", outcome.result().as_str(), outcome.reason))
}

/// Seals a message and compares the set with the expected one, whose signatures must hold over what is sealed here.
fn signs(zone: &Zone, document: &Node, test: &Node) -> Result<(), String> {
    let text = |node: &Node, key: &str| node.get(key).map(|value| value.text().trim().to_owned()).unwrap_or_default();
    let message = test.get("message").map(Node::octets).unwrap_or_default();
    let octets = with_crlf(&message);
    let content = Content::split(&octets);
    let name = |key: &str| Name::parse(&text(document, key)).map_err(|error| error.to_string());
    let key = SigningKey { algorithm: Algorithm::RsaSha256, domain: name("domain")?, selector: name("sel")? };
    let mut sealer = Sealer::new(key);
    let names = text(test, "sig-headers");
    sealer.fields = SignedFields { oversigned: Vec::new(), present: names.split(':').map(|name| name.trim().into()).collect() };
    let server = text(test, "srv-id");
    let seen = results(&content, &server);
    // The suite takes the status of the chain from what the server found.
    let word = |word: &str| seen.iter().any(|part| part.starts_with(&format!("arc={word}")));
    let chain = match () {
        () if word("pass") => ArcResult::Pass,
        () if word("fail") => ArcResult::Fail,
        () => ArcResult::None,
    };
    let now = text(test, "t").parse().map_err(|_| "no time".to_owned())?;
    let results = std::iter::once(server).chain(seen).collect::<Vec<_>>().join("; ");
    let expected = ["AS", "AMS", "AAR"].map(|key| text(test, key));
    let unsealed = match sealer.prepare(&content, &mut BodyHashes::of(&content), chain, &results, now) {
        Ok(unsealed) => unsealed,
        Err(SealError::AlreadyFailed | SealError::OtherResult) if expected.iter().all(String::is_empty) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let keys: Vec<Box<[u8]>> = zone.values().filter_map(key_of).collect();
    let signatures: Vec<Box<[u8]>> = expected.iter().filter_map(|field| signature(field)).collect();
    let sealed = made_of(&keys, &signatures, |answers| unsealed.seal(answers))?;
    let found = [&sealed.seal, &sealed.message, &sealed.results];
    for (found, expected) in found.into_iter().zip(&expected) {
        let value = Field::parse(found.as_bytes()).map(|field| field.value().to_vec()).unwrap_or_default();
        let (value, expected) = (compact(&String::from_utf8_lossy(&value)), compact(expected));
        if value != expected {
            return Err(format!("{value:?} where {expected:?} is expected"));
        }
    }
    Ok(())
}

/// Makes signatures of those that are expected: the one that holds over what is to be signed.
fn made_of(
    keys: &[Box<[u8]>],
    expected: &[Box<[u8]>],
    seal: impl Fn(&Answers) -> Progress<Result<Sealed, Unknown>>,
) -> Result<Sealed, String> {
    let mut answers = Answers::default();
    loop {
        let wanted = match seal(&answers) {
            Progress::Done(sealed) => return sealed.map_err(|_| "no expected signature holds over what is sealed".to_owned()),
            Progress::Wants(wanted) => wanted,
        };
        for one in wanted {
            let Wanted::Signature(signing) = one else { return Err("sealing needs signatures alone".to_owned()) };
            let unfolded = without_folds(&signing.signed);
            let holds = |key: &[u8], signature: &[u8]| {
                let (key, signed, signature) = (key.into(), unfolded.clone(), signature.into());
                verify(&Verification { algorithm: Algorithm::RsaSha256, key, signed, signature })
            };
            let made = expected.iter().find(|signature| keys.iter().any(|key| holds(key, signature)));
            answers.put_signature((*signing).clone(), made.cloned().ok_or(Unknown::NotAsked));
        }
    }
}

/// What a seal covers, with the last message signature in one piece.
fn without_folds(signed: &[u8]) -> Box<[u8]> {
    let text = String::from_utf8_lossy(signed);
    let last =
        text.rfind("arc-message-signature:").and_then(|field| text[field..].find("; b=").map(|at| field + at + "; b=".len()));
    let Some((head, tail)) = last.map(|start| text.split_at(start)) else { return signed.into() };
    let (signature, rest) = tail.split_once(';').unwrap_or((tail, ""));
    format!("{head}{};{rest}", compact(signature)).into_bytes().into()
}

/// The results of all fields of a server, one after another.
fn results(content: &Content<'_>, server: &str) -> Vec<String> {
    let fields =
        content.named("Authentication-Results").map(|field| String::from_utf8_lossy(field.value()).replace(['\r', '\n'], ""));
    let of_server = fields.filter_map(|text| {
        let (id, rest) = text.split_once(';')?;
        (id.trim() == server).then(|| rest.split(';').map(|part| part.trim().to_owned()).collect::<Vec<_>>())
    });
    of_server.flatten().filter(|part| !part.is_empty()).collect()
}

fn key_of(answer: &xd_auth::Answer<xd_auth::Record>) -> Option<Box<[u8]>> {
    let xd_auth::Answer::Found(records) = answer else { return None };
    let Some(xd_auth::Record::Txt(text)) = records.first() else { return None };
    let text = std::str::from_utf8(text).ok()?;
    let key = text.split(';').find_map(|tag| tag.trim().strip_prefix("p="))?;
    STANDARD.decode(compact(key)).ok().map(Vec::into_boxed_slice)
}

fn signature(field: &str) -> Option<Box<[u8]>> {
    let text = field.split(';').find_map(|tag| tag.trim().strip_prefix("b="))?;
    STANDARD.decode(compact(text)).ok().map(Vec::into_boxed_slice)
}

fn compact(text: &str) -> String {
    text.split_ascii_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_one_server_are_merged() {
        let text = "Authentication-Results: a.example; arc=none;\r\n spf=pass\r\nAuthentication-Results: b.example; spf=fail\r\n\
                    Authentication-Results: a.example; dmarc=pass \r\n\r\n";
        assert_eq!(results(&Content::split(text.as_bytes()), "a.example"), ["arc=none", "spf=pass", "dmarc=pass"]);
    }
}
