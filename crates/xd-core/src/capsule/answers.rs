//! The answers of DNS that SPF and DMARC follow from, in bytes and in a replay.
//!
//! A key of DKIM is not among them: whether a signature holds can be derived only where the message is kept, so that it is a fact here.

use xd_auth::{Absence, Answer, Answers, Name, Question, Record, RecordKind};

use super::Capsule;
use super::wire::{DecodeError, Reader, Wire, Writer, reason, reason_number};
use crate::evidence::{derived_again, from_fields};
use crate::{Envelope, Evidence, Known, Mailbox, Message};

type Read<T> = Result<T, DecodeError>;

/// Kinds of records by number; new ones go to the end.
const KINDS: [RecordKind; 5] = [RecordKind::A, RecordKind::Aaaa, RecordKind::Mx, RecordKind::Ptr, RecordKind::Txt];

/// An answer is 0 for a name that does not exist; a reason that it is not known; or one of these.
const FOUND: u8 = 6;
const NO_RECORDS: u8 = 8;

/// The answers from which what SPF and DMARC said follows, for the record: without keys, and without those that only lists asked for, where
/// it follows without them. None when they are too long, or it does not follow from answers at all; then it is a fact.
#[must_use]
pub(crate) fn worth_keeping(
    envelope: &Envelope,
    message: &Message<'_>,
    evidence: Evidence,
    answers: &Answers,
    is_asked_elsewhere: impl Fn(&Question) -> bool,
) -> Evidence {
    let is_key = |question: &Question| question.name.as_str().contains("._domainkey.");
    let few = kept(answers, |question| !is_key(question) && !is_asked_elsewhere(question));
    let follow = |evidence: &Evidence| senders_follow(envelope, from_fields(message.defects()), message.from(), evidence);
    let mut evidence = Evidence { answers: few, ..evidence };
    if !follow(&evidence) {
        evidence.answers = kept(answers, |_| true);
        if !follow(&evidence) {
            evidence.answers = Answers::default();
        }
    }
    evidence
}

fn kept(answers: &Answers, is_wanted: impl Fn(&Question) -> bool) -> Answers {
    const BYTES_MAX: usize = 64 << 10;
    let (mut kept, mut out) = (Answers::default(), Writer::default());
    for (question, answer) in answers.all_records().filter(|(question, _)| KINDS.contains(&question.kind) && is_wanted(question))
    {
        write_answer(question, answer, &mut out);
        if out.bytes.len() > BYTES_MAX {
            return Answers::default();
        }
        kept.put(question.clone(), answer.clone());
    }
    kept
}

/// Whether SPF and DMARC follow from the answers in the evidence; `true` where there are none.
fn senders_follow(envelope: &Envelope, fields: usize, from: &[Mailbox], evidence: &Evidence) -> bool {
    if evidence.answers.is_empty() {
        return true;
    }
    let (spf, dmarc) = derived_again(envelope, (fields, from), evidence);
    let follows = |is_known: bool, is_same: Option<bool>| is_same.unwrap_or(!is_known);
    follows(!evidence.spf.is_unknown(), spf.map(|spf| spf == evidence.spf))
        // Which of several signatures could not be verified is not recorded, and DMARC may depend on it.
        && (evidence.dkim.is_unknown()
            || follows(!evidence.dmarc.is_unknown(), dmarc.map(|dmarc| dmarc == evidence.dmarc)))
}

impl Capsule {
    /// Whether SPF and DMARC follow from the answers that were recorded; `true` where there are none.
    #[must_use]
    pub(super) fn senders_follow(&self) -> bool {
        senders_follow(&self.envelope, from_fields(self.defects), &self.identities.from, &self.evidence)
    }
}

pub(super) fn write_answers(answers: &Answers, out: &mut Writer) {
    out.count(answers.all_records().count());
    for (question, answer) in answers.all_records() {
        write_answer(question, answer, out);
    }
}

pub(super) fn read_answers(from: &mut Reader<'_>) -> Read<Answers> {
    let mut answers = Answers::default();
    let mut last: Option<Question> = None;
    for _ in 0..from.count()? {
        let at = from.at();
        let (question, answer) = read_answer(from)?;
        if last.as_ref().is_some_and(|last| *last >= question) {
            return Reader::wrong(at, "answers are not in order");
        }
        answers.put(question.clone(), answer);
        last = Some(question);
    }
    if last.is_none() { Reader::wrong(from.at(), "there are no answers") } else { Ok(answers) }
}

fn write_answer(question: &Question, answer: &Answer<Record>, out: &mut Writer) {
    out.text(question.name.as_str());
    out.byte(KINDS.iter().position(|kind| *kind == question.kind).unwrap_or(KINDS.len()) as u8);
    match answer {
        Answer::Absent(Absence::Name) => out.byte(0),
        Answer::Absent(Absence::Records) => out.byte(NO_RECORDS),
        Answer::Unknown(why) => out.byte(reason_number(*why)),
        Answer::Found(records) => {
            out.byte(FOUND);
            out.count(records.len());
            records.iter().for_each(|record| write_record(record, out));
        }
    }
}

fn read_answer(from: &mut Reader<'_>) -> Read<(Question, Answer<Record>)> {
    let name = read_name(from)?;
    let at = from.at();
    let Some(&kind) = KINDS.get(usize::from(from.byte()?)) else { return Reader::wrong(at, "there is no such kind of records") };
    let at = from.at();
    let answer = match from.byte()? {
        0 => Answer::Absent(Absence::Name),
        NO_RECORDS => Answer::Absent(Absence::Records),
        FOUND => {
            let records = (0..from.count()?).map(|_| read_record(kind, from)).collect::<Read<Vec<Record>>>()?;
            if records.is_empty() {
                return Reader::wrong(at, "what was found is missing");
            }
            Answer::Found(records)
        }
        number => match reason(u64::from(number)) {
            Some(why) => Answer::Unknown(why),
            None => return Reader::wrong(at, "there is no such answer"),
        },
    };
    Ok((Question::new(name, kind), answer))
}

fn write_record(record: &Record, out: &mut Writer) {
    match record {
        Record::A(address) => out.bytes.extend_from_slice(&address.octets()),
        Record::Aaaa(address) => out.bytes.extend_from_slice(&address.octets()),
        Record::Mx { preference, host } => {
            out.number(u64::from(*preference));
            out.text(host.as_str());
        }
        Record::Ptr(name) => out.text(name.as_str()),
        Record::Txt(text) => out.bytes(text),
        // None is kept.
        Record::Tlsa { .. } => {}
    }
}

fn read_record(kind: RecordKind, from: &mut Reader<'_>) -> Read<Record> {
    Ok(match kind {
        RecordKind::A => Record::A(from.array::<4>()?.into()),
        RecordKind::Aaaa => Record::Aaaa(from.array::<16>()?.into()),
        RecordKind::Mx => {
            let at = from.at();
            let Ok(preference) = u16::try_from(from.number()?) else {
                return Reader::wrong(at, "a preference is larger than 16 bits");
            };
            Record::Mx { preference, host: read_name(from)? }
        }
        RecordKind::Ptr => Record::Ptr(read_name(from)?),
        RecordKind::Tlsa => return Reader::wrong(from.at(), "there is no such kind of records"),
        RecordKind::Txt => Record::Txt(from.bytes()?.into()),
    })
}

/// A name in the one spelling that names have.
fn read_name(from: &mut Reader<'_>) -> Read<Name> {
    let at = from.at();
    let text = from.text()?;
    match Name::parse_with_spaces(text) {
        Ok(name) if name.as_str() == text => Ok(name),
        _ => Reader::wrong(at, "a name is none"),
    }
}

/// What was learned, where it may be missing: as a fact that was found, or that nobody asked for.
pub(super) fn write_learned<T: Wire + Clone>(learned: Option<T>, out: &mut Writer) {
    learned.map_or_else(Known::default, Known::Found).write(out);
}

pub(super) fn read_learned<T: Wire>(from: &mut Reader<'_>) -> Read<Option<T>> {
    let at = from.at();
    match Known::read(from)? {
        Known::Found(learned) => Ok(Some(learned)),
        Known::Unknown(crate::Unknown::NotAsked) => Ok(None),
        _ => Reader::wrong(at, "nothing was learned"),
    }
}

#[cfg(test)]
mod tests;
