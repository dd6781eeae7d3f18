//! Which header fields a signature of ours covers (RFC 6376 §5.4).

use crate::content::Content;

/// Which header fields are signed.
///
/// # Example: what is signed of a small message?
/// ```
/// use xd_auth::content::Content;
/// use xd_auth::dkim::SignedFields;
///
/// let policy = SignedFields { oversigned: vec!["From".into(), "Cc".into()], present: vec!["Received".into(), "List-Id".into()] };
/// let content = Content::split(b"List-Id: a\r\nFrom: a@example.com\r\n\r\n");
/// // Once more than it is there: none can be added.
/// assert_eq!(policy.names(&content), ["from", "from", "cc", "list-id"]);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedFields {
    /// Listed once more often than they are there, so that none can be added: what people see, and what says how to read the rest.
    pub oversigned: Vec<Box<str>>,
    /// Listed as often as they are there.
    pub present: Vec<Box<str>>,
}

impl Default for SignedFields {
    /// RFC 6376 §5.4.1, with what MIME needs oversigned, and without the fields of the way (Received, Return-Path), which change on it.
    fn default() -> Self {
        let boxed = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect();
        Self { oversigned: boxed(&OVERSIGNED), present: boxed(&PRESENT) }
    }
}

impl SignedFields {
    /// The names for `h=`, in lower case: those of fields that occur often are listed at most [`MAX_REPEATS`] times.
    #[must_use]
    pub fn names(&self, content: &Content<'_>) -> Vec<String> {
        let count = |name: &str| content.named(name).take(MAX_REPEATS).count();
        let over = self.oversigned.iter().map(|name| (name, count(name) + 1));
        let present = self.present.iter().filter(|name| !self.oversigned.iter().any(|over| over.eq_ignore_ascii_case(name)));
        let listed = over.chain(present.map(|name| (name, count(name))));
        listed.flat_map(|(name, times)| std::iter::repeat_n(name.to_ascii_lowercase(), times)).collect()
    }
}

/// Times that one name is listed: no field that should be signed is there so often.
pub const MAX_REPEATS: usize = 20;

const OVERSIGNED: [&str; 10] = [
    "From",
    "Subject",
    "Date",
    "To",
    "Cc",
    "Reply-To",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

const PRESENT: [&str; 20] = [
    "Sender",
    "In-Reply-To",
    "References",
    "Content-ID",
    "Content-Description",
    "Content-Disposition",
    "Resent-Date",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "Resent-Message-ID",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "Auto-Submitted",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_limited() {
        let text = "List-Id: a\r\n".repeat(MAX_REPEATS + 1) + "From: a@example.com\r\nFrom: b@example.com\r\n\r\n";
        let names = SignedFields::default().names(&Content::split(text.as_bytes()));
        let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
        assert_eq!((count("list-id"), count("from"), count("cc"), count("sender")), (MAX_REPEATS, 3, 1, 0));
    }
}
