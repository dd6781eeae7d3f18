//! The tree walk: from a name towards the root, looking for policy records, until one says where an organization ends (RFC 9989 §4.10).

use super::record::{PolicyRecord, Psd};
use crate::{Answer, Answers, Name, Question, Record, RecordKind, Unknown};

/// Labels of all names that are looked at, other than the first: with it, that bounds a walk to eight questions (§4.10, step 4).
const MAX_LABELS: usize = 7;

/// What is found at a name.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Finding {
    /// No policy record.
    Nothing,
    /// One, whether it applies or not.
    Record(Box<PolicyRecord>),
    /// So many, which count as none (§4.10, step 2).
    Several(usize),
    /// Nobody could say.
    Unknown(Unknown),
}

/// What is found at one name of a walk.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "a name and what is there")]
pub struct Looked {
    /// The name, without `_dmarc`.
    pub at: Name,
    /// What is there.
    pub finding: Finding,
}

/// How a walk ended.
#[derive(Debug)]
pub(super) enum Walked {
    /// It needs these first.
    Wants(Vec<Question>),
    /// Some answer is not known, and the organizational domain may depend on it.
    Unknown(Unknown, Vec<Looked>),
    /// It is over.
    Done(Walk),
}

/// A walk that is over: what was found, from the longest name to the shortest, and what follows from it.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) looked: Vec<Looked>,
    pub(super) organizational: Name,
    /// The public suffix, if the walk found one: its place in `looked`.
    pub(super) suffix: Option<usize>,
}

/// What stands at a name; none when it was not asked yet, with the question.
pub(super) fn look(at: &Name, answers: &Answers) -> Result<Finding, Question> {
    // A name that is too long for `_dmarc` before it can have no record.
    let Ok(name) = Name::parse(&format!("_dmarc.{at}")) else { return Ok(Finding::Nothing) };
    let question = Question::new(name, RecordKind::Txt);
    match answers.records(&question) {
        None => Err(question),
        Some(Answer::Unknown(why)) => Ok(Finding::Unknown(*why)),
        Some(Answer::Absent(_)) => Ok(Finding::Nothing),
        Some(Answer::Found(records)) => Ok(only(records)),
    }
}

/// The one policy record among the texts (§4.10, steps 2 and 6).
fn only(records: &[Record]) -> Finding {
    let texts = records.iter().filter_map(|record| if let Record::Txt(text) = record { Some(&**text) } else { None });
    let mut found = texts.filter_map(PolicyRecord::parse);
    match (found.next(), found.count()) {
        (None, _) => Finding::Nothing,
        (Some(record), 0) => Finding::Record(Box::new(record)),
        (Some(_), others) => Finding::Several(others + 1),
    }
}

/// The names of a walk, from the longest to the shortest: at most eight.
pub(super) fn names(start: &Name) -> impl Iterator<Item = Name> {
    std::iter::successors(Some(start.clone()), |name| {
        let excess = name.labels().saturating_sub(MAX_LABELS).max(1);
        let mut shorter = name.parent()?;
        for _ in 1..excess {
            shorter = shorter.parent()?;
        }
        (!shorter.is_root()).then_some(shorter)
    })
}

/// Walks from a name. All that is still missing is asked for at once: nearly every walk ends at the top, and each round takes the
/// time of the slowest answer.
pub(super) fn walk(start: &Name, answers: &Answers) -> Walked {
    let (mut looked, mut missing, mut suffix) = (Vec::new(), Vec::new(), None);
    for (place, at) in names(start).enumerate() {
        let finding = match look(&at, answers) {
            Ok(finding) => finding,
            Err(question) => {
                missing.push(question);
                continue;
            }
        };
        let psd = if let Finding::Record(record) = &finding { record.psd } else { Psd::Unsaid };
        let guessed = matches!(finding, Finding::Record(_)) && psd == Psd::Unsaid && place > 0 && is_public_suffix(&at);
        // What stands above an unanswered name is not reached for certain; it is looked at again when that is answered.
        if missing.is_empty() {
            looked.push(Looked { at, finding });
        }
        if psd != Psd::Unsaid || guessed {
            // §4.10.2: `psd=y` where the walk began says nothing about that name itself.
            suffix = (psd != Psd::Organizational && place > 0).then_some(place);
            break;
        }
    }
    if !missing.is_empty() {
        return Walked::Wants(missing);
    }
    let unknown = looked.iter().find_map(|looked| if let Finding::Unknown(why) = looked.finding { Some(why) } else { None });
    if let Some(why) = unknown {
        return Walked::Unknown(why, looked);
    }
    let organizational = organizational(start, &looked, suffix);
    Walked::Done(Walk { looked, organizational, suffix })
}

/// RFC 9989 §4.10.2. A record with `psd` other than `u` is the last that was looked at, so that only three cases are left.
fn organizational(start: &Name, looked: &[Looked], suffix: Option<usize>) -> Name {
    if let Some(suffix) = suffix.and_then(|suffix| looked.get(suffix)) {
        // One label below the public suffix.
        let labels = suffix.at.labels() + 1;
        let below = std::iter::successors(Some(start.clone()), Name::parent).find(|name| name.labels() <= labels);
        return below.unwrap_or_else(|| start.clone());
    }
    let shortest = looked.iter().rfind(|looked| matches!(looked.finding, Finding::Record(_)));
    shortest.map_or_else(|| start.clone(), |shortest| shortest.at.clone())
}

/// Whether a name is a public suffix by the list's section of registries.
///
/// RFC 9989 §5.2 obliges operators of public suffixes to say `psd=y`, and no list is asked. Records older than it do not say so; taken
/// by the letter, one at a registry's name would make all domains below it one organization, each of which could sign for any other.
/// The section of private suffixes is not used: who entered his own domain there may still sign with it.
fn is_public_suffix(name: &Name) -> bool {
    let suffix = psl::suffix(name.as_str().as_bytes());
    suffix.is_some_and(|suffix| suffix.typ() == Some(psl::Type::Icann) && suffix.as_bytes().len() == name.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Absence;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    /// Answers to all questions of walks from a name.
    fn zone(start: &str, records: &[(&str, &str)]) -> Answers {
        let mut answers = Answers::default();
        for at in names(&name(start)) {
            let texts: Vec<Record> = records.iter().filter(|(name, _)| *name == at.as_str()).map(|(_, text)| txt(text)).collect();
            let answer = if texts.is_empty() { Answer::Absent(Absence::Name) } else { Answer::Found(texts) };
            answers.put(Question::new(name(&format!("_dmarc.{at}")), RecordKind::Txt), answer);
        }
        answers
    }

    fn txt(text: &str) -> Record {
        Record::Txt(text.as_bytes().into())
    }

    fn walked(start: &str, records: &[(&str, &str)]) -> Walk {
        match walk(&name(start), &zone(start, records)) {
            Walked::Done(walk) => walk,
            other => panic!("{start}: {other:?}"),
        }
    }

    #[test]
    fn names_are_shortened_to_seven_labels() {
        let list = |start: &str| names(&name(start)).map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(list("com"), ["com"]);
        assert_eq!(list("a.example.com"), ["a.example.com", "example.com", "com"]);
        // RFC 9989 §4.10: the example there.
        let long = list("a.b.c.d.e.f.g.h.i.j.mail.example.com");
        assert_eq!(long.len(), 8);
        assert_eq!(long[1], "g.h.i.j.mail.example.com");
        for (labels, count, second) in [(7, 7, 6), (8, 8, 7), (9, 8, 7)] {
            let found: Vec<Name> = names(&name(&vec!["a"; labels].join("."))).collect();
            assert_eq!((found.len(), found[1].labels()), (count, second), "{labels} labels");
        }
    }

    #[test]
    fn organizational_domains() {
        let (none, yes, no) = ("v=DMARC1; p=none", "v=DMARC1; p=none; psd=y", "v=DMARC1; p=none; psd=n");
        for (start, records, expected) in [
            // RFC 9989 §4.10.2: the three examples there.
            ("a.mail.example.com", &[("mail.example.com", none), ("example.com", none)][..], "example.com"),
            ("a.mail.example.com", &[("mail.example.com", no)], "mail.example.com"),
            ("a.mail.example.com", &[("com", yes)], "example.com"),
            // What stands above `psd=n` is no matter.
            ("a.mail.example.com", &[("mail.example.com", no), ("example.com", none)], "mail.example.com"),
            // A public suffix that sends mail is its own organization.
            ("bank.example", &[("bank.example", yes), ("example", none)], "bank.example"),
            ("a.bank.example", &[("a.bank.example", none), ("bank.example", yes)], "a.bank.example"),
            // No record at all.
            ("a.mail.example.com", &[], "a.mail.example.com"),
            // Several are none, in any order; what is not of this version does not count.
            ("a.example.com", &[("example.com", none), ("example.com", yes)], "a.example.com"),
            ("a.example.com", &[("example.com", none), ("example.com", "v=spf1 -all")], "example.com"),
            // Below a public suffix found past the cut, the name is taken from the whole one.
            ("a.b.c.d.e.f.g.h.i.example", &[("d.e.f.g.h.i.example", yes)], "c.d.e.f.g.h.i.example"),
        ] {
            assert_eq!(walked(start, records).organizational.as_str(), expected, "{start} {records:?}");
        }
    }

    #[test]
    fn a_registry_that_does_not_say_psd_is_one_all_the_same() {
        let silent = "v=DMARC1; p=none";
        for (start, at, expected) in [
            ("a.example.co.uk", "co.uk", "example.co.uk"),
            ("a.example.com", "com", "example.com"),
            // Of its own mail it is the organizational domain.
            ("co.uk", "co.uk", "co.uk"),
            // Private suffixes are not taken for registries.
            ("a.github.io", "github.io", "github.io"),
            // What no list knows is none.
            ("a.bank.example", "bank.example", "bank.example"),
        ] {
            assert_eq!(walked(start, &[(at, silent)]).organizational.as_str(), expected, "{start}");
        }
    }

    #[test]
    fn what_is_missing_is_asked_for_at_once() {
        let Walked::Wants(questions) = walk(&name("a.b.example.com"), &Answers::default()) else { panic!("nothing is known") };
        let names: Vec<&str> = questions.iter().map(|question| question.name.as_str()).collect();
        assert_eq!(names, ["_dmarc.a.b.example.com", "_dmarc.b.example.com", "_dmarc.example.com", "_dmarc.com"]);
        // A name that cannot have `_dmarc` before it has no record.
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        assert_eq!(look(&name(&longest), &Answers::default()), Ok(Finding::Nothing));
    }

    #[test]
    fn an_unknown_answer_matters_only_below_the_end() {
        let mut answers = zone("a.example.com", &[("example.com", "v=DMARC1; p=none; psd=n")]);
        assert!(matches!(walk(&name("a.example.com"), &answers), Walked::Done(_)));
        answers = Answers::default();
        for (at, answer) in [
            ("a.example.com", Answer::Absent(Absence::Name)),
            ("example.com", Answer::Found(vec![txt("v=DMARC1; p=none; psd=n")])),
            ("com", Answer::Unknown(Unknown::Timeout)),
        ] {
            answers.put(Question::new(name(&format!("_dmarc.{at}")), RecordKind::Txt), answer);
        }
        assert!(matches!(walk(&name("a.example.com"), &answers), Walked::Done(_)));
        assert!(matches!(walk(&name("com"), &answers), Walked::Unknown(Unknown::Timeout, _)));
    }
}
