//! The explanation as a JSON object, one line for each message.

use std::io;

use serde::Serialize;
use xd_core::report::{HeaderLine, header_fields};
use xd_core::{Known, Score};

use super::Explanation;
use crate::json;

#[derive(Serialize)]
struct Object<'a> {
    path: &'a str,
    /// Null for a message that was judged now.
    capsule: Option<Recorded>,
    sha256: &'a str,
    recipient: Option<String>,
    class: &'a str,
    spam_class: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    #[serde(serialize_with = "json::score")]
    low: Score,
    #[serde(serialize_with = "json::score")]
    high: Score,
    decided: bool,
    findings: Vec<Finding<'a>>,
    open: Vec<Open<'a>>,
    defects: Vec<Defect<'a>>,
    recipients: Vec<Recipient<'a>>,
    envelope: Derived,
    /// Null where nothing that was learned was consulted.
    learned: Option<Learned>,
    fields: Vec<Field>,
    engine: String,
}

#[derive(Serialize)]
struct Recorded {
    level: &'static str,
    pseudonymous: bool,
}

/// One of the verdicts, whichever is explained.
#[derive(Serialize)]
struct Recipient<'a> {
    recipient: Option<String>,
    class: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
    #[serde(serialize_with = "json::score")]
    full_score: Score,
    why: &'a str,
    proofs: Vec<Proof<'a>>,
}

#[derive(Serialize)]
struct Proof<'a> {
    target: &'a str,
    times: u32,
    value: usize,
    start: usize,
    end: usize,
    quote: &'a str,
}

#[derive(Serialize)]
struct Open<'a> {
    rule: &'a str,
    #[serde(serialize_with = "json::score")]
    score: Score,
}

#[derive(Serialize)]
struct Defect<'a> {
    id: &'a str,
    sentence: &'a str,
}

/// What the message told of its way here; null is unknown.
#[derive(Serialize)]
struct Derived {
    client_address: Option<String>,
    ehlo: Option<String>,
    reverse_path: Option<String>,
    forward_paths: Vec<String>,
    tls: Option<String>,
    received: Option<String>,
}

/// What was learned of messages like this one.
#[derive(Serialize)]
struct Learned {
    #[serde(serialize_with = "json::score")]
    score: Score,
    ham: u32,
    spam: u32,
    messages: u32,
    delta: String,
}

/// A header field that xd would add, unfolded.
#[derive(Serialize)]
struct Field {
    name: &'static str,
    value: String,
}

/// The object with its line end.
pub(super) fn write(explanation: &Explanation<'_>) -> io::Result<Vec<u8>> {
    let Explanation { envelope, evidence, judgement, .. } = explanation;
    let verdict = explanation.verdict();
    let object = Object {
        path: explanation.path,
        capsule: explanation
            .recorded
            .map(|recorded| Recorded { level: recorded.level.as_str(), pseudonymous: recorded.pseudonymous }),
        sha256: explanation.sha256.as_str(),
        recipient: verdict.recipient.as_ref().map(ToString::to_string),
        class: verdict.class.as_str(),
        spam_class: verdict.spam_class.as_str(),
        score: verdict.score,
        low: verdict.low,
        high: verdict.high,
        decided: verdict.decided,
        findings: verdict.findings.iter().map(Finding::of).collect(),
        open: verdict.open.iter().map(|open| Open { rule: open.rule, score: open.score }).collect(),
        defects: judgement.defects.iter().map(|d| Defect { id: d.id(), sentence: d.sentence() }).collect(),
        recipients: judgement.verdicts().iter().map(Recipient::of).collect(),
        envelope: Derived {
            client_address: found(&envelope.client_address),
            ehlo: found(&envelope.ehlo),
            reverse_path: found(&envelope.reverse_path),
            forward_paths: envelope.forward_paths.iter().map(ToString::to_string).collect(),
            tls: found(&envelope.tls),
            received: found(&evidence.now),
        },
        learned: evidence.learned.map(|learned| Learned {
            score: learned.points,
            ham: learned.ham,
            spam: learned.spam,
            messages: learned.lessons,
            delta: super::delta_name(learned.delta),
        }),
        fields: header_fields(verdict, judgement.engine).iter().map(Field::of).collect(),
        engine: judgement.engine.to_string(),
    };
    let mut line = Vec::new();
    json::write_line(&mut line, &object)?;
    Ok(line)
}

impl<'a> Finding<'a> {
    fn of(finding: &'a xd_core::Finding<'_>) -> Self {
        let proofs = finding.proofs.iter().map(|proof| Proof {
            target: proof.target,
            times: proof.times,
            value: proof.value,
            start: proof.span.start,
            end: proof.span.end,
            quote: &proof.quote,
        });
        Self {
            rule: finding.rule,
            score: finding.score,
            full_score: finding.full_score,
            why: finding.why,
            proofs: proofs.collect(),
        }
    }
}

impl<'a> Recipient<'a> {
    fn of(verdict: &'a xd_core::Verdict<'_>) -> Self {
        let recipient = verdict.recipient.as_ref().map(ToString::to_string);
        Self { recipient, class: verdict.class.as_str(), score: verdict.score }
    }
}

impl Field {
    fn of(field: &HeaderLine) -> Self {
        Self { name: field.name, value: field.value.replace("\r\n", "") }
    }
}

fn found<T: ToString>(fact: &Known<T>) -> Option<String> {
    fact.found().map(ToString::to_string)
}
