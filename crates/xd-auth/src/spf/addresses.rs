//! Mechanisms that ask for addresses: `a`, `mx` and `exists` (RFC 7208 §5.3, §5.4, §5.7), and what `ptr` shares with them.
//!
//! The hosts of one `mx` are asked for together, since each of them may settle it.

use super::SpfResult;
use super::evaluate::{Evaluation, Stop};
use super::outcome::{Course, Reason};
use super::{DomainSpec, DualCidr};
use crate::{Answer, Name, Question, Record, RecordKind};

impl<'a> Evaluation<'a> {
    /// RFC 7208 §5.3.
    pub(super) fn a(&mut self, spec: Option<DomainSpec<'a>>, cidr: DualCidr, domain: &Name) -> Result<Course, Stop> {
        let Some(name) = self.target(spec, domain)? else { return Ok(Course::NoName) };
        let found = self.records(self.addresses(name))?;
        Ok(match () {
            () if self.hold_client(found, cidr) => Course::Matched,
            () if found.is_empty() => Course::Void,
            () => Course::Missed,
        })
    }

    /// RFC 7208 §5.7.
    pub(super) fn exists(&mut self, spec: DomainSpec<'a>, domain: &Name) -> Result<Course, Stop> {
        let Some(name) = self.target(Some(spec), domain)? else { return Ok(Course::NoName) };
        // Of type A, even for a client of IPv6.
        let found = self.records(Question::new(name, RecordKind::A))?;
        Ok(if found.is_empty() { Course::Void } else { Course::Matched })
    }

    /// RFC 7208 §5.4: the hosts that take mail. All are asked for together; one that holds the client is enough.
    pub(super) fn mx(&mut self, spec: Option<DomainSpec<'a>>, cidr: DualCidr, domain: &Name) -> Result<Course, Stop> {
        let Some(name) = self.target(spec, domain)? else { return Ok(Course::NoName) };
        let found = self.records(Question::new(name.clone(), RecordKind::Mx))?;
        if found.is_empty() {
            return Ok(Course::Void);
        }
        let mut hosts: Vec<(u16, &Name)> = found
            .iter()
            .filter_map(|record| match record {
                // RFC 7505: the root as host says that none takes mail.
                Record::Mx { preference, host } if !host.is_root() => Some((*preference, host)),
                _ => None,
            })
            .collect();
        hosts.sort_by_key(|(preference, _)| *preference);
        let (mut wanted, mut unknown, mut has_addresses) = (Vec::new(), None, false);
        for (_, host) in hosts.iter().take(MAX_HOSTS) {
            let question = self.addresses((*host).clone());
            match self.answers.records(&question) {
                Some(Answer::Found(found)) if self.hold_client(found, cidr) => return Ok(Course::Matched),
                Some(Answer::Found(_)) => has_addresses = true,
                Some(Answer::Absent(_)) => {}
                Some(Answer::Unknown(why)) => unknown = unknown.or(Some((question, *why))),
                None if wanted.contains(&question) => {}
                None => wanted.push(question),
            }
        }
        if !wanted.is_empty() {
            return Err(Stop::Wants(wanted));
        }
        if let Some((question, why)) = unknown {
            return Err(Stop::Over(SpfResult::TempError, Reason::Unknown { question, why }));
        }
        // RFC 7208 §4.6.4: no more hosts are asked for; the first ones could have matched before that.
        if hosts.len() > MAX_HOSTS {
            return Err(Stop::Over(SpfResult::PermError, Reason::TooManyHosts(name)));
        }
        // §4.6.4 counts terms: this one is void when all of it came to nothing, not for each host without such an address.
        Ok(if has_addresses || hosts.is_empty() { Course::Missed } else { Course::Void })
    }

    /// RFC 7208 §5: addresses of the client's kind.
    pub(super) fn addresses(&self, name: Name) -> Question {
        Question::new(name, if self.values.client.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa })
    }

    pub(super) fn hold_client(&self, records: &[Record], cidr: DualCidr) -> bool {
        let client = self.values.client;
        records.iter().any(|record| match record {
            Record::A(address) => cidr.holds(client, (*address).into()),
            Record::Aaaa(address) => cidr.holds(client, (*address).into()),
            _ => false,
        })
    }
}

/// Hosts of one `mx` (RFC 7208 §4.6.4).
const MAX_HOSTS: usize = 10;
