//! TXT records about the transport of mail: that a domain has a policy of MTA-STS (RFC 8461 §3.1), and where reports about TLS are to
//! go (RFC 8460 §3). Policies and reports themselves are left to others.

use crate::dmarc::ReportUri;
use crate::tag_list::{is_version, tags};
use crate::{Answer, Name, NameError, Question, Record, RecordKind, Unknown};

/// A record below `_mta-sts`: the domain has a policy, to be fetched again when the identifier changes.
///
/// # Example: which policy is in force?
/// ```
/// use xd_auth::transport::StsRecord;
///
/// assert_eq!(StsRecord::parse(b"v=STSv1; id=20260101T000000;").unwrap().id(), "20260101T000000");
/// assert!(StsRecord::parse(b"v=STSv1").is_none());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StsRecord(Box<str>);

/// A record below `_smtp._tls`: where reports about TLS are to go.
///
/// # Example: who wants reports?
/// ```
/// use xd_auth::transport::TlsReportRecord;
///
/// let record = TlsReportRecord::parse(b"v=TLSRPTv1; rua=mailto:tls@example.com,https://example.com/tls").unwrap();
/// assert_eq!(record.destinations().len(), 2);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsReportRecord(Vec<ReportUri>);

/// Which records a domain has.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the set is complete")]
pub enum Published<T> {
    /// None of the version that is known.
    Nothing,
    /// One of that version that cannot be understood.
    Invalid,
    /// One.
    One(T),
    /// So many, which count as none (RFC 8461 §3.1, RFC 8460 §3).
    Several(usize),
    /// Nobody could say.
    Unknown(Unknown),
}

/// Characters of an identifier (RFC 8461 §3.1, `sts-id`).
const MAX_ID: usize = 32;
/// Destinations that are kept, as for reports of DMARC.
const MAX_DESTINATIONS: usize = crate::dmarc::MAX_URIS;

impl StsRecord {
    /// The question for the record of a domain.
    ///
    /// # Errors
    /// When the domain is too long to have one.
    pub fn question(domain: &Name) -> Result<Question, NameError> {
        Ok(Question::new(Name::parse(&format!("_mta-sts.{domain}"))?, RecordKind::Txt))
    }

    /// Reads a record; none when it is not of this version or has no valid identifier.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = version(text, "STSv1")?;
        let (_, id) = tags(text).find(|(name, _)| *name == "id")?;
        let id = id?;
        let is_id = (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_id.then(|| Self(id.into()))
    }

    /// What an answer to [`question`](Self::question) says.
    #[must_use]
    pub fn published(answer: &Answer<Record>) -> Published<Self> {
        published(answer, "STSv1", Self::parse)
    }

    /// The identifier of the policy: 1 to 32 letters and digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl TlsReportRecord {
    /// The question for the record of a domain.
    ///
    /// # Errors
    /// When the domain is too long to have one.
    pub fn question(domain: &Name) -> Result<Question, NameError> {
        Ok(Question::new(Name::parse(&format!("_smtp._tls.{domain}"))?, RecordKind::Txt))
    }

    /// Reads a record; none when it is not of this version or names no destination by `mailto` or `https`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = version(text, "TLSRPTv1")?;
        let (_, uris) = tags(text).find(|(name, _)| *name == "rua")?;
        let known = |uri: &ReportUri| uri.is_mail() || (uri.as_str().starts_with("https:") && uri.host().is_some());
        let uris: Vec<ReportUri> = uris?.split(',').filter_map(ReportUri::parse).filter(known).take(MAX_DESTINATIONS).collect();
        (!uris.is_empty()).then_some(Self(uris))
    }

    /// What an answer to [`question`](Self::question) says.
    #[must_use]
    pub fn published(answer: &Answer<Record>) -> Published<Self> {
        published(answer, "TLSRPTv1", Self::parse)
    }

    /// Where reports are to go: 1 to 16 URIs of mail or HTTPS.
    #[must_use]
    pub fn destinations(&self) -> &[ReportUri] {
        &self.0
    }
}

fn version<'t>(text: &'t [u8], version: &str) -> Option<&'t str> {
    std::str::from_utf8(text).ok().filter(|text| is_version(text, version))
}

fn published<T>(answer: &Answer<Record>, wanted: &str, parse: impl Fn(&[u8]) -> Option<T>) -> Published<T> {
    let records = match answer {
        Answer::Absent(_) => return Published::Nothing,
        Answer::Unknown(why) => return Published::Unknown(*why),
        Answer::Found(records) => records,
    };
    let texts = records.iter().filter_map(|record| if let Record::Txt(text) = record { Some(&**text) } else { None });
    let mut texts = texts.filter(|text| version(text, wanted).is_some());
    match (texts.next(), texts.count()) {
        (None, _) => Published::Nothing,
        (Some(text), 0) => parse(text).map_or(Published::Invalid, Published::One),
        (Some(_), others) => Published::Several(others + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Absence;

    #[test]
    fn identifiers_at_their_edges() {
        for (text, id) in [
            ("v=STSv1; id=a", Some("a")),
            ("v=STSv1;id=20160831085700Z;", Some("20160831085700Z")),
            ("v=STSv1; x=y; id = 1 ;", Some("1")),
            ("v=STSv1; id=;", None),
            ("v=STSv1; id=a-b", None),
            ("v=STSv2; id=a", None),
            ("id=a; v=STSv1", None),
        ] {
            assert_eq!(StsRecord::parse(text.as_bytes()).map(|record| record.id().to_owned()).as_deref(), id, "{text}");
        }
        assert!(StsRecord::parse(format!("v=STSv1; id={}", "a".repeat(32)).as_bytes()).is_some());
        assert!(StsRecord::parse(format!("v=STSv1; id={}", "a".repeat(33)).as_bytes()).is_none());
    }

    #[test]
    fn destinations() {
        for (text, count) in [
            ("v=TLSRPTv1;rua=mailto:a@example.com", 1),
            ("v=TLSRPTv1; rua=https://example.com/v1/tlsrpt , mailto:a@example.com;", 2),
            ("v=TLSRPTv1; rua=ftp://example.com/, mailto:a@example.com", 1),
            ("v=TLSRPTv1; rua=example.com", 0),
            ("v=TLSRPTv1;", 0),
            ("v=TLSRPTv2; rua=mailto:a@example.com", 0),
        ] {
            assert_eq!(TlsReportRecord::parse(text.as_bytes()).map_or(0, |record| record.destinations().len()), count, "{text}");
        }
    }

    #[test]
    fn what_a_domain_publishes() {
        let txt = |text: &str| Record::Txt(text.as_bytes().into());
        let found = |texts: &[&str]| Answer::Found(texts.iter().map(|text| txt(text)).collect());
        let one = StsRecord::parse(b"v=STSv1; id=1").unwrap();
        for (answer, expected) in [
            (Answer::Absent(Absence::Records), Published::Nothing),
            (Answer::Unknown(Unknown::Timeout), Published::Unknown(Unknown::Timeout)),
            (found(&["v=spf1 -all"]), Published::Nothing),
            (found(&["v=STSv1; id=1", "other"]), Published::One(one)),
            (found(&["v=STSv1; id=1", "v=STSv1; id=1"]), Published::Several(2)),
            (found(&["v=STSv1; id"]), Published::Invalid),
        ] {
            assert_eq!(StsRecord::published(&answer), expected);
        }
        assert!(StsRecord::question(&Name::parse("example.com").unwrap()).unwrap().name.as_str() == "_mta-sts.example.com");
        assert!(TlsReportRecord::question(&Name::root()).is_ok_and(|question| question.name.as_str() == "_smtp._tls"));
    }
}
