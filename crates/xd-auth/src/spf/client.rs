//! Names of the client that lead back to it (RFC 7208 §5.5), for `ptr` and the macro `p`.
//!
//! What cannot be found out about them does not end the check: §5.5 says to go on as if they were not there. The outcome keeps that
//! it happened, because with them the result might have been another.

use super::evaluate::{Evaluation, Stop};
use super::outcome::Course;
use super::{DomainSpec, DualCidr};
use crate::{Answer, Name, Question, Record, Unknown};

impl<'a> Evaluation<'a> {
    /// RFC 7208 §5.5: whether one of the names is the target or below it. Only such names are asked for.
    pub(super) fn ptr(&mut self, spec: Option<DomainSpec<'a>>, domain: &Name) -> Result<Course, Stop> {
        let Some(target) = self.target(spec, domain)? else { return Ok(Course::NoName) };
        let names = match self.names_of_client()? {
            Named::Names(names) => names,
            Named::Void => return Ok(Course::Void),
            Named::Unknown(why) => return Ok(self.passed_over(why)),
        };
        let (leading, unknown) = self.leading_back(names.into_iter().filter(|name| name.is_within(&target)))?;
        Ok(match unknown {
            _ if !leading.is_empty() => Course::Matched,
            Some(why) => self.passed_over(why),
            None => Course::Missed,
        })
    }

    /// RFC 7208 §7.3: the domain itself if it is among the names, else one below it, else any; none when none leads back.
    pub(super) fn client_name(&mut self, domain: &Name) -> Result<Option<Name>, Stop> {
        let (names, unknown) = match self.names_of_client()? {
            Named::Names(names) => self.leading_back(names.into_iter())?,
            Named::Void => return Ok(None),
            Named::Unknown(why) => (Vec::new(), Some(why)),
        };
        // Even one that leads back need not be the one that would have been chosen.
        if let Some(why) = unknown {
            self.passed_over(why);
        }
        let best = names.iter().find(|name| **name == domain).or_else(|| names.iter().find(|name| name.is_within(domain)));
        Ok(best.or_else(|| names.first()).map(|name| (*name).clone()))
    }

    fn names_of_client(&self) -> Result<Named<'a>, Stop> {
        let question = Question::reverse(self.values.client);
        match self.answers.records(&question) {
            None => Err(Stop::Wants(vec![question])),
            Some(Answer::Found(records)) => {
                let names = records.iter().filter_map(|record| match record {
                    Record::Ptr(name) if !name.is_root() => Some(name),
                    _ => None,
                });
                Ok(Named::Names(names.take(MAX_NAMES).collect()))
            }
            Some(Answer::Absent(_)) => Ok(Named::Void),
            Some(Answer::Unknown(why)) => Ok(Named::Unknown(*why)),
        }
    }

    /// Those of the names that have the address of the client, and why it is not known of others. All are asked for together.
    fn leading_back(&self, names: impl Iterator<Item = &'a Name>) -> Result<(Vec<&'a Name>, Option<Unknown>), Stop> {
        let (mut leading, mut wanted, mut unknown) = (Vec::new(), Vec::new(), None);
        for name in names {
            let question = self.addresses(name.clone());
            match self.answers.records(&question) {
                Some(Answer::Found(found)) if self.hold_client(found, DualCidr { ip4: 32, ip6: 128 }) => leading.push(name),
                Some(Answer::Found(_) | Answer::Absent(_)) => {}
                Some(Answer::Unknown(why)) => unknown = unknown.or(Some(*why)),
                None if wanted.contains(&question) => {}
                None => wanted.push(question),
            }
        }
        if wanted.is_empty() { Ok((leading, unknown)) } else { Err(Stop::Wants(wanted)) }
    }

    fn passed_over(&mut self, why: Unknown) -> Course {
        self.unsure = self.unsure.or(Some(why));
        Course::Unknown(why)
    }
}

/// What is known of the names of the client.
enum Named<'a> {
    Names(Vec<&'a Name>),
    Void,
    Unknown(Unknown),
}

/// Names of the client that are looked at (RFC 7208 §4.6.4); more are left out.
const MAX_NAMES: usize = 10;
