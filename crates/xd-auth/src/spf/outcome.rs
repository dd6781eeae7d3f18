//! What came of a check: the result, why, and the way that led to it.

use std::fmt;

use super::SyntaxError;
use crate::{Name, Question, SpfResult, Unknown};

/// What came of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// The result.
    pub result: SpfResult,
    /// Why that and no other.
    pub reason: Reason,
    /// The domain that was checked; none when the text was no domain.
    pub domain: Option<Name>,
    /// For `fail`, what the domain has to say to the sender: visible ASCII and spaces, at most 1,024 octets, with all macros
    /// expanded. These are the words of a stranger. None when the domain offers none that could be read.
    pub explanation: Option<String>,
    /// What was tried, in the order in which it was. Networks that did not hold the client are left out, since they ask nothing.
    pub steps: Vec<Step>,
    /// Terms that asked DNS, of 10 allowed (RFC 7208 §4.6.4).
    pub lookups: u32,
    /// Terms for which DNS had nothing (RFC 7208 §4.6.4).
    pub voids: u32,
    /// Why names of the client are not known where the standard says to go on without them (RFC 7208 §5.5: `ptr`, and the macro
    /// `p`). With them the result might have been another: who acts on it should know.
    pub unsure: Option<Unknown>,
}

/// Why a result is that and no other.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// This term of the domain's record matched.
    Matched {
        /// Whose record.
        domain: Name,
        /// The term, at most 256 octets of it.
        term: Box<str>,
    },
    /// No term of the domain's record matched, so that it says nothing.
    NothingMatched(Name),
    /// Neither the reverse-path nor the EHLO domain is a domain of several labels.
    NoDomain,
    /// The domain publishes no record.
    NoRecord,
    /// `include` or `redirect` leads to this, which is no domain or has no record.
    DeadEnd(Box<str>),
    /// This domain has more than one record.
    SeveralRecords(Name),
    /// The record of a domain has an error.
    Syntax {
        /// Whose record.
        domain: Name,
        /// The term, at most 256 octets of it; others than visible ASCII as `?`.
        term: Box<str>,
        /// What is wrong with it.
        error: SyntaxError,
    },
    /// More than 10 terms would ask DNS.
    TooManyLookups,
    /// For more terms than allowed, DNS had nothing.
    TooManyVoids,
    /// This domain has more than 10 hosts that take mail.
    TooManyHosts(Name),
    /// An answer that is needed is not known.
    Unknown {
        /// What was asked.
        question: Question,
        /// Why nobody could say.
        why: Unknown,
    },
}

/// A term that was tried, and what came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// Whose record has the term.
    pub domain: Name,
    /// Through how many `include` terms that record was reached.
    pub depth: u8,
    /// The term, at most 256 octets of it.
    pub term: Box<str>,
    /// What came of it.
    pub course: Course,
}

/// What came of a term.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Course {
    /// The check ended here; the reason says why.
    Ended,
    /// The record that it names is evaluated; what is tried of it follows.
    Follows,
    /// It matched.
    Matched,
    /// It did not match.
    Missed,
    /// Its domain, expanded, is no name that could be asked for; it did not match.
    NoName,
    /// DNS had nothing for it; it did not match.
    Void,
    /// It could not be found out; where the check goes on, it did not match.
    Unknown(Unknown),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched { domain, term } => write!(f, "{term} in the record of {domain} matches"),
            Self::NothingMatched(domain) => write!(f, "nothing in the record of {domain} matches"),
            Self::NoDomain => f.write_str("there is no domain of several labels to ask"),
            Self::NoRecord => f.write_str("the domain publishes no record"),
            Self::DeadEnd(domain) => write!(f, "a record leads to {domain:?}, which has none"),
            Self::SeveralRecords(domain) => write!(f, "{domain} publishes more than one record"),
            Self::Syntax { domain, term, error } => write!(f, "{term:?} in the record of {domain}: {error}"),
            Self::TooManyLookups => f.write_str("more than 10 terms ask DNS"),
            Self::TooManyVoids => f.write_str("DNS has nothing for too many terms"),
            Self::TooManyHosts(domain) => write!(f, "more than 10 hosts take mail of {domain}"),
            Self::Unknown { question, why } => {
                write!(f, "the {:?} records of {} are not known: {}", question.kind, question.name, why.as_str())
            }
        }
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("ends the check"),
            Self::Follows => f.write_str("leads on"),
            Self::Matched => f.write_str("matches"),
            Self::Missed => f.write_str("does not match"),
            Self::NoName => f.write_str("names nothing that could be asked for"),
            Self::Void => f.write_str("finds nothing"),
            Self::Unknown(why) => write!(f, "is not known: {}", why.as_str()),
        }
    }
}

/// The beginning of a term, to be quoted.
pub(super) fn quoted(term: &str) -> Box<str> {
    term.get(..term.floor_char_boundary(MAX_TERM)).unwrap_or(term).into()
}

/// The beginning of a term that may hold anything, to be quoted.
pub(super) fn quoted_bytes(term: &[u8]) -> Box<str> {
    let visible = |&byte: &u8| if byte.is_ascii_graphic() { char::from(byte) } else { '?' };
    term.iter().take(MAX_TERM).map(visible).collect::<String>().into_boxed_str()
}

/// Octets of a term that are quoted: a name and all that may stand around it.
const MAX_TERM: usize = 256;
