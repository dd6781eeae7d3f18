//! Who sent a message: SPF, DKIM, ARC and DMARC of it as one check, and what they come to as evidence.
//!
//! What follows from the message alone is worked out once; then come rounds of questions, those of all four checks at the same time.
//! A result that is not known now ("temperror") is no result here, but evidence that stays unknown, with the reason.

use std::net::IpAddr;

use xd_auth::content::{Content, with_crlf};
use xd_auth::dkim::{BodyHashes, Signatures};
use xd_auth::dmarc::{AuthorFault, Subject};
use xd_auth::{Answers, Name, Progress, Wanted};
use xd_auth::{arc, dkim, dmarc, spf};

use super::{ArcResult, DkimResult, DkimSignature, Dmarc, DmarcPolicy, DmarcResult, Evidence, SpfResult};
use crate::{Defect, Defects, Domain, Envelope, Known, Mailbox, Message, ReversePath, Unknown};

/// The checks of who sent a message.
///
/// # Example: what is asked of a message without signatures?
/// ```
/// use xd_auth::{Answers, Progress};
/// use xd_core::evidence::Senders;
/// use xd_core::{Envelope, Evidence, Limits, Message};
///
/// let message = Message::parse(b"From: ann@example.com\r\n\r\nHello\r\n", &Limits::default());
/// let senders = Senders::of(&Envelope::default(), &message, &Evidence::default());
/// // Nobody knows the client, so that only the policy of the author's domain is asked for.
/// let Progress::Wants(wanted) = senders.progress(&Answers::default()) else { panic!() };
/// assert_eq!(wanted.len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Senders {
    client: Option<Client>,
    signatures: Option<Signatures>,
    chain: Option<arc::Chain>,
    author: Result<Name, AuthorFault>,
    now: u64,
}

/// One of the checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SenderCheck {
    Arc,
    Dkim,
    Dmarc,
    Spf,
}

/// What SPF is asked about.
#[derive(Clone, Debug)]
struct Client {
    address: IpAddr,
    ehlo: String,
    reverse_path: Option<String>,
}

/// What the checks came to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SenderResults {
    /// SPF; none when client or reverse-path are not known.
    pub spf: Option<spf::Outcome>,
    /// The signatures; none when there are none.
    pub dkim: Option<dkim::Outcome>,
    /// The chain of those who passed the message on; none when there is none.
    pub arc: Option<arc::Outcome>,
    /// DMARC; none while it is not known what it comes to.
    pub dmarc: Option<dmarc::Outcome>,
}

impl Senders {
    /// Prepares the checks. The time in the evidence is that at which signatures must be valid; without it, the time of the message's
    /// own Date counts, since a message read from a file was received about then.
    #[must_use]
    pub fn of(envelope: &Envelope, message: &Message<'_>, evidence: &Evidence) -> Self {
        let now = evidence.now.found().copied().or_else(|| message.date()).map_or(0, |now| now.unix().try_into().unwrap_or(0));
        let is_there = |name: &str| message.header().first(name).is_some();
        let (signed, sealed) = (is_there("dkim-signature"), is_there("arc-seal"));
        let (mut signatures, mut chain) = (None, None);
        if signed || sealed {
            let octets = with_crlf(message.raw());
            let content = Content::split(&octets);
            let mut hashes = BodyHashes::of(&content);
            signatures = signed.then(|| Signatures::prepare(&content, &mut hashes));
            chain = sealed.then(|| arc::Chain::prepare(&content, &mut hashes));
        }
        let fields = from_fields(message.defects());
        Self { client: Client::of(envelope), signatures, chain, author: author(fields, message.from()), now }
    }

    /// What the checks come to with these answers, or what they need to know: all of it at once, as far as it can be told yet.
    #[must_use]
    pub fn progress(&self, answers: &Answers) -> Progress<SenderResults> {
        let spf = self.client.as_ref().map(|client| client.check(self.now, answers));
        let dkim = self.signatures.as_ref().map(|signatures| signatures.verify(answers, self.now));
        let arc = self.chain.as_ref().map(|chain| chain.verify(answers, self.now));
        // First what the sender cannot delay or drown: the policy of the author's domain, whom he may have forged. It is needed whatever
        // the others say.
        let nothing_yet = Subject { author: self.author.clone(), spf: None, dkim: Vec::new() };
        let mut wanted = match dmarc::check(&nothing_yet, answers) {
            Progress::Done(_) => Vec::new(),
            Progress::Wants(policy) => policy,
        };
        let (spf, dkim, arc) = (done(spf, &mut wanted), done(dkim, &mut wanted), done(arc, &mut wanted));
        let (Some(spf), Some(dkim), Some(arc)) = (spf, dkim, arc) else { return Progress::Wants(wanted) };
        match dmarc::check(&self.subject(spf.as_ref(), dkim.as_ref()), answers) {
            Progress::Done(dmarc) => Progress::Done(SenderResults { spf, dkim, arc, dmarc: Some(dmarc) }),
            Progress::Wants(wanted) => Progress::Wants(wanted),
        }
    }

    /// What the checks came to as far as these answers tell; others are none, as those of which nothing is there.
    #[must_use]
    pub fn results(&self, answers: &Answers) -> SenderResults {
        let spf = self.client.as_ref().and_then(|client| decided(client.check(self.now, answers)).ok());
        let dkim = self.signatures.as_ref().and_then(|signatures| decided(signatures.verify(answers, self.now)).ok());
        let arc = self.chain.as_ref().and_then(|chain| decided(chain.verify(answers, self.now)).ok());
        SenderResults { spf, dkim, arc, dmarc: self.dmarc(answers).ok() }
    }

    /// What one of the checks needs to know next, and no more than that: of DMARC first whether there is a policy, without which the rest
    /// does not matter; then SPF, which often costs one question; then the signatures, unless SPF already proves the author's domain.
    pub(super) fn wanted_for(&self, check: SenderCheck, answers: &Answers) -> Vec<Wanted> {
        match check {
            SenderCheck::Arc => wants(self.chain.as_ref().map(|chain| chain.verify(answers, self.now))),
            SenderCheck::Dkim => wants(self.signatures.as_ref().map(|signatures| signatures.verify(answers, self.now))),
            SenderCheck::Dmarc => self.dmarc(answers).err().unwrap_or_default(),
            SenderCheck::Spf => wants(self.client.as_ref().map(|client| client.check(self.now, answers))),
        }
    }

    fn dmarc(&self, answers: &Answers) -> Result<dmarc::Outcome, Vec<Wanted>> {
        let spf = self.client.as_ref().map(|client| decided(client.check(self.now, answers))).transpose();
        let dkim = self.signatures.as_ref().map(|signatures| decided(signatures.verify(answers, self.now))).transpose();
        let dkim = dkim.map(|dkim| self.subject(None, dkim.as_ref()).dkim);
        dmarc_as_far(&self.author, spf.map(|spf| spf.as_ref().and_then(for_dmarc)), dkim, answers)
    }

    /// Fills in what these answers settle; the rest stays as it is.
    pub fn fill(&self, answers: &Answers, evidence: &mut Evidence) {
        if let Some(Progress::Done(outcome)) = self.client.as_ref().map(|client| client.check(self.now, answers)) {
            evidence.spf = spf_evidence(&outcome);
        }
        match self.signatures.as_ref().map(|signatures| signatures.verify(answers, self.now)) {
            None => evidence.dkim = Known::Absent,
            Some(Progress::Done(outcome)) => evidence.dkim = dkim_evidence(&outcome),
            Some(Progress::Wants(_)) => {}
        }
        match self.chain.as_ref().map(|chain| chain.verify(answers, self.now)) {
            None => evidence.arc = Known::Absent,
            Some(Progress::Done(outcome)) => evidence.arc = arc_evidence(&outcome),
            Some(Progress::Wants(_)) => {}
        }
        if let Ok(outcome) = self.dmarc(answers) {
            evidence.dmarc = dmarc_evidence(&outcome);
        }
    }

    fn subject(&self, spf: Option<&spf::Outcome>, dkim: Option<&dkim::Outcome>) -> Subject {
        let signatures = dkim.map_or(&[][..], |dkim| &dkim.signatures);
        let named = |signature: &dkim::SignatureOutcome| Some((signature.domain.clone()?, signature_result(signature)));
        Subject { author: self.author.clone(), spf: spf.and_then(for_dmarc), dkim: signatures.iter().filter_map(named).collect() }
    }
}

impl Client {
    fn of(envelope: &Envelope) -> Option<Self> {
        let reverse_path = match envelope.reverse_path.found()? {
            ReversePath::Null => None,
            ReversePath::Mailbox(mailbox) => Some(in_ascii(mailbox)),
        };
        let ehlo = envelope.ehlo.found().map(ToString::to_string).unwrap_or_default();
        Some(Self { address: *envelope.client_address.found()?, ehlo, reverse_path })
    }

    fn check(&self, now: u64, answers: &Answers) -> Progress<spf::Outcome> {
        let sender = spf::Sender {
            client: self.address,
            ehlo: &self.ehlo,
            reverse_path: self.reverse_path.as_deref(),
            // Only explanations have it, and nobody shows them.
            receiver: "unknown",
            now,
        };
        spf::check(&sender, &spf::Options { explain: false, ..spf::Options::default() }, answers)
    }
}

/// SPF and DMARC as they follow from the answers in the evidence, for the record of a message with so many From fields and these
/// addresses in them. None of what would want more answers.
pub(crate) fn derived_again(
    envelope: &Envelope,
    (fields, from): (usize, &[Mailbox]),
    evidence: &Evidence,
) -> (Option<Known<SpfResult>>, Option<Known<Dmarc>>) {
    let spf = Client::of(envelope).map(|client| decided(client.check(0, &evidence.answers))).transpose();
    let signature = |signature: &DkimSignature| {
        let result = if signature.result == DkimResult::Pass { xd_auth::DkimResult::Pass } else { xd_auth::DkimResult::Fail };
        Some((Name::parse(signature.domain.as_str()).ok()?, result))
    };
    let dkim = match &evidence.dkim {
        Known::Unknown(_) => Err(Vec::new()),
        known => Ok(known.found().into_iter().flatten().filter_map(signature).collect()),
    };
    let spf_evidence = spf.as_ref().ok().and_then(Option::as_ref).map(spf_evidence);
    let spf = spf.map(|spf| spf.as_ref().and_then(for_dmarc));
    let dmarc = dmarc_as_far(&author(fields, from), spf, dkim, &evidence.answers);
    (spf_evidence, dmarc.ok().map(|outcome| dmarc_evidence(&outcome)))
}

/// What DMARC comes to as soon as nothing else can come of it, or what it needs next. Whether there is a policy depends on the author
/// alone; and once one domain is aligned and passes, no other matters.
fn dmarc_as_far(
    author: &Result<Name, AuthorFault>,
    spf: Result<Option<(Name, spf::SpfResult)>, Vec<Wanted>>,
    dkim: Result<Vec<(Name, xd_auth::DkimResult)>, Vec<Wanted>>,
    answers: &Answers,
) -> Result<dmarc::Outcome, Vec<Wanted>> {
    let check = |spf, dkim| decided(dmarc::check(&Subject { author: author.clone(), spf, dkim }, answers));
    let needed = match (spf, dkim) {
        (Ok(spf), Ok(dkim)) => return check(spf, dkim),
        (spf, dkim) => (spf, dkim.err().unwrap_or_default()),
    };
    let policy = check(None, Vec::new())?;
    // A record that can be met was found; one that was not found, or is unusable, ends it.
    if policy.found.is_none() || policy.result == dmarc::DmarcResult::None {
        return Ok(policy);
    }
    let by_spf = check(needed.0?, Vec::new())?;
    if by_spf.result == dmarc::DmarcResult::Pass { Ok(by_spf) } else { Err(needed.1) }
}

/// An address with its domain as A-labels, which SPF asks for.
fn in_ascii(mailbox: &Mailbox) -> String {
    match (&mailbox.domain, mailbox.address.rsplit_once('@')) {
        (Some(domain), Some((local, _))) => format!("{local}@{domain}"),
        _ => mailbox.address.clone(),
    }
}

/// How many From fields there are, as far as it matters. Of one that was not read to its end nobody knows whom it names.
pub(crate) fn from_fields(defects: Defects) -> usize {
    let is_cut = [Defect::DuplicateFrom, Defect::AddressLimit, Defect::FieldBytesLimit, Defect::FieldLimit];
    if is_cut.into_iter().any(|defect| defects.contains(defect)) { 2 } else { usize::from(!defects.contains(Defect::NoFrom)) }
}

/// The one author domain of a message with so many From fields.
fn author(fields: usize, from: &[Mailbox]) -> Result<Name, AuthorFault> {
    let addresses: Vec<String> = from.iter().map(in_ascii).collect();
    dmarc::author_domain(fields, addresses.iter().map(String::as_str))
}

fn decided<T>(progress: Progress<T>) -> Result<T, Vec<Wanted>> {
    match progress {
        Progress::Done(outcome) => Ok(outcome),
        Progress::Wants(wanted) => Err(wanted),
    }
}

fn wants<T>(progress: Option<Progress<T>>) -> Vec<Wanted> {
    progress.and_then(|progress| decided(progress).err()).unwrap_or_default()
}

/// What is done, or has nothing to do; none when it wants something, which is added.
fn done<T>(progress: Option<Progress<T>>, wanted: &mut Vec<Wanted>) -> Option<Option<T>> {
    match progress {
        None => Some(None),
        Some(Progress::Done(outcome)) => Some(Some(outcome)),
        Some(Progress::Wants(more)) => {
            add(more, wanted);
            None
        }
    }
}

fn add(more: Vec<Wanted>, wanted: &mut Vec<Wanted>) {
    for one in more {
        if !wanted.contains(&one) {
            wanted.push(one);
        }
    }
}

/// What DMARC goes by.
fn for_dmarc(outcome: &spf::Outcome) -> Option<(Name, spf::SpfResult)> {
    let result = if unsure(outcome).is_some() { spf::SpfResult::TempError } else { outcome.result };
    Some((outcome.domain.clone()?, result))
}

/// Why a result is nothing to hold against anyone: names of the client that nobody could tell may have made it pass. One that passed
/// without them stays, as the standard has it; only a domain that refuses clients by name could have meant otherwise.
fn unsure(outcome: &spf::Outcome) -> Option<Unknown> {
    outcome.unsure.filter(|_| outcome.result != spf::SpfResult::Pass)
}

fn spf_evidence(outcome: &spf::Outcome) -> Known<SpfResult> {
    if let Some(why) = unsure(outcome) {
        return Known::Unknown(why);
    }
    Known::Found(match outcome.result {
        spf::SpfResult::None => SpfResult::None,
        spf::SpfResult::Neutral => SpfResult::Neutral,
        spf::SpfResult::Pass => SpfResult::Pass,
        spf::SpfResult::Fail => SpfResult::Fail,
        spf::SpfResult::SoftFail => SpfResult::SoftFail,
        spf::SpfResult::PermError => SpfResult::PermError,
        spf::SpfResult::TempError => {
            return Known::Unknown(match outcome.reason {
                spf::Reason::Unknown { why, .. } => why,
                _ => Unknown::ServerFailure,
            });
        }
    })
}

/// What a signature is worth. One that leaves the end of the body open (`l=`) holds for any text that is put there, and so vouches for
/// nothing that people read (RFC 6376 §8.2).
pub(super) fn signature_result(signature: &dkim::SignatureOutcome) -> xd_auth::DkimResult {
    let is_open = signature.risks.iter().any(|risk| matches!(risk, dkim::Risk::BodyEnd { .. }));
    match signature.result() {
        xd_auth::DkimResult::Pass if is_open => xd_auth::DkimResult::Policy,
        result => result,
    }
}

/// The signatures that could be verified. While one of them may still be anything, nothing is told of any: a rule may ask for those that
/// are not there.
fn dkim_evidence(outcome: &dkim::Outcome) -> Known<Vec<DkimSignature>> {
    let mut found = Vec::with_capacity(outcome.signatures.len());
    for signature in &outcome.signatures {
        let result = match signature_result(signature) {
            // RFC 6376 §3.6.1: one whose owner is only trying is as if it were not there.
            xd_auth::DkimResult::Fail if signature.testing => DkimResult::Neutral,
            xd_auth::DkimResult::Fail => DkimResult::Fail,
            xd_auth::DkimResult::Neutral | xd_auth::DkimResult::None => DkimResult::Neutral,
            xd_auth::DkimResult::Pass => DkimResult::Pass,
            xd_auth::DkimResult::PermError => DkimResult::PermError,
            xd_auth::DkimResult::Policy => DkimResult::Policy,
            xd_auth::DkimResult::TempError => {
                return Known::Unknown(match signature.reason {
                    dkim::Reason::KeyUnknown(why) | dkim::Reason::Unverified(why) => why,
                    _ => Unknown::ServerFailure,
                });
            }
        };
        // Without a domain it is nobody's signature.
        if let Some(domain) = signature.domain.as_ref().and_then(|domain| Domain::parse(domain.as_str()).ok()) {
            found.push(DkimSignature { result, domain });
        }
    }
    if found.is_empty() { Known::Absent } else { Known::Found(found) }
}

fn arc_evidence(outcome: &arc::Outcome) -> Known<ArcResult> {
    match outcome.result() {
        arc::ArcResult::Fail => Known::Found(ArcResult::Fail),
        arc::ArcResult::None => Known::Absent,
        arc::ArcResult::Pass => Known::Found(ArcResult::Pass),
        arc::ArcResult::TempError => Known::Unknown(Unknown::ServerFailure),
    }
}

fn dmarc_evidence(outcome: &dmarc::Outcome) -> Known<Dmarc> {
    let policy = match outcome.policy {
        Some(dmarc::Policy::Reject) => DmarcPolicy::Reject,
        Some(dmarc::Policy::Quarantine) => DmarcPolicy::Quarantine,
        Some(dmarc::Policy::None) | None => DmarcPolicy::None,
    };
    let result = match outcome.result {
        dmarc::DmarcResult::None => return Known::Absent,
        dmarc::DmarcResult::TempError => {
            return Known::Unknown(match outcome.reason {
                dmarc::Reason::AnswerUnknown(why) => why,
                _ => Unknown::ServerFailure,
            });
        }
        dmarc::DmarcResult::Pass => DmarcResult::Pass,
        // What is wished for depends on what is not known.
        dmarc::DmarcResult::Fail if outcome.policy.is_none() => return Known::Unknown(Unknown::ServerFailure),
        dmarc::DmarcResult::Fail => DmarcResult::Fail,
        dmarc::DmarcResult::PermError => DmarcResult::PermError,
    };
    Known::Found(Dmarc { result, policy })
}
