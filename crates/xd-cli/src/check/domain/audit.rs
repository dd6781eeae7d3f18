//! The audit as a whole: its parts, and the answers that they share.

use std::collections::BTreeSet;

use xd_auth::{Answer, Answers, Name, Progress, Question, Record, Wanted};

use super::pool::Pool;
use super::report::{Lines, Report};
use super::{dkim, dmarc, hosts, reverse, spf, transport};

/// What is audited.
#[derive(Debug)]
pub(super) struct Plan<'p> {
    pub(super) domain: &'p Name,
    /// Addresses that send its mail.
    pub(super) pools: &'p [Pool],
    /// Selectors under which keys must stand.
    pub(super) selectors: &'p [Name],
}

/// The answers that are there, and what is wanted besides.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) answers: &'a Answers,
    wanted: BTreeSet<Wanted>,
}

/// Audits what a domain publishes.
pub(super) fn audit(plan: &Plan<'_>, answers: &Answers) -> Progress<Report> {
    let mut known = Known { answers, wanted: BTreeSet::new() };
    let mut lines = Lines::default();
    spf::audit(plan, &mut known, &mut lines);
    dkim::audit(plan, &mut known, &mut lines);
    dmarc::audit(plan, &mut known, &mut lines);
    let hosts = hosts::audit(plan, &mut known, &mut lines);
    transport::audit(plan, &hosts, &mut known, &mut lines);
    reverse::audit(plan, &hosts, &mut known, &mut lines);
    if known.wanted.is_empty() {
        Progress::Done(lines.report(plan.domain.to_string()))
    } else {
        Progress::Wants(known.wanted.into_iter().collect())
    }
}

impl<'a> Known<'a> {
    /// The answer to a question; none when it was not asked yet.
    pub(super) fn records(&mut self, question: &Question) -> Option<&'a Answer<Record>> {
        let answer = self.answers.records(question);
        if answer.is_none() {
            self.wanted.insert(Wanted::Records(question.clone()));
        }
        answer
    }

    /// What a check came to; none while it wants more.
    pub(super) fn of<T>(&mut self, progress: Progress<T>) -> Option<T> {
        match progress {
            Progress::Done(outcome) => Some(outcome),
            Progress::Wants(wanted) => {
                self.wanted.extend(wanted);
                None
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use xd_auth::{Absence, RecordKind, Unknown};

    use super::super::report::{Level, Line};
    use super::*;

    /// Audits with a table of DNS, `NAME TYPE DATA` in each line, where `NAME ? ` is not known; the lines of one topic.
    pub(in super::super) fn lines(topic: &str, zone: &str, pools: &[&str], selectors: &[&str]) -> Vec<Line> {
        let domain = Name::parse("example.com").unwrap();
        let pools: Vec<Pool> = pools.iter().map(|pool| pool.parse().unwrap()).collect();
        let selectors: Vec<Name> = selectors.iter().map(|selector| Name::parse(selector).unwrap()).collect();
        let plan = Plan { domain: &domain, pools: &pools, selectors: &selectors };
        let mut answers = Answers::default();
        for _ in 0..100 {
            match audit(&plan, &answers) {
                Progress::Done(report) => {
                    return report.lines().iter().filter(|line| line.topic.as_str() == topic).cloned().collect();
                }
                Progress::Wants(wanted) => {
                    for wanted in wanted {
                        let Wanted::Records(question) = wanted else { panic!() };
                        let answer = answer(zone, &question);
                        answers.put(question, answer);
                    }
                }
            }
        }
        panic!("no end")
    }

    /// The lines of a topic that are not fine, as `level: what` cut to what is before the first comma or colon.
    pub(in super::super) fn faults(topic: &str, zone: &str, pools: &[&str], selectors: &[&str]) -> Vec<(Level, String)> {
        let lines = lines(topic, zone, pools, selectors);
        lines.into_iter().filter(|line| line.level != Level::Fine).map(|line| (line.level, line.what)).collect()
    }

    fn answer(zone: &str, question: &Question) -> Answer<Record> {
        let lines =
            || zone.lines().filter_map(|line| line.trim().split_once(' ')).filter(|(name, _)| *name == question.name.as_str());
        if lines().any(|(_, data)| data.starts_with('?')) {
            return Answer::Unknown(Unknown::Timeout);
        }
        let records: Vec<Record> = lines().filter_map(|(_, data)| record(question.kind, data)).collect();
        match () {
            () if !records.is_empty() => Answer::Found(records),
            () if lines().next().is_some() => Answer::Absent(Absence::Records),
            () => Answer::Absent(Absence::Name),
        }
    }

    fn record(kind: RecordKind, line: &str) -> Option<Record> {
        let (name, data) = line.split_once(' ')?;
        if name != crate::check::answers::kind(kind) {
            return None;
        }
        Some(match kind {
            RecordKind::A => Record::A(data.parse().unwrap()),
            RecordKind::Aaaa => Record::Aaaa(data.parse().unwrap()),
            RecordKind::Mx => {
                let (preference, host) = data.split_once(' ').unwrap();
                Record::Mx { preference: preference.parse().unwrap(), host: Name::parse(host).unwrap() }
            }
            RecordKind::Ptr => Record::Ptr(Name::parse(data).unwrap()),
            RecordKind::Tlsa => {
                let mut numbers = data.split(' ').map(|number| number.parse::<u8>().unwrap());
                let mut next = || numbers.next().unwrap();
                Record::Tlsa { usage: next(), selector: next(), matching: next(), data: vec![0; next().into()].into() }
            }
            RecordKind::Txt => Record::Txt(data.as_bytes().into()),
        })
    }
}
