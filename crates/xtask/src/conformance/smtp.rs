//! SMTP: dialogues, addresses, ends of data, held against a session without a network.

use serde_json::Value;
use xd_smtpd::session::rehearsal::Rehearsal;
use xd_smtpd::session::{LineEndings, Path, PathSyntax, Protocol, SessionOptions};

use super::{Case, Reading, VectorFile, dialogue};

/// Reads a list of cases, all of one form.
pub(super) fn read(file: &VectorFile) -> Reading {
    file.text().and_then(cases).map_or(Reading::Unknown, Reading::Cases)
}

fn cases(text: &str) -> Option<Vec<Case>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let cases = value.as_array()?;
    let all_have = |keys: &[&str]| !cases.is_empty() && cases.iter().all(|case| keys.iter().all(|key| case.get(key).is_some()));
    if all_have(&["client", "expect"]) {
        cases.iter().map(dialogue::case).collect()
    } else if all_have(&["after", "arg"]) {
        cases.iter().map(address).collect()
    } else if all_have(&["bytes_hex", "must_end_data"]) {
        let sequences: Vec<Sequence> = cases.iter().map(sequence).collect::<Option<_>>()?;
        Some(sequences.iter().map(|sequence| end_of_data(sequence, &sequences)).collect())
    } else if all_have(&["input", "valid"]) {
        cases.iter().map(path_text).collect()
    } else {
        None
    }
}

/// A server that offers all there is.
pub(super) fn options() -> SessionOptions {
    SessionOptions::new("mx.example.net", Protocol::Smtp)
}

/// The reply code that a text begins with.
pub(super) fn code_of(reply: &str) -> &str {
    reply.get(..3).unwrap_or(reply)
}

/// The last line of every reply.
pub(super) fn replies_of(text: &str) -> Vec<String> {
    text.split_terminator("\r\n").filter(|line| line.as_bytes().get(3) != Some(&b'-')).map(str::to_owned).collect()
}

/// `{"after": "MAIL FROM:", "arg": …, "strict_rfc5321": "accept…" | "reject…" | "may reject CODES…"}`
fn address(case: &Value) -> Option<Case> {
    let (after, argument) = (case.get("after")?.as_str()?, case.get("arg")?.as_str()?);
    let wanted = case.get("strict_rfc5321").and_then(Value::as_str).unwrap_or_default();
    let mut rehearsal = Rehearsal::new(options());
    rehearsal.say(b"EHLO c\r\n");
    if after.to_ascii_uppercase().starts_with("RCPT") {
        rehearsal.say(b"MAIL FROM:<opening@example.com>\r\n");
    }
    rehearsal.replies();
    rehearsal.say(format!("{after}{argument}\r\n").as_bytes());
    let replies = replies_of(&rehearsal.replies());
    let code = replies.first().map_or("", |reply| code_of(reply));
    let fits = if wanted.starts_with("accept") {
        code.starts_with('2')
    } else if wanted.starts_with("reject") {
        code.starts_with('5')
    } else if wanted.starts_with("may reject") {
        code.starts_with('2') || wanted.contains(code)
    } else {
        // Only what another server says is known.
        case.get("aiosmtpd").and_then(Value::as_u64).is_some_and(|other| code.starts_with(&(other / 100).to_string()))
    };
    let outcome = if fits && replies.len() == 1 { Ok(()) } else { Err(format!("{replies:?} where this is expected: {wanted}")) };
    Some(Case::new(format!("{after}{argument}"), outcome))
}

/// `{"input": …, "valid": bool, "expect": {"user", "domain", "addr"}}`, as a program reads that is used to less than strict paths.
fn path_text(case: &Value) -> Option<Case> {
    let (input, valid) = (case.get("input")?.as_str()?, case.get("valid")?.as_bool()?);
    let expected = |key: &str| case.get("expect").and_then(|expect| expect.get(key)).and_then(Value::as_str);
    let outcome = match Path::read(input, PathSyntax::Lenient) {
        Err(_) if !valid => Ok(()),
        Err(error) => Err(format!("refused: {error}")),
        Ok(path) if !valid => Err(format!("read as {path}")),
        Ok(path) => {
            let (user, domain) = (unquoted(path.local_part()), path.domain().unwrap_or_default());
            let address = if path.is_null() { String::new() } else { format!("{user}@{domain}") };
            let pairs = [("user", user.as_str()), ("domain", domain), ("addr", address.as_str())];
            let differs = pairs.iter().find(|(key, found)| expected(key).is_some_and(|expected| expected != *found));
            differs.map_or(Ok(()), |(key, found)| Err(format!("{key} is {found}")))
        }
    };
    Some(Case::new(input, outcome))
}

fn unquoted(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return local.to_owned() };
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

struct Sequence {
    octets: Vec<u8>,
    name: String,
    ends: bool,
}

fn sequence(case: &Value) -> Option<Sequence> {
    let hex = case.get("bytes_hex")?.as_str()?;
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect::<Option<_>>()?;
    let octets: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect();
    let name = case.get("escaped").and_then(Value::as_str).map_or_else(|| octets.escape_ascii().to_string(), str::to_owned);
    Some(Sequence { octets, name, ends: case.get("must_end_data")?.as_bool()? })
}

/// Whether a sequence ends the data only where it must, and nothing is kept that would end it at a next hop, whatever bare CR and
/// LF are made of.
fn end_of_data(sequence: &Sequence, all: &[Sequence]) -> Case {
    let outcome = [LineEndings::Refuse, LineEndings::Normalize].into_iter().try_for_each(|endings| tried(sequence, all, endings));
    Case::new(&sequence.name, outcome)
}

fn tried(sequence: &Sequence, all: &[Sequence], endings: LineEndings) -> Result<(), String> {
    let mut options = options();
    options.line_endings = endings;
    let mut rehearsal = Rehearsal::new(options);
    rehearsal.say(b"EHLO c\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
    rehearsal.replies();
    rehearsal.say(&[b"Subject: x\r\n\r\nfirst".as_slice(), &sequence.octets].concat());
    let replies = replies_of(&rehearsal.replies());
    if sequence.ends {
        return if replies.len() == 1 && replies[0].starts_with("250") && rehearsal.accepted.len() == 1 {
            Ok(())
        } else {
            Err(format!("the end of data was answered with {replies:?}"))
        };
    }
    if let Some(reply) = replies.first() {
        return Err(format!("taken for the end of data ({endings:?}): {reply}"));
    }
    rehearsal.say(b"MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<c@example.net>\r\nDATA\r\nx\r\n.\r\n");
    let replies = replies_of(&rehearsal.replies());
    if replies.len() != 1 {
        return Err(format!("commands were smuggled ({endings:?}): {replies:?}"));
    }
    for transaction in &rehearsal.accepted {
        // As a client sends it: dots doubled where they begin a line.
        let text = transaction.content.escape_ascii().to_string();
        let lines = transaction.content.split_inclusive(|&octet| octet == b'\n');
        let sent: Vec<u8> =
            lines.flat_map(|line| [if line.starts_with(b".") { b".".as_slice() } else { b"" }, line].concat()).collect();
        let ended = all
            .iter()
            .find(|other| other.octets.iter().filter(|&&octet| octet == b'.').count() == 1 && contains(&sent, &other.octets));
        if let Some(other) = ended {
            return Err(format!("passed on with {} in it ({endings:?}): {text}", other.name));
        }
    }
    Ok(())
}

fn contains(text: &[u8], sequence: &[u8]) -> bool {
    text.windows(sequence.len()).any(|window| window == sequence)
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    fn missed(text: &str) -> Vec<String> {
        cases(text).unwrap().into_iter().filter(|case| case.outcome != Outcome::Passed).map(|case| case.name).collect()
    }

    #[test]
    fn forms_are_told_apart_by_their_keys() {
        assert!(cases("{}").is_none());
        assert!(cases("[]").is_none());
        assert!(cases(r#"[{"x": 1}]"#).is_none());
        assert!(missed(r#"[{"after": "MAIL FROM:", "arg": "<a@example.com>", "strict_rfc5321": "accept"}]"#).is_empty());
        assert_eq!(missed(r#"[{"after": "RCPT TO:", "arg": "<>", "strict_rfc5321": "accept"}]"#), ["RCPT TO:<>"]);
        assert!(missed(r#"[{"input": "\"a b\"@example.com", "valid": true, "expect": {"user": "a b"}}]"#).is_empty());
        assert!(missed(r#"[{"bytes_hex": "0a2e0a", "must_end_data": false}]"#).is_empty());
        assert_eq!(missed(r#"[{"bytes_hex": "0a2e0a", "must_end_data": true}]"#), ["\\n.\\n"]);
    }
}
