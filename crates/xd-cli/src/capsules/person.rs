//! Whose capsule it is: all places where a capsule can name the holder of an address.

use xd_core::capsule::{Capsule, PseudonymKey};
use xd_core::{Known, Limits, Link, Mailbox, Message, ReversePath, View};

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

    /// Whether a capsule names them: as recipient, in the reverse-path, in From or as whoever authenticated; at the level of facts in
    /// header fields, links and file names, at that of content anywhere. None when it holds pseudonyms and there is no key.
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
        Some(authenticated || mailboxes.any(|mailbox| is_same(mailbox, wanted)) || self.is_in_message(capsule))
    }

    /// Whether what the capsule holds of the message names them: header fields, links and file names, or the message.
    fn is_in_message(&self, capsule: &Capsule) -> bool {
        let address = self.address.address.as_str();
        if let Some(content) = capsule.content() {
            return names(&String::from_utf8_lossy(content), address) || is_in_parsed(content, address);
        }
        // Pseudonyms hide the whole value. The fields are told as a message of nothing else, so that encoded words are read.
        let mut fields = Vec::new();
        for field in capsule.fields().unwrap_or_default() {
            fields.extend_from_slice(field.name.as_bytes());
            fields.push(b':');
            fields.extend_from_slice(field.value.told());
            fields.extend_from_slice(b"\r\n");
        }
        let links = capsule.links().unwrap_or_default();
        let parts = capsule.parts().unwrap_or_default();
        names(&String::from_utf8_lossy(&fields), address)
            || is_in_parsed(&fields, address)
            || links.iter().any(|link| link_names(link, address))
            || parts.iter().any(|part| part.file_name.iter().chain(&part.other_names).any(|name| names(name, address)))
    }
}

/// Whether a message names an address where it is encoded: header fields, text, links, file names, and what was decoded of parts.
fn is_in_parsed(raw: &[u8], address: &str) -> bool {
    let mut limits = Limits::default();
    // No rule reads it: nothing is to be cut but what would not fit in memory.
    (limits.field_bytes, limits.text_head, limits.links) = (raw.len(), raw.len(), 1_000_000);
    limits.decoded_bytes = limits.decoded_bytes.max(raw.len());
    let message = Message::parse(raw, &limits);
    message.header().fields().iter().any(|field| names(field.decoded(), address))
        || View::ALL.iter().any(|view| names(message.view(*view).original(), address))
        || message.links().iter().any(|link| link_names(link, address))
        || message.parts().iter().any(|part| {
            part.file_name.iter().chain(&part.other_names).any(|name| names(name, address))
                || names(&String::from_utf8_lossy(&part.content), address)
        })
}

fn link_names(link: &Link, address: &str) -> bool {
    names(&link.url, address) || link.shown.as_deref().is_some_and(|shown| names(shown, address))
}

/// Whether a text names an address, as it stands or behind percent signs (RFC 3986 §2.1).
fn names(text: &str, address: &str) -> bool {
    contains_address(text, address) || (text.contains('%') && contains_address(&percent_decoded(text), address))
}

fn percent_decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, digit(behind.first()), digit(behind.get(1))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                rest = &behind[2..];
            }
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn is_same(mailbox: &Mailbox, wanted: &Mailbox) -> bool {
    mailbox.address.to_lowercase() == wanted.address
        || (wanted.domain.is_some()
            && mailbox.domain == wanted.domain
            && mailbox.local_part().to_lowercase() == wanted.local_part())
}

/// Whether an address in lower case stands in a text, in any case and not as a part of a longer one.
///
/// Local parts may hold nearly any sign. But `=`, `+` or a quotation mark mostly stand before an address and not in it
/// (`smtp.mailfrom=bob@example.com`), and here one capsule too many is better than one too few.
fn contains_address(text: &str, address: &str) -> bool {
    let extends_local = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    let extends_domain = |sign: char| sign.is_ascii_alphanumeric() || "-_".contains(sign);
    let text = text.to_lowercase();
    !address.is_empty()
        && text.match_indices(address).any(|(at, _)| {
            let before = text[..at].chars().next_back().is_some_and(extends_local);
            let mut behind = text[at + address.len()..].chars();
            // A full stop may end a sentence.
            let after = match behind.next() {
                Some('.') => behind.next().is_some_and(extends_domain),
                next => next.is_some_and(extends_domain),
            };
            !before && !after
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_whole_and_in_any_case() {
        let found = |text: &str| names(text, "bob@example.com");
        for text in [
            "bob@example.com",
            " Bob <BOB@Example.com>, x@example.org",
            "by bob@example.com.",
            "spf=pass smtp.mailfrom=bob@example.com;",
            "https://example.net/?e=bob@example.com&x",
            "https://example.net/?e=bob%40example.com",
            "to%20bob@example.com%",
            "“bob@example.com”",
            "jimbob@example.com bob@example.com",
        ] {
            assert!(found(text), "{text}");
        }
        for text in
            ["jimbob@example.com", "jim.bob@example.com", "bob@example.com.example.net bob@example.community", "", "bob%4"]
        {
            assert!(!found(text), "{text}");
        }
    }
}
