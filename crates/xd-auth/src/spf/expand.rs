//! Macros expanded (RFC 7208 §7.2, §7.3): to the name that is asked for, or to the words of an explanation.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::macros::{Letter, Macro, Piece, Pieces};
use super::{DomainSpec, Sender};
use crate::Name;

/// What macros tell.
#[derive(Clone, Debug)]
pub(super) struct Values<'a> {
    /// Never an IPv4 address in the clothes of IPv6.
    pub(super) client: IpAddr,
    pub(super) local: &'a str,
    pub(super) origin: &'a str,
    pub(super) ehlo: &'a str,
    pub(super) receiver: &'a str,
    pub(super) now: u64,
}

impl<'a> Values<'a> {
    pub(super) fn of(sender: &Sender<'a>) -> Self {
        // RFC 7208 §2.4: for a null reverse-path, postmaster at the EHLO domain; §4.3: without a local part, postmaster.
        let ehlo = beginning(sender.ehlo);
        let (local, origin) = match sender.reverse_path.map(end) {
            None => (POSTMASTER, ehlo),
            Some(mailbox) => match mailbox.rsplit_once('@') {
                None | Some(("", _)) => (POSTMASTER, mailbox.strip_prefix('@').unwrap_or(mailbox)),
                Some(parts) => parts,
            },
        };
        let receiver = if sender.receiver.is_empty() { "unknown" } else { sender.receiver };
        Self { client: sender.client.to_canonical(), local, origin, ehlo, receiver, now: sender.now }
    }

    /// The name that a text stands for; none when no such name can be asked for. `ptr` is what the macro `p` tells.
    pub(super) fn name(&self, spec: DomainSpec<'_>, domain: &Name, ptr: &str) -> Option<Name> {
        if spec.as_str().len() > MAX_SPEC {
            return None;
        }
        let mut text = String::with_capacity(64);
        for piece in spec.pieces() {
            // RFC 8616 §4: nothing matches what names a local part outside of ASCII.
            if matches!(piece, Ok(Piece::Macro(Macro { letter: Letter::Local | Letter::Sender, .. })) if !self.local.is_ascii()) {
                return None;
            }
            // The syntax was right when the text was read, so that there is no error here.
            self.add(piece.ok()?, domain, ptr, &mut text);
            keep_end(&mut text);
        }
        let name = Name::parse_with_spaces(longest_name(&text)?).ok()?;
        if name.is_root() { None } else { Some(name) }
    }

    /// The words of an explanation; none when the text has an error.
    pub(super) fn explanation(&self, text: Pieces<'_>, domain: &Name, ptr: &str) -> Option<String> {
        let mut words = String::new();
        for piece in text {
            let piece = piece.ok()?;
            // Read on all the same: an error further back is one too.
            if words.len() < MAX_EXPLANATION {
                self.add(piece, domain, ptr, &mut words);
            }
        }
        // RFC 7208 §6.2: it is meant for a reply, whose text is ASCII. The EHLO domain may be anything.
        let mut words: String = words.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
        words.truncate(MAX_EXPLANATION);
        Some(words)
    }

    fn add(&self, piece: Piece<'_>, domain: &Name, ptr: &str, text: &mut String) {
        match piece {
            Piece::Escape(piece) => text.push_str(piece),
            Piece::Literal(piece) => text.push_str(piece),
            Piece::Macro(wanted) => {
                let value = self.value(wanted.letter, domain, ptr);
                let value = wanted.change(&value);
                if wanted.is_escaped { escape(&value, text) } else { text.push_str(&value) }
            }
        }
    }

    fn value<'v>(&'v self, letter: Letter, domain: &'v Name, ptr: &'v str) -> Cow<'v, str> {
        match letter {
            Letter::Address => dotted(self.client).into(),
            Letter::Client => self.client.to_string().into(),
            Letter::Domain => domain.as_str().into(),
            Letter::Ehlo => self.ehlo.into(),
            Letter::Local => self.local.into(),
            Letter::Origin => self.origin.into(),
            Letter::Ptr => ptr.into(),
            Letter::Receiver => self.receiver.into(),
            Letter::Sender => format!("{}@{}", self.local, self.origin).into(),
            Letter::Time => self.now.to_string().into(),
            Letter::Version => if self.client.is_ipv4() { "in-addr" } else { "ip6" }.into(),
        }
    }
}

impl Macro<'_> {
    /// RFC 7208 §7.3: split, reversed, the right-hand parts kept, joined with dots.
    fn change<'v>(&self, value: &'v str) -> Cow<'v, str> {
        if self.keep.is_none() && !self.is_reversed && self.delimiters.is_empty() {
            return value.into();
        }
        let is_delimiter = |c: char| if self.delimiters.is_empty() { c == '.' } else { self.delimiters.contains(c) };
        let mut parts: Vec<&str> = value.split(is_delimiter).collect();
        if self.is_reversed {
            parts.reverse();
        }
        let dropped = parts.len().saturating_sub(self.keep.unwrap_or(usize::MAX));
        parts.get(dropped..).unwrap_or_default().join(".").into()
    }
}

/// RFC 7208 §7.3: the address of IPv4 as it is, that of IPv6 as its hexadecimal digits with dots between them.
fn dotted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let mut text = String::with_capacity(63);
            for octet in address.octets() {
                let dot = if text.is_empty() { "" } else { "." };
                // Writing to a String cannot fail. The suite of RFC 7208 has upper-case digits; to DNS it is the same.
                let _ = write!(text, "{dot}{:X}.{:X}", octet >> 4, octet & 0xf);
            }
            text
        }
    }
}

/// RFC 7208 §7.3, RFC 3986 §2.3: all but unreserved characters are escaped.
fn escape(value: &str, text: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// Drops from the left what cannot become part of a name, so that a text grows no further however often a macro stands in it.
fn keep_end(text: &mut String) {
    if text.len() > MAX_EXPANDED {
        text.drain(..text.ceil_char_boundary(text.len().saturating_sub(MAX_NAME + 2)));
    }
}

/// RFC 7208 §7.3: of a name of more than 253 octets, labels are dropped from the left until it fits.
fn longest_name(text: &str) -> Option<&str> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some(over) = text.len().checked_sub(MAX_NAME).filter(|&over| over > 0) else { return Some(text) };
    // A label ends before the octet that is the first to fit, or further right.
    let end = text.get(text.ceil_char_boundary(over.saturating_sub(1))..)?;
    end.split_once('.').map(|(_, name)| name)
}

fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_SAID)).unwrap_or(text)
}

fn end(text: &str) -> &str {
    text.get(text.ceil_char_boundary(text.len().saturating_sub(MAX_SAID))..).unwrap_or(text)
}

const POSTMASTER: &str = "postmaster";
/// Octets of a name as text (RFC 7208 §7.3).
const MAX_NAME: usize = 253;
/// Octets of the EHLO domain and of the reverse-path that are looked at: no command of SMTP has more (RFC 5321 §4.5.3.1.4).
const MAX_SAID: usize = 1024;
/// Octets of a domain with macros before they are expanded: four times the longest name. More would be work for nothing, since each
/// macro may stand for a long text.
const MAX_SPEC: usize = 1024;
/// Octets of a text that is still growing: several names long, so that it is cut seldom.
const MAX_EXPANDED: usize = 1024;
/// Octets of an explanation: two lines of a reply (RFC 5321 §4.5.3.1.5), which no one reads further than.
const MAX_EXPLANATION: usize = 1024;

#[cfg(test)]
mod tests {
    use super::super::macros::Place;
    use super::*;

    /// The values that RFC 7208 §7.4 takes for its examples.
    fn example(client: &str) -> Values<'static> {
        let sender = Sender {
            client: client.parse().unwrap(),
            ehlo: "mx.example.org",
            reverse_path: Some("strong-bad@email.example.com"),
            receiver: "",
            now: 1_700_000_000,
        };
        Values::of(&sender)
    }

    fn expanded(values: &Values<'_>, text: &str) -> String {
        let domain = Name::parse("email.example.com").unwrap();
        values.explanation(Pieces::of(text, Place::Explanation), &domain, "unknown").unwrap()
    }

    #[test]
    fn examples_of_the_standard() {
        let values = example("192.0.2.3");
        for (text, expected) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
            ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
            ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
            ("%{c} at %{t} to %{r}: %%%_%-", "192.0.2.3 at 1700000000 to unknown: % %20"),
            ("%{S}", "strong-bad%40email.example.com"),
        ] {
            assert_eq!(expanded(&values, text), expected, "{text}");
        }
        assert_eq!(
            expanded(&example("2001:db8::cb01"), "%{ir}.%{v}").to_ascii_lowercase(),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6"
        );
    }

    #[test]
    fn long_names_lose_labels_on_the_left() {
        let label = "b".repeat(63);
        let tail = format!("{label}.{label}.{label}.{}", "c".repeat(61));
        assert_eq!(tail.len(), 253);
        assert_eq!(longest_name(&tail), Some(&*tail));
        assert_eq!(longest_name(&format!("{tail}.")), Some(&*tail));
        assert_eq!(longest_name(&format!("a.{tail}")), Some(&*tail));
        assert_eq!(longest_name(&format!("{}.{tail}", "a".repeat(500))), Some(&*tail));
        assert_eq!(longest_name(&format!("a{tail}")), Some(&tail[64..]));
        assert_eq!(longest_name(&"a".repeat(254)), None);
    }

    #[test]
    fn a_macro_repeated_without_end_stays_short() {
        let values = example("192.0.2.3");
        let text = format!("{}x.example", "%{s}.".repeat(203));
        let name = values.name(DomainSpec::parse(&text).unwrap(), &Name::root(), "").unwrap();
        assert!(name.as_str().len() > 200 && name.as_str().ends_with("@email.example.com.x.example"), "{name}");
        assert_eq!(expanded(&values, &text.repeat(50)).len(), MAX_EXPLANATION);
        let at = format!("x{}example", "x.".repeat(508));
        assert_eq!(at.len(), MAX_SPEC);
        let over = format!("x{at}");
        assert!(values.name(DomainSpec::parse(&at).unwrap(), &Name::root(), "").is_some());
        assert!(values.name(DomainSpec::parse(&over).unwrap(), &Name::root(), "").is_none());
    }

    #[test]
    fn what_no_command_can_say_is_not_looked_at() {
        let (ehlo, mailbox) = ("\u{e9}".repeat(600), format!("{}@example.com", "\u{e9}".repeat(600)));
        let client = IpAddr::from([192, 0, 2, 3]);
        let values = Values::of(&Sender { client, ehlo: &ehlo, reverse_path: Some(&mailbox), receiver: "", now: 0 });
        assert_eq!((values.ehlo.len(), values.local.len(), values.origin), (MAX_SAID, 1012, "example.com"));
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        let mut values = example("192.0.2.3");
        values.ehlo = "two  words\u{e9}";
        values.local = "caf\u{e9}";
        let name = |text| values.name(DomainSpec::parse(text).unwrap(), &Name::root(), "unknown").map(|name| name.to_string());
        assert_eq!(name("%{h}"), None);
        assert_eq!(name("%{H}"), Some("two%20%20words%c3%a9".to_owned()));
        assert_eq!(name("%{L}.example.com"), None);
        assert_eq!(name("%{d}"), None);
        assert_eq!(name("a..example"), None);
        assert_eq!(name("%_.example."), Some(" .example".to_owned()));
    }

    #[test]
    fn reverse_paths_without_a_local_part() {
        for (reverse_path, local, origin) in [
            (None, "postmaster", "mx.example.org"),
            (Some("@example.com"), "postmaster", "example.com"),
            (Some("example.com"), "postmaster", "example.com"),
            (Some("\"a@b\"@example.com"), "\"a@b\"", "example.com"),
            (Some(""), "postmaster", ""),
        ] {
            let client = IpAddr::from([192, 0, 2, 3]);
            let values = Values::of(&Sender { client, ehlo: "mx.example.org", reverse_path, receiver: "", now: 0 });
            assert_eq!((values.local, values.origin), (local, origin), "{reverse_path:?}");
        }
    }
}
