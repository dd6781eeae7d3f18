//! Whether reports may go where a record says: whoever is to get them must agree (RFC 9990 §4, RFC 9991 §5).

use super::uri::{self, ReportUri};
use super::walk::{self, Walked};
use crate::tag_list::{is_version, tags};
use crate::{Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};

/// Whether reports may go to a destination.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Destination {
    /// It is of the organization that published the record.
    Internal,
    /// It is of another, which agrees. Reports go to these instead, if there are any.
    Agreed(Vec<ReportUri>),
    /// It is of another, which does not agree.
    Refused,
    /// Nobody could say: try again later.
    Unknown(Unknown),
}

/// The kind of report.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9989 §4.7 names both")]
pub enum Report {
    /// `rua`.
    Aggregate,
    /// `ruf`.
    Failure,
}

/// Whether reports about a domain whose record was found at a name may go to a URI of that record.
///
/// It asks at most 17 questions: two walks and the agreement of the destination.
///
/// # Example: another organization must agree
/// ```
/// use xd_auth::dmarc::{Report, ReportUri, destination};
/// use xd_auth::{Absence, Answer, Answers, Name, Progress, Record, Wanted};
///
/// let at = Name::parse("example.com")?;
/// let uri = ReportUri::parse("mailto:dmarc@reports.example.net").unwrap();
/// let mut answers = Answers::default();
/// while let Progress::Wants(wanted) = destination(&at, &uri, Report::Aggregate, &answers) {
///     for wanted in wanted {
///         let Wanted::Records(question) = wanted else { continue };
///         let agreed = question.name.as_str() == "example.com._report._dmarc.reports.example.net";
///         let record = Record::Txt(b"v=DMARC1"[..].into());
///         answers.put(question, if agreed { Answer::Found(vec![record]) } else { Answer::Absent(Absence::Name) });
///     }
/// }
/// # Ok::<(), xd_auth::NameError>(())
/// ```
#[must_use]
pub fn destination(at: &Name, uri: &ReportUri, report: Report, answers: &Answers) -> Progress<Destination> {
    let Some(host) = uri.host() else { return Progress::Done(Destination::Refused) };
    if host == *at {
        return Progress::Done(Destination::Internal);
    }
    let mut missing = Vec::new();
    let mut organizational = [None, None];
    for (name, place) in [at, &host].into_iter().zip(&mut organizational) {
        match walk::walk(name, answers) {
            Walked::Wants(questions) => missing.extend(questions),
            Walked::Unknown(why, _) => return Progress::Done(Destination::Unknown(why)),
            Walked::Done(walk) => *place = Some(walk.organizational),
        }
    }
    if !missing.is_empty() {
        missing.sort();
        missing.dedup();
        return Progress::Wants(missing.into_iter().map(Wanted::Records).collect());
    }
    let [one, other] = organizational;
    if one == other {
        return Progress::Done(Destination::Internal);
    }
    agreement(at, &host, report, answers)
}

/// RFC 9990 §4, steps 2 to 9.
fn agreement(at: &Name, host: &Name, report: Report, answers: &Answers) -> Progress<Destination> {
    // Step 4: a name that is too long cannot agree.
    let Ok(name) = Name::parse(&format!("{at}._report._dmarc.{host}")) else { return Progress::Done(Destination::Refused) };
    let question = Question::new(name, RecordKind::Txt);
    Progress::Done(match answers.records(&question) {
        None => return Progress::Wants(vec![Wanted::Records(question)]),
        Some(Answer::Unknown(why)) => Destination::Unknown(*why),
        Some(Answer::Absent(_)) => Destination::Refused,
        Some(Answer::Found(records)) => {
            let texts = records.iter().filter_map(|record| if let Record::Txt(text) = record { Some(&**text) } else { None });
            let texts = texts.map(String::from_utf8_lossy);
            let agreements: Vec<_> = texts.filter(|text| is_version(text, "DMARC1")).collect();
            let Some(first) = agreements.first() else { return Progress::Done(Destination::Refused) };
            let mut instead = Vec::new();
            let tag = if report == Report::Aggregate { "rua" } else { "ruf" };
            if let Some((_, Some(value))) = tags(first).find(|(name, _)| name.eq_ignore_ascii_case(tag)) {
                uri::read_list(value, &mut instead);
            }
            // Step 9: who agrees may name another address of the same host, and none elsewhere.
            let elsewhere = instead.iter().any(|uri| uri.host().as_ref() != Some(host));
            if elsewhere { Destination::Refused } else { Destination::Agreed(instead) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Absence;

    fn asked(uri: &str, found: &[(&str, &str)]) -> Destination {
        let (at, uri) = (Name::parse("example.com").unwrap(), ReportUri::parse(uri).unwrap());
        let mut answers = Answers::default();
        let mut count = 0;
        loop {
            match destination(&at, &uri, Report::Aggregate, &answers) {
                Progress::Done(destination) => return destination,
                Progress::Wants(wanted) => {
                    for wanted in wanted {
                        let Wanted::Records(question) = wanted else { panic!("only records are asked for") };
                        count += 1;
                        assert!(count <= 17);
                        let texts: Vec<Record> = (found.iter().filter(|(name, _)| *name == question.name.as_str()))
                            .map(|(_, text)| Record::Txt(text.as_bytes().into()))
                            .collect();
                        let unknown = found.contains(&(question.name.as_str(), "?"));
                        answers.put(
                            question,
                            if unknown {
                                Answer::Unknown(Unknown::Timeout)
                            } else if texts.is_empty() {
                                Answer::Absent(Absence::Name)
                            } else {
                                Answer::Found(texts)
                            },
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn who_must_agree_and_does() {
        const AGREEMENT: &str = "example.com._report._dmarc.example.net";
        let record = ("_dmarc.example.com", "v=DMARC1; p=none");
        let elsewhere = "mailto:d@example.net";
        let agreed = |uri: &str| Destination::Agreed(vec![ReportUri::parse(uri).unwrap()]);
        for (uri, found, expected) in [
            ("mailto:d@example.com", &[record][..], Destination::Internal),
            ("mailto:d@reports.example.com", &[record], Destination::Internal),
            (elsewhere, &[record], Destination::Refused),
            (elsewhere, &[record, (AGREEMENT, "v=DMARC1;")], Destination::Agreed(Vec::new())),
            (elsewhere, &[record, (AGREEMENT, "v=DMARC2")], Destination::Refused),
            (elsewhere, &[record, (AGREEMENT, "v=DMARC1; rua=mailto:x@example.net")], agreed("mailto:x@example.net")),
            (elsewhere, &[record, (AGREEMENT, "v=DMARC1; rua=mailto:x@example.org")], Destination::Refused),
            (elsewhere, &[record, (AGREEMENT, "?")], Destination::Unknown(Unknown::Timeout)),
            (elsewhere, &[record, ("_dmarc.net", "?")], Destination::Unknown(Unknown::Timeout)),
            ("https:nowhere", &[record], Destination::Refused),
        ] {
            assert_eq!(asked(uri, found), expected, "{uri} {found:?}");
        }
    }
}
