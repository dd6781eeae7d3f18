//! The names of an address, and whether they lead back to it (RFC 8601 §2.7.3, `iprev`).

use std::net::IpAddr;

use xd_auth::{Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};

/// The names of an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Names {
    /// These; at least one.
    Found(Vec<Named>),
    /// It has none.
    Absent,
    /// Nobody could say.
    Unknown(Unknown),
}

/// A name, and whether it has the address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Named {
    pub(super) name: Name,
    pub(super) leads_back: Result<bool, Unknown>,
}

impl Names {
    /// The first name that leads back; the error is why nobody could say whether one does.
    pub(super) fn confirmed(&self) -> Result<Option<&Name>, Unknown> {
        let names = match self {
            Self::Found(names) => names,
            Self::Absent => return Ok(None),
            Self::Unknown(why) => return Err(*why),
        };
        match names.iter().find(|named| named.leads_back == Ok(true)) {
            Some(named) => Ok(Some(&named.name)),
            None => names.iter().find_map(|named| named.leads_back.err()).map_or(Ok(None), Err),
        }
    }
}

/// Names of one address that are asked back, as many as RFC 7208 §4.6.4 takes.
const MAX_NAMES: usize = 10;

/// Asks for the names of an address, and back.
pub(super) fn names(address: IpAddr, answers: &Answers) -> Progress<Names> {
    let address = address.to_canonical();
    let question = Question::reverse(address);
    let records = match answers.records(&question) {
        None => return Progress::Wants(vec![Wanted::Records(question)]),
        Some(Answer::Absent(_)) => return Progress::Done(Names::Absent),
        Some(Answer::Unknown(why)) => return Progress::Done(Names::Unknown(*why)),
        Some(Answer::Found(records)) => records,
    };
    let kind = if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
    let (mut found, mut wanted) = (Vec::new(), Vec::new());
    let all = records.iter().filter_map(|record| if let Record::Ptr(name) = record { Some(name) } else { None });
    for name in all.filter(|name| !name.is_root()).take(MAX_NAMES) {
        let question = Question::new(name.clone(), kind);
        let leads_back = match answers.records(&question) {
            None => {
                let one = Wanted::Records(question);
                if !wanted.contains(&one) {
                    wanted.push(one);
                }
                continue;
            }
            Some(Answer::Found(records)) => Ok(records.iter().any(|record| match record {
                Record::A(found) => IpAddr::from(*found) == address,
                Record::Aaaa(found) => IpAddr::from(*found) == address,
                _ => false,
            })),
            Some(Answer::Absent(_)) => Ok(false),
            Some(Answer::Unknown(why)) => Err(*why),
        };
        found.push(Named { name: name.clone(), leads_back });
    }
    match () {
        () if !wanted.is_empty() => Progress::Wants(wanted),
        () if found.is_empty() => Progress::Done(Names::Absent),
        () => Progress::Done(Names::Found(found)),
    }
}
