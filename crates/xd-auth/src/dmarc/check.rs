//! Whether the author domain of a message was used by its owner (RFC 9989 §5.3).
//!
//! ```text
//! the author's own record ──found──▶ a domain that passed is the author's? ──▶ pass
//!           │ none                              │ no
//!           ▼                                   ▼
//! the author's walk: the record of    walks of the domains that passed and
//! the organization or the suffix ───▶ lie in the author's organization ───▶ pass or fail
//! ```
//!
//! Each arrow is a round at most, so that a message takes one to five (what is open after an error of SPF or DKIM, and whether
//! the author domain exists, come last): walks ask for all their names at once.

use super::outcome::{Alignment, Found, Outcome, Reason, Step, Subject};
use super::record::{Mode, PolicyRecord, Psd, Relation};
use super::walk::{self, Finding, Looked, Walk, Walked};
use super::{AuthorFault, DmarcResult};
use crate::{Absence, Answer, Answers, DkimResult, Name, Progress, Question, RecordKind, SpfResult, Unknown, Wanted};

/// Domains of signatures whose organization is asked for, besides that of SPF: each may cost seven questions. Only domains within the
/// author's organization that differ from the author's count; honest mail has one or two. Further ones are as if they were not there.
pub const MAX_WALKED: usize = 8;

/// Holds a message against the policy of its author domain.
///
/// It asks at most 8 questions for the author domain, one more for its existence, and 8 for each domain that is walked from, and
/// only those that can still change the result or the policy. An answer that is not known gives `temperror`, unless the result is the
/// same without it.
///
/// # Example: nobody signed for a domain that wishes to have such mail rejected
/// ```
/// use xd_auth::dmarc::{DmarcResult, Policy, Subject, author_domain, check};
/// use xd_auth::{Answer, Answers, Name, Progress, Record, Wanted};
///
/// let subject = Subject { author: author_domain(1, ["ann@example.com"]), spf: None, dkim: Vec::new() };
/// let mut answers = Answers::default();
/// let outcome = loop {
///     match check(&subject, &answers) {
///         Progress::Done(outcome) => break outcome,
///         Progress::Wants(wanted) => for wanted in wanted {
///             let Wanted::Records(question) = wanted else { continue };
///             assert_eq!(question.name.as_str(), "_dmarc.example.com");
///             answers.put(question, Answer::Found(vec![Record::Txt(b"v=DMARC1; p=reject"[..].into())]));
///         },
///     }
/// };
/// assert_eq!((outcome.result, outcome.policy), (DmarcResult::Fail, Some(Policy::Reject)));
/// ```
#[must_use]
pub fn check(subject: &Subject, answers: &Answers) -> Progress<Outcome> {
    let author = match &subject.author {
        Ok(author) => author,
        Err(fault) => return Progress::Done(without_author(*fault, subject)),
    };
    let mut check = Check { author, answers, author_walk: None, outcome: Outcome::begun(subject) };
    match check.run(subject) {
        Ok(()) => Progress::Done(check.outcome),
        Err(questions) => Progress::Wants(wanted(questions)),
    }
}

/// What is needed first, none twice.
fn wanted(questions: Vec<Question>) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::with_capacity(questions.len());
    for question in questions.into_iter().map(Wanted::Records) {
        if !wanted.contains(&question) {
            wanted.push(question);
        }
    }
    wanted
}

/// RFC 8601 §2.7.1, RFC 9989 §9.1: without an author domain there is nothing to apply; with several, the message is at fault.
fn without_author(fault: AuthorFault, subject: &Subject) -> Outcome {
    let result = if fault == AuthorFault::Absent { DmarcResult::None } else { DmarcResult::PermError };
    Outcome { result, reason: Reason::Author(fault), author: None, ..Outcome::begun(subject) }
}

impl Outcome {
    fn begun(subject: &Subject) -> Self {
        Self {
            result: DmarcResult::None,
            reason: Reason::NoRecord,
            author: subject.author.as_ref().ok().cloned(),
            found: None,
            organizational: None,
            published: None,
            policy: None,
            spf: subject.spf.as_ref().map(|(_, result)| Standing::of_spf(*result).begun()),
            dkim: subject.dkim.iter().map(|(_, result)| Standing::of_dkim(*result).begun()).collect(),
            steps: Vec::new(),
        }
    }
}

/// Whether a mechanism passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Passed,
    /// It may pass once it can be evaluated.
    Open,
    NotPassed,
}

impl Standing {
    fn of_spf(result: SpfResult) -> Self {
        match result {
            SpfResult::Pass => Self::Passed,
            SpfResult::TempError => Self::Open,
            _ => Self::NotPassed,
        }
    }

    fn of_dkim(result: DkimResult) -> Self {
        match result {
            DkimResult::Pass => Self::Passed,
            DkimResult::TempError => Self::Open,
            _ => Self::NotPassed,
        }
    }

    fn begun(self) -> Alignment {
        if self == Self::NotPassed { Alignment::NotPassed } else { Alignment::NotNeeded }
    }
}

/// A domain that a mechanism checked.
struct Identity<'s> {
    domain: &'s Name,
    standing: Standing,
    mode: Mode,
    /// Its place among the signatures; none for SPF.
    signature: Option<usize>,
    alignment: Alignment,
    /// What its walk needs first.
    missing: Vec<Question>,
}

struct Check<'s> {
    author: &'s Name,
    answers: &'s Answers,
    /// The walk from the author domain, once it was made; the error is what is not known.
    author_walk: Option<Result<Walk, Unknown>>,
    outcome: Outcome,
}

/// The questions that must be answered first.
type Needed<T> = Result<T, Vec<Question>>;

impl Check<'_> {
    fn run(&mut self, subject: &Subject) -> Needed<()> {
        let Some(record) = self.discover()? else { return Ok(()) };
        let mut identities = identities(subject, &record);
        self.align(&mut identities, Standing::Passed)?;
        let passed = |identity: &Identity<'_>| identity.standing == Standing::Passed;
        let aligned = identities.iter().any(|identity| passed(identity) && identity.alignment.is_aligned());
        // What is not known of one that passed leaves the result open already.
        if !aligned && !identities.iter().any(|identity| matches!(identity.alignment, Alignment::Unknown(_))) {
            self.align(&mut identities, Standing::Open)?;
        }
        let unknown = identities.iter().find_map(|identity| match identity.alignment {
            Alignment::Unknown(why) => Some(why),
            _ => None,
        });
        let open = identities.iter().any(|identity| identity.standing == Standing::Open && identity.alignment.is_aligned());
        let (result, reason) = if aligned {
            (DmarcResult::Pass, Reason::Aligned)
        } else if open {
            (DmarcResult::TempError, Reason::MechanismUnknown)
        } else if let Some(why) = unknown {
            (DmarcResult::TempError, Reason::AnswerUnknown(why))
        } else if identities.iter().any(passed) {
            (DmarcResult::Fail, Reason::NotAligned)
        } else {
            (DmarcResult::Fail, Reason::NothingPassed)
        };
        (self.outcome.result, self.outcome.reason) = (result, reason);
        for identity in &identities {
            let place = match identity.signature {
                None => self.outcome.spf.as_mut(),
                Some(place) => self.outcome.dkim.get_mut(place),
            };
            if let Some(place) = place {
                *place = identity.alignment;
            }
        }
        self.apply(&record)
    }

    /// RFC 9989 §4.10.1: the record that applies; none when the outcome is already settled.
    fn discover(&mut self) -> Needed<Option<PolicyRecord>> {
        let own = walk::look(self.author, self.answers).map_err(|question| vec![question])?;
        let found = match own {
            Finding::Record(record) => {
                self.step(&Looked { at: self.author.clone(), finding: Finding::Record(record.clone()) });
                // §4.10.2: so the organizational domain is known without a walk.
                if record.psd != Psd::Unsaid {
                    self.outcome.organizational = Some(self.author.clone());
                }
                Some(Found { at: self.author.clone(), record: *record })
            }
            Finding::Unknown(why) => {
                self.step(&Looked { at: self.author.clone(), finding: own });
                return self.unknown(why);
            }
            // Several records are none: the walk goes on (§4.10, step 2).
            Finding::Nothing | Finding::Several(_) => match self.walk_author()? {
                Err(why) => {
                    let why = *why;
                    return self.unknown(why);
                }
                Ok(walk) => {
                    let at = |at: &Name| {
                        walk.looked.iter().find_map(|looked| match &looked.finding {
                            Finding::Record(record) if looked.at == *at => {
                                Some(Found { at: at.clone(), record: (**record).clone() })
                            }
                            _ => None,
                        })
                    };
                    // §4.10.1, the note there: a public suffix speaks only for organizations that do not.
                    let suffix = walk.suffix.and_then(|suffix| walk.looked.get(suffix));
                    at(&walk.organizational).or_else(|| at(&suffix?.at))
                }
            },
        };
        let Some(found) = found else { return Ok(None) };
        let record = found.record.clone();
        self.outcome.found = Some(found);
        if record.applies {
            return Ok(Some(record));
        }
        self.outcome.reason = Reason::RecordNotUsable;
        Ok(None)
    }

    fn unknown(&mut self, why: Unknown) -> Needed<Option<PolicyRecord>> {
        (self.outcome.result, self.outcome.reason) = (DmarcResult::TempError, Reason::AnswerUnknown(why));
        Ok(None)
    }

    /// The walk from the author domain, made once.
    fn walk_author(&mut self) -> Needed<&Result<Walk, Unknown>> {
        if self.author_walk.is_none() {
            let walked = self.walked(self.author)?;
            if let Ok(walk) = &walked {
                self.outcome.organizational = Some(walk.organizational.clone());
            }
            self.author_walk = Some(walked);
        }
        // It was just put there.
        Ok(self.author_walk.get_or_insert(Err(Unknown::NotAsked)))
    }

    fn walked(&mut self, start: &Name) -> Needed<Result<Walk, Unknown>> {
        match walk::walk(start, self.answers) {
            Walked::Wants(questions) => Err(questions),
            Walked::Unknown(why, looked) => {
                looked.iter().for_each(|looked| self.step(looked));
                Ok(Err(why))
            }
            Walked::Done(walk) => {
                walk.looked.iter().for_each(|looked| self.step(looked));
                let guessed = walk
                    .suffix
                    .and_then(|suffix| walk.looked.get(suffix))
                    .filter(|suffix| matches!(&suffix.finding, Finding::Record(record) if record.psd == Psd::Unsaid));
                self.outcome.steps.extend(guessed.map(|suffix| Step::Suffix(suffix.at.clone())));
                let step = Step::Organizational { of: start.clone(), is: walk.organizational.clone() };
                if !self.outcome.steps.contains(&step) {
                    self.outcome.steps.push(step);
                }
                Ok(Ok(walk))
            }
        }
    }

    /// Says for each domain of a standing how it stands to the author's.
    fn align(&mut self, identities: &mut [Identity<'_>], standing: Standing) -> Needed<()> {
        let mut relevant: Vec<&mut Identity<'_>> =
            identities.iter_mut().filter(|identity| identity.standing == standing).collect();
        for identity in &mut relevant {
            identity.alignment = if identity.domain == self.author {
                Alignment::Strict
            } else if identity.mode == Mode::Strict || !share_an_ancestor(identity.domain, self.author) {
                Alignment::Unaligned
            } else {
                Alignment::NotNeeded
            };
        }
        let settles = |identity: &&mut Identity<'_>| identity.alignment.is_aligned();
        let settled = relevant.iter().any(settles);
        relevant.retain(|identity| identity.alignment == Alignment::NotNeeded);
        if relevant.is_empty() {
            return Ok(());
        }
        // Once one is aligned, the others are told only as far as what was asked already tells them.
        if settled && self.author_walk.is_none() && !matches!(walk::walk(self.author, self.answers), Walked::Done(_)) {
            return Ok(());
        }
        let organizational = match self.walk_author()? {
            Ok(walk) => walk.organizational.clone(),
            Err(why) => {
                let why = *why;
                relevant.iter_mut().for_each(|identity| identity.alignment = Alignment::Unknown(why));
                return Ok(());
            }
        };
        let mut walked: Vec<&Name> = Vec::new();
        for identity in &mut relevant {
            if !identity.domain.is_within(&organizational) {
                identity.alignment = Alignment::Unaligned;
                continue;
            }
            if identity.signature.is_some() && !walked.contains(&identity.domain) {
                if walked.len() == MAX_WALKED {
                    continue;
                }
                walked.push(identity.domain);
            }
            match self.walked(identity.domain) {
                Err(questions) => identity.missing = questions,
                Ok(Err(why)) => identity.alignment = Alignment::Unknown(why),
                Ok(Ok(walk)) if walk.organizational == organizational => identity.alignment = Alignment::Relaxed,
                Ok(Ok(_)) => identity.alignment = Alignment::Unaligned,
            }
        }
        if settled || relevant.iter().any(settles) {
            return Ok(());
        }
        let missing: Vec<Question> = relevant.iter_mut().flat_map(|identity| std::mem::take(&mut identity.missing)).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// RFC 9989 §4.10.1 and §4.7 (`t`): which of its policies the record has for the author domain.
    fn apply(&mut self, record: &PolicyRecord) -> Needed<()> {
        let itself = self.outcome.found.as_ref().is_some_and(|found| found.at == *self.author);
        let relation = if itself {
            Relation::Itself
        } else if self.outcome.result != DmarcResult::Fail
            || record.policy_for(Relation::Below) == record.policy_for(Relation::BelowNonexistent)
        {
            Relation::Below
        } else {
            match self.author_exists()? {
                Ok(true) => Relation::Below,
                Ok(false) => Relation::BelowNonexistent,
                // §5.3.6: an answer that is not known leaves neither a failure nor a policy.
                Err(why) => {
                    (self.outcome.result, self.outcome.reason) = (DmarcResult::TempError, Reason::AnswerUnknown(why));
                    return Ok(());
                }
            }
        };
        if self.outcome.result != DmarcResult::TempError {
            let published = record.policy_for(relation);
            self.outcome.published = Some(published);
            self.outcome.policy = Some(if record.testing { published.milder() } else { published });
        }
        Ok(())
    }

    /// RFC 9989 §3.2.13: a domain does not exist when a question for its name, of whatever type, is answered with NXDOMAIN.
    fn author_exists(&mut self) -> Needed<Result<bool, Unknown>> {
        let question = Question::new(self.author.clone(), RecordKind::A);
        let exists = match self.answers.records(&question) {
            None => return Err(vec![question]),
            Some(Answer::Unknown(why)) => Err(*why),
            Some(Answer::Absent(Absence::Name)) => Ok(false),
            Some(Answer::Absent(Absence::Records) | Answer::Found(_)) => Ok(true),
        };
        self.outcome.steps.push(Step::Exists(self.author.clone(), exists.ok()));
        Ok(exists)
    }

    /// Remembers what was looked at, once.
    fn step(&mut self, looked: &Looked) {
        let known = self.outcome.steps.iter().any(|step| matches!(step, Step::Looked(known) if known.at == looked.at));
        if !known {
            self.outcome.steps.push(Step::Looked(looked.clone()));
        }
    }
}

fn identities<'s>(subject: &'s Subject, record: &PolicyRecord) -> Vec<Identity<'s>> {
    let identity = |domain, standing: Standing, mode, signature| Identity {
        domain,
        standing,
        mode,
        signature,
        alignment: standing.begun(),
        missing: Vec::new(),
    };
    let spf = subject.spf.iter().map(|(domain, result)| identity(domain, Standing::of_spf(*result), record.spf, None));
    let dkim = subject.dkim.iter().enumerate();
    let dkim = dkim.map(|(place, (domain, result))| identity(domain, Standing::of_dkim(*result), record.dkim, Some(place)));
    spf.chain(dkim).collect()
}

/// Whether two names end in the same label: an organizational domain is a part of both, and never the root.
fn share_an_ancestor(one: &Name, other: &Name) -> bool {
    !one.is_root() && one.as_str().rsplit('.').next() == other.as_str().rsplit('.').next()
}

#[cfg(test)]
mod tests;
