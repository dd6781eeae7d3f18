//! XCLIENT: a named peer says who the real client is (the Postfix XCLIENT Howto).

use std::net::IpAddr;

use super::Xclient;

/// Attributes that are known and say nothing that is used here.
const UNUSED: [&str; 3] = ["DESTADDR", "DESTPORT", "HELO"];

/// Reads `NAME=value` pairs; an attribute that is not known makes none of it count.
pub(super) fn parse(attributes: &str) -> Option<Xclient> {
    let mut xclient = Xclient::default();
    let mut any = false;
    for word in attributes.split(' ').filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=')?;
        let value = value_of(value)?;
        any = true;
        if name.eq_ignore_ascii_case("ADDR") {
            xclient.address = Some(match value {
                Some(value) => Some(address(&value)?),
                None => None,
            });
        } else if name.eq_ignore_ascii_case("PORT") {
            xclient.port = Some(value.as_deref().map(str::parse).transpose().ok()?);
        } else if name.eq_ignore_ascii_case("NAME") {
            xclient.name = Some(value);
        } else if name.eq_ignore_ascii_case("LOGIN") {
            xclient.login = Some(value);
        } else if name.eq_ignore_ascii_case("PROTO") {
            if !matches!(value?.to_ascii_uppercase().as_str(), "ESMTP" | "SMTP") {
                return None;
            }
        } else if !UNUSED.iter().any(|unused| name.eq_ignore_ascii_case(unused)) {
            return None;
        }
    }
    any.then_some(xclient)
}

/// A value without its encoding; `None` inside is one that the peer does not know.
fn value_of(value: &str) -> Option<Option<String>> {
    if value.eq_ignore_ascii_case("[UNAVAILABLE]") || value.eq_ignore_ascii_case("[TEMPUNAVAIL]") {
        return Some(None);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'!'..=b'~' => byte,
            _ => return None,
        });
    }
    let text = String::from_utf8(decoded).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(Some(text))
}

fn address(value: &str) -> Option<IpAddr> {
    let bare = match value.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPV6:") => &value[5..],
        _ => value,
    };
    bare.parse().ok()
}

fn hex(digit: u8) -> Option<u8> {
    // A digit to the base of 16 is below 16.
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_decoded() {
        let read = parse("NAME=spike.example ADDR=IPV6:2001:db8::1 port=99 PROTO=ESMTP LOGIN=a+20b HELO=[UNAVAILABLE]").unwrap();
        assert_eq!(read.address, Some(Some("2001:db8::1".parse().unwrap())));
        assert_eq!((read.port, read.login), (Some(Some(99)), Some(Some("a b".to_owned()))));
    }

    #[test]
    fn anything_wrong_makes_none_of_it_count() {
        for text in ["", "ADDR", "ADDR=x", "FOO=1", "NAME=", "NAME=a+0Db", "NAME=a+2", "PORT=x", "PROTO=X", "ADDR=1.2.3.4 X"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
