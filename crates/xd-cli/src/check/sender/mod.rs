//! `xd check sender`: what SPF and the reverse names say of a client, and how that comes about.

mod text;

use std::borrow::Cow;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use xd_auth::Unknown;
use xd_auth::spf::{self, Course, Options};

use super::answers::Answered;
use super::arguments::Sender;
use super::asking::Asking;
use super::names::{Names, names};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::json;
use crate::output::Output;
use crate::terminal::Terminal;

/// What was found out about a client.
#[derive(Debug, Serialize)]
struct Report {
    client_address: String,
    reverse: Reverse,
    /// Of each identity that was given: the reverse-path, then the EHLO domain.
    spf: Vec<Spf>,
}

/// The names of the client.
#[derive(Debug, Serialize)]
struct Reverse {
    /// `found`, `absent` or `unknown`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    names: Vec<Name>,
    /// The first name that leads back.
    confirmed: Option<String>,
    questions: Vec<Answered>,
}

#[derive(Debug, Serialize)]
struct Name {
    name: String,
    /// Null when that is not known.
    leads_back: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// What SPF says of one identity.
#[derive(Debug, Serialize)]
struct Spf {
    /// `mailfrom` or `helo` (RFC 8601 §2.7.2).
    identity: &'static str,
    /// As it was given.
    value: String,
    domain: Option<String>,
    result: &'static str,
    reason: String,
    /// What the domain has to say to whoever it fails: the words of a stranger.
    explanation: Option<String>,
    lookups: u32,
    lookups_allowed: u32,
    voids: u32,
    voids_allowed: u32,
    /// Why names of the client are not known, where that may have changed the result.
    unsure: Option<&'static str>,
    steps: Vec<Step>,
    questions: Vec<Answered>,
}

#[derive(Debug, Serialize)]
struct Step {
    domain: String,
    depth: u8,
    term: String,
    course: &'static str,
    /// For what is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    /// In words.
    #[serde(skip)]
    words: String,
}

/// Terms that may ask DNS (RFC 7208 §4.6.4).
const LOOKUPS_ALLOWED: u32 = 10;

pub(super) fn run(arguments: &Sender) -> Result<ExitCode, Failure> {
    let asking = Asking::try_new(&arguments.asked)?;
    let reverse = asking.run(|answers| names(arguments.ip, answers))?;
    let questions = reverse.asked.iter().map(|question| Answered::new(question, reverse.answers.records(question))).collect();
    let mut report = Report {
        client_address: arguments.ip.to_canonical().to_string(),
        reverse: Reverse::new(&reverse.outcome, questions),
        spf: Vec::new(),
    };
    let ehlo = arguments.helo.as_deref().unwrap_or_default();
    let reverse_path = arguments.mail_from.as_deref().map(|text| ascii(bare(text)));
    let reverse_path = reverse_path.as_deref();
    // RFC 7208 §2.4: of the null reverse-path, the EHLO domain is checked.
    if let Some(reverse_path) = reverse_path.filter(|reverse_path| !reverse_path.is_empty()) {
        report.spf.push(check(&asking, arguments, "mailfrom", ehlo, Some(reverse_path))?);
    }
    if arguments.helo.is_some() {
        report.spf.push(check(&asking, arguments, "helo", ehlo, None)?);
    }
    if report.spf.is_empty() && reverse_path.is_some() {
        return Err(Failure::operator("of a null reverse-path, SPF checks the EHLO domain: give --helo"));
    }
    let terminal = Terminal::of_output();
    let mut output = Output::new(terminal);
    match arguments.asked.format {
        Format::Text => output.lines(text::write(&report, terminal))?,
        Format::Json => {
            let mut line = Vec::new();
            json::write_line(&mut line, &report)?;
            output.lines(line)?;
        }
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The mailbox of a reverse-path, with or without angle brackets.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text)
}

/// A mailbox with its domain as DNS has it: SPF wants U-labels converted (RFC 8616 §4).
fn ascii(mailbox: &str) -> Cow<'_, str> {
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or(("", mailbox));
    match xd_auth::Name::parse_unicode(domain) {
        Ok(name) if !domain.is_ascii() => format!("{local}@{name}").into(),
        _ => mailbox.into(),
    }
}

fn check(
    asking: &Asking,
    arguments: &Sender,
    identity: &'static str,
    ehlo: &str,
    reverse_path: Option<&str>,
) -> Result<Spf, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let sender = spf::Sender { client: arguments.ip, ehlo, reverse_path, receiver: asking.hostname(), now };
    let options = Options::default();
    let checked = asking.run(|answers| spf::check(&sender, &options, answers))?;
    let outcome = checked.outcome;
    let steps = outcome.steps.iter().map(|step| {
        let (course, why) = course(step.course);
        let (domain, term, words) = (step.domain.to_string(), step.term.to_string(), step.course.to_string());
        Step { domain, depth: step.depth, term, course, why: why.map(Unknown::as_str), words }
    });
    Ok(Spf {
        identity,
        value: reverse_path.unwrap_or(ehlo).to_owned(),
        domain: outcome.domain.map(|domain| domain.to_string()),
        result: outcome.result.as_str(),
        reason: outcome.reason.to_string(),
        explanation: outcome.explanation,
        lookups: outcome.lookups,
        lookups_allowed: LOOKUPS_ALLOWED,
        voids: outcome.voids,
        voids_allowed: options.voids,
        unsure: outcome.unsure.map(Unknown::as_str),
        steps: steps.collect(),
        questions: checked.asked.iter().map(|question| Answered::new(question, checked.answers.records(question))).collect(),
    })
}

fn course(course: Course) -> (&'static str, Option<Unknown>) {
    match course {
        Course::Ended => ("ended", None),
        Course::Follows => ("follows", None),
        Course::Matched => ("matched", None),
        Course::Missed => ("missed", None),
        Course::NoName => ("no-name", None),
        Course::Void => ("void", None),
        Course::Unknown(why) => ("unknown", Some(why)),
        _ => ("other", None),
    }
}

impl Reverse {
    fn new(names: &Names, questions: Vec<Answered>) -> Self {
        let (state, why) = match names {
            Names::Found(_) => ("found", None),
            Names::Absent => ("absent", None),
            Names::Unknown(why) => ("unknown", Some(why.as_str())),
        };
        let confirmed = names.confirmed().ok().flatten().map(ToString::to_string);
        let names = if let Names::Found(names) = names { names.as_slice() } else { &[] };
        let names = names.iter().map(|named| Name {
            name: named.name.to_string(),
            leads_back: named.leads_back.ok(),
            why: named.leads_back.err().map(Unknown::as_str),
        });
        Self { state, why, names: names.collect(), confirmed, questions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverse_paths_with_and_without_brackets() {
        for (text, expected) in [("<>", ""), ("", ""), ("<a@example.com>", "a@example.com"), (" a@example.com", "a@example.com")]
        {
            assert_eq!(bare(text), expected);
        }
        assert_eq!(ascii("ann@b\u{fc}cher.example"), "ann@xn--bcher-kva.example");
        assert_eq!(ascii("ann@Example.com"), "ann@Example.com");
    }
}
