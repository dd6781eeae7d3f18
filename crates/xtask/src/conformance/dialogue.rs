//! Dialogues as the vectors write them down: lines of a client, and the codes that are expected.
//!
//! The notation is for people. A client's line may be a command as it stands, with `\r`, `\n`, `\xHH` for octets; `a*513` for so
//! many of a character; `20 x FOOBAR` for a command said so often; `…DATA` for a command behind the usual opening; `MAIL,RCPT,DATA
//! in one segment`; `RCPT(550)` for a recipient who is refused; `BDAT 10 + 10 octets`; `half a message <close>`; `(TLS)`. A word
//! alone such as `RCPT` is a whole command of that kind, said in a session that is ready for it. What is expected are codes, `503 or 554`,
//! `250 x 100`, `500 x n then 421 and close`, and remarks.

use serde_json::Value;
use xd_smtpd::session::rehearsal::Rehearsal;

use super::Case;
use super::smtp::{code_of, options, replies_of};

/// What one thing said by the client is.
enum Said {
    Octets(Vec<u8>),
    Tls,
}

/// Codes of replies in a row: any of these, so often. `None`: however often.
struct Expected {
    codes: Vec<String>,
    times: Option<usize>,
}

/// A case of a file of dialogues; `None` when it is none.
pub(super) fn case(case: &Value) -> Option<Case> {
    let strings = |key: &str| -> Option<Vec<&str>> { case.get(key)?.as_array()?.iter().map(Value::as_str).collect() };
    let (client, expect) = (strings("client")?, strings("expect")?);
    let name = case.get("name").and_then(Value::as_str).map_or_else(|| client.join(" | "), str::to_owned);
    Some(Case::new(name, hold(&client, &expect)))
}

fn hold(client: &[&str], expect: &[&str]) -> Result<(), String> {
    let remarks = expect.join("; ");
    let mut options = options();
    options.starttls = client.iter().any(|line| *line == "(TLS)" || line.starts_with("STARTTLS")) && !remarks.contains("454");
    let mut rehearsal = Rehearsal::new(options);
    for line in opening(client.first().unwrap_or(&""), expect.first().unwrap_or(&"")) {
        rehearsal.say(line.as_bytes());
    }
    rehearsal.replies();

    let mut replies = Vec::new();
    for line in client {
        for said in said(line)? {
            match said {
                Said::Octets(octets) => rehearsal.say(&octets),
                Said::Tls if rehearsal.tls_awaited => rehearsal.start_tls(),
                Said::Tls => return Err("no TLS is awaited".to_owned()),
            }
        }
        replies.extend(replies_of(&rehearsal.replies()));
    }
    compare(&replies, &expected(expect))?;
    if remarks.contains("close")
        && replies.iter().any(|reply| reply.starts_with("421") || reply.starts_with("221"))
        && !rehearsal.closed
    {
        return Err("the connection stays".to_owned());
    }
    if remarks.contains("nothing is queued") && !rehearsal.accepted.is_empty() {
        return Err("a message was accepted".to_owned());
    }
    if let Some((_, line)) = remarks.split_once("content line is ") {
        let line = line.split([';', ' ']).next().unwrap_or(line);
        let kept = rehearsal.accepted.last().map(|transaction| String::from_utf8_lossy(&transaction.content).into_owned());
        if !kept.as_deref().is_some_and(|content| content.split("\r\n").any(|kept| kept == line)) {
            return Err(format!("the content is {kept:?}"));
        }
    }
    Ok(())
}

/// What must be said before, for the first line to stand where its author thought it.
fn opening(first: &str, expected: &str) -> Vec<&'static str> {
    const WHOLE: [&str; 3] = ["EHLO c\r\n", "MAIL FROM:<opening@example.com>\r\n", "RCPT TO:<opening@example.net>\r\n"];
    let word = first.split_once(" x ").map_or(first, |(_, word)| word);
    let succeeds = expected.starts_with(['2', '3']);
    let depth = if first.starts_with('…') {
        3
    } else if is_short(word, "MAIL") {
        1
    } else if is_short(word, "RCPT") {
        2
    } else if (word.starts_with("BDAT") || is_short(word, "DATA")) && succeeds {
        3
    } else {
        0
    };
    WHOLE[..depth].to_vec()
}

/// Whether a line is a bare verb, or a list of them, or a verb with `…` in the place of its path.
fn is_short(line: &str, verb: &str) -> bool {
    line.strip_prefix(verb)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([',', '/', '(', '…']) || rest.starts_with(" …"))
}

fn said(line: &str) -> Result<Vec<Said>, String> {
    if line == "(TLS)" {
        return Ok(vec![Said::Tls]);
    }
    if line == "…" {
        return Ok(Vec::new());
    }
    let line = line.strip_prefix('…').map_or(line, str::trim_start);
    let (line, segment) = line.strip_suffix(" in one segment").map_or((line, false), |line| (line, true));
    if let Some(half) = line.strip_suffix("<close>") {
        return Ok(vec![Said::Octets(unescape(half.trim_end())?)]);
    }
    if let Some((times, command)) = line.split_once(" x ")
        && let Ok(times) = times.parse::<usize>()
    {
        return (0..times).map(|number| command_octets(command, number).map(Said::Octets)).collect();
    }
    if segment && line.contains([',', '/']) && !line.contains('<') {
        let commands = line.split([',', '/']).enumerate().map(|(number, word)| command_octets(word.trim(), number));
        return Ok(vec![Said::Octets(commands.collect::<Result<Vec<_>, _>>()?.concat())]);
    }
    Ok(vec![Said::Octets(command_octets(line, 0)?)])
}

/// A command, written out and with its CRLF.
fn command_octets(line: &str, number: usize) -> Result<Vec<u8>, String> {
    let whole = if is_short(line, "MAIL") {
        let parameters = line["MAIL".len()..].trim_start_matches([' ', '…']);
        format!("MAIL FROM:<a@example.com> {parameters}").trim_end().to_owned()
    } else if let Some(refused) = line.strip_prefix("RCPT(") {
        let local = if refused.starts_with('4') { "later" } else { "unknown" };
        format!("RCPT TO:<{local}{number}@example.net>")
    } else if is_short(line, "RCPT") {
        format!("RCPT TO:<r{number}@example.net>")
    } else {
        line.to_owned()
    };
    if let Some((character, times)) = whole.split_once('*')
        && character.chars().count() == 1
        && let Ok(times) = times.parse::<usize>()
    {
        return Ok(format!("{}\r\n", character.repeat(times)).into_bytes());
    }
    if let Some(octets) = chunk(&whole) {
        return octets;
    }
    let mut octets = unescape(&whole)?;
    if !octets.ends_with(b"\n") {
        octets.extend_from_slice(b"\r\n");
    }
    Ok(octets)
}

/// `BDAT n`, `BDAT n LAST`, and either with `+ n octets`: the command and its octets.
fn chunk(line: &str) -> Option<Result<Vec<u8>, String>> {
    let command = line.split_once(" + ").map_or(line, |(command, _)| command);
    let mut words = command.split(' ');
    if !words.next()?.eq_ignore_ascii_case("BDAT") {
        return None;
    }
    let octets: usize = words.next()?.parse().ok()?;
    // Enough for any that is meant to be sent; those beyond are refused before they come.
    if octets > 1 << 20 {
        return None;
    }
    let text = b"a line of chunk\r\n".iter().copied().cycle().take(octets.saturating_sub(2));
    let end = b"\r\n".iter().copied().take(octets);
    Some(Ok(format!("{command}\r\n").into_bytes().into_iter().chain(whole_lines(text.collect())).chain(end).collect()))
}

/// The same octets, without a CR at the end that another line end would stand behind.
fn whole_lines(mut text: Vec<u8>) -> Vec<u8> {
    if text.ends_with(b"\r") {
        text.pop();
        text.push(b'x');
    }
    text
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        octets.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') | None => b'\\',
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).map_err(|_| format!("no octet: \\x{digits}"))?
            }
            Some(other) => return Err(format!("this notation is not understood: \\{}", char::from(other))),
        });
    }
    Ok(octets)
}

/// The replies that a list of texts asks for.
fn expected(texts: &[&str]) -> Vec<Expected> {
    texts
        .iter()
        .flat_map(|text| {
            let text = text.split(['(', ';']).next().unwrap_or(text);
            text.split([',']).flat_map(|part| part.split(" then ")).filter_map(one).collect::<Vec<_>>()
        })
        .collect()
}

fn one(part: &str) -> Option<Expected> {
    let mut codes = Vec::new();
    let (mut times, mut counted) = (Some(1), false);
    for word in part.split_whitespace() {
        if word == "x" {
            counted = true;
        } else if counted {
            times = word.parse().ok();
            counted = false;
        } else if word.len() == 3 && word.as_bytes()[0].is_ascii_digit() {
            codes.push(word.trim_end_matches(['x', 'y', 'z']).to_owned());
        } else if word == "accept" {
            codes.push("2".to_owned());
        }
    }
    (!codes.is_empty()).then_some(Expected { codes, times })
}

fn compare(replies: &[String], expected: &[Expected]) -> Result<(), String> {
    let mut rest = replies;
    for (index, one) in expected.iter().enumerate() {
        let fits = |reply: &String| one.codes.iter().any(|code| code_of(reply).starts_with(code.as_str()));
        let fitting = rest.iter().take_while(|reply| fits(reply)).count();
        let used = one.times.map_or(fitting, |times| times.min(fitting));
        if used == 0 || one.times.is_some_and(|times| used < times) {
            let found = rest.get(used).map_or("no reply", String::as_str);
            return Err(format!("reply {}: {found} where {} is expected", index + 1, one.codes.join(" or ")));
        }
        rest = &rest[used..];
    }
    match rest.first() {
        Some(reply) if !expected.is_empty() || replies.is_empty() => Err(format!("{reply} where nothing more is expected")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_are_understood() {
        for (client, expect) in [
            (vec!["…", "DATA FOO"], vec!["501"]),
            (vec!["a*513"], vec!["500"]),
            (vec!["EHLO c", "MAIL,RCPT,RCPT(550),DATA in one segment"], vec!["250", "250,250,550,354 in order"]),
            (vec!["…DATA", "..x", "."], vec!["354", "250; the content line is .x"]),
            (vec!["…DATA", "half <close>"], vec!["354", "nothing is queued"]),
            (vec!["BDAT 10 + 10 octets", "NOOP"], vec!["503", "250 (not read as commands)"]),
            (vec!["BDAT 100", "BDAT 0 LAST"], vec!["250", "250"]),
            (vec!["30 x FOOBAR"], vec!["500 x n then 421 and close"]),
            (vec!["EHLO c", "STARTTLS\\r\\nNOOP in one segment", "(TLS)", "MAIL"], vec!["250", "220", "503 or 554"]),
        ] {
            assert_eq!(hold(&client, &expect), Ok(()), "{client:?}");
        }
    }

    #[test]
    fn differences_are_told() {
        for (client, expect) in [
            (vec!["NOOP"], vec!["500"]),
            (vec!["NOOP"], vec!["250", "250"]),
            (vec!["NOOP", "NOOP"], vec!["250"]),
            (vec!["…DATA", "..x", "."], vec!["354", "250; the content line is ..x"]),
        ] {
            assert!(hold(&client, &expect).is_err(), "{client:?}");
        }
    }
}
