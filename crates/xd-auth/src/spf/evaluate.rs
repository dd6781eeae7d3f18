//! Records evaluated (RFC 7208 §4.6, §5, §6): term after term, from the answers that are there.
//!
//! A term asks only for what it needs, and only once those before it did not match: what a record could ask is not asked ahead. Work is bounded by the terms that ask DNS, at most 10 in all records
//! together; that bounds `include` and `redirect` too, which are among them.

use std::net::IpAddr;

use super::SpfResult;
use super::cidr::{in_network6, same_prefix4};
use super::expand::Values;
use super::macros::{Letter, Macro, Piece, Pieces, Place};
use super::outcome::{Course, Outcome, Reason, Step, quoted, quoted_bytes};
use super::record::{Directive, Mechanism, Qualifier, Record};
use super::{DomainSpec, Options, Sender};
use crate::{Answer, Answers, Name, Question, Record as DnsRecord, RecordKind, Unknown};

/// A check on its way.
pub(super) struct Evaluation<'a> {
    pub(super) values: Values<'a>,
    pub(super) answers: &'a Answers,
    options: Options,
    lookups: u32,
    voids: u32,
    /// Whether a term has asked for the names of the client by the macro `p`.
    has_named_client: bool,
    pub(super) unsure: Option<Unknown>,
    steps: Vec<Step>,
}

/// Why a check stops before its end.
pub(super) enum Stop {
    /// The result is certain.
    Over(SpfResult, Reason),
    /// These must be known first.
    Wants(Vec<Question>),
}

/// What a record says of the client.
struct Said<'a> {
    result: SpfResult,
    reason: Reason,
    /// Where its explanation stands, and whose record says so.
    explanation: Option<(DomainSpec<'a>, Name)>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(sender: &Sender<'a>, options: &Options, answers: &'a Answers) -> Self {
        Self {
            values: Values::of(sender),
            answers,
            options: *options,
            lookups: 0,
            voids: 0,
            has_named_client: false,
            unsure: None,
            steps: Vec::new(),
        }
    }

    /// The outcome, or what must be known first.
    pub(super) fn run(mut self) -> Result<Outcome, Vec<Question>> {
        let domain = checked_domain(self.values.origin);
        let said = match &domain {
            None => Err(Stop::Over(SpfResult::None, Reason::NoDomain)),
            Some(domain) => self.check(domain.clone(), 0),
        };
        let (result, reason, explanation) = match said {
            Ok(Some(said)) => (said.result, said.reason, said.explanation),
            Ok(None) => (SpfResult::None, Reason::NoRecord, None),
            Err(Stop::Over(result, reason)) => (result, reason, None),
            Err(Stop::Wants(questions)) => return Err(questions),
        };
        let explanation = match explanation {
            Some((spec, domain)) if result == SpfResult::Fail && self.options.explain => {
                // What an explanation lacks changes no result.
                let unsure = self.unsure;
                let explanation = self.explain(spec, &domain)?;
                self.unsure = unsure;
                explanation
            }
            _ => None,
        };
        let Self { steps, lookups, voids, unsure, .. } = self;
        Ok(Outcome { result, reason, domain, explanation, steps, lookups, voids, unsure })
    }

    /// RFC 7208 §4: what the record of a domain says of the client; none when it has no record.
    fn check(&mut self, mut domain: Name, depth: u8) -> Result<Option<Said<'a>>, Stop> {
        let Some(mut record) = self.record_of(&domain)? else { return Ok(None) };
        loop {
            for directive in &record.directives {
                if self.matches(directive, &domain, depth)? {
                    let reason = Reason::Matched { domain: domain.clone(), term: quoted(directive.text) };
                    let explanation = record.explanation.map(|spec| (spec, domain));
                    return Ok(Some(Said { result: directive.qualifier.into(), reason, explanation }));
                }
            }
            let Some(redirect) = record.redirect else {
                return Ok(Some(Said { result: SpfResult::Neutral, reason: Reason::NothingMatched(domain), explanation: None }));
            };
            let target = self.target(Some(redirect), &domain)?.filter(is_checked).ok_or_else(|| dead_end(redirect.as_str()))?;
            let step = Step { domain, depth, term: quoted(&format!("redirect={}", redirect.as_str())), course: Course::Follows };
            self.steps.push(step);
            // RFC 7208 §6.1: without a record there, it is an error.
            record = self.record_of(&target)?.ok_or_else(|| dead_end(target.as_str()))?;
            domain = target;
        }
    }

    /// The record of a domain, if it has one (RFC 7208 §4.4, §4.5).
    fn record_of(&self, domain: &Name) -> Result<Option<Record<'a>>, Stop> {
        let found = self.records(Question::new(domain.clone(), RecordKind::Txt))?;
        let mut meant = found.iter().filter_map(|record| match record {
            DnsRecord::Txt(text) if Record::is_meant_by(text) => Some(text),
            _ => None,
        });
        let Some(text) = meant.next() else { return Ok(None) };
        if meant.next().is_some() {
            return Err(Stop::Over(SpfResult::PermError, Reason::SeveralRecords(domain.clone())));
        }
        Record::parse(text).map(Some).map_err(|fault| {
            let reason = Reason::Syntax { domain: domain.clone(), term: quoted_bytes(fault.term), error: fault.error };
            Stop::Over(SpfResult::PermError, reason)
        })
    }

    fn matches(&mut self, directive: &Directive<'a>, domain: &Name, depth: u8) -> Result<bool, Stop> {
        let course = match directive.mechanism {
            Mechanism::All => Ok(Course::Matched),
            Mechanism::Ip4(network, length) => match self.values.client {
                IpAddr::V4(client) if same_prefix4(client, network, length) => Ok(Course::Matched),
                _ => return Ok(false),
            },
            Mechanism::Ip6(network, length) => {
                if !in_network6(self.values.client, network, length) {
                    return Ok(false);
                }
                Ok(Course::Matched)
            }
            Mechanism::A(spec, cidr) => self.a(spec, cidr, domain),
            Mechanism::Exists(spec) => self.exists(spec, domain),
            Mechanism::Include(spec) => self.include(spec, directive, domain, depth),
            Mechanism::Mx(spec, cidr) => self.mx(spec, cidr, domain),
            Mechanism::Ptr(spec) => self.ptr(spec, domain),
        };
        let course = match course {
            Err(Stop::Over(result, reason)) => {
                // Where it ended is told too. An `include` has told so already.
                if !matches!(directive.mechanism, Mechanism::Include(_)) {
                    let course = if let Reason::Unknown { why, .. } = reason { Course::Unknown(why) } else { Course::Ended };
                    self.steps.push(step_of(directive, domain, depth, course));
                }
                return Err(Stop::Over(result, reason));
            }
            course => course?,
        };
        self.steps.push(step_of(directive, domain, depth, course));
        if course == Course::Void {
            self.voids = self.voids.saturating_add(1);
            if self.voids > self.options.voids {
                return Err(Stop::Over(SpfResult::PermError, Reason::TooManyVoids));
            }
        }
        Ok(course == Course::Matched)
    }

    /// RFC 7208 §5.2.
    fn include(&mut self, spec: DomainSpec<'a>, term: &Directive<'a>, domain: &Name, depth: u8) -> Result<Course, Stop> {
        let target = self.target(Some(spec), domain)?;
        self.steps.push(step_of(term, domain, depth, if target.is_some() { Course::Follows } else { Course::NoName }));
        let target = target.filter(is_checked).ok_or_else(|| dead_end(spec.as_str()))?;
        // Each level costs one of the lookups, so that there are few.
        let said = self.check(target.clone(), depth.saturating_add(1))?.ok_or_else(|| dead_end(target.as_str()))?;
        Ok(if said.result == SpfResult::Pass { Course::Matched } else { Course::Missed })
    }

    /// RFC 7208 §6.2: the explanation. Whatever is wrong with it, there is none.
    fn explain(&mut self, spec: DomainSpec<'a>, domain: &Name) -> Result<Option<String>, Vec<Question>> {
        // §4.6.4: what it asks counts neither as lookup nor as void.
        self.has_named_client = true;
        let found = match self.expanded(spec, domain) {
            Ok(None) => return Ok(None),
            Ok(Some(name)) => self.records(Question::new(name, RecordKind::Txt)),
            Err(stop) => Err(stop),
        };
        let text = match found {
            Ok([DnsRecord::Txt(text)]) => text,
            Ok(_) | Err(Stop::Over(..)) => return Ok(None),
            Err(Stop::Wants(questions)) => return Err(questions),
        };
        let Ok(text) = std::str::from_utf8(text) else { return Ok(None) };
        let pieces = Pieces::of(text, Place::Explanation);
        let ptr = match self.ptr_for(pieces.clone(), domain) {
            Ok(ptr) => ptr,
            Err(Stop::Over(..)) => return Ok(None),
            Err(Stop::Wants(questions)) => return Err(questions),
        };
        Ok(self.values.explanation(pieces, domain, ptr.as_ref().map_or(UNKNOWN_NAME, Name::as_str)))
    }

    /// The name that a term asks for, which counts as a lookup: that of the record when it has no own. None when no such name can be
    /// asked for.
    pub(super) fn target(&mut self, spec: Option<DomainSpec<'a>>, domain: &Name) -> Result<Option<Name>, Stop> {
        self.count_lookup()?;
        spec.map_or_else(|| Ok(Some(domain.clone())), |spec| self.expanded(spec, domain))
    }

    /// The name that a text stands for; none when no such name can be asked for.
    fn expanded(&mut self, spec: DomainSpec<'a>, domain: &Name) -> Result<Option<Name>, Stop> {
        let ptr = self.ptr_for(spec.pieces(), domain)?;
        Ok(self.values.name(spec, domain, ptr.as_ref().map_or(UNKNOWN_NAME, Name::as_str)))
    }

    /// What the macro `p` tells, when it is among the pieces.
    fn ptr_for(&mut self, mut pieces: Pieces<'_>, domain: &Name) -> Result<Option<Name>, Stop> {
        if !pieces.any(|piece| matches!(piece, Ok(Piece::Macro(Macro { letter: Letter::Ptr, .. })))) {
            return Ok(None);
        }
        // RFC 7208 §4.6.4: asking for the names of the client counts for this macro too. It is asked once.
        if !self.has_named_client {
            self.has_named_client = true;
            self.count_lookup()?;
        }
        self.client_name(domain)
    }

    fn count_lookup(&mut self) -> Result<(), Stop> {
        if self.lookups >= MAX_LOOKUPS {
            return Err(Stop::Over(SpfResult::PermError, Reason::TooManyLookups));
        }
        self.lookups = self.lookups.saturating_add(1);
        Ok(())
    }

    /// The records that answer a question: none when there are none, and an end when that is not known.
    pub(super) fn records(&self, question: Question) -> Result<&'a [DnsRecord], Stop> {
        match self.answers.records(&question) {
            None => Err(Stop::Wants(vec![question])),
            Some(Answer::Found(records)) => Ok(records),
            Some(Answer::Absent(_)) => Ok(&[]),
            Some(Answer::Unknown(why)) => Err(Stop::Over(SpfResult::TempError, Reason::Unknown { question, why: *why })),
        }
    }
}

fn step_of(directive: &Directive<'_>, domain: &Name, depth: u8, course: Course) -> Step {
    Step { domain: domain.clone(), depth, term: quoted(directive.text), course }
}

fn dead_end(target: &str) -> Stop {
    Stop::Over(SpfResult::PermError, Reason::DeadEnd(quoted(target)))
}

/// RFC 7208 §4.3: a domain of several labels.
fn checked_domain(text: &str) -> Option<Name> {
    Name::parse(text).ok().filter(is_checked)
}

fn is_checked(domain: &Name) -> bool {
    // An address literal is no domain.
    domain.labels() > 1 && !domain.as_str().starts_with('[')
}

impl From<Qualifier> for SpfResult {
    fn from(qualifier: Qualifier) -> Self {
        match qualifier {
            Qualifier::Fail => Self::Fail,
            Qualifier::Neutral => Self::Neutral,
            Qualifier::Pass => Self::Pass,
            Qualifier::SoftFail => Self::SoftFail,
        }
    }
}

/// Terms that ask DNS, in all records together (RFC 7208 §4.6.4).
const MAX_LOOKUPS: u32 = 10;
/// What the macro `p` tells when no name leads back to the client (RFC 7208 §7.3).
const UNKNOWN_NAME: &str = "unknown";
