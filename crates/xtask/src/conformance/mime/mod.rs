//! MIME: messages whose tree of parts, texts and file names another parser wrote down, held against what is read here.
//!
//! Another parser's opinion is a case only as far as a third one shares it; else it is listed apart. A message that nobody wrote
//! anything of must be read, as it stands and with CRLF line ends, and that is all.

mod facts;
mod mail_parser;
mod mime4j;
mod python;

use serde_json::Value;
use xd_core::{Limits, Message};

use super::{Case, Reading, VectorFile, same, without_panic};
use facts::{Facts, ours};

/// A reader and what it makes of a message.
type Peer = (&'static str, fn(&[u8]) -> Option<Facts>);

pub(super) fn read(file: &VectorFile) -> Reading {
    if let Some(value) = file.json() {
        return match value.as_array() {
            Some(cases) => {
                let cases: Vec<Case> = cases.iter().filter_map(|case| word(case).or_else(|| date(case))).collect();
                if cases.is_empty() { Reading::Unknown } else { Reading::Cases(cases) }
            }
            None if value.get("parts").is_some() => Reading::Companion,
            None => Reading::Unknown,
        };
    }
    if file.has_extension(&["xml", "out", "ref", "json", "js"]) || mime4j::is_body(file) {
        return Reading::Companion;
    }
    let mut cases = vec![Case::new("read", readable(&file.bytes))];
    if let Some(expected) = file.sibling("json").and_then(|text| mail_parser::written(&text)) {
        cases.extend(compare(&file.bytes, &expected, &[("Python", python::read)]));
    }
    if let Some(expected) = mime4j::written(file) {
        cases.extend(compare(&file.bytes, &expected, &[("mail-parser", mail_parser::read), ("Python", python::read)]));
    }
    Reading::Cases(cases)
}

/// Reads it as it stands and with other line ends: the tree is the same.
fn readable(bytes: &[u8]) -> Result<(), String> {
    let as_it_stands = without_panic(|| ours(bytes))?;
    let mut with_crlf = Vec::with_capacity(bytes.len() + 1024);
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r') {
            with_crlf.push(b'\r');
        }
        with_crlf.push(byte);
    }
    let with_crlf = without_panic(|| ours(&with_crlf))?;
    same(&with_crlf.tree, &as_it_stands.tree)
}

/// The three cases of one message.
fn compare(bytes: &[u8], expected: &Facts, peers: &[Peer]) -> Vec<Case> {
    let found = ours(bytes);
    let others: Vec<(&str, Option<Facts>)> =
        if differs(&found, expected) { peers.iter().map(|(name, read)| (*name, read(bytes))).collect() } else { Vec::new() };
    ASPECTS
        .iter()
        .filter(|(name, _)| *name != "names" || expected.names.is_some())
        .map(|(name, aspect)| {
            let Err(why) = aspect(&found, expected) else { return Case::new(*name, Ok(())) };
            let other = others.iter().find(|(_, facts)| facts.as_ref().is_some_and(|facts| aspect(facts, expected).is_err()));
            match other {
                Some((peer, facts)) => {
                    let theirs = facts.as_ref().map(|facts| aspect(facts, expected));
                    let theirs = theirs.and_then(Result::err).unwrap_or_default();
                    Case::opinion(*name, format!("{why}; {peer}: {theirs}"))
                }
                None => Case::new(*name, Err(why)),
            }
        })
        .collect()
}

fn differs(found: &Facts, expected: &Facts) -> bool {
    ASPECTS.iter().any(|(_, aspect)| aspect(found, expected).is_err())
}

/// Whether the first holds what the second says.
type Aspect = fn(&Facts, &Facts) -> Result<(), String>;

const ASPECTS: [(&str, Aspect); 3] = [
    ("tree", |found, expected| same(&found.tree, &expected.tree)),
    ("texts", |found, expected| found.hold_texts(&expected.texts)),
    ("names", |found, expected| match (&found.names, &expected.names) {
        // What another reader could not read is better read.
        (Some(found), Some(expected)) if found.len() == expected.len() => {
            found.iter().zip(expected).try_for_each(|(found, expected)| {
                let unread = expected.contains('\u{fffd}') && fits(found, expected);
                if unread { Ok(()) } else { same(found, expected) }
            })
        }
        (Some(found), Some(expected)) => same(found, expected),
        _ => Ok(()),
    }),
];

/// Whether two texts are the same but for characters that are replaced in the second.
fn fits(found: &str, expected: &str) -> bool {
    found.chars().count() == expected.chars().count()
        && found.chars().zip(expected.chars()).all(|(found, expected)| expected == '\u{fffd}' || found == expected)
}

/// `{"input": encoded words, "decoded": text}`
fn word(case: &Value) -> Option<Case> {
    let (input, expected) = (case.get("input")?.as_str()?, case.get("decoded")?.as_str()?);
    let raw = format!("X-Words: {input}\r\n\r\n");
    let message = Message::parse(raw.as_bytes(), &Limits::default());
    let found = message.header().fields().first().map(|field| field.decoded().to_owned());
    Some(Case::new(input, same(found.as_deref().unwrap_or_default(), expected)))
}

/// `{"date": text, "unix": seconds}`
fn date(case: &Value) -> Option<Case> {
    let (text, expected) = (case.get("date")?.as_str()?, case.get("unix")?);
    let raw = format!("Date: {text}\r\n\r\n");
    let found = Message::parse(raw.as_bytes(), &Limits::default()).date().map(|date| date.unix());
    Some(Case::new(text, same(&found, &expected.as_i64())))
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    const MAIL: &[u8] =
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: image/png; name=a.png\n\nx\n--b--\n";

    fn facts(tree: &[&str], texts: &[&str], names: &[&str]) -> Facts {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Facts { tree: list(tree), texts: list(texts), names: Some(list(names)) }
    }

    #[test]
    fn a_miss_is_an_opinion_only_when_another_reader_differs_too() {
        let right = facts(&["0:multipart/mixed", "1:text/plain", "1:image/png"], &["one"], &["a.png"]);
        assert!(compare(MAIL, &right, &[]).iter().all(|case| case.outcome == Outcome::Passed));
        let wrong = facts(&["0:text/plain"], &["two"], &["b.png"]);
        assert!(compare(MAIL, &wrong, &[]).iter().all(|case| matches!(case.outcome, Outcome::Missed(_))));
        let cases = compare(MAIL, &wrong, &[("mail-parser", mail_parser::read)]);
        assert!(cases.iter().all(|case| matches!(case.outcome, Outcome::Opinion(_))), "{cases:?}");
    }

    #[test]
    fn lists_of_words_and_dates_are_read() {
        let case = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(word(&case(r#"{"input": "=?utf-8?q?a=20b?=", "decoded": "a b"}"#)).unwrap().outcome, Outcome::Passed);
        let one = date(&case(r#"{"date": "Mon, 05 Oct 2020 19:05:57 -0000", "unix": 1601924757}"#)).unwrap();
        assert_eq!(one.outcome, Outcome::Passed);
    }
}
