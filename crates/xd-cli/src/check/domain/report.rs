//! What an audit says: lines, each with how good it is and what to mend.

use serde::Serialize;
use xd_auth::{Question, Unknown};

use crate::check::answers::kind;
use crate::failure::{FAILED, UNREAD};

/// What an audit says.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    domain: String,
    /// The worst of all lines: `wrong`, then `unknown`, then `warn`.
    worst: Level,
    lines: Vec<Line>,
}

/// One fact.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Line {
    pub(super) topic: Topic,
    pub(super) level: Level,
    pub(super) what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

/// How good a fact is, the best first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Fine,
    /// Mail flows; something is weak or will break.
    Warn,
    /// It could not be found out.
    Unknown,
    /// Mail suffers, or anyone may use the domain.
    Wrong,
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(super) enum Topic {
    #[serde(rename = "SPF")]
    Spf,
    #[serde(rename = "DKIM")]
    Dkim,
    #[serde(rename = "DMARC")]
    Dmarc,
    #[serde(rename = "MTA-STS")]
    MtaSts,
    #[serde(rename = "TLS-RPT")]
    TlsReports,
    #[serde(rename = "MX")]
    Mx,
    #[serde(rename = "DANE")]
    Dane,
    #[serde(rename = "PTR")]
    Ptr,
}

/// Lines in the making.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<Line>);

/// Lines of a report. What is audited is bounded already; this bounds what a hostile record can make of it.
const MAX_LINES: usize = 1_000;

impl Lines {
    pub(super) fn fine(&mut self, topic: Topic, what: impl Into<String>) {
        self.add(topic, Level::Fine, what.into(), None);
    }

    pub(super) fn warn(&mut self, topic: Topic, what: impl Into<String>, fix: impl Into<String>) {
        self.add(topic, Level::Warn, what.into(), Some(fix.into()));
    }

    pub(super) fn wrong(&mut self, topic: Topic, what: impl Into<String>, fix: impl Into<String>) {
        self.add(topic, Level::Wrong, what.into(), Some(fix.into()));
    }

    /// An answer that is not known.
    pub(super) fn unknown(&mut self, topic: Topic, question: &Question, why: Unknown) {
        let what = format!("the {} records of {} are not known: {}", kind(question.kind), question.name, why.as_str());
        self.unsaid(topic, what);
    }

    /// Something else that could not be found out.
    pub(super) fn unsaid(&mut self, topic: Topic, what: impl Into<String>) {
        self.add(topic, Level::Unknown, what.into(), None);
    }

    fn add(&mut self, topic: Topic, level: Level, what: String, fix: Option<String>) {
        if self.0.len() < MAX_LINES {
            self.0.push(Line { topic, level, what, fix });
        }
    }

    pub(super) fn report(self, domain: String) -> Report {
        let worst = self.0.iter().map(|line| line.level).max().unwrap_or(Level::Fine);
        Report { domain, worst, lines: self.0 }
    }
}

impl Report {
    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) fn exit_status(&self) -> u8 {
        match self.worst {
            Level::Fine | Level::Warn => 0,
            Level::Unknown => UNREAD,
            Level::Wrong => FAILED,
        }
    }
}

impl Topic {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
            Self::MtaSts => "MTA-STS",
            Self::TlsReports => "TLS-RPT",
            Self::Mx => "MX",
            Self::Dane => "DANE",
            Self::Ptr => "PTR",
        }
    }
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Wrong => "wrong",
        }
    }
}
