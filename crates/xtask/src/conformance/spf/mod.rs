//! SPF: the suites of openspf.org for RFC 7208 and RFC 4408, and what other programs test themselves with.
//!
//! What the suite of RFC 7208 expects is demanded. Where another expects what follows only from departing from RFC 7208 in one of
//! the ways that are listed here, it has another opinion: the check is run once more with that departure, and only if it then gives
//! what is expected.

mod mail_auth;
mod suite;
mod zone;

use xd_auth::spf::SpfResult;

use super::resolved::job::Job;
use super::{Case, Reading, VectorFile, yaml};
use zone::Departure;

pub(super) fn read(file: &VectorFile) -> Reading {
    if let Some(text) = file.text().filter(|text| mail_auth::is_form_of(text)) {
        return Reading::Cases(mail_auth::cases(text));
    }
    // What changed in a suite, told beside it.
    if file.has_extension(&["changes"]) {
        return Reading::Companion;
    }
    if !file.has_extension(&["yml", "yaml"]) {
        return Reading::Unknown;
    }
    let documents = match yaml::documents(&file.bytes) {
        Ok(documents) => documents,
        Err(why) => return Reading::Cases(vec![Case::new("reading", Err(why))]),
    };
    if !documents.iter().any(|document| document.get("zonedata").is_some()) {
        return Reading::Unknown;
    }
    let is_demanded = String::from_utf8_lossy(&file.bytes).lines().take(3).any(|line| line.contains("based on RFC 7208"));
    match suite::cases(&documents, is_demanded) {
        Ok(cases) => Reading::Cases(cases),
        Err(why) => Reading::Cases(vec![Case::new("reading", Err(why))]),
    }
}

/// The checks of a file, each with its world.
pub(super) fn jobs(file: &VectorFile) -> Vec<Job> {
    if let Some(text) = file.text().filter(|text| mail_auth::is_form_of(text)) {
        return mail_auth::jobs(text);
    }
    match yaml::documents(&file.bytes) {
        Ok(documents) if file.has_extension(&["yml", "yaml"]) => suite::jobs(&documents),
        _ => Vec::new(),
    }
}

/// A case by what comes of a check, as RFC 7208 has it or with a departure from it.
fn decide(name: &str, is_demanded: bool, check: impl Fn(Option<Departure>) -> Result<(), String>) -> Case {
    let outcome = check(None);
    if outcome.is_ok() || is_demanded {
        return Case::new(name, outcome);
    }
    match DEPARTURES.iter().find(|(departure, _)| check(Some(*departure)).is_ok()) {
        Some((_, why)) => Case::opinion(name, *why),
        None => Case::new(name, outcome),
    }
}

/// Departures from RFC 7208 that others make, and what it says.
const DEPARTURES: [(Departure, &str); 3] = [
    (Departure::AnyVoids, "RFC 7208 §4.6.4 recommends that at most two terms find nothing; RFC 4408 and mail-auth set no limit"),
    (
        Departure::CutAfterAll,
        "RFC 7208 §4.6: an error anywhere in a record is one, after `all` too (its suite: detect-errors-anywhere)",
    ),
    (Departure::ExistsInIpv6, "RFC 7208 §5.7: `exists` asks for addresses of IPv4, whatever the client's"),
];

fn result_named(word: &str) -> Option<SpfResult> {
    const ALL: [SpfResult; 7] = [
        SpfResult::None,
        SpfResult::Neutral,
        SpfResult::Pass,
        SpfResult::Fail,
        SpfResult::SoftFail,
        SpfResult::TempError,
        SpfResult::PermError,
    ];
    ALL.into_iter().find(|result| result.as_str().eq_ignore_ascii_case(word))
}
