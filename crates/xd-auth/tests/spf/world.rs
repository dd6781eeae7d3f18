//! DNS in memory, written as lines: a name, a type, and what is there.

use std::collections::BTreeMap;

use xd_auth::spf::{self, Options, Outcome, Sender};
use xd_auth::{Absence, Answer, Answers, Name, Progress, Question, Record, RecordKind, Unknown, Wanted};

/// What DNS answers. Names that are not there do not exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    answers: BTreeMap<Question, Answer<Record>>,
}

/// More questions than a check may have.
const MAX_QUESTIONS: usize = 123;

impl World {
    /// Reads lines such as `example.com TXT v=spf1 -all`; `?` in the place of a record is an answer that is not known.
    pub(crate) fn of(lines: &[&str]) -> Self {
        let mut world = Self::default();
        for line in lines {
            let [name, kind, value] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
            let name = Name::parse(name).unwrap();
            let (kind, record) = match kind {
                "A" => (RecordKind::A, value.parse().map(Record::A).ok()),
                "AAAA" => (RecordKind::Aaaa, value.parse().map(Record::Aaaa).ok()),
                "MX" => {
                    let mx = |(preference, host): (&str, &str)| Record::Mx {
                        preference: preference.parse().unwrap(),
                        host: Name::parse(host).unwrap(),
                    };
                    (RecordKind::Mx, value.split_once(' ').map(mx))
                }
                "PTR" => (RecordKind::Ptr, Name::parse(value).map(Record::Ptr).ok()),
                "TXT" => (RecordKind::Txt, Some(Record::Txt(value.as_bytes().into()))),
                other => panic!("{other}"),
            };
            let question = Question::new(name, kind);
            match record {
                _ if value == "?" => world.put(question, Answer::Unknown(Unknown::Timeout)),
                None => panic!("{line}"),
                Some(record) => match world.answers.entry(question).or_insert_with(|| Answer::Found(Vec::new())) {
                    Answer::Found(records) => records.push(record),
                    other => panic!("{line} after {other:?}"),
                },
            }
        }
        world
    }

    pub(crate) fn put(&mut self, question: Question, answer: Answer<Record>) {
        self.answers.insert(question, answer);
    }

    pub(crate) fn answer(&self, question: &Question) -> Answer<Record> {
        let has_name = || self.answers.keys().any(|other| other.name == question.name);
        let absent = || Answer::Absent(if has_name() { Absence::Records } else { Absence::Name });
        self.answers.get(question).cloned().unwrap_or_else(absent)
    }

    /// Runs a check to its end, answering as many questions at once as `take` allows; also tells which were asked.
    pub(crate) fn check(&self, sender: &Sender<'_>, options: &Options, take: usize) -> (Outcome, Vec<Question>) {
        let (mut answers, mut asked) = (Answers::default(), Vec::new());
        loop {
            let wanted = match spf::check(sender, options, &answers) {
                Progress::Done(outcome) => return (outcome, asked),
                Progress::Wants(wanted) => wanted,
            };
            assert!(!wanted.is_empty(), "nothing is wanted");
            let questions: Vec<Question> = wanted
                .into_iter()
                .map(|wanted| match wanted {
                    Wanted::Records(question) => question,
                    other => panic!("{other:?}"),
                })
                .collect();
            for (n, question) in questions.iter().enumerate() {
                assert!(!asked.contains(question) && !questions[..n].contains(question), "{question:?} twice");
            }
            // The last ones first, so that the order is another than that of the check.
            for question in questions.into_iter().rev().take(take) {
                answers.put(question.clone(), self.answer(&question));
                asked.push(question);
            }
            assert!(asked.len() <= MAX_QUESTIONS, "{asked:?}");
        }
    }
}
