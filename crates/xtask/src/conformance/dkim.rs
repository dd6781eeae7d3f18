//! DKIM: signed messages with the keys that were published for them, and what became of them elsewhere.
//!
//! Three forms: a folder of messages whose manifest holds records and results; a message after lines of `owner-name record`, of which
//! every signature holds; and messages beside files of single records. Whatever holds must not hold with one octet of the body changed.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use serde_json::Value;
use xd_auth::content::{Content, with_crlf};
use xd_auth::dkim::{BodyHashes, Outcome, Signatures};
use xd_auth::{Absence, Answer, Answers, DkimResult, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};
use xd_lookup::signature::verify;

use super::resolved::job::{Job, Said, Verdict, World};
use super::{Case, MANIFEST, Reading, VectorFile};

pub(super) fn read(file: &VectorFile) -> Reading {
    if let Some(manifest) = manifest_of(file) {
        return match manifest["cases"].get(file.name()) {
            Some(facts) => Reading::Cases(listed(file, facts, &zone_of(&manifest["dns"]))),
            None if file.name() == MANIFEST => Reading::Companion,
            None => Reading::Unknown,
        };
    }
    if let Some((zone, message)) = with_records(&file.bytes) {
        return Reading::Cases(all_hold(&file.name(), &zone, message));
    }
    if is_record(&file.bytes) || is_key(&file.bytes) {
        return Reading::Companion;
    }
    let octets = with_crlf(&file.bytes);
    let content = Content::split(&octets);
    match content.fields().len() {
        0 => Reading::Unknown,
        _ if content.named("DKIM-Signature").next().is_some() => Reading::Cases(vec![beside_records(file, &octets)]),
        _ => Reading::Companion,
    }
}

/// The checks of a file, each with its world.
pub(super) fn jobs(file: &VectorFile) -> Vec<Job> {
    let signed = |SignedMessage { name, zone, octets }| job(name, zone, octets);
    signed_messages(file).into_iter().map(signed).collect()
}

/// A signed message with the keys that were published for it.
pub(crate) struct SignedMessage {
    pub(crate) name: String,
    pub(crate) zone: Zone,
    pub(crate) octets: Vec<u8>,
}

/// The signed messages of a file whose keys are known.
pub(super) fn signed_messages(file: &VectorFile) -> Vec<SignedMessage> {
    let of = |name, zone, message| SignedMessage { name, zone, octets: with_crlf(message).into_owned() };
    if let Some(manifest) = manifest_of(file) {
        let is_listed = manifest["cases"].get(file.name()).is_some();
        return is_listed.then(|| of(String::new(), zone_of(&manifest["dns"]), &file.bytes)).into_iter().collect();
    }
    if let Some((zone, message)) = with_records(&file.bytes) {
        return vec![of(String::new(), zone, message)];
    }
    let octets = with_crlf(&file.bytes);
    if Content::split(&octets).named("DKIM-Signature").next().is_none() {
        return Vec::new();
    }
    let worlds = worlds_beside(file, &octets).into_iter().enumerate();
    worlds.map(|(place, zone)| of(format!("record {place}"), zone, &file.bytes)).collect()
}

fn job(name: String, zone: Zone, octets: Vec<u8>) -> Job {
    let check = move |answers: &Answers| {
        let content = Content::split(&octets);
        let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
        match signatures.verify(answers, clock(&content)) {
            Progress::Wants(wanted) => Progress::Wants(wanted),
            Progress::Done(outcome) => {
                let results = outcome.signatures.iter().map(|signature| signature.result().as_str()).collect();
                Progress::Done(Verdict { results, text: format!("{outcome:?}"), unsure: false })
            }
        }
    };
    Job { name, world: Arc::new(zone), check: Box::new(check) }
}

impl World for Zone {
    fn look(&self, question: &Question) -> Said {
        Said::Answer(match answer(self, question) {
            // Nothing but texts is told.
            Answer::Found(_) if question.kind != RecordKind::Txt => Answer::Absent(Absence::Records),
            answer => answer,
        })
    }

    fn questions(&self) -> Vec<Question> {
        self.keys().filter_map(|name| Some(Question::new(Name::parse(name).ok()?, RecordKind::Txt))).collect()
    }
}

/// A world: the texts under each name, absence, or a failure.
pub(crate) type Zone = BTreeMap<String, Answer<Record>>;

/// Answers a question of DNS.
pub(super) fn answer(zone: &Zone, question: &Question) -> Answer<Record> {
    zone.get(question.name.as_str()).cloned().unwrap_or(Answer::Absent(Absence::Name))
}

/// Runs a check until it is over, at most as often as any check takes.
pub(super) fn settle<T>(zone: &Zone, check: impl Fn(&Answers) -> Progress<T>) -> Result<T, String> {
    let mut answers = Answers::default();
    for _ in 0..ROUNDS {
        let wanted = match check(&answers) {
            Progress::Done(outcome) => return Ok(outcome),
            Progress::Wants(wanted) => wanted,
        };
        for wanted in wanted {
            match wanted {
                Wanted::Records(question) => {
                    let found = answer(zone, &question);
                    answers.put(question, found);
                }
                Wanted::Verified(verification) => {
                    let holds = verify(&verification);
                    answers.put_verified(*verification, Ok(holds));
                }
                Wanted::Signature(signing) => answers.put_signature(*signing, Err(Unknown::NotAsked)),
            }
        }
    }
    Err(format!("not over after {ROUNDS} rounds"))
}

/// A text as the records of one name.
pub(crate) fn text_record(text: &str) -> Answer<Record> {
    Answer::Found(vec![Record::Txt(text.as_bytes().into())])
}

const ROUNDS: usize = 8;

fn manifest_of(file: &VectorFile) -> Option<Value> {
    let text = fs::read_to_string(file.path.with_file_name(MANIFEST)).ok()?;
    let manifest: Value = serde_json::from_str(&text).ok()?;
    (manifest["dns"].is_object() && manifest["cases"].is_object()).then_some(manifest)
}

fn zone_of(dns: &Value) -> Zone {
    let records = dns.as_object().into_iter().flatten();
    let answer = |facts: &Value| match facts["txt"].as_str() {
        Some(text) => text_record(text),
        None if facts["nxdomain"] == true => Answer::Absent(Absence::Name),
        None => Answer::Unknown(Unknown::ServerFailure),
    };
    records.map(|(name, facts)| (name.to_ascii_lowercase(), answer(facts))).collect()
}

/// A message that a manifest lists with what is to become of it.
fn listed(file: &VectorFile, facts: &Value, zone: &Zone) -> Vec<Case> {
    let name = file.name();
    let octets = with_crlf(&file.bytes);
    let result = outcome(&octets, zone).map(|outcome| outcome.result());
    let never = |result: Result<DkimResult, String>| match result {
        Ok(DkimResult::Pass) => Err("pass".to_owned()),
        Ok(_) => Ok(()),
        Err(why) => Err(why),
    };
    let Some(strict) = facts["strict_rfc6376_rfc8301"].as_str() else {
        return vec![match never(result) {
            Ok(()) => Case::apart(name, "signed by a forerunner of the standard"),
            wrong => Case::new(name, wrong),
        }];
    };
    match strict {
        "pass" => all_hold(&name, zone, &file.bytes),
        _ if strict.starts_with("not-pass") => vec![Case::new(name, never(result))],
        // What became of it depended on a tag that the standard no longer has.
        _ if facts["expect"] == "pass" => vec![Case::opinion(name, strict)],
        _ => vec![match never(result) {
            Ok(()) => Case::new(name, Ok(())),
            Err(_) => Case::opinion(name, strict),
        }],
    }
}

/// Every signature holds, and none when the body is changed.
fn all_hold(name: &str, zone: &Zone, message: &[u8]) -> Vec<Case> {
    let octets = with_crlf(message).into_owned();
    let results = |octets: &[u8]| outcome(octets, zone).map(|outcome| results_of(&outcome));
    let whole = results(&octets).and_then(|results| match results.iter().all(|result| result == "pass") {
        true if !results.is_empty() => Ok(()),
        _ => Err(results.join(", ")),
    });
    let changed = changed_body(&octets).ok_or_else(|| "no body".to_owned()).and_then(|octets| results(&octets));
    let changed = changed.and_then(|results| match results.iter().any(|result| result == "pass") {
        true => Err(results.join(", ")),
        false => Ok(()),
    });
    vec![Case::new(name, whole), Case::new(format!("{name}, body changed"), changed)]
}

/// A message whose keys may lie in the same folder, each as a file: one of them is the one if a signature holds.
fn beside_records(file: &VectorFile, octets: &[u8]) -> Case {
    let holds = worlds_beside(file, octets)
        .iter()
        .any(|zone| outcome(octets, zone).is_ok_and(|outcome| outcome.result() == DkimResult::Pass));
    if holds { Case::new(file.name(), Ok(())) } else { Case::apart(file.name(), "its key is not stored") }
}

/// For each record in the same folder, the world in which it stands wherever a key is asked for.
fn worlds_beside(file: &VectorFile, octets: &[u8]) -> Vec<Zone> {
    let files = file.path.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut paths: Vec<_> = files.map(|file| file.path()).collect();
    paths.sort();
    let texts = paths.into_iter().filter_map(|path| fs::read(path).ok()).filter(|bytes| is_record(bytes));
    let records = texts.filter_map(|bytes| String::from_utf8(bytes).ok());
    let content = Content::split(octets);
    let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
    let world = |record: String| {
        let Progress::Wants(wanted) = signatures.verify(&Answers::default(), CLOCK) else { return None };
        let names = wanted.iter().filter_map(|wanted| match wanted {
            Wanted::Records(question) => Some(question.name.as_str().to_owned()),
            _ => None,
        });
        Some(names.map(|name| (name, text_record(record.trim()))).collect())
    };
    records.filter_map(world).collect()
}

/// What comes of a message soon after it was signed.
fn outcome(octets: &[u8], zone: &Zone) -> Result<Outcome, String> {
    outcome_at(octets, zone, clock(&Content::split(octets)))
}

/// What comes of a message at a time, in seconds since 1970.
pub(crate) fn outcome_at(octets: &[u8], zone: &Zone, now: u64) -> Result<Outcome, String> {
    let content = Content::split(octets);
    let signatures = Signatures::prepare(&content, &mut BodyHashes::of(&content));
    settle(zone, |answers| signatures.verify(answers, now))
}

/// The latest time that a signature says it was made at.
pub(super) fn clock(content: &Content<'_>) -> u64 {
    let signing = ["DKIM-Signature", "ARC-Seal", "ARC-Message-Signature"];
    let fields = content.fields().iter().filter(|field| signing.iter().any(|name| field.is(name)));
    let times = fields.filter_map(|field| {
        let text = String::from_utf8_lossy(field.value());
        text.split(';').find_map(|tag| tag.trim().strip_prefix("t=")?.trim().parse().ok())
    });
    times.max().unwrap_or(CLOCK)
}

/// Some time, for messages that say none.
const CLOCK: u64 = 1_700_000_000;

fn results_of(outcome: &Outcome) -> Vec<String> {
    let one = |reason: xd_auth::dkim::Reason| match reason.result() {
        DkimResult::Pass => "pass".to_owned(),
        result => format!("{}: {reason}", result.as_str()),
    };
    outcome.signatures.iter().map(|signature| one(signature.reason)).collect()
}

fn changed_body(octets: &[u8]) -> Option<Vec<u8>> {
    let start = octets.len() - Content::split(octets).body().len();
    let at = start + octets[start..].iter().position(u8::is_ascii_alphanumeric)?;
    let mut changed = octets.to_vec();
    changed[at] ^= 1;
    Some(changed)
}

/// Lines of `owner-name record`, an empty line, a message.
pub(super) fn with_records(bytes: &[u8]) -> Option<(Zone, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let lines = std::str::from_utf8(&bytes[..end]).ok()?.lines();
    let record = |line: &str| {
        let (name, text) = line.split_once(' ').filter(|(name, _)| name.contains("._domainkey."))?;
        Some((name.to_ascii_lowercase(), text_record(text)))
    };
    Some((lines.map(record).collect::<Option<Zone>>()?, &bytes[end + 2..]))
}

fn is_record(bytes: &[u8]) -> bool {
    bytes.starts_with(b"v=DKIM1") || bytes.starts_with(b"k=")
}

/// A private key, in PEM or as one word of base64.
fn is_key(bytes: &[u8]) -> bool {
    bytes.starts_with(b"-----BEGIN ") || (bytes.trim_ascii().len() == 44 && bytes.trim_ascii().ends_with(b"="))
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        let (zone, message) = with_records(b"a._domainkey.example.com v=DKIM1; p=\n\nFrom: a@example.com\n\nHello\n").unwrap();
        assert_eq!(zone.keys().collect::<Vec<_>>(), ["a._domainkey.example.com"]);
        assert!(message.starts_with(b"From: "));
        assert!(with_records(b"From: a@example.com\n\nHello\n").is_none());
        assert!(is_record(b"v=DKIM1; p=") && !is_record(b"From: a@example.com"));
    }

    #[test]
    fn a_message_without_signatures_holds_nothing() {
        let cases = all_hold("case", &Zone::new(), b"From: a@example.com\n\nHello\n");
        assert!(matches!(cases[0].outcome, Outcome::Missed(_)));
        assert_eq!(cases[1].outcome, Outcome::Passed);
    }
}
