//! Address fields as mailboxes (RFC 5322 §3.4, with its obsolete forms), read as mail programs do: whatever stands there, the
//! addresses that a person would see or answer to come out.
//!
//! Groups are flattened. Where two addresses stand where one belongs, both are given.

use std::borrow::Cow;

use memchr::{memchr2, memrchr};

use super::{encoded_word, value};
use crate::{Defect, Defects, Mailbox};

/// Appends the mailboxes of one field value until `mailboxes` holds `limit` of them. Whether all were taken.
pub(super) fn read(raw: &[u8], limit: usize, mailboxes: &mut Vec<Mailbox>, defects: &mut Defects) -> bool {
    let text = value::lossy(raw);
    let text = value::unfold(&text);
    let last_word_end = if encoded_word::may_be_in(&text) { text.rfind("?=").unwrap_or(0) } else { 0 };
    let last = |byte| memrchr(byte, text.as_bytes()).unwrap_or(0);
    let (last_quote, last_comment_end) = (last(b'"'), last(b')'));
    let mut reader = Reader { text: &text, position: 0, last_word_end, last_quote, last_comment_end, defects };
    // A name with a comma and without quotes: `Smith, A <a@example.com>` is one person to all who see it.
    let mut names: Vec<Mailbox> = Vec::new();
    while reader.position < text.len() {
        let Some((mut mailbox, form)) = reader.mailbox() else { continue };
        match form {
            Form::Name => {
                if mailboxes.len() + names.len() >= limit {
                    return false;
                }
                names.push(mailbox);
                continue;
            }
            Form::Angle if !names.is_empty() => {
                let mut all: Vec<&str> = names.iter().map(Mailbox::shown).collect();
                all.push(&mailbox.name);
                mailbox.name = all.join(", ").trim_end_matches([',', ' ']).to_owned();
                names.clear();
            }
            Form::Angle | Form::Spec => {}
        }
        mailboxes.append(&mut names);
        if mailboxes.len() >= limit {
            return false;
        }
        mailboxes.push(mailbox);
    }
    mailboxes.append(&mut names);
    true
}

/// What a mailbox was read from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// An address in angle brackets.
    Angle,
    /// No address, only words.
    Name,
    /// An address that stands free.
    Spec,
}

impl Mailbox {
    /// What a person sees of a mailbox without an address.
    fn shown(&self) -> &str {
        if self.name.is_empty() { &self.address } else { &self.name }
    }
}

#[derive(Debug)]
struct Reader<'t, 'd> {
    text: &'t str,
    position: usize,
    /// Where the last encoded word may end: else each beginning of one would search to the end of the text.
    last_word_end: usize,
    /// A quote or comment without an end is none: it would swallow the address.
    last_quote: usize,
    last_comment_end: usize,
    defects: &'d mut Defects,
}

/// What was read of one mailbox.
#[derive(Debug, Default)]
struct Draft<'t> {
    /// The words outside angle brackets, quotes undone, one space between those that blanks divide.
    phrase: String,
    /// Where the last word of the phrase begins.
    last_word: usize,
    /// The one word among them that holds an `@` outside quotes, as its span in the phrase.
    spec: Option<(usize, usize)>,
    comment: String,
    angle: Option<&'t str>,
    start: Option<usize>,
    /// Blanks stand before what comes next.
    blank: bool,
    quoted: bool,
}

impl<'t> Reader<'t, '_> {
    /// Reads up to the end of one mailbox; none when nothing stands there.
    fn mailbox(&mut self) -> Option<(Mailbox, Form)> {
        let mut draft = Draft::default();
        let mut end = self.text.len();
        while let Some(byte) = self.peek() {
            let at = self.position;
            match byte {
                b',' | b';' => {
                    end = at;
                    self.position += 1;
                    break;
                }
                // A second address without a comma: the next call reads it.
                b'<' if draft.angle.is_some() => {
                    end = at;
                    break;
                }
                b':' if draft.spec.is_none() && draft.angle.is_none() => {
                    // The name of a group.
                    draft = Draft::default();
                    self.position += 1;
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\n' => {
                    draft.blank = true;
                    self.position += 1;
                    continue;
                }
                b'"' if at >= self.last_quote => {
                    self.position += 1;
                    continue;
                }
                b'(' if at >= self.last_comment_end => {
                    self.position += 1;
                    continue;
                }
                b'<' => draft.angle = Some(self.angle()),
                b'(' => {
                    let comment = self.comment();
                    if !draft.comment.is_empty() {
                        draft.comment.push(' ');
                    }
                    draft.comment.push_str(&comment);
                }
                // Words after the address belong to nothing or to the next one, which lacks its comma.
                _ if draft.angle.is_some() && self.another_follows() => {
                    end = at;
                    break;
                }
                b'"' => {
                    let word = self.quoted();
                    draft.word(&word, true);
                }
                _ => {
                    let word = self.atom();
                    draft.word(word, false);
                }
            }
            draft.start.get_or_insert(at);
        }
        let start = draft.start?;
        let raw = self.text.get(start..end).unwrap_or_default();
        Some(draft.finish(raw, self.defects))
    }

    /// What stands between angle brackets; without the closing one, what stands before the next comma.
    fn angle(&mut self) -> &'t str {
        let rest = self.rest().trim_start_matches('<');
        let start = self.text.len() - rest.len();
        let mut quoted = false;
        let mut escaped = false;
        let mut end = None;
        let mut comma = None;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = !quoted,
                b'>' if !quoted => {
                    end = Some(at);
                    break;
                }
                b',' if !quoted && comma.is_none() => comma = Some(at),
                b'<' if !quoted => break,
                _ => {}
            }
        }
        // RFC 5322 §4.4: a route before the address may hold commas and ends in a colon.
        let length = end.or(comma).unwrap_or(rest.len());
        let inside = rest.get(..length).unwrap_or_default();
        let after = rest.get(length..).unwrap_or_default();
        self.position = start + length + (after.len() - after.trim_start_matches('>').len());
        let address = match inside.strip_prefix('@').and_then(|route| route.split_once(':')) {
            Some((_, address)) => address,
            None => inside,
        };
        let address = address.trim_matches(|c: char| c == '>' || c.is_ascii_whitespace());
        // Quotes around the whole are none of the address: `<"a@example.com">`.
        address.strip_prefix('"').and_then(|address| address.strip_suffix('"')).unwrap_or(address)
    }

    /// A comment with those inside it, without the outer parentheses.
    fn comment(&mut self) -> String {
        let mut text = String::new();
        let mut depth = 0_usize;
        let mut escaped = false;
        for c in self.rest().chars() {
            self.position += c.len_utf8();
            match c {
                _ if escaped => {
                    escaped = false;
                    text.push(c);
                }
                '\\' => escaped = true,
                '(' => {
                    depth += 1;
                    if depth > 1 {
                        text.push(c);
                    }
                }
                ')' => {
                    depth -= 1;
                    if depth == 0 {
                        return text;
                    }
                    text.push(c);
                }
                _ => text.push(c),
            }
        }
        text
    }

    /// A quoted string without its quotes and escapes.
    fn quoted(&mut self) -> Cow<'t, str> {
        let inside = self.rest().get(1..).unwrap_or_default();
        if let Some(end) = memchr2(b'"', b'\\', inside.as_bytes())
            && inside.as_bytes().get(end) == Some(&b'"')
        {
            self.position += end + 2;
            return Cow::Borrowed(inside.get(..end).unwrap_or_default());
        }
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => {
                    escaped = false;
                    text.push(c);
                }
                '\\' => escaped = true,
                '"' => {
                    self.position += at + 1;
                    return Cow::Owned(text);
                }
                _ => text.push(c),
            }
        }
        self.position = self.text.len();
        Cow::Owned(text)
    }

    /// One word: an encoded word whatever stands in it, or everything up to a blank or special.
    fn atom(&mut self) -> &'t str {
        let start = self.position;
        let rest = self.text.get(start..).unwrap_or_default();
        let length = self.encoded_word(rest).unwrap_or_else(|| {
            let end =
                rest.bytes().position(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b':' | b'<' | b'(' | b'"'));
            end.unwrap_or(rest.len()).max(1)
        });
        self.position += length;
        rest.get(..length).unwrap_or(rest)
    }

    fn encoded_word(&self, rest: &str) -> Option<usize> {
        let may_be_one = rest.starts_with("=?") && self.last_word_end > self.position;
        may_be_one.then(|| encoded_word::length(rest)).flatten()
    }

    /// Whether an `@` or angle bracket comes before the next comma.
    fn another_follows(&self) -> bool {
        let next = self.rest().bytes().take(LOOK_AHEAD).find(|b| matches!(b, b',' | b';' | b'<' | b'@'));
        matches!(next, Some(b'<' | b'@'))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or_default()
    }
}

/// How far a second address is looked for that lacks its comma; names are shorter.
const LOOK_AHEAD: usize = 256;

/// Bytes that hold most names.
const PHRASE_BYTES: usize = 48;

impl Draft<'_> {
    fn word(&mut self, word: &str, quoted: bool) {
        // `"a b"@example.com` and `a."b"@example.com` are one word.
        let continues = !self.blank && !self.phrase.is_empty();
        if !continues {
            if !self.phrase.is_empty() {
                self.phrase.push(' ');
            }
            self.last_word = self.phrase.len();
        }
        if self.phrase.capacity() == 0 {
            // Most names fit without growing.
            self.phrase.reserve(PHRASE_BYTES.max(word.len()));
        }
        self.blank = false;
        self.quoted |= quoted;
        let is_spec = !quoted && word.contains('@');
        self.phrase.push_str(word);
        let spans_last = self.spec.is_some_and(|(start, _)| start == self.last_word);
        if is_spec || spans_last {
            self.spec = Some((self.last_word, self.phrase.len()));
        }
    }

    fn finish(self, raw: &str, defects: &mut Defects) -> (Mailbox, Form) {
        let Self { mut phrase, spec, comment, angle, quoted, .. } = self;
        let mut decode = |text| -> Cow<'_, str> {
            if encoded_word::may_be_in(text) { Cow::Owned(encoded_word::decode(text, defects)) } else { Cow::Borrowed(text) }
        };
        if let Some(address) = angle {
            let name = if phrase.is_empty() { &comment } else { &phrase };
            return (Mailbox::new(&decode(name), &decode(address)), Form::Angle);
        }
        if let Some((start, end)) = spec {
            let address = phrase.get(start..end).unwrap_or_default().to_owned();
            phrase.replace_range(start..end, "");
            let name = if phrase.trim_ascii().is_empty() { &comment } else { &phrase };
            return (Mailbox::new(&decode(name.trim_ascii()), &decode(&address)), Form::Spec);
        }
        // No address: an encoded word may hold a whole one, and people see whatever it is.
        let name = decode(if phrase.is_empty() { &comment } else { &phrase });
        if !quoted && !phrase.contains(' ') && !encoded_word::may_be_in(&phrase) && !phrase.is_empty() {
            return (Mailbox::new(&decode(&comment), &phrase), Form::Name);
        }
        let raw = raw.trim_ascii();
        (Mailbox::new(&name, raw), Form::Name)
    }
}

/// Records what is wrong with the addresses of `From`.
pub(super) fn check_from(from: &[Mailbox], defects: &mut Defects) {
    if from.iter().filter(|mailbox| mailbox.address.contains('@')).count() > 1 {
        defects.record(Defect::SeveralFromAddresses);
    }
    if from.iter().all(|mailbox| mailbox.domain.is_none()) {
        defects.record(Defect::UnreadableFrom);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailboxes(raw: &str) -> Vec<(String, String)> {
        let mut mailboxes = Vec::new();
        assert!(read(raw.as_bytes(), 100, &mut mailboxes, &mut Defects::default()));
        mailboxes.into_iter().map(|mailbox| (mailbox.name, mailbox.address)).collect()
    }

    #[test]
    fn one_mailbox_in_many_forms() {
        for (raw, name, address) in [
            ("a@example.com", "", "a@example.com"),
            ("<a@example.com>", "", "a@example.com"),
            ("Al <a@example.com>", "Al", "a@example.com"),
            ("Al B. Cee<a@example.com>", "Al B. Cee", "a@example.com"),
            ("\"Cee, Al\" <a@example.com>", "Cee, Al", "a@example.com"),
            ("\"Al \\\"X\\\" Cee\" <a@example.com>", "Al \"X\" Cee", "a@example.com"),
            ("a@example.com (Al (x) Cee)", "Al (x) Cee", "a@example.com"),
            ("Al a@example.com", "Al", "a@example.com"),
            ("\"a b\"@example.com", "", "a b@example.com"),
            ("=?utf-8?q?J=C3=BCrgen?= <j@example.com>", "Jürgen", "j@example.com"),
            ("=?utf-8?q?J=C3=BCr?=\r\n =?utf-8?q?gen?= <j@example.com>", "Jürgen", "j@example.com"),
            ("\"=?utf-8?q?J=C3=BCrgen?=\" <j@example.com>", "Jürgen", "j@example.com"),
            ("=?utf-8?q?Cee, Al <x>?= <a@example.com>", "Cee, Al <x>", "a@example.com"),
            ("=?utf-8?q?bank=40example.org?= <a@example.com>", "bank@example.org", "a@example.com"),
            ("bank@example.org <a@example.com>", "bank@example.org", "a@example.com"),
            ("\"bank@example.org\" <a@example.com>", "bank@example.org", "a@example.com"),
            ("<@relay.example,@other.example:a@example.com>", "", "a@example.com"),
            ("<<a@example.com>>", "", "a@example.com"),
            ("Al <a@example.com", "Al", "a@example.com"),
            ("Al < a@example.com >", "Al", "a@example.com"),
            ("<\"a@example.com\">", "", "a@example.com"),
            ("Cee, Al <a@example.com>", "Cee, Al", "a@example.com"),
            ("\"info@bank.example\", <a@example.com>", "info@bank.example", "a@example.com"),
            ("<>", "", ""),
            ("root", "", "root"),
            ("\"Al <a@example.com>", "Al", "a@example.com"),
            ("Al (x <a@example.com>", "Al x", "a@example.com"),
            ("Al Cee", "Al Cee", "Al Cee"),
            ("\"Support\"", "Support", "\"Support\""),
            ("mailto:a@example.com", "", "a@example.com"),
        ] {
            assert_eq!(mailboxes(raw), [(name.to_owned(), address.to_owned())], "{raw}");
        }
    }

    #[test]
    fn several_mailboxes() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" , ,;", &[]),
            ("a@x.org, b@x.org", &["a@x.org", "b@x.org"]),
            ("root, a@x.org", &["root", "a@x.org"]),
            ("root, admin", &["root", "admin"]),
            ("a@x.org; b@x.org", &["a@x.org", "b@x.org"]),
            ("A <a@x.org>,\r\n\tB <b@x.org>", &["a@x.org", "b@x.org"]),
            ("A <a@x.org> <b@x.org>", &["a@x.org", "b@x.org"]),
            ("A <a@x.org> B <b@x.org>", &["a@x.org", "b@x.org"]),
            ("Group: a@x.org, B <b@x.org>;, c@x.org", &["a@x.org", "b@x.org", "c@x.org"]),
            ("undisclosed-recipients:;", &[]),
            ("A <a@x.org, B <b@x.org>", &["a@x.org", "b@x.org"]),
        ];
        for (raw, addresses) in cases {
            let got: Vec<_> = mailboxes(raw).into_iter().map(|(_, address)| address).collect();
            assert_eq!(got, *addresses, "{raw}");
        }
    }

    #[test]
    fn the_limit_holds_on_both_sides() {
        for (count, whole) in [(3, true), (4, false)] {
            let mut mailboxes = Vec::new();
            let raw = vec!["a@x.org"; count].join(",");
            assert_eq!(read(raw.as_bytes(), 3, &mut mailboxes, &mut Defects::default()), whole);
            assert_eq!(mailboxes.len(), 3);
        }
    }

    #[test]
    fn defects_of_from() {
        for (raw, expected) in [
            ("a@x.org", Vec::new()),
            ("a@x.org, b@x.org", vec![Defect::SeveralFromAddresses]),
            ("Smith, A <a@x.org>", Vec::new()),
            ("root", vec![Defect::UnreadableFrom]),
            ("<>", vec![Defect::UnreadableFrom]),
            ("", vec![Defect::UnreadableFrom]),
        ] {
            let mut from = Vec::new();
            let mut defects = Defects::default();
            read(raw.as_bytes(), 10, &mut from, &mut defects);
            check_from(&from, &mut defects);
            assert_eq!(defects.iter().collect::<Vec<_>>(), expected, "{raw}");
        }
    }
}
