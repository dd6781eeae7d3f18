//! DNS in memory, as suites of SPF describe it, and checks against it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use xd_auth::spf::{self, Options, Outcome, Sender};
use xd_auth::{Absence, Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};

use super::super::resolved::every_kind;
use super::super::resolved::job::{Job, Said, Verdict, World};

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
        let mut question = question.clone();
        for _ in 0..MAX_ALIASES {
            match self.said(&question, departure) {
                Said::Alias(target) => question.name = target,
                Said::Answer(answer) => return answer,
            }
        }
        Answer::Unknown(Unknown::Malformed)
    }

    fn said(&self, question: &Question, departure: Option<Departure>) -> Said {
        let name = &question.name;
        let failing = || if name.as_str().starts_with("_dns_error.") { Some(Unknown::ServerFailure) } else { None };
        let Some(entry) = self.names.get(name) else {
            return Said::Answer(failing().map_or(Answer::Absent(Absence::Name), Answer::Unknown));
        };
        let found: Vec<Record> = entry
            .records
            .iter()
            .filter(|record| record.kind() == question.kind)
            .map(|record| changed(record, departure))
            .collect();
        let fails = entry.failing.iter().find(|(kind, _)| *kind == question.kind).map(|(_, why)| *why);
        Said::Answer(match (fails, found.is_empty(), &entry.alias) {
            (Some(why), ..) => Answer::Unknown(why),
            (None, false, _) => Answer::Found(found),
            (None, true, Some(alias)) => return Said::Alias(alias.clone()),
            (None, true, None) if departure == Some(Departure::ExistsInIpv6) && question.kind == RecordKind::A => {
                let has_any = entry.records.iter().any(|record| record.kind() == RecordKind::Aaaa);
                if has_any { Answer::Found(vec![Record::A([0; 4].into())]) } else { Answer::Absent(Absence::Records) }
            }
            (None, true, None) => entry.rest_fails.map_or(Answer::Absent(Absence::Records), Answer::Unknown),
        })
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

impl World for Zone {
    fn look(&self, question: &Question) -> Said {
        self.said(question, None)
    }

    fn questions(&self) -> Vec<Question> {
        every_kind(self.names.keys().cloned())
    }
}

/// Who sends, as a suite has it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) client: IpAddr,
    pub(super) ehlo: String,
    /// None for the null reverse-path.
    pub(super) reverse_path: Option<String>,
    pub(super) receiver: String,
}

impl Identity {
    pub(super) fn sender(&self) -> Sender<'_> {
        let reverse_path = self.reverse_path.as_deref();
        Sender { client: self.client, ehlo: &self.ehlo, reverse_path, receiver: &self.receiver, now: 0 }
    }

    /// A check of each of these in turn, until one does not pass.
    pub(super) fn job(name: String, zone: &Zone, identities: Vec<Self>) -> Job {
        let check = move |answers: &Answers| {
            let mut told = Verdict { results: Vec::new(), text: String::new(), unsure: false };
            for identity in &identities {
                match spf::check(&identity.sender(), &Options::default(), answers) {
                    Progress::Wants(wanted) => return Progress::Wants(wanted),
                    Progress::Done(outcome) => {
                        told.results = vec![outcome.result.as_str()];
                        told.text += &format!("{outcome:?}\n");
                        told.unsure |= outcome.unsure.is_some();
                        if outcome.result != spf::SpfResult::Pass {
                            break;
                        }
                    }
                }
            }
            Progress::Done(told)
        };
        Job { name, world: Arc::new(zone.clone()), check: Box::new(check) }
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
