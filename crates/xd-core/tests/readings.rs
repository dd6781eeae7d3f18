//! Messages that programs read differently, in `readings.toml`: the reading that does harm is judged, the ambiguity is told, and
//! what two other parsers make of each is recorded beside it.

#![allow(clippy::unwrap_used, reason = "the data are part of the test")]

use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use xd_core::{Engine, Limits, Message, Sign, evidence, judge};

/// One message of the file.
struct Ambiguous {
    name: String,
    says: Vec<String>,
    python: String,
    mail_parser: String,
    raw: Vec<u8>,
}

fn all() -> Vec<Ambiguous> {
    let file: toml::Table = include_str!("readings.toml").parse().unwrap();
    let messages = file["message"].as_array().unwrap().iter();
    messages
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            Ambiguous {
                name: text("name"),
                says: one["says"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect(),
                python: text("python"),
                mail_parser: text("mail_parser"),
                raw: text("raw").replace("\r\n", "\n").replace('\n', "\r\n").into_bytes(),
            }
        })
        .collect()
}

#[test]
fn the_reading_that_does_harm_is_judged_and_the_ambiguity_told() {
    let engine = Engine::builtin().unwrap();
    let mut wrong = Vec::new();
    for one in all() {
        let message = Message::parse(&one.raw, &Limits::default());
        let told: Vec<&str> =
            message.defects().iter().map(|defect| defect.id()).chain(message.signs().iter().map(Sign::id)).collect();
        let (envelope, evidence) = evidence::derive(&message);
        let judgement = judge(&engine, &envelope, &message, &evidence);
        let is_found = judgement.verdict().findings.iter().any(|finding| finding.rule == "program-attached");
        let missing: Vec<_> = one.says.iter().filter(|id| !told.contains(&id.as_str())).collect();
        if !is_found || !missing.is_empty() {
            wrong.push(format!("{}: found {is_found}, missing {missing:?}, told {told:?}", one.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mail_parser_reads_as_is_recorded() {
    let mut wrong = Vec::new();
    for one in all() {
        let read = mail_parser(&one.raw);
        if read != one.mail_parser {
            wrong.push(format!("{}\t{read}", one.name));
        }
    }
    assert!(wrong.is_empty(), "recorded differently:\n{}", wrong.join("\n"));
}

/// The classes are worth their place: each of the two others misses the program somewhere.
#[test]
fn each_of_the_others_misses_some() {
    let is_seen = |read: &str| read.contains(" program") || read.contains(".exe ");
    let messages = all();
    assert!(messages.iter().any(|one| !is_seen(&one.python)));
    assert!(messages.iter().any(|one| !is_seen(&one.mail_parser)));
}

/// Type, name and bytes of each leaf, as the file records them.
fn mail_parser(raw: &[u8]) -> String {
    let Some(message) = MessageParser::default().parse(raw) else { return "nothing".to_owned() };
    let mut leaves = Vec::new();
    read(&message, &mut leaves);
    leaves.join("; ")
}

fn read(message: &mail_parser::Message<'_>, leaves: &mut Vec<String>) {
    for part in &message.parts {
        let bytes = match &part.body {
            PartType::Multipart(_) => continue,
            PartType::Message(inner) => {
                read(inner, leaves);
                continue;
            }
            PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
        };
        let media = part.content_type().map_or_else(
            || "text/plain".to_owned(),
            |media| format!("{}/{}", media.ctype(), media.subtype().unwrap_or_default()).to_ascii_lowercase(),
        );
        let name = part.attachment_name().unwrap_or("-");
        let kind = if bytes.starts_with(b"MZ") { "program" } else { "other" };
        leaves.push(format!("{media} {name} {kind}"));
    }
}
