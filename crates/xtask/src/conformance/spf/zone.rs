//! DNS in memory, as suites of SPF describe it, and checks against it.

use std::collections::BTreeMap;

use xd_auth::spf::{self, Options, Outcome, Sender};
use xd_auth::{Absence, Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};

/// Names and what is known of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Zone {
    names: BTreeMap<Name, Entry>,
}

/// What is known of a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) records: Vec<Record>,
    pub(super) alias: Option<Name>,
    /// Types that fail, and whether all that have no records do.
    pub(super) failing: Vec<(RecordKind, Unknown)>,
    pub(super) rest_fails: Option<Unknown>,
}

/// In what the zone, or the check, differs from RFC 7208, to see whether a suite only has another opinion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Departure {
    /// Any number of terms may find nothing.
    AnyVoids,
    /// What stands after `all` is not read.
    CutAfterAll,
    /// `exists` matches a name that has only addresses of IPv6.
    ExistsInIpv6,
}

impl Zone {
    pub(super) fn entry(&mut self, name: &str) -> Option<&mut Entry> {
        // A name that cannot be asked for is not there.
        Some(self.names.entry(Name::parse_with_spaces(name).ok()?).or_default())
    }

    fn answer(&self, question: &Question, departure: Option<Departure>) -> Answer<Record> {
        let mut name = &question.name;
        for _ in 0..MAX_ALIASES {
            let failing = || if name.as_str().starts_with("_dns_error.") { Some(Unknown::ServerFailure) } else { None };
            let Some(entry) = self.names.get(name) else {
                return failing().map_or(Answer::Absent(Absence::Name), Answer::Unknown);
            };
            let found: Vec<Record> = entry
                .records
                .iter()
                .filter(|record| record.kind() == question.kind)
                .map(|record| changed(record, departure))
                .collect();
            let fails = entry.failing.iter().find(|(kind, _)| *kind == question.kind).map(|(_, why)| *why);
            return match (fails, found.is_empty(), &entry.alias) {
                (Some(why), ..) => Answer::Unknown(why),
                (None, false, _) => Answer::Found(found),
                (None, true, Some(alias)) => {
                    name = alias;
                    continue;
                }
                (None, true, None) if departure == Some(Departure::ExistsInIpv6) && question.kind == RecordKind::A => {
                    let has_any = entry.records.iter().any(|record| record.kind() == RecordKind::Aaaa);
                    if has_any { Answer::Found(vec![Record::A([0; 4].into())]) } else { Answer::Absent(Absence::Records) }
                }
                (None, true, None) => entry.rest_fails.map_or(Answer::Absent(Absence::Records), Answer::Unknown),
            };
        }
        Answer::Unknown(Unknown::Malformed)
    }

    /// Runs a check to its end.
    pub(super) fn check(&self, sender: &Sender<'_>, departure: Option<Departure>) -> Result<Outcome, String> {
        let mut options = Options::default();
        if departure == Some(Departure::AnyVoids) {
            options.voids = u32::MAX;
        }
        let mut answers = Answers::default();
        for _ in 0..MAX_ROUNDS {
            match spf::check(sender, &options, &answers) {
                Progress::Done(outcome) => return Ok(outcome),
                Progress::Wants(wanted) => {
                    for wanted in wanted {
                        let Wanted::Records(question) = wanted else { return Err("SPF needs no signatures".to_owned()) };
                        let answer = self.answer(&question, departure);
                        answers.put(question, answer);
                    }
                }
            }
        }
        Err(format!("not over after {MAX_ROUNDS} rounds"))
    }
}

/// Aliases followed before they count as a loop.
const MAX_ALIASES: usize = 8;
/// More rounds than a check can have.
const MAX_ROUNDS: usize = 100;

fn changed(record: &Record, departure: Option<Departure>) -> Record {
    match record {
        Record::Txt(text) if departure == Some(Departure::CutAfterAll) => {
            let text = String::from_utf8_lossy(text);
            let mut terms = Vec::new();
            for term in text.split(' ') {
                terms.push(term);
                if term.trim_start_matches(['+', '-', '?', '~']).eq_ignore_ascii_case("all") {
                    break;
                }
            }
            Record::Txt(terms.join(" ").into_bytes().into())
        }
        other => other.clone(),
    }
}
