//! Suites in the form of openspf.org: documents with `tests` and the `zonedata` that they need.

use std::net::IpAddr;

use xd_auth::spf::{Outcome, SpfResult};
use xd_auth::{Name, Record, RecordKind, Unknown};

use super::super::Case;
use super::super::resolved::job::Job;
use super::super::yaml::Node;
use super::zone::{Entry, Identity, Zone};
use super::{decide, result_named};

/// All cases of a file. That of RFC 7208 itself leaves no room for opinions.
pub(super) fn cases(documents: &[Node], is_demanded: bool) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for document in documents {
        let zone = zone(document.get("zonedata").ok_or("no zonedata")?)?;
        for (name, test) in document.get("tests").ok_or("no tests")?.entries() {
            cases.push(case(name, test, &zone, is_demanded));
        }
    }
    Ok(cases)
}

/// The checks of all cases.
pub(super) fn jobs(documents: &[Node]) -> Vec<Job> {
    let of_document = |document: &Node| -> Option<Vec<Job>> {
        let zone = zone(document.get("zonedata")?).ok()?;
        let tests = document.get("tests")?.entries().iter();
        Some(tests.filter_map(|(name, test)| Some(Identity::job(name.clone(), &zone, vec![identity(test).ok()?]))).collect())
    };
    documents.iter().filter_map(of_document).flatten().collect()
}

fn identity(test: &Node) -> Result<Identity, String> {
    let text = |key| test.get(key).map(Node::text).unwrap_or_default();
    let client = text("host").parse::<IpAddr>().map_err(|_| format!("no address: {:?}", text("host")))?;
    let reverse_path = Some(text("mailfrom")).filter(|mailbox| !mailbox.is_empty());
    Ok(Identity { client, ehlo: text("helo"), reverse_path, receiver: text("receiver") })
}

fn case(name: &str, test: &Node, zone: &Zone, is_demanded: bool) -> Case {
    // pyspf reads records in three manners; that of RFC 7208 is 1.
    if test.get("strict").is_some_and(|strict| strict.text() != "1") {
        return Case::apart(name, "asks for a reading of records that is not that of RFC 7208");
    }
    let words: Vec<String> = test.get("result").map(Node::items).unwrap_or_default().iter().map(Node::text).collect();
    let expected: Vec<SpfResult> = words.iter().filter_map(|word| result_named(word)).collect();
    if expected.len() != words.len() || expected.is_empty() {
        return Case::new(name, Err(format!("not among the results of RFC 7208: {words:?}")));
    }
    let identity = match identity(test) {
        Ok(identity) => identity,
        Err(why) => return Case::new(name, Err(why)),
    };
    let sender = identity.sender();
    let explanation = test.get("explanation").map(Node::text);
    let judge = |outcome: Outcome| -> Result<(), String> {
        if !expected.contains(&outcome.result) {
            return Err(format!("{} where {words:?} is expected: {}", outcome.result, outcome.reason));
        }
        // DEFAULT stands for the words of the receiver, which are used when the domain has none.
        let wanted = explanation.as_deref().filter(|wanted| *wanted != "DEFAULT");
        if explanation.is_some() && outcome.explanation.as_deref() != wanted {
            return Err(format!("explained by {:?} where {wanted:?} is expected", outcome.explanation));
        }
        Ok(())
    };
    decide(name, is_demanded, |departure| zone.check(&sender, departure).and_then(judge))
}

fn zone(zonedata: &Node) -> Result<Zone, String> {
    let mut zone = Zone::default();
    for (name, list) in zonedata.entries() {
        let types = || list.items().iter().flat_map(Node::entries);
        // Records of type SPF are served as TXT too, unless something is said of TXT itself.
        let has_txt = types().any(|(kind, _)| kind == "TXT");
        let Some(entry) = zone.entry(name) else { continue };
        if list.items().iter().any(|item| item.entries().is_empty() && item.text() == "TIMEOUT") {
            entry.rest_fails = Some(Unknown::Timeout);
        }
        for (kind, value) in types() {
            add(entry, kind, value, has_txt).map_err(|why| format!("{name}: {why}"))?;
        }
    }
    Ok(zone)
}

fn add(entry: &mut Entry, kind: &str, value: &Node, has_txt: bool) -> Result<(), String> {
    let text = value.text();
    let name = |text: &str| Name::parse_with_spaces(text).map_err(|error| format!("{text:?}: {error}"));
    let no_address = |_| format!("no address: {text:?}");
    let asked = match kind {
        "A" => RecordKind::A,
        "AAAA" => RecordKind::Aaaa,
        "CNAME" => {
            entry.alias = Some(name(&text)?);
            return Ok(());
        }
        "MX" => RecordKind::Mx,
        "PTR" => RecordKind::Ptr,
        "SPF" if has_txt => return Ok(()),
        "SPF" | "TXT" => RecordKind::Txt,
        _ => return Err(format!("no type of records: {kind:?}")),
    };
    if text == "TIMEOUT" {
        entry.failing.push((asked, Unknown::Timeout));
        return Ok(());
    }
    if text == "NONE" {
        return Ok(());
    }
    entry.records.push(match asked {
        RecordKind::A => Record::A(text.parse().map_err(no_address)?),
        RecordKind::Aaaa => Record::Aaaa(text.parse().map_err(no_address)?),
        RecordKind::Mx => {
            let [preference, host] = value.items() else { return Err(format!("no host: {text:?}")) };
            let preference = preference.text().parse().map_err(|_| format!("no preference: {text:?}"))?;
            Record::Mx { preference, host: name(&host.text())? }
        }
        RecordKind::Ptr => Record::Ptr(name(&text)?),
        RecordKind::Tlsa => return Err(format!("SPF never asks for it: {text:?}")),
        RecordKind::Txt => Record::Txt(value.octets().into()),
    });
    Ok(())
}
