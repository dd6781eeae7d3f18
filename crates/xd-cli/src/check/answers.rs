//! Questions of DNS and their answers, as words and as JSON.

use serde::Serialize;
use xd_auth::{Absence, Answer, Question, Record, RecordKind};

/// A question and what came back.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answered {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `found`, `absent` or `unknown`.
    state: &'static str,
    /// For an absence, `name` or `records`; for what is not known, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<String>,
}

impl Answered {
    pub(super) fn new(question: &Question, answer: Option<&Answer<Record>>) -> Self {
        let (state, why, records) = match answer {
            Some(Answer::Found(records)) => ("found", None, records.iter().map(record).collect()),
            Some(Answer::Absent(Absence::Name)) => ("absent", Some("name"), Vec::new()),
            Some(Answer::Absent(Absence::Records)) => ("absent", Some("records"), Vec::new()),
            Some(Answer::Unknown(why)) => ("unknown", Some(why.as_str()), Vec::new()),
            None => ("unknown", Some("not-asked"), Vec::new()),
        };
        Self { name: question.name.to_string(), kind: kind(question.kind), state, why, records }
    }

    /// What was asked, in words.
    pub(super) fn question(&self) -> String {
        format!("{} {}", self.name, self.kind)
    }

    /// What came back, in words; of many records the first.
    pub(super) fn answer(&self) -> String {
        match (self.state, self.why) {
            ("found", _) => match self.records.len().checked_sub(MAX_SHOWN) {
                Some(more @ 1..) => format!("{}, and {more} more", self.records[..MAX_SHOWN].join(", ")),
                _ => self.records.join(", "),
            },
            ("absent", Some("name")) => "no such name".to_owned(),
            ("absent", _) => "no such records".to_owned(),
            (_, why) => format!("not known: {}", why.unwrap_or_default()),
        }
    }
}

/// Records that are shown of one answer.
const MAX_SHOWN: usize = 10;

/// A type of record as zone files name it.
pub(super) fn kind(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::A => "A",
        RecordKind::Aaaa => "AAAA",
        RecordKind::Mx => "MX",
        RecordKind::Ptr => "PTR",
        RecordKind::Tlsa => "TLSA",
        RecordKind::Txt => "TXT",
    }
}

fn record(record: &Record) -> String {
    match record {
        Record::A(address) => address.to_string(),
        Record::Aaaa(address) => address.to_string(),
        Record::Mx { preference, host } => format!("{preference} {host}."),
        Record::Ptr(name) => format!("{name}."),
        Record::Tlsa { usage, selector, matching, data } => {
            let digits: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
            format!("{usage} {selector} {matching} {digits}")
        }
        Record::Txt(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
    }
}
