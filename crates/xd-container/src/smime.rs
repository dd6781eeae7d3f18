//! S/MIME whose content stands within the signature (RFC 8551 §3.5.2, RFC 5652 §5): what is signed is a MIME entity that mail
//! programs show as if it stood in the message, or a file (`invoice.xml.p7m`, profiles for telephones).
//!
//! Signatures are not checked, and what is encrypted or compressed stays closed: that it is S/MIME is known by its type.

use std::borrow::Cow;

use crate::{Budget, Member, Opened, Sign, media_type};

/// Tags of BER (X.690): of an element and of those that hold others.
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const OCTETS_IN_PIECES: u8 = 0x24;
const SEQUENCE: u8 = 0x30;
const EXPLICIT: u8 = 0xA0;

/// `id-signedData`, 1.2.840.113549.1.7.2.
const SIGNED: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";

/// Elements in one another that are passed over.
const MAX_DEPTH: usize = 16;

/// Lists what is signed, where it stands within.
pub(crate) fn open<'a>(bytes: &'a [u8], name: &str, budget: &mut Budget) -> Opened<'a> {
    let mut opened = Opened::new();
    if !budget.charge_steps(bytes.len() as u64 * 2 + 1_000) {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    // A signature by itself has none.
    let Some(content) = signed_content(bytes).filter(|content| !content.is_empty()) else { return opened };
    if !budget.charge_member() || content.len() > budget.decoded_left() {
        opened.signs.add(Sign::Limit);
        return opened;
    }
    if matches!(content, Cow::Owned(_)) {
        budget.charge_decoded(content.len());
    }
    let is_message = media_type::begins_as_message(&content);
    let name = name.rsplit_once('.').filter(|(_, ending)| ending.eq_ignore_ascii_case("p7m")).map_or("", |(name, _)| name);
    let mut member = Member::of_bytes(if is_message { "" } else { name }, content);
    member.declared = is_message.then(|| "message/rfc822".to_owned());
    opened.members.push(member);
    opened
}

fn signed_content(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let info = enter(bytes, SEQUENCE)?;
    if enter(info, OBJECT)? != SIGNED {
        return None;
    }
    let signed = enter(enter(pass(info, 0)?, EXPLICIT)?, SEQUENCE)?;
    // Behind version and digests.
    let content = enter(pass(pass(signed, 0)?, 0)?, SEQUENCE)?;
    let content = enter(pass(content, 0)?, EXPLICIT)?;
    if let Some(content) = enter(content, OCTETS) {
        return Some(Cow::Borrowed(content));
    }
    let mut rest = enter(content, OCTETS_IN_PIECES)?;
    let mut all = Vec::new();
    while let Some(piece) = enter(rest, OCTETS) {
        // Pieces that do not say their length would each hold all that follows.
        if piece.len() > content.len() - all.len() {
            break;
        }
        all.extend_from_slice(piece);
        rest = pass(rest, 0)?;
    }
    Some(Cow::Owned(all))
}

/// What stands in the first element when it has this tag; where it does not say its length, or says too much, all that follows.
fn enter(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (found, length, content) = head(bytes)?;
    (found == tag).then(|| length.and_then(|length| content.get(..length)).unwrap_or(content))
}

/// What follows the first element.
fn pass(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    if depth > MAX_DEPTH {
        return None;
    }
    let (_, length, mut content) = head(bytes)?;
    if let Some(length) = length {
        return content.get(length..);
    }
    while !content.starts_with(b"\0\0") {
        content = pass(content, depth + 1)?;
    }
    content.get(2..)
}

/// Tag and length of the first element, and what follows them. Without a length two zeros end it.
fn head(bytes: &[u8]) -> Option<(u8, Option<usize>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    Some(match first {
        0x80 => (tag, None, rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            let length = digits.iter().fold(0, |length: usize, digit| length << 8 | usize::from(*digit));
            (tag, Some(length), rest)
        }
        0x85.. => return None,
        short => (tag, Some(usize::from(short)), rest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, mutate, opens, sniff};

    const ENTITY: &[u8] = b"Content-Type: text/plain\r\n\r\nwords\r\n";

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    fn open_ended(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x80][..], content, b"\0\0"].concat()
    }

    fn signed(element: impl Fn(u8, &[u8]) -> Vec<u8>, content: &[u8]) -> Vec<u8> {
        let data = [b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01", content].concat();
        let body = [b"\x02\x01\x01\x31\0".to_vec(), element(SEQUENCE, &data), b"\x31\0".to_vec()].concat();
        let inner = element(EXPLICIT, &element(SEQUENCE, &body));
        element(SEQUENCE, &[&[OBJECT, 9][..], SIGNED, &inner].concat())
    }

    #[test]
    fn signed_content_is_a_message_in_each_way_of_writing() {
        let pieces: Vec<u8> = ENTITY.chunks(7).flat_map(|piece| element(OCTETS, piece)).collect();
        for (bytes, is_whole) in [
            (signed(element, &element(EXPLICIT, &element(OCTETS, ENTITY))), true),
            (signed(open_ended, &open_ended(EXPLICIT, &open_ended(OCTETS_IN_PIECES, &pieces))), true),
            (signed(element, b""), false),
        ] {
            assert_eq!(sniff(&bytes), Some("application/pkcs7-mime"));
            assert!(opens(sniff(&bytes), "smime.p7m"));
            let opened = open(&bytes, "smime.p7m", &mut Budget::default());
            assert_eq!(opened.members.first().map(Member::bytes), is_whole.then_some(ENTITY));
            assert!(opened.members.iter().all(|member| member.declared.as_deref() == Some("message/rfc822")));
            mutate::check(&bytes, |bytes, _| {
                let opened = open(bytes, "smime.p7m", &mut Budget::default());
                assert!(opened.members.iter().all(|member| matches!(member.content, Content::Whole(_))));
            });
        }
        let file = signed(element, &element(EXPLICIT, &element(OCTETS, b"%PDF-1.7")));
        let opened = open(&file, "invoice.pdf.p7m", &mut Budget::default());
        assert_eq!((&*opened.members[0].name, &opened.members[0].declared), ("invoice.pdf", &None));
    }

    #[test]
    fn elements_in_one_another_are_passed_over_to_a_depth() {
        let nested = [&b"\x30\x80\x06\x09"[..], SIGNED, b"\xA0\x80\x30\x80", &[SEQUENCE, 0x80].repeat(100_000)].concat();
        assert!(open(&nested, "", &mut Budget::default()).members.is_empty());
    }

    #[test]
    fn pieces_without_a_length_are_no_more_than_the_file() {
        let pieces = open_ended(OCTETS, b"").repeat(20_000);
        let bytes = signed(open_ended, &open_ended(EXPLICIT, &open_ended(OCTETS_IN_PIECES, &pieces)));
        let opened = open(&bytes, "", &mut Budget::default());
        assert!(opened.members.iter().all(|member| member.bytes().len() <= bytes.len()));
    }
}
