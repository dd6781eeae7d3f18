//! Finds records: by recipient, and where wanted by reverse-path and subject; any part of them, whatever the case.
//!
//! Subjects stand in the records of acceptance and refusal. What comes later about the same message has its name: whoever wants
//! all of its story asks for that.

use unicode_normalization::UnicodeNormalization;

use super::record::{JournalEvent, JournalRecord};

/// What is looked for.
///
/// # Example: which mail to Strauß was about an invoice?
/// ```
/// use xd_store::{JournalEvent, JournalQuery, JournalRecord, Transaction};
///
/// let query = JournalQuery::new("STRAUSS@").with_subject("rechnung");
/// let transaction = |subject: &str| {
///     let (recipients, subject) = (vec!["j.strau\u{df}@example.com".into()], Some(subject.into()));
///     JournalRecord { time: 0, event: JournalEvent::Acceptance(Transaction { recipients, subject, ..Transaction::default() }) }
/// };
/// assert!(query.matches(&transaction("Ihre Rechnung")));
/// assert!(!query.matches(&transaction("Ihr Termin")));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JournalQuery {
    to: String,
    reverse_path: Option<String>,
    subject: Option<String>,
}

impl JournalQuery {
    /// Records of which a recipient has this in it; with an empty text all that have a recipient.
    #[must_use]
    pub fn new(to: &str) -> Self {
        Self { to: fold_case(to), reverse_path: None, subject: None }
    }

    /// Of those, the ones with this in the reverse-path.
    #[must_use]
    pub fn with_reverse_path(self, part: &str) -> Self {
        Self { reverse_path: Some(fold_case(part)), ..self }
    }

    /// Of those, the ones with this in the subject.
    #[must_use]
    pub fn with_subject(self, part: &str) -> Self {
        Self { subject: Some(fold_case(part)), ..self }
    }

    /// Whether a record is one of them.
    #[must_use]
    pub fn matches(&self, record: &JournalRecord) -> bool {
        let has = |text: Option<&str>, part: &Option<String>| match (text, part) {
            (_, None) => true,
            (Some(text), Some(part)) => fold_case(text).contains(part),
            (None, Some(_)) => false,
        };
        let (reverse_path, subject) = match &record.event {
            JournalEvent::Acceptance(it) | JournalEvent::Refusal(it) => (it.reverse_path.as_deref(), it.subject.as_deref()),
            _ => (None, None),
        };
        record.recipients().iter().any(|recipient| fold_case(recipient).contains(&self.to))
            && has(reverse_path, &self.reverse_path)
            && has(subject, &self.subject)
    }
}

/// A text so that texts that differ in case alone are equal: Unicode's compatibility form, each character to upper case and
/// from there to lower case. So ß is ss, and both small sigmas are one.
#[must_use]
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Characters one by one: whole words would make the last sigma another one.
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::super::record::{Change, Transaction};
    use super::*;

    fn acceptance(reverse_path: &str, recipients: &[&str], subject: &str) -> JournalRecord {
        let transaction = Transaction {
            reverse_path: Some(reverse_path.to_owned()),
            recipients: recipients.iter().map(|&recipient| recipient.to_owned()).collect(),
            subject: Some(subject.to_owned()),
            ..Transaction::default()
        };
        JournalRecord { time: 0, event: JournalEvent::Acceptance(transaction) }
    }

    #[test]
    fn any_part_is_found_whatever_the_case() {
        let record =
            acceptance("Alice@Example.net", &["bob@example.com", "carol@example.com"], "ΟΔΟΣ \u{130}stanbul Cafe\u{301}");
        let found = |query: JournalQuery| query.matches(&record);
        for to in ["", "bob", "BOB@", "carol@example.COM", "@example.com"] {
            assert!(found(JournalQuery::new(to)), "{to}");
        }
        assert!(!found(JournalQuery::new("dave")));
        assert!(found(JournalQuery::new("bob").with_reverse_path("ALICE@")));
        assert!(!found(JournalQuery::new("bob").with_reverse_path("bob")));
        for subject in ["οδος", "ΟΔΟΣ", "caf\u{e9}", "CAF\u{c9}", ""] {
            assert!(found(JournalQuery::new("").with_subject(subject)), "{subject}");
        }
        assert!(!found(JournalQuery::new("").with_subject("cafes")));
    }

    #[test]
    fn what_has_no_recipient_is_not_found() {
        let change = Change { who: "root".to_owned(), ..Change::default() };
        assert!(!JournalQuery::new("").matches(&JournalRecord { time: 0, event: JournalEvent::Operator(change) }));
    }
}
