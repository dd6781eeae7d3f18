//! One signature, prepared once: all that follows from the message alone is computed, so that each round only looks at answers.

use super::Reason;
use super::body_hash::{BodyHashes, Request};
use super::field::{Described, Form, SignatureField};
use super::key::{Key, SignatureFacts};
use super::outcome::{NoKey, Risk, SignatureOutcome, Step};
use super::select::HeaderIndex;
use super::tags::Tags;
use crate::content::Field;
use crate::{Answer, Answers, Name, Question, RecordKind, Verification, Wanted};

/// Octets of canonical header fields that one signature covers: more than mail servers take as a header. Many signatures may cover all of it.
pub const MAX_SIGNED_HEADER: usize = 128 << 10;

/// Seconds that clocks may differ: of signatures from the future and of those that just expired.
pub const CLOCK_DRIFT: u64 = 300;

/// A signature whose field is read, and whose hashes are not computed yet.
#[derive(Debug)]
pub(crate) struct Read<'a> {
    field: Field<'a>,
    described: Described,
    parsed: Result<(SignatureField<'a>, Tags<'a>), Reason>,
}

/// A signature that waits for answers, or needs none.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    described: Described,
    risks: Vec<Risk>,
    body: Option<Step>,
    ready: Result<Ready, Reason>,
}

#[derive(Clone, Debug)]
struct Ready {
    question: Question,
    facts: SignatureFacts,
    signed: Box<[u8]>,
    signature: Box<[u8]>,
}

impl<'a> Read<'a> {
    pub(crate) fn new(field: Field<'a>, form: Form) -> Self {
        match Tags::parse(field.value()) {
            Ok(tags) => {
                let parsed = SignatureField::read(&tags, form).map(|signature| (signature, tags.clone()));
                Self { field, described: Described::read(&tags, form), parsed }
            }
            Err(reason) => Self { field, described: Described::default(), parsed: Err(reason) },
        }
    }

    /// Which hash of the body it needs.
    pub(crate) fn request(&self) -> Option<Request> {
        let (field, _) = self.parsed.as_ref().ok()?;
        field.message.as_ref().map(|message| (message.body, message.limit))
    }

    /// Computes what the message tells. The hash that it needs is in `hashes`.
    pub(crate) fn prepare(self, index: &HeaderIndex<'_, 'a>, whole: bool, hashes: &BodyHashes<'_>) -> Prepared {
        let mut prepared =
            Prepared { described: self.described, risks: Vec::new(), body: None, ready: Err(Reason::HeaderTooLarge) };
        let (signature, tags) = match self.parsed {
            Ok(parsed) if whole => parsed,
            Ok(_) => return prepared,
            Err(reason) => {
                prepared.ready = Err(reason);
                return prepared;
            }
        };
        prepared.ready = prepared.over_message(&signature, index, hashes).and_then(|mut signed| {
            let header = signature.message.as_ref().map_or(super::Canonicalization::Relaxed, |message| message.header);
            append_itself(self.field, &tags, header, &mut signed);
            Ready::new(&signature, signed)
        });
        prepared
    }

    /// As [`Read::prepare`], of what is signed besides the field itself.
    pub(crate) fn prepare_seal(self, mut signed: Vec<u8>) -> Prepared {
        let ready = self.parsed.and_then(|(signature, tags)| {
            append_itself(self.field, &tags, super::Canonicalization::Relaxed, &mut signed);
            if signed.len() > MAX_SIGNED_HEADER { Err(Reason::HeaderTooLarge) } else { Ready::new(&signature, signed) }
        });
        Prepared { described: self.described, risks: Vec::new(), body: None, ready }
    }
}

impl Prepared {
    /// Who signed, as far as the field says so.
    pub(crate) fn domain(&self) -> Option<&Name> {
        self.described.domain.as_ref()
    }

    /// What came of it; none when something is still to be known, which is then among what is wanted.
    pub(crate) fn outcome(&self, answers: &Answers, now: u64, wanted: &mut Vec<Wanted>) -> Option<SignatureOutcome> {
        let mut outcome = SignatureOutcome {
            reason: Reason::Verified,
            domain: self.described.domain.clone(),
            selector: self.described.selector.clone(),
            identity: self.described.identity.clone(),
            algorithm: self.described.algorithm,
            start: self.described.start.clone(),
            made: self.described.made,
            expires: self.described.expires,
            key_bits: None,
            testing: false,
            risks: self.risks.clone(),
            steps: self.body.clone().into_iter().collect(),
        };
        outcome.reason = self.reason(answers, now, &mut outcome, wanted)?;
        Some(outcome)
    }

    fn reason(&self, answers: &Answers, now: u64, outcome: &mut SignatureOutcome, wanted: &mut Vec<Wanted>) -> Option<Reason> {
        let ready = match &self.ready {
            Ok(ready) => ready,
            Err(reason) => return Some(*reason),
        };
        if self.described.expires.is_some_and(|expires| expires.saturating_add(CLOCK_DRIFT) < now) {
            return Some(Reason::Expired);
        }
        if self.described.made.is_some_and(|made| made > now.saturating_add(CLOCK_DRIFT)) {
            return Some(Reason::NotYet);
        }
        let Some(answer) = answers.records(&ready.question) else {
            want(Wanted::Records(ready.question.clone()), wanted);
            return None;
        };
        let (records, reason) = match answer {
            Answer::Found(records) => (Ok(records.len()), None),
            Answer::Absent(absence) => (Err(NoKey::Absent(*absence)), Some(Reason::KeyAbsent(*absence))),
            Answer::Unknown(why) => (Err(NoKey::Unknown(*why)), Some(Reason::KeyUnknown(*why))),
        };
        outcome.steps.push(Step::Key { name: ready.question.name.clone(), records });
        let records = match (answer, reason) {
            (Answer::Found(records), _) => records,
            (_, reason) => return reason,
        };
        let key = match Key::among(records, &ready.facts) {
            Ok(key) => key,
            Err(reason) => {
                if let Reason::KeyShort(bits) | Reason::KeyLong(bits) = reason {
                    outcome.key_bits = Some(bits);
                }
                return Some(reason);
            }
        };
        (outcome.key_bits, outcome.testing) = (Some(key.bits), key.testing);
        let verification = Verification {
            algorithm: ready.facts.algorithm,
            key: key.octets,
            signed: ready.signed.clone(),
            signature: ready.signature.clone(),
        };
        let Some(holds) = answers.verified(&verification) else {
            want(Wanted::Verified(Box::new(verification)), wanted);
            return None;
        };
        outcome.steps.push(Step::Header { holds });
        Some(match holds {
            Ok(true) => Reason::Verified,
            Ok(false) => Reason::HeaderChanged,
            Err(why) => Reason::Unverified(why),
        })
    }

    /// Compares the hash of the body and collects the signed fields and the risks. A body that was changed settles it: no key could help.
    fn over_message(
        &mut self,
        signature: &SignatureField<'_>,
        index: &HeaderIndex<'_, '_>,
        hashes: &BodyHashes<'_>,
    ) -> Result<Vec<u8>, Reason> {
        let Some(message) = &signature.message else { return Ok(Vec::new()) };
        if let Some(body) = hashes.get((message.body, message.limit)) {
            let matches = body.hash == message.body_hash;
            self.body = Some(Step::Body { octets: body.hashed, matches });
            if message.limit.is_some_and(|limit| limit > body.total) {
                return Err(Reason::BodyShorter);
            }
            if !matches {
                return Err(Reason::BodyChanged);
            }
            if body.hashed < body.total {
                self.risks.push(Risk::BodyEnd { octets: body.total - body.hashed });
            }
        }
        self.risks.extend(WATCHED.iter().filter_map(|name| {
            let named = message.names.iter().filter(|signed| signed.eq_ignore_ascii_case(name.as_bytes())).count();
            let present = index.count(name.as_bytes());
            let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            (present > named).then(|| Risk::Field { name, present: count(present), signed: count(named) })
        }));
        let mut signed = Vec::with_capacity(4_096);
        if index.append(&message.names, message.header, &mut signed, MAX_SIGNED_HEADER) {
            Ok(signed)
        } else {
            Err(Reason::HeaderTooLarge)
        }
    }
}

impl Ready {
    fn new(signature: &SignatureField<'_>, signed: Vec<u8>) -> Result<Self, Reason> {
        let name = format!("{}._domainkey.{}", signature.selector, signature.domain);
        // Selector and domain are names; together they may be too long for one.
        let name = Name::parse(&name).map_err(|_| Reason::BadTag("s"))?;
        Ok(Self {
            question: Question::new(name, RecordKind::Txt),
            facts: signature.into(),
            signed: signed.into_boxed_slice(),
            signature: signature.signature.clone().into_boxed_slice(),
        })
    }
}

/// Fields that people see, or that say how the rest is read.
const WATCHED: [&str; 10] = [
    "From",
    "Subject",
    "Date",
    "To",
    "Cc",
    "Reply-To",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// The signing field is signed too, last and without its CRLF, as if b= were empty (RFC 6376 §3.7).
fn append_itself(field: Field<'_>, tags: &Tags<'_>, how: super::Canonicalization, signed: &mut Vec<u8>) {
    let raw = field.raw();
    // Positions of tags count from the value.
    let value = raw.len() - field.value().len();
    let span = tags.span("b").unwrap_or(0..0);
    let without = [&raw[..value + span.start], &raw[value + span.end..]].concat();
    if let Some(field) = Field::parse(&without) {
        how.field(&field, signed);
    }
}

fn want(one: Wanted, wanted: &mut Vec<Wanted>) {
    if !wanted.contains(&one) {
        wanted.push(one);
    }
}
