//! The field as written: who checked, and what was found by which method.

use std::fmt;
use std::net::IpAddr;

use super::text::{self, Lines};
use crate::dmarc::{DmarcResult, Outcome};
use crate::{DkimResult, Name, SpfResult};

/// Entries of a field; further ones are left out, the last first. One for each signature that is verified, and a few more.
pub const MAX_ENTRIES: usize = 32;
/// Properties of an entry; further ones are left out.
pub const MAX_PROPERTIES: usize = 8;

const NAME: &str = "Authentication-Results";

/// An Authentication-Results field (RFC 8601 §2.2).
///
/// # Example: what does a field say?
/// ```
/// use xd_auth::authentication_results::{Entry, Field, PropertyType};
/// use xd_auth::SpfResult;
///
/// let mut field = Field::new("mx.example.org");
/// field.push(Entry::spf(SpfResult::Pass).with(PropertyType::Smtp, "mailfrom", "ann@example.com"));
/// assert_eq!(field.payload(), "mx.example.org;\r\n\tspf=pass smtp.mailfrom=ann@example.com");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Field {
    authserv_id: String,
    entries: Vec<Entry>,
}

/// What was found by one method.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    method: Method,
    result: &'static str,
    reason: Option<String>,
    properties: Vec<String>,
}

/// A method of authentication in its registered spelling.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Method {
    /// RFC 8617.
    Arc,
    /// RFC 6376.
    Dkim,
    /// RFC 9989.
    Dmarc,
    /// Whether the names of the client's address have it as their address (RFC 8601 §3).
    Iprev,
    /// RFC 7208.
    Spf,
}

/// Where a property comes from (RFC 8601 §2.3).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum PropertyType {
    /// A header field, or a tag of one.
    Header,
    /// The policy of whoever checked, or what he saw.
    Policy,
    /// A tag of the policy record of DMARC (RFC 9989 §9.2).
    Polrec,
    /// The SMTP dialogue.
    Smtp,
}

impl Field {
    /// A field of whoever goes by this name, with no entries yet: it says that nothing was checked.
    #[must_use]
    pub fn new(authserv_id: &str) -> Self {
        Self { authserv_id: text::word(authserv_id), entries: Vec::new() }
    }

    /// Adds an entry. Whether there was room for it.
    pub fn push(&mut self, entry: Entry) -> bool {
        let has_room = self.entries.len() < MAX_ENTRIES;
        if has_room {
            self.entries.push(entry);
        }
        has_room
    }

    /// The field as it stands in a message, with its name and the end of the line.
    #[must_use]
    pub fn to_field(&self) -> String {
        format!("{NAME}: {}\r\n", self.folded(NAME.len() + 2))
    }

    /// What stands after the name and its colon, without the end of the line: ARC puts it after `i=…;` in
    /// ARC-Authentication-Results (RFC 8617 §4.1.1).
    #[must_use]
    pub fn payload(&self) -> String {
        // The name of ARC's field and its instance.
        self.folded("ARC-Authentication-Results: i=10; ".len())
    }

    fn folded(&self, name: usize) -> String {
        let mut lines = Lines::begin(name, &self.authserv_id);
        lines.append(";");
        if self.entries.is_empty() {
            lines.put("none");
        }
        for (place, entry) in self.entries.iter().enumerate() {
            if place > 0 {
                lines.append(";");
            }
            entry.write(&mut lines);
        }
        lines.into_text()
    }
}

impl Entry {
    /// A result of SPF. Usual properties are `smtp.mailfrom` and `smtp.helo`.
    #[must_use]
    pub fn spf(result: SpfResult) -> Self {
        Self::new(Method::Spf, result.as_str())
    }

    /// A result of DKIM for one signature. Usual properties are `header.d`, `header.s`, `header.a` and the first octets of
    /// `header.b`.
    #[must_use]
    pub fn dkim(result: DkimResult) -> Self {
        Self::new(Method::Dkim, result.as_str())
    }

    /// A result of ARC: `none`, or whether the chain holds (RFC 8617 §4.4).
    #[must_use]
    pub fn arc(holds: Option<bool>) -> Self {
        let result = match holds {
            None => "none",
            Some(true) => "pass",
            Some(false) => "fail",
        };
        Self::new(Method::Arc, result)
    }

    /// Whether the names of the client's address have it as their address: `fail` when none does, `temperror` when that is not known
    /// now, `permerror` when the address has no name (RFC 8601 §2.7.3).
    #[must_use]
    pub fn iprev(result: IprevResult, address: IpAddr) -> Self {
        Self::new(Method::Iprev, result.as_str()).with(PropertyType::Policy, "iprev", &address.to_canonical().to_string())
    }

    /// An outcome of DMARC, with the author domain, the policy of the record and where it was found (RFC 9989 §9.2), and the reason
    /// when it did not pass.
    #[must_use]
    pub fn dmarc(outcome: &Outcome) -> Self {
        let mut entry = Self::new(Method::Dmarc, outcome.result.as_str());
        if !matches!(outcome.result, DmarcResult::Pass) {
            entry = entry.with_reason(&outcome.reason.to_string());
        }
        if let Some(author) = &outcome.author {
            entry = entry.with(PropertyType::Header, "from", author.as_str());
        }
        if let Some(found) = outcome.found.as_ref().filter(|found| found.record.applies) {
            entry = entry.with(PropertyType::Polrec, "p", found.record.policy.as_str());
            if outcome.author.as_ref() != Some(&found.at) {
                entry = entry.with(PropertyType::Polrec, "domain", found.at.as_str());
            }
        }
        entry
    }

    /// A result of a method.
    fn new(method: Method, result: &'static str) -> Self {
        Self { method, result, reason: None, properties: Vec::new() }
    }

    /// With why it is so, in words.
    #[must_use]
    pub fn with_reason(mut self, reason: &str) -> Self {
        self.reason = Some(format!("reason={}", text::word(reason)));
        self
    }

    /// With a property that the result depends on, unless there are [`MAX_PROPERTIES`] already. The name of the property is a
    /// registered one, of letters, digits and hyphens; with any other the property is left out.
    #[must_use]
    pub fn with(mut self, kind: PropertyType, property: &str, value: &str) -> Self {
        let is_keyword = property.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !property.is_empty();
        if is_keyword && property.len() <= text::MAX_VALUE && self.properties.len() < MAX_PROPERTIES {
            self.properties.push(format!("{}.{property}={}", kind.as_str(), text::value(value)));
        }
        self
    }

    /// With a domain as property.
    #[must_use]
    pub fn with_name(self, kind: PropertyType, property: &str, name: &Name) -> Self {
        self.with(kind, property, name.as_str())
    }

    fn write(&self, lines: &mut Lines) {
        lines.put_below(&format!("{}={}", self.method.as_str(), self.result));
        for part in self.reason.iter().chain(&self.properties) {
            lines.put(part);
        }
    }
}

/// Whether the names of an address have it as their address (RFC 8601 §2.7.3).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "RFC 8601 §2.7.3 names them all")]
pub enum IprevResult {
    /// One has.
    Pass,
    /// None has.
    Fail,
    /// It could not be found out now.
    TempError,
    /// It can never be found out, such as for want of a name.
    PermError,
}

impl IprevResult {
    /// The registered spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

impl Method {
    /// The registered spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arc => "arc",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
            Self::Iprev => "iprev",
            Self::Spf => "spf",
        }
    }
}

impl PropertyType {
    /// The registered spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Policy => "policy",
            Self::Polrec => "polrec",
            Self::Smtp => "smtp",
        }
    }
}

impl fmt::Display for Field {
    /// Writes the payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.payload())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmarc::{Subject, author_domain, check};
    use crate::{Answer, Answers, Progress, Question, Record, RecordKind};

    #[test]
    fn a_field_of_all_methods() {
        let mut field = Field::new("mx.example.org");
        assert_eq!(field.to_field(), "Authentication-Results: mx.example.org; none\r\n");
        field.push(Entry::iprev(IprevResult::Pass, "::ffff:192.0.2.1".parse().unwrap()));
        field.push(Entry::iprev(IprevResult::PermError, "2001:db8::1".parse().unwrap()));
        field.push(Entry::spf(SpfResult::SoftFail).with(PropertyType::Smtp, "mailfrom", "o'neil@example.com"));
        field.push(
            Entry::dkim(DkimResult::Fail)
                .with_reason("body hash does not match")
                .with(PropertyType::Header, "d", "example.com")
                .with(PropertyType::Header, "s", "2026")
                .with(PropertyType::Header, "b", "aB/4+=="),
        );
        field.push(Entry::arc(Some(true)).with(PropertyType::Header, "oldest-pass", "0"));
        field.push(Entry::dmarc(&outcome()));
        let expected = "Authentication-Results: mx.example.org;\r\n\
            \tiprev=pass policy.iprev=192.0.2.1;\r\n\
            \tiprev=permerror policy.iprev=\"2001:db8::1\";\r\n\
            \tspf=softfail smtp.mailfrom=o'neil@example.com;\r\n\
            \tdkim=fail reason=\"body hash does not match\" header.d=example.com\r\n\
            \theader.s=2026 header.b=\"aB/4+==\";\r\n\
            \tarc=pass header.oldest-pass=0;\r\n\
            \tdmarc=fail reason=\"neither SPF nor DKIM passed\" header.from=a.example.com\r\n\
            \tpolrec.p=reject polrec.domain=example.com\r\n";
        assert_eq!(field.to_field(), expected);
        assert_eq!(format!("Authentication-Results: {}\r\n", field.payload()), expected);
    }

    fn outcome() -> Outcome {
        let subject = Subject { author: author_domain(1, ["ann@a.example.com"]), spf: None, dkim: Vec::new() };
        let mut answers = Answers::default();
        for (name, answer) in [
            ("_dmarc.a.example.com", Answer::Absent(crate::Absence::Name)),
            ("_dmarc.example.com", Answer::Found(vec![Record::Txt(b"v=DMARC1; p=reject"[..].into())])),
            ("_dmarc.com", Answer::Absent(crate::Absence::Name)),
        ] {
            answers.put(Question::new(Name::parse(name).unwrap(), RecordKind::Txt), answer);
        }
        match check(&subject, &answers) {
            Progress::Done(outcome) => outcome,
            wants @ Progress::Wants(_) => panic!("{wants:?}"),
        }
    }

    #[test]
    fn hostile_values_stay_within_their_field() {
        let mut field = Field::new("mx.example.org\r\nX-Other: 1");
        let nasty = "a\"; dkim=pass\r\n\r\nbody".repeat(100);
        for _ in 0..MAX_ENTRIES {
            let mut entry = Entry::spf(SpfResult::None).with_reason(&nasty);
            for _ in 0..=MAX_PROPERTIES {
                entry = entry.with(PropertyType::Smtp, "mailfrom", &nasty).with(PropertyType::Smtp, "no\r\nkeyword", "x");
            }
            assert_eq!(entry.properties.len(), MAX_PROPERTIES);
            assert!(field.push(entry));
        }
        assert!(!field.push(Entry::arc(None)));
        let text = field.to_field();
        let lines: Vec<&str> = text.trim_end_matches("\r\n").split("\r\n").collect();
        assert!(lines[1..].iter().all(|line| line.starts_with('\t') && line.len() > 1 && line.len() < 998));
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(lines.iter().all(|line| !line.starts_with("X-")));
    }
}
