//! What a check wants to know, and what it was told.

use std::collections::BTreeMap;

use crate::signature::{Signing, Verification};
use crate::{Answer, Question, Record, Unknown};

/// How far a check has come.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "it is over or it is not")]
pub enum Progress<T> {
    /// It is over, and this came of it.
    Done(T),
    /// It needs to know these first; at least one, none twice, none answered yet.
    Wants(Vec<Wanted>),
}

/// One thing that a check needs to know.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "whoever answers must know them all")]
pub enum Wanted {
    /// An answer of DNS: [`Answers::put`].
    Records(Question),
    /// A signature: [`Answers::put_signature`].
    Signature(Box<Signing>),
    /// Whether a signature holds: [`Answers::put_verified`].
    Verified(Box<Verification>),
}

/// What was asked, and what came back: the only thing besides its arguments on which the result of a check depends.
///
/// # Example: answers are those of the question
/// ```
/// use xd_auth::{Answer, Answers, Name, Question, Record, RecordKind, Unknown};
///
/// let question = Question::new(Name::parse("example.com").unwrap(), RecordKind::A);
/// let mut answers = Answers::default();
/// assert_eq!(answers.records(&question), None);
/// // Records of another type than was asked for are no answer.
/// answers.put(question.clone(), Answer::Found(vec![Record::Txt(b"v=spf1 -all"[..].into())]));
/// assert_eq!(answers.records(&question), Some(&Answer::Unknown(Unknown::Malformed)));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answers {
    records: BTreeMap<Question, Answer<Record>>,
    signatures: BTreeMap<Signing, Result<Box<[u8]>, Unknown>>,
    verified: BTreeMap<Verification, Result<bool, Unknown>>,
}

impl Answers {
    /// Takes the answer to a question. Records of another type than was asked for are left out; when nothing else is left of what was
    /// found, the answer is malformed. The first answer to a question stays: a check must not see the world change.
    pub fn put(&mut self, question: Question, answer: Answer<Record>) {
        let kind = question.kind;
        self.records.entry(question).or_insert_with(|| match answer {
            Answer::Found(mut records) => {
                records.retain(|record| record.kind() == kind);
                if records.is_empty() { Answer::Unknown(Unknown::Malformed) } else { Answer::Found(records) }
            }
            other => other,
        });
    }

    /// Takes a signature that was made, or why it was not.
    pub fn put_signature(&mut self, signing: Signing, signature: Result<Box<[u8]>, Unknown>) {
        self.signatures.entry(signing).or_insert(signature);
    }

    /// Takes whether a signature holds, or why nobody could say. A key or signature that makes no sense does not hold.
    pub fn put_verified(&mut self, verification: Verification, holds: Result<bool, Unknown>) {
        self.verified.entry(verification).or_insert(holds);
    }

    /// The answer to a question; none when it was not asked yet.
    #[must_use]
    pub fn records(&self, question: &Question) -> Option<&Answer<Record>> {
        self.records.get(question)
    }

    /// The signature that was made; none when it was not asked for yet.
    #[must_use]
    pub fn signature(&self, signing: &Signing) -> Option<&Result<Box<[u8]>, Unknown>> {
        self.signatures.get(signing)
    }

    /// Whether a signature holds; none when it was not asked yet.
    #[must_use]
    pub fn verified(&self, verification: &Verification) -> Option<Result<bool, Unknown>> {
        self.verified.get(verification).copied()
    }

    /// Whether nothing of DNS was answered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// All questions and their answers, in the order of the questions.
    pub fn all_records(&self) -> impl Iterator<Item = (&Question, &Answer<Record>)> {
        self.records.iter()
    }
}
