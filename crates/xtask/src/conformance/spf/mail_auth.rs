//! Cases in the form of mail-auth: lines of a key and a value. What a line says holds until another says otherwise, and at each
//! `expect` there is a check.
//!
//! mail-auth checks the EHLO domain first, and the reverse-path only when that passes.

use std::net::IpAddr;

use xd_auth::spf::{Outcome, Sender, SpfResult};
use xd_auth::{Name, Question, Record};

use super::super::Case;
use super::super::resolved::job::Job;
use super::zone::{Departure, Identity, Zone};
use super::{decide, result_named};

/// Whether a text has this form.
pub(super) fn is_form_of(text: &str) -> bool {
    let has = |wanted| text.lines().any(|line| key_and_value(line).is_some_and(|(key, _)| key == wanted));
    has("expect") && has("ip") && has("domain") && has("sender")
}

/// All cases of a file.
pub(super) fn cases(text: &str) -> Vec<Case> {
    let of_document = |text| document(text, case, |value, why| Some(Case::new(value, Err(why))));
    text.split("\n---").flat_map(of_document).collect()
}

/// The checks of all cases.
pub(super) fn jobs(text: &str) -> Vec<Job> {
    let job = |name: &str, _: &str, zone: &Zone, (ehlo, mailbox, client): (&str, &str, IpAddr)| {
        let identity = |reverse_path| Identity { client, ehlo: ehlo.to_owned(), reverse_path, receiver: RECEIVER.to_owned() };
        let mut identities = vec![identity(None)];
        if !mailbox.is_empty() {
            identities.push(identity(Some(mailbox.to_owned())));
        }
        Identity::job(name.to_owned(), zone, identities)
    };
    text.split("\n---").flat_map(|text| document(text, job, |_, _| None)).collect()
}

/// The receiving host there.
const RECEIVER: &str = "localdomain.org";

/// What each check of a document comes to, by a name, what is expected, the zone, and who sends; and what cannot be read.
fn document<T>(
    text: &str,
    check: impl Fn(&str, &str, &Zone, (&str, &str, IpAddr)) -> T,
    unread: impl Fn(&str, String) -> Option<T>,
) -> Vec<T> {
    let (mut cases, mut zone) = (Vec::new(), Zone::default());
    let (mut name, mut domain, mut ehlo, mut mailbox, mut client) = ("", "", None, "", IpAddr::from([127, 0, 0, 1]));
    for (key, value) in text.lines().filter_map(key_and_value) {
        match key {
            "domain" => domain = value,
            "ehlo" => ehlo = Some(value),
            "expect" => {
                let name = format!("{name}: {}", cases.len() + 1);
                cases.push(check(&name, value, &zone, (ehlo.unwrap_or(domain), mailbox, client)));
            }
            "ip" => match value.parse() {
                Ok(address) => client = address,
                Err(_) => cases.extend(unread(value, "no address".to_owned())),
            },
            "name" => name = value,
            "sender" => mailbox = value,
            _ => {
                if let Err(why) = add(&mut zone, key, value) {
                    cases.extend(unread(value, why));
                }
            }
        }
    }
    cases
}

fn case(name: &str, expected: &str, zone: &Zone, (ehlo, mailbox, client): (&str, &str, IpAddr)) -> Case {
    let (word, explanation) = expected.split_once(' ').unwrap_or((expected, ""));
    let Some(result) = result_named(word) else { return Case::new(name, Err(format!("no result: {expected:?}"))) };
    let sender = Sender { client, ehlo, reverse_path: None, receiver: RECEIVER, now: 0 };
    let run = |departure: Option<Departure>| -> Result<Outcome, String> {
        let outcome = zone.check(&sender, departure)?;
        if outcome.result != SpfResult::Pass || mailbox.is_empty() {
            return Ok(outcome);
        }
        zone.check(&Sender { reverse_path: Some(mailbox), ..sender }, departure)
    };
    decide(name, false, |departure| {
        let outcome = run(departure)?;
        if outcome.result != result {
            return Err(format!("{} where {word} is expected: {}", outcome.result, outcome.reason));
        }
        let found = outcome.explanation.as_deref().unwrap_or_default();
        if !explanation.is_empty() && found != explanation {
            return Err(format!("explained by {found:?} where {explanation:?} is expected"));
        }
        Ok(())
    })
}

fn add(zone: &mut Zone, key: &str, value: &str) -> Result<(), String> {
    let Some((name, values)) = value.split_once(' ') else {
        return if ["records", "tests"].contains(&key) { Ok(()) } else { Err(format!("{key:?} is not known")) };
    };
    let no_address = |_| format!("no address: {value:?}");
    let values = || values.split(',').map(str::trim);
    match key {
        // As there, the last record of a name is the only one.
        "spf" | "exp" => {
            let Some(entry) = zone.entry(name) else { return Ok(()) };
            entry.records.retain(|record| !matches!(record, Record::Txt(_)));
            let text = value.split_once(' ').map_or("", |(_, text)| text);
            entry.records.push(Record::Txt(text.as_bytes().into()));
        }
        "a" | "aaaa" => {
            let Some(entry) = zone.entry(name) else { return Ok(()) };
            for value in values() {
                entry.records.push(address(value.parse().map_err(no_address)?));
            }
        }
        // Hosts are given by their addresses alone.
        "mx" => {
            for (preference, value) in (1_u16..).zip(values()) {
                let host = Name::parse(&format!("mx.{value}.{preference}")).map_err(|error| error.to_string())?;
                if let Some(entry) = zone.entry(host.as_str()) {
                    entry.records.push(address(value.parse().map_err(no_address)?));
                }
                if let Some(entry) = zone.entry(name) {
                    entry.records.push(Record::Mx { preference, host });
                }
            }
        }
        "ptr" => {
            let question = Question::reverse(name.parse().map_err(no_address)?);
            let Some(entry) = zone.entry(question.name.as_str()) else { return Ok(()) };
            for value in values() {
                entry.records.push(Record::Ptr(Name::parse(value).map_err(|error| error.to_string())?));
            }
        }
        _ => return Err(format!("{key:?} is not known")),
    }
    Ok(())
}

fn address(address: IpAddr) -> Record {
    match address {
        IpAddr::V4(address) => Record::A(address),
        IpAddr::V6(address) => Record::Aaaa(address),
    }
}

fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (key, value) = line.strip_prefix('-').unwrap_or(line).trim().split_once(':')?;
    Some((key.trim(), value.trim()))
}
