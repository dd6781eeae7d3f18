//! What is changed of a message on its way, each change by its name; everything else passes byte for byte.
//!
//! | action | when |
//! |---|---|
//! | `add Received` | always (RFC 5321 §4.4) |
//! | `remove NAME` | a field of ours that came with the message: whoever wrote it, it was not us |
//! | `add Authentication-Results`, `remove Authentication-Results` | its sender was checked; another in our name came with it (RFC 8601 §5) |
//! | `add NAME` | the disposition is to tag |
//! | `tag Subject` | the disposition is to tag, and the configuration asks for it |
//! | `strip NAME (SIGNS) sha256:…` | the disposition is to strip: a file gave way to a notice, before all others |

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use xd_auth::authentication_results;
use xd_core::report::HeaderLine;
use xd_store::Content;

use super::fields::Fields;

/// Fields whose names begin so are ours.
const OURS: &[u8] = b"x-xd-";
/// What is put before a subject.
const SUBJECT_TAG: &[u8] = b" [SPAM]";
/// Changes of one message that are named; the fields of a flood are removed all the same.
const NAMED_MAX: usize = 50;

/// What was found out of who sent a message.
const RESULTS: &str = "Authentication-Results";

/// What is put above a message, and in whose name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top<'a> {
    /// Our trace field.
    pub(super) trace: &'a str,
    /// The field that says what was found out of its sender.
    pub(super) results: Option<&'a str>,
    /// Our name in such fields, where others of that name are removed: those of our own hosts stay.
    pub(super) authserv_id: Option<&'a str>,
}

/// A message as it will be delivered.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) content: Content,
    pub(super) sha256: [u8; 32],
    pub(super) actions: Vec<String>,
}

/// Makes the content that is spooled: with our trace field, without fields that pretend to be ours, and with `tags` where there are
/// any.
pub(super) fn change(mut received: Vec<u8>, top: &Top<'_>, tags: &[HeaderLine], tag_subject: bool) -> Changed {
    let mut actions = vec!["add Received".to_owned()];
    let &Top { trace, results, authserv_id } = top;
    let mut top = trace.as_bytes().to_vec();
    if let Some(results) = results {
        top.extend_from_slice(results.as_bytes());
        actions.push(format!("add {RESULTS}"));
    }
    for tag in tags {
        top.extend_from_slice(tag.to_field().as_bytes());
        actions.push(format!("add {}", tag.name));
    }
    if received.starts_with(b" ") || received.starts_with(b"\t") {
        // It would go on with our last field, and say what we did not.
        top.extend_from_slice(b"\r\n");
        actions.push("end header".to_owned());
    }
    remove_ours(&mut received, authserv_id, &mut actions);
    let subject = if tag_subject { subject_value(&received) } else { None };
    if tag_subject {
        name(&mut actions, "tag Subject".to_owned());
        if subject.is_none() {
            top.extend_from_slice(b"Subject:");
            top.extend_from_slice(SUBJECT_TAG);
            top.extend_from_slice(b"\r\n");
        }
    }
    let received = Arc::new(received);
    let mut content = Content::from(top);
    let mut from = 0;
    if let Some(colon) = subject {
        content.push(&received, 0..colon);
        content.push(&Arc::new(SUBJECT_TAG.to_vec()), 0..SUBJECT_TAG.len());
        from = colon;
    }
    content.push(&received, from..received.len());
    let mut hash = Sha256::new();
    content.pieces().for_each(|piece| hash.update(piece));
    Changed { content, sha256: hash.finalize().into(), actions }
}

/// Removes fields of ours. What stays moves up, so that however many there are, no more is held than came.
fn remove_ours(received: &mut Vec<u8>, authserv_id: Option<&str>, actions: &mut Vec<String>) {
    // Where what stays ends, and where what was not looked at yet begins.
    let (mut kept, mut from, mut at) = (0, 0, 0);
    while let Some(field) = Fields::behind(received, at).next() {
        let span = field.span;
        at = span.end;
        if is_ours(field.name) || authserv_id.is_some_and(|ours| pretends_results(received, field.name, &span, ours)) {
            name(actions, format!("remove {}", String::from_utf8_lossy(field.name)));
            received.copy_within(from..span.start, kept);
            kept += span.start - from;
            from = span.end;
        }
    }
    let rest = received.len() - from;
    received.copy_within(from.., kept);
    received.truncate(kept + rest);
}

/// Whether a field says in our name what was found out (RFC 8601 §5): whoever wrote it, it was not us.
fn pretends_results(received: &[u8], name: &[u8], span: &Range<usize>, authserv_id: &str) -> bool {
    // Some programs read over blanks and NULs in names.
    let mut letters = name.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != 0);
    let is_results = RESULTS.bytes().all(|letter| letters.next().is_some_and(|other| other.eq_ignore_ascii_case(&letter)));
    if !is_results || letters.next().is_some() {
        return false;
    }
    let field = &received[span.clone()];
    let value = memchr::memchr(b':', field).map_or(&field[..0], |colon| &field[colon + 1..]);
    authentication_results::is_ours(value, authserv_id)
}

/// Where the value of the first subject begins.
fn subject_value(content: &[u8]) -> Option<usize> {
    let subject = Fields::of(content).find(|field| field.name.eq_ignore_ascii_case(b"subject"))?;
    memchr::memchr(b':', &content[subject.span.clone()]).map(|colon| subject.span.start + colon + 1)
}

/// Whether a name is one of ours, also with blanks and NULs in it: some programs read over them.
fn is_ours(name: &[u8]) -> bool {
    let mut letters = name.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != 0).map(u8::to_ascii_lowercase);
    OURS.iter().all(|&letter| letters.next() == Some(letter))
}

fn name(actions: &mut Vec<String>, action: String) {
    if actions.len() < NAMED_MAX {
        actions.push(action);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "Received: from c\r\n\tby mx; now\r\n";
    const TOP: Top<'static> = Top { trace: TRACE, results: None, authserv_id: Some("mx.example.net") };

    fn changed(received: &str, tags: &[HeaderLine], tag_subject: bool) -> (String, Vec<String>) {
        let changed = change(received.as_bytes().to_vec(), &TOP, tags, tag_subject);
        let content = changed.content.to_vec();
        assert_eq!(changed.sha256, <[u8; 32]>::from(Sha256::digest(&content)));
        (String::from_utf8(content).unwrap(), changed.actions)
    }

    fn tags() -> Vec<HeaderLine> {
        vec![HeaderLine { name: "X-XD-Class", value: "spam".to_owned() }]
    }

    #[test]
    fn untagged_mail_passes_byte_for_byte_behind_our_trace() {
        let message = "From: a@example.com\r\n broken line\r\nno field\r\n\r\nX-XD-Class: quoted\r\n\0\u{e4}";
        let (content, actions) = changed(message, &[], false);
        assert_eq!(content, format!("{TRACE}{message}"));
        assert_eq!(actions, ["add Received"]);
    }

    #[test]
    fn forged_fields_of_ours_are_removed_whole() {
        let message = "x-xd-class: clean\r\nFrom: a@example.com\r\nX-XD-Score : 0\r\n\tfolded\r\nTo: b\r\n\r\nHi\r\n";
        let (content, actions) = changed(message, &tags(), false);
        assert_eq!(content, format!("{TRACE}X-XD-Class: spam\r\nFrom: a@example.com\r\nTo: b\r\n\r\nHi\r\n"));
        assert_eq!(actions, ["add Received", "add X-XD-Class", "remove x-xd-class", "remove X-XD-Score"]);
    }

    #[test]
    fn odd_spellings_of_our_names_are_removed_too() {
        for field in ["X-XD-Class\r\n : clean\r\n", "X-XD\0-Class: clean\r\n", "X-XD -Class: clean\r\n"] {
            let (content, _) = changed(&format!("{field}To: b\r\n\r\nHi\r\n"), &[], false);
            assert_eq!(content, format!("{TRACE}To: b\r\n\r\nHi\r\n"), "{field:?}");
        }
    }

    #[test]
    fn results_in_our_name_are_ours_alone() {
        let forged = "authentication-results: (x) mx.example.NET; spf=pass\r\n";
        let theirs = "Authentication-Results: mx.example.org; spf=pass\r\n";
        let received = format!("{forged}{theirs}To: b\r\n\r\nHi\r\n").into_bytes();
        let ours = "Authentication-Results: mx.example.net; spf=fail\r\n";
        let by = |results, authserv_id| {
            let changed = change(received.clone(), &Top { results, authserv_id, ..TOP }, &[], false);
            (String::from_utf8(changed.content.to_vec()).unwrap(), changed.actions)
        };
        let (content, actions) = by(Some(ours), Some("mx.example.net"));
        assert_eq!(content, format!("{TRACE}{ours}{theirs}To: b\r\n\r\nHi\r\n"));
        assert_eq!(actions, ["add Received", "add Authentication-Results", "remove authentication-results"]);
        let (content, _) = by(None, None);
        assert_eq!(content, format!("{TRACE}{forged}{theirs}To: b\r\n\r\nHi\r\n"));
    }

    #[test]
    fn content_that_begins_folded_goes_on_with_no_field_of_ours() {
        let (content, actions) = changed(" clean\r\nTo: b\r\n\r\nHi\r\n", &tags(), false);
        assert_eq!(content, format!("{TRACE}X-XD-Class: spam\r\n\r\n clean\r\nTo: b\r\n\r\nHi\r\n"));
        assert_eq!(actions.last().unwrap(), "end header");
    }

    #[test]
    fn subjects_are_tagged_once_and_only_when_asked() {
        let message = "Subject: Hello\r\nSUBJECT: again\r\n\r\nHi\r\n";
        let (content, actions) = changed(message, &tags(), true);
        assert_eq!(content, format!("{TRACE}X-XD-Class: spam\r\nSubject: [SPAM] Hello\r\nSUBJECT: again\r\n\r\nHi\r\n"));
        assert_eq!(actions.last().unwrap(), "tag Subject");
        let (content, _) = changed("From: a\r\n\r\nHi\r\n", &tags(), true);
        assert_eq!(content, format!("{TRACE}X-XD-Class: spam\r\nSubject: [SPAM]\r\nFrom: a\r\n\r\nHi\r\n"));
    }

    #[test]
    fn a_flood_of_forged_fields_is_removed_in_place_and_named_in_part() {
        let flood = "X-XD-A: 1\r\nB: 2\r\n".repeat(1_000);
        let (content, actions) = changed(&format!("{flood}\r\nHi\r\n"), &[], false);
        assert_eq!(content, format!("{TRACE}{}\r\nHi\r\n", "B: 2\r\n".repeat(1_000)));
        assert_eq!(actions.len(), NAMED_MAX);
        let changed = change(flood.into_bytes(), &TOP, &[], false);
        assert_eq!(changed.content.pieces().count(), 2, "one piece of memory for each would cost more than it holds");
    }
}
