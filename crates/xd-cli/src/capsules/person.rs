//! Whose capsule it is: all places where a capsule can name the holder of an address.

use xd_core::capsule::{Capsule, PseudonymKey};
use xd_core::{Known, Mailbox, ReversePath};

/// A person, by one address of mail.
#[derive(Debug)]
pub(super) struct Person {
    address: Mailbox,
    pseudonym: Option<Mailbox>,
}

impl Person {
    /// The holder of an address; with the key, known behind the pseudonym as well.
    pub(super) fn new(address: &str, key: Option<&PseudonymKey>) -> Self {
        // Rules and servers take the local part as it is; here one person too many is better than one too few.
        let address = address.trim().trim_start_matches('<').trim_end_matches('>').to_lowercase();
        let pseudonym = key.map(|key| Mailbox::new("", &key.address(&address)));
        Self { address: Mailbox::new("", &address), pseudonym }
    }

    /// Whether a capsule names them: as recipient, in the reverse-path, in From or as whoever authenticated; where it holds header
    /// fields, in any of these. None when it holds pseudonyms and there is no key.
    pub(super) fn is_in(&self, capsule: &Capsule) -> Option<bool> {
        let wanted = match (capsule.is_pseudonymous(), &self.pseudonym) {
            (false, _) => &self.address,
            (true, Some(pseudonym)) => pseudonym,
            (true, None) => return None,
        };
        let envelope = capsule.envelope();
        let reverse = match &envelope.reverse_path {
            Known::Found(ReversePath::Mailbox(mailbox)) => Some(mailbox),
            _ => None,
        };
        let recipients = envelope.forward_paths.iter().map(|path| path.mailbox());
        let mut mailboxes = recipients.chain(reverse).chain(&capsule.identities().from);
        let authenticated =
            matches!(&envelope.authenticated_identity, Known::Found(name) if name.to_lowercase() == wanted.address);
        Some(authenticated || mailboxes.any(|mailbox| is_same(mailbox, wanted)) || self.is_in_fields(capsule))
    }

    fn is_in_fields(&self, capsule: &Capsule) -> bool {
        let names = |bytes: &[u8]| contains_address(bytes, self.address.address.as_bytes());
        let fields = capsule.fields().unwrap_or_default();
        let in_facts = fields.iter().any(|field| names(field.value.told()));
        in_facts || capsule.content().is_some_and(|message| names(header_section(message)))
    }
}

fn is_same(mailbox: &Mailbox, wanted: &Mailbox) -> bool {
    mailbox.address.to_lowercase() == wanted.address
        || (wanted.domain.is_some()
            && mailbox.domain == wanted.domain
            && mailbox.local_part().to_lowercase() == wanted.local_part())
}

/// All up to the first empty line.
fn header_section(message: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
        end += line.len();
    }
    &message[..end]
}

/// Whether an address stands in a text, in any case and not as a part of a longer one.
fn contains_address(text: &[u8], address: &[u8]) -> bool {
    if address.is_empty() || text.len() < address.len() {
        return false;
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"-_+.=".contains(byte);
    (0..=text.len() - address.len()).any(|at| {
        let end = at + address.len();
        let before = at.checked_sub(1).is_some_and(|before| is_name(&text[before]));
        // A full stop may end a sentence.
        let after = match &text[end..] {
            [b'.', next, ..] => is_name(next),
            [b'.'] | [] => false,
            [next, ..] => is_name(next),
        };
        text[at..end].eq_ignore_ascii_case(address) && !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_whole_and_in_any_case() {
        let found = |text: &str| contains_address(text.as_bytes(), b"bob@example.com");
        assert!(found("bob@example.com"));
        assert!(found(" Bob <BOB@Example.com>, x@example.org"));
        assert!(found("by bob@example.com."));
        assert!(!found("jimbob@example.com"));
        assert!(!found("bob@example.com.example.net bob@example.community"));
        assert!(!found(""));
    }

    #[test]
    fn the_header_section_ends_at_the_first_empty_line() {
        assert_eq!(header_section(b"A: 1\r\nB: 2\r\n\r\nC: 3\r\n"), b"A: 1\r\nB: 2\r\n");
        assert_eq!(header_section(b"A: 1"), b"A: 1");
        assert_eq!(header_section(b"\n\nA"), b"");
    }
}
